/* Live counters as a day. All hashes of a date come in one transaction, so that its tables agree
 * with each other while the aggregator goes on counting. */

#include "cli/export_day.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/timezone.h"

enum {
    ERROR_BYTES = 256,
    HASHES = TABLE__COUNT + CROSS__COUNT,
    COMMANDS = HASHES + 2, /* MULTI, EXEC */
    KEY_BYTES_MAX = 1024,
    SCAN_ROUNDS_MAX = 10 * 1000 * 1000,
    CURSOR_BYTES = 32,
    DIGITS_MAX = 17,
    FIRST_DATES = 512,
};

static bool fail(char error[static ERROR_BYTES], const char *sentence)
{
    snprintf(error, ERROR_BYTES, "%s", sentence);
    return false;
}

/* --- Dates ------------------------------------------------------------------------------------ */

/* A set of dates, as a bit for each day since 1970; some kilobytes for all that there can be. */
enum { DAYS_MAX = 8030 * 366, EPOCH = 19700101 };

static void note_dates(const struct redis_reply *keys, const uint32_t range[2], uint8_t *days)
{
    for (size_t i = 0; i < redis_reply_count(keys); i++) {
        uint32_t date;
        if (!model_key_date(redis_reply_str(redis_reply_at(keys, i)), &date) || date < range[0] ||
            date > range[1])
            continue;
        unsigned day = (unsigned)date_diff_days(date, EPOCH);
        days[day / 8] |= (uint8_t)(1u << day % 8);
    }
}

/* Domains hold no character that a pattern gives a meaning to. */
static bool scan(struct redis *redis, struct str site, const uint32_t range[2], uint8_t *days)
{
    char cursor[CURSOR_BYTES] = "0";
    struct buf pattern;
    bool good = true, more = true;
    buf_init(&pattern, KEY_BYTES_MAX);
    model_key_site_prefix(&pattern, site);
    buf_append_byte(&pattern, '*');
    for (int round = 0; good && more && round < SCAN_ROUNDS_MAX; round++) {
        struct redis_reply *reply =
            redis_do(redis, STR_LIT("SCAN"), str_from(cursor), STR_LIT("MATCH"), buf_str(&pattern),
                     STR_LIT("COUNT"), STR_LIT("1000"));
        good = reply != NULL && redis_reply_count(reply) == 2;
        if (good) {
            snprintf(cursor, sizeof(cursor), "%.*s",
                     STR_ARG(redis_reply_str(redis_reply_at(reply, 0))));
            note_dates(redis_reply_at(reply, 1), range, days);
            more = strcmp(cursor, "0") != 0;
        }
        redis_reply_free(reply);
    }
    buf_done(&pattern);
    return good;
}

bool export_dates(struct redis *redis, struct str site, const uint32_t range[2],
                  uint32_t **ret_dates, size_t *ret_count, char error[static ERROR_BYTES])
{
    uint8_t *days = calloc(1, DAYS_MAX / 8 + 1);
    if (days == NULL)
        abort();
    if (!scan(redis, site, range, days)) {
        free(days);
        return fail(error, "Redis does not tell which days are kept.");
    }
    uint32_t *dates = NULL;
    size_t count = 0, capacity = 0;
    for (int day = 0; day < DAYS_MAX; day++) {
        if ((days[day / 8] >> day % 8 & 1) == 0)
            continue;
        if (count == capacity) {
            capacity = capacity == 0 ? FIRST_DATES : 2 * capacity;
            dates = reallocarray(dates, capacity, sizeof(*dates));
            if (dates == NULL)
                abort();
        }
        dates[count++] = date_add_days(EPOCH, day);
    }
    free(days);
    *ret_dates = dates;
    *ret_count = count;
    return true;
}

/* --- A day ------------------------------------------------------------------------------------ */

static bool parse_count(struct str text, int64_t *ret_number)
{
    char digits[DIGITS_MAX + 1], *end;
    if (text.len == 0 || text.len > DIGITS_MAX ||
        (text.ptr[0] != '-' && (text.ptr[0] < '0' || text.ptr[0] > '9')))
        return false;
    memcpy(digits, text.ptr, text.len);
    digits[text.len] = '\0';
    *ret_number = strtoll(digits, &end, 10);
    return *end == '\0';
}

static void add_cell(struct day *day, enum cross cross, struct str values, enum metric metric,
                     int64_t number)
{
    struct day_cell cell = {0};
    struct day_cross *hidden = &day->crosses[cross];
    size_t separator = str_find(values, MODEL_CROSS_SEPARATOR);
    *(metric == METRIC_VISITS ? &cell.visits : &cell.views) = number;
    if (separator < values.len &&
        day_names_add(day->names, model_cross_left(cross), str_prefix(values, separator),
                      &cell.left) &&
        day_names_add(day->names, model_cross_right(cross), str_from_at(values, separator + 1),
                      &cell.right)) {
        day_cell_add(day, cross, &cell);
        return;
    }
    day_sum_add(&hidden->hidden_views, cell.views);
    day_sum_add(&hidden->hidden_visits, cell.visits);
}

/* One field of a hash: a table's, or behind those a cross's. False for what no counter is like. */
static bool add_field(struct day *day, int hash, struct str field, struct str value)
{
    enum metric metric;
    int64_t number;
    bool is_cross = hash >= TABLE__COUNT;
    struct str name = str_from_at(field, 1);
    if (field.len > 0 && field.ptr[0] == MODEL_APPLIED_MARK)
        return true;
    if (field.len == 0 || name.len > (is_cross ? CROSS_VALUE_BYTES_MAX : VALUE_BYTES_MAX) ||
        !model_metric_from_letter(field.ptr[0], &metric) || !parse_count(value, &number))
        return false;
    if (is_cross)
        add_cell(day, (enum cross)(hash - TABLE__COUNT), name, metric, number);
    else
        day_sum_add(&day_row(day, (enum table)hash, name)->sums[metric], number);
    return true;
}

static bool take_hashes(struct day *day, const struct redis_reply *exec)
{
    if (redis_reply_type(exec) != REDIS_TYPE_ARRAY || redis_reply_count(exec) != HASHES)
        return false;
    for (int hash = 0; hash < HASHES; hash++) {
        const struct redis_reply *fields = redis_reply_at(exec, (size_t)hash);
        if (redis_reply_type(fields) != REDIS_TYPE_ARRAY)
            return false;
        for (size_t i = 0; i + 1 < redis_reply_count(fields); i += 2)
            if (!add_field(day, hash, redis_reply_str(redis_reply_at(fields, i)),
                           redis_reply_str(redis_reply_at(fields, i + 1))))
                return false;
    }
    return true;
}

static void hash_key(struct buf *out, struct str site, uint32_t date, int hash)
{
    if (hash < TABLE__COUNT)
        model_key_live(out, site, date, (enum table)hash);
    else
        model_key_cross(out, site, date, (enum cross)(hash - TABLE__COUNT));
}

bool export_day_read(struct redis *redis, struct str site, struct day *day,
                     char error[static ERROR_BYTES])
{
    struct buf keys[HASHES];
    struct str words[COMMANDS][2] = {{STR_LIT("MULTI")}};
    const struct str *argv[COMMANDS];
    size_t argc[COMMANDS];
    struct redis_reply *replies[COMMANDS];
    words[COMMANDS - 1][0] = STR_LIT("EXEC");
    for (int i = 0; i < COMMANDS; i++) {
        argv[i] = words[i];
        argc[i] = 1;
    }
    for (int hash = 0; hash < HASHES; hash++) {
        buf_init(&keys[hash], KEY_BYTES_MAX);
        hash_key(&keys[hash], site, day->date, hash);
        words[hash + 1][0] = STR_LIT("HGETALL");
        words[hash + 1][1] = buf_str(&keys[hash]);
        argc[hash + 1] = 2;
    }
    bool answered = redis_pipeline(redis, COMMANDS, argc, argv, replies);
    bool good = answered && take_hashes(day, replies[COMMANDS - 1]);
    for (int i = 0; answered && i < COMMANDS; i++)
        redis_reply_free(replies[i]);
    for (int hash = 0; hash < HASHES; hash++)
        buf_done(&keys[hash]);
    return good || fail(error, "the counts of a day cannot be read from Redis.");
}

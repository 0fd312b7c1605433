/* What is kept of a date as one day: what was sealed, and what is open, as the close reads them.
 * And what is kept of a month whose days have been folded into it. */

#include "cli/export_day.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregator/close_read.h"
#include "common/timezone.h"

enum {
    ERROR_BYTES = 256,
    KEY_BYTES_MAX = 1024,
    SCAN_ROUNDS_MAX = 10 * 1000 * 1000,
    CURSOR_BYTES = 32,
    FIRST_DATES = 512,
};

static bool fail(char error[static ERROR_BYTES], const char *sentence)
{
    snprintf(error, ERROR_BYTES, "%s", sentence);
    return false;
}

/* --- Dates ------------------------------------------------------------------------------------ */

/* Sets of days and of months, by their first day, as a bit for each day since 1970; some hundred
 * kilobytes for all that there can be. */
enum { DAYS_MAX = 8030 * 366, EPOCH = 19700101 };

struct date_sets {
    uint32_t from, to;
    struct export_dates *found;
    uint8_t days[DAYS_MAX / 8 + 1], months[DAYS_MAX / 8 + 1], cut[DAYS_MAX / 8 + 1];
};

/* True when it was not in there. */
static bool note(uint8_t *set, uint32_t date)
{
    unsigned day = (unsigned)date_diff_days(date, EPOCH);
    bool is_new = (set[day / 8] >> day % 8 & 1) == 0;
    set[day / 8] |= (uint8_t)(1u << day % 8);
    return is_new;
}

static uint32_t month_end(uint32_t first)
{
    uint32_t next = first / 100 % 100 == 12 ? first + 10000 - 1100 : first + 100;
    return date_add_days(next, -1);
}

static void note_month(struct date_sets *sets, uint32_t first)
{
    uint32_t last = month_end(first);
    if (first >= sets->from && last <= sets->to)
        sets->found->months += note(sets->months, first);
    else if (last >= sets->from && first <= sets->to)
        sets->found->cut_months += note(sets->cut, first);
}

static bool is_key(void (*key_of)(struct buf *, struct str, uint32_t), struct str site,
                   uint32_t date, struct str key)
{
    struct buf other;
    buf_init(&other, KEY_BYTES_MAX);
    key_of(&other, site, date);
    bool is_equal = str_eq(buf_str(&other), key);
    buf_done(&other);
    return is_equal;
}

/* Names of a month are of its days, or of the month itself; its sum is of its days. */
static void note_key(struct date_sets *sets, struct str site, struct str key)
{
    uint32_t date;
    if (!model_key_date(key, &date) || is_key(model_key_names, site, date, key) ||
        is_key(model_key_sum, site, date, key))
        return;
    if (is_key(model_key_month, site, date, key))
        note_month(sets, date);
    else if (date >= sets->from && date <= sets->to)
        (void)note(sets->days, date);
}

/* Domains hold no character that a pattern gives a meaning to. */
static bool scan(struct redis *redis, struct str site, struct date_sets *sets)
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
            const struct redis_reply *keys = redis_reply_at(reply, 1);
            snprintf(cursor, sizeof(cursor), "%.*s",
                     STR_ARG(redis_reply_str(redis_reply_at(reply, 0))));
            for (size_t i = 0; i < redis_reply_count(keys); i++)
                note_key(sets, site, redis_reply_str(redis_reply_at(keys, i)));
            more = strcmp(cursor, "0") != 0;
        }
        redis_reply_free(reply);
    }
    buf_done(&pattern);
    return good;
}

static void add_date(struct export_dates *dates, size_t *capacity, uint32_t date)
{
    if (dates->count == *capacity) {
        *capacity = *capacity == 0 ? FIRST_DATES : 2 * *capacity;
        dates->dates = reallocarray(dates->dates, *capacity, sizeof(*dates->dates));
        if (dates->dates == NULL)
            abort();
    }
    dates->dates[dates->count++] = date;
}

/* A month stands before such days of it as have come late. */
static void list_dates(const struct date_sets *sets, struct export_dates *dates)
{
    size_t capacity = 0;
    for (int day = 0; day < DAYS_MAX; day++) {
        bool is_month = sets->months[day / 8] >> day % 8 & 1;
        bool is_day = sets->days[day / 8] >> day % 8 & 1;
        uint32_t date = is_month || is_day ? date_add_days(EPOCH, day) : 0;
        if (is_month)
            add_date(dates, &capacity, date - 1); /* yyyymm00 */
        if (is_day)
            add_date(dates, &capacity, date);
    }
}

bool export_dates_find(struct redis *redis, struct str site, const uint32_t range[2],
                       struct export_dates *ret_dates, char error[static ERROR_BYTES])
{
    struct export_dates dates = {0};
    struct date_sets *sets = calloc(1, sizeof(*sets));
    if (sets == NULL)
        abort();
    sets->from = range[0];
    sets->to = range[1];
    sets->found = &dates;
    bool good = scan(redis, site, sets);
    if (good)
        list_dates(sets, &dates);
    free(sets);
    if (!good)
        return fail(error, "Redis does not tell which days are kept.");
    *ret_dates = dates;
    return true;
}

void export_dates_done(struct export_dates *dates)
{
    free(dates->dates);
    *dates = (struct export_dates){0};
}

void export_date_text(uint32_t date, char text[static EXPORT_DATE_BYTES])
{
    int len = snprintf(text, EXPORT_DATE_BYTES, "%04" PRIu32 "-%02" PRIu32, date / 10000 % 10000,
                       date / 100 % 100);
    if (!export_is_month(date))
        snprintf(text + len, EXPORT_DATE_BYTES - (size_t)len, "-%02" PRIu32, date % 100);
}

/* --- A month ---------------------------------------------------------------------------------- */

static bool read_record(struct redis_reply *reply, struct day *day, char error[static ERROR_BYTES])
{
    struct record_names names;
    struct day month;
    struct record_reader *reader = record_reader_new();
    record_names_init(&names);
    day_init(&month, day->date, &names.names);
    enum record_status status = RECORD_BAD_NAMES;
    if (record_names_read(&names, redis_reply_str(redis_reply_at(reply, 1))))
        status = record_decode(reader, redis_reply_str(redis_reply_at(reply, 0)), &names, &month);
    if (status == RECORD_OK)
        day_merge(day, &month);
    day_done(&month);
    record_names_done(&names);
    record_reader_free(reader);
    return status == RECORD_OK || fail(error, record_status_text(status));
}

/* One that has expired since it was found is empty. */
static bool read_month(struct redis *redis, struct str site, struct day *day,
                       char error[static ERROR_BYTES])
{
    struct buf record, names;
    buf_init(&record, KEY_BYTES_MAX);
    buf_init(&names, KEY_BYTES_MAX);
    model_key_month(&record, site, day->date);
    model_key_names(&names, site, day->date);
    struct redis_reply *reply = redis_do(redis, STR_LIT("MGET"), buf_str(&record), buf_str(&names));
    buf_done(&names);
    buf_done(&record);
    bool good = reply != NULL && redis_reply_count(reply) == 2;
    if (!good)
        (void)fail(error, "Redis does not tell what is kept of a month.");
    else if (redis_reply_type(redis_reply_at(reply, 0)) != REDIS_TYPE_NIL)
        good = read_record(reply, day, error);
    redis_reply_free(reply);
    return good;
}

/* --- A day ------------------------------------------------------------------------------------ */

bool export_day_read(struct redis *redis, struct str site, struct day *day,
                     char error[static ERROR_BYTES])
{
    if (export_is_month(day->date))
        return read_month(redis, site, day, error);
    struct close_reading reading;
    struct record_reader *reader = record_reader_new();
    struct trouble trouble = {0};
    close_reading_init(&reading, day->date);
    bool good = close_read(&reading, redis, site, &trouble);
    if (!good)
        snprintf(error, ERROR_BYTES, "%s", trouble_words(trouble.kind));
    else if (reading.damage[0] != '\0' || !close_read_sealed(&reading, reader))
        good = fail(error, reading.damage);
    else
        day_merge(day, &reading.day);
    close_reading_done(&reading);
    record_reader_free(reader);
    return good;
}

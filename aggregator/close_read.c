/* One round trip: all live hashes, the record and the month's names.
 *
 *   HGETALL of 25 tables and 45 crosses, GET record, GET names
 *        │ fields and their numbers         │
 *        ▼                                  ▼
 *   day (own names) ◀────── day_merge ── old record (the month's names)
 *
 * The names are the day's own, so that a value which a threshold folds away never enters the names
 * of the month. A sketch has a key of its own for each row with visitors; so the rows tell which
 * sketches there are, and no key has to be listed.
 *
 * Called by the close alone. */

#include "aggregator/close_read.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    HASHES = TABLE__COUNT + CROSS__COUNT,
    COMMANDS = HASHES + 2,
    RECORD_AT = HASHES,
    NAMES_AT,
    KEY_BYTES_MAX = 2 * VALUE_BYTES_MAX,
    FIRST_KEYS = 128,
    DIGITS_MAX = 17,
};
static const char DOING[] = "reading a day that is over";

/* --- Keys ------------------------------------------------------------------------------------- */

struct str key_list_at(const struct key_list *keys, size_t index)
{
    assert(index < keys->count);
    size_t at = index == 0 ? 0 : keys->ends[index - 1];
    return (struct str){keys->bytes.ptr + at, keys->ends[index] - at};
}

/* Everything appended to the bytes since the last one becomes a key. */
static void key_list_end(struct key_list *keys)
{
    if (keys->count == keys->capacity) {
        keys->capacity = keys->capacity == 0 ? FIRST_KEYS : 2 * keys->capacity;
        keys->ends = reallocarray(keys->ends, keys->capacity, sizeof(*keys->ends));
        if (keys->ends == NULL)
            abort();
    }
    keys->ends[keys->count++] = keys->bytes.len;
}

/* --- Fields ----------------------------------------------------------------------------------- */

static bool parse_count(struct str text, int64_t *ret_number)
{
    char digits[DIGITS_MAX + 1], *end;
    if (text.len == 0 || text.len > DIGITS_MAX)
        return false;
    memcpy(digits, text.ptr, text.len);
    digits[text.len] = '\0';
    long long number = strtoll(digits, &end, 10);
    if (*end != '\0' || digits[0] == ' ' || digits[0] == '+')
        return false;
    *ret_number = number;
    return true;
}

bool close_read_field(struct day *day, enum table table, struct str field, struct str value)
{
    enum metric metric;
    int64_t number;
    if (field.len > 0 && field.ptr[0] == MODEL_APPLIED_MARK)
        return true;
    if (field.len == 0 || field.len > 1 + VALUE_BYTES_MAX ||
        !model_metric_from_letter(field.ptr[0], &metric) || !parse_count(value, &number))
        return false;
    day_sum_add(&day_row(day, table, str_from_at(field, 1))->sums[metric], number);
    return true;
}

/* The cell of a field's two values. False when there is no room for its names: it is hidden. */
static bool cell_of(struct day *day, enum cross cross, struct str values, size_t separator,
                    struct day_cell *ret_cell)
{
    return day_names_add(day->names, model_cross_left(cross), str_prefix(values, separator),
                         &ret_cell->left) &&
           day_names_add(day->names, model_cross_right(cross), str_from_at(values, separator + 1),
                         &ret_cell->right);
}

bool close_read_cross_field(struct day *day, enum cross cross, struct str field, struct str value)
{
    struct day_cell cell = {0};
    size_t separator = str_find(field, MODEL_CROSS_SEPARATOR);
    bool is_other = str_eq(field, STR_LIT(MODEL_OTHER));
    if ((separator == field.len && !is_other) || separator > VALUE_BYTES_MAX ||
        field.len > separator + 1 + VALUE_BYTES_MAX ||
        !model_cross_counts(value, &cell.views, &cell.visits))
        return false;
    if (!is_other && cell_of(day, cross, field, separator, &cell)) {
        day_cell_add(day, cross, &cell);
    } else {
        day_sum_add(&day->crosses[cross].hidden_views, cell.views);
        day_sum_add(&day->crosses[cross].hidden_visits, cell.visits);
    }
    return true;
}

/* --- Hashes ----------------------------------------------------------------------------------- */

static void hash_key(struct buf *out, struct str site, uint32_t date, int hash)
{
    if (hash < TABLE__COUNT)
        model_key_live(out, site, date, (enum table)hash);
    else
        model_key_cross(out, site, date, (enum cross)(hash - TABLE__COUNT));
}

static bool add_hash(struct close_reading *reading, int hash, const struct redis_reply *fields)
{
    bool good = true;
    for (size_t i = 0; i + 1 < redis_reply_count(fields) && good; i += 2) {
        struct str field = redis_reply_str(redis_reply_at(fields, i));
        struct str value = redis_reply_str(redis_reply_at(fields, i + 1));
        good = hash < TABLE__COUNT
                   ? close_read_field(&reading->day, (enum table)hash, field, value)
                   : close_read_cross_field(&reading->day, (enum cross)(hash - TABLE__COUNT), field,
                                            value);
    }
    return good;
}

static void add_sketch_keys(struct close_reading *reading, struct str site)
{
    const struct day *day = &reading->day;
    for (int t = 0; t < TABLE__COUNT; t++) {
        const struct day_table *table = &day->tables[t];
        for (uint32_t i = 0; i < table->count; i++) {
            if (table->rows[i].sums[METRIC_VISITORS] == 0)
                continue;
            model_key_seen(&reading->keys.bytes, site, day->date, (enum table)t,
                           day_names_at(day->names, (enum table)t, table->rows[i].name));
            key_list_end(&reading->keys);
        }
    }
}

/* `what` of the table or cross of this number, or of the day when it is past them. */
static void damaged(struct close_reading *reading, int hash, const char *what)
{
    char *out = reading->damage;
    size_t room = sizeof(reading->damage);
    enum cross cross = (enum cross)(hash - TABLE__COUNT);
    if (hash < TABLE__COUNT)
        (void)snprintf(out, room, "%s: %s", model_table_name((enum table)hash), what);
    else if (hash < HASHES)
        (void)snprintf(out, room, "%s*%s: %s", model_table_name(model_cross_left(cross)),
                       model_table_name(model_cross_right(cross)), what);
    else
        (void)snprintf(out, room, "%s", what);
}

/* Takes apart what Redis answered for one command. False with the trouble. */
static bool take_reply(struct close_reading *reading, struct str site, int command,
                       const struct redis_reply *reply, struct trouble *ret_trouble)
{
    if (redis_reply_type(reply) == REDIS_TYPE_ERROR) {
        (void)trouble_set(ret_trouble, DOING, redis_reply_str(reply));
        if (!trouble_lasts(ret_trouble->kind))
            return false;
        damaged(reading, command, trouble_words(ret_trouble->kind));
        return true;
    }
    if (command >= HASHES || redis_reply_count(reply) == 0)
        return true;
    if (!add_hash(reading, command, reply))
        damaged(reading, command, "a stored count is no number, or no table's");
    hash_key(&reading->keys.bytes, site, reading->day.date, command);
    key_list_end(&reading->keys);
    return true;
}

/* --- The day ---------------------------------------------------------------------------------- */

void close_reading_init(struct close_reading *reading, uint32_t date)
{
    *reading = (struct close_reading){.names_reply = NULL};
    day_names_init(&reading->names);
    day_init(&reading->day, date, &reading->names);
    record_names_init(&reading->month);
    buf_init(&reading->keys.bytes, CLOSE_KEYS_BYTES_MAX);
}

void close_reading_done(struct close_reading *reading)
{
    redis_reply_free(reading->names_reply);
    redis_reply_free(reading->record_reply);
    free(reading->keys.ends);
    buf_done(&reading->keys.bytes);
    record_names_done(&reading->month);
    day_done(&reading->day);
    day_names_done(&reading->names);
}

/* Asks for everything at once. False with the trouble. */
static bool ask(struct redis *redis, struct str site, uint32_t date,
                struct redis_reply *replies[COMMANDS], struct trouble *ret_trouble)
{
    struct buf keys[COMMANDS];
    struct str words[COMMANDS][2];
    const struct str *argv[COMMANDS];
    size_t argc[COMMANDS];
    for (int i = 0; i < COMMANDS; i++) {
        buf_init(&keys[i], KEY_BYTES_MAX);
        if (i == RECORD_AT)
            model_key_day(&keys[i], site, date);
        else if (i == NAMES_AT)
            model_key_names(&keys[i], site, date);
        else
            hash_key(&keys[i], site, date, i);
        words[i][0] = i < HASHES ? STR_LIT("HGETALL") : STR_LIT("GET");
        words[i][1] = buf_str(&keys[i]);
        argv[i] = words[i];
        argc[i] = 2;
    }
    bool good = redis_pipeline(redis, COMMANDS, argc, argv, replies);
    if (!good)
        (void)trouble_check(ret_trouble, DOING, redis, NULL);
    for (int i = 0; i < COMMANDS; i++)
        buf_done(&keys[i]);
    return good;
}

bool close_read(struct close_reading *reading, struct redis *redis, struct str site,
                struct trouble *ret_trouble)
{
    struct redis_reply *replies[COMMANDS];
    bool good = true;
    if (!ask(redis, site, reading->day.date, replies, ret_trouble))
        return false;
    for (int i = 0; i < COMMANDS; i++) {
        if (good)
            good = take_reply(reading, site, i, replies[i], ret_trouble);
        if (i < HASHES)
            redis_reply_free(replies[i]);
    }
    reading->record_reply = replies[RECORD_AT];
    reading->names_reply = replies[NAMES_AT];
    if (good)
        add_sketch_keys(reading, site);
    if (reading->keys.bytes.overflow)
        damaged(reading, COMMANDS, "it has more rows than a day can have");
    return good;
}

bool close_read_sealed(struct close_reading *reading, struct record_reader *reader)
{
    struct day sealed;
    struct str names = redis_reply_str(reading->names_reply);
    struct str record = redis_reply_str(reading->record_reply);
    if (!record_names_read(&reading->month, names)) {
        damaged(reading, COMMANDS, "the names of its month are damaged");
        return false;
    }
    if (record.len == 0)
        return true;
    day_init(&sealed, reading->day.date, &reading->month.names);
    enum record_status status = record_decode(reader, record, &reading->month, &sealed);
    if (status == RECORD_OK)
        day_merge(&reading->day, &sealed);
    else
        damaged(reading, COMMANDS, record_status_text(status));
    day_done(&sealed);
    return status == RECORD_OK;
}

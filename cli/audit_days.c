/* An open day's tables come in one transaction, so that no batch is applied between two of them; so
 * do a record and its month's names. Called by audit_keys.c for each key that SCAN finds. */

#include "cli/audit_days.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregator/day.h"
#include "aggregator/model.h"
#include "aggregator/month_sum.h"
#include "aggregator/record.h"
#include "cli/audit_sums.h"

enum {
    KEY_BYTES_MAX = 512,
    KEYS_MAX = TABLE__COUNT + CROSS__COUNT,
    DATE_DIGITS = 8,
    MONTH_DIGITS = 6,
    KIND_BYTES = 16,
};

/* "ff:{n}:<site>:<kind>:<date>[:<rest>]", which the inventory has. */
struct day_place {
    struct str site, kind, rest;
    uint32_t date; /* yyyymm00 for a month */
};

static struct str cut(struct str *s)
{
    struct str part = str_prefix(*s, str_find(*s, ':'));
    *s = str_from_at(*s, part.len + 1);
    return part;
}

static bool place_parse(struct str key, struct day_place *ret_place)
{
    struct day_place place = {0};
    size_t pattern;
    if (!model_pattern_of(key, &pattern) ||
        strstr(model_pattern_at(pattern)->text, "<site>") == NULL)
        return false;
    (void)cut(&key);
    (void)cut(&key);
    place.site = cut(&key);
    place.kind = cut(&key);
    struct str digits = cut(&key);
    place.rest = key;
    for (size_t i = 0; i < digits.len; i++)
        place.date = place.date * 10 + (uint32_t)(digits.ptr[i] - '0');
    if (digits.len == MONTH_DIGITS)
        place.date *= 100;
    *ret_place = place;
    return true;
}

/* --- Reading ---------------------------------------------------------------------------------- */

static struct redis_reply *transaction(struct redis *redis, struct str command, struct buf *keys,
                                       size_t count)
{
    struct str argv[KEYS_MAX + 2][2];
    const struct str *argvs[KEYS_MAX + 2];
    size_t argc[KEYS_MAX + 2];
    struct redis_reply *replies[KEYS_MAX + 2];
    for (size_t i = 0; i < count + 2; i++) {
        bool is_end = i == 0 || i == count + 1;
        argv[i][0] = i == 0 ? STR_LIT("MULTI") : is_end ? STR_LIT("EXEC") : command;
        argv[i][1] = is_end ? STR_EMPTY : buf_str(&keys[i - 1]);
        argc[i] = is_end ? 1 : 2;
        argvs[i] = argv[i];
    }
    if (!redis_pipeline(redis, count + 2, argc, argvs, replies))
        return NULL;
    for (size_t i = 0; i < count + 1; i++)
        redis_reply_free(replies[i]);
    return replies[count + 1];
}

/* Signed decimal; zero for anything else, which `apply` does not store. */
static int64_t number_of(struct str text)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%.*s", STR_ARG(str_prefix(text, sizeof(digits) - 1)));
    return strtoll(digits, NULL, 10);
}

static void read_table(struct day *day, enum table table, const struct redis_reply *fields)
{
    for (size_t i = 0; i + 1 < redis_reply_count(fields); i += 2) {
        struct str field = redis_reply_str(redis_reply_at(fields, i));
        enum metric metric;
        if (field.len > 0 && field.ptr[0] != MODEL_APPLIED_MARK &&
            model_metric_from_letter(field.ptr[0], &metric))
            day_sum_add(&day_row(day, table, str_from_at(field, 1))->sums[metric],
                        number_of(redis_reply_str(redis_reply_at(fields, i + 1))));
    }
}

/* The pairs' sums are all that is asked. */
static void read_cross(struct day *day, enum cross cross, const struct redis_reply *fields)
{
    int64_t views, visits;
    for (size_t i = 0; i + 1 < redis_reply_count(fields); i += 2)
        if (model_cross_counts(redis_reply_str(redis_reply_at(fields, i + 1)), &views, &visits))
            day_sum_add(&day->crosses[cross].hidden_views, views);
}

/* --- Asking ----------------------------------------------------------------------------------- */

struct breach_of {
    struct audit_report *report;
    const struct day_place *place;
};

static void on_breach(const char *sentence, void *data)
{
    struct breach_of *of = data;
    audit_breach(of->report, "%.*s, %s of %" PRIu32 ": %s.", STR_ARG(of->place->site),
                 of->place->date % 100 == 0 ? "month" : "day", of->place->date, sentence);
}

static void ask(struct audit_days *days, const struct day_place *place, const struct day *day,
                bool is_sealed)
{
    struct breach_of of = {days->report, place};
    audit_sums(day, is_sealed, on_breach, &of);
}

/* --- Open days -------------------------------------------------------------------------------- */

static bool read_open(struct audit_days *days, const struct day_place *place, struct day *day)
{
    struct buf keys[KEYS_MAX];
    for (int i = 0; i < KEYS_MAX; i++) {
        buf_init(&keys[i], KEY_BYTES_MAX);
        if (i < TABLE__COUNT)
            model_key_live(&keys[i], place->site, place->date, (enum table)i);
        else
            model_key_cross(&keys[i], place->site, place->date, (enum cross)(i - TABLE__COUNT));
    }
    struct redis_reply *reply = transaction(days->redis, STR_LIT("HGETALL"), keys, KEYS_MAX);
    for (int i = 0; i < KEYS_MAX; i++) {
        buf_done(&keys[i]);
        const struct redis_reply *fields = redis_reply_at(reply, (size_t)i);
        if (redis_reply_type(fields) != REDIS_TYPE_ARRAY)
            audit_breach(days->report, "A table of %.*s, day of %" PRIu32 ", cannot be read.",
                         STR_ARG(place->site), place->date);
        else if (i < TABLE__COUNT)
            read_table(day, (enum table)i, fields);
        else
            read_cross(day, (enum cross)(i - TABLE__COUNT), fields);
    }
    bool good = reply != NULL;
    redis_reply_free(reply);
    return good;
}

static bool audit_open(struct audit_days *days, const struct day_place *place)
{
    struct day_names names;
    struct day day;
    day_names_init(&names);
    day_init(&day, place->date, &names);
    bool good = read_open(days, place, &day);
    if (good)
        ask(days, place, &day, false);
    days->open++;
    day_done(&day);
    day_names_done(&names);
    return good;
}

static bool has_total(struct audit_days *days, const struct day_place *place, bool *ret_has)
{
    struct buf key;
    buf_init(&key, KEY_BYTES_MAX);
    model_key_live(&key, place->site, place->date, TABLE_TOTAL);
    struct redis_reply *reply = redis_do(days->redis, STR_LIT("EXISTS"), buf_str(&key));
    buf_done(&key);
    *ret_has = reply != NULL && redis_reply_integer(reply) > 0;
    bool good = reply != NULL;
    redis_reply_free(reply);
    return good;
}

/* --- Sealed days and months ------------------------------------------------------------------- */

/* The names stand packed in their key. */
static void search_names(struct audit_days *days, const struct day_names *names)
{
    for (int t = 0; t < TABLE__COUNT; t++)
        for (uint32_t i = 0; day_name_group((enum table)t) == (enum table)t &&
                             i < day_names_count(names, (enum table)t);
             i++)
            audit_search_bytes(days->search, day_names_at(names, (enum table)t, i), 0);
}

static void audit_names(struct audit_days *days, const struct day_place *place, struct str bytes)
{
    struct record_names month;
    record_names_init(&month);
    if (record_names_read(&month, bytes))
        search_names(days, &month.names);
    else
        audit_breach(days->report, "The names of %.*s, month of %" PRIu32 ", are damaged.",
                     STR_ARG(place->site), place->date);
    record_names_done(&month);
}

/* A record with the names of its month, which come with it. */
struct read_record {
    struct record_names month;
    struct day day;
    enum record_status status;
};

static void read_record(struct read_record *read, uint32_t date, struct str bytes,
                        struct str name_bytes)
{
    struct record_reader *reader = record_reader_new();
    record_names_init(&read->month);
    day_init(&read->day, date, &read->month.names);
    read->status = record_names_read(&read->month, name_bytes)
                       ? record_decode(reader, bytes, &read->month, &read->day)
                       : RECORD_BAD_NAMES;
    record_reader_free(reader);
}

static void read_record_done(struct read_record *read)
{
    day_done(&read->day);
    record_names_done(&read->month);
}

static void audit_record(struct audit_days *days, const struct day_place *place, struct str bytes,
                         struct str name_bytes)
{
    struct read_record read;
    read_record(&read, place->date, bytes, name_bytes);
    if (read.status == RECORD_OK)
        ask(days, place, &read.day, true);
    else
        audit_breach(days->report, "The record of %.*s, %" PRIu32 ", cannot be read: %s.",
                     STR_ARG(place->site), place->date, record_status_text(read.status));
    days->sealed++;
    read_record_done(&read);
}

/* What a month adds up to tells of some tables only, so nothing of it adds up to anything. */
static void audit_sum(struct audit_days *days, const struct day_place *place, struct str bytes,
                      struct str name_bytes)
{
    struct read_record read;
    struct str record =
        bytes.len < MONTH_SUM_STAMPS_BYTES ? STR_EMPTY : str_from_at(bytes, MONTH_SUM_STAMPS_BYTES);
    read_record(&read, place->date, record, name_bytes);
    if (read.status != RECORD_OK)
        audit_breach(days->report, "The sum of %.*s, month of %" PRIu32 ", cannot be read: %s.",
                     STR_ARG(place->site), place->date, record_status_text(read.status));
    read_record_done(&read);
}

/* A record that has gone since SCAN found it was sealed into a month, or has expired. */
static bool audit_sealed(struct audit_days *days, const struct day_place *place, struct str key)
{
    struct buf keys[2];
    buf_init(&keys[0], KEY_BYTES_MAX);
    buf_init(&keys[1], KEY_BYTES_MAX);
    buf_append_str(&keys[0], key);
    model_key_names(&keys[1], place->site, place->date);
    struct redis_reply *reply = transaction(days->redis, STR_LIT("GET"), keys, 2);
    const struct redis_reply *bytes = redis_reply_at(reply, 0);
    if (redis_reply_type(bytes) == REDIS_TYPE_STRING && str_eq(place->kind, STR_LIT("names")))
        audit_names(days, place, redis_reply_str(bytes));
    else if (redis_reply_type(bytes) == REDIS_TYPE_STRING && str_eq(place->kind, STR_LIT("sum")))
        audit_sum(days, place, redis_reply_str(bytes), redis_reply_str(redis_reply_at(reply, 1)));
    else if (redis_reply_type(bytes) == REDIS_TYPE_STRING)
        audit_record(days, place, redis_reply_str(bytes),
                     redis_reply_str(redis_reply_at(reply, 1)));
    buf_done(&keys[0]);
    buf_done(&keys[1]);
    bool good = reply != NULL;
    redis_reply_free(reply);
    return good;
}

bool audit_days_key(struct audit_days *days, struct str key)
{
    struct day_place place;
    bool has = false;
    if (!place_parse(key, &place))
        return true;
    if (str_eq(place.kind, STR_LIT("live"))) {
        bool is_total = str_eq(place.rest, str_from(model_table_name(TABLE_TOTAL)));
        if (!is_total && !str_eq(place.rest, str_from(model_table_name(TABLE_TIME))))
            return true;
        if (!is_total && !has_total(days, &place, &has))
            return false;
        return has || audit_open(days, &place);
    }
    bool is_sealed = str_eq(place.kind, STR_LIT("day")) || str_eq(place.kind, STR_LIT("month")) ||
                     str_eq(place.kind, STR_LIT("names")) || str_eq(place.kind, STR_LIT("sum"));
    return !is_sealed || audit_sealed(days, &place, key);
}

void audit_days_tell(const struct audit_days *days)
{
    audit_tell(days->report, "days",
               json_pack("{s:I, s:I}", "open", (json_int_t)days->open, "sealed",
                         (json_int_t)days->sealed));
    audit_good(days->report,
               "Looked at how tables add up: %" PRIu64 " open days, %" PRIu64 " sealed ones.",
               days->open, days->sealed);
}

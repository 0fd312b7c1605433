/* From days to months.
 *
 *   EXISTS of each month's days ─▶ when do they leave? ─▶ GET days, month, names
 *                                        │ not yet             │ day_merge into yyyymm00
 *                                        └─▶ next month        ▼
 *                      FCALL fold: if all is as it was read ◀─ caps, record_encode
 *
 * The sum of a month's records becomes one record with names of its own: what is in no row any
 * more, for a table has its cap in a month too, leaves the names as well. Days and month change in
 * one function that compares every byte with what was read, so no day is in the month and beside
 * it. What is closed later stands beside the month's record until it is folded in turn: the month
 * is always the sum of both.
 *
 * A round looks at all sites, a few at a time. It asks for months back to ROLLUP_MONTHS_MAX, since
 * imported logs bring old days; Redis is asked by key, as keys are not listed. */

#include "aggregator/rollup.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregator/model.h"
#include "aggregator/retention.h"
#include "aggregator/site_watch.h"
#include "aggregator/threshold.h"
#include "common/clock.h"
#include "common/log.h"

enum {
    MONTH_DAYS = 31,
    KEY_BYTES_MAX = 400,
    NUMBER_BYTES = 24,
    MONTHS_A_CALL = 64,
    DAY_MS = 24 * 60 * 60 * 1000,
};
/* What is read of a month: its days, then these two. */
enum { MONTH_AT = MONTH_DAYS, NAMES_AT, MONTH_KEYS };
static const char DOING[] = "folding days into a month";

void rollup_init(struct rollup *rollup, int64_t mono_ms)
{
    *rollup = (struct rollup){.reader = record_reader_new(), .due_ms = mono_ms};
}

void rollup_done(struct rollup *rollup)
{
    record_reader_free(rollup->reader);
    site_list_unref(rollup->sites);
}

/* --- Keys of a month -------------------------------------------------------------------------- */

/* Of days, whether they take place or not, of the month and of its names. */
struct month_keys {
    struct buf bytes;
    struct str keys[MONTH_KEYS];
};

static void month_keys_init(struct month_keys *keys, struct str site, uint32_t month)
{
    size_t ends[MONTH_KEYS];
    buf_init(&keys->bytes, MONTH_KEYS * KEY_BYTES_MAX);
    for (uint32_t i = 0; i < MONTH_KEYS; i++) {
        if (i == MONTH_AT)
            model_key_month(&keys->bytes, site, month * 100);
        else if (i == NAMES_AT)
            model_key_names(&keys->bytes, site, month * 100);
        else
            model_key_day(&keys->bytes, site, month * 100 + i + 1);
        ends[i] = keys->bytes.len;
    }
    for (size_t i = 0; i < MONTH_KEYS; i++) {
        size_t at = i == 0 ? 0 : ends[i - 1];
        keys->keys[i] = (struct str){keys->bytes.ptr + at, ends[i] - at};
    }
}

/* One command for each key. */
static bool ask_each(struct redis *redis, struct str command, const struct month_keys *keys,
                     size_t count, struct redis_reply *replies[], struct trouble *ret_trouble)
{
    struct str words[MONTH_KEYS][2];
    const struct str *argv[MONTH_KEYS];
    size_t argc[MONTH_KEYS];
    for (size_t i = 0; i < count; i++) {
        words[i][0] = command;
        words[i][1] = keys->keys[i];
        argv[i] = words[i];
        argc[i] = 2;
    }
    if (redis_pipeline(redis, count, argc, argv, replies))
        return true;
    (void)trouble_check(ret_trouble, DOING, redis, NULL);
    return false;
}

static void free_replies(struct redis_reply *replies[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        redis_reply_free(replies[i]);
}

/* What a site's months are folded with. */
struct task {
    struct rollup *rollup;
    struct redis *redis;
    const struct site *site;
    struct rollup_counts *counts;
    struct trouble *trouble;
};

/* --- One month -------------------------------------------------------------------------------- */

/* What a month becomes. */
struct folded {
    struct buf record, names;
    const char *damage; /* NULL: none */
};

/* Adds a record, if it is one. NULL, or why it cannot be. */
static const char *add_record(struct rollup *rollup, const struct redis_reply *reply,
                              struct record_names *month, struct day *into)
{
    struct day day;
    if (redis_reply_type(reply) == REDIS_TYPE_NIL)
        return NULL;
    day_init(&day, into->date, &month->names);
    enum record_status status = record_decode(rollup->reader, redis_reply_str(reply), month, &day);
    if (status == RECORD_OK)
        day_merge(into, &day);
    day_done(&day);
    return status == RECORD_OK ? NULL : record_status_text(status);
}

static void fold(struct rollup *rollup, uint32_t month, struct redis_reply *const replies[],
                 struct folded *ret)
{
    struct record_names names, fresh;
    struct day_names own;
    struct day sum;
    record_names_init(&names);
    record_names_init(&fresh);
    day_names_init(&own);
    day_init(&sum, month * 100, &own);
    if (!record_names_read(&names, redis_reply_str(replies[NAMES_AT])))
        ret->damage = "its names are damaged";
    for (int i = 0; i <= MONTH_AT && ret->damage == NULL; i++)
        ret->damage = add_record(rollup, replies[i], &names, &sum);
    if (ret->damage == NULL) {
        threshold_fold_caps(&sum);
        record_encode(&sum, &fresh, &ret->record, &ret->names);
    }
    day_done(&sum);
    day_names_done(&own);
    record_names_done(&fresh);
    record_names_done(&names);
}

/* KEYS and ARGV as at the head of functions.lua. */
static struct redis_reply *call_fold(struct redis *redis, const struct month_keys *keys,
                                     struct redis_reply *const replies[],
                                     const struct folded *folded, int64_t expiry_ms)
{
    struct str argv[3 + MONTH_KEYS + 5 + MONTH_DAYS];
    char count[NUMBER_BYTES], length[NUMBER_BYTES], expiry[NUMBER_BYTES];
    size_t argc = 0;
    (void)snprintf(count, sizeof(count), "%d", MONTH_KEYS);
    (void)snprintf(length, sizeof(length), "%zu", redis_reply_str(replies[NAMES_AT]).len);
    (void)snprintf(expiry, sizeof(expiry), "%" PRId64, expiry_ms);
    const struct str head[] = {STR_LIT("FCALL"), STR_LIT("fold"), str_from(count),
                               keys->keys[NAMES_AT], keys->keys[MONTH_AT]};
    const struct str args[] = {str_from(length), buf_str(&folded->names), buf_str(&folded->record),
                               str_from(expiry)};
    for (size_t i = 0; i < ARRAY_LEN(head); i++)
        argv[argc++] = head[i];
    for (size_t i = 0; i < MONTH_DAYS; i++)
        argv[argc++] = keys->keys[i];
    for (size_t i = 0; i < ARRAY_LEN(args); i++)
        argv[argc++] = args[i];
    argv[argc++] = redis_reply_str(replies[MONTH_AT]);
    for (size_t i = 0; i < MONTH_DAYS; i++)
        argv[argc++] = redis_reply_str(replies[i]);
    return redis_command(redis, argc, argv);
}

/* The sum of the days goes before them; of days that stay after all it is made again. */
static bool drop_sum(const struct task *task, uint32_t month)
{
    struct buf key;
    buf_init(&key, KEY_BYTES_MAX);
    model_key_sum(&key, task->site->domain, month * 100);
    struct redis_reply *reply = trouble_check(
        task->trouble, DOING, task->redis, redis_do(task->redis, STR_LIT("UNLINK"), buf_str(&key)));
    bool good = reply != NULL;
    redis_reply_free(reply);
    buf_done(&key);
    return good;
}

static bool store(const struct task *task, const struct month_keys *keys,
                  struct redis_reply *const replies[], const struct folded *folded,
                  int64_t expiry_ms)
{
    struct redis_reply *reply =
        trouble_check(task->trouble, DOING, task->redis,
                      call_fold(task->redis, keys, replies, folded, expiry_ms));
    bool good = reply != NULL;
    task->counts->folded += good && redis_reply_is(reply, "OK");
    task->counts->moved += good && !redis_reply_is(reply, "OK");
    redis_reply_free(reply);
    return good;
}

/* Reads, folds and stores. A month that cannot be read stays as it is. */
static bool fold_month(const struct task *task, uint32_t month, int64_t expiry_ms)
{
    struct month_keys keys;
    struct redis_reply *replies[MONTH_KEYS];
    struct folded folded = {.damage = NULL};
    month_keys_init(&keys, task->site->domain, month);
    bool good = ask_each(task->redis, STR_LIT("GET"), &keys, MONTH_KEYS, replies, task->trouble);
    if (!good) {
        buf_done(&keys.bytes);
        return false;
    }
    buf_init(&folded.record, CLOSE_RECORD_BYTES_MAX);
    buf_init(&folded.names, RECORD_NAMES_BYTES_MAX);
    fold(task->rollup, month, replies, &folded);
    if (folded.damage == NULL) {
        good = drop_sum(task, month) && store(task, &keys, replies, &folded, expiry_ms);
    } else {
        log_error("days of %" PRIu32 " of %.*s cannot be folded into their month: %s", month,
                  STR_ARG(task->site->domain), folded.damage);
        task->counts->damaged++;
    }
    free_replies(replies, MONTH_KEYS);
    buf_done(&folded.record);
    buf_done(&folded.names);
    buf_done(&keys.bytes);
    return good;
}

/* --- Which months ----------------------------------------------------------------------------- */

/* When the first and the last day of a month leave. False with the trouble. */
static bool ask_expiries(const struct task *task, uint32_t month, int64_t *ret_first,
                         int64_t *ret_last)
{
    struct month_keys keys;
    struct redis_reply *replies[MONTH_DAYS];
    month_keys_init(&keys, task->site->domain, month);
    bool good =
        ask_each(task->redis, STR_LIT("PEXPIRETIME"), &keys, MONTH_DAYS, replies, task->trouble);
    buf_done(&keys.bytes);
    if (!good)
        return false;
    *ret_first = INT64_MAX;
    *ret_last = 0;
    for (size_t i = 0; i < MONTH_DAYS; i++) {
        int64_t at_ms = redis_reply_integer(replies[i]);
        if (at_ms > 0 && at_ms < *ret_first)
            *ret_first = at_ms;
        if (at_ms > *ret_last)
            *ret_last = at_ms;
    }
    free_replies(replies, MONTH_DAYS);
    return true;
}

/* Folds a month that has days, when they are about to leave. */
static bool look_at_month(const struct task *task, uint32_t month)
{
    const int64_t late_ms = (int64_t)RETENTION_FOLD_LATE_DAYS * DAY_MS;
    const int64_t early_ms = (int64_t)RETENTION_FOLD_EARLY_DAYS * DAY_MS;
    int64_t first_ms, last_ms;
    if (!ask_expiries(task, month, &first_ms, &last_ms))
        return false;
    if (first_ms == INT64_MAX || clock_wall_ms() < first_ms - late_ms - early_ms)
        return true;
    uint32_t leaves = month_of_ms(last_ms - late_ms);
    int64_t expiry_ms =
        month_start_ms(month_add(leaves, task->site->keep_months - task->site->keep_days));
    return fold_month(task, month, expiry_ms);
}

/* How many days each of some months has, from `month` backwards. */
static bool count_days(const struct task *task, uint32_t month, size_t count, int64_t ret_days[])
{
    struct month_keys keys[MONTHS_A_CALL];
    struct str words[MONTHS_A_CALL][1 + MONTH_DAYS];
    const struct str *argv[MONTHS_A_CALL];
    size_t argc[MONTHS_A_CALL];
    struct redis_reply *replies[MONTHS_A_CALL];
    for (size_t i = 0; i < count; i++) {
        month_keys_init(&keys[i], task->site->domain, month_add(month, -(int)i));
        words[i][0] = STR_LIT("EXISTS");
        memcpy(&words[i][1], keys[i].keys, MONTH_DAYS * sizeof(struct str));
        argv[i] = words[i];
        argc[i] = 1 + MONTH_DAYS;
    }
    bool good = redis_pipeline(task->redis, count, argc, argv, replies);
    if (!good)
        (void)trouble_check(task->trouble, DOING, task->redis, NULL);
    for (size_t i = 0; i < count; i++) {
        if (good)
            ret_days[i] = redis_reply_integer(replies[i]);
        buf_done(&keys[i].bytes);
    }
    if (good)
        free_replies(replies, count);
    return good;
}

bool rollup_site(struct rollup *rollup, struct redis *redis, const struct site *site,
                 struct rollup_counts *counts, struct trouble *ret_trouble)
{
    const struct task task = {rollup, redis, site, counts, ret_trouble};
    int64_t days[MONTHS_A_CALL];
    bool good = true;
    if (site->keep_months <= site->keep_days)
        return true;
    int64_t soon_ms = clock_wall_ms() + (int64_t)RETENTION_FOLD_EARLY_DAYS * DAY_MS;
    uint32_t month = month_add(month_of_ms(soon_ms), -site->keep_days);
    for (int at = 0; good && at < ROLLUP_MONTHS_MAX; at += MONTHS_A_CALL) {
        good = count_days(&task, month, MONTHS_A_CALL, days);
        for (int i = 0; i < MONTHS_A_CALL && good; i++)
            if (days[i] > 0)
                good = look_at_month(&task, month_add(month, -i));
        month = month_add(month, -MONTHS_A_CALL);
    }
    return good;
}

/* --- Rounds ----------------------------------------------------------------------------------- */

static bool begin_round(struct rollup *rollup, struct redis *redis, struct trouble *ret_trouble)
{
    struct buf key;
    buf_init(&key, KEY_BYTES_MAX);
    model_key_sites(&key);
    struct redis_reply *reply = trouble_check(ret_trouble, "reading the site list", redis,
                                              redis_do(redis, STR_LIT("HGETALL"), buf_str(&key)));
    buf_done(&key);
    if (reply == NULL)
        return false;
    size_t bad;
    rollup->sites = site_list_of_reply(reply, &bad);
    rollup->next = rollup->folded = 0;
    redis_reply_free(reply);
    return true;
}

static void end_round(struct rollup *rollup)
{
    if (rollup->folded > 0)
        log_info("months that days were folded into: %" PRIu32, rollup->folded);
    site_list_unref(rollup->sites);
    rollup->sites = NULL;
    rollup->due_ms = clock_mono_ms() + ROLLUP_EVERY_MS;
}

bool rollup_turn(struct rollup *rollup, struct redis *redis, struct rollup_counts *ret_counts,
                 struct trouble *ret_trouble)
{
    struct rollup_counts counts = {0};
    int64_t began_ms = clock_mono_ms();
    bool good = true;
    if (rollup->sites == NULL && began_ms >= rollup->due_ms)
        good = begin_round(rollup, redis, ret_trouble);
    while (good && rollup->sites != NULL && clock_mono_ms() - began_ms < ROLLUP_TURN_MS) {
        if (rollup->next == site_list_count(rollup->sites))
            end_round(rollup);
        else
            good = rollup_site(rollup, redis, site_list_at(rollup->sites, rollup->next++), &counts,
                               ret_trouble);
    }
    rollup->folded += (uint32_t)counts.folded;
    if (!good)
        end_round(rollup);
    *ret_counts = counts;
    return good;
}

/* The close: an open day becomes one record, and what was live goes.
 *
 *   HGETALL open ─▶ plan: which are over ─▶ HMGET settings of their sites
 *                                                 │ one day after the other
 *          ┌──────────────────────────────────────┘
 *          ▼
 *   read live, record, names ─▶ thresholds ─▶ encode ─▶ FCALL close ─▶ OK: the ledger forgets it
 *                                                            └─ MOVED: later, from the beginning
 *
 * All reading comes before the one function, which proves by the day's mark and the names' length
 * that nothing changed since, and does everything or nothing. So whatever is interrupted, or done
 * by two aggregators at once, is repeated: the day is still open, or there is nothing to do. A late
 * batch opens the day again, and the next close adds its part to the record.
 *
 * A day that cannot be read for what is at rest is told of once and left live; others go on. A day
 * of a site that is no longer in the list goes unsealed. Sites may stand in the log, values may
 * not. Called by the aggregator. */

#include "aggregator/close.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregator/close_read.h"
#include "aggregator/close_sum.h"
#include "aggregator/model.h"
#include "aggregator/retention.h"
#include "aggregator/threshold.h"
#include "common/clock.h"
#include "common/log.h"

enum { KEY_BYTES_MAX = 1024, SETTINGS_A_CALL = 200, ERROR_BYTES = 200, NUMBER_BYTES = 24 };
/* FCALL close N, the three keys that stay; and the arguments behind the keys. */
enum { CALL_HEAD = 3, CALL_KEYS = 3, CALL_ARGS = 7 };

void closing_init(struct closing *closing, uint32_t shard)
{
    *closing = (struct closing){.shard = shard, .reader = record_reader_new()};
    close_plan_init(&closing->plan);
}

void closing_done(struct closing *closing)
{
    record_reader_free(closing->reader);
    close_plan_done(&closing->plan);
}

/* --- Looking ---------------------------------------------------------------------------------- */

/* The settings of some sites: those of runs from `*from` on, as many as one call asks for. */
static bool settle_some(struct closing *closing, struct redis *redis, size_t *from,
                        struct trouble *ret_trouble)
{
    struct close_plan *plan = &closing->plan;
    struct str argv[2 + SETTINGS_A_CALL];
    size_t runs[SETTINGS_A_CALL], count = 0;
    struct buf key;
    char error[ERROR_BYTES];
    buf_init(&key, KEY_BYTES_MAX);
    model_key_sites(&key);
    argv[0] = STR_LIT("HMGET");
    argv[1] = buf_str(&key);
    for (; *from < plan->count && count < SETTINGS_A_CALL; *from = close_plan_run(plan, *from)) {
        runs[count] = *from;
        argv[2 + count++] = plan->days[*from].site;
    }
    struct redis_reply *reply = trouble_check(ret_trouble, "reading the settings of sites", redis,
                                              redis_command(redis, 2 + count, argv));
    buf_done(&key);
    if (reply == NULL)
        return false;
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        const struct redis_reply *settings = redis_reply_at(reply, i);
        if (redis_reply_type(settings) == REDIS_TYPE_NIL) {
            close_plan_settle(plan, runs[i], NULL);
            continue;
        }
        if (!close_plan_may_be_over(plan, runs[i]))
            continue;
        struct site *site =
            site_parse(argv[2 + i], redis_reply_str(settings), error, sizeof(error));
        if (site != NULL)
            close_plan_settle(plan, runs[i], site);
    }
    redis_reply_free(reply);
    return true;
}

static bool look(struct closing *closing, struct redis *redis, struct trouble *ret_trouble)
{
    struct buf key;
    buf_init(&key, KEY_BYTES_MAX);
    model_key_open(&key, closing->shard);
    struct redis_reply *reply = trouble_check(ret_trouble, "looking for days that are over", redis,
                                              redis_do(redis, STR_LIT("HGETALL"), buf_str(&key)));
    buf_done(&key);
    if (reply == NULL)
        return false;
    int64_t wall_ms = clock_wall_ms(), mono_ms = clock_mono_ms();
    close_plan_begin(&closing->plan);
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2)
        close_plan_see(&closing->plan, redis_reply_str(redis_reply_at(reply, i)),
                       redis_reply_str(redis_reply_at(reply, i + 1)), wall_ms, mono_ms);
    redis_reply_free(reply);
    close_plan_seen(&closing->plan);
    bool good = true;
    for (size_t from = 0; good && from < closing->plan.count;)
        good = settle_some(closing, redis, &from, ret_trouble);
    closing->look_at_ms = mono_ms + CLOSE_LOOK_MS;
    closing->is_under_way = good;
    return good;
}

/* --- One day ---------------------------------------------------------------------------------- */

/* A day on its way: what it was, and what it becomes; nothing when it is forgotten. */
struct sealing {
    struct close_day *day;
    struct close_reading reading;
    struct buf record, names;
    int64_t expiry_ms;
};

static void seal(struct sealing *sealing)
{
    struct close_reading *reading = &sealing->reading;
    const struct close_day *day = sealing->day;
    struct thresholds thresholds = thresholds_of_preset(day->settings->preset);
    if (!day_set_timezone(&reading->day, day->settings->timezone))
        assert(!"a zone's name has room");
    threshold_apply(&reading->day, &thresholds);
    record_encode(&reading->day, &reading->month, &sealing->record, &sealing->names);
    sealing->expiry_ms = retention_day_expiry_ms(day->settings, day->date, clock_wall_ms());
}

/* The arguments of the one function, in the order of its head. */
static struct redis_reply *call_close(const struct closing *closing, struct redis *redis,
                                      const struct sealing *sealing)
{
    const struct close_day *day = sealing->day;
    const struct close_reading *reading = &sealing->reading;
    const struct key_list *keys = &reading->keys;
    size_t argc = 0;
    struct str *argv = calloc(CALL_HEAD + CALL_KEYS + keys->count + CALL_ARGS, sizeof(*argv));
    char count[NUMBER_BYTES], length[NUMBER_BYTES], expiry[NUMBER_BYTES];
    struct buf open, record, names, field;
    if (argv == NULL)
        abort();
    buf_init(&open, KEY_BYTES_MAX);
    buf_init(&record, KEY_BYTES_MAX);
    buf_init(&names, KEY_BYTES_MAX);
    buf_init(&field, KEY_BYTES_MAX);
    model_key_open(&open, closing->shard);
    model_key_day(&record, day->site, day->date);
    model_key_names(&names, day->site, day->date);
    model_open_field(&field, day->site, day->date);
    (void)snprintf(count, sizeof(count), "%zu", CALL_KEYS + keys->count);
    (void)snprintf(length, sizeof(length), "%zu", redis_reply_str(reading->names_reply).len);
    (void)snprintf(expiry, sizeof(expiry), "%" PRId64, sealing->expiry_ms);
    const struct str head[] = {STR_LIT("FCALL"), STR_LIT("close"), str_from(count),
                               buf_str(&open),   buf_str(&record), buf_str(&names)};
    const struct str args[CALL_ARGS] = {
        buf_str(&field),  log_entry_id_str(&day->mark), str_from(length), buf_str(&sealing->record),
        str_from(expiry), buf_str(&sealing->names),     str_from(expiry)};
    for (size_t i = 0; i < ARRAY_LEN(head); i++)
        argv[argc++] = head[i];
    for (size_t i = 0; i < keys->count; i++)
        argv[argc++] = key_list_at(keys, i);
    for (size_t i = 0; i < CALL_ARGS; i++)
        argv[argc++] = args[i];
    struct redis_reply *reply = redis_command(redis, argc, argv);
    free(argv);
    buf_done(&open);
    buf_done(&record);
    buf_done(&names);
    buf_done(&field);
    return reply;
}

/* What cannot be read stays as it is, and is told of once. */
static void leave_live(struct close_day *day, const char *damage)
{
    if (!day->is_told)
        log_error("%" PRIu32 " of %.*s cannot be closed and stays as it is: %s", day->date,
                  STR_ARG(day->site), damage);
    day->is_told = true;
    day->not_before_ms = clock_mono_ms() + CLOSE_RETRY_MS;
}

/* A function that refuses for what is stored leaves the day live, like damage. */
static bool store(struct closing *closing, struct redis *redis, struct sealing *sealing,
                  bool *ret_moved, struct trouble *ret_trouble)
{
    struct redis_reply *reply =
        trouble_check(ret_trouble, "closing a day", redis, call_close(closing, redis, sealing));
    *ret_moved = reply == NULL || !redis_reply_is(reply, "OK");
    if (reply == NULL && !ret_trouble->is_lost && trouble_lasts(ret_trouble->kind)) {
        leave_live(sealing->day, trouble_words(ret_trouble->kind));
        return true;
    }
    redis_reply_free(reply);
    return reply != NULL;
}

bool closing_day(struct closing *closing, struct redis *redis, struct close_day *day,
                 bool *ret_moved, struct trouble *ret_trouble)
{
    struct sealing sealing = {.day = day};
    struct close_reading *reading = &sealing.reading;
    close_reading_init(reading, day->date);
    buf_init(&sealing.record, CLOSE_RECORD_BYTES_MAX);
    buf_init(&sealing.names, RECORD_NAMES_BYTES_MAX);
    *ret_moved = true;
    bool good = close_read(reading, redis, day->site, ret_trouble);
    bool is_whole = good && (day->is_forgotten || (reading->damage[0] == '\0' &&
                                                   close_read_sealed(reading, closing->reader)));
    if (is_whole && !day->is_forgotten)
        seal(&sealing);
    assert(!sealing.record.overflow && !sealing.names.overflow);
    if (is_whole)
        good = store(closing, redis, &sealing, ret_moved, ret_trouble);
    else if (good)
        leave_live(day, reading->damage);
    buf_done(&sealing.record);
    buf_done(&sealing.names);
    close_reading_done(reading);
    return good;
}

/* --- Sums of months --------------------------------------------------------------------------- */

/* A sum that cannot be made stops nothing: only questions take longer. */
static bool add_up_month(struct closing *closing, struct redis *redis, const struct close_day *day,
                         uint32_t month, struct trouble *ret_trouble, uint64_t *summed)
{
    enum close_sum_outcome outcome;
    const char *why;
    if (!close_sum(redis, day->site, month, &outcome, &why, ret_trouble))
        return false;
    if (outcome == CLOSE_SUM_FAILED && !closing->is_sum_told)
        log_error("days of %" PRIu32 " of %.*s are not added up, so that questions take longer: %s",
                  month, STR_ARG(day->site), why);
    *summed += outcome == CLOSE_SUM_MADE;
    if (outcome == CLOSE_SUM_FAILED || outcome == CLOSE_SUM_MADE)
        closing->is_sum_told = outcome == CLOSE_SUM_FAILED;
    return true;
}

/* The month of a day that was closed, when it was the last of it, and the one before, which may
 * have been missed by an aggregator that ended in between. */
static bool add_up(struct closing *closing, struct redis *redis, const struct close_day *day,
                   struct trouble *ret_trouble, uint64_t *summed)
{
    const uint32_t months[] = {day->date / 100, month_add(day->date / 100, -1)};
    bool good = true;
    for (size_t i = 0; i < ARRAY_LEN(months) && good; i++)
        if (close_plan_month_is_done(&closing->plan, day, months[i], clock_wall_ms()))
            good = add_up_month(closing, redis, day, months[i], ret_trouble, summed);
    return good;
}

/* --- Turns ------------------------------------------------------------------------------------ */

static void end_of_look(struct closing *closing)
{
    if (closing->closed > 0)
        log_info("days that were over and are closed now: %" PRIu32, closing->closed);
    closing->closed = 0;
    closing->is_under_way = false;
}

static bool close_next(struct closing *closing, struct redis *redis, struct ledger *ledger,
                       struct closing_counts *counts, struct trouble *ret_trouble)
{
    struct close_day *day = close_plan_next(&closing->plan, clock_wall_ms(), clock_mono_ms());
    bool moved;
    if (day == NULL) {
        end_of_look(closing);
        return true;
    }
    if (!closing_day(closing, redis, day, &moved, ret_trouble))
        return false;
    counts->moved += moved && !day->is_told;
    if (moved)
        return true;
    day->is_told = false;
    day->is_closed = true;
    ledger_forget_day(ledger, day->site, day->date);
    counts->closed += !day->is_forgotten;
    counts->forgotten += day->is_forgotten;
    closing->closed += !day->is_forgotten;
    return day->is_forgotten || add_up(closing, redis, day, ret_trouble, &counts->summed);
}

bool closing_turn(struct closing *closing, struct redis *redis, struct ledger *ledger,
                  struct closing_counts *ret_counts, struct trouble *ret_trouble)
{
    struct closing_counts counts = {0};
    int64_t began_ms = clock_mono_ms();
    bool good = true;
    if (!closing->is_under_way && began_ms >= closing->look_at_ms)
        good = look(closing, redis, ret_trouble);
    while (good && closing->is_under_way && clock_mono_ms() - began_ms < CLOSE_TURN_MS)
        good = close_next(closing, redis, ledger, &counts, ret_trouble);
    if (!good) {
        closing->is_under_way = false;
        closing->look_at_ms = clock_mono_ms() + CLOSE_LOOK_MS;
    }
    counts.stuck = close_plan_stuck(&closing->plan);
    counts.ms = (uint64_t)(clock_mono_ms() - began_ms);
    *ret_counts = counts;
    return good;
}

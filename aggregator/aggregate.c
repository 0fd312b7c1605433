/* The aggregator: reads the log after the cursor, folds what it reads, applies it, and so on.
 *
 *   connect ─▶ functions ─▶ cursor ─▶ read (blocks) ─▶ fold into the ledger ─▶ pause ─▶ read rest
 *      ▲                      ▲                                                            │
 *      │                      ├──────────── OK ────────────────── FCALL apply ◀────────────┘
 *      │                      ├── refused for good: the same with half as many entries; the one
 *      │                      │   that is refused alone goes into quarantine
 *      └── anything else: forget the ledger, wait with back-off, begin again from the cursor
 *
 * Of a long log the next entries are folded, and the next call is built, while Redis works on an
 * apply. The ledger takes that one for done meanwhile; when it is not, both are forgotten.
 *
 * All that must survive is in Redis: the cursor says what has been applied, and `apply` moves it in
 * the same step as it counts. So a lost reply, another aggregator that was faster (MOVED) and a
 * refused call are one case: forget everything, look where the cursor stands, go on from there.
 *
 * Between two applies it does its chores (chores.c), each for a moment only.
 *
 * One thread, one connection. A signal sets a flag; every wait is short or is cut by it. Tables and
 * sites may stand in the operator's log, values may not. */

#include "aggregator/aggregate.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "aggregator/aggregate_metrics.h"
#include "aggregator/apply.h"
#include "aggregator/chores.h"
#include "aggregator/functions.h"
#include "aggregator/log_tail.h"
#include "aggregator/quarantine.h"
#include "aggregator/trouble.h"
#include "common/admin.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"

enum {
    ERROR_BYTES = 200,
    LOGGED_BYTES = sizeof(((struct trouble *)0)->doing) + sizeof(((struct trouble *)0)->said),
    LEDGER_CHECK_MS = 10000,
    REPORT_MS = 1000,
};

struct aggregator {
    const struct redis_address *address;
    struct redis *redis; /* NULL: not connected */
    uint32_t shard;
    struct buf log_key, cursor_key;
    bool has_cursor;
    struct log_entry_id cursor; /* where it stands in Redis */
    struct log_tail tail;
    struct apply_call call, next;
    bool is_next_built; /* of all that is folded */
    struct {
        size_t entries, bytes;
        struct log_entry_id last;
    } sent; /* what the call applies */
    struct chores chores;
    int64_t chores_at_ms; /* when they had their turn */
    int64_t apply_at_ms;  /* not before it */
    int64_t ledger_check_at_ms;
    uint32_t backoff_ms;
    bool is_idle;           /* the last step found the log empty */
    struct trouble trouble; /* of the last step that went wrong */
    bool in_trouble;
    char logged[LOGGED_BYTES]; /* what was last logged; empty: all is well */
    struct metrics *metrics_all;
    struct metrics_part *metrics; /* aggregate_metrics.h */
    struct health *health;
    int64_t report_at_ms;
};

static volatile sig_atomic_t stop_wanted;

static void on_stop_signal(int signal_number)
{
    (void)signal_number;
    stop_wanted = 1;
}

/* Returns early when a signal arrives. */
static void pause_ms(int64_t ms)
{
    if (ms <= 0 || stop_wanted)
        return;
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

/* --- Trouble -----------------------------------------------------------------------------------
 */

static void disconnect(struct aggregator *agg)
{
    redis_free(agg->redis);
    agg->redis = NULL;
}

/* Logs once a state: the same trouble again is silent. A connection that was lost is closed.
 * Returns false, for `return tell(agg)`. */
static bool tell(struct aggregator *agg)
{
    char text[sizeof(agg->logged)];
    const struct trouble *trouble = &agg->trouble;
    struct str said = str_from(trouble->said);
    /* Numbers behind the first word may change from one attempt to the next. */
    (void)snprintf(text, sizeof(text), "%s: %.*s", trouble->doing,
                   STR_ARG(str_prefix(said, str_find(said, ' '))));
    if (strcmp(text, agg->logged) != 0) {
        log_error("%s: %s", trouble->doing, trouble->said);
        memcpy(agg->logged, text, sizeof(text));
    }
    agg->in_trouble = true;
    if (trouble->is_lost)
        disconnect(agg);
    return false;
}

static bool trouble(struct aggregator *agg, const char *doing, struct str said)
{
    (void)trouble_set(&agg->trouble, doing, said);
    return tell(agg);
}

static void all_is_well(struct aggregator *agg)
{
    agg->backoff_ms = 0;
    agg->in_trouble = false;
    if (agg->logged[0] == '\0')
        return;
    log_info("works again");
    agg->logged[0] = '\0';
}

/* After anything that went otherwise than hoped: nothing is known any more. */
static void start_over(struct aggregator *agg)
{
    log_tail_begin(&agg->tail, &agg->cursor);
    agg->has_cursor = agg->is_next_built = false;
    agg->is_idle = false;
}

/* --- Connecting --------------------------------------------------------------------------------
 */

static bool connect_and_load(struct aggregator *agg)
{
    char error[ERROR_BYTES];
    agg->redis = redis_connect(agg->address, error, sizeof(error));
    if (agg->redis == NULL)
        return trouble(agg, "connecting", str_from(error));
    metrics_add(agg->metrics, AGGREGATE_CONNECTS, 1);
    chores_connected(&agg->chores);
    if (functions_load(agg->redis, error, sizeof(error)))
        return true;
    disconnect(agg);
    return trouble(agg, "loading the function library", str_from(error));
}

static bool read_cursor(struct aggregator *agg)
{
    static const char DOING[] = "reading the cursor";
    struct redis_reply *reply =
        trouble_check(&agg->trouble, DOING, agg->redis,
                      redis_do(agg->redis, STR_LIT("GET"), buf_str(&agg->cursor_key)));
    if (reply == NULL)
        return tell(agg);
    bool is_absent = redis_reply_type(reply) == REDIS_TYPE_NIL;
    bool good = log_entry_id_set(&agg->cursor, is_absent ? STR_LIT("0-0") : redis_reply_str(reply));
    redis_reply_free(reply);
    if (!good)
        return trouble(agg, DOING, STR_LIT("it is no entry's id"));
    log_tail_begin(&agg->tail, &agg->cursor);
    agg->has_cursor = true;
    return true;
}

/* --- Quarantine --------------------------------------------------------------------------------
 */

/* False with the trouble. Whoever else has done it has told of it. */
static bool set_aside(struct aggregator *agg, struct str id, const char *why)
{
    enum quarantine_status status = quarantine_put(
        agg->redis, agg->shard, log_entry_id_str(&agg->cursor), id, why, &agg->trouble);
    if (status == QUARANTINE_TROUBLE) {
        bool is_full = agg->trouble.kind == TROUBLE_FULL;
        metrics_add(agg->metrics, AGGREGATE_QUARANTINE_FULL, is_full);
        return tell(agg);
    }
    if (status == QUARANTINE_DONE) {
        metrics_add(agg->metrics, AGGREGATE_QUARANTINED, 1);
        log_error("entry %.*s of the log is in quarantine, not counted: %s", STR_ARG(id), why);
    }
    start_over(agg);
    return true;
}

/* What stands in the log at or before the cursor is of another time than the cursor, and may have
 * been counted: it is not counted again, and what comes next comes after the cursor. */
static bool set_aside_what_is_behind(struct aggregator *agg)
{
    struct redis_reply *reply =
        trouble_check(&agg->trouble, "looking behind the cursor", agg->redis,
                      redis_do(agg->redis, STR_LIT("XRANGE"), buf_str(&agg->log_key), STR_LIT("-"),
                               log_entry_id_str(&agg->cursor), STR_LIT("COUNT"), STR_LIT("1")));
    if (reply == NULL)
        return tell(agg);
    bool good = true;
    if (redis_reply_count(reply) == 1)
        good = set_aside(agg, redis_reply_str(redis_reply_at(redis_reply_at(reply, 0), 0)),
                         "it stands before the cursor");
    redis_reply_free(reply);
    return good;
}

/* --- Applying ----------------------------------------------------------------------------------
 */

/* Folds what has come. False with the trouble. */
static bool fold_all(struct aggregator *agg)
{
    size_t count = 0;
    do {
        if (!log_tail_read(&agg->tail, agg->redis, false, &count, &agg->trouble))
            return false;
    } while (count == APPLY_READ_ENTRIES && !agg->tail.is_full);
    return true;
}

/* Waits for an entry, then until the next apply is due or takes no more, and folds all there is by
 * then. */
static bool gather(struct aggregator *agg, int64_t *ret_began_ms)
{
    struct log_tail *tail = &agg->tail;
    size_t count;
    *ret_began_ms = clock_mono_ms();
    if (tail->is_full) /* folded ahead */
        return true;
    bool may_wait = tail->entries == 0 && !chores_are_under_way(&agg->chores);
    if (!log_tail_read(tail, agg->redis, may_wait, &count, &agg->trouble))
        return tell(agg);
    *ret_began_ms = clock_mono_ms();
    if (count == 0 || tail->is_full)
        return true;
    do {
        int64_t left_ms = agg->apply_at_ms - *ret_began_ms;
        pause_ms(left_ms < APPLY_LOOK_MS ? left_ms : APPLY_LOOK_MS);
        *ret_began_ms = clock_mono_ms();
        if (!fold_all(agg))
            return tell(agg);
    } while (!tail->is_full && !stop_wanted && *ret_began_ms < agg->apply_at_ms);
    return true;
}

/* Refused because of what is in the entries, or in the keys that they go to: with fewer of them it
 * is found out which, and the one that is refused alone is set aside. */
static bool narrow_down(struct aggregator *agg)
{
    struct str key = apply_call_culprit(&agg->call, str_from(agg->trouble.said));
    if (agg->sent.entries > 1) {
        agg->tail.entries_max = agg->sent.entries / 2;
        start_over(agg);
        return true;
    }
    char why[QUARANTINE_REASON_BYTES_MAX];
    (void)snprintf(why, sizeof(why), "%s (%.*s)", trouble_words(agg->trouble.kind), STR_ARG(key));
    return set_aside(agg, log_entry_id_str(&agg->sent.last), why);
}

/* Only the functions of this version are believed that a refusal lasts; and a cursor or a log of
 * another type is no entry's fault. */
static bool apply_refused(struct aggregator *agg)
{
    metrics_add(agg->metrics, AGGREGATE_REFUSED, 1);
    bool lasts = trouble_lasts(agg->trouble.kind);
    bool is_ours = lasts && functions_look(agg->redis) == FUNCTIONS_OURS;
    if (is_ours && apply_call_culprit(&agg->call, str_from(agg->trouble.said)).len > 0)
        return narrow_down(agg);
    /* Functions that are gone, or another version's, are loaded with a new connection. */
    if (agg->trouble.kind == TROUBLE_FUNCTION || (lasts && !is_ours))
        disconnect(agg);
    return tell(agg);
}

static void applied(struct aggregator *agg)
{
    struct log_tail *tail = &agg->tail;
    metrics_add(agg->metrics, AGGREGATE_APPLIES, 1);
    metrics_add(agg->metrics, AGGREGATE_ENTRIES, agg->sent.entries);
    metrics_add(agg->metrics, AGGREGATE_BYTES, agg->sent.bytes);
    tail->entries_max =
        2 * tail->entries_max < APPLY_ENTRIES_MAX ? 2 * tail->entries_max : APPLY_ENTRIES_MAX;
    agg->cursor = agg->sent.last;
}

/* Closing forgets days of which nothing is folded, so that it has its turn before anything is. */
static bool may_go_ahead(const struct aggregator *agg)
{
    return agg->tail.is_full && !agg->tail.is_stuck && !chores_are_under_way(&agg->chores) &&
           clock_mono_ms() - agg->chores_at_ms < APPLY_AHEAD_MS;
}

/* Of what is folded, which comes after what was sent until `from`. */
static void build(struct aggregator *agg, struct apply_call *call, const struct log_entry_id *from)
{
    apply_call_build(call, agg->shard, &agg->tail.ledger, log_entry_id_str(from),
                     log_entry_id_str(&agg->tail.last), clock_wall_ms());
}

/* Sends the call, and folds what comes next until the reply is there. NULL with the trouble. */
static struct redis_reply *send_and_go_ahead(struct aggregator *agg)
{
    static const char DOING[] = "applying";
    struct trouble ahead;
    bool good = true;
    if (!log_tail_look_ahead(&agg->tail, agg->redis, &agg->trouble))
        return NULL;
    if (!redis_send(agg->redis, agg->call.argc, agg->call.argv))
        return trouble_check(&agg->trouble, DOING, agg->redis, NULL);
    good = log_tail_fold_ahead(&agg->tail, &ahead);
    agg->is_next_built = good && agg->tail.is_full && agg->tail.entries > 0;
    if (agg->is_next_built)
        build(agg, &agg->next, &agg->sent.last);
    struct redis_reply *reply =
        trouble_check(&agg->trouble, DOING, agg->redis, redis_receive(agg->redis));
    if (reply == NULL || good)
        return reply;
    redis_reply_free(reply);
    agg->trouble = ahead;
    return NULL;
}

static bool apply(struct aggregator *agg)
{
    struct log_tail *tail = &agg->tail;
    bool goes_ahead = may_go_ahead(agg);
    if (agg->is_next_built) {
        struct apply_call call = agg->call;
        agg->call = agg->next;
        agg->next = call;
    } else {
        build(agg, &agg->call, &agg->cursor);
    }
    agg->is_next_built = false;
    agg->sent.entries = tail->entries;
    agg->sent.bytes = tail->bytes;
    agg->sent.last = tail->last;
    log_tail_sent(tail);
    struct redis_reply *reply =
        goes_ahead ? send_and_go_ahead(agg)
                   : trouble_check(&agg->trouble, "applying", agg->redis,
                                   redis_command(agg->redis, agg->call.argc, agg->call.argv));
    if (reply == NULL)
        return apply_refused(agg);
    bool good = redis_reply_is(reply, "OK");
    redis_reply_free(reply);
    if (good) {
        applied(agg);
    } else {
        metrics_add(agg->metrics, AGGREGATE_MOVED, 1);
        start_over(agg);
    }
    return true;
}

/* --- The process -------------------------------------------------------------------------------
 */

static void bound_ledger(struct aggregator *agg, int64_t now_ms)
{
    if (now_ms < agg->ledger_check_at_ms)
        return;
    agg->ledger_check_at_ms = now_ms + LEDGER_CHECK_MS;
    size_t bytes = ledger_bytes(&agg->tail.ledger);
    metrics_set(agg->metrics, AGGREGATE_LEDGER_BYTES, bytes);
    if (bytes <= LEDGER_BYTES_MAX)
        return;
    if (agg->tail.entries == 0)
        ledger_forget(&agg->tail.ledger);
    else /* what was folded ahead goes with it */
        start_over(agg);
}

/* How long the log is, beyond what is applied and cut off, and the quarantine. What is wrong is the
 * next step's to say; a log that seems empty and is not has entries behind the cursor. */
static void report_lengths(struct aggregator *agg)
{
    uint64_t in_quarantine;
    struct redis_reply *reply =
        trouble_check(&agg->trouble, "looking at the log", agg->redis,
                      redis_do(agg->redis, STR_LIT("XLEN"), buf_str(&agg->log_key)));
    if (reply != NULL && quarantine_count(agg->redis, agg->shard, &in_quarantine, &agg->trouble)) {
        uint64_t behind = (uint64_t)redis_reply_integer(reply);
        metrics_set(agg->metrics, AGGREGATE_BEHIND, behind);
        metrics_set(agg->metrics, AGGREGATE_IN_QUARANTINE, in_quarantine);
        if (agg->is_idle && behind > 0)
            start_over(agg);
    } else if (agg->trouble.is_lost) {
        disconnect(agg);
        start_over(agg);
    }
    redis_reply_free(reply);
}

static void report_health(struct aggregator *agg, int64_t age_ms)
{
    bool is_full = agg->in_trouble && agg->trouble.kind == TROUBLE_FULL;
    uint64_t in_quarantine = metrics_value(agg->metrics_all, AGGREGATE_IN_QUARANTINE);
    health_explain(agg->health, 0, AGGREGATE_CHECK_REDIS, trouble_words(agg->trouble.kind));
    health_set(agg->health, 0, AGGREGATE_CHECK_REDIS,
               agg->redis != NULL && (!agg->in_trouble || is_full), 0);
    health_set(agg->health, 0, AGGREGATE_CHECK_LAG, age_ms <= LOG_LAG_MS_MAX,
               metrics_value(agg->metrics_all, AGGREGATE_BEHIND));
    health_set(agg->health, 0, AGGREGATE_CHECK_QUARANTINE, in_quarantine == 0, in_quarantine);
    health_set(agg->health, 0, AGGREGATE_CHECK_ROOM, !is_full, 0);
}

/* After each step, good or not; once a second. */
static void report(struct aggregator *agg)
{
    int64_t now_ms = clock_mono_ms(), age_ms = 0;
    health_beat(agg->health, 0);
    if (now_ms < agg->report_at_ms)
        return;
    agg->report_at_ms = now_ms + REPORT_MS;
    if (agg->redis != NULL)
        report_lengths(agg);
    if (agg->tail.oldest_ms > 0 && clock_wall_ms() > agg->tail.oldest_ms)
        age_ms = clock_wall_ms() - agg->tail.oldest_ms;
    metrics_set(agg->metrics, AGGREGATE_UP, agg->redis != NULL);
    metrics_set(agg->metrics, AGGREGATE_OLDEST, (uint64_t)age_ms);
    report_health(agg, age_ms);
}

/* What has its turn between two applies. */
static bool do_chores(struct aggregator *agg)
{
    agg->chores_at_ms = clock_mono_ms();
    if (chores_turn(&agg->chores, agg->redis, &agg->tail.ledger, &agg->trouble))
        return true;
    if (agg->trouble.kind == TROUBLE_FUNCTION)
        disconnect(agg);
    return tell(agg);
}

/* When the next apply may be: this one took from `began_ms` until now. */
static void schedule_next(struct aggregator *agg, int64_t began_ms, bool was_full)
{
    int64_t now_ms = clock_mono_ms(), wait_ms = 9 * (now_ms - began_ms);
    metrics_add(agg->metrics, AGGREGATE_APPLY_MS, (uint64_t)(now_ms - began_ms));
    if (wait_ms < APPLY_EVERY_MS)
        wait_ms = APPLY_EVERY_MS;
    if (wait_ms > APPLY_EVERY_MS_MAX)
        wait_ms = APPLY_EVERY_MS_MAX;
    agg->apply_at_ms = was_full ? now_ms : now_ms + wait_ms;
    bound_ledger(agg, now_ms);
}

static bool step(struct aggregator *agg)
{
    struct log_tail *tail = &agg->tail;
    int64_t began_ms = 0;
    agg->is_idle = false;
    if (agg->redis == NULL && !connect_and_load(agg))
        return false;
    if (!agg->has_cursor) {
        if (!read_cursor(agg) || !set_aside_what_is_behind(agg))
            return false;
        if (!agg->has_cursor) /* it has set something aside */
            return true;
    }
    if (tail->entries == 0 && !do_chores(agg))
        return false;
    if (!gather(agg, &began_ms))
        return false;
    bool was_full = tail->is_full;
    if (tail->entries > 0) {
        if (!apply(agg))
            return false;
        schedule_next(agg, began_ms, was_full);
    } else if (tail->is_stuck) {
        if (!set_aside(agg, log_entry_id_str(&tail->stuck_at), tail->why))
            return false;
    } else {
        agg->is_idle = true;
        tail->oldest_ms = 0;
    }
    all_is_well(agg);
    return true;
}

static void back_off(struct aggregator *agg)
{
    agg->backoff_ms = agg->backoff_ms == 0 ? REDIS_BACKOFF_FIRST_MS : 2 * agg->backoff_ms;
    if (agg->backoff_ms > REDIS_BACKOFF_LAST_MS)
        agg->backoff_ms = REDIS_BACKOFF_LAST_MS;
    pause_ms(agg->backoff_ms);
}

static void handle_signals(void)
{
    /* Without SA_RESTART: a pause ends early. */
    struct sigaction stop = {.sa_handler = on_stop_signal}, ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&stop.sa_mask);
    sigemptyset(&ignore.sa_mask);
    stop_wanted = 0;
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGINT, &stop, NULL);
    /* hiredis writes to a socket that may be closed. */
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

static void run(struct aggregator *agg)
{
    while (!stop_wanted) {
        bool good = step(agg);
        if (!good)
            start_over(agg);
        report(agg);
        if (!good)
            back_off(agg);
    }
}

static void aggregator_init(struct aggregator *agg)
{
    buf_init(&agg->log_key, HOST_BYTES_MAX);
    buf_init(&agg->cursor_key, HOST_BYTES_MAX);
    model_key_log(&agg->log_key, agg->shard);
    model_key_cursor(&agg->cursor_key, agg->shard);
    log_tail_init(&agg->tail, agg->shard);
    apply_call_init(&agg->call);
    apply_call_init(&agg->next);
    agg->metrics_all = metrics_new(AGGREGATE_METRIC_ROWS, AGGREGATE__COUNT, 1);
    agg->metrics = metrics_part(agg->metrics_all, 0);
    agg->health = health_new(AGGREGATE_CHECK_ROWS, AGGREGATE_CHECK__COUNT, 1);
    chores_init(&agg->chores, agg->shard, agg->metrics, agg->health);
}

static void aggregator_done(struct aggregator *agg)
{
    chores_done(&agg->chores);
    health_free(agg->health);
    metrics_free(agg->metrics_all);
    apply_call_done(&agg->call);
    apply_call_done(&agg->next);
    log_tail_done(&agg->tail);
    buf_done(&agg->cursor_key);
    buf_done(&agg->log_key);
    disconnect(agg);
}

int aggregate_serve(const struct redis_address *address, const char *admin)
{
    struct aggregator agg = {.address = address};
    struct admin *teller;
    char error[ERROR_BYTES];
    handle_signals();
    aggregator_init(&agg);
    const struct admin_options options = {
        .listen = admin, .role = "aggregator", .metrics = agg.metrics_all, .health = agg.health};
    bool good = admin_start(&options, &teller, error, sizeof(error));
    if (good) {
        log_info("started");
        run(&agg);
        log_info("stopped");
    } else {
        log_error("%s", error);
    }
    admin_stop(teller);
    aggregator_done(&agg);
    return good ? 0 : 1;
}

int aggregate_run(const struct config *config)
{
    struct redis_address address;
    char error[ERROR_BYTES];
    if (config_redis_address(config, "aggregator", &address, error, sizeof(error)))
        return aggregate_serve(&address, config->aggregator.admin);
    log_error("%s", error);
    return 1;
}

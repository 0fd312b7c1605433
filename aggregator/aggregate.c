/* The aggregator: reads the log after the cursor, folds what it reads, applies it, and so on.
 *
 *   connect ─▶ functions ─▶ cursor ─▶ read (blocks) ─▶ fold into the ledger ─▶ pause ─▶ read rest
 *      ▲                      ▲                                                            │
 *      │                      └──────────── OK ────────────────── FCALL apply ◀────────────┘
 *      └── anything else: forget the ledger, wait with back-off, begin again from the cursor
 *
 * All that must survive is in Redis: the cursor says what has been applied, and `apply` moves it in
 * the same step as it counts. So a lost reply, another aggregator that was faster (MOVED) and a
 * refused call are one case: forget everything, look where the cursor stands, go on from there.
 *
 * One thread, one connection. A signal sets a flag; every wait is short or is cut by it. Tables and
 * sites may stand in the operator's log, values may not. */

#include "aggregator/aggregate.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "aggregator/aggregate_metrics.h"
#include "aggregator/apply.h"
#include "aggregator/fold.h"
#include "aggregator/functions.h"
#include "aggregator/log_entry.h"
#include "common/admin.h"
#include "common/clock.h"
#include "common/config_value.h"
#include "common/limits.h"
#include "common/log.h"

enum { ENTRY_ID_BYTES = 48, TROUBLE_BYTES = 200, LEDGER_CHECK_MS = 10000, REPORT_MS = 1000 };

struct entry_id {
    char text[ENTRY_ID_BYTES];
    size_t len;
};

struct aggregator {
    const struct redis_address *address;
    struct redis *redis; /* NULL: not connected */
    uint32_t shard;
    struct buf log_key, cursor_key;
    bool has_cursor;
    struct entry_id cursor; /* where it stands in Redis */
    struct entry_id last;   /* the last entry that is folded */
    size_t entries, bytes;  /* folded and not applied */
    bool is_full;           /* no more may be folded before the next apply */
    struct ledger ledger;
    struct apply_call call;
    int64_t apply_at_ms; /* not before it */
    int64_t ledger_check_at_ms;
    uint32_t backoff_ms;
    uint64_t skipped;                 /* entries that could not be read, so far */
    uint64_t skipped_ms, skipped_seq; /* the last one's id */
    char trouble[TROUBLE_BYTES];      /* what was last logged; empty: all is well */
    struct metrics *metrics_all;
    struct metrics_part *metrics; /* aggregate_metrics.h */
    struct health *health;
    int64_t oldest_ms; /* when the first entry that is not applied came; 0: none is known */
    int64_t report_at_ms;
};

static volatile sig_atomic_t stop_wanted;

static void on_stop_signal(int signal_number)
{
    (void)signal_number;
    stop_wanted = 1;
}

static struct str id_str(const struct entry_id *id)
{
    return (struct str){id->text, id->len};
}

static bool id_set(struct entry_id *id, struct str text)
{
    if (text.len == 0 || text.len > sizeof(id->text))
        return false;
    memcpy(id->text, text.ptr, text.len);
    id->len = text.len;
    return true;
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

/* Logs once a state: the same trouble again is silent. Returns false, for `return trouble(…)`. */
static bool trouble(struct aggregator *agg, const char *doing, struct str what)
{
    char text[TROUBLE_BYTES];
    /* Numbers behind the first word may change from one attempt to the next. */
    struct str kind = str_prefix(what, str_find(what, ' '));
    (void)snprintf(text, sizeof(text), "%s: %.*s", doing, STR_ARG(kind));
    if (strcmp(text, agg->trouble) != 0) {
        log_error("%s: %.*s", doing, STR_ARG(what));
        memcpy(agg->trouble, text, sizeof(text));
    }
    return false;
}

static void all_is_well(struct aggregator *agg)
{
    agg->backoff_ms = 0;
    if (agg->trouble[0] == '\0')
        return;
    log_info("works again");
    agg->trouble[0] = '\0';
}

/* After anything that went wrong: nothing is known any more. */
static void start_over(struct aggregator *agg)
{
    ledger_forget(&agg->ledger);
    agg->has_cursor = false;
    agg->entries = agg->bytes = 0;
    agg->is_full = false;
}

static void disconnect(struct aggregator *agg)
{
    redis_free(agg->redis);
    agg->redis = NULL;
}

/* A reply of the wanted type, or NULL with the trouble told. */
static struct redis_reply *checked(struct aggregator *agg, const char *doing,
                                   struct redis_reply *reply)
{
    if (reply == NULL) {
        (void)trouble(agg, doing, str_from(redis_error(agg->redis)));
        disconnect(agg);
        return NULL;
    }
    if (redis_reply_type(reply) != REDIS_TYPE_ERROR)
        return reply;
    (void)trouble(agg, doing, redis_reply_str(reply));
    redis_reply_free(reply);
    return NULL;
}

/* --- Connecting --------------------------------------------------------------------------------
 */

static bool connect_and_load(struct aggregator *agg)
{
    char error[TROUBLE_BYTES];
    agg->redis = redis_connect(agg->address, error, sizeof(error));
    if (agg->redis == NULL)
        return trouble(agg, "connecting", str_from(error));
    metrics_add(agg->metrics, AGGREGATE_CONNECTS, 1);
    if (functions_load(agg->redis, error, sizeof(error)))
        return true;
    disconnect(agg);
    return trouble(agg, "loading the function library", str_from(error));
}

static bool read_cursor(struct aggregator *agg)
{
    static const char DOING[] = "reading the cursor";
    struct redis_reply *reply =
        checked(agg, DOING, redis_do(agg->redis, STR_LIT("GET"), buf_str(&agg->cursor_key)));
    if (reply == NULL)
        return false;
    bool is_absent = redis_reply_type(reply) == REDIS_TYPE_NIL;
    bool good = id_set(&agg->cursor, is_absent ? STR_LIT("0-0") : redis_reply_str(reply));
    redis_reply_free(reply);
    if (!good)
        return trouble(agg, DOING, STR_LIT("it is no entry's id"));
    agg->last = agg->cursor;
    agg->has_cursor = true;
    return true;
}

/* --- Folding -----------------------------------------------------------------------------------
 */

static bool load_table(struct aggregator *agg, struct ledger_day *day, enum table table,
                       struct redis_reply *reply)
{
    char doing[TROUBLE_BYTES];
    (void)snprintf(doing, sizeof(doing), "loading %s of %.*s on %" PRIu32, model_table_name(table),
                   STR_ARG(day->site), day->date);
    reply = checked(agg, doing, reply);
    if (reply == NULL)
        return false;
    for (size_t i = 0; i < redis_reply_count(reply); i++)
        ledger_load_field(day, table, redis_reply_str(redis_reply_at(reply, i)));
    day->tables[table].is_loaded = true;
    redis_reply_free(reply);
    return true;
}

static bool load_tables(struct aggregator *agg, struct ledger_day *day, uint32_t missing)
{
    struct buf key;
    bool good = true;
    buf_init(&key, VALUE_BYTES_MAX);
    for (int t = 0; t < TABLE__COUNT && good; t++) {
        if ((missing >> t & 1) == 0)
            continue;
        buf_reset(&key);
        model_key_live(&key, day->site, day->date, (enum table)t);
        good = load_table(agg, day, (enum table)t,
                          redis_do(agg->redis, STR_LIT("HKEYS"), buf_str(&key)));
    }
    buf_done(&key);
    return good;
}

/* Entries come again after trouble, and each is told of once: their ids only grow. */
static void skip_entry(struct aggregator *agg, const struct log_entry *entry, const char *why)
{
    uint64_t ms_number = 0, seq_number = 0;
    bool is_id = log_entry_id_parse(entry->id, &ms_number, &seq_number);
    if (is_id && (ms_number < agg->skipped_ms ||
                  (ms_number == agg->skipped_ms && seq_number <= agg->skipped_seq)))
        return;
    agg->skipped_ms = ms_number;
    agg->skipped_seq = seq_number;
    agg->skipped++;
    metrics_add(agg->metrics, AGGREGATE_LEFT_OUT, 1);
    log_error("entry %.*s of the log is left out: %s (%" PRIu64 " so far)", STR_ARG(entry->id), why,
              agg->skipped);
}

/* False when a table could not be loaded. What is not a batch is passed over. */
static bool fold_entry(struct aggregator *agg, const struct log_entry *entry)
{
    struct day_set set;
    day_set_init(&set, APPLY_CELLS_MAX);
    enum batch_status status = batch_fold(entry->payload, &set);
    if (status != BATCH_OK)
        skip_entry(agg, entry, batch_status_name(status));
    bool good = true;
    for (size_t i = 0; i < set.count && status == BATCH_OK && good; i++) {
        const struct section *section = set.sections[i];
        struct ledger_day *day = ledger_day(&agg->ledger, section->site, section->date);
        good = load_tables(agg, day, fold_missing_tables(section, day));
        if (good)
            fold_section(section, entry->writer, entry->number, day);
    }
    day_set_done(&set);
    return good;
}

/* An entry's id begins with the time at which it came, by Redis's clock. */
static void note_oldest(struct aggregator *agg, struct str id)
{
    uint64_t ms = 0, seq;
    if (log_entry_id_parse(id, &ms, &seq))
        agg->oldest_ms = (int64_t)ms;
}

/* Folds entries of one reply as far as one apply may carry them. */
static bool fold_entries(struct aggregator *agg, const struct redis_reply *entries)
{
    for (size_t i = 0; i < redis_reply_count(entries); i++) {
        struct log_entry entry;
        bool is_entry = log_entry_parse(redis_reply_at(entries, i), &entry);
        if (agg->entries == APPLY_ENTRIES_MAX ||
            (agg->entries > 0 && agg->bytes + entry.payload.len > APPLY_BYTES_MAX)) {
            agg->is_full = true;
            return true;
        }
        if (agg->entries == 0)
            note_oldest(agg, entry.id);
        if (!is_entry)
            skip_entry(agg, &entry, "append did not write it");
        else if (!fold_entry(agg, &entry))
            return false;
        if (!id_set(&agg->last, entry.id))
            return trouble(agg, "reading the log", STR_LIT("an entry without id"));
        agg->entries++;
        agg->bytes += entry.payload.len;
    }
    return true;
}

/* One read after the last entry, which waits for one when `block`. `*ret_count` is how many there
 * were. */
static bool read_log(struct aggregator *agg, bool block, size_t *ret_count)
{
    char count[16], block_ms[16];
    (void)snprintf(count, sizeof(count), "%d", APPLY_READ_ENTRIES);
    (void)snprintf(block_ms, sizeof(block_ms), "%d", APPLY_BLOCK_MS);
    const struct str argv[] = {STR_LIT("XREAD"),       STR_LIT("COUNT"),   str_from(count),
                               STR_LIT("BLOCK"),       str_from(block_ms), STR_LIT("STREAMS"),
                               buf_str(&agg->log_key), id_str(&agg->last)};
    const struct str argv_now[] = {argv[0], argv[1], argv[2], argv[5], argv[6], argv[7]};
    struct redis_reply *reply =
        checked(agg, "reading the log",
                block ? redis_command(agg->redis, ARRAY_LEN(argv), argv)
                      : redis_command(agg->redis, ARRAY_LEN(argv_now), argv_now));
    if (reply == NULL)
        return false;
    bool good = true;
    *ret_count = 0;
    if (redis_reply_count(reply) == 1) {
        const struct redis_reply *entries = redis_reply_at(redis_reply_at(reply, 0), 1);
        *ret_count = redis_reply_count(entries);
        good = fold_entries(agg, entries);
    }
    redis_reply_free(reply);
    return good;
}

/* Waits for an entry, then until the next apply is due, and folds all there is by then. */
static bool gather(struct aggregator *agg, int64_t *ret_began_ms)
{
    size_t count;
    if (!read_log(agg, true, &count))
        return false;
    *ret_began_ms = clock_mono_ms();
    if (count == 0)
        return true;
    if (!agg->is_full)
        pause_ms(agg->apply_at_ms - *ret_began_ms);
    *ret_began_ms = clock_mono_ms();
    do {
        if (agg->is_full)
            return true;
        if (!read_log(agg, false, &count))
            return false;
    } while (count == APPLY_READ_ENTRIES);
    return true;
}

/* --- Applying ----------------------------------------------------------------------------------
 */

static bool apply_refused(struct aggregator *agg, struct str error)
{
    /* "BADTYPE 5" names a key by its number among the keys. */
    struct str code = str_prefix(error, str_find(error, ' '));
    unsigned number;
    if (str_eq(code, STR_LIT("BADTYPE")) &&
        value_uint(str_from_at(error, code.len + 1), UINT_MAX, &number)) {
        struct str key = apply_call_key_name(&agg->call, number);
        char doing[TROUBLE_BYTES];
        (void)snprintf(doing, sizeof(doing), "applying to %.*s", STR_ARG(key));
        return trouble(agg, doing, error);
    }
    /* Functions that are gone come back with a new connection. */
    if (str_eq(error, STR_LIT("ERR Function not found")))
        disconnect(agg);
    return trouble(agg, "applying", error);
}

static bool apply(struct aggregator *agg)
{
    apply_call_build(&agg->call, agg->shard, &agg->ledger, id_str(&agg->cursor), id_str(&agg->last),
                     clock_wall_ms());
    struct redis_reply *reply = redis_command(agg->redis, agg->call.argc, agg->call.argv);
    if (reply == NULL) {
        (void)checked(agg, "applying", NULL);
        return false;
    }
    bool good = redis_reply_is(reply, "OK");
    bool moved = redis_reply_is(reply, "MOVED");
    metrics_add(agg->metrics,
                good    ? AGGREGATE_APPLIES
                : moved ? AGGREGATE_MOVED
                        : AGGREGATE_REFUSED,
                1);
    if (moved)
        start_over(agg);
    else if (!good)
        (void)apply_refused(agg, redis_reply_str(reply));
    redis_reply_free(reply);
    if (!good)
        return moved;
    metrics_add(agg->metrics, AGGREGATE_ENTRIES, agg->entries);
    metrics_add(agg->metrics, AGGREGATE_BYTES, agg->bytes);
    ledger_applied(&agg->ledger);
    agg->cursor = agg->last;
    agg->entries = agg->bytes = 0;
    return true;
}

/* --- The process -------------------------------------------------------------------------------
 */

static void bound_ledger(struct aggregator *agg, int64_t now_ms)
{
    if (now_ms < agg->ledger_check_at_ms)
        return;
    agg->ledger_check_at_ms = now_ms + LEDGER_CHECK_MS;
    size_t bytes = ledger_bytes(&agg->ledger);
    metrics_set(agg->metrics, AGGREGATE_LEDGER_BYTES, bytes);
    if (bytes > LEDGER_BYTES_MAX)
        ledger_forget(&agg->ledger);
}

/* How long the log is, beyond what is applied and cut off. What is wrong is the next step's to say.
 */
static void report_lag(struct aggregator *agg)
{
    struct redis_reply *reply = redis_do(agg->redis, STR_LIT("XLEN"), buf_str(&agg->log_key));
    if (reply == NULL) {
        disconnect(agg);
        start_over(agg);
    } else if (redis_reply_type(reply) == REDIS_TYPE_INTEGER) {
        metrics_set(agg->metrics, AGGREGATE_BEHIND, (uint64_t)redis_reply_integer(reply));
    }
    redis_reply_free(reply);
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
        report_lag(agg);
    if (agg->oldest_ms > 0 && clock_wall_ms() > agg->oldest_ms)
        age_ms = clock_wall_ms() - agg->oldest_ms;
    metrics_set(agg->metrics, AGGREGATE_UP, agg->redis != NULL);
    metrics_set(agg->metrics, AGGREGATE_OLDEST, (uint64_t)age_ms);
    health_set(agg->health, 0, AGGREGATE_CHECK_REDIS, agg->redis != NULL && agg->trouble[0] == '\0',
               0);
    health_set(agg->health, 0, AGGREGATE_CHECK_LAG, age_ms <= LOG_LAG_MS_MAX,
               metrics_value(agg->metrics_all, AGGREGATE_BEHIND));
    health_set(agg->health, 0, AGGREGATE_CHECK_ENTRIES, agg->skipped == 0, agg->skipped);
}

static bool step(struct aggregator *agg)
{
    if (agg->redis == NULL && !connect_and_load(agg))
        return false;
    if (!agg->has_cursor && !read_cursor(agg))
        return false;
    int64_t began_ms;
    if (!gather(agg, &began_ms))
        return false;
    if (agg->entries == 0) {
        agg->oldest_ms = 0;
        all_is_well(agg);
        return true;
    }
    bool was_full = agg->is_full;
    agg->is_full = false;
    if (!apply(agg))
        return false;
    all_is_well(agg);
    int64_t now_ms = clock_mono_ms(), wait_ms = 9 * (now_ms - began_ms);
    metrics_add(agg->metrics, AGGREGATE_APPLY_MS, (uint64_t)(now_ms - began_ms));
    agg->oldest_ms = 0;
    if (wait_ms < APPLY_EVERY_MS)
        wait_ms = APPLY_EVERY_MS;
    if (wait_ms > APPLY_EVERY_MS_MAX)
        wait_ms = APPLY_EVERY_MS_MAX;
    agg->apply_at_ms = was_full ? now_ms : now_ms + wait_ms;
    bound_ledger(agg, now_ms);
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
    ledger_init(&agg->ledger);
    apply_call_init(&agg->call);
    agg->metrics_all = metrics_new(AGGREGATE_METRIC_ROWS, AGGREGATE__COUNT, 1);
    agg->metrics = metrics_part(agg->metrics_all, 0);
    agg->health = health_new(AGGREGATE_CHECK_ROWS, AGGREGATE_CHECK__COUNT, 1);
}

static void aggregator_done(struct aggregator *agg)
{
    health_free(agg->health);
    metrics_free(agg->metrics_all);
    apply_call_done(&agg->call);
    ledger_forget(&agg->ledger);
    buf_done(&agg->cursor_key);
    buf_done(&agg->log_key);
    disconnect(agg);
}

int aggregate_serve(const struct redis_address *address, const char *admin)
{
    struct aggregator agg = {.address = address};
    struct admin *teller;
    char error[TROUBLE_BYTES];
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
    char error[TROUBLE_BYTES];
    if (config_redis_address(config, "aggregator", &address, error, sizeof(error)))
        return aggregate_serve(&address, config->aggregator.admin);
    log_error("%s", error);
    return 1;
}

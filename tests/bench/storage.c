/* What two years of a made-up site take in Redis, through the whole pipeline under a clock of its
 * own: visits and views are counted into sections as the collector does, batches go through the
 * function `append` into the log, the log's tail is folded and applied, and each day is closed.
 *
 *   bench_storage [VIEWS_A_DAY [DAYS]]     without: 1,000 and then 100,000 views on 730 days
 *
 * Prints one JSON line a site: bytes at rest as strings, by MEMORY USAGE and by what used_memory
 * rose after the first day, each a year, beside the bar; and how long the closes took. The log's
 * lines, one a day, are the progress. Exit code 1 over the bar. Not a test: a day of the second
 * site takes some three seconds, three quarters of them in Redis. A day's batches are applied as an
 * aggregator does that was away for a day, as many at once as it may: to apply each few would take
 * twice the time and make the same records.
 *
 * SIGINT and SIGTERM end it after the day that it is at, with what there is until then. Days share
 * the names of their month, so a month that has just begun counts for too much. */

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "aggregator/apply.h"
#include "aggregator/batch.h"
#include "aggregator/close.h"
#include "aggregator/functions.h"
#include "aggregator/log_tail.h"
#include "collector/view.h"
#include "collector/visit.h"
#include "common/clock.h"
#include "redis_server.h"
#include "synthetic_day.h"

#define S(text) STR_LIT(text)
#define SITE "example.com"
#define WRITER "00f1e2d3c4b5a697"

static const struct synthetic_site SITE_SIZE = {.pages = 2000, .sources = 300, .countries = 150};

enum {
    DAYS = 730,
    DAYS_MIN = 2,
    SECTION_VIEWS = 200, /* fewer than fill a section's room for crosses */
    TAGS = 1024,
    SETTLE_US = 300 * 1000,
    FIRST_DATE = 20300101,
    DAY_MS = 24 * 60 * 60 * 1000,
};
/* The end of FIRST_DATE in UTC, and some. */
#define FIRST_CLOSE_MS (INT64_C(1893542400000) + CLOSE_AFTER_MS)

static struct {
    struct redis_server server;
    struct redis *redis;
    struct visit_table *visits;
    struct section *section;
    struct day_key key;
    struct log_tail tail;
    struct log_entry_id cursor;
    struct apply_call call;
    struct closing closing;
    uint64_t number, seed;
    int64_t now_ms; /* monotonic, of the visits */
    uint64_t tags[TAGS];
    double close_ms, close_ms_max;
} bench;

static volatile sig_atomic_t is_to_end;

static void on_signal(int number)
{
    (void)number;
    is_to_end = 1;
}

static void die(const char *what)
{
    fprintf(stderr, "bench_storage: %s\n", what);
    exit(2);
}

static struct redis_reply *answered(struct redis_reply *reply)
{
    if (reply == NULL || redis_reply_type(reply) == REDIS_TYPE_ERROR)
        die(reply == NULL ? "Redis went away" : redis_reply_str(reply).ptr);
    return reply;
}

/* --- Collecting ------------------------------------------------------------------------------- */

static void append_section(void)
{
    struct buf payload;
    char number[24];
    buf_init(&payload, BATCH_BYTES_MAX);
    batch_begin(&payload, 1);
    batch_append_section(&payload, bench.section);
    batch_end(&payload);
    snprintf(number, sizeof(number), "%" PRIu64, ++bench.number);
    struct redis_reply *reply = answered(redis_do(bench.redis, S("FCALL"), S("append"), S("2"),
                                                  S("ff:{0}:log"), S("ff:{0}:writers"), S(WRITER),
                                                  str_from(number), buf_str(&payload), S("1")));
    if (payload.overflow || !redis_reply_is(reply, "OK"))
        die("a batch did not enter the log");
    redis_reply_free(reply);
    buf_done(&payload);
}

static void sign(const struct synthetic_values *values, uint64_t tag, enum beacon_kind kind,
                 uint32_t date)
{
    static struct visit_change change;
    struct visit_attributes attributes = {0};
    bool is_report = kind == BEACON_ENGAGEMENT;
    uint8_t hour = (uint8_t)strtoul(values->text[TABLE_TIME], NULL, 10);
    uint32_t engaged_ms = is_report ? (uint32_t)(-35000 * log(1 - synthetic_unit(&bench.seed))) : 0;
    struct str page = str_from(values->text[TABLE_PAGE]);
    struct str event = kind == BEACON_EVENT ? str_from(values->text[TABLE_EVENT]) : STR_EMPTY;
    for (int t = 0; t < TABLE__COUNT; t++)
        if (model_table_is_visit((enum table)t) && t != TABLE_TIME)
            attributes.values[t] = str_from(values->text[t]);
    const struct visit_sign visit_sign = {
        .tag = tag,
        .date = date,
        .hour = hour,
        .now_ms = bench.now_ms,
        .kind = kind,
        .page = page,
        .event = event,
        .scroll_percent = is_report ? 20 + (int)(80 * synthetic_unit(&bench.seed)) : -1,
        .has_engagement = is_report,
        .attributes = &attributes};
    visit_table_sign(bench.visits, &visit_sign, &change);
    view_count(bench.section, &bench.key,
               &(struct view){.kind = kind,
                              .hour = hour,
                              .tag = tag,
                              .page = page,
                              .event = event,
                              .engaged_ms = engaged_ms,
                              .visit = &change,
                              .attributes = &change.attributes});
}

/* One visit in ten is of somebody who was here before. */
static uint64_t draw_tag(void)
{
    uint64_t *tag = &bench.tags[synthetic_random(&bench.seed) % TAGS];
    if (*tag == 0 || synthetic_unit(&bench.seed) < 0.9)
        *tag = synthetic_random(&bench.seed);
    return *tag;
}

static void count_visit(uint32_t views, uint32_t date)
{
    struct synthetic_values values;
    uint64_t tag = draw_tag();
    synthetic_draw(&values, &SITE_SIZE, &bench.seed);
    bench.now_ms += (VISIT_IDLE_S + 60) * INT64_C(1000);
    for (uint32_t v = 0; v < views; v++) {
        synthetic_page_name(values.text[TABLE_PAGE], synthetic_rank(&bench.seed, SITE_SIZE.pages));
        if (v == 0)
            memcpy(values.text[TABLE_ENTRY_PAGE], values.text[TABLE_PAGE],
                   sizeof(values.text[TABLE_PAGE]));
        sign(&values, tag, BEACON_PAGEVIEW, date);
        if (synthetic_unit(&bench.seed) < 0.03) {
            snprintf(values.text[TABLE_EVENT], sizeof(values.text[TABLE_EVENT]), "goal %u",
                     synthetic_rank(&bench.seed, 6));
            sign(&values, tag, BEACON_EVENT, date);
        }
        bench.now_ms += 1000 + (int64_t)(80000 * synthetic_unit(&bench.seed));
        if (synthetic_unit(&bench.seed) < 0.9)
            sign(&values, tag, BEACON_ENGAGEMENT, date);
    }
}

/* --- Aggregating ------------------------------------------------------------------------------ */

static void apply_log(void)
{
    struct trouble trouble;
    struct log_tail *tail = &bench.tail;
    size_t count;
    for (;;) {
        do {
            if (!log_tail_read(tail, bench.redis, false, &count, &trouble))
                die(trouble.said);
        } while (count > 0 && !tail->is_full);
        if (tail->entries == 0)
            return;
        apply_call_build(&bench.call, 0, &tail->ledger, log_entry_id_str(&bench.cursor),
                         log_entry_id_str(&tail->last), clock_wall_ms());
        struct redis_reply *reply =
            answered(redis_command(bench.redis, bench.call.argc, bench.call.argv));
        if (!redis_reply_is(reply, "OK"))
            die("an apply did not count");
        redis_reply_free(reply);
        log_tail_sent(tail);
        bench.cursor = tail->last;
    }
}

static double real_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void close_day(int day)
{
    struct closing_counts counts;
    struct trouble trouble;
    uint64_t closed = 0;
    double took_ms = 0;
    clock_fake_set(FIRST_CLOSE_MS + day * (int64_t)DAY_MS, 1 + day * (int64_t)DAY_MS);
    for (int look = 0; look < 2; look++) {
        double began_ms = real_ms();
        bench.closing.look_at_ms = 0;
        if (!closing_turn(&bench.closing, bench.redis, &bench.tail.ledger, &counts, &trouble))
            die(trouble.said);
        took_ms = real_ms() - began_ms;
        closed += counts.closed;
        clock_fake_advance(CLOSE_QUIET_MS);
    }
    if (closed != 1)
        die("a day did not close once");
    bench.close_ms += took_ms;
    bench.close_ms_max = took_ms > bench.close_ms_max ? took_ms : bench.close_ms_max;
}

static void live_day(int day, uint32_t views)
{
    uint32_t date = date_add_days(FIRST_DATE, day);
    clock_fake_set(FIRST_CLOSE_MS + day * (int64_t)DAY_MS - DAY_MS / 2, day * (int64_t)DAY_MS);
    randombytes_buf(&bench.key, sizeof(bench.key));
    memset(bench.tags, 0, sizeof(bench.tags));
    section_reset(bench.section, S(SITE), date);
    while (views > 0) {
        uint32_t more = synthetic_views(&bench.seed);
        more = more > views ? views : more;
        count_visit(more, date);
        views -= more;
        if (bench.section->views < SECTION_VIEWS && views > 0)
            continue;
        append_section();
        section_reset(bench.section, S(SITE), date);
    }
    apply_log();
}

/* --- Measuring -------------------------------------------------------------------------------- */

/* On a connection of its own, so that no buffer of a large call is in it; without the log of slow
 * commands, which has its own bound; and after the thread that frees what was deleted. */
static uint64_t used_memory(void)
{
    static const char LABEL[] = "used_memory:";
    redis_free(bench.redis);
    (void)usleep(SETTLE_US);
    bench.redis = redis_server_connect(&bench.server);
    redis_reply_free(answered(redis_do(bench.redis, S("SLOWLOG"), S("RESET"))));
    struct redis_reply *reply = answered(redis_do(bench.redis, S("INFO"), S("memory")));
    struct str info = redis_reply_str(reply);
    const char *at = memmem(info.ptr, info.len, LABEL, sizeof(LABEL) - 1);
    uint64_t bytes = at == NULL ? 0 : strtoull(at + sizeof(LABEL) - 1, NULL, 10);
    redis_reply_free(reply);
    return bytes;
}

/* Of the keys of a pattern: bytes of their strings, and what Redis says that they take. */
static void add_keys(const char *pattern, uint64_t *ret_bytes, uint64_t *ret_memory)
{
    struct redis_reply *keys = answered(redis_do(bench.redis, S("KEYS"), str_from(pattern)));
    *ret_bytes = *ret_memory = 0;
    for (size_t i = 0; i < redis_reply_count(keys); i++) {
        struct str key = redis_reply_str(redis_reply_at(keys, i));
        struct redis_reply *length = answered(redis_do(bench.redis, S("STRLEN"), key));
        struct redis_reply *memory = answered(redis_do(bench.redis, S("MEMORY"), S("USAGE"), key));
        *ret_bytes += (uint64_t)redis_reply_integer(length);
        *ret_memory += (uint64_t)redis_reply_integer(memory);
        redis_reply_free(length);
        redis_reply_free(memory);
    }
    redis_reply_free(keys);
}

static bool report(uint32_t views, int days, double used)
{
    uint64_t records, names, sums, records_memory, names_memory, sums_memory;
    add_keys("ff:{0}:" SITE ":day:*", &records, &records_memory);
    add_keys("ff:{0}:" SITE ":names:*", &names, &names_memory);
    add_keys("ff:{0}:" SITE ":sum:*", &sums, &sums_memory);
    double years = days / 365.0, bar = views <= 1000 ? 3e6 : 12e6;
    double a_year = (double)(records_memory + names_memory + sums_memory) / years;
    printf("{\"views_a_day\":%u,\"days\":%d,\"record_bytes_a_day\":%.0f,"
           "\"names_bytes_a_day\":%.0f,\"sums_bytes_a_day\":%.0f,\"string_bytes_a_year\":%.0f,"
           "\"memory_usage_a_year\":%.0f,\"of_sums\":%.0f,\"used_memory_a_year\":%.0f,\"bar\":%.0f,"
           "\"close_ms\":%.2f,\"close_ms_max\":%.2f}\n",
           views, days, (double)records / days, (double)names / days, (double)sums / days,
           (double)(records + names + sums) / years, a_year, (double)sums_memory / years,
           used / years, bar, bench.close_ms / days, bench.close_ms_max);
    (void)fflush(stdout);
    return a_year < bar && used / years < bar;
}

static bool measure(uint32_t views, int days)
{
    char error[200];
    memset(&bench, 0, sizeof(bench));
    bench.seed = 1;
    redis_server_start(&bench.server, NULL);
    bench.redis = redis_server_connect(&bench.server);
    if (!functions_load(bench.redis, error, sizeof(error)) ||
        !log_entry_id_set(&bench.cursor, S("0-0")))
        die("the functions are not loaded");
    redis_reply_free(answered(redis_do(bench.redis, S("HSET"), S("ff:sites"), S(SITE), S("{}"))));
    bench.visits = visit_table_new(VISITS_MAX, VISIT_BYTES_MAX);
    bench.section = section_new(SECTION_CELLS_MAX);
    log_tail_init(&bench.tail, 0);
    log_tail_begin(&bench.tail, &bench.cursor);
    apply_call_init(&bench.call);
    closing_init(&bench.closing, 0);
    uint64_t before = 0;
    int day = 0;
    while (day < days && (day < DAYS_MIN || !is_to_end)) {
        live_day(day, views);
        close_day(day);
        /* What Redis takes once, for functions and the like, is not a day's. */
        if (day++ == 0)
            before = used_memory();
    }
    days = day;
    uint64_t after = used_memory();
    bool good = report(views, days, (double)(after - before) * days / (days - 1));
    closing_done(&bench.closing);
    apply_call_done(&bench.call);
    log_tail_done(&bench.tail);
    section_free(bench.section);
    visit_table_free(bench.visits);
    redis_free(bench.redis);
    redis_server_stop(&bench.server);
    return good;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (sodium_init() < 0)
        return 2;
    int days = argc > 2 ? (int)strtol(argv[2], NULL, 10) : DAYS;
    if (days < DAYS_MIN)
        die("two days at least");
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    if (argc > 1)
        return measure((uint32_t)strtoul(argv[1], NULL, 10), days) ? 0 : 1;
    bool small = measure(1000, days), large = measure(100000, days);
    return small && large ? 0 : 1;
}

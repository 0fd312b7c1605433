/* What a question about a year costs: a year of sealed days of a made-up site of 2,000 pages, 300
 * sources and 150 countries in a real Redis, with the sums of the months that are over, asked over
 * its Unix socket by the engine that the dashboards and the command line use. From a question's
 * JSON to its answer's, nothing kept (cold) and all kept (warm), beside a bare round trip. One JSON
 * line of milliseconds.
 *
 * Usage: bench_query_years [VIEWS_A_DAY [ROUNDS [QUESTION]]], a question being one of YEARS below.
 * Not a test: times depend on the machine. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "aggregator/close_sum.h"
#include "aggregator/query_ask.h"
#include "aggregator/threshold.h"
#include "redis_server.h"
#include "synthetic_day.h"

enum { DAYS = 365, ROUNDS_MAX = 1000, RECORD_BYTES_MAX = 16 * 1024 * 1024 };

static const int64_t NOW_MS = 1795694400000; /* 2026-11-26T12:00:00Z */
static const uint32_t TODAY = 20261126;
#define EXPIRY_MS "4102444800000" /* past all clocks: 2100-01-01 */
static const struct synthetic_site SITE = {.pages = 2000, .sources = 300, .countries = 150};

static struct redis_server server;
static struct redis *redis;
static struct site *site;
static size_t day_bytes, names_bytes, sums_bytes;
static double sum_ms, look_ms; /* the longest that a sum took to be made, and to be found right */

/* Where the 99th percentile stands among so many that are sorted. */
static size_t nearest_rank_99(size_t count)
{
    return (count * 99 + 99) / 100 - 1;
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Of this process alone: on a busy machine times tell of the others as well. */
static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* --- A year -------------------------------------------------------------------------------------
 */

typedef void (*key_fn)(struct buf *out, struct str site, uint32_t date);

static void set(key_fn key_of, uint32_t date, const struct buf *bytes)
{
    struct buf key;
    buf_init(&key, 1000);
    key_of(&key, site->domain, date);
    redis_reply_free(redis_do(redis, STR_LIT("SET"), buf_str(&key), buf_str(bytes), STR_LIT("PXAT"),
                              STR_LIT(EXPIRY_MS)));
    buf_done(&key);
}

/* One for each day of a month; the months are alike, since to make one up takes a second. */
static struct day days[31];
static struct day_names days_names[31];

static void make_days(uint32_t views)
{
    struct thresholds standard = thresholds_of_preset(SITE_STANDARD);
    for (uint32_t i = 0; i < ARRAY_LEN(days); i++) {
        day_names_init(&days_names[i]);
        day_init(&days[i], TODAY, &days_names[i]);
        synthetic_day_fill(&days[i], &SITE, views, i + 1);
        threshold_apply(&days[i], &standard);
    }
}

static void seal_day(uint32_t date, struct record_names *month, struct buf *names)
{
    struct day *day = &days[date % 100 - 1];
    struct buf record;
    day->date = date;
    buf_init(&record, RECORD_BYTES_MAX);
    record_encode(day, month, &record, names);
    set(model_key_day, date, &record);
    day_bytes += record.len;
    buf_done(&record);
}

static void close_month(uint32_t month, double *longest_ms)
{
    enum close_sum_outcome outcome;
    const char *why;
    struct trouble trouble;
    double begin = now_ms();
    if (!close_sum(redis, site->domain, month, &outcome, &why, &trouble) ||
        outcome == CLOSE_SUM_FAILED)
        abort();
    double took_ms = now_ms() - begin;
    *longest_ms = took_ms > *longest_ms ? took_ms : *longest_ms;
}

static void add_up_month(uint32_t month)
{
    struct buf key;
    close_month(month, &sum_ms);
    close_month(month, &look_ms);
    buf_init(&key, 1000);
    model_key_sum(&key, site->domain, month * 100);
    struct redis_reply *reply = redis_do(redis, STR_LIT("STRLEN"), buf_str(&key));
    sums_bytes += (size_t)redis_reply_integer(reply);
    redis_reply_free(reply);
    buf_done(&key);
}

/* The days of one month, and its names. */
static uint32_t seal_month(uint32_t date)
{
    struct record_names month;
    struct buf names;
    uint32_t first = date;
    record_names_init(&month);
    buf_init(&names, RECORD_NAMES_BYTES_MAX);
    for (; date / 100 == first / 100 && date < TODAY; date = date_add_days(date, 1))
        seal_day(date, &month, &names);
    set(model_key_names, first, &names);
    names_bytes += names.len;
    if (first / 100 < TODAY / 100)
        add_up_month(first / 100);
    buf_done(&names);
    record_names_done(&month);
    return date;
}

/* --- Questions ----------------------------------------------------------------------------------
 */

/* Returns the answer's bytes. */
static size_t ask(const char *json, struct query_cache *cache)
{
    struct query query;
    struct query_plan plan;
    if (query_parse(str_from(json), &query) != QUERY_OK ||
        query_plan_make(&query, site, NOW_MS, &plan) != QUERY_OK) {
        fprintf(stderr, "refused: %s\n", json);
        abort();
    }
    struct query_answer *answer = query_answer_new(&plan);
    struct query_read *read = query_read_new(&plan, cache, NULL, answer);
    if (query_ask_all(redis, read) != QUERY_READ_OK)
        abort();
    query_read_free(read);
    struct buf text;
    buf_init(&text, 64 * 1024 * 1024);
    query_answer_print(answer, &text);
    size_t bytes = text.len;
    buf_done(&text);
    query_answer_free(answer);
    query_done(&query);
    return bytes;
}

static int compare(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* Of sorted times. */
static void print_times(const char *name, double *times, size_t count)
{
    qsort(times, count, sizeof(*times), compare);
    printf(",\"%s_p50\":%.2f,\"%s_p99\":%.2f", name, times[count / 2], name,
           times[nearest_rank_99(count)]);
}

#define YEAR(rest)                                                                                 \
    "{\"site_id\":\"example.com\",\"date_range\":\"12mo\",\"metrics\":[\"visitors\",\"visits\","   \
    "\"pageviews\"]" rest "}"
#define BY(dimension) YEAR(",\"dimensions\":[\"" dimension "\"]")

static void measure_year(const char *name, const char *json, int rounds)
{
    static double cold[ROUNDS_MAX], warm[ROUNDS_MAX], cold_cpu[ROUNDS_MAX], warm_cpu[ROUNDS_MAX];
    size_t bytes = 0;
    for (int i = 0; i < rounds; i++) {
        struct query_cache *cache = query_cache_new(QUERY_CACHE_BYTES_MAX);
        double begin = now_ms(), begin_cpu = cpu_ms();
        bytes = ask(json, cache);
        cold[i] = now_ms() - begin;
        cold_cpu[i] = cpu_ms() - begin_cpu;
        begin = now_ms();
        begin_cpu = cpu_ms();
        (void)ask(json, cache);
        warm[i] = now_ms() - begin;
        warm_cpu[i] = cpu_ms() - begin_cpu;
        query_cache_free(cache);
    }
    printf(",\"%s\":{\"bytes\":%zu", name, bytes);
    print_times("cold", cold, (size_t)rounds);
    print_times("warm", warm, (size_t)rounds);
    print_times("cold_cpu", cold_cpu, (size_t)rounds);
    print_times("warm_cpu", warm_cpu, (size_t)rounds);
    printf("}");
}

#define WEEK(metrics, rest)                                                                        \
    "{\"site_id\":\"example.com\",\"date_range\":\"7d\",\"metrics\":[" metrics "]" rest "}"
#define TOP(dimension)                                                                             \
    WEEK("\"visitors\",\"visits\",\"pageviews\"",                                                  \
         ",\"dimensions\":[\"" dimension "\"],\"pagination\":{\"limit\":10}")

/* Headline, graph, and the panels of the page. */
static void measure_week(int rounds)
{
    static const char *const PANELS[] = {
        WEEK("\"visitors\",\"visits\",\"pageviews\",\"views_per_visit\",\"bounce_rate\","
             "\"visit_duration\"",
             ",\"include\":{\"comparisons\":{\"mode\":\"previous_period\"}}"),
        WEEK("\"visitors\",\"pageviews\"", ",\"dimensions\":[\"time:day\"]"),
        TOP("event:page"),
        TOP("visit:source"),
        TOP("visit:country"),
        TOP("visit:browser"),
        TOP("visit:device"),
        WEEK("\"visitors\",\"events\"", ",\"dimensions\":[\"event:goal\"]")};
    static double cold[ROUNDS_MAX], warm[ROUNDS_MAX];
    for (int i = 0; i < rounds; i++) {
        struct query_cache *cache = query_cache_new(QUERY_CACHE_BYTES_MAX);
        double begin = now_ms();
        for (size_t p = 0; p < ARRAY_LEN(PANELS); p++)
            (void)ask(PANELS[p], cache);
        cold[i] = now_ms() - begin;
        begin = now_ms();
        for (size_t p = 0; p < ARRAY_LEN(PANELS); p++)
            (void)ask(PANELS[p], cache);
        warm[i] = now_ms() - begin;
        query_cache_free(cache);
    }
    printf(",\"week_overview\":{\"panels\":%zu", ARRAY_LEN(PANELS));
    print_times("cold", cold, (size_t)rounds);
    print_times("warm", warm, (size_t)rounds);
    printf("}");
}

static void measure_round_trip(int rounds)
{
    static double times[ROUNDS_MAX];
    for (int i = 0; i < rounds; i++) {
        double begin = now_ms();
        redis_reply_free(redis_do(redis, STR_LIT("PING")));
        times[i] = now_ms() - begin;
    }
    qsort(times, (size_t)rounds, sizeof(*times), compare);
    printf(",\"redis_round_trip\":{\"p50\":%.3f,\"p99\":%.3f}", times[rounds / 2],
           times[nearest_rank_99(rounds)]);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name, *json;
    } YEARS[] = {
        {"total", YEAR("")},
        {"day", BY("time:day")},
        {"month", BY("time:month")},
        {"page", BY("event:page")},
        {"page_top", YEAR(",\"dimensions\":[\"event:page\"],\"pagination\":{\"limit\":10}")},
        {"entry_page", BY("visit:entry_page")},
        {"source", BY("visit:source")},
        {"referrer", BY("visit:referrer")},
        {"channel", BY("visit:channel")},
        {"utm_campaign", BY("visit:utm_campaign")},
        {"country", BY("visit:country")},
        {"region", BY("visit:region")},
        {"browser", BY("visit:browser")},
        {"browser_version", BY("visit:browser_version")},
        {"os", BY("visit:os")},
        {"device", BY("visit:device")},
        {"language", BY("visit:language")},
        {"screen", BY("visit:screen")},
        {"goal", "{\"site_id\":\"example.com\",\"date_range\":\"12mo\",\"metrics\":[\"visitors\","
                 "\"events\"],\"dimensions\":[\"event:goal\"]}"},
        {"exit_page", "{\"site_id\":\"example.com\",\"date_range\":\"12mo\",\"metrics\":["
                      "\"visits\"],\"dimensions\":[\"visit:exit_page\"]}"},
        {"page_of_country",
         "{\"site_id\":\"example.com\",\"date_range\":\"12mo\",\"metrics\":[\"pageviews\"],"
         "\"dimensions\":[\"event:page\"],\"filters\":[[\"is\",\"visit:country\",[\"AA\"]]]}"},
    };
    uint32_t views = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000;
    int rounds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 100;
    const char *only = argc > 3 ? argv[3] : NULL;
    char error[200];
    if (views < 1 || rounds < 1 || rounds > ROUNDS_MAX)
        return 2;
    site =
        site_parse(STR_LIT("example.com"), STR_LIT("{\"timezone\":\"UTC\"}"), error, sizeof(error));
    if (site == NULL)
        return 1;
    redis_server_start(&server, NULL);
    redis = redis_server_connect(&server);
    make_days(views);
    for (uint32_t date = date_add_days(TODAY, -DAYS); date < TODAY;)
        date = seal_month(date);
    printf("{\"views_a_day\":%u,\"days\":%d,\"rounds\":%d,\"day_bytes\":%zu,\"names_bytes\":%zu,"
           "\"sums_bytes\":%zu,\"sum_ms_max\":%.2f,\"look_ms_max\":%.2f",
           views, DAYS, rounds, day_bytes, names_bytes, sums_bytes, sum_ms, look_ms);
    measure_round_trip(rounds);
    fflush(stdout); /* the year is made: whoever profiles begins here */
    if (only == NULL)
        measure_week(rounds);
    for (size_t i = 0; i < ARRAY_LEN(YEARS); i++)
        if (only == NULL || strcmp(only, YEARS[i].name) == 0)
            measure_year(YEARS[i].name, YEARS[i].json, rounds);
    printf("}\n");
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        day_done(&days[i]);
        day_names_done(&days_names[i]);
    }
    redis_free(redis);
    redis_server_stop(&server);
    site_free(site);
    return 0;
}

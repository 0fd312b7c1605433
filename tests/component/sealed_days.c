/* One site's counts in two forms: `live` has all of them in open days, `mixed` as they come to
 * rest.
 */

#include "sealed_days.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "redis_server.h"
#include "synthetic_day.h"
#include "tests/test.h"

enum { VIEWS = 15, LATE_VIEWS = 6 };

static const uint32_t FIRST = 20260912;
static const struct synthetic_site SITE = {.pages = 20, .sources = 6, .countries = 5};

static struct redis_server server;
struct redis *redis;
struct site *live, *mixed;
struct query_cache *cache;

/* --- What is at rest ----------------------------------------------------------------------------
 */

#define DO(...) redis_reply_free(redis_do(redis, __VA_ARGS__))

void set(key_fn fn, uint32_t date, struct str bytes)
{
    struct buf key;
    buf_init(&key, 1000);
    fn(&key, mixed->domain, date);
    if (bytes.len == 0)
        DO(STR_LIT("DEL"), buf_str(&key));
    else
        DO(STR_LIT("SET"), buf_str(&key), bytes);
    buf_done(&key);
}

/* Counters on their way: one round trip a day is enough. */
static struct query_commands queued;

static void queue_arg(struct str arg)
{
    buf_append_str(query_commands_arg(&queued), arg);
    query_commands_end_arg(&queued);
}

static void send_queued(void)
{
    struct str(*args)[QUERY_COMMAND_ARGS_MAX] = calloc(queued.count + 1, sizeof(*args));
    size_t *argc = calloc(queued.count + 1, sizeof(*argc));
    const struct str **argv = calloc(queued.count + 1, sizeof(*argv));
    struct redis_reply **replies = calloc(queued.count + 1, sizeof(*replies));
    assert_true(args != NULL && argc != NULL && argv != NULL && replies != NULL);
    for (size_t i = 0; i < queued.count; i++) {
        argc[i] = query_commands_at(&queued, i, args[i]);
        argv[i] = args[i];
    }
    assert_true(redis_pipeline(redis, queued.count, argc, argv, replies));
    for (size_t i = 0; i < queued.count; i++)
        redis_reply_free(replies[i]);
    query_commands_reset(&queued);
    free(args);
    free(argc);
    free(argv);
    free(replies);
}

static void add_field(struct str key, char letter, struct str value, int64_t number)
{
    query_commands_add(&queued, STR_LIT("HINCRBY"));
    queue_arg(key);
    buf_append_byte(query_commands_arg(&queued), (uint8_t)letter);
    queue_arg(value);
    buf_printf(query_commands_arg(&queued), "%lld", (long long)number);
    query_commands_end_arg(&queued);
}

static void add_cell(struct str key, struct str pair, int64_t views, int64_t visits)
{
    static const struct str ADD =
        STR_LIT("local v, s = (redis.call('HGET', KEYS[1], ARGV[1]) or '0:0'):match('(%d+):(%d+)')"
                " redis.call('HSET', KEYS[1], ARGV[1], v + ARGV[2] .. ':' .. s + ARGV[3])");
    query_commands_add(&queued, STR_LIT("EVAL"));
    queue_arg(ADD);
    queue_arg(STR_LIT("1"));
    queue_arg(key);
    queue_arg(pair);
    buf_printf(query_commands_arg(&queued), "%lld", (long long)views);
    query_commands_end_arg(&queued);
    buf_printf(query_commands_arg(&queued), "%lld", (long long)visits);
    query_commands_end_arg(&queued);
}

static void open_table(const struct site *site, const struct day *day, enum table table)
{
    struct buf key;
    buf_init(&key, 1000);
    model_key_live(&key, site->domain, day->date, table);
    for (uint32_t i = 0; i < day->tables[table].count; i++) {
        const struct day_row *row = &day->tables[table].rows[i];
        struct str value = day_names_at(day->names, table, row->name);
        for (int m = 0; m < METRIC__COUNT; m++)
            if (row->sums[m] != 0 || (m == METRIC_VISITORS && table != TABLE_EXIT_PAGE))
                add_field(buf_str(&key), model_metric_letter((enum metric)m), value, row->sums[m]);
    }
    buf_done(&key);
}

static void open_cross(const struct site *site, const struct day *day, enum cross cross)
{
    struct buf key, pair;
    const struct day_cross *cells = &day->crosses[cross];
    buf_init(&key, 1000);
    buf_init(&pair, 2000);
    model_key_cross(&key, site->domain, day->date, cross);
    for (uint32_t i = 0; i < cells->count; i++) {
        const struct day_cell *cell = &cells->cells[i];
        buf_reset(&pair);
        buf_append_str(&pair, day_names_at(day->names, model_cross_left(cross), cell->left));
        buf_append_byte(&pair, MODEL_CROSS_SEPARATOR);
        buf_append_str(&pair, day_names_at(day->names, model_cross_right(cross), cell->right));
        add_cell(buf_str(&key), buf_str(&pair), cell->views, cell->visits);
    }
    if (cells->hidden_views != 0 || cells->hidden_visits != 0)
        add_cell(buf_str(&key), STR_LIT(MODEL_OTHER), cells->hidden_views, cells->hidden_visits);
    buf_done(&key);
    buf_done(&pair);
}

void open_day(const struct site *site, const struct day *day)
{
    for (int t = 0; t < TABLE__COUNT; t++)
        open_table(site, day, (enum table)t);
    /* No question filters by anything else. */
    for (int c = 0; c < CROSS__COUNT; c++)
        if (model_cross_left((enum cross)c) == TABLE_COUNTRY ||
            model_cross_right((enum cross)c) == TABLE_COUNTRY)
            open_cross(site, day, (enum cross)c);
    send_queued();
}

void close_day(const struct site *site, uint32_t date)
{
    struct buf key;
    buf_init(&key, 1000);
    for (int i = 0; i < TABLE__COUNT + CROSS__COUNT; i++) {
        buf_reset(&key);
        if (i < TABLE__COUNT)
            model_key_live(&key, site->domain, date, (enum table)i);
        else
            model_key_cross(&key, site->domain, date, (enum cross)(i - TABLE__COUNT));
        DO(STR_LIT("DEL"), buf_str(&key));
    }
    buf_done(&key);
}

/* --- Days ---------------------------------------------------------------------------------------
 */

struct record_names names[3];
struct buf names_bytes[3];
struct day days[DAYS], lates[DAYS];
static struct day_names days_names[DAYS];
enum form forms[DAYS];

uint32_t date_at(size_t i)
{
    return date_add_days(FIRST, (int)i);
}

size_t month_at(size_t i)
{
    return date_at(i) / 100 % 100 - 9;
}

/* Sums of seconds and percents are kept roughly, and it is not this test's matter how. */
static void forget_rough_sums(struct day *day)
{
    for (int t = 0; t < TABLE__COUNT; t++)
        for (uint32_t i = 0; i < day->tables[t].count; i++)
            for (int m = 0; m < METRIC__COUNT; m++)
                if (record_is_scaled((enum table)t, (enum metric)m))
                    day->tables[t].rows[i].sums[m] = 0;
}

void seal(const struct day *day, size_t month)
{
    struct buf record;
    buf_init(&record, CLOSE_RECORD_BYTES_MAX);
    record_encode(day, &names[month], &record, &names_bytes[month]);
    set(model_key_day, day->date, buf_str(&record));
    set(model_key_names, day->date, buf_str(&names_bytes[month]));
    buf_done(&record);
}

static enum form form_at(size_t i)
{
    static const enum form FORMS[] = {SEALED, SEALED, OPEN, LATE, NOTHING, SEALED, LATE};
    if (month_at(i) == 1)
        return SEALED; /* October is over */
    return date_at(i) == TODAY ? OPEN : FORMS[i % ARRAY_LEN(FORMS)];
}

static void make_day(size_t i)
{
    day_names_init(&days_names[i]);
    day_init(&days[i], date_at(i), &days_names[i]);
    day_init(&lates[i], date_at(i), &days_names[i]);
    forms[i] = form_at(i);
    if (forms[i] == NOTHING)
        return;
    synthetic_day_fill(&days[i], &SITE, VIEWS, i + 1);
    forget_rough_sums(&days[i]);
    /* What a close hides of a day. */
    days[i].crosses[CROSS_PAGE_COUNTRY].hidden_views = (int64_t)i % 2;
    if (forms[i] == LATE) {
        synthetic_day_fill(&lates[i], &SITE, LATE_VIEWS, i + 1000);
        forget_rough_sums(&lates[i]);
    }
    open_day(live, &days[i]);
    open_day(live, &lates[i]);
    if (forms[i] == OPEN)
        open_day(mixed, &days[i]);
    else
        seal(&days[i], month_at(i));
    open_day(mixed, &lates[i]);
}

/* --- Questions ----------------------------------------------------------------------------------
 */

char *answer_text(struct query_answer *answer)
{
    json_t *root = query_answer_json(answer);
    json_object_del(root, "query");
    char *text = json_dumps(root, JSON_SORT_KEYS | JSON_REAL_PRECISION(10));
    json_decref(root);
    return text;
}

bool ask_in_one_step;

char *ask(const struct site *site, const char *rest)
{
    char json[1000];
    struct query query;
    struct query_plan plan;
    (void)snprintf(json, sizeof(json), "{\"site_id\":\"%s\",%s}", site->domain.ptr, rest);
    if (query_parse(str_from(json), &query) != QUERY_OK ||
        query_plan_make(&query, site, NOW_MS, &plan) != QUERY_OK)
        fail_msg("refused: %s", json);
    struct query_answer *answer = query_answer_new(&plan);
    struct query_read *read = query_read_new(&plan, cache, NULL, answer);
    if (!ask_in_one_step)
        query_read_set_step_bytes(read, 1);
    ask_in_one_step = !ask_in_one_step;
    enum query_read_status status = query_ask_all(redis, read);
    query_read_free(read);
    char *text = status == QUERY_READ_OK
                     ? answer_text(answer)
                     : strdup(status == QUERY_READ_MONTHS ? "months" : "failed");
    query_answer_free(answer);
    query_done(&query);
    assert_non_null(text);
    return text;
}

#define PREVIOUS ",\"include\":{\"comparisons\":{\"mode\":\"previous_period\"}}"
#define OVER_MONTHS "[\"2026-09-28\",\"2026-11-03\"]"

const char *const QUESTIONS[QUESTION_COUNT] = {
    Q("\"12mo\"", FEW, ""),
    Q("\"12mo\"", FEW ",\"bounce_rate\",\"visit_duration\",\"time_on_page\",\"scroll_depth\"", ""),
    Q("\"all\"", FEW, BY("\"event:page\"")),
    Q("\"91d\"", FEW, BY("\"time:day\"")),
    Q("\"6mo\"", FEW, BY("\"visit:country\",\"time:month\"")),
    Q("\"6mo\"", FEW, BY("\"visit:utm_campaign\"")),
    Q("\"6mo\"", "\"visits\"", BY("\"visit:exit_page\"")),
    Q("\"28d\"", "\"visitors\",\"events\"", BY("\"event:goal\"")),
    Q("\"7d\"", FEW, BY("\"time:hour\"")),
    Q("\"24h\"", FEW, ""),
    Q("\"28d\"", FEW, PREVIOUS),
    Q("\"7d\"", FEW, PREVIOUS), /* two weeks of a month, with days between */
    Q("\"28d\"", FEW, BY("\"visit:browser\"") PREVIOUS),
    Q("\"12mo\"", "\"visits\",\"pageviews\"", BY("\"event:page\"") NL),
    Q("\"12mo\"", "\"visits\",\"pageviews\"", BY("\"visit:source\",\"time:month\"") NL),
    Q("\"12mo\"", "\"visits\",\"events\"", BY("\"event:goal\"") NL),
    Q(OCTOBER, "\"pageviews\"", BY("\"event:page\"") NL),
    Q(OVER_MONTHS, FEW, BY("\"visit:entry_page\"")),
    Q(OVER_MONTHS, FEW, BY("\"event:page\",\"time:week\"")),
};

/* An answer is long: what is around the first difference. */
void assert_answer(const char *question, const char *got, const char *expected)
{
    enum { AROUND = 60, SHOWN = 200 };
    size_t at = 0;
    if (strcmp(got, expected) == 0)
        return;
    while (got[at] == expected[at])
        at++;
    at = at < AROUND ? 0 : at - AROUND;
    fail_msg("%s:\n%.*s\nnot\n%.*s", question, SHOWN, got + at, SHOWN, expected + at);
}

void assert_same_answers(void)
{
    for (size_t i = 0; i < QUESTION_COUNT; i++) {
        char *expected = ask(live, QUESTIONS[i]);
        /* What was kept by another question, what this one has kept. */
        for (int again = 0; again < 2; again++) {
            char *got = ask(mixed, QUESTIONS[i]);
            assert_answer(QUESTIONS[i], got, expected);
            free(got);
        }
        free(expected);
    }
}

/* --- Setup and teardown -------------------------------------------------------------------------
 */

static struct site *make_site(const char *domain)
{
    char error[200];
    struct site *site = site_parse(str_from(domain), STR_LIT("{\"timezone\":\"UTC\"}"), error, 200);
    assert_non_null(site);
    return site;
}

int sealed_days_start(void **state)
{
    (void)state;
    redis_server_start(&server, NULL);
    redis = redis_server_connect(&server);
    query_commands_init(&queued);
    return 0;
}

int sealed_days_stop(void **state)
{
    (void)state;
    query_commands_done(&queued);
    redis_free(redis);
    redis_server_stop(&server);
    return 0;
}

int sealed_days_fill(void **state)
{
    (void)state;
    DO(STR_LIT("FLUSHALL"));
    live = make_site("live.example");
    mixed = make_site("mixed.example");
    cache = query_cache_new(QUERY_CACHE_BYTES_MAX);
    for (size_t m = 0; m < ARRAY_LEN(names); m++) {
        record_names_init(&names[m]);
        buf_init(&names_bytes[m], RECORD_NAMES_BYTES_MAX);
    }
    for (size_t i = 0; i < DAYS; i++)
        make_day(i);
    return 0;
}

int sealed_days_empty(void **state)
{
    (void)state;
    for (size_t i = 0; i < DAYS; i++) {
        day_done(&days[i]);
        day_done(&lates[i]);
        day_names_done(&days_names[i]);
    }
    for (size_t m = 0; m < ARRAY_LEN(names); m++) {
        record_names_done(&names[m]);
        buf_done(&names_bytes[m]);
    }
    query_cache_free(cache);
    site_free(live);
    site_free(mixed);
    return 0;
}

void open_again(size_t i)
{
    synthetic_day_fill(&lates[i], &SITE, LATE_VIEWS, i + 2000);
    forget_rough_sums(&lates[i]);
    open_day(live, &lates[i]);
    open_day(mixed, &lates[i]);
}

size_t october(void)
{
    size_t i = 0;
    while (month_at(i) != 1)
        i++;
    return i;
}

static void store_month(const struct day *day)
{
    struct buf record, none;
    struct day_names other;
    struct day copy;
    day_names_init(&other);
    day_init(&copy, day->date, &other);
    day_merge(&copy, day);
    buf_init(&record, CLOSE_RECORD_BYTES_MAX);
    buf_init(&none, RECORD_NAMES_BYTES_MAX);
    record_encode(&copy, &names[1], &record, &none);
    assert_int_equal(none.len, 0);
    set(model_key_month, day->date, buf_str(&record));
    day_done(&copy);
    day_names_done(&other);
    buf_done(&record);
    buf_done(&none);
}

void fold_october(size_t count)
{
    struct day month;
    day_init(&month, 20261000, &names[1].names);
    for (size_t i = october(); i < october() + count; i++) {
        day_merge(&month, &days[i]);
        set(model_key_day, date_at(i), STR_EMPTY);
    }
    store_month(&month);
    day_done(&month);
}

void assert_whole_month_answers(void)
{
    for (size_t i = 0; i < QUESTION_COUNT; i++) {
        char *got = ask(mixed, QUESTIONS[i]);
        char *expected = ask(live, QUESTIONS[i]);
        bool cuts = strstr(QUESTIONS[i], "time:week") || strstr(QUESTIONS[i], "\"91d\"") ||
                    strstr(QUESTIONS[i], "\"28d\"");
        assert_answer(QUESTIONS[i], got, cuts ? "months" : expected);
        free(got);
        free(expected);
    }
}

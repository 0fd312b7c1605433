/* Questions and answers: what each means is computed by hand from a small site's three days.
 *
 * The site is in Amsterdam, and it is Monday 2026-11-23, 13:30 there. */

#include <jansson.h>
#include <stdlib.h>

#include "aggregator/query.h"
#include "aggregator/query_answer.h"
#include "aggregator/query_cross.h"
#include "aggregator/query_plan.h"
#include "tests/test.h"

#define US "\x1f"

static const int64_t NOW_MS = 1795437000000; /* 2026-11-23T12:30:00Z */

struct stored {
    uint32_t date;
    enum table table;
    const char *value;
    const char *counts; /* "v10 s4 u3" */
};

static const struct stored STORED[] = {
    /* Saturday */
    {20261121, TABLE_TOTAL, "", "v10 s4 b2 d100 u3 c1 e30 n3 p150 q2"},
    {20261121, TABLE_TIME, "09", "v6 s3 b2 d40 u2"},
    {20261121, TABLE_TIME, "14", "v4 s1 b0 d60 u1 c1"},
    {20261121, TABLE_PAGE, "/", "v6 s4 u3 e20 n2 p100 q1"},
    {20261121, TABLE_PAGE, "/blog/a", "v3 s2 u2 c1 e10 n1 p50 q1"},
    {20261121, TABLE_PAGE, "/blog/b", "v1 s1 u1"},
    {20261121, TABLE_ENTRY_PAGE, "/", "v9 s3 b1 d90 u3 c1"},
    {20261121, TABLE_ENTRY_PAGE, "/blog/a", "v1 s1 b1 d10 u1"},
    {20261121, TABLE_EXIT_PAGE, "/", "s1"},
    {20261121, TABLE_EXIT_PAGE, "/blog/a", "s0"},
    {20261121, TABLE_EXIT_PAGE, "/blog/b", "s3"},
    {20261121, TABLE_COUNTRY, "NL", "v7 s2 b1 d80 u2 c1"},
    {20261121, TABLE_COUNTRY, "BE", "v2 s1 b0 d20 u1"},
    {20261121, TABLE_REGION, "NL-NH", "v5 s1 d80 u1 c1"},
    {20261121, TABLE_REGION, "NL-North Holland", "v2 s1 b1 u1"},
    {20261121, TABLE_REGION, "BE-VLG", "v2 s1 d20 u1"},
    {20261121, TABLE_SOURCE, "Google", "v6 s2 b1 d60 u2"},
    {20261121, TABLE_SOURCE, "Direct / None", "v4 s2 b1 d40 u1 c1"},
    {20261121, TABLE_REFERRER, "google.com", "v6 s2 b1 d60 u2"},
    {20261121, TABLE_EVENT, "signup", "c1 s1 u1"},
    {20261121, TABLE_PROP, "signup" US "plan" US "pro", "c1 s1 u1"},
    /* Sunday */
    {20261122, TABLE_TOTAL, "", "v4 s2 b1 d30 u2 c3"},
    {20261122, TABLE_TIME, "13", "v1 s1 b1 d0 u1"},
    {20261122, TABLE_TIME, "14", "v3 s1 b0 d30 u1 c3"},
    {20261122, TABLE_PAGE, "/", "v4 s2 u2"},
    {20261122, TABLE_PAGE, "/read/on", "e40 n1 p90 q1"}, /* viewed yesterday: no row */
    {20261122, TABLE_ENTRY_PAGE, "/", "v4 s2 b1 d30 u2 c3"},
    {20261122, TABLE_COUNTRY, "NL", "v4 s2 b1 d30 u2 c3"},
    {20261122, TABLE_EVENT, "signup", "c2 s1 u1"},
    {20261122, TABLE_EVENT, "Outbound Link: Click", "c1 s1 u1"},
    {20261122, TABLE_PROP, "signup" US "plan" US "pro", "c1 s1 u1"},
    {20261122, TABLE_PROP, "signup" US "plan" US "free", "c1 s1 u1"},
    {20261122, TABLE_PROP, "upgrade" US "plan" US "pro", "c1 s1 u1"},
    {20261122, TABLE_PROP, "signup" US "seats" US "9", "c1 s1 u1"},
    {20261122, TABLE_PROP, "signup" US "name" US "\t\x7f \xc3\xa9", "c5 s1 u1"},
    {20261122, TABLE_PROP, "signup" US "name" US "a \"b\"", "c4 s1 u1"},
    {20261122, TABLE_PROP, "signup" US "name" US "\\b", "c3 s1 u1"},
    {20261122, TABLE_PROP, "signup" US "name" US "\xc3", "c2 s1 u1"}, /* no UTF-8 */
    {20261122, TABLE_PROP, "signup" US "name" US "~ !", "c1 s1 u1"},
    {20261122, TABLE_PROP, "(other)", "c9 s9 u9"},
    {20261121, TABLE_DROPS, "bot", "c7"},
    {20261122, TABLE_DROPS, "bot", "c2"},
    {20261122, TABLE_DROPS, "prefetch", "c4"},
    /* Today */
    {20261123, TABLE_TOTAL, "", "v2 s1 b-1 d0 u7"},
    {20261123, TABLE_TIME, "00", "v1 s1 b-1 d0 u1"},
    {20261123, TABLE_TIME, "13", "v1 s0 b0 d0 u1"},
    {20261123, TABLE_PAGE, "/", "v2 s1 u1"},
    {20261123, TABLE_COUNTRY, "NL", "v2 s1 b-1 u1"},
    /* A year ago */
    {20251123, TABLE_TOTAL, "", "v1 s1 b1 d0 u1"},
    {20251121, TABLE_TOTAL, "", "v40 s20 b10 d0 u20"},
};

/* Cells of crosses, which belong to the rows above. */
static const struct {
    uint32_t date;
    enum cross cross;
    const char *pair;
    const char *counts;
} CROSSED[] = {
    /* Saturday's BE has seen "/" as well, which the cap has cut off with one view without country.
     */
    {20261121, CROSS_PAGE_COUNTRY, "/" US "NL", "4:2"},
    {20261121, CROSS_PAGE_COUNTRY, "/blog/a" US "NL", "3:2"},
    {20261121, CROSS_PAGE_COUNTRY, "/blog/b" US "BE", "1:1"},
    {20261121, CROSS_PAGE_COUNTRY, "(other)", "2:2"},
    {20261121, CROSS_SOURCE_COUNTRY, "Google" US "NL", "5:1"},
    {20261121, CROSS_SOURCE_COUNTRY, "Google" US "BE", "1:1"},
    {20261121, CROSS_SOURCE_COUNTRY, "Direct / None" US "NL", "2:1"},
    {20261121, CROSS_SOURCE_COUNTRY, "Direct / None" US "BE", "1:0"},
    {20261121, CROSS_UTM_CAMPAIGN_COUNTRY, "spring" US "NL", "3:1"},
    {20261121, CROSS_COUNTRY_EVENT, "NL" US "signup", "1:1"},
    {20261121, CROSS_PAGE_EVENT, "/blog/a" US "signup", "1:1"},
    {20261122, CROSS_PAGE_COUNTRY, "/" US "NL", "4:2"},
    {20261122, CROSS_COUNTRY_EVENT, "NL" US "signup", "2:1"},
    {20261122, CROSS_COUNTRY_EVENT, "NL" US "Outbound Link: Click", "1:1"},
    {20261123, CROSS_PAGE_COUNTRY, "/" US "NL", "2:1"},
};

static struct site *amsterdam;

static int make_site(void **state)
{
    char error[200];
    (void)state;
    amsterdam = site_parse(STR_LIT("example.com"), STR_LIT("{\"timezone\":\"Europe/Amsterdam\"}"),
                           error, sizeof(error));
    return amsterdam == NULL ? -1 : 0;
}

static int free_site(void **state)
{
    (void)state;
    site_free(amsterdam);
    return 0;
}

static void add_counts(struct query_rows *rows, const char *value, const char *counts)
{
    struct str rest = str_from(counts);
    while (rest.len > 0) {
        struct str word = str_prefix(rest, str_find(rest, ' '));
        char field[100];
        int len = snprintf(field, sizeof(field), "%c%s", word.ptr[0], value);
        query_rows_add_field(rows, (struct str){field, (size_t)len}, str_from_at(word, 1));
        rest = str_from_at(rest, word.len + 1);
    }
}

/* The cross's rows of a date, as query_read.c makes them. */
static void add_crossed(const struct query_plan *plan, uint32_t date, struct query_rows *rows,
                        struct query_answer *answer)
{
    const struct query_cross to = {plan, rows, answer};
    for (size_t i = 0; i < ARRAY_LEN(CROSSED); i++)
        if (CROSSED[i].date == date && CROSSED[i].cross == plan->cross)
            query_cross_add_field(&to, str_from(CROSSED[i].pair), str_from(CROSSED[i].counts));
}

/* Reads what a plan wants from `stored`. */
static void answer_from(const struct query_plan *plan, const struct stored *stored, size_t count,
                        struct query_answer *answer)
{
    uint32_t cursor = 0, date;
    while (query_plan_next_date(plan, &cursor, &date)) {
        for (size_t t = 0; t < plan->table_count; t++) {
            struct query_rows rows;
            query_rows_init(&rows, 1000);
            if (t == 0 && plan->is_crossed)
                add_crossed(plan, date, &rows, answer);
            for (size_t i = 0; i < count; i++)
                if (stored[i].date == date && stored[i].table == plan->tables[t] &&
                    !(t == 0 && plan->is_crossed))
                    add_counts(&rows, stored[i].value, stored[i].counts);
            assert_true(query_answer_add(answer, date, plan->tables[t], &rows));
            query_rows_done(&rows);
        }
    }
}

static void assert_prints_the_same(struct query_answer *answer, const json_t *root)
{
    struct buf printed;
    char *expected = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(10));
    buf_init(&printed, 1 << 20);
    query_answer_print(answer, &printed);
    assert_false(printed.overflow);
    assert_int_equal(printed.len, strlen(expected));
    assert_memory_equal(printed.ptr, expected, printed.len);
    buf_done(&printed);
    free(expected);
}

static json_t *ask_of(const struct site *site, const char *json, int64_t now_ms,
                      const struct stored *stored, size_t count)
{
    struct query query;
    struct query_plan plan;
    enum query_status status = query_parse(str_from(json), &query);
    if (status == QUERY_OK)
        status = query_plan_make(&query, site, now_ms, &plan);
    if (status != QUERY_OK)
        fail_msg("%s: %s", json, query_status_sentence(status));
    struct query_answer *answer = query_answer_new(&plan);
    answer_from(&plan, stored, count, answer);
    json_t *root = query_answer_json(answer);
    assert_prints_the_same(answer, root);
    query_answer_free(answer);
    query_done(&query);
    return root;
}

static json_t *ask(const char *json)
{
    return ask_of(amsterdam, json, NOW_MS, STORED, ARRAY_LEN(STORED));
}

/* Rows as "dimension|dimension:metric,metric; ..." */
static char *flatten(const json_t *results)
{
    struct buf out;
    size_t r, i;
    json_t *row, *item;
    buf_init(&out, 100000);
    json_array_foreach(results, r, row)
    {
        buf_printf(&out, r == 0 ? "" : "; ");
        json_array_foreach(json_object_get(row, "dimensions"), i, item)
            buf_printf(&out, "%s%s", i == 0 ? "" : "|", json_string_value(item));
        buf_printf(&out, ":");
        json_array_foreach(json_object_get(row, "metrics"), i, item)
        {
            char *text = json_dumps(item, JSON_ENCODE_ANY | JSON_REAL_PRECISION(10));
            buf_printf(&out, "%s%s", i == 0 ? "" : ",", text);
            free(text);
        }
    }
    char *text = strndup(buf_str(&out).ptr, out.len);
    buf_done(&out);
    return text;
}

#define ASK(metrics, range, rest)                                                                  \
    "{\"site_id\":\"example.com\",\"metrics\":[" metrics "],\"date_range\":" range rest "}"
#define BY(dimensions) ",\"dimensions\":[" dimensions "]"
#define FILTER(filters) ",\"filters\":[" filters "]"
#define ORDER(orders) ",\"order_by\":[" orders "]"
#define NL "[\"is\",\"visit:country\",[\"NL\"]]"
#define ALL "\"visitors\",\"visits\",\"pageviews\",\"events\""
#define TWO "[\"2026-11-21\",\"2026-11-22\"]"

static void answers_are_as_computed_by_hand(void **state)
{
    static const struct {
        const char *question, *answer;
    } CASES[] = {
        /* Totals */
        {ASK(ALL, "\"day\"", ""), ":2,1,2,2"}, /* 7 visitors cannot have made 2 views */
        {ASK(ALL, TWO, ""), ":5,6,14,18"},
        {ASK(ALL, "\"7d\"", ""), ":7,7,16,20"},
        {ASK(ALL, "[\"2026-01-01\",\"2026-01-02\"]", ""), ":0,0,0,0"},
        {ASK("\"bounce_rate\",\"visit_duration\",\"views_per_visit\"", TWO, ""), ":50,22,2.33"},
        {ASK("\"time_on_page\",\"scroll_depth\"", TWO, ""), ":10,75"},
        {ASK("\"time_on_page\",\"scroll_depth\",\"bounce_rate\",\"views_per_visit\"",
             "[\"2026-01-01\",\"2026-01-01\"]", ""),
         ":null,null,null,null"},
        {ASK("\"bounce_rate\"", "\"day\"", ""), ":0"}, /* below zero is zero */
        {ASK(ALL, "[\"2026-11-21T00:00:00+01:00\",\"2026-11-22T23:59:59+01:00\"]", ""),
         ":5,6,14,18"},
        {ASK(ALL, "[\"2026-11-20T23:00:00Z\",\"2026-11-22T23:00:00.000Z\"]", ""), ":5,6,14,18"},
        /* Time */
        {ASK("\"visitors\",\"pageviews\"", "\"7d\"", BY("\"time:day\"")),
         "2026-11-21:3,10; 2026-11-22:2,4; 2026-11-23:2,2"},
        {ASK("\"pageviews\"", "\"7d\"", BY("\"time\"")),
         "2026-11-21:10; 2026-11-22:4; 2026-11-23:2"},
        {ASK("\"pageviews\"", "\"7d\"", BY("\"time:week\"")), "2026-11-17:14; 2026-11-23:2"},
        {ASK("\"pageviews\"", "\"28d\"", BY("\"time:week\"")), "2026-11-16:14; 2026-11-23:2"},
        {ASK("\"pageviews\"", "\"12mo\"", BY("\"time:month\"")), "2026-11-01:16"},
        {ASK("\"pageviews\"", "\"12mo\"", BY("\"time\"")), "2026-11-01:16"},
        {ASK("\"pageviews\"", "\"day\"", BY("\"time\"")),
         "2026-11-23 00:00:00:1; 2026-11-23 13:00:00:1"},
        {ASK("\"visits\"", "\"7d\"", BY("\"time:hour\"")),
         "2026-11-21 09:00:00:3; 2026-11-21 14:00:00:1; 2026-11-22 13:00:00:1; "
         "2026-11-22 14:00:00:1; 2026-11-23 00:00:00:1; 2026-11-23 13:00:00:0"},
        {ASK("\"visits\"", "\"7d\"", BY("\"time:day\"") ORDER("[\"time:day\",\"desc\"]")),
         "2026-11-23:1; 2026-11-22:2; 2026-11-21:4"},
        /* The last 24 hours begin at 14:00 yesterday. */
        {ASK("\"pageviews\",\"visits\",\"visitors\"", "\"24h\"", ""), ":5,2,3"},
        {ASK("\"pageviews\"", "\"24h\"", BY("\"time\"")),
         "2026-11-22 14:00:00:3; 2026-11-23 00:00:00:1; 2026-11-23 13:00:00:1"},
        {ASK("\"pageviews\"", "\"24h\"", BY("\"time:day\"")), "2026-11-22:3; 2026-11-23:2"},
        /* What was not counted */
        {ASK("\"events\"", TWO, BY("\"event:drop_reason\"")), "bot:9; prefetch:4"},
        {ASK("\"events\"", TWO, BY("\"time:day\",\"event:drop_reason\"")),
         "2026-11-21|bot:7; 2026-11-22|prefetch:4; 2026-11-22|bot:2"},
        {ASK("\"events\"", TWO, FILTER("[\"is\",\"event:drop_reason\",[\"bot\"]]")), ":9"},
        {ASK("\"events\"", TWO, BY("\"event:props:name\"")),
         "\t\x7f \xc3\xa9:5; a \"b\":4; \\b:3; :2; ~ !:1"},
        /* Pages */
        {ASK(ALL, TWO, BY("\"event:page\"")), "/:5,6,10,10; /blog/a:2,2,3,4; /blog/b:1,1,1,1"},
        {ASK("\"bounce_rate\",\"visit_duration\"", TWO, BY("\"event:page\"")),
         "/blog/a:100,10; /:40,24; /blog/b:null,null"},
        {ASK("\"pageviews\",\"time_on_page\",\"scroll_depth\"", TWO, BY("\"event:page\"")),
         "/:10,10,100; /blog/a:3,10,50; /blog/b:1,null,null"},
        {ASK("\"visits\"", TWO, BY("\"visit:exit_page\"")), "/blog/b:3; /:1"},
        {ASK("\"visits\",\"visitors\"", TWO, BY("\"visit:entry_page\"")), "/:5,5; /blog/a:1,1"},
        {ASK("\"pageviews\"", TWO, BY("\"time:day\",\"event:page\"")),
         "2026-11-21|/:6; 2026-11-21|/blog/a:3; 2026-11-21|/blog/b:1; 2026-11-22|/:4"},
        {ASK("\"pageviews\"", TWO,
             BY("\"event:page\",\"time:day\"") ",\"pagination\":{\"limit\":1}"),
         "/|2026-11-21:6"},
        {ASK("\"pageviews\"", TWO,
             BY("\"event:page\"") FILTER("[\"contains\",\"event:page\",[\"/blog\"]]")),
         "/blog/a:3; /blog/b:1"},
        {ASK("\"visitors\"", TWO,
             BY("\"event:page\"") FILTER("[\"is_not\",\"event:page\",[\"/\",\"/blog/a\"]]")),
         "/blog/b:1"},
        {ASK(ALL, TWO, FILTER("[\"is\",\"event:page\",[\"/\"]]")), ":5,6,10,10"},
        {ASK("\"bounce_rate\"", TWO, FILTER("[\"is\",\"event:page\",[\"/\"]]")), ":40"},
        {ASK("\"pageviews\",\"bounce_rate\"", TWO,
             FILTER("[\"contains\",\"event:page\",[\"/BLOG\"],{\"case_sensitive\":false}]")),
         ":4,100"},
        {ASK("\"pageviews\"", TWO, FILTER("[\"contains\",\"event:page\",[\"/BLOG\"]]")), ":0"},
        {ASK("\"pageviews\"", TWO,
             FILTER("[\"contains\",\"event:page\",[\"/blog\"]],[\"is_not\",\"event:page\",[\"/blog/"
                    "a\"]]")),
         ":1"},
        {ASK("\"pageviews\"", TWO, BY("\"time:day\"") FILTER("[\"is\",\"event:page\",[\"/\"]]")),
         "2026-11-21:6; 2026-11-22:4"},
        /* Sources: what has no referrer is what the total has more. */
        {ASK(ALL, TWO, BY("\"visit:source\"")), "Google:2,2,6,6; Direct / None:1,4,8,12"},
        {ASK(ALL, TWO, BY("\"visit:referrer\"")), "google.com:2,2,6,6; Direct / None:null,4,8,12"},
        {ASK("\"visits\"", TWO, FILTER("[\"is\",\"visit:referrer\",[\"Direct / None\"]]")), ":4"},
        /* One under a filter on another */
        {ASK("\"visits\",\"pageviews\"", TWO, BY("\"event:page\"") FILTER(NL)),
         "/:4,8; /blog/a:2,3"},
        {ASK("\"visits\",\"pageviews\",\"views_per_visit\"", TWO,
             BY("\"event:page\"") FILTER("[\"is\",\"visit:country\",[\"BE\"]]")),
         "/blog/b:1,1,1.0; (other):null,1,null"},
        {ASK("\"pageviews\"", TWO, BY("\"time:day\",\"event:page\"") FILTER(NL)),
         "2026-11-21|/:4; 2026-11-21|/blog/a:3; 2026-11-22|/:4"},
        {ASK("\"pageviews\"", TWO,
             BY("\"event:page\"") FILTER(NL ",[\"contains\",\"event:page\",[\"blog\"]]")),
         "/blog/a:3"},
        {ASK("\"pageviews\"", TWO,
             BY("\"event:page\"")
                 FILTER("[\"is_not\",\"visit:country\",[\"BE\"]],[\"is_not\",\"visit:country\","
                        "[\"XX\"]]")),
         "/:8; /blog/a:3"},
        {ASK("\"visits\",\"pageviews\"", TWO,
             BY("\"visit:country\"") FILTER("[\"is\",\"event:page\",[\"/\"]]")),
         "NL:4,8; (other):2,2"},
        {ASK("\"pageviews\"", TWO,
             BY("\"visit:country\"") FILTER("[\"contains\",\"event:page\",[\"/\"]]")),
         "NL:11; (other):2; BE:1"},
        {ASK("\"visits\",\"pageviews\",\"views_per_visit\"", TWO,
             BY("\"visit:source\"") FILTER("[\"is\",\"visit:country\",[\"NL\",\"BE\"]]")),
         "(other):2,4,2.0; Google:2,6,3.0; Direct / None:1,3,3.0"},
        {ASK("\"visits\"", TWO, BY("\"visit:utm_campaign\"") FILTER(NL)), "(not set):3; spring:1"},
        {ASK("\"visits\"", TWO,
             BY("\"visit:utm_campaign\"")
                 FILTER(NL ",[\"is_not\",\"visit:utm_campaign\",[\"(not set)\"]]")),
         "spring:1"},
        {ASK("\"visits\",\"events\"", TWO,
             BY("\"visit:country\"") FILTER("[\"is\",\"event:goal\",[\"signup\"]]")),
         "NL:2,3"},
        {ASK("\"visits\",\"events\"", TWO, BY("\"event:goal\"") FILTER(NL)),
         "signup:2,3; Outbound Link: Click:1,1"},
        {ASK("\"events\",\"visits\"", TWO,
             BY("\"event:goal\"") FILTER("[\"is\",\"event:page\",[\"/blog/a\"]]")),
         "signup:1,1"},
        {ASK("\"visits\"", "[\"2026-11-22\",\"2026-11-23\"]",
             BY("\"event:page\"") FILTER(NL) ORDER("[\"event:page\",\"asc\"]")),
         "/:3"},
        /* Places */
        {ASK(ALL, TWO, BY("\"visit:country\"")), "NL:4,4,11,15; BE:1,1,2,2; (not set):null,1,1,1"},
        {ASK("\"visits\",\"bounce_rate\"", TWO, BY("\"visit:country\"")),
         "NL:4,50; (not set):1,100; BE:1,0"},
        {ASK("\"visits\"", TWO, FILTER("[\"is_not\",\"visit:country\",[\"NL\"]]")), ":2"},
        {ASK("\"visits\"", TWO, FILTER("[\"is\",\"visit:country\",[\"NL\",\"BE\"]]")), ":5"},
        {ASK("\"visitors\"", TWO, FILTER("[\"is\",\"visit:country\",[\"BE\"]]")), ":1"},
        {ASK("\"visitors\"", TWO, FILTER("[\"is\",\"visit:country\",[\"FR\"]]")), ":0"},
        {ASK("\"visits\"", TWO,
             BY("\"visit:region\"") FILTER("[\"is\",\"visit:country\",[\"NL\"]]")),
         "NL-NH:1; NL-North Holland:1"},
        {ASK("\"visits\"", TWO, BY("\"visit:region\"")),
         "(not set):3; BE-VLG:1; NL-NH:1; NL-North Holland:1"},
        {ASK("\"visits\"", TWO, BY("\"visit:country\"") ORDER("[\"visit:country\",\"desc\"]")),
         "NL:4; BE:1; (not set):1"},
        {ASK("\"visits\",\"visitors\"", TWO,
             BY("\"visit:country\"") ORDER("[\"visitors\",\"asc\"]")),
         "BE:1,1; NL:4,4; (not set):1,null"},
        {ASK("\"visits\"", TWO,
             BY("\"visit:country\"") ",\"pagination\":{\"limit\":1,\"offset\":1}"),
         "(not set):1"},
        /* Devices without a row at all: everything is unset. */
        {ASK("\"visits\"", TWO, BY("\"visit:device\"")), "(not set):6"},
        /* Goals and properties */
        {ASK("\"visitors\",\"events\"", TWO, BY("\"event:goal\"")),
         "signup:2,3; Outbound Link: Click:1,1"},
        {ASK("\"events\"", TWO, FILTER("[\"is\",\"event:goal\",[\"signup\"]]")), ":3"},
        {ASK("\"visitors\",\"events\"", TWO, BY("\"event:props:plan\"")), "pro:3,3; free:1,1"},
        {ASK("\"events\"", TWO,
             BY("\"event:props:plan\"") FILTER("[\"is\",\"event:goal\",[\"signup\"]]")),
         "pro:2; free:1"},
        {ASK("\"visitors\"", TWO,
             BY("\"event:goal\"") FILTER("[\"is\",\"event:props:plan\",[\"pro\"]]")),
         "signup:2; upgrade:1"},
        {ASK("\"events\"", TWO, FILTER("[\"is\",\"event:props:plan\",[\"pro\"]]")), ":3"},
        {ASK("\"visitors\"", TWO,
             FILTER(
                 "[\"is\",\"event:props:plan\",[\"pro\"]],[\"is\",\"event:goal\",[\"upgrade\"]]")),
         ":1"},
        {ASK("\"events\"", TWO, BY("\"event:props:nothing\"")), ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        json_t *root = ask(CASES[i].question);
        char *got = flatten(json_object_get(root, "results"));
        if (strcmp(got, CASES[i].answer) != 0)
            fail_msg("%s\n got %s\nwant %s", CASES[i].question, got, CASES[i].answer);
        free(got);
        json_decref(root);
    }
}

static void refusals_say_what_is_kept(void **state)
{
    static const struct {
        enum query_status status;
        const char *question;
    } CASES[] = {
        {QUERY_NOT_JSON, ""},
        {QUERY_NOT_JSON, "{"},
        {QUERY_NOT_JSON, "[]"},
        {QUERY_NOT_JSON, "{\"site_id\":\"a\",\"site_id\":\"b\"}"},
        {QUERY_NOT_JSON, "{} {}"},
        {QUERY_UNKNOWN_FIELD, ASK("\"visits\"", "\"day\"", ",\"limit\":5")},
        {QUERY_BAD_SITE, "{\"metrics\":[\"visits\"],\"date_range\":\"day\"}"},
        {QUERY_BAD_SITE, "{\"site_id\":\"a/b\",\"metrics\":[\"visits\"],\"date_range\":\"day\"}"},
        {QUERY_BAD_SITE, "{\"site_id\":7,\"metrics\":[\"visits\"],\"date_range\":\"day\"}"},
        {QUERY_BAD_METRICS, ASK("", "\"day\"", "")},
        {QUERY_BAD_METRICS, ASK("1", "\"day\"", "")},
        {QUERY_BAD_METRICS, ASK("\"visits\",\"visits\"", "\"day\"", "")},
        {QUERY_BAD_METRICS, "{\"site_id\":\"a\",\"date_range\":\"day\"}"},
        {QUERY_UNKNOWN_METRIC, ASK("\"conversion_rate\"", "\"day\"", "")},
        {QUERY_UNKNOWN_METRIC, ASK("\"total_revenue\"", "\"day\"", "")},
        {QUERY_UNKNOWN_METRIC, ASK("\"percentage\"", "\"day\"", "")},
        {QUERY_BAD_DATE_RANGE, "{\"site_id\":\"a\",\"metrics\":[\"visits\"]}"},
        {QUERY_BAD_DATE_RANGE, ASK("\"visits\"", "\"8d\"", "")},
        {QUERY_BAD_DATE_RANGE, ASK("\"visits\"", "[\"2026-11-21\"]", "")},
        {QUERY_BAD_DATE_RANGE, ASK("\"visits\"", "[\"2026-02-29\",\"2026-03-01\"]", "")},
        {QUERY_BAD_DATE_RANGE, ASK("\"visits\"", "[\"1999-12-31\",\"2026-03-01\"]", "")},
        {QUERY_BAD_DATE_RANGE, ASK("\"visits\"", "[\"2026-11-21 \",\"2026-11-22\"]", "")},
        {QUERY_BAD_DATE_RANGE,
         ASK("\"visits\"", "[\"2026-11-21T00:00:00\",\"2026-11-22T23:59:59Z\"]", "")},
        {QUERY_BAD_DATE_RANGE,
         ASK("\"visits\"", "[\"2026-11-21T24:00:00Z\",\"2026-11-22T23:59:59Z\"]", "")},
        {QUERY_DATES_REVERSED, ASK("\"visits\"", "[\"2026-11-22\",\"2026-11-21\"]", "")},
        {QUERY_DATES_NOT_WHOLE,
         ASK("\"visits\"", "[\"2026-11-21T00:00:00Z\",\"2026-11-22T23:59:59Z\"]", "")},
        {QUERY_DATES_NOT_WHOLE,
         ASK("\"visits\"", "[\"2026-11-21T00:00:00+01:00\",\"2026-11-22T13:00:00+01:00\"]", "")},
        {QUERY_TOO_MANY_DAYS, ASK("\"visits\"", "[\"2005-11-01\",\"2026-01-01\"]", "")},
        {QUERY_BAD_DIMENSIONS, ASK("\"visits\"", "\"day\"", ",\"dimensions\":\"event:page\"")},
        {QUERY_BAD_DIMENSIONS, ASK("\"visits\"", "\"day\"", BY("1"))},
        {QUERY_UNKNOWN_DIMENSION, ASK("\"visits\"", "\"day\"", BY("\"visit:city\""))},
        {QUERY_UNKNOWN_DIMENSION, ASK("\"visits\"", "\"day\"", BY("\"event:hostname\""))},
        {QUERY_UNKNOWN_DIMENSION, ASK("\"visits\"", "\"day\"", BY("\"event:props:\""))},
        {QUERY_UNKNOWN_DIMENSION, ASK("\"visits\"", "\"day\"", BY("\"time:minute\""))},
        {QUERY_UNKNOWN_DIMENSION,
         ASK("\"visits\"", "\"day\"", FILTER("[\"is\",\"visit:city\",[\"1\"]]"))},
        {QUERY_TWO_DIMENSIONS, ASK("\"visits\"", "\"day\"", BY("\"event:page\",\"visit:source\""))},
        {QUERY_TWO_DIMENSIONS, ASK("\"visits\"", "\"day\"", BY("\"time:day\",\"time:week\""))},
        {QUERY_HOUR_BESIDE, ASK("\"visits\"", "\"day\"", BY("\"time:hour\",\"event:page\""))},
        {QUERY_HOUR_BESIDE, ASK("\"visits\"", "\"day\"",
                                BY("\"time:hour\"") FILTER("[\"is\",\"event:page\",[\"/\"]]"))},
        {QUERY_24H_BESIDE, ASK("\"visits\"", "\"24h\"", BY("\"event:page\""))},
        {QUERY_24H_BESIDE, ASK("\"visits\"", "\"24h\"", FILTER("[\"is\",\"event:page\",[\"/\"]]"))},
        {QUERY_TOO_MANY_HOURS, ASK("\"visits\"", "\"91d\"", BY("\"time:hour\""))},
        {QUERY_BAD_FILTERS, ASK("\"visits\"", "\"day\"", ",\"filters\":{}")},
        {QUERY_BAD_FILTERS, ASK("\"visits\"", "\"day\"", FILTER("\"is\""))},
        {QUERY_BAD_FILTERS, ASK("\"visits\"", "\"day\"", FILTER("[\"is\",\"event:page\"]"))},
        {QUERY_BAD_FILTERS, ASK("\"visits\"", "\"day\"",
                                FILTER("[\"is\",\"event:page\",[\"/\"],{\"case_sensitive\":1}]"))},
        {QUERY_UNKNOWN_OPERATOR,
         ASK("\"visits\"", "\"day\"", FILTER("[\"matches\",\"event:page\",[\"^/\"]]"))},
        {QUERY_UNKNOWN_OPERATOR,
         ASK("\"visits\"", "\"day\"", FILTER("[\"or\",[[\"is\",\"event:page\",[\"/\"]]]]"))},
        {QUERY_UNKNOWN_OPERATOR, ASK("\"visits\"", "\"day\"", FILTER("[\"is\",\"segment\",[7]]"))},
        {QUERY_BAD_FILTER_VALUES,
         ASK("\"visits\"", "\"day\"", FILTER("[\"is\",\"event:page\",[]]"))},
        {QUERY_BAD_FILTER_VALUES,
         ASK("\"visits\"", "\"day\"", FILTER("[\"is\",\"event:page\",[1]]"))},
        {QUERY_BAD_FILTER_VALUES,
         ASK("\"visits\"", "\"day\"", FILTER("[\"is\",\"event:page\",[\"\"]]"))},
        {QUERY_FILTER_BESIDE, ASK("\"visits\"", "\"day\"", BY("\"visit:exit_page\"") FILTER(NL))},
        {QUERY_FILTER_BESIDE, ASK("\"visits\"", "\"day\"", BY("\"visit:language\"") FILTER(NL))},
        {QUERY_FILTER_BESIDE,
         ASK("\"visits\"", "\"day\"",
             BY("\"event:page\"") FILTER("[\"is\",\"visit:region\",[\"NL-NH\"]]"))},
        {QUERY_FILTER_BESIDE,
         ASK("\"visits\"", "\"day\"",
             BY("\"event:page\"") FILTER(NL ",[\"is\",\"visit:os\",[\"iOS\"]]"))},
        {QUERY_FILTER_BESIDE,
         ASK("\"visits\"", "\"day\"",
             BY("\"event:goal\"") FILTER(NL ",[\"is\",\"event:props:a\",[\"1\"]]"))},
        {QUERY_FILTER_BESIDE,
         ASK("\"visits\"", "\"day\"",
             BY("\"event:goal\"") FILTER("[\"is\",\"event:props:a\",[\"1\"]]," NL))},
        {QUERY_HOUR_BESIDE,
         ASK("\"visits\"", "\"day\"", BY("\"time:hour\",\"event:page\"") FILTER(NL))},
        {QUERY_FILTER_UNSET,
         ASK("\"visits\"", "\"day\"",
             BY("\"event:page\"") FILTER("[\"is_not\",\"visit:utm_campaign\",[\"spring\"]]"))},
        {QUERY_FILTER_UNSET,
         ASK("\"visits\"", "\"day\"",
             BY("\"event:page\"") FILTER("[\"is\",\"visit:utm_campaign\",[\"(not set)\"]]"))},
        {QUERY_CROSS_METRICS, ASK("\"visitors\"", "\"day\"", BY("\"event:page\"") FILTER(NL))},
        {QUERY_CROSS_METRICS, ASK("\"events\"", "\"day\"", BY("\"event:page\"") FILTER(NL))},
        {QUERY_CROSS_METRICS, ASK("\"bounce_rate\"", "\"day\"", BY("\"event:page\"") FILTER(NL))},
        {QUERY_CROSS_METRICS, ASK("\"pageviews\"", "\"day\"", BY("\"event:goal\"") FILTER(NL))},
        {QUERY_ADDED_VISITS,
         ASK("\"visits\"", "\"day\"",
             BY("\"visit:country\"") FILTER("[\"contains\",\"event:page\",[\"/\"]]"))},
        {QUERY_FILTER_BESIDE,
         ASK("\"visits\"", "\"day\"",
             BY("\"visit:country\"") FILTER("[\"is\",\"visit:region\",[\"NL-NH\"]]"))},
        {QUERY_FILTER_BESIDE,
         ASK("\"visits\"", "\"day\"",
             BY("\"event:props:a\"") FILTER("[\"is\",\"event:props:b\",[\"1\"]]"))},
        {QUERY_TWO_FILTERS,
         ASK("\"visits\"", "\"day\"",
             FILTER("[\"is\",\"visit:country\",[\"NL\"]],[\"is\",\"visit:os\",[\"iOS\"]]"))},
        {QUERY_ADDED_VISITORS,
         ASK("\"visitors\"", "\"day\"", FILTER("[\"is\",\"visit:country\",[\"NL\",\"BE\"]]"))},
        {QUERY_ADDED_VISITORS,
         ASK("\"visitors\"", "\"day\"", FILTER("[\"is_not\",\"visit:country\",[\"NL\"]]"))},
        {QUERY_ADDED_VISITORS,
         ASK("\"visitors\"", "\"day\"", FILTER("[\"contains\",\"visit:country\",[\"N\"]]"))},
        {QUERY_ADDED_VISITORS,
         ASK("\"visitors\"", "\"day\"",
             BY("\"time:day\"") FILTER("[\"contains\",\"event:page\",[\"/\"]]"))},
        {QUERY_ADDED_VISITORS,
         ASK("\"visitors\"", "\"day\"",
             FILTER("[\"is\",\"visit:country\",[\"nl\"],{\"case_sensitive\":false}]"))},
        {QUERY_ADDED_VISITORS,
         ASK("\"visitors\"", "\"day\"",
             BY("\"event:goal\"") FILTER("[\"is_not\",\"event:props:a\",[\"1\"]]"))},
        {QUERY_ADDED_VISITS,
         ASK("\"visits\"", "\"day\"", FILTER("[\"contains\",\"event:page\",[\"/\"]]"))},
        {QUERY_ADDED_VISITS,
         ASK("\"views_per_visit\"", "\"day\"", FILTER("[\"contains\",\"event:page\",[\"/\"]]"))},
        {QUERY_EXIT_VISITS_ONLY, ASK("\"visitors\"", "\"day\"", BY("\"visit:exit_page\""))},
        {QUERY_EXIT_VISITS_ONLY,
         ASK("\"pageviews\"", "\"day\"", FILTER("[\"is\",\"visit:exit_page\",[\"/\"]]"))},
        {QUERY_GOAL_METRICS, ASK("\"bounce_rate\"", "\"day\"", BY("\"event:goal\""))},
        {QUERY_PROP_METRICS, ASK("\"bounce_rate\"", "\"day\"", BY("\"event:props:a\""))},
        {QUERY_DROP_METRICS, ASK("\"visitors\"", "\"day\"", BY("\"event:drop_reason\""))},
        {QUERY_DROP_METRICS,
         ASK("\"pageviews\",\"events\"", "\"day\"", BY("\"event:drop_reason\""))},
        {QUERY_PAGE_METRICS, ASK("\"time_on_page\"", "\"day\"", BY("\"visit:country\""))},
        {QUERY_PAGE_METRICS, ASK("\"scroll_depth\"", "\"day\"", BY("\"visit:entry_page\""))},
        {QUERY_BAD_ORDER, ASK("\"visits\"", "\"day\"", ORDER("[\"visitors\",\"desc\"]"))},
        {QUERY_BAD_ORDER, ASK("\"visits\"", "\"day\"", ORDER("[\"visits\",\"down\"]"))},
        {QUERY_BAD_ORDER,
         ASK("\"visits\"", "\"day\"", ORDER("[\"visits\",\"asc\"],[\"visits\",\"asc\"]"))},
        {QUERY_BAD_ORDER, ASK("\"visits\"", "\"day\"", ORDER("[\"event:page\",\"asc\"]"))},
        {QUERY_BAD_INCLUDE, ASK("\"visits\"", "\"day\"", ",\"include\":{\"time_labels\":true}")},
        {QUERY_BAD_INCLUDE, ASK("\"visits\"", "\"day\"", ",\"include\":{\"revenue\":true}")},
        {QUERY_BAD_INCLUDE, ASK("\"visits\"", "\"day\"", ",\"include\":{\"total_rows\":1}")},
        {QUERY_BAD_COMPARISON, ASK("\"visits\"", "\"day\"", ",\"include\":{\"comparisons\":true}")},
        {QUERY_BAD_COMPARISON,
         ASK("\"visits\"", "\"day\"", ",\"include\":{\"comparisons\":{\"mode\":\"custom\"}}")},
        {QUERY_BAD_COMPARISON,
         ASK("\"visits\"", "\"all\"",
             ",\"include\":{\"comparisons\":{\"mode\":\"previous_period\"}}")},
        {QUERY_BAD_PAGINATION, ASK("\"visits\"", "\"day\"", ",\"pagination\":{\"limit\":0}")},
        {QUERY_BAD_PAGINATION, ASK("\"visits\"", "\"day\"", ",\"pagination\":{\"limit\":10001}")},
        {QUERY_BAD_PAGINATION, ASK("\"visits\"", "\"day\"", ",\"pagination\":{\"page\":1}")},
    };
    bool met[QUERY__COUNT] = {[QUERY_OK] = true,
                              [QUERY_TOO_MANY_GROUPS] = true,
                              [QUERY_MONTHS_ONLY] = true,
                              [QUERY_NOT_CROSSED] = true};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct query query;
        struct query_plan plan;
        enum query_status status = query_parse(str_from(CASES[i].question), &query);
        if (status == QUERY_OK) {
            status = query_plan_make(&query, amsterdam, NOW_MS, &plan);
            query_done(&query);
        }
        if (status != CASES[i].status)
            fail_msg("%s: %s", CASES[i].question, query_status_sentence(status));
        met[status] = true;
    }
    for (int status = 0; status < QUERY__COUNT; status++)
        if (!met[status])
            fail_msg("never refused so: %s", query_status_sentence((enum query_status)status));
}

static void a_strict_site_is_not_crossed(void **state)
{
    (void)state;
    char error[200];
    struct site *strict = site_parse(STR_LIT("example.com"), STR_LIT("{\"preset\":\"strict\"}"),
                                     error, sizeof(error));
    struct query query;
    struct query_plan plan;
    assert_int_equal(
        query_parse(str_from(ASK("\"visits\"", "\"day\"", BY("\"event:page\"") FILTER(NL))),
                    &query),
        QUERY_OK);
    assert_int_equal(query_plan_make(&query, strict, NOW_MS, &plan), QUERY_NOT_CROSSED);
    query_done(&query);
    site_free(strict);
}

static void a_cut_cross_is_told_of(void **state)
{
    (void)state;
    json_t *root = ask(ASK("\"visits\",\"pageviews\"", TWO, BY("\"event:page\"") FILTER(NL)));
    const json_t *warnings = json_object_get(json_object_get(root, "meta"), "metric_warnings");
    assert_int_equal(json_object_size(warnings), 2);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(warnings, "visits"), "code")),
        "pairs_cut");
    json_decref(root);
    root = ask(ASK("\"visits\"", TWO, BY("\"visit:source\"") FILTER(NL)));
    assert_null(json_object_get(json_object_get(root, "meta"), "metric_warnings"));
    json_decref(root);
}

static void days_below_at_and_above_the_cap(void **state)
{
    (void)state;
    for (int over = -1; over <= 1; over++) {
        char json[300];
        uint32_t first = date_add_days(20261123, -(QUERY_DAYS_MAX - 1 + over));
        struct query query;
        struct query_plan plan;
        (void)snprintf(json, sizeof(json),
                       ASK("\"visits\"", "[\"%04u-%02u-%02u\",\"2026-11-23\"]", ""), first / 10000,
                       first / 100 % 100, first % 100);
        assert_int_equal(query_parse(str_from(json), &query), QUERY_OK);
        assert_int_equal(query_plan_make(&query, amsterdam, NOW_MS, &plan),
                         over > 0 ? QUERY_TOO_MANY_DAYS : QUERY_OK);
        query_done(&query);
    }
}

static char *labels(const struct site *site, const char *json, int64_t now_ms, const char *name)
{
    json_t *root = ask_of(site, json, now_ms, STORED, ARRAY_LEN(STORED));
    struct buf out;
    size_t i;
    json_t *item;
    buf_init(&out, 100000);
    json_array_foreach(json_object_get(json_object_get(root, "meta"), name), i, item)
        buf_printf(&out, "%s%s", i == 0 ? "" : ",", json_string_value(item));
    char *text = strndup(buf_str(&out).ptr, out.len);
    buf_done(&out);
    json_decref(root);
    return text;
}

#define LABELS ",\"include\":{\"time_labels\":true}"

static void labels_are_all_buckets(void **state)
{
    static const struct {
        const char *question, *labels;
    } CASES[] = {
        {ASK("\"visits\"", TWO, BY("\"time:day\"") LABELS), "2026-11-21,2026-11-22"},
        {ASK("\"visits\"", "\"7d\"", BY("\"time:day\"") LABELS),
         "2026-11-17,2026-11-18,2026-11-19,2026-11-20,2026-11-21,2026-11-22,2026-11-23"},
        {ASK("\"visits\"", "\"month\"", BY("\"time:week\"") LABELS),
         "2026-11-01,2026-11-02,2026-11-09,2026-11-16,2026-11-23"},
        {ASK("\"visits\"", "\"6mo\"", BY("\"time\"") LABELS),
         "2026-06-01,2026-07-01,2026-08-01,2026-09-01,2026-10-01,2026-11-01"},
        {ASK("\"visits\"", "[\"2025-12-31\",\"2026-01-01\"]", BY("\"time:month\"") LABELS),
         "2025-12-01,2026-01-01"},
        /* "all" begins with the first day that has something. */
        {ASK("\"visits\"", "\"all\"", BY("\"time:month\"") LABELS),
         "2025-11-01,2025-12-01,2026-01-01,2026-02-01,2026-03-01,2026-04-01,2026-05-01,2026-06-01,"
         "2026-07-01,2026-08-01,2026-09-01,2026-10-01,2026-11-01"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        char *got = labels(amsterdam, CASES[i].question, NOW_MS, "time_labels");
        if (strcmp(got, CASES[i].labels) != 0)
            fail_msg("%s\n got %s\nwant %s", CASES[i].question, got, CASES[i].labels);
        free(got);
    }
}

static void weeks_of_all_are_labelled_as_their_rows(void **state)
{
    (void)state;
    static const char QUESTION[] = ASK("\"visits\"", "\"all\"", BY("\"time:week\"") LABELS);
    json_t *root = ask(QUESTION);
    char *rows = flatten(json_object_get(root, "results"));
    char *all = labels(amsterdam, QUESTION, NOW_MS, "time_labels");
    /* 2025-11-21 is a Friday. */
    assert_int_equal(strncmp(rows, "2025-11-17:21; ", 15), 0);
    assert_int_equal(strncmp(all, "2025-11-17,2025-11-24,", 22), 0);
    free(rows);
    free(all);
    json_decref(root);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
}

static void days_that_change_the_clock_have_their_hours(void **state)
{
    static const struct {
        const char *zone, *day;
        size_t hours;
        const char *missing; /* or NULL */
    } CASES[] = {
        {"Europe/Amsterdam", "2026-03-29", 23, " 02:00:00"},
        {"Europe/Amsterdam", "2026-10-25", 24, NULL}, /* both 02:00 are one */
        {"Europe/Amsterdam", "2026-10-26", 24, NULL},
        {"America/New_York", "2026-03-08", 23, " 02:00:00"},
        {"Australia/Lord_Howe", "2026-10-04", 24, NULL}, /* half an hour: 02:30 exists */
        {"Asia/Kathmandu", "2026-03-29", 24, NULL},
        {"America/Santiago", "2026-09-06", 23, " 00:00:00"}, /* the day begins at 01:00 */
        {"UTC", "2026-03-29", 24, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        char settings[100], json[300], error[200];
        (void)snprintf(settings, sizeof(settings), "{\"timezone\":\"%s\"}", CASES[i].zone);
        struct site *site =
            site_parse(STR_LIT("example.com"), str_from(settings), error, sizeof(error));
        assert_non_null(site);
        (void)snprintf(json, sizeof(json),
                       ASK("\"visits\"", "[\"%s\",\"%s\"]", BY("\"time:hour\"") LABELS),
                       CASES[i].day, CASES[i].day);
        char *got = labels(site, json, NOW_MS, "time_labels");
        if (count_of(got, CASES[i].day) != CASES[i].hours ||
            (CASES[i].missing != NULL && strstr(got, CASES[i].missing) != NULL))
            fail_msg("%s %s: %s", CASES[i].zone, CASES[i].day, got);
        free(got);
        site_free(site);
    }
}

static void the_last_24_hours_over_a_change_of_the_clock(void **state)
{
    /* 2026-03-29T10:15:00Z is 12:15 in Amsterdam; 23 hours before it was 12:15 (+01:00). */
    (void)state;
    char *got = labels(amsterdam, ASK("\"visits\"", "\"24h\"", BY("\"time\"") LABELS),
                       1774779300000, "time_labels");
    assert_int_equal(count_of(got, ":00:00"), 24);
    assert_int_equal(strncmp(got, "2026-03-28 12:00:00,", 20), 0);
    assert_non_null(strstr(got, "2026-03-29 01:00:00,2026-03-29 03:00:00"));
    assert_string_equal(got + strlen(got) - 19, "2026-03-29 12:00:00");
    free(got);
}

static void the_day_is_the_sites_own(void **state)
{
    char error[200];
    (void)state;
    /* 2026-11-22T23:30:00Z: the 23rd in Amsterdam, still the 22nd in New York. */
    struct site *site = site_parse(STR_LIT("example.com"),
                                   STR_LIT("{\"timezone\":\"America/New_York\"}"), error, 200);
    assert_non_null(site);
    static const char QUESTION[] = ASK("\"pageviews\"", "\"day\"", "");
    json_t *here = ask_of(amsterdam, QUESTION, 1795390200000, STORED, ARRAY_LEN(STORED));
    json_t *there = ask_of(site, QUESTION, 1795390200000, STORED, ARRAY_LEN(STORED));
    char *in_amsterdam = flatten(json_object_get(here, "results"));
    char *in_new_york = flatten(json_object_get(there, "results"));
    assert_string_equal(in_amsterdam, ":2");
    assert_string_equal(in_new_york, ":4");
    free(in_amsterdam);
    free(in_new_york);
    json_decref(here);
    json_decref(there);
    site_free(site);
}

#define COMPARE(mode) ",\"include\":{\"comparisons\":{\"mode\":\"" mode "\"},\"time_labels\":true}"

static void assert_json(const json_t *got, const char *want)
{
    char *text = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(10));
    assert_non_null(text);
    assert_string_equal(text, want);
    free(text);
}

static void comparisons_stand_beside_each_row(void **state)
{
    (void)state;
    json_t *root = ask(ASK("\"visits\",\"bounce_rate\"", "\"day\"",
                           ",\"include\":{\"comparisons\":{\"mode\":\"previous_period\"}}"));
    assert_json(json_object_get(root, "results"),
                "[{\"metrics\":[1,0],\"dimensions\":[],\"comparison\":{\"dimensions\":[],"
                "\"metrics\":[2,50],\"change\":[-50,-50]}}]");
    json_decref(root);

    root = ask(ASK(
        "\"pageviews\"", TWO,
        BY("\"visit:country\"") ",\"include\":{\"comparisons\":{\"mode\":\"year_over_year\"}}"));
    assert_json(json_array_get(json_object_get(root, "results"), 0),
                "{\"metrics\":[11],\"dimensions\":[\"NL\"],\"comparison\":{\"dimensions\":[\"NL\"],"
                "\"metrics\":[0],\"change\":[100]}}");
    json_decref(root);
}

static void compared_times_go_by_their_place(void **state)
{
    (void)state;
    json_t *root = ask(ASK("\"visits\"", "[\"2026-11-22\",\"2026-11-23\"]",
                           BY("\"time:day\"") COMPARE("previous_period")));
    assert_json(json_object_get(root, "results"),
                "[{\"metrics\":[2],\"dimensions\":[\"2026-11-22\"],\"comparison\":{\"dimensions\":["
                "\"2026-11-20\"],\"metrics\":[0],\"change\":[100]}},"
                "{\"metrics\":[1],\"dimensions\":[\"2026-11-23\"],\"comparison\":{\"dimensions\":["
                "\"2026-11-21\"],\"metrics\":[4],\"change\":[-75]}}]");
    assert_json(json_object_get(root, "comparison_results"),
                "[{\"metrics\":[4],\"dimensions\":[\"2026-11-21\"]}]");
    assert_json(json_object_get(json_object_get(root, "meta"), "comparison_time_labels"),
                "[\"2026-11-20\",\"2026-11-21\"]");
    assert_json(json_object_get(json_object_get(root, "query"), "comparison_date_range"),
                "[\"2026-11-20T00:00:00+01:00\",\"2026-11-21T23:59:59+01:00\"]");
    json_decref(root);

    root = ask(ASK("\"visits\"", "\"day\"", COMPARE("year_over_year") BY("\"time:day\"")));
    assert_json(json_object_get(root, "comparison_results"),
                "[{\"metrics\":[1],\"dimensions\":[\"2025-11-23\"]}]");
    json_decref(root);
}

static void the_question_comes_back_in_full(void **state)
{
    (void)state;
    json_t *root = ask(ASK("\"visitors\"", "\"7d\"",
                           BY("\"time\"") FILTER("[\"is\",\"visit:country\",[\"NL\"]]")));
    assert_json(json_object_get(root, "query"),
                "{\"site_id\":\"example.com\",\"metrics\":[\"visitors\"],\"date_range\":["
                "\"2026-11-17T00:00:00+01:00\",\"2026-11-23T23:59:59+01:00\"],\"dimensions\":["
                "\"time:day\"],\"filters\":[[\"is\",\"visit:country\",[\"NL\"]]],\"order_by\":[["
                "\"time:day\",\"asc\"]],\"include\":{},\"pagination\":{\"limit\":10000,"
                "\"offset\":0}}");
    assert_json(json_object_get(root, "meta"), "{}");
    json_decref(root);
    root = ask(ASK("\"visits\"", "\"24h\"", ""));
    assert_json(json_object_get(json_object_get(root, "query"), "date_range"),
                "[\"2026-11-22T14:00:00+01:00\",\"2026-11-23T13:59:59+01:00\"]");
    json_decref(root);
    /* "all" begins with the first day that held something. */
    root = ask(ASK("\"visits\"", "\"all\"", ""));
    assert_json(json_object_get(json_object_get(root, "query"), "date_range"),
                "[\"2025-11-21T00:00:00+01:00\",\"2026-11-23T23:59:59+01:00\"]");
    json_decref(root);
    root = ask(ASK("\"visits\"", "[\"2026-03-29\",\"2026-10-25\"]", ""));
    assert_json(json_object_get(json_object_get(root, "query"), "date_range"),
                "[\"2026-03-29T00:00:00+01:00\",\"2026-10-25T23:59:59+01:00\"]");
    json_decref(root);
}

static void warnings_say_how_visitors_were_added_up(void **state)
{
    static const struct {
        const char *question, *code; /* NULL: none */
    } CASES[] = {
        {ASK("\"visitors\"", "\"day\"", ""), NULL},
        {ASK("\"visits\"", "\"7d\"", ""), NULL},
        {ASK("\"visitors\"", "\"7d\"", ""), "days_added_up"},
        {ASK("\"visitors\"", "\"7d\"", BY("\"time:day\"")), NULL},
        {ASK("\"visitors\"", "\"7d\"", BY("\"time:week\"")), "days_added_up"},
        {ASK("\"visitors\"", "\"7d\"", BY("\"visit:country\"")), "days_added_up"},
        {ASK("\"visitors\"", "\"24h\"", ""), "hours_added_up"},
        {ASK("\"visitors\"", "\"24h\"", BY("\"time:hour\"")), NULL},
        {ASK("\"visitors\"", "\"day\"", BY("\"event:props:plan\"")), "goals_added_up"},
        {ASK("\"visitors\"", "\"day\"",
             BY("\"event:props:plan\"") FILTER("[\"is\",\"event:goal\",[\"signup\"]]")),
         NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        json_t *root = ask(CASES[i].question);
        const json_t *warning = json_object_get(
            json_object_get(json_object_get(root, "meta"), "metric_warnings"), "visitors");
        const char *code = json_string_value(json_object_get(warning, "code"));
        if ((code == NULL) != (CASES[i].code == NULL) ||
            (code != NULL && strcmp(code, CASES[i].code) != 0))
            fail_msg("%s: %s", CASES[i].question, code == NULL ? "none" : code);
        json_decref(root);
    }
}

static void total_rows_counts_before_the_page_is_cut(void **state)
{
    (void)state;
    json_t *root = ask(ASK(
        "\"visits\"", TWO,
        BY("\"visit:country\"") ",\"pagination\":{\"limit\":1},\"include\":{\"total_rows\":true}"));
    assert_int_equal(json_array_size(json_object_get(root, "results")), 1);
    assert_json(json_object_get(root, "meta"), "{\"total_rows\":3}");
    json_decref(root);
}

static void each_date_is_read_once_and_none_of_the_future(void **state)
{
    static const struct {
        const char *question;
        uint32_t count, first, last;
    } CASES[] = {
        {ASK("\"visits\"", "\"day\"", ""), 1, 20261123, 20261123},
        {ASK("\"visits\"", "\"24h\"", ""), 2, 20261122, 20261123},
        {ASK("\"visits\"", "\"30d\"", ""), 30, 20261025, 20261123},
        {ASK("\"visits\"", "[\"2026-11-22\",\"2026-12-31\"]", ""), 2, 20261122, 20261123},
        {ASK("\"visits\"", "[\"2027-01-01\",\"2027-01-31\"]", ""), 0, 0, 0},
        {ASK("\"visits\"", "\"7d\"", COMPARE("previous_period") BY("\"time\"")), 14, 20261117,
         20261116},
        {ASK("\"visits\"", "[\"2025-11-01\",\"2026-11-23\"]",
             COMPARE("year_over_year") BY("\"time\"")),
         388 + 365, 20251101, 20251031},
        {ASK("\"visits\"", "[\"2024-02-29\",\"2024-02-29\"]",
             COMPARE("year_over_year") BY("\"time\"")),
         2, 20240229, 20230228},
        {ASK("\"visits\"", "\"year\"", ""), 327, 20260101, 20261123},
        {ASK("\"visits\"", "\"all\"", ""), 7298, 20061201, 20261123},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct query query;
        struct query_plan plan;
        uint32_t cursor = 0, date, count = 0, first = 0, last = 0;
        assert_int_equal(query_parse(str_from(CASES[i].question), &query), QUERY_OK);
        assert_int_equal(query_plan_make(&query, amsterdam, NOW_MS, &plan), QUERY_OK);
        while (query_plan_next_date(&plan, &cursor, &date)) {
            first = count++ == 0 ? date : first;
            last = date;
        }
        if (count != CASES[i].count || first != CASES[i].first || last != CASES[i].last)
            fail_msg("%s: %u dates, %u to %u", CASES[i].question, count, first, last);
        query_done(&query);
    }
}

static void groups_below_at_and_above_the_cap(void **state)
{
    struct query query;
    struct query_plan plan;
    (void)state;
    assert_int_equal(
        query_parse(STR_LIT(ASK("\"pageviews\"", "\"day\"", BY("\"event:page\""))), &query),
        QUERY_OK);
    assert_int_equal(query_plan_make(&query, amsterdam, NOW_MS, &plan), QUERY_OK);
    for (uint32_t count = QUERY_GROUPS_MAX - 1; count <= QUERY_GROUPS_MAX + 1; count++) {
        struct query_answer *answer = query_answer_new(&plan);
        struct query_rows rows;
        query_rows_init(&rows, count);
        for (uint32_t i = 0; i < count; i++) {
            char value[20];
            int len = snprintf(value, sizeof(value), "/%u", i);
            query_rows_at(&rows, (struct str){value, (size_t)len})->sums[METRIC_PAGEVIEWS] = 1;
        }
        assert_int_equal(query_answer_add(answer, 20261123, TABLE_PAGE, &rows),
                         count <= QUERY_GROUPS_MAX);
        query_rows_done(&rows);
        query_answer_free(answer);
    }
    query_done(&query);
}

static void fields_at_rest_that_are_none_are_passed_over(void **state)
{
    static const struct {
        struct str field, number;
    } FIELDS[] = {
        {STR_LIT("v/"), STR_LIT("1")},
        {STR_LIT("v/"), STR_LIT("-3")},
        {STR_LIT("v/"), STR_LIT("")},
        {STR_LIT("v/"), STR_LIT("-")},
        {STR_LIT("v/"), STR_LIT("1x")},
        {STR_LIT("v/"), STR_LIT("99999999999999999999")},
        {STR_LIT(""), STR_LIT("1")},
        {STR_LIT("z/"), STR_LIT("1")},
        {STR_LIT("@0123456789abcdef"), STR_LIT("1")},
    };
    struct query_rows rows;
    (void)state;
    query_rows_init(&rows, 10);
    for (size_t i = 0; i < ARRAY_LEN(FIELDS); i++)
        query_rows_add_field(&rows, FIELDS[i].field, FIELDS[i].number);
    assert_int_equal(rows.count, 1);
    assert_int_equal(rows.rows[0].sums[METRIC_PAGEVIEWS], -2);
    assert_false(rows.rows[0].has_visitors);
    query_rows_done(&rows);
}

static void rows_below_at_and_above_their_cap(void **state)
{
    (void)state;
    for (uint32_t count = 99; count <= 101; count++) {
        struct query_rows rows;
        query_rows_init(&rows, 100);
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(query_rows_at(&rows, (struct str){(const char *)&i, 4}) != NULL,
                             i < 100);
        uint32_t known = 7;
        assert_non_null(query_rows_at(&rows, (struct str){(const char *)&known, 4}));
        assert_int_equal(rows.count, count < 100 ? count : 100);
        query_rows_done(&rows);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_as_computed_by_hand),
        cmocka_unit_test(refusals_say_what_is_kept),
        cmocka_unit_test(a_strict_site_is_not_crossed),
        cmocka_unit_test(a_cut_cross_is_told_of),
        cmocka_unit_test(days_below_at_and_above_the_cap),
        cmocka_unit_test(labels_are_all_buckets),
        cmocka_unit_test(weeks_of_all_are_labelled_as_their_rows),
        cmocka_unit_test(days_that_change_the_clock_have_their_hours),
        cmocka_unit_test(the_last_24_hours_over_a_change_of_the_clock),
        cmocka_unit_test(the_day_is_the_sites_own),
        cmocka_unit_test(comparisons_stand_beside_each_row),
        cmocka_unit_test(compared_times_go_by_their_place),
        cmocka_unit_test(the_question_comes_back_in_full),
        cmocka_unit_test(warnings_say_how_visitors_were_added_up),
        cmocka_unit_test(total_rows_counts_before_the_page_is_cut),
        cmocka_unit_test(each_date_is_read_once_and_none_of_the_future),
        cmocka_unit_test(groups_below_at_and_above_the_cap),
        cmocka_unit_test(fields_at_rest_that_are_none_are_passed_over),
        cmocka_unit_test(rows_below_at_and_above_their_cap),
    };
    return cmocka_run_group_tests(tests, make_site, free_site);
}

/* What a question costs without Redis: parsing, planning, reading the rows of 30 days of 2,000
 * pages of six counts each out of their fields, answering and printing. One JSON line. */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "aggregator/query_answer.h"

enum { PAGES = 2000, RUNS = 20, FIELD_BYTES = 40 };

static const int64_t NOW_MS = 1795437000000; /* 2026-11-23T12:30:00Z */
static const char LETTERS[] = {'v', 's', 'u', 'e', 'n', 'c'};
static char fields[PAGES * sizeof(LETTERS)][FIELD_BYTES];

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void add_day(struct query_answer *answer, uint32_t date, enum table table, size_t count)
{
    struct query_rows rows;
    query_rows_init(&rows, 2 * PAGES);
    for (size_t i = 0; i < count; i++)
        query_rows_add_field(&rows, str_from(fields[i]), STR_LIT("123"));
    if (!query_answer_add(answer, date, table, &rows))
        abort();
    query_rows_done(&rows);
}

/* Microseconds of one question over rows of `count` fields a day. */
static double ask(const struct site *site, const char *json, size_t count)
{
    struct query query;
    struct query_plan plan;
    uint32_t cursor = 0, date;
    double begin_us = now_us();
    if (query_parse(str_from(json), &query) != QUERY_OK ||
        query_plan_make(&query, site, NOW_MS, &plan) != QUERY_OK)
        abort();
    struct query_answer *answer = query_answer_new(&plan);
    while (query_plan_next_date(&plan, &cursor, &date))
        for (size_t t = 0; t < plan.table_count; t++)
            add_day(answer, date, plan.tables[t], count);
    json_t *root = query_answer_json(answer);
    free(json_dumps(root, JSON_COMPACT));
    json_decref(root);
    query_answer_free(answer);
    query_done(&query);
    return now_us() - begin_us;
}

static double best(const struct site *site, const char *json, size_t count)
{
    double least = ask(site, json, count);
    for (int i = 1; i < RUNS; i++) {
        double us = ask(site, json, count);
        least = us < least ? us : least;
    }
    return least;
}

#define QUESTION(rest)                                                                             \
    "{\"site_id\":\"example.com\",\"date_range\":\"30d\",\"metrics\":[\"visitors\",\"visits\","    \
    "\"pageviews\"]" rest "}"

int main(void)
{
    char error[200];
    struct site *site = site_parse(STR_LIT("example.com"),
                                   STR_LIT("{\"timezone\":\"Europe/Amsterdam\"}"), error, 200);
    if (site == NULL)
        return 1;
    for (size_t i = 0; i < PAGES * sizeof(LETTERS); i++)
        (void)snprintf(fields[i], FIELD_BYTES, "%c/blog/2026/a-post-%zu",
                       LETTERS[i % sizeof(LETTERS)], i / sizeof(LETTERS));
    double totals = best(site, QUESTION(""), sizeof(LETTERS));
    double pages = best(site, QUESTION(",\"dimensions\":[\"event:page\"]"), ARRAY_LEN(fields));
    double ten =
        best(site, QUESTION(",\"dimensions\":[\"event:page\"],\"pagination\":{\"limit\":10}"),
             ARRAY_LEN(fields));
    printf("{\"days\":30,\"pages\":%d,\"fields_a_day\":%zu,\"totals_us\":%.0f,"
           "\"all_pages_us\":%.0f,\"ten_pages_us\":%.0f}\n",
           PAGES, ARRAY_LEN(fields), totals, pages, ten);
    site_free(site);
    return 0;
}

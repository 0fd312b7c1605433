/* Counters and gauges: what a scrape looks like, byte for byte, and that parts add up. */

#include "tests/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/metrics.h"

#define ROWS(X)                                                                                    \
    X(SEEN, COUNTER, "test_seen_total", "", "What was seen.")                                      \
    X(GOOD, COUNTER, "test_answers_total", "answer=\"200\"", "Answers.")                           \
    X(BAD, COUNTER, "test_answers_total", "answer=\"400\",why=\"no\"", "Answers.")                 \
    X(OPEN, GAUGE, "test_open", "", "What is open.")                                               \
    X(SPENT, COUNTER_MS, "test_spent_seconds_total", "", "Time.")                                  \
    X(AGE, GAUGE_MS, "test_age_seconds", "", "Age.")

enum row {
#define X(id, type, name, labels, help) ROW_##id,
    ROWS(X)
#undef X
        ROW__COUNT
};

static const struct metrics_row TABLE[] = {ROWS(METRICS_ROW)};

static void a_scrape_is_prometheus_text(void **state)
{
    struct buf out;
    (void)state;
    struct metrics *metrics = metrics_new(TABLE, ROW__COUNT, 2);
    metrics_add(metrics_part(metrics, 0), ROW_SEEN, 1);
    metrics_add(metrics_part(metrics, 1), ROW_SEEN, 41);
    metrics_add(metrics_part(metrics, 1), ROW_BAD, 3);
    metrics_set(metrics_part(metrics, 0), ROW_OPEN, 7);
    metrics_set(metrics_part(metrics, 0), ROW_OPEN, 5);
    metrics_set(metrics_part(metrics, 1), ROW_OPEN, 6);
    metrics_add(metrics_part(metrics, 0), ROW_SPENT, 61005);
    metrics_set(metrics_part(metrics, 0), ROW_AGE, 999);
    buf_init(&out, 4096);
    metrics_render(metrics, &out);
    buf_append_byte(&out, 0);
    assert_string_equal(out.ptr, "# HELP test_seen_total What was seen.\n"
                                 "# TYPE test_seen_total counter\n"
                                 "test_seen_total 42\n"
                                 "# HELP test_answers_total Answers.\n"
                                 "# TYPE test_answers_total counter\n"
                                 "test_answers_total{answer=\"200\"} 0\n"
                                 "test_answers_total{answer=\"400\",why=\"no\"} 3\n"
                                 "# HELP test_open What is open.\n"
                                 "# TYPE test_open gauge\n"
                                 "test_open 11\n"
                                 "# HELP test_spent_seconds_total Time.\n"
                                 "# TYPE test_spent_seconds_total counter\n"
                                 "test_spent_seconds_total 61.005\n"
                                 "# HELP test_age_seconds Age.\n"
                                 "# TYPE test_age_seconds gauge\n"
                                 "test_age_seconds 0.999\n");
    buf_done(&out);
    metrics_free(metrics);
}

static void a_description_is_a_table(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    metrics_describe(TABLE + ROW_GOOD, 1, &out);
    buf_append_byte(&out, 0);
    assert_string_equal(out.ptr,
                        "| name | labels | type | what it tells |\n|---|---|---|---|\n"
                        "| `test_answers_total` | `answer=\"200\"` | counter | Answers. |\n");
    buf_done(&out);
}

static uint64_t value_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    assert_non_null(at);
    return strtoull(at + strlen(name), NULL, 10);
}

static void the_process_tells_of_itself(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    metrics_render_process(&out);
    buf_append_byte(&out, 0);
    assert_true(value_of(out.ptr, "\nprocess_resident_memory_bytes ") > 100000);
    assert_true(value_of(out.ptr, "\nprocess_open_fds ") >= 3);
    assert_true(value_of(out.ptr, "\nprocess_open_fds ") < 100);
    uint64_t started_s = value_of(out.ptr, "\nprocess_start_time_seconds ");
    assert_in_range(started_s, (uint64_t)time(NULL) - 120, (uint64_t)time(NULL) + 2);
    buf_done(&out);
}

enum { THREADS = 4, TIMES = 200000 };

static void *count(void *data)
{
    for (int i = 0; i < TIMES; i++)
        metrics_add(data, ROW_SEEN, 1);
    return NULL;
}

static void threads_count_without_losing_any(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
    struct metrics *metrics = metrics_new(TABLE, ROW__COUNT, THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, count, metrics_part(metrics, i));
    (void)metrics_value(metrics, ROW_SEEN);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(metrics_value(metrics, ROW_SEEN), THREADS * TIMES);
    metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scrape_is_prometheus_text),
        cmocka_unit_test(a_description_is_a_table),
        cmocka_unit_test(the_process_tells_of_itself),
        cmocka_unit_test(threads_count_without_losing_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Questions over months that have sums, in a real Redis: a sum that holds is read, and gives what
 * its days give; one that does not is not missed. */

#include <stdlib.h>

#include "aggregator/month_sum.h"
#include "sealed_days.h"
#include "tests/test.h"

enum { OCTOBER_MONTH = 20261000, SEPTEMBER_MONTH = 20260900 };

/* The records that `month` has now, each with the bytes that GET gave for it. */
static void see_days(struct month_sum *sum, struct redis_reply *records[MONTH_SUM_DAYS])
{
    for (uint32_t d = 0; d < MONTH_SUM_DAYS; d++) {
        struct buf key;
        buf_init(&key, 1000);
        model_key_day(&key, mixed->domain, sum->month + d + 1);
        records[d] = redis_do(redis, STR_LIT("GET"), buf_str(&key));
        if (redis_reply_type(records[d]) == REDIS_TYPE_STRING)
            assert_int_equal(
                month_sum_see_day(sum, sum->month + d + 1, redis_reply_str(records[d])), RECORD_OK);
        buf_done(&key);
    }
}

static void take_parts(struct month_sum *sum, struct redis_reply *const records[MONTH_SUM_DAYS])
{
    size_t at, len;
    for (size_t d = 0; d < MONTH_SUM_DAYS; d++)
        for (uint32_t part = 0; part < RECORD_PARTS; part++)
            if (sum->days[d].date != 0 && month_sum_has_part(sum, part) &&
                record_find_part(&sum->days[d], part, &at, &len))
                assert_int_equal(month_sum_take_part(
                                     sum, d, part,
                                     str_prefix(str_from_at(redis_reply_str(records[d]), at), len)),
                                 RECORD_OK);
}

/* The sum of a month's records with all tables, as small as they are; perhaps with so many more
 * views of each page. */
static void store_sum(uint32_t month, int64_t more_views)
{
    struct redis_reply *records[MONTH_SUM_DAYS];
    struct month_sum sum;
    struct buf bytes;
    buf_init(&bytes, CLOSE_RECORD_BYTES_MAX);
    month_sum_init(&sum, month);
    sum.part_bytes_min = 1;
    see_days(&sum, records);
    assert_int_equal(month_sum_take_names(&sum, buf_str(&names_bytes[month / 100 % 100 - 9])),
                     RECORD_OK);
    take_parts(&sum, records);
    for (uint32_t i = 0; i < sum.sums[TABLE_PAGE].wanted.names; i++)
        if (sum.sums[TABLE_PAGE].columns[METRIC_PAGEVIEWS][i] > 0)
            sum.sums[TABLE_PAGE].columns[METRIC_PAGEVIEWS][i] += more_views;
    assert_true(month_sum_seal(&sum, &bytes));
    set(model_key_sum, month, buf_str(&bytes));
    month_sum_done(&sum);
    buf_done(&bytes);
    for (size_t d = 0; d < MONTH_SUM_DAYS; d++)
        redis_reply_free(records[d]);
}

static void store_sums(void)
{
    store_sum(SEPTEMBER_MONTH, 0);
    store_sum(OCTOBER_MONTH, 0);
}

static void forget_kept(void)
{
    query_cache_free(cache);
    cache = query_cache_new(QUERY_CACHE_BYTES_MAX);
}

/* Each question by itself, so that it reads what it can from the sums. */
static void assert_same_answers_afresh(void)
{
    for (size_t i = 0; i < ARRAY_LEN(QUESTIONS); i++) {
        char *expected = ask(live, QUESTIONS[i]);
        for (int steps = 0; steps < 2; steps++) {
            forget_kept();
            ask_in_one_step = steps == 0;
            char *got = ask(mixed, QUESTIONS[i]);
            assert_answer(QUESTIONS[i], got, expected);
            free(got);
        }
        free(expected);
    }
}

static void a_month_with_a_sum_answers_as_its_days(void **state)
{
    (void)state;
    store_sums();
    assert_same_answers_afresh();
    assert_same_answers();
}

static const char PAGES[] = Q("\"6mo\"", "\"visitors\",\"pageviews\"", BY("\"event:page\""));

/* What is asked is not what `live` has: the sum was read, and not the days. */
static void assert_reads_the_sum(bool reads)
{
    char *expected = ask(live, PAGES);
    forget_kept();
    char *got = ask(mixed, PAGES);
    if (reads)
        assert_string_not_equal(got, expected);
    else
        assert_answer(PAGES, got, expected);
    free(got);
    free(expected);
}

static void a_sum_that_holds_is_believed(void **state)
{
    (void)state;
    assert_reads_the_sum(false);
    store_sum(OCTOBER_MONTH, 1);
    assert_reads_the_sum(true);
    store_sum(OCTOBER_MONTH, 0);
    assert_reads_the_sum(false);
}

/* Those that ask for more than it has, for a part of its month, or for no table of it. */
static void a_sum_is_read_for_whole_months_of_its_metrics_alone(void **state)
{
    static const char *const OTHERS[] = {
        Q("\"6mo\"", "\"pageviews\",\"time_on_page\"", BY("\"event:page\"")),
        Q("[\"2026-10-02\",\"2026-10-31\"]", "\"pageviews\"", BY("\"event:page\"")),
        Q("[\"2026-10-01\",\"2026-10-30\"]", "\"pageviews\"", BY("\"event:page\"")),
        Q(OCTOBER, "\"pageviews\"", BY("\"event:page\",\"time:day\"")),
        Q(OCTOBER, "\"pageviews\"", BY("\"event:page\"") NL),
        Q(OCTOBER, "\"pageviews\"", BY("\"visit:country\"")),
    };
    (void)state;
    store_sum(OCTOBER_MONTH, 1);
    for (size_t i = 0; i < ARRAY_LEN(OTHERS); i++) {
        char *expected = ask(live, OTHERS[i]);
        forget_kept();
        char *got = ask(mixed, OTHERS[i]);
        assert_answer(OTHERS[i], got, expected);
        free(got);
        free(expected);
    }
    assert_reads_the_sum(true);
}

/* Each of these makes it stale by itself. */
static void a_sum_of_other_records_is_not_read(void **state)
{
    size_t first = october();
    (void)state;
    store_sum(OCTOBER_MONTH, 1);
    set(model_key_day, date_at(first + 4), STR_EMPTY);
    open_day(mixed, &days[first + 4]);
    assert_reads_the_sum(false); /* a day that has gone */
    store_sum(OCTOBER_MONTH, 1);
    assert_reads_the_sum(true);
    close_day(mixed, date_at(first + 4));
    seal(&days[first + 4], 1);
    assert_reads_the_sum(false); /* one that has come */
    store_sum(OCTOBER_MONTH, 1);
    day_row(&days[first], TABLE_PAGE, STR_LIT("/late"))->sums[METRIC_PAGEVIEWS] += 3;
    day_row(&days[first], TABLE_TOTAL, STR_EMPTY)->sums[METRIC_PAGEVIEWS] += 3;
    close_day(live, date_at(first));
    open_day(live, &days[first]);
    seal(&days[first], 1);
    assert_reads_the_sum(false); /* one that was sealed again */
    store_sum(OCTOBER_MONTH, 0);
    assert_same_answers_afresh();
}

/* Its counters are beside the sum as they are beside its record. */
static void a_day_that_is_open_again_adds_up_with_its_month(void **state)
{
    (void)state;
    store_sums();
    open_again(october() + 7);
    assert_same_answers_afresh();
}

static void days_with_a_sum_add_up_with_their_folded_month(void **state)
{
    (void)state;
    fold_october(28);
    store_sum(OCTOBER_MONTH, 0);
    forget_kept();
    assert_whole_month_answers();
    forget_kept();
    assert_whole_month_answers();
    store_sum(OCTOBER_MONTH, 1);
    assert_reads_the_sum(true);
}

/* Whatever is wrong with it, the days answer. */
static void a_damaged_sum_is_not_missed(void **state)
{
    struct buf key;
    (void)state;
    store_sum(OCTOBER_MONTH, 1);
    buf_init(&key, 1000);
    model_key_sum(&key, mixed->domain, OCTOBER_MONTH);
    struct redis_reply *good = redis_do(redis, STR_LIT("GET"), buf_str(&key));
    struct str bytes = redis_reply_str(good);
    char *damaged = malloc(bytes.len);
    assert_non_null(damaged);
    memcpy(damaged, bytes.ptr, bytes.len);
    size_t step = bytes.len / 40, read = 0;
    for (size_t at = 0; at < bytes.len; at += at < MONTH_SUM_HEAD_BYTES_MAX ? 11 : step) {
        damaged[at] ^= 1;
        set(model_key_sum, OCTOBER_MONTH, (struct str){damaged, bytes.len});
        forget_kept();
        char *got = ask(mixed, PAGES);
        assert_string_not_equal(got, "failed");
        char *expected = ask(live, PAGES);
        read += strcmp(got, expected) != 0; /* another table's part is the damaged one */
        free(expected);
        free(got);
        damaged[at] ^= 1;
    }
    assert_true(read < 40);
    set(model_key_sum, OCTOBER_MONTH, str_prefix(bytes, bytes.len - 1));
    forget_kept();
    free(ask(mixed, PAGES));
    set(model_key_sum, OCTOBER_MONTH, STR_LIT("x"));
    assert_reads_the_sum(false);
    free(damaged);
    redis_reply_free(good);
    buf_done(&key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sealed_days_fill, sealed_days_empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_month_with_a_sum_answers_as_its_days),
        TEST(a_sum_that_holds_is_believed),
        TEST(a_sum_is_read_for_whole_months_of_its_metrics_alone),
        TEST(a_sum_of_other_records_is_not_read),
        TEST(a_day_that_is_open_again_adds_up_with_its_month),
        TEST(days_with_a_sum_add_up_with_their_folded_month),
        TEST(a_damaged_sum_is_not_missed),
    };
    return cmocka_run_group_tests(tests, sealed_days_start, sealed_days_stop);
}

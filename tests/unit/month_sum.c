/* A month's sum: the total and the large tables of its days, exactly. */

#include "aggregator/month_sum.h"

#include <stdio.h>

#include "tests/test.h"

enum { DAYS = 10, BYTES_MAX = 16 * 1024 * 1024 };

static struct record_names names;
static struct buf names_bytes;

static int start(void **state)
{
    (void)state;
    record_names_init(&names);
    buf_init(&names_bytes, RECORD_NAMES_BYTES_MAX);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    record_names_done(&names);
    buf_done(&names_bytes);
    return 0;
}

/* A day of one view on each of `pages` pages and one source. */
static void seal(uint32_t date, uint32_t pages, struct buf *out)
{
    struct day_names own;
    struct day day;
    day_names_init(&own);
    day_init(&day, date, &own);
    for (uint32_t i = 0; i < pages; i++) {
        char page[16];
        (void)snprintf(page, sizeof(page), "/%u", i);
        day_row(&day, TABLE_PAGE, str_from(page))->sums[METRIC_PAGEVIEWS] = 1;
    }
    day_row(&day, TABLE_TOTAL, STR_EMPTY)->sums[METRIC_PAGEVIEWS] = pages;
    day_row(&day, TABLE_SOURCE, STR_LIT("a.example"))->sums[METRIC_VISITS] = 2;
    day_row(&day, TABLE_DROPS, STR_LIT("bot"))->sums[METRIC_EVENTS] = 3;
    record_encode(&day, &names, out, &names_bytes);
    day_done(&day);
    day_names_done(&own);
}

/* The month's sum of DAYS days, `pages` pages each. */
static void sum_days(uint32_t pages, struct day *ret_day)
{
    struct month_sum sum;
    struct buf record;
    buf_init(&record, BYTES_MAX);
    month_sum_init(&sum, 20261105, &names);
    for (uint32_t d = 1; d <= DAYS; d++) {
        buf_reset(&record);
        seal(20261100 + d, pages, &record);
        assert_int_equal(month_sum_add(&sum, buf_str(&record)), RECORD_OK);
    }
    buf_reset(&record);
    month_sum_seal(&sum, &record);
    month_sum_done(&sum);
    struct record_reader *reader = record_reader_new();
    day_init(ret_day, 20261100, &names.names);
    assert_int_equal(record_decode(reader, buf_str(&record), &names, ret_day), RECORD_OK);
    record_reader_free(reader);
    buf_done(&record);
}

static void the_total_and_what_was_not_counted_are_always_there(void **state)
{
    struct day day;
    (void)state;
    sum_days(3, &day);
    assert_int_equal(day.date, 20261100);
    assert_int_equal(day_row(&day, TABLE_TOTAL, STR_EMPTY)->sums[METRIC_PAGEVIEWS], 3 * DAYS);
    assert_int_equal(day_row(&day, TABLE_DROPS, STR_LIT("bot"))->sums[METRIC_EVENTS], 3 * DAYS);
    assert_int_equal(day.tables[TABLE_PAGE].count, 0);
    assert_int_equal(day.tables[TABLE_SOURCE].count, 0);
    day_done(&day);
}

static void tables_below_at_and_above_the_rows(void **state)
{
    enum { ROWS = RECORD_MONTH_ROWS_MIN / DAYS };
    (void)state;
    for (uint32_t rows = ROWS - 1; rows <= ROWS + 1; rows++) {
        struct day day;
        sum_days(rows, &day);
        assert_int_equal(day.tables[TABLE_PAGE].count, rows < ROWS ? 0 : rows);
        if (rows >= ROWS)
            assert_int_equal(day_row(&day, TABLE_PAGE, STR_LIT("/7"))->sums[METRIC_PAGEVIEWS],
                             DAYS);
        day_done(&day);
    }
}

static void a_table_of_more_values_than_a_record_has_is_left_to_the_days(void **state)
{
    (void)state;
    struct month_sum sum;
    struct buf record;
    buf_init(&record, BYTES_MAX);
    month_sum_init(&sum, 20261100, &names);
    for (uint32_t i = 0; i <= RECORD_ROWS_MAX; i++) {
        char page[16];
        (void)snprintf(page, sizeof(page), "/%u", i);
        day_row(&sum.day, TABLE_PAGE, str_from(page))->sums[METRIC_PAGEVIEWS] = 1;
    }
    sum.rows[TABLE_PAGE] = RECORD_MONTH_ROWS_MIN;
    month_sum_seal(&sum, &record);
    assert_int_equal(sum.day.tables[TABLE_PAGE].count, 0);
    month_sum_done(&sum);
    buf_done(&record);
}

static void other_months_and_other_bytes_are_refused(void **state)
{
    struct month_sum sum;
    struct buf record;
    (void)state;
    buf_init(&record, BYTES_MAX);
    seal(20261201, 1, &record);
    month_sum_init(&sum, 20261100, &names);
    assert_int_equal(month_sum_add(&sum, buf_str(&record)), RECORD_BAD_HEADER);
    assert_int_equal(month_sum_add(&sum, STR_LIT("bytes")), RECORD_NO_RECORD);
    buf_reset(&record);
    seal(20261101, 1, &record);
    assert_int_equal(month_sum_add(&sum, str_prefix(buf_str(&record), record.len - 1)),
                     RECORD_TRUNCATED);
    month_sum_done(&sum);
    buf_done(&record);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_total_and_what_was_not_counted_are_always_there),
        TEST(tables_below_at_and_above_the_rows),
        TEST(a_table_of_more_values_than_a_record_has_is_left_to_the_days),
        TEST(other_months_and_other_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

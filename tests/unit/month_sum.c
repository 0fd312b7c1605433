/* Sums of months: what they say, which days they hold for, and bytes that are not as they were. */

#include "aggregator/month_sum.h"

#include <stdio.h>

#include "synthetic_day.h"
#include "tests/test.h"

enum { DAYS = 6, PAGES = 1500, COUNTRIES = 3, MONTH = 20261100, BYTES_MAX = 16 * 1024 * 1024 };

/* Each third day of a month. */
static struct buf records[DAYS], names_bytes;
static struct record_names month;

static uint32_t date_at(size_t i)
{
    return MONTH + 3 * (uint32_t)i + 1;
}

/* Pages of large numbers; a few countries; all metrics. */
static void fill_day(struct day *day, uint32_t first_page, uint64_t seed)
{
    char text[40];
    for (uint32_t i = 0; i < PAGES + COUNTRIES; i++) {
        enum table table = i < PAGES ? TABLE_PAGE : TABLE_COUNTRY;
        (void)snprintf(text, sizeof(text), "/%u", first_page + i);
        struct day_row *row = day_row(day, table, str_from(text));
        for (int m = 0; m < METRIC__COUNT; m++)
            row->sums[m] = (int64_t)(synthetic_random(&seed) % 1000);
    }
}

static void make_days(uint32_t pages_apart)
{
    record_names_init(&month);
    buf_init(&names_bytes, BYTES_MAX);
    for (size_t i = 0; i < DAYS; i++) {
        struct day_names names;
        struct day day;
        day_names_init(&names);
        day_init(&day, date_at(i), &names);
        fill_day(&day, (uint32_t)i * pages_apart, i + 1);
        buf_init(&records[i], BYTES_MAX);
        record_encode(&day, &month, &records[i], &names_bytes);
        day_done(&day);
        day_names_done(&names);
    }
}

static void forget_days(void)
{
    for (size_t i = 0; i < DAYS; i++)
        buf_done(&records[i]);
    buf_done(&names_bytes);
    record_names_done(&month);
}

static int start(void **state)
{
    (void)state;
    make_days(10);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    forget_days();
    return 0;
}

static void see_days(struct month_sum *sum)
{
    month_sum_init(sum, MONTH);
    for (size_t i = 0; i < DAYS; i++)
        assert_int_equal(month_sum_see_day(sum, date_at(i), buf_str(&records[i])), RECORD_OK);
}

static struct str part_of(struct str bytes, const struct record *record, uint32_t part)
{
    size_t at, len;
    return record_find_part(record, part, &at, &len) ? str_prefix(str_from_at(bytes, at), len)
                                                     : STR_EMPTY;
}

static void take_parts(struct month_sum *sum)
{
    assert_int_equal(month_sum_take_names(sum, buf_str(&names_bytes)), RECORD_OK);
    for (size_t i = 0; i < DAYS; i++) {
        size_t d = date_at(i) % 100 - 1;
        for (uint32_t part = 0; part < RECORD_PARTS; part++)
            if (month_sum_has_part(sum, part))
                assert_int_equal(
                    month_sum_take_part(sum, d, part,
                                        part_of(buf_str(&records[i]), &sum->days[d], part)),
                    RECORD_OK);
    }
}

static void make_sum(struct buf *out)
{
    struct month_sum sum;
    see_days(&sum);
    take_parts(&sum);
    buf_init(out, BYTES_MAX);
    assert_true(month_sum_seal(&sum, out));
    month_sum_done(&sum);
}

static struct month_stamps stamps_of_days(void)
{
    struct month_stamps stamps = {{0}};
    for (size_t i = 0; i < DAYS; i++)
        month_stamps_note(&stamps, date_at(i), buf_str(&records[i]));
    return stamps;
}

static enum record_status sum_pages(const struct record *record, struct str bytes,
                                    struct record_sums *sums)
{
    struct record_reader *reader = record_reader_new();
    enum record_status status = record_sum_table(
        reader, record, part_of(bytes, record, record_part_of_table(TABLE_PAGE)), sums);
    record_reader_free(reader);
    return status;
}

/* --- What it says ----------------------------------------------------------------------------- */

static void a_sum_says_of_a_large_table_what_its_days_say(void **state)
{
    (void)state;
    const struct month_stamps stamps = stamps_of_days();
    const struct record_wanted wanted = {TABLE_PAGE, MONTH_SUM_METRICS,
                                         day_names_count(&month.names, TABLE_PAGE)};
    int64_t got[METRIC__COUNT], expected[METRIC__COUNT];
    struct record_sums of_days, of_sum;
    struct record record;
    struct buf sum;
    make_sum(&sum);
    record_sums_init(&of_days, wanted);
    record_sums_init(&of_sum, wanted);
    for (size_t i = 0; i < DAYS; i++) {
        assert_int_equal(record_open(buf_str(&records[i]), &record), RECORD_OK);
        assert_int_equal(sum_pages(&record, buf_str(&records[i]), &of_days), RECORD_OK);
    }
    assert_true(month_sum_open(buf_str(&sum), MONTH, &stamps, &record));
    struct str bytes = str_from_at(buf_str(&sum), MONTH_SUM_STAMPS_BYTES);
    assert_int_equal(record.starts[RECORD_PARTS], bytes.len);
    assert_int_equal(sum_pages(&record, bytes, &of_sum), RECORD_OK);
    assert_true(wanted.names > PAGES);
    for (uint32_t name = 0; name < wanted.names; name++) {
        assert_int_equal(record_sums_at(&of_sum, name, got),
                         record_sums_at(&of_days, name, expected));
        assert_memory_equal(got, expected, sizeof(got));
    }
    record_sums_done(&of_days);
    record_sums_done(&of_sum);
    buf_done(&sum);
}

static void other_tables_and_metrics_are_left_to_the_days(void **state)
{
    (void)state;
    const struct month_stamps stamps = stamps_of_days();
    const uint32_t visitors = 1u << METRIC_VISITORS;
    struct record record;
    struct buf sum;
    make_sum(&sum);
    assert_true(month_sum_open(buf_str(&sum), MONTH, &stamps, &record));
    assert_true(month_sum_has(&record, TABLE_PAGE, visitors));
    assert_true(month_sum_has(&record, TABLE_PAGE, MONTH_SUM_METRICS));
    assert_false(month_sum_has(&record, TABLE_PAGE, visitors | 1u << METRIC_VISIT_SECONDS));
    assert_false(month_sum_has(&record, TABLE_COUNTRY, visitors));
    assert_false(month_sum_has(&record, TABLE_REGION, visitors));
    buf_done(&sum);
}

/* --- What is worth it ------------------------------------------------------------------------- */

/* A day's record that has one part of so many bytes. */
static void put_part(struct month_sum *sum, uint32_t day, uint32_t part, uint32_t bytes)
{
    sum->days[day - 1].date = MONTH + day;
    for (uint32_t s = part + 1; s <= RECORD_PARTS; s++)
        sum->days[day - 1].starts[s] = bytes;
}

static void a_part_is_summed_from_its_limit_on(void **state)
{
    (void)state;
    static const struct {
        uint32_t bytes;
        bool is_large;
    } CASES[] = {{MONTH_SUM_PART_BYTES_MIN - 1, false},
                 {MONTH_SUM_PART_BYTES_MIN, true},
                 {MONTH_SUM_PART_BYTES_MIN + 1, true}};
    const uint32_t pages = record_part_of_table(TABLE_PAGE);
    const uint32_t crosses = record_part_of_cross(CROSS_PAGE_COUNTRY);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct month_sum sum;
        month_sum_init(&sum, MONTH);
        put_part(&sum, 1, pages, 1000);
        put_part(&sum, 30, pages, CASES[i].bytes - 1000);
        assert_int_equal(month_sum_has_part(&sum, pages), CASES[i].is_large);
        assert_false(month_sum_has_part(&sum, record_part_of_table(TABLE_REGION)));
        put_part(&sum, 2, crosses, CASES[i].bytes);
        assert_false(month_sum_has_part(&sum, crosses));
        month_sum_done(&sum);
    }
}

/* 1,500 pages a day: the same ones are too few, other ones each day too many. */
static void a_table_of_too_many_rows_is_left_to_the_days(void **state)
{
    (void)state;
    struct month_sum sum;
    struct buf out;
    forget_days();
    make_days(PAGES);
    see_days(&sum);
    take_parts(&sum);
    buf_init(&out, BYTES_MAX);
    assert_false(month_sum_seal(&sum, &out));
    assert_int_equal(out.len, 0);
    buf_done(&out);
    month_sum_done(&sum);
}

/* --- What it holds for ------------------------------------------------------------------------ */

static void a_sum_holds_for_its_days_and_no_others(void **state)
{
    (void)state;
    const struct month_stamps stamps = stamps_of_days();
    struct record record;
    struct buf sum;
    make_sum(&sum);
    assert_true(month_sum_open(buf_str(&sum), MONTH, &stamps, &record));
    assert_false(month_sum_open(buf_str(&sum), MONTH + 100, &stamps, &record));
    for (size_t d = 0; d < MONTH_SUM_DAYS; d++) {
        struct month_stamps other = stamps;
        char *stamp = other.bytes + d * RECORD_STAMP_BYTES;
        stamp[3] ^= 1; /* sealed again, or added */
        assert_false(month_sum_open(buf_str(&sum), MONTH, &other, &record));
        memset(stamp, 0, RECORD_STAMP_BYTES); /* gone */
        assert_int_equal(month_sum_open(buf_str(&sum), MONTH, &other, &record),
                         d % 3 != 0 || d / 3 >= DAYS);
    }
    buf_done(&sum);
}

static void the_first_bytes_are_enough(void **state)
{
    (void)state;
    const struct month_stamps stamps = stamps_of_days();
    struct record record;
    struct buf sum;
    make_sum(&sum);
    struct str head = str_prefix(buf_str(&sum), MONTH_SUM_HEAD_BYTES_MAX);
    assert_true(head.len < sum.len);
    assert_true(month_sum_open(head, MONTH, &stamps, &record));
    size_t header = record.starts[0] + MONTH_SUM_STAMPS_BYTES;
    for (size_t len = 0; len < header; len++)
        assert_false(month_sum_open(str_prefix(head, len), MONTH, &stamps, &record));
    assert_true(month_sum_open(str_prefix(head, header), MONTH, &stamps, &record));
    buf_done(&sum);
}

/* --- Damage ----------------------------------------------------------------------------------- */

static void a_sum_that_is_damaged_anywhere_is_not_read(void **state)
{
    (void)state;
    const struct month_stamps stamps = stamps_of_days();
    const struct record_wanted wanted = {TABLE_PAGE, MONTH_SUM_METRICS,
                                         day_names_count(&month.names, TABLE_PAGE)};
    struct record_sums sums;
    struct record record;
    struct buf sum;
    make_sum(&sum);
    record_sums_init(&sums, wanted);
    for (size_t at = 0; at < sum.len; at++) {
        sum.ptr[at] ^= (char)(1 << at % 8);
        if (month_sum_open(buf_str(&sum), MONTH, &stamps, &record))
            assert_int_equal(
                sum_pages(&record, str_from_at(buf_str(&sum), MONTH_SUM_STAMPS_BYTES), &sums),
                RECORD_BAD_PART);
        sum.ptr[at] ^= (char)(1 << at % 8);
    }
    assert_int_equal(sums.added, 0);
    record_sums_done(&sums);
    buf_done(&sum);
}

static void of_damaged_days_no_sum_is_made(void **state)
{
    (void)state;
    struct month_sum sum;
    const uint32_t pages = record_part_of_table(TABLE_PAGE);
    see_days(&sum);
    assert_int_equal(month_sum_see_day(&sum, date_at(1), buf_str(&records[0])), RECORD_BAD_HEADER);
    assert_int_equal(month_sum_see_day(&sum, date_at(0) + 100, buf_str(&records[0])),
                     RECORD_BAD_HEADER);
    assert_int_equal(month_sum_see_day(&sum, date_at(0), STR_LIT("x")), RECORD_NO_RECORD);
    assert_int_equal(month_sum_take_names(&sum, STR_EMPTY), RECORD_BAD_NAMES);
    month_sum_done(&sum);
    see_days(&sum);
    assert_int_equal(month_sum_take_names(&sum, buf_str(&names_bytes)), RECORD_OK);
    struct str part = part_of(buf_str(&records[0]), &sum.days[0], pages);
    ((char *)(uintptr_t)part.ptr)[part.len / 2] ^= 1;
    assert_int_equal(month_sum_take_part(&sum, 0, pages, part), RECORD_BAD_PART);
    month_sum_done(&sum);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(a_sum_says_of_a_large_table_what_its_days_say),
        TEST(other_tables_and_metrics_are_left_to_the_days),
        TEST(a_part_is_summed_from_its_limit_on),
        TEST(a_table_of_too_many_rows_is_left_to_the_days),
        TEST(a_sum_holds_for_its_days_and_no_others),
        TEST(the_first_bytes_are_enough),
        TEST(a_sum_that_is_damaged_anywhere_is_not_read),
        TEST(of_damaged_days_no_sum_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Days become months before they leave, once, and nothing of them is lost. Against a real Redis. */

#include "aggregator/rollup.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>

#include "aggregator/model.h"
#include "aggregator/retention.h"
#include "common/clock.h"
#include "common/limits.h"
#include "open_days.h"
#include "tests/test.h"

#define A "a.example"
#define MONTH_KEY "ff:{0}:a.example:month:203003"
#define NAMES_KEY "ff:{0}:a.example:names:203003"

enum { DAY_MS = 24 * HOUR_MS };
/* 2032-04-01: the first day of March 2030 is 25 months old. */
#define LEAVES_MS INT64_C(1964390400000)
#define DUE_MS (LEAVES_MS - RETENTION_FOLD_EARLY_DAYS * (int64_t)DAY_MS)

static struct rollup rollup;

static int start(void **state)
{
    rollup_init(&rollup, 0);
    return open_days_start(state);
}

static int stop(void **state)
{
    rollup_done(&rollup);
    return open_days_stop(state);
}

static struct rollup_counts roll_up(void)
{
    struct rollup_counts counts;
    struct trouble trouble;
    rollup.due_ms = 0;
    if (!rollup_turn(&rollup, redis, &counts, &trouble))
        fail_msg("%s: %s", trouble.doing, trouble.said);
    assert_null(rollup.sites);
    return counts;
}

/* Five days of March 2030, of 60 to 64 views. */
static void fill_march(void)
{
    for (uint32_t date = 20300301; date <= 20300305; date++)
        for (uint32_t i = 0; i < 59 + date % 10; i++)
            count_view(A, date, i % 3 == 0 ? "/" : "/about", i % 2 == 0 ? "NL" : "DE", i);
    apply_all();
    at_ms(NOON_MS + 2 * (int64_t)DAY_MS);
    assert_int_equal(close_all(), 5);
}

static int64_t month_sum(enum table table, const char *value, enum metric metric)
{
    struct redis_reply *record = redis_do(redis, S("GET"), S(MONTH_KEY));
    struct redis_reply *names = redis_do(redis, S("GET"), S(NAMES_KEY));
    struct record_reader *reader = record_reader_new();
    struct record_names month;
    struct day day;
    uint32_t name;
    record_names_init(&month);
    day_init(&day, 20300300, &month.names);
    assert_true(record_names_read(&month, redis_reply_str(names)));
    assert_int_equal(record_decode(reader, redis_reply_str(record), &month, &day), RECORD_OK);
    assert_true(day_names_find(&month.names, table, str_from(value), &name));
    int64_t sum = day_row_find(&day, table, name)->sums[metric];
    day_done(&day);
    record_names_done(&month);
    record_reader_free(reader);
    redis_reply_free(record);
    redis_reply_free(names);
    return sum;
}

static void days_become_their_month_before_they_leave(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{}");
    fill_march();
    at_ms(DUE_MS - 1);
    assert_int_equal(roll_up().folded, 0);
    assert_int_equal(key_count("ff:{0}:a.example:day:*"), 5);
    redis_reply_free(redis_do(redis, S("SET"), S("ff:{0}:a.example:sum:203003"), S("of the days")));
    at_ms(DUE_MS);
    assert_int_equal(roll_up().folded, 1);
    assert_int_equal(key_count("ff:{0}:a.example:*"), 2);
    assert_int_equal(month_sum(TABLE_TOTAL, "", METRIC_PAGEVIEWS), 60 + 61 + 62 + 63 + 64);
    assert_int_equal(month_sum(TABLE_PAGE, "/", METRIC_VISITS), 20 + 21 + 21 + 21 + 22);
    assert_int_equal(month_sum(TABLE_COUNTRY, "DE", METRIC_PAGEVIEWS), 30 + 30 + 31 + 31 + 32);
    /* The start of March 2035. */
    assert_int_equal(expiry_of(MONTH_KEY), INT64_C(2056320000000));
    assert_int_equal(expiry_of(NAMES_KEY), INT64_C(2056320000000));
    assert_int_equal(roll_up().folded, 0);
}

static void who_was_off_folds_on_the_next_start(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{}");
    fill_march();
    at_ms(LEAVES_MS + (RETENTION_FOLD_LATE_DAYS - 1) * (int64_t)DAY_MS);
    assert_int_equal(roll_up().folded, 1);
    assert_int_equal(month_sum(TABLE_TOTAL, "", METRIC_PAGEVIEWS), 310);
}

/* A day that closes into a folded month stands beside it, and is folded in turn. */
static void a_later_day_is_added_to_its_month(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{}");
    fill_march();
    at_ms(DUE_MS);
    assert_int_equal(roll_up().folded, 1);
    for (uint32_t i = 0; i < 40; i++)
        count_view(A, 20300303, "/late", "FR", i);
    apply_all();
    assert_int_equal(close_all(), 1);
    assert_int_equal(sealed(A, 20300303, TABLE_TOTAL, "", METRIC_PAGEVIEWS), 40);
    assert_int_equal(month_sum(TABLE_TOTAL, "", METRIC_PAGEVIEWS), 310);
    assert_int_equal(roll_up().folded, 0);
    at_ms(DUE_MS + 26 * 31 * (int64_t)DAY_MS);
    assert_int_equal(roll_up().folded, 1);
    assert_int_equal(month_sum(TABLE_TOTAL, "", METRIC_PAGEVIEWS), 350);
    assert_int_equal(month_sum(TABLE_PAGE, "/late", METRIC_PAGEVIEWS), 40);
    assert_int_equal(key_count("ff:{0}:a.example:*"), 2);
}

static void a_site_without_months_is_left_alone(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{\"preset\":\"strict\"}");
    fill_march();
    at_ms(LEAVES_MS - 1);
    assert_int_equal(roll_up().folded, 0);
    assert_int_equal(key_count("ff:{0}:a.example:month:*"), 0);
}

static void damage_leaves_the_days(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{}");
    fill_march();
    struct redis_reply *reply =
        redis_do(redis, S("SETRANGE"), S("ff:{0}:a.example:day:20300302"), S("200"), S("damage"));
    redis_reply_free(reply);
    at_ms(DUE_MS);
    assert_int_equal(roll_up().damaged, 1);
    assert_int_equal(key_count("ff:{0}:a.example:day:*"), 5);
    assert_int_equal(key_count("ff:{0}:a.example:month:*"), 0);
}

static void the_function_folds_only_what_was_read(void **state)
{
    (void)state;
    open_days_reset();
    static const struct {
        struct str length, month, day;
        const char *answer;
    } CASES[] = {
        {S("4"), S(""), S("old day"), "MOVED"}, {S("5"), S("x"), S("old day"), "MOVED"},
        {S("5"), S(""), S("old dax"), "MOVED"}, {S("5"), S(""), S(""), "MOVED"},
        {S("5"), S(""), S("old day"), "OK"},    {S("5"), S(""), S("old day"), "MOVED"},
    };
    redis_reply_free(redis_do(redis, S("SET"), S(NAMES_KEY), S("names")));
    redis_reply_free(redis_do(redis, S("SET"), S("ff:{0}:a.example:day:20300302"), S("old day")));
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct redis_reply *reply =
            redis_do(redis, S("FCALL"), S("fold"), S("3"), S(NAMES_KEY), S(MONTH_KEY),
                     S("ff:{0}:a.example:day:20300302"), CASES[i].length, S("new names"),
                     S("record"), S("4102444800000"), CASES[i].month, CASES[i].day);
        assert_true(redis_reply_is(reply, CASES[i].answer));
        redis_reply_free(reply);
        assert_int_equal(exists(MONTH_KEY), i >= 4);
    }
    assert_int_equal(key_count("*"), 2);
    assert_int_equal(expiry_of(MONTH_KEY), INT64_C(4102444800000));
}

static void the_rights_of_its_role_are_enough(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{}");
    fill_march();
    become_aggregator();
    at_ms(DUE_MS);
    assert_int_equal(roll_up().folded, 1);
    become_first_user();
    assert_int_equal(month_sum(TABLE_TOTAL, "", METRIC_PAGEVIEWS), 310);
}

static void months_of_the_calendar(void **state)
{
    (void)state;
    assert_int_equal(month_add(202611, 0), 202611);
    assert_int_equal(month_add(202611, 1), 202612);
    assert_int_equal(month_add(202611, 2), 202701);
    assert_int_equal(month_add(202611, -11), 202512);
    assert_int_equal(month_add(202611, 25), 202812);
    assert_int_equal(month_add(197001, -1), 197001);
    assert_int_equal(month_add(999912, 1), 999912);
    assert_int_equal(month_of_ms(month_start_ms(202402)), 202402);
    assert_int_equal(month_of_ms(month_start_ms(202403) - 1), 202402);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_become_their_month_before_they_leave),
        cmocka_unit_test(who_was_off_folds_on_the_next_start),
        cmocka_unit_test(a_later_day_is_added_to_its_month),
        cmocka_unit_test(a_site_without_months_is_left_alone),
        cmocka_unit_test(damage_leaves_the_days),
        cmocka_unit_test(the_function_folds_only_what_was_read),
        cmocka_unit_test(the_rights_of_its_role_are_enough),
        cmocka_unit_test(months_of_the_calendar),
    };
    signal(SIGPIPE, SIG_IGN);
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, start, stop);
}

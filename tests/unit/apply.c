/* The arguments of `apply`: their order, what is left out, expiries. */

#include "aggregator/apply.h"

#include <stdio.h>

#include "tests/test.h"

#define S(text) STR_LIT(text)
#define HYLL "HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x04\x88\x7f\xf9"
static const int64_t NOW_MS = INT64_C(1795400000000); /* 2026-11-23 */
static const int64_t HOUR_MS = 60 * 60 * 1000;

static struct ledger ledger;
static struct apply_call call;

static int start(void **state)
{
    (void)state;
    ledger_init(&ledger);
    apply_call_init(&call);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    apply_call_done(&call);
    ledger_forget(&ledger);
    return 0;
}

static struct ledger_day *day_of(const char *site)
{
    struct ledger_day *day = ledger_day(&ledger, str_from(site), 20261123);
    for (int t = 0; t < TABLE__COUNT; t++)
        day->tables[t].is_loaded = true;
    for (int c = 0; c < CROSS__COUNT; c++)
        day->crosses.of[c].is_loaded = true;
    return day;
}

static void add(struct ledger_day *day, enum table table, const char *value, enum metric metric,
                int64_t increment)
{
    int64_t sums[SECTION_SUMS] = {0};
    sums[metric] = increment;
    ledger_add(day, ledger_row(day, table, str_from(value)), sums);
}

static void assert_argv(const struct str *expected, size_t count)
{
    assert_int_equal(call.argc, count);
    for (size_t i = 0; i < count; i++) {
        if (!str_eq(call.argv[i], expected[i]))
            fail_msg("argument %zu: %.*s, not %.*s", i, STR_ARG(call.argv[i]),
                     STR_ARG(expected[i]));
    }
}

static void the_documented_call(void **state)
{
    (void)state;
    static const struct str EXPECTED[] = {
        S("FCALL"),
        S("apply"),
        S("7"),
        S("ff:{0}:cursor"),
        S("ff:{0}:log"),
        S("ff:{0}:scratch"),
        S("ff:{0}:a.example:live:20261123:total"),
        S("ff:{0}:a.example:live:20261123:page"),
        S("ff:{0}:a.example:seen:20261123:page:/a"),
        S("ff:{0}:open"),
        S("4-0"),
        S("5-0"),
        S("2"),
        S("1"),
        S("1861315200000"),
        S("2"),
        S("1"),
        S("0"),
        S("1795532400000"),
        S("v"),
        S("1"),
        S("s"),
        S("1"),
        S("@00f1e2d3c4b5a697"),
        S("9"),
        S("1861315200000"),
        S("1"),
        S("1"),
        S("1"),
        S("1795532400000"),
        S("v/a"),
        S("1"),
        S("u/a"),
        S("1"),
        S(HYLL),
        S("a.example:20261123"),
    };
    struct ledger_day *day = day_of("a.example");
    add(day, TABLE_PAGE, "/a", METRIC_PAGEVIEWS, 1);
    ledger_add_register(day, ledger_row(day, TABLE_PAGE, S("/a")), (struct sketch_register){5, 3});
    add(day, TABLE_TOTAL, "", METRIC_PAGEVIEWS, 1);
    add(day, TABLE_TOTAL, "", METRIC_VISITS, 1);
    ledger_mark(day, 0x00f1e2d3c4b5a697, 9);
    apply_call_build(&call, 0, &ledger, S("4-0"), S("5-0"), NOW_MS);
    assert_argv(EXPECTED, ARRAY_LEN(EXPECTED));
}

static void a_refusal_leads_to_the_hash_that_it_is_about(void **state)
{
    (void)state;
    static const struct {
        const char *error, *table; /* "": it is about no hash */
    } CASES[] = {
        {"BADTYPE 1", ""},
        {"BADTYPE 2", ""},
        {"BADTYPE 3", ""},
        {"BADTYPE 4", "total"},
        {"BADTYPE 5", "page"},
        {"BADTYPE 6", "total"}, /* sketches */
        {"BADTYPE 7", "page"},
        {"BADTYPE 8", ""},
        {"BADTYPE 0", ""},
        {"BADARG -5", "page"},
        {"BADARG -1", ""},
        {"BADARG 1", ""},
        {"BADARG 4", ""},
        {"BADARG 5", "total"},
        {"BADFIELD 8", "total"},
        {"BADFIELD 17", "total"},
        {"BADARG 18", "page"},
        {"BADFIELD 21", "page"},
        {"BADFIELD 28", "page"},
        {"BADSKETCH 29", "total"},
        {"BADSKETCH 30", "page"},
        {"BADSKETCH 31", ""},
        {"BADARG", ""},
        {"BADARG x", ""},
        {"BADARG 12345678901", ""},
        {"", ""},
    };
    /* Arguments: head 1-4, total 5-17, page 18-28, sketches 29 and 30. */
    struct ledger_day *day = day_of("a.example");
    add(day, TABLE_PAGE, "/a", METRIC_PAGEVIEWS, 1);
    add(day, TABLE_PAGE, "/b", METRIC_PAGEVIEWS, 1);
    ledger_add_register(day, ledger_row(day, TABLE_PAGE, S("/a")), (struct sketch_register){5, 3});
    add(day, TABLE_TOTAL, "", METRIC_PAGEVIEWS, 1);
    add(day, TABLE_TOTAL, "", METRIC_VISITS, 1);
    ledger_add_register(day, ledger_row(day, TABLE_TOTAL, S("")), (struct sketch_register){5, 3});
    ledger_mark(day, 0x00f1e2d3c4b5a697, 9);
    apply_call_build(&call, 0, &ledger, S("4-0"), S("5-0"), NOW_MS);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct str key = apply_call_culprit(&call, str_from(CASES[i].error));
        char expected[64] = "";
        if (CASES[i].table[0] != '\0')
            snprintf(expected, sizeof(expected), "ff:{0}:a.example:live:20261123:%s",
                     CASES[i].table);
        if (!str_eq(key, str_from(expected)))
            fail_msg("%s: %.*s", CASES[i].error, STR_ARG(key));
    }
}

static uint32_t row_index(struct ledger_day *day, enum table table, const char *value)
{
    return (uint32_t)(ledger_row(day, table, str_from(value)) - day->rows);
}

static void a_cross_is_a_hash_of_its_own(void **state)
{
    (void)state;
    static const struct str EXPECTED[] = {
        S("FCALL"),
        S("apply"),
        S("6"),
        S("ff:{0}:cursor"),
        S("ff:{0}:log"),
        S("ff:{0}:scratch"),
        S("ff:{0}:a.example:live:20261123:page*country"),
        S("ff:{0}:a.example:live:20261123:page*event"),
        S("ff:{0}:open"),
        S("0-0"),
        S("1-0"),
        S("2"),
        S("0"),
        S("1861315200000"),
        S("3"),
        S("0"),
        S("0"),
        S("1795532400000"),
        S(MODEL_OTHER),
        S("0:1"),
        S("/b\x1fNL"),
        S("4:0"),
        S("/a\x1fNL"),
        S("3:2"),
        S("1861315200000"),
        S("1"),
        S("0"),
        S("0"),
        S("1795532400000"),
        S("/a\x1fsignup"),
        S("5:0"),
        S("a.example:20261123"),
    };
    struct ledger_day *day = day_of("a.example");
    uint32_t a = row_index(day, TABLE_PAGE, "/a"), b = row_index(day, TABLE_PAGE, "/b"),
             nl = row_index(day, TABLE_COUNTRY, "NL"),
             signup = row_index(day, TABLE_EVENT, "signup");
    ledger_cross(day, cross_key(CROSS_PAGE_EVENT, a, signup), 5, 0);
    ledger_cross(day, cross_key(CROSS_PAGE_COUNTRY, a, nl), 3, 2);
    ledger_cross(day, cross_key(CROSS_PAGE_COUNTRY, b, nl), 4, 0);
    ledger_cross(day, cross_key_other(CROSS_PAGE_COUNTRY), 0, 1);
    apply_call_build(&call, 0, &ledger, S("0-0"), S("1-0"), NOW_MS);
    assert_argv(EXPECTED, ARRAY_LEN(EXPECTED));
    ledger_applied(&ledger);
    assert_false(ledger_day_is_pending(day));
    ledger_mark(day, 1, 2);
    apply_call_build(&call, 0, &ledger, S("1-0"), S("2-0"), NOW_MS);
    assert_int_equal(call.live_keys.count, 1); /* nothing is told twice */
}

static void zero_sums_are_left_out_and_negative_ones_are_not(void **state)
{
    (void)state;
    static const struct str ARGS[] = {S("v"), S("-9007199254740991"), S("b"), S("-1"),
                                      S("c"), S("9007199254740991")};
    struct ledger_day *day = day_of("a.example");
    add(day, TABLE_TOTAL, "", METRIC_PAGEVIEWS, -9007199254740991);
    add(day, TABLE_TOTAL, "", METRIC_VISITS, 3);
    add(day, TABLE_TOTAL, "", METRIC_VISITS, -3);
    add(day, TABLE_TOTAL, "", METRIC_BOUNCES, -1);
    add(day, TABLE_TOTAL, "", METRIC_EVENTS, 9007199254740991);
    apply_call_build(&call, 0, &ledger, S("0-0"), S("1-0"), NOW_MS);
    assert_int_equal(call.argc, 8 + 4 + 5 + ARRAY_LEN(ARGS) + 1);
    for (size_t i = 0; i < ARRAY_LEN(ARGS); i++)
        assert_true(str_eq(call.argv[17 + i], ARGS[i]));
}

static void nothing_pending_only_moves_the_cursor(void **state)
{
    (void)state;
    static const struct str EXPECTED[] = {S("FCALL"),      S("apply"),
                                          S("3"),          S("ff:{3}:cursor"),
                                          S("ff:{3}:log"), S("ff:{3}:scratch"),
                                          S("0-0"),        S("1-0"),
                                          S("0"),          S("0")};
    day_of("a.example");
    for (int i = 0; i < 2; i++) {
        apply_call_build(&call, 3, &ledger, S("0-0"), S("1-0"), NOW_MS);
        assert_argv(EXPECTED, ARRAY_LEN(EXPECTED));
    }
}

static void only_days_with_something_pending_are_in_the_call(void **state)
{
    (void)state;
    struct ledger_day *a = day_of("a.example");
    struct ledger_day *b = day_of("b.example");
    add(a, TABLE_TOTAL, "", METRIC_PAGEVIEWS, 1);
    ledger_applied(&ledger);
    add(b, TABLE_DROPS, "bot", METRIC_PAGEVIEWS, 1);
    apply_call_build(&call, 0, &ledger, S("0-0"), S("1-0"), NOW_MS);
    assert_true(str_eq(call.argv[2], S("5")));
    assert_true(str_eq(call.argv[6], S("ff:{0}:b.example:drops:20261123")));
    assert_true(str_eq(call.argv[call.argc - 1], S("b.example:20261123")));
}

/* Fresh registers of a row that had `known` before. */
static uint8_t encoding_after(struct ledger_day *day, const char *page, uint32_t known)
{
    struct ledger_row *row = ledger_row(day, TABLE_PAGE, str_from(page));
    for (uint32_t i = 0; i < known; i++)
        ledger_add_register(day, row, (struct sketch_register){(uint16_t)i, 1});
    ledger_applied(&ledger);
    ledger_add_register(day, row, (struct sketch_register){9000, 1});
    apply_call_build(&call, 0, &ledger, S("0-0"), S("1-0"), NOW_MS);
    return (uint8_t)call.argv[call.argc - 2].ptr[4];
}

static void a_sketch_becomes_dense_once_at_its_bound(void **state)
{
    (void)state;
    struct ledger_day *day = day_of("a.example");
    assert_int_equal(encoding_after(day, "/below", SKETCH_DENSE_FROM - 2), 1);
    assert_int_equal(encoding_after(day, "/at", SKETCH_DENSE_FROM - 1), 0);
    assert_int_equal(encoding_after(day, "/above", SKETCH_DENSE_FROM), 0);
    ledger_applied(&ledger);
    struct ledger_row *row = ledger_row(day, TABLE_PAGE, S("/above"));
    ledger_add_register(day, row, (struct sketch_register){9001, 1});
    apply_call_build(&call, 0, &ledger, S("0-0"), S("1-0"), NOW_MS);
    assert_int_equal(call.argv[call.argc - 2].ptr[4], 1);
}

static void expiries_follow_the_date_and_late_sketches_the_clock(void **state)
{
    (void)state;
    const int64_t end_ms = INT64_C(1795478400000); /* 2026-11-24T00:00Z */
    assert_int_equal(apply_live_expiry_ms(20261123, 0), end_ms + 762 * 24 * HOUR_MS);
    assert_int_equal(apply_live_expiry_ms(20261123, end_ms), end_ms + 762 * 24 * HOUR_MS);
    assert_int_equal(apply_live_expiry_ms(20261123, end_ms + 5), end_ms + 5 + 762 * 24 * HOUR_MS);
    assert_int_equal(apply_seen_expiry_ms(20261123, NOW_MS), end_ms + 15 * HOUR_MS);
    assert_int_equal(apply_seen_expiry_ms(20261123, end_ms + 14 * HOUR_MS), end_ms + 15 * HOUR_MS);
    assert_int_equal(apply_seen_expiry_ms(20261123, end_ms + 15 * HOUR_MS), end_ms + 16 * HOUR_MS);
    assert_int_equal(apply_live_expiry_ms(19700101, 0), (762 + 1) * 24 * HOUR_MS);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(the_documented_call),
        FRESH(a_refusal_leads_to_the_hash_that_it_is_about),
        FRESH(a_cross_is_a_hash_of_its_own),
        FRESH(zero_sums_are_left_out_and_negative_ones_are_not),
        FRESH(nothing_pending_only_moves_the_cursor),
        FRESH(only_days_with_something_pending_are_in_the_call),
        FRESH(a_sketch_becomes_dense_once_at_its_bound),
        FRESH(expiries_follow_the_date_and_late_sketches_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The inventory: how keys are spelled, and which keys belong to it. */

#include "aggregator/model.h"

#include <stdio.h>

#include "tests/test.h"

#define S(text) STR_LIT(text)

static void every_key_is_spelled_as_documented_and_in_the_inventory(void **state)
{
    (void)state;
    static const struct {
        const char *key, *pattern;
    } EXPECTED[] = {
        {"ff:sites", "ff:sites"},
        {"ff:{0}:log", "ff:{n}:log"},
        {"ff:{7}:writers", "ff:{n}:writers"},
        {"ff:{65535}:cursor", "ff:{n}:cursor"},
        {"ff:{0}:quarantine", "ff:{n}:quarantine"},
        {"ff:{0}:a.example:live:20261123:page", "ff:{n}:<site>:live:<date>:<table>"},
        {"ff:{0}:a.example:drops:20261123", "ff:{n}:<site>:drops:<date>"},
        {"ff:{0}:a.example:seen:20261123:page:/a:b", "ff:{n}:<site>:seen:<date>:<cell>"},
        {"ff:{0}:a.example:seen:20261123:total:", "ff:{n}:<site>:seen:<date>:<cell>"},
        {"ff:{0}:a.example:imports", "ff:{n}:<site>:imports"},
        {"ff:{0}:open", "ff:{n}:open"},
        {"ff:{0}:a.example:day:20261123", "ff:{n}:<site>:day:<date>"},
        {"ff:{0}:a.example:names:202611", "ff:{n}:<site>:names:<yyyymm>"},
        {"ff:{0}:a.example:month:202611", "ff:{n}:<site>:month:<yyyymm>"},
        {"ff:{0}:a.example:sum:202611", "ff:{n}:<site>:sum:<yyyymm>"},
    };
    struct buf keys[ARRAY_LEN(EXPECTED)];
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        buf_init(&keys[i], 2000);
    model_key_sites(&keys[0]);
    model_key_log(&keys[1], 0);
    model_key_writers(&keys[2], 7);
    model_key_cursor(&keys[3], 65535);
    model_key_quarantine(&keys[4], 0);
    model_key_live(&keys[5], S("a.example"), 20261123, TABLE_PAGE);
    model_key_live(&keys[6], S("a.example"), 20261123, TABLE_DROPS);
    model_key_seen(&keys[7], S("a.example"), 20261123, TABLE_PAGE, S("/a:b"));
    model_key_seen(&keys[8], S("a.example"), 20261123, TABLE_TOTAL, STR_EMPTY);
    model_key_imports(&keys[9], S("a.example"));
    model_key_open(&keys[10], 0);
    model_key_day(&keys[11], S("a.example"), 20261123);
    model_key_names(&keys[12], S("a.example"), 20261123);
    model_key_month(&keys[13], S("a.example"), 20261100);
    model_key_sum(&keys[14], S("a.example"), 20261123);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        assert_true(str_eq(buf_str(&keys[i]), str_from(EXPECTED[i].key)));
        assert_string_equal(model_key_pattern(buf_str(&keys[i])), EXPECTED[i].pattern);
        size_t at;
        assert_true(model_pattern_of(buf_str(&keys[i]), &at));
        assert_string_equal(model_pattern_at(at)->text, EXPECTED[i].pattern);
        buf_done(&keys[i]);
    }
}

static void every_table_has_a_live_key_of_the_inventory(void **state)
{
    (void)state;
    for (int t = 0; t < TABLE__COUNT; t++) {
        struct buf key;
        buf_init(&key, 1000);
        model_key_live(&key, S("x-1.example"), 19700101, (enum table)t);
        assert_non_null(model_key_pattern(buf_str(&key)));
        buf_done(&key);
    }
}

static void a_key_tells_its_date(void **state)
{
    (void)state;
    static const struct {
        struct str key;
        uint32_t date; /* 0: none */
    } KEYS[] = {
        {S("ff:{0}:a.example:live:20261123:page"), 20261123},
        {S("ff:{0}:a.example:live:20261123:page*country"), 20261123},
        {S("ff:{0}:a.example:seen:20261123:page:/20250101"), 20261123},
        {S("ff:{0}:a.example:drops:20261123"), 20261123},
        {S("ff:{0}:a.example:day:20261123"), 20261123},
        {S("ff:{0}:a.example:names:202611"), 20261101},
        {S("ff:{0}:a.example:month:202611"), 20261101},
        {S("ff:{0}:a.example:sum:202611"), 20261101},
        {S("ff:{0}:a.example:others:202611"), 0},
        {S("ff:{0}:open"), 0},
        {S("ff:sites"), 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
        uint32_t date = 0;
        assert_int_equal(model_key_date(KEYS[i].key, &date), KEYS[i].date != 0);
        assert_int_equal(date, KEYS[i].date);
    }
}

static void other_keys_are_outside_the_inventory(void **state)
{
    (void)state;
    static const struct str STRAY[] = {
        S(""),
        S("x"),
        S("ff:"),
        S("ff:site"),
        S("ff:sites2"),
        S("ff:sites:a"),
        S("ff:live:a.example"), /* a channel, never a key */
        S("ff:{0}"),
        S("ff:{0}:"),
        S("ff:{}:log"),
        S("ff:{x}:log"),
        S("ff:{-1}:log"),
        S("ff:{123456}:log"),
        S("ff:{0}log"),
        S("ff:{0}:logs"),
        S("ff:{0}:quarantine:"),
        S("ff:{0}:scratch"), /* never at rest */
        S("ff:{0}:a.example"),
        S("ff:{0}:a.example:live:20261123"),
        S("ff:{0}:a.example:live:20261123:"),
        S("ff:{0}:a.example:live:20261123:pages"),
        S("ff:{0}:a.example:live:20261123:page:"),
        S("ff:{0}:a.example:live:20261123:drops"), /* has a key of its own */
        S("ff:{0}:a.example:live:20261131:page"),
        S("ff:{0}:a.example:live:2026112:page"),
        S("ff:{0}:a.example:live:202611230:page"),
        S("ff:{0}:a.example:live:2026112x:page"),
        S("ff:{0}:a.example:drops:20261123:page"),
        S("ff:{0}:a.example:drops:20260229"),
        S("ff:{0}:open:"),
        S("ff:{0}:a.example:day:202611"),
        S("ff:{0}:a.example:day:20261123:"),
        S("ff:{0}:a.example:day:20261100"),
        S("ff:{0}:a.example:names:20261123"),
        S("ff:{0}:a.example:names:202613"),
        S("ff:{0}:a.example:month:202600"),
        S("ff:{0}:a.example:month:2026x1"),
        S("ff:{0}:a.example:sum:20261123"),
        S("ff:{0}:a.example:sum:202611:"),
        S("ff:{0}:a.example:sums:202611"),
        S("ff:{0}:a.example:seen:20261123:page"),
        S("ff:{0}:a.example:seen:20261123:pages:/a"),
        S("ff:{0}:a.example:visitors:20261123"),
        S("ff:{0}:a.example:imports:"),
        S("ff:{0}:a.example:import"),
        S("ff:{0}:A.example:imports"),
        S("ff:{0}:A.example:live:20261123:page"),
        S("ff:{0}:a_b.example:live:20261123:page"),
        S("ff:{0}:.example:live:20261123:page"),
        S("ff:{0}::live:20261123:page"),
        S("ff:{0}:a.example:LIVE:20261123:page"),
        S("ff:{0}:a.example:live:20261123:page\0"),
    };
    for (size_t i = 0; i < ARRAY_LEN(STRAY); i++)
        assert_null(model_key_pattern(STRAY[i]));
}

static void a_key_of_a_day_tells_its_date(void **state)
{
    static const struct {
        const char *key;
        uint32_t date; /* 0: none */
    } CASES[] = {
        {"ff:{0}:a.example:live:20261126:total", 20261126},
        {"ff:{0}:a.example:live:20240229:page*country", 20240229},
        {"ff:{0}:a.example:drops:20261126", 20261126},
        {"ff:{0}:a.example:seen:20261126:page:/a:b", 20261126},
        {"ff:{0}:a.example:live:20230229:total", 0},
        {"ff:{0}:a.example:imports", 0},
        {"ff:{0}:log", 0},
        {"ff:sites", 0},
        {"", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        uint32_t date = 0;
        assert_int_equal(model_key_date(str_from(CASES[i].key), &date), CASES[i].date != 0);
        assert_int_equal(date, CASES[i].date);
    }
}

static void a_sketchs_value_fits_up_to_its_cap(void **state)
{
    (void)state;
    for (int len = VALUE_BYTES_MAX - 1; len <= VALUE_BYTES_MAX + 1; len++) {
        struct buf key;
        buf_init(&key, 2000);
        buf_printf(&key, "ff:{0}:a.example:seen:20261123:page:%0*d", len, 0);
        assert_int_equal(model_key_pattern(buf_str(&key)) != NULL, len <= VALUE_BYTES_MAX);
        buf_done(&key);
    }
}

static void every_cross_has_a_live_key_of_the_inventory(void **state)
{
    (void)state;
    for (int c = 0; c < CROSS__COUNT; c++) {
        enum cross cross = (enum cross)c;
        struct buf key;
        buf_init(&key, 200);
        model_key_cross(&key, S("a.example"), 20261123, cross);
        assert_string_equal(model_key_pattern(buf_str(&key)), "ff:{n}:<site>:live:<date>:<cross>");
        buf_done(&key);
    }
    struct buf key;
    buf_init(&key, 200);
    model_key_cross(&key, S("a.example"), 20261123, CROSS_PAGE_COUNTRY);
    assert_true(str_eq(buf_str(&key), S("ff:{0}:a.example:live:20261123:page*country")));
    buf_done(&key);
    static const struct str BAD[] = {
        S("ff:{0}:a.example:live:20261123:country*page"),
        S("ff:{0}:a.example:live:20261123:page*page"),
        S("ff:{0}:a.example:live:20261123:page*"),
        S("ff:{0}:a.example:live:20261123:*page"),
        S("ff:{0}:a.example:live:20261123:page*country*os"),
        S("ff:{0}:a.example:live:20261123:page*region"),
        S("ff:{0}:a.example:live:20261123:page*exit_page"),
    };
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_null(model_key_pattern(BAD[i]));
}

static void each_pair_of_filterable_tables_is_one_cross(void **state)
{
    (void)state;
    static const enum table TABLES[] = {
        TABLE_PAGE,    TABLE_ENTRY_PAGE, TABLE_SOURCE,  TABLE_CHANNEL, TABLE_UTM_CAMPAIGN,
        TABLE_COUNTRY, TABLE_DEVICE,     TABLE_BROWSER, TABLE_OS,      TABLE_EVENT};
    enum cross cross, back;
    unsigned seen[CROSS__COUNT] = {0};
    for (size_t i = 0; i < ARRAY_LEN(TABLES); i++) {
        assert_false(model_cross_of(TABLES[i], TABLES[i], &cross));
        for (size_t j = i + 1; j < ARRAY_LEN(TABLES); j++) {
            assert_true(model_cross_of(TABLES[i], TABLES[j], &cross));
            assert_true(model_cross_of(TABLES[j], TABLES[i], &back));
            assert_int_equal(back, cross);
            assert_int_equal(model_cross_left(cross), TABLES[i]);
            assert_int_equal(model_cross_right(cross), TABLES[j]);
            assert_int_equal(model_cross_views(cross),
                             TABLES[j] == TABLE_EVENT ? METRIC_EVENTS : METRIC_PAGEVIEWS);
            seen[cross]++;
        }
    }
    for (int c = 0; c < CROSS__COUNT; c++)
        assert_int_equal(seen[c], 1);
    assert_false(model_cross_of(TABLE_PAGE, TABLE_REGION, &cross));
}

static void names_and_letters_lead_back(void **state)
{
    (void)state;
    for (int t = 0; t < TABLE__COUNT; t++) {
        enum table table;
        assert_true(model_table_from_name(str_from(model_table_name((enum table)t)), &table));
        assert_int_equal(table, t);
        assert_true(model_table_cap((enum table)t) > 0);
    }
    for (int m = 0; m < METRIC__COUNT; m++) {
        enum metric metric;
        assert_true(model_metric_from_letter(model_metric_letter((enum metric)m), &metric));
        assert_int_equal(metric, m);
        assert_int_not_equal(model_metric_letter((enum metric)m), MODEL_APPLIED_MARK);
    }
    enum table table = TABLE_OS;
    enum metric metric = METRIC_EVENTS;
    assert_false(model_table_from_name(S("pag"), &table));
    assert_false(model_table_from_name(S("Page"), &table));
    assert_false(model_table_from_name(STR_EMPTY, &table));
    assert_false(model_metric_from_letter('@', &metric));
    assert_false(model_metric_from_letter('V', &metric));
    assert_int_equal(table, TABLE_OS);
    assert_int_equal(metric, METRIC_EVENTS);
}

static void dates_follow_the_calendar(void **state)
{
    (void)state;
    static const struct {
        uint32_t date;
        bool valid;
    } DATES[] = {
        {19691231, false}, {19700101, true},   {20260228, true},  {20260229, false},
        {20240229, true},  {19000229, false},  {20000229, true},  {20261130, true},
        {20261131, false}, {20261200, false},  {20260001, false}, {20261301, false},
        {99991231, true},  {100000101, false}, {0, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(DATES); i++)
        assert_int_equal(model_date_valid(DATES[i].date), DATES[i].valid);
}

static void a_site_is_a_host_of_at_most_253_bytes(void **state)
{
    (void)state;
    static const struct str GOOD[] = {S("a"), S("localhost"), S("a-b.example"), S("xn--p1ai"),
                                      S("1.2.3.4")};
    static const struct str BAD[] = {
        S(""),    S("."),    S("a."),  S(".a"),  S("a..b"),
        S("-a"),  S("a-"),   S("A"),   S("a b"), S("a:b"),
        S("a/b"), S("a\0b"), S("a_b"), S("a{b"), S("\xc3\xa9.example")};
    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++)
        assert_true(model_site_valid(GOOD[i]));
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_false(model_site_valid(BAD[i]));
    for (int len = 252; len <= 254; len++) {
        char site[300];
        snprintf(site, sizeof(site), "%0*d", len, 0);
        assert_int_equal(model_site_valid(str_from(site)), len <= 253);
    }
}

/* The inventory of docs/design.md: whether an expiry is part of a pattern's promise. */
static void what_is_of_a_day_or_aside_expires_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < model_pattern_count(); i++) {
        const struct model_pattern *pattern = model_pattern_at(i);
        bool is_of_time =
            strstr(pattern->text, "<date>") != NULL || strstr(pattern->text, "<yyyymm>") != NULL;
        bool is_aside = strcmp(pattern->text, "ff:{n}:quarantine") == 0;
        assert_int_equal(pattern->kept == MODEL_EXPIRES, is_of_time || is_aside);
        assert_true(pattern->kept == MODEL_EXPIRES || pattern->days_max == 0);
    }
    size_t at;
    assert_false(model_pattern_of(S("ff:{0}:a.example:visitors:20261123"), &at));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_spelled_as_documented_and_in_the_inventory),
        cmocka_unit_test(a_key_of_a_day_tells_its_date),
        cmocka_unit_test(every_table_has_a_live_key_of_the_inventory),
        cmocka_unit_test(every_cross_has_a_live_key_of_the_inventory),
        cmocka_unit_test(each_pair_of_filterable_tables_is_one_cross),
        cmocka_unit_test(a_key_tells_its_date),
        cmocka_unit_test(other_keys_are_outside_the_inventory),
        cmocka_unit_test(what_is_of_a_day_or_aside_expires_and_nothing_else),
        cmocka_unit_test(a_sketchs_value_fits_up_to_its_cap),
        cmocka_unit_test(names_and_letters_lead_back),
        cmocka_unit_test(dates_follow_the_calendar),
        cmocka_unit_test(a_site_is_a_host_of_at_most_253_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

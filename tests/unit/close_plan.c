/* Which days are over, for every zone of the tz database over two years, against the C library's
 * clock; and which of them can be closed now. */

#include "aggregator/close_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "aggregator/model.h"
#include "tests/test.h"

#define S(text) STR_LIT(text)
#define ZONES "/usr/share/zoneinfo/zone.tab"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS, ZONES_MAX = 600 };

static struct site *site_in(const char *zone)
{
    char json[128], error[200];
    snprintf(json, sizeof(json), "{\"timezone\":\"%s\"}", zone);
    struct site *site = site_parse(S("a.example"), str_from(json), error, sizeof(error));
    assert_non_null(site);
    return site;
}

/* --- Midnights -------------------------------------------------------------------------------- */

static uint32_t libc_date(int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm local;
    assert_non_null(localtime_r(&seconds, &local));
    return (uint32_t)((local.tm_year + 1900) * 10000 + (local.tm_mon + 1) * 100 + local.tm_mday);
}

/* A day is over when the library has another date, and not a moment before. */
static void check_zone(const char *zone)
{
    struct site *site = site_in(zone);
    assert_int_equal(setenv("TZ", zone, 1), 0);
    tzset();
    for (uint32_t date = 20260101; date < 20280101; date = date_add_days(date, 1)) {
        int64_t over_ms = close_plan_due_ms(site, date) - CLOSE_AFTER_MS;
        if (libc_date(over_ms - 1000) != date || libc_date(over_ms) != date_add_days(date, 1))
            fail_msg("%u in %s", date, zone);
    }
    site_free(site);
}

static void every_zones_midnight_of_two_years_ends_the_day(void **state)
{
    (void)state;
    char line[512], zone[64];
    int zones = 0;
    FILE *file = fopen(ZONES, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        const char *at = strchr(line, '\t');
        at = at == NULL || line[0] == '#' ? NULL : strchr(at + 1, '\t');
        if (at == NULL)
            continue;
        snprintf(zone, sizeof(zone), "%.*s", (int)strcspn(at + 1, "\t\n"), at + 1);
        check_zone(zone);
        zones++;
    }
    fclose(file);
    unsetenv("TZ");
    tzset();
    assert_in_range(zones, 300, ZONES_MAX);
}

/* Samoa went over the date line: its Friday the 30th did not take place. */
static void a_day_that_a_zone_left_out_is_over_at_once(void **state)
{
    (void)state;
    struct site *site = site_in("Pacific/Apia");
    assert_int_equal(close_plan_due_ms(site, 20111229), close_plan_due_ms(site, 20111230));
    assert_int_equal(close_plan_due_ms(site, 20111231) - close_plan_due_ms(site, 20111230),
                     24 * HOUR_MS);
    site_free(site);
}

/* --- Looks ------------------------------------------------------------------------------------ */

static struct close_plan plan;

static int start(void **state)
{
    (void)state;
    close_plan_init(&plan);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    close_plan_done(&plan);
    return 0;
}

/* 2026-11-24T00:00Z, where 20261123 of UTC ends. */
#define MIDNIGHT_MS INT64_C(1795478400000)
#define DUE_MS (MIDNIGHT_MS + CLOSE_AFTER_MS)

/* A look in which all sites that are settled are in UTC, and one day is open. */
static bool is_due(const char *field, const char *mark, int64_t wall_ms, int64_t mono_ms)
{
    close_plan_begin(&plan);
    close_plan_see(&plan, str_from(field), str_from(mark), wall_ms, mono_ms);
    close_plan_seen(&plan);
    if (plan.count > 0)
        close_plan_settle(&plan, 0, site_in("UTC"));
    const struct close_day *day = close_plan_next(&plan, wall_ms, mono_ms);
    assert_null(close_plan_next(&plan, wall_ms, mono_ms));
    return day != NULL;
}

static void a_day_is_due_after_its_time_and_a_quiet_minute(void **state)
{
    (void)state;
    assert_false(is_due("a.example:20261123", "1-0", DUE_MS - 2, 1000));
    assert_false(is_due("a.example:20261123", "1-0", DUE_MS - 1, 1000 + CLOSE_QUIET_MS));
    assert_true(is_due("a.example:20261123", "1-0", DUE_MS, 1000 + CLOSE_QUIET_MS));
    assert_false(is_due("a.example:20261123", "1-1", DUE_MS, 2000 + CLOSE_QUIET_MS));
    assert_false(is_due("a.example:20261123", "1-1", DUE_MS, 1999 + 2 * CLOSE_QUIET_MS));
    assert_true(is_due("a.example:20261123", "1-1", DUE_MS, 2000 + 2 * CLOSE_QUIET_MS));
}

static void what_is_no_day_is_passed_over(void **state)
{
    (void)state;
    static const char *const OTHERS[] = {"a.example", "a.example:2026112", "a.example:20261131",
                                         ":20261123", "closed"};
    for (size_t i = 0; i < ARRAY_LEN(OTHERS); i++) {
        assert_false(is_due(OTHERS[i], "1-0", DUE_MS, 1000));
        assert_int_equal(plan.count, 0);
    }
    assert_false(is_due("a.example:20261123", "", DUE_MS, 1000));
    assert_int_equal(plan.count, 0);
}

/* Whose settings are not read, since it is over nowhere yet; and that of a site that is gone. */
static void a_day_of_today_goes_with_its_site_only(void **state)
{
    (void)state;
    const int64_t noon_ms = MIDNIGHT_MS - 12 * HOUR_MS;
    for (int64_t i = 0; i < 3; i++) {
        int64_t mono_ms = 1000 + i * (CLOSE_FORGET_MS / 2);
        close_plan_begin(&plan);
        close_plan_see(&plan, S("a.example:20261124"), S("1-0"), noon_ms, mono_ms);
        close_plan_seen(&plan);
        assert_false(close_plan_may_be_over(&plan, 0));
        assert_null(close_plan_next(&plan, noon_ms, mono_ms));
        plan.next = 0;
        close_plan_settle(&plan, 0, NULL);
        assert_int_equal(close_plan_next(&plan, noon_ms, mono_ms) != NULL, i == 2);
    }
}

static void a_site_is_settled_for_all_of_its_days(void **state)
{
    (void)state;
    static const char *const FIELDS[] = {"b.example:20261122", "a.example:20261123",
                                         "b.example:20261121", "a.example:20261121",
                                         "a.example.org:20261121"};
    for (int i = 0; i < 2; i++) {
        int64_t mono_ms = 1000 + i * (int64_t)CLOSE_QUIET_MS;
        close_plan_begin(&plan);
        for (size_t f = 0; f < ARRAY_LEN(FIELDS); f++)
            close_plan_see(&plan, str_from(FIELDS[f]), S("1-0"), DUE_MS, mono_ms);
        close_plan_seen(&plan);
    }
    assert_int_equal(close_plan_run(&plan, 0), 2);
    assert_int_equal(close_plan_run(&plan, 2), 3);
    assert_int_equal(close_plan_run(&plan, 3), 5);
    close_plan_settle(&plan, 0, site_in("UTC"));
    close_plan_settle(&plan, 3, NULL); /* forgotten, but not so soon */
    int64_t mono_ms = 1000 + CLOSE_QUIET_MS;
    assert_int_equal(close_plan_next(&plan, DUE_MS, mono_ms)->date, 20261121);
    assert_int_equal(close_plan_next(&plan, DUE_MS, mono_ms)->date, 20261123);
    assert_null(close_plan_next(&plan, DUE_MS, mono_ms));
}

static void a_look_takes_days_up_to_its_cap(void **state)
{
    (void)state;
    char field[64];
    close_plan_begin(&plan);
    for (int i = 0; i <= CLOSE_DAYS_MAX; i++) {
        snprintf(field, sizeof(field), "%d.example:20261101", i);
        close_plan_see(&plan, str_from(field), S("1-0"), DUE_MS, 1000);
        assert_int_equal(plan.count, i < CLOSE_DAYS_MAX ? i + 1 : CLOSE_DAYS_MAX);
    }
    close_plan_seen(&plan);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, start, stop)

/* --- Months ----------------------------------------------------------------------------------- */

/* Of the last of the days that are open, in UTC. */
static bool is_done(const char *const fields[], size_t count, uint32_t month, int64_t wall_ms)
{
    close_plan_begin(&plan);
    for (size_t i = 0; i < count; i++)
        close_plan_see(&plan, str_from(fields[i]), S("1-0"), wall_ms, 0);
    close_plan_seen(&plan);
    for (size_t from = 0; from < plan.count; from = close_plan_run(&plan, from))
        close_plan_settle(&plan, from, site_in("UTC"));
    plan.days[plan.count - 1].is_closed = true;
    return close_plan_month_is_done(&plan, &plan.days[plan.count - 1], month, wall_ms);
}

static void a_month_is_done_when_it_is_over_and_nothing_of_it_is_open(void **state)
{
    (void)state;
    static const char *const ONE[] = {"a.example:20261031"};
    static const char *const TWO[] = {"a.example:20261001", "a.example:20261031"};
    static const char *const LATE[] = {"a.example:20261031", "a.example:20261123"};
    static const char *const OTHERS[] = {"a.exam:20261101", "a.example:20260930",
                                         "a.example:20261031"};
    const int64_t over_ms = INT64_C(1793491200000) + CLOSE_AFTER_MS; /* 2026-11-01 */
    assert_false(is_done(ONE, 1, 202610, over_ms - 1));
    assert_true(is_done(ONE, 1, 202610, over_ms));
    assert_false(is_done(TWO, 2, 202610, over_ms));
    assert_true(is_done(TWO, 2, 202609, over_ms));
    assert_true(is_done(OTHERS, 3, 202610, over_ms));
    assert_false(is_done(OTHERS, 3, 202609, over_ms));
    assert_false(is_done(LATE, 2, 202610, DUE_MS));
    assert_false(is_done(LATE, 2, 202611, DUE_MS));
}

/* It may be so for long. */
static void a_day_that_cannot_be_read_does_not_hold_its_month_up(void **state)
{
    (void)state;
    static const char *const TWO[] = {"a.example:20261001", "a.example:20261031"};
    assert_false(is_done(TWO, 2, 202610, DUE_MS));
    plan.days[0].is_told = true;
    assert_true(close_plan_month_is_done(&plan, &plan.days[1], 202610, DUE_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_zones_midnight_of_two_years_ends_the_day),
        cmocka_unit_test(a_day_that_a_zone_left_out_is_over_at_once),
        FRESH(a_day_is_due_after_its_time_and_a_quiet_minute),
        FRESH(what_is_no_day_is_passed_over),
        FRESH(a_day_of_today_goes_with_its_site_only),
        FRESH(a_site_is_settled_for_all_of_its_days),
        FRESH(a_look_takes_days_up_to_its_cap),
        FRESH(a_month_is_done_when_it_is_over_and_nothing_of_it_is_open),
        FRESH(a_day_that_cannot_be_read_does_not_hold_its_month_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

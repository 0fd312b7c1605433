/* Two years of a view an hour in zones of every kind, closed as time goes on: each view lands in
 * its own day and hour, and each day closes once. The oracle is the C library's clock. */

#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "aggregator/model.h"
#include "common/clock.h"
#include "common/limits.h"
#include "open_days.h"
#include "tests/test.h"

/* Both hemispheres' daylight saving, at midnight and of half an hour; offsets of halves and
 * quarters; both ends of the date line. */
static const char *const ZONES[] = {
    "UTC",          "Europe/Amsterdam",   "America/New_York", "America/St_Johns",
    "Asia/Kolkata", "Asia/Kathmandu",     "America/Santiago", "Australia/Lord_Howe",
    "Africa/Cairo", "Pacific/Kiritimati", "Pacific/Chatham",  "Pacific/Pago_Pago",
    "Asia/Beirut",
};

enum {
    HOURS = 2 * 365 * 24,
    STEP_HOURS = 6,
    DAYS_MAX = 2 * 365 + 3,
    FIRST_DATE = 20291231,
};
/* 2030-01-01T00:00Z. Redis's own clock, which no test can stop, is before it. */
#define FIRST_MS INT64_C(1893456000000)

static struct {
    char site[24];
    struct time_zone *zone;
    uint32_t views[DAYS_MAX][24]; /* what must be counted, by day after FIRST_DATE and hour */
} places[ARRAY_LEN(ZONES)];

static void expect_views(size_t place)
{
    assert_int_equal(setenv("TZ", ZONES[place], 1), 0);
    tzset();
    for (int64_t hour = 0; hour < HOURS; hour++) {
        time_t seconds = (time_t)(FIRST_MS / 1000 + hour * 3600 + 1800);
        struct tm local;
        assert_non_null(localtime_r(&seconds, &local));
        uint32_t date =
            (uint32_t)((local.tm_year + 1900) * 10000 + (local.tm_mon + 1) * 100 + local.tm_mday);
        places[place].views[date_diff_days(date, FIRST_DATE)][local.tm_hour]++;
    }
    unsetenv("TZ");
    tzset();
}

static void count_hour(size_t place, int64_t hour)
{
    struct local_time local =
        timezone_local(places[place].zone, FIRST_MS + hour * HOUR_MS + HOUR_MS / 2);
    char value[4];
    snprintf(value, sizeof(value), "%02u", local.hour);
    count(places[place].site, local.date, TABLE_TOTAL, "", METRIC_PAGEVIEWS, 1);
    count(places[place].site, local.date, TABLE_TIME, value, METRIC_PAGEVIEWS, 1);
}

/* Sums of a sealed day by hour. */
static void check_day(size_t place, uint32_t date, const uint32_t views[24])
{
    struct record_names month;
    struct day day;
    uint32_t name, all = 0;
    record_names_init(&month);
    day_init(&day, date, &month.names);
    assert_true(read_record(places[place].site, date, &month, &day));
    for (unsigned hour = 0; hour < 24; hour++) {
        char value[4];
        snprintf(value, sizeof(value), "%02u", hour);
        const struct day_row *row = day_names_find(&month.names, TABLE_TIME, str_from(value), &name)
                                        ? day_row_find(&day, TABLE_TIME, name)
                                        : NULL;
        if ((row == NULL ? 0 : row->sums[METRIC_PAGEVIEWS]) != views[hour])
            fail_msg("%s on %u at %u", ZONES[place], date, hour);
        all += views[hour];
    }
    assert_true(day_names_find(&month.names, TABLE_TOTAL, STR_EMPTY, &name));
    assert_int_equal(day_row_find(&day, TABLE_TOTAL, name)->sums[METRIC_PAGEVIEWS], all);
    assert_string_equal(day.timezone, ZONES[place]);
    day_done(&day);
    record_names_done(&month);
}

/* How many days have views. */
static uint64_t check_place(size_t place)
{
    uint64_t days = 0;
    for (int d = 0; d < DAYS_MAX; d++) {
        uint32_t all = 0;
        for (int hour = 0; hour < 24; hour++)
            all += places[place].views[d][hour];
        if (all == 0)
            continue;
        check_day(place, date_add_days(FIRST_DATE, d), places[place].views[d]);
        days++;
    }
    return days;
}

static void each_hour_lands_in_its_day_and_each_day_closes_once(void **state)
{
    (void)state;
    uint64_t closed = 0, days = 0;
    open_days_reset();
    for (size_t place = 0; place < ARRAY_LEN(ZONES); place++) {
        char settings[80];
        snprintf(places[place].site, sizeof(places[place].site), "z%zu.example", place);
        snprintf(settings, sizeof(settings), "{\"timezone\":\"%s\"}", ZONES[place]);
        add_site(places[place].site, settings);
        places[place].zone = timezone_new(ZONES[place]);
        assert_non_null(places[place].zone);
        expect_views(place);
    }
    for (int64_t hour = 0; hour < HOURS; hour++) {
        for (size_t place = 0; place < ARRAY_LEN(ZONES); place++)
            count_hour(place, hour);
        if ((hour + 1) % STEP_HOURS != 0)
            continue;
        at_ms(FIRST_MS + (hour + 1) * HOUR_MS);
        apply_all();
        closed += close_all();
    }
    at_ms(FIRST_MS + (HOURS + 48) * (int64_t)HOUR_MS);
    closed += close_all();
    for (size_t place = 0; place < ARRAY_LEN(ZONES); place++) {
        days += check_place(place);
        timezone_unref(places[place].zone);
    }
    assert_int_equal(closed, days);
    assert_in_range(days, ARRAY_LEN(ZONES) * 730, ARRAY_LEN(ZONES) * 732);
    assert_int_equal(key_count("*:live:*"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_hour_lands_in_its_day_and_each_day_closes_once),
    };
    signal(SIGPIPE, SIG_IGN);
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, open_days_start, open_days_stop);
}

/* Time zones against hand-picked moments, and against coreutils' date, which shares no code with
 * GLib. */

#include "common/timezone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct moment {
    const char *zone;
    int64_t utc_s;
    struct local_time expected;
};

static const struct moment MOMENTS[] = {
    {"UTC", 0, {19700101, 0, 0, 0, 4, 0}},
    {"UTC", 951782400, {20000229, 0, 0, 0, 2, 0}},
    {"Europe/Amsterdam", 1774745999, {20260329, 1, 59, 59, 7, 3600}},
    {"Europe/Amsterdam", 1774746000, {20260329, 3, 0, 0, 7, 7200}},
    {"Europe/Amsterdam", 1792889999, {20261025, 2, 59, 59, 7, 7200}},
    {"Europe/Amsterdam", 1792890000, {20261025, 2, 0, 0, 7, 3600}},
    {"America/New_York", 1772953199, {20260308, 1, 59, 59, 7, -18000}},
    {"America/New_York", 1772953200, {20260308, 3, 0, 0, 7, -14400}},
    {"Asia/Kolkata", 1767205799, {20251231, 23, 59, 59, 3, 19800}},
    {"Asia/Kolkata", 1767205800, {20260101, 0, 0, 0, 4, 19800}},
    {"Australia/Lord_Howe", 1775314799, {20260405, 1, 59, 59, 7, 39600}},
    {"Australia/Lord_Howe", 1775314800, {20260405, 1, 30, 0, 7, 37800}},
    {"Pacific/Apia", 1325239199, {20111229, 23, 59, 59, 4, -36000}},
    {"Pacific/Apia", 1325239200, {20111231, 0, 0, 0, 6, 50400}},
    {"Pacific/Chatham", 1767176100, {20260101, 0, 0, 0, 4, 49500}},
    {"America/Sao_Paulo", 1541300399, {20181103, 23, 59, 59, 6, -10800}},
    {"America/Sao_Paulo", 1541300400, {20181104, 1, 0, 0, 7, -7200}},
    {"Africa/Cairo", 1776981599, {20260423, 23, 59, 59, 4, 7200}},
    {"Africa/Cairo", 1776981600, {20260424, 1, 0, 0, 5, 10800}},
    {"Europe/Amsterdam", 4089000000, {20990729, 11, 20, 0, 3, 7200}},
};

static void assert_local(struct local_time got, struct local_time expected)
{
    assert_int_equal(got.date, expected.date);
    assert_int_equal(got.hour, expected.hour);
    assert_int_equal(got.minute, expected.minute);
    assert_int_equal(got.second, expected.second);
    assert_int_equal(got.weekday, expected.weekday);
    assert_int_equal(got.utc_offset_s, expected.utc_offset_s);
}

static struct time_zone *zone_of(const char *name)
{
    struct time_zone *zone = timezone_new(name);
    if (zone == NULL)
        fail_msg("no zone %s", name);
    return zone;
}

static void moments_have_their_local_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(MOMENTS); i++) {
        const struct moment *moment = &MOMENTS[i];
        struct time_zone *zone = zone_of(moment->zone);
        assert_local(timezone_local(zone, moment->utc_s * 1000), moment->expected);
        assert_local(timezone_local(zone, moment->utc_s * 1000 + 999), moment->expected);
        timezone_unref(zone);
    }
}

static void times_outside_the_calendar_stop_at_its_ends(void **state)
{
    (void)state;
    struct time_zone *zone = zone_of("America/New_York");
    assert_int_equal(timezone_local(zone, 0).date, 19700101);
    assert_int_equal(timezone_local(zone, -1).date, 19700101);
    assert_int_equal(timezone_local(zone, INT64_MIN).date, 19700101);
    assert_int_equal(timezone_local(zone, INT64_MAX).date, 99991231);
    timezone_unref(zone);
}

struct day {
    const char *zone;
    uint32_t date;
    int64_t start_s;
};

static const struct day DAYS[] = {
    {"UTC", 19700101, 0},
    {"UTC", 99991231, 253402214400},
    {"Europe/Amsterdam", 20260329, 1774738800},
    {"Europe/Amsterdam", 20260330, 1774821600}, /* 23 hours later */
    {"Europe/Amsterdam", 20261025, 1792879200},
    {"Europe/Amsterdam", 20261026, 1792969200}, /* 25 hours later */
    {"Asia/Kolkata", 20260101, 1767205800},
    {"Pacific/Chatham", 20260101, 1767176100},
    {"Australia/Lord_Howe", 20260406, 1775395800}, /* 24 hours and a half later */
    {"Australia/Lord_Howe", 20260405, 1775307600},
    /* Midnight was skipped: the day starts at 01:00. */
    {"America/Sao_Paulo", 20181104, 1541300400},
    {"Africa/Cairo", 20260424, 1776981600},
    {"Asia/Beirut", 20260329, 1774735200},
    /* Midnight fell back to 23:00: the day starts when midnight comes again. */
    {"America/Sao_Paulo", 20180218, 1518922800},
    /* Midnight came, and at 00:01 the clock went back to the day before. */
    {"America/St_Johns", 20101107, 1289097000},
    /* The day that Samoa left out starts with the next one. */
    {"Pacific/Apia", 20111229, 1325152800},
    {"Pacific/Apia", 20111230, 1325239200},
    {"Pacific/Apia", 20111231, 1325239200},
    {"Pacific/Apia", 20120101, 1325325600},
};

static void a_day_starts_at_its_first_moment(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(DAYS); i++) {
        struct time_zone *zone = zone_of(DAYS[i].zone);
        if (timezone_day_start_ms(zone, DAYS[i].date) != DAYS[i].start_s * 1000)
            fail_msg("%s %u starts at %lld s", DAYS[i].zone, DAYS[i].date,
                     (long long)timezone_day_start_ms(zone, DAYS[i].date) / 1000);
        timezone_unref(zone);
    }
}

/* What coreutils' date says of a moment. */
struct oracle_line {
    unsigned date, hour, minute, second, weekday;
    int utc_offset; /* as +hhmm */
};

static FILE *oracle_open(const char *zone, const char *moments_path)
{
    char command[256];
    (void)snprintf(command, sizeof(command),
                   "TZ=%s LC_ALL=C date -f %s '+%%Y%%m%%d %%-H %%-M %%-S %%u %%z'", zone,
                   moments_path);
    FILE *oracle = popen(command, "r");
    assert_non_null(oracle);
    return oracle;
}

static struct oracle_line oracle_read(FILE *oracle)
{
    struct oracle_line line;
    assert_int_equal(fscanf(oracle, "%u %u %u %u %u %d", &line.date, &line.hour, &line.minute,
                            &line.second, &line.weekday, &line.utc_offset),
                     6);
    return line;
}

static void assert_oracle_agrees(const struct time_zone *zone, int64_t utc_s,
                                 struct oracle_line line)
{
    int offset_s = line.utc_offset / 100 * 3600 + line.utc_offset % 100 * 60;
    assert_local(timezone_local(zone, utc_s * 1000),
                 (struct local_time){line.date, (uint8_t)line.hour, (uint8_t)line.minute,
                                     (uint8_t)line.second, (uint8_t)line.weekday, offset_s});
}

/* Every day of two years: its first second is in the day, the second before it is not yet. */
static void check_midnights(const char *name, uint32_t first_date)
{
    enum { DAYS_CHECKED = 731 };
    struct time_zone *zone = zone_of(name);
    char path[] = "/tmp/footfall-timezone-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *moments = fdopen(fd, "w");
    assert_non_null(moments);
    for (int i = 0; i < DAYS_CHECKED; i++) {
        int64_t start_s = timezone_day_start_ms(zone, date_add_days(first_date, i)) / 1000;
        (void)fprintf(moments, "@%lld\n@%lld\n", (long long)start_s - 1, (long long)start_s);
    }
    assert_int_equal(fclose(moments), 0);

    FILE *oracle = oracle_open(name, path);
    for (int i = 0; i < DAYS_CHECKED; i++) {
        uint32_t date = date_add_days(first_date, i);
        int64_t start_s = timezone_day_start_ms(zone, date) / 1000;
        struct oracle_line before = oracle_read(oracle), first = oracle_read(oracle);
        assert_oracle_agrees(zone, start_s - 1, before);
        assert_oracle_agrees(zone, start_s, first);
        assert_true(before.date < date);
        assert_true(first.date >= date);
    }
    assert_int_equal(pclose(oracle), 0);
    assert_int_equal(unlink(path), 0);
    timezone_unref(zone);
}

static void every_midnight_of_two_years_agrees_with_date(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        uint32_t first_date;
    } ROWS[] = {
        {"UTC", 20250101},
        {"Europe/Amsterdam", 20250101},
        {"Europe/London", 19700102},
        {"America/New_York", 20250101},
        {"America/Sao_Paulo", 20170601},
        {"America/St_Johns", 20100101},
        {"Asia/Kolkata", 20250101},
        {"Asia/Beirut", 20250101},
        {"Africa/Cairo", 20250101},
        {"Africa/Casablanca", 20250101},
        {"Asia/Gaza", 20250101},
        {"Australia/Lord_Howe", 20250101},
        {"Pacific/Apia", 20110101},
        {"Pacific/Chatham", 20250101},
        {"America/Los_Angeles", 20900101}, /* long past the database's last listed change */
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        check_midnights(ROWS[i].zone, ROWS[i].first_date);
}

static void names_that_are_no_zone_are_refused(void **state)
{
    (void)state;
    static const char *const NAMES[] = {
        "",
        "Mars/Phobos",
        "Europe",
        "europe/amsterdam ",
        "+02:00",
        "+02",
        "UTC+3",
        "EST5EDT4,M3.2.0",
        "../zoneinfo/UTC",
        "/etc/localtime",
        "zone.tab",
        "localtime",
        "posixrules",
        "leapseconds",
        "right/UTC",
        "Europe/../",
        "Europe/Am\nster",
        "Factory",
        "A123456789012345678901234567890123456789012345678901234567890123456789",
    };
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        if (timezone_new(NAMES[i]) != NULL)
            fail_msg("'%s' was taken for a zone", NAMES[i]);
    }
}

static void zones_of_one_name_are_shared_until_the_last_is_gone(void **state)
{
    (void)state;
    struct time_zone *first = zone_of("Europe/Paris");
    struct time_zone *second = zone_of("Europe/Paris");
    struct time_zone *other = zone_of("Europe/Rome");
    assert_ptr_equal(first, second);
    assert_ptr_not_equal(first, other);
    assert_ptr_equal(timezone_ref(first), first);
    timezone_unref(first);
    timezone_unref(second);
    assert_int_equal(timezone_local(first, 0).utc_offset_s, 3600);
    timezone_unref(first);
    timezone_unref(other);
    timezone_unref(NULL);
}

static void dates_are_added_over_months_and_leap_years(void **state)
{
    (void)state;
    static const struct {
        uint32_t date;
        int days;
        uint32_t expected;
    } ROWS[] = {
        {20240228, 1, 20240229},   {20240229, 1, 20240301},      {20250228, 1, 20250301},
        {20000228, 1, 20000229},   {21000228, 1, 21000301},      {20241231, 1, 20250101},
        {20250101, -1, 20241231},  {20240301, -1, 20240229},     {20240229, 366, 20250301},
        {20240229, 365, 20250228}, {20240101, 0, 20240101},      {19700101, 20585, 20260512},
        {19700101, -1, 19700101},  {19700102, -1, 19700101},     {99991231, 1, 99991231},
        {99991230, 1, 99991231},   {20000101, -99999, 19700101}, {20000101, 2147483647, 99991231},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        assert_int_equal(date_add_days(ROWS[i].date, ROWS[i].days), ROWS[i].expected);
}

static void every_date_of_the_calendar_follows_the_one_before(void **state)
{
    (void)state;
    uint32_t date = 19700101;
    uint8_t weekday = 4;
    for (int day = 0; day < 2932896; day++) {
        uint32_t next = date_add_days(date, 1);
        if (next <= date || !date_valid(next) || date_weekday(date) != weekday ||
            date_diff_days(next, 19700101) != day + 1)
            fail_msg("after %u comes %u", date, next);
        date = next;
        weekday = (uint8_t)(weekday % 7 + 1);
    }
    assert_int_equal(date, 99991231);
}

static void differences_are_signed(void **state)
{
    (void)state;
    assert_int_equal(date_diff_days(20240301, 20240228), 2);
    assert_int_equal(date_diff_days(20240228, 20240301), -2);
    assert_int_equal(date_diff_days(20260101, 20260101), 0);
}

static void only_days_of_the_calendar_are_valid(void **state)
{
    (void)state;
    static const uint32_t VALID[] = {19700101, 20240229, 20000229, 20261123, 99991231};
    static const uint32_t INVALID[] = {0,        19691231, 20230229, 19000229,  21000229,
                                       20261301, 20260001, 20260100, 20260132,  20260431,
                                       20260631, 99991232, 99999999, 4294967295};
    for (size_t i = 0; i < ARRAY_LEN(VALID); i++)
        assert_true(date_valid(VALID[i]));
    for (size_t i = 0; i < ARRAY_LEN(INVALID); i++)
        assert_false(date_valid(INVALID[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_have_their_local_time),
        cmocka_unit_test(times_outside_the_calendar_stop_at_its_ends),
        cmocka_unit_test(a_day_starts_at_its_first_moment),
        cmocka_unit_test(every_midnight_of_two_years_agrees_with_date),
        cmocka_unit_test(names_that_are_no_zone_are_refused),
        cmocka_unit_test(zones_of_one_name_are_shared_until_the_last_is_gone),
        cmocka_unit_test(dates_are_added_over_months_and_leap_years),
        cmocka_unit_test(every_date_of_the_calendar_follows_the_one_before),
        cmocka_unit_test(differences_are_signed),
        cmocka_unit_test(only_days_of_the_calendar_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

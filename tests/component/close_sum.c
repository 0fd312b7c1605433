/* Months that are over get their sums as their days close, and no sum outlives a day of it. Against
 * a real Redis. */

#include "aggregator/close_sum.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aggregator/model.h"
#include "aggregator/month_sum.h"
#include "cli/site_erase.h"
#include "common/clock.h"
#include "open_days.h"
#include "tests/test.h"

#define A "a.example"
#define SUM_KEY "ff:{0}:a.example:sum:203002"
#define MARCH_KEY "ff:{0}:a.example:sum:203003"
#define DAY_KEY "ff:{0}:a.example:day:20300211"

enum { PAGES = 1500, DAY_MS = 24 * HOUR_MS };

/* Two such days are more than a part of a month needs to be summed up. */
static void fill(uint32_t date)
{
    static const enum metric METRICS[] = {METRIC_PAGEVIEWS, METRIC_VISITS, METRIC_BOUNCES,
                                          METRIC_EVENTS};
    char page[16];
    for (uint32_t i = 0; i < PAGES; i++) {
        (void)snprintf(page, sizeof(page), "/%u", i);
        for (size_t m = 0; m < ARRAY_LEN(METRICS); m++)
            count(A, date, TABLE_PAGE, page, METRICS[m], (i * 7919 + date + m * 131) % 9973);
    }
    count(A, date, TABLE_TOTAL, "", METRIC_PAGEVIEWS, PAGES);
    apply_all();
}

static uint64_t summed;

/* How many months a look has summed up; what is over is closed. */
static uint64_t sums_of_close(void)
{
    uint64_t before = summed;
    struct closing_counts counts;
    struct trouble trouble;
    for (int looks = 0; looks < 2; looks++) {
        do {
            closing.look_at_ms = 0;
            if (!closing_turn(&closing, redis, &ledger, &counts, &trouble))
                fail_msg("%s: %s", trouble.doing, trouble.said);
            summed += counts.summed;
        } while (closing.is_under_way);
        clock_fake_advance(CLOSE_QUIET_MS);
    }
    return summed - before;
}

/* A page's views in the sum, which must hold for the days as they are now. */
static int64_t views_in_sum(const char *page)
{
    struct month_stamps stamps = {{0}};
    struct record_reader *reader = record_reader_new();
    struct record_names month;
    struct record record;
    struct day day;
    char key[64];
    uint32_t name;
    for (uint32_t date = 20300201; date <= 20300228; date++) {
        (void)snprintf(key, sizeof(key), "ff:{0}:a.example:day:%u", date);
        struct redis_reply *bytes = redis_do(redis, S("GET"), str_from(key));
        if (redis_reply_type(bytes) == REDIS_TYPE_STRING)
            month_stamps_note(&stamps, date, redis_reply_str(bytes));
        redis_reply_free(bytes);
    }
    struct redis_reply *sum = redis_do(redis, S("GET"), S(SUM_KEY));
    struct redis_reply *names = redis_do(redis, S("GET"), S("ff:{0}:a.example:names:203002"));
    record_names_init(&month);
    day_init(&day, 20300200, &month.names);
    assert_true(record_names_read(&month, redis_reply_str(names)));
    assert_true(month_sum_open(redis_reply_str(sum), 20300200, &stamps, &record));
    struct str bytes = str_from_at(redis_reply_str(sum), MONTH_SUM_STAMPS_BYTES);
    assert_int_equal(record_decode(reader, bytes, &month, &day), RECORD_OK);
    assert_true(day_names_find(&month.names, TABLE_PAGE, str_from(page), &name));
    assert_int_equal(day.tables[TABLE_TOTAL].count, 0);
    int64_t views = day_row_find(&day, TABLE_PAGE, name)->sums[METRIC_PAGEVIEWS];
    day_done(&day);
    record_names_done(&month);
    record_reader_free(reader);
    redis_reply_free(sum);
    redis_reply_free(names);
    return views;
}

static int64_t views_in_days(const char *page)
{
    int64_t views = 0;
    for (uint32_t date = 20300201; date <= 20300228; date++)
        views += sealed(A, date, TABLE_PAGE, page, METRIC_PAGEVIEWS);
    return views;
}

/* As of an import: many days of a month close at once. */
static void a_month_that_is_over_is_summed_once(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{}");
    for (uint32_t date = 20300210; date <= 20300213; date++)
        fill(date);
    assert_int_equal(sums_of_close(), 1);
    assert_int_equal(key_count("ff:{0}:a.example:sum:*"), 1);
    assert_true(views_in_days("/7") > 0);
    assert_int_equal(views_in_sum("/7"), views_in_days("/7"));
    assert_int_equal(sums_of_close(), 0);
}

/* The last day of February 2030 ends in New York at 05:00 UTC. */
static void a_month_is_over_by_the_sites_own_clock(void **state)
{
    const int64_t over_ms = NOON_MS - 4 * (int64_t)DAY_MS - 7 * HOUR_MS + CLOSE_AFTER_MS;
    (void)state;
    open_days_reset();
    add_site(A, "{\"timezone\":\"America/New_York\"}");
    at_ms(over_ms - HOUR_MS);
    fill(20300226);
    fill(20300227);
    assert_int_equal(sums_of_close(), 0);
    assert_true(exists("ff:{0}:a.example:day:20300227"));
    fill(20300228);
    at_ms(over_ms);
    assert_int_equal(sums_of_close(), 1);
    assert_int_equal(views_in_sum("/1"), views_in_days("/1"));
}

static void a_day_that_closes_again_is_summed_again(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{}");
    fill(20300210);
    fill(20300211);
    assert_int_equal(sums_of_close(), 1);
    count(A, 20300211, TABLE_PAGE, "/late", METRIC_PAGEVIEWS, 5);
    count(A, 20300211, TABLE_PAGE, "/7", METRIC_PAGEVIEWS, 5);
    apply_all();
    assert_int_equal(sums_of_close(), 1);
    assert_int_equal(views_in_sum("/late"), 5);
    assert_int_equal(views_in_sum("/7"), views_in_days("/7"));
}

/* It was killed after the last day had closed: the next day's close makes up for it. */
static void a_sum_that_was_missed_is_made_with_the_next_month(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{}");
    fill(20300227);
    fill(20300228);
    assert_int_equal(sums_of_close(), 1);
    redis_reply_free(redis_do(redis, S("DEL"), S(SUM_KEY)));
    count(A, 20300301, TABLE_TOTAL, "", METRIC_PAGEVIEWS, 1);
    apply_all();
    assert_int_equal(sums_of_close(), 1);
    assert_int_equal(views_in_sum("/7"), views_in_days("/7"));
    assert_false(exists(MARCH_KEY));
}

static void a_small_month_has_no_sum(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{}");
    for (uint32_t i = 0; i < 50; i++)
        count_view(A, 20300211, "/", "NL", i);
    apply_all();
    redis_reply_free(redis_do(redis, S("SET"), S(SUM_KEY), S("of what was erased")));
    assert_int_equal(sums_of_close(), 0);
    assert_true(exists(DAY_KEY));
    assert_false(exists(SUM_KEY));
}

/* The first of the month's days is gone when 25 months have passed; a late one stays longer. */
static void a_sum_leaves_with_the_first_of_its_days(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{\"preset\":\"strict\"}");
    fill(20300210);
    fill(20300211);
    assert_int_equal(sums_of_close(), 1);
    int64_t first_ms = expiry_of(DAY_KEY);
    assert_int_equal(expiry_of(SUM_KEY), first_ms);
    at_ms(NOON_MS + 90 * (int64_t)DAY_MS);
    fill(20300212);
    assert_int_equal(sums_of_close(), 1);
    assert_true(expiry_of("ff:{0}:a.example:day:20300212") > first_ms);
    assert_int_equal(expiry_of(SUM_KEY), first_ms);
}

/* A damaged record, and a key that is none's: days go on closing. */
static void what_cannot_be_summed_stops_nothing(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{}");
    fill(20300210);
    fill(20300211);
    assert_int_equal(sums_of_close(), 1);
    redis_reply_free(redis_do(redis, S("SETRANGE"), S(DAY_KEY), S("2000"), S("damage")));
    fill(20300212);
    assert_int_equal(sums_of_close(), 0);
    assert_true(exists("ff:{0}:a.example:day:20300212") && closing.is_sum_told);
    redis_reply_free(redis_do(redis, S("DEL"), S(SUM_KEY), S(DAY_KEY)));
    redis_reply_free(redis_do(redis, S("HSET"), S(SUM_KEY), S("no"), S("string")));
    fill(20300213);
    assert_int_equal(sums_of_close(), 0);
    assert_true(exists("ff:{0}:a.example:day:20300213") && closing.is_sum_told);
    redis_reply_free(redis_do(redis, S("DEL"), S(SUM_KEY)));
    fill(20300214);
    assert_int_equal(sums_of_close(), 1);
    assert_false(closing.is_sum_told);
}

static void the_rights_of_its_role_are_enough(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{}");
    fill(20300210);
    fill(20300211);
    become_aggregator();
    assert_int_equal(sums_of_close(), 1);
    become_first_user();
    assert_int_equal(views_in_sum("/7"), views_in_days("/7"));
}

/* --- Erased meanwhile ------------------------------------------------------------------------- */

/* Runs close_sum() in a process that stands still at its nth entry into the kernel or way back
 * while all counts of the site are erased. Whether it had come to its end before. */
static bool erase_at(int nth)
{
    char error[200];
    size_t keys;
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        enum close_sum_outcome outcome;
        const char *why;
        struct trouble trouble;
        struct redis *own = redis_connect(&server.address, error, sizeof(error));
        if (own == NULL || ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(2);
        raise(SIGSTOP);
        _exit(close_sum(own, S(A), 203002, &outcome, &why, &trouble) ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    for (int i = 0; i < nth && WIFSTOPPED(status); i++) {
        assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
    }
    bool finished = WIFEXITED(status);
    assert_true(site_erase(redis, S(A), 0, &keys, error, sizeof(error)));
    while (WIFSTOPPED(status)) {
        assert_int_equal(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return finished;
}

static void of_days_that_are_erased_meanwhile_no_sum_is_left(void **state)
{
    (void)state;
    bool finished = false;
    int places = 0;
    for (int nth = 1; !finished; nth++, places++) {
        open_days_reset();
        add_site(A, "{}");
        fill(20300210);
        fill(20300211);
        assert_int_equal(sums_of_close(), 1);
        redis_reply_free(redis_do(redis, S("DEL"), S(SUM_KEY)));
        finished = erase_at(nth);
        assert_int_equal(key_count("ff:{0}:a.example:*"), 0);
    }
    print_message("erased at %d places\n", places);
    assert_true(places > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_month_that_is_over_is_summed_once),
        cmocka_unit_test(a_month_is_over_by_the_sites_own_clock),
        cmocka_unit_test(a_day_that_closes_again_is_summed_again),
        cmocka_unit_test(a_sum_that_was_missed_is_made_with_the_next_month),
        cmocka_unit_test(a_small_month_has_no_sum),
        cmocka_unit_test(a_sum_leaves_with_the_first_of_its_days),
        cmocka_unit_test(what_cannot_be_summed_stops_nothing),
        cmocka_unit_test(the_rights_of_its_role_are_enough),
        cmocka_unit_test(of_days_that_are_erased_meanwhile_no_sum_is_left),
    };
    signal(SIGPIPE, SIG_IGN);
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, open_days_start, open_days_stop);
}

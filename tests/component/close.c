/* Days that are over become records, once, whatever comes in between. Against a real Redis. */

#include "aggregator/close.h"

#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aggregator/model.h"
#include "common/clock.h"
#include "common/limits.h"
#include "open_days.h"
#include "tests/test.h"

#define A "a.example"
#define DATE 20300304
#define DAY_KEY "ff:{0}:a.example:day:20300304"
#define NAMES_KEY "ff:{0}:a.example:names:203003"
#define OPEN_KEY "ff:{0}:open"

static void fill(uint32_t date, int visitors)
{
    for (int i = 0; i < visitors; i++)
        count_view(A, date, i % 3 == 0 ? "/" : "/about", i % 2 == 0 ? "NL" : "DE", (uint64_t)i);
    count(A, date, TABLE_DROPS, "bot", METRIC_EVENTS, 4);
    apply_all();
}

static void a_day_that_is_over_becomes_a_record(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{}");
    fill(DATE, 60);
    assert_true(key_count("ff:{0}:a.example:seen:*") == 5);
    assert_int_equal(close_all(), 1);
    assert_int_equal(key_count("*"), 5); /* sites, cursor, record, names, and what is open */
    assert_true(exists(DAY_KEY) && exists(NAMES_KEY));
    assert_int_equal(sealed(A, DATE, TABLE_TOTAL, "", METRIC_PAGEVIEWS), 60);
    assert_int_equal(sealed(A, DATE, TABLE_TOTAL, "", METRIC_VISITS), 60);
    assert_int_equal(sealed(A, DATE, TABLE_TOTAL, "", METRIC_BOUNCES), 60);
    assert_in_range(sealed(A, DATE, TABLE_TOTAL, "", METRIC_VISITORS), 57, 63);
    assert_int_equal(sealed(A, DATE, TABLE_PAGE, "/about", METRIC_PAGEVIEWS), 40);
    assert_int_equal(sealed(A, DATE, TABLE_COUNTRY, "NL", METRIC_VISITS), 30);
    assert_int_equal(sealed(A, DATE, TABLE_DROPS, "bot", METRIC_EVENTS), 4);
    assert_int_equal(close_all(), 0);
}

static void a_record_has_its_crosses_zone_and_thresholds(void **state)
{
    (void)state;
    struct record_names month;
    struct day day;
    uint32_t page, country;
    open_days_reset();
    add_site(A, "{\"timezone\":\"Europe/Amsterdam\"}");
    fill(DATE, 60);
    assert_int_equal(close_all(), 1);
    record_names_init(&month);
    day_init(&day, DATE, &month.names);
    assert_true(read_record(A, DATE, &month, &day));
    assert_string_equal(day.timezone, "Europe/Amsterdam");
    assert_int_equal(day.k, THRESHOLD_K_STANDARD);
    assert_true(day_names_find(&month.names, TABLE_PAGE, S("/about"), &page));
    assert_true(day_names_find(&month.names, TABLE_COUNTRY, S("DE"), &country));
    const struct day_cell *cell = day_cell_find(&day, CROSS_PAGE_COUNTRY, page, country);
    assert_non_null(cell);
    assert_int_equal(cell->views, 20);
    assert_int_equal(cell->visits, 20);
    day_done(&day);
    record_names_done(&month);
}

static void nothing_closes_before_its_time(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{\"timezone\":\"America/New_York\"}");
    fill(DATE, 1);
    /* The 4th ends in New York at 05:00 UTC of the 5th. */
    const int64_t over_ms = NOON_MS - 7 * HOUR_MS + CLOSE_AFTER_MS;
    at_ms(over_ms - 10 * MINUTE_MS);
    assert_int_equal(close_all(), 0);
    at_ms(over_ms - CLOSE_QUIET_MS - 1);
    assert_int_equal(close_all(), 0);
    at_ms(over_ms);
    assert_int_equal(close_all(), 1);
}

/* A look each 40 seconds, and a change before the first three. */
static void a_day_that_changes_stays_open_for_another_minute(void **state)
{
    (void)state;
    static const uint64_t CLOSED[] = {0, 0, 0, 0, 1, 0};
    open_days_reset();
    add_site(A, "{}");
    for (size_t i = 0; i < ARRAY_LEN(CLOSED); i++) {
        if (i < 3)
            fill(DATE, 1);
        assert_int_equal(look(&closing), CLOSED[i]);
        clock_fake_advance(CLOSE_QUIET_MS * 2 / 3);
    }
    assert_int_equal(sealed(A, DATE, TABLE_TOTAL, "", METRIC_PAGEVIEWS), 3);
}

static void a_late_batch_opens_the_day_again(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{}");
    fill(DATE, 30);
    assert_int_equal(close_all(), 1);
    fill(DATE, 12);
    assert_true(exists(DAY_KEY));
    assert_int_equal(live(A, DATE, TABLE_TOTAL, "v"), 12);
    assert_int_equal(close_all(), 1);
    assert_int_equal(sealed(A, DATE, TABLE_TOTAL, "", METRIC_PAGEVIEWS), 42);
    assert_in_range(sealed(A, DATE, TABLE_TOTAL, "", METRIC_VISITORS), 40, 44);
    assert_int_equal(sealed(A, DATE, TABLE_PAGE, "/", METRIC_PAGEVIEWS), 14);
    assert_int_equal(sealed(A, DATE, TABLE_DROPS, "bot", METRIC_EVENTS), 8);
    assert_int_equal(key_count("*"), 5);
}

static void days_of_a_month_share_its_names(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{}");
    for (uint32_t date = 20300301; date <= DATE; date++)
        fill(date, 20 + (int)(date % 10));
    assert_int_equal(close_all(), 4);
    assert_int_equal(key_count("ff:{0}:a.example:names:*"), 1);
    for (uint32_t date = 20300301; date <= DATE; date++)
        assert_int_equal(sealed(A, date, TABLE_TOTAL, "", METRIC_PAGEVIEWS), 20 + date % 10);
}

/* --- Together and interrupted ----------------------------------------------------------------- */

static struct close_day day_at(const char *mark)
{
    char error[200];
    struct close_day day = {.site = S(A), .date = DATE};
    assert_true(log_entry_id_set(&day.mark, str_from(mark)));
    day.settings = site_parse(S(A), S("{}"), error, sizeof(error));
    assert_non_null(day.settings);
    return day;
}

static bool close_day_moved(struct close_day *day)
{
    struct trouble trouble;
    bool moved;
    assert_true(closing_day(&closing, redis, day, &moved, &trouble));
    return moved;
}

static void who_has_read_an_older_day_changes_nothing(void **state)
{
    (void)state;
    struct buf before, after;
    open_days_reset();
    add_site(A, "{}");
    fill(DATE, 10); /* entry 1-0 */
    fill(DATE, 10); /* entry 2-0 */
    buf_init(&before, 1 << 20);
    buf_init(&after, 1 << 20);
    redis_server_dump(redis, &before);
    struct close_day stale = day_at("1-0"), current = day_at("2-0");
    assert_true(close_day_moved(&stale));
    redis_server_dump(redis, &after);
    assert_true(str_eq(buf_str(&before), buf_str(&after)));
    assert_false(close_day_moved(&current));
    /* Another aggregator that read the same day comes too late. */
    buf_reset(&before);
    buf_reset(&after);
    redis_server_dump(redis, &before);
    assert_true(close_day_moved(&current));
    ledger_forget(&ledger);
    redis_server_dump(redis, &after);
    assert_true(str_eq(buf_str(&before), buf_str(&after)));
    assert_int_equal(sealed(A, DATE, TABLE_TOTAL, "", METRIC_PAGEVIEWS), 20);
    site_free((struct site *)(uintptr_t)stale.settings);
    site_free((struct site *)(uintptr_t)current.settings);
    buf_done(&before);
    buf_done(&after);
}

/* Runs the close in a process that is killed at its nth entry into the kernel or way back. */
static bool close_killed_at(int nth)
{
    char error[200];
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct close_day day = day_at("2-0");
        struct trouble trouble;
        bool moved;
        struct redis *own = redis_connect(&server.address, error, sizeof(error));
        if (own == NULL || ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(2);
        raise(SIGSTOP);
        _exit(closing_day(&closing, own, &day, &moved, &trouble) ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    for (int i = 0; i < nth && WIFSTOPPED(status); i++) {
        assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
    }
    bool finished = WIFEXITED(status);
    if (finished)
        assert_int_equal(WEXITSTATUS(status), 0);
    if (!finished) {
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
    }
    return finished;
}

static void a_close_that_is_killed_anywhere_is_repeated(void **state)
{
    (void)state;
    bool finished = false;
    int kills = 0, sealed_by_the_killed = 0;
    for (int nth = 1; !finished; nth++) {
        open_days_reset();
        add_site(A, "{}");
        fill(DATE, 9);
        fill(DATE, 9);
        finished = close_killed_at(nth);
        kills += !finished;
        ledger_forget(&ledger);
        uint64_t again = close_all();
        sealed_by_the_killed += again == 0;
        assert_int_equal(key_count("*"), 5);
        assert_int_equal(sealed(A, DATE, TABLE_TOTAL, "", METRIC_PAGEVIEWS), 18);
        assert_int_equal(sealed(A, DATE, TABLE_PAGE, "/", METRIC_PAGEVIEWS), 6);
        assert_in_range(sealed(A, DATE, TABLE_COUNTRY, "NL", METRIC_VISITORS), 5, 5);
    }
    print_message("killed at %d places, in %d of them it was sealed already\n", kills,
                  sealed_by_the_killed);
    assert_true(kills > 5 && sealed_by_the_killed > 0 && sealed_by_the_killed < kills);
}

static void a_week_off_closes_on_the_next_start(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{\"timezone\":\"Asia/Kolkata\"}");
    for (uint32_t date = 20300220; date <= 20300228; date++)
        fill(date, 7);
    assert_int_equal(close_all_anew(), 9);
    for (uint32_t date = 20300220; date <= 20300228; date++)
        assert_int_equal(sealed(A, date, TABLE_TOTAL, "", METRIC_PAGEVIEWS), 7);
    assert_int_equal(key_count("ff:{0}:a.example:live:*"), 0);
}

/* --- What is in the way ----------------------------------------------------------------------- */

static void do_set(const char *key, struct str value)
{
    struct redis_reply *reply = redis_do(redis, S("SET"), str_from(key), value);
    assert_true(redis_reply_is(reply, "OK"));
    redis_reply_free(reply);
}

static void damage_stops_its_day_and_no_other(void **state)
{
    (void)state;
    static const char *const DAMAGED[] = {DAY_KEY, NAMES_KEY};
    for (size_t i = 0; i < ARRAY_LEN(DAMAGED); i++) {
        open_days_reset();
        add_site(A, "{}");
        add_site("b.example", "{}");
        fill(DATE, 10);
        assert_int_equal(close_all(), 1);
        fill(DATE, 5);
        count_view("b.example", DATE, "/", "NL", 1);
        apply_all();
        struct redis_reply *good = redis_do(redis, S("GET"), str_from(DAMAGED[i]));
        do_set(DAMAGED[i], S("no record"));
        assert_int_equal(close_all(), 1);
        assert_int_equal(close_plan_stuck(&closing.plan), 1);
        assert_int_equal(live(A, DATE, TABLE_TOTAL, "v"), 5);
        assert_int_equal(sealed("b.example", DATE, TABLE_TOTAL, "", METRIC_PAGEVIEWS), 1);
        do_set(DAMAGED[i], redis_reply_str(good));
        redis_reply_free(good);
        assert_int_equal(close_all(), 0); /* not so soon */
        clock_fake_advance(CLOSE_RETRY_MS);
        assert_int_equal(look(&closing), 1);
        assert_int_equal(sealed(A, DATE, TABLE_TOTAL, "", METRIC_PAGEVIEWS), 15);
    }
}

static void a_count_that_is_none_leaves_the_day_live(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{}");
    fill(DATE, 10);
    struct redis_reply *reply =
        redis_do(redis, S("HSET"), S("ff:{0}:a.example:live:20300304:page"), S("v/x"), S("many"));
    redis_reply_free(reply);
    assert_int_equal(close_all(), 0);
    assert_int_equal(close_plan_stuck(&closing.plan), 1);
    assert_false(exists(DAY_KEY));
    do_set("ff:{0}:a.example:live:20300304:page", S("x"));
    assert_int_equal(close_all_anew(), 0);
    assert_int_equal(live(A, DATE, TABLE_TOTAL, "v"), 10);
}

static void days_of_a_removed_site_are_forgotten_unsealed(void **state)
{
    (void)state;
    open_days_reset();
    fill(DATE, 10);
    assert_int_equal(close_all(), 0);
    assert_true(exists(OPEN_KEY));
    clock_fake_advance(CLOSE_FORGET_MS - CLOSE_QUIET_MS - 1);
    assert_int_equal(look(&closing), 0);
    assert_true(exists(OPEN_KEY));
    clock_fake_advance(1);
    assert_int_equal(look(&closing), 0);
    assert_int_equal(key_count("*"), 2); /* the cursor, and what is open */
}

static void the_open_day_of_a_removed_site_is_forgotten_too(void **state)
{
    (void)state;
    open_days_reset();
    fill(20300305, 10);
    add_site("b.example", "{}");
    count_view("b.example", 20300305, "/", "NL", 1);
    apply_all();
    assert_int_equal(close_all(), 0);
    clock_fake_advance(CLOSE_FORGET_MS);
    assert_int_equal(look(&closing), 0);
    assert_int_equal(key_count("ff:{0}:a.example:*"), 0);
    assert_int_equal(live("b.example", 20300305, TABLE_TOTAL, "v"), 1);
}

static void settings_that_cannot_be_read_forget_nothing(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{\"preset\":\"of another version\"}");
    fill(DATE, 10);
    assert_int_equal(close_all(), 0);
    clock_fake_advance(2 * CLOSE_FORGET_MS);
    assert_int_equal(close_all(), 0);
    assert_int_equal(live(A, DATE, TABLE_TOTAL, "v"), 10);
}

/* --- Presets ---------------------------------------------------------------------------------- */

static void records_expire_by_the_sites_settings(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        int64_t expiry_ms;
    } CASES[] = {
        /* 2032-04-01, and a month for the machine that is off */
        {"{}", INT64_C(1964390400000) + 31 * 24 * (int64_t)HOUR_MS},
        {"{\"preset\":\"strict\"}", INT64_C(1964390400000)},
        {"{\"keep_months\":0}", INT64_C(1964390400000)},
        {"{\"keep_days\":1,\"keep_months\":0}", INT64_C(1901232000000)}, /* 2030-04-01 */
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        open_days_reset();
        add_site(A, CASES[i].settings);
        fill(DATE, 30);
        assert_int_equal(close_all(), 1);
        assert_int_equal(expiry_of(DAY_KEY), CASES[i].expiry_ms);
        assert_int_equal(expiry_of(NAMES_KEY), CASES[i].expiry_ms);
    }
}

/* An imported log's days stay as long as others, from when they came. */
static void a_day_of_long_ago_counts_from_its_close(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{\"preset\":\"strict\"}");
    fill(20290517, 30);
    assert_int_equal(close_all(), 1);
    assert_int_equal(expiry_of("ff:{0}:a.example:day:20290517"), INT64_C(1964390400000));
    assert_int_equal(sealed(A, 20290517, TABLE_TOTAL, "", METRIC_PAGEVIEWS), 30);
}

static void a_strict_day_is_rounded_and_not_crossed(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{\"preset\":\"strict\"}");
    fill(DATE, 64);
    assert_int_equal(close_all(), 1);
    assert_int_equal(sealed(A, DATE, TABLE_TOTAL, "", METRIC_PAGEVIEWS), 60);
    assert_int_equal(sealed(A, DATE, TABLE_PAGE, "/", METRIC_PAGEVIEWS), 20);
}

static void the_rights_of_its_role_are_enough(void **state)
{
    (void)state;
    open_days_reset();
    add_site(A, "{}");
    fill(DATE, 20);
    become_aggregator();
    assert_int_equal(close_all(), 1);
    become_first_user();
    assert_int_equal(sealed(A, DATE, TABLE_TOTAL, "", METRIC_PAGEVIEWS), 20);
    assert_int_equal(key_count("*"), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_that_is_over_becomes_a_record),
        cmocka_unit_test(a_record_has_its_crosses_zone_and_thresholds),
        cmocka_unit_test(nothing_closes_before_its_time),
        cmocka_unit_test(a_day_that_changes_stays_open_for_another_minute),
        cmocka_unit_test(a_late_batch_opens_the_day_again),
        cmocka_unit_test(days_of_a_month_share_its_names),
        cmocka_unit_test(who_has_read_an_older_day_changes_nothing),
        cmocka_unit_test(a_close_that_is_killed_anywhere_is_repeated),
        cmocka_unit_test(a_week_off_closes_on_the_next_start),
        cmocka_unit_test(damage_stops_its_day_and_no_other),
        cmocka_unit_test(a_count_that_is_none_leaves_the_day_live),
        cmocka_unit_test(days_of_a_removed_site_are_forgotten_unsealed),
        cmocka_unit_test(the_open_day_of_a_removed_site_is_forgotten_too),
        cmocka_unit_test(settings_that_cannot_be_read_forget_nothing),
        cmocka_unit_test(records_expire_by_the_sites_settings),
        cmocka_unit_test(a_day_of_long_ago_counts_from_its_close),
        cmocka_unit_test(a_strict_day_is_rounded_and_not_crossed),
        cmocka_unit_test(the_rights_of_its_role_are_enough),
    };
    signal(SIGPIPE, SIG_IGN);
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, open_days_start, open_days_stop);
}

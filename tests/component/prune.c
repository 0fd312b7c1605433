/* Rows of writers and entries of the quarantine leave when they are old by every clock, and not a
 * moment before. Against a real Redis. */

#include "aggregator/prune.h"

#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>

#include "aggregator/acl.h"
#include "common/clock.h"
#include "common/limits.h"
#include "counted_log.h"
#include "tests/test.h"

enum { DAY_MS = 24 * 60 * 60 * 1000 };

/* Some seconds ago by Redis's clock, which a test cannot stop. */
static int64_t a_while_ago_ms(void)
{
    return clock_wall_ms() - 60000;
}

static void set_row(const char *writer, int64_t time_ms)
{
    char row[64];
    snprintf(row, sizeof(row), "7:%" PRId64, time_ms);
    DO(S("HSET"), S(WRITERS_KEY), str_from(writer), str_from(row));
}

static bool has_row(const char *writer)
{
    return field(WRITERS_KEY, str_from(writer)) == 7;
}

/* Calls `prune` until it has been through, as one who thinks that it is now `now_ms`. */
static void prune_at(int64_t now_time_ms, uint64_t *ret_rows, uint64_t *ret_entries)
{
    char scan[32] = "0", now[24], rows_kept[24], entries_kept[24];
    snprintf(now, sizeof(now), "%" PRId64, now_time_ms);
    snprintf(rows_kept, sizeof(rows_kept), "%lld", WRITER_ROW_KEPT_MS);
    snprintf(entries_kept, sizeof(entries_kept), "%lld", QUARANTINE_KEPT_MS);
    *ret_rows = *ret_entries = 0;
    do {
        struct redis_reply *reply =
            redis_do(redis, S("FCALL"), S("prune"), S("2"), S(WRITERS_KEY), S(QUARANTINE),
                     str_from(scan), str_from(now), str_from(rows_kept), str_from(entries_kept));
        assert_non_null(reply);
        assert_int_equal(redis_reply_count(reply), 3);
        snprintf(scan, sizeof(scan), "%.*s", STR_ARG(redis_reply_str(redis_reply_at(reply, 0))));
        *ret_rows += (uint64_t)redis_reply_integer(redis_reply_at(reply, 1));
        *ret_entries += (uint64_t)redis_reply_integer(redis_reply_at(reply, 2));
        redis_reply_free(reply);
    } while (strcmp(scan, "0") != 0);
}

static void a_row_leaves_when_it_is_older_than_its_time(void **state)
{
    (void)state;
    const int64_t now = a_while_ago_ms();
    uint64_t rows, entries;
    set_row("younger", now - WRITER_ROW_KEPT_MS + 1);
    set_row("as old", now - WRITER_ROW_KEPT_MS);
    set_row("older", now - WRITER_ROW_KEPT_MS - 1);
    set_row("of now", now);
    set_row("ahead", now + 400 * (int64_t)DAY_MS);
    DO(S("HSET"), S(WRITERS_KEY), S("no row"), S("x"));
    prune_at(now, &rows, &entries);
    assert_int_equal(rows, 1);
    assert_false(has_row("older"));
    assert_true(has_row("younger") && has_row("as old") && has_row("of now") && has_row("ahead"));
    prune_at(now + 1, &rows, &entries);
    assert_int_equal(rows, 1);
    assert_false(has_row("as old"));
    assert_int_equal(entries, 0);
    struct redis_reply *kept = redis_do(redis, S("HGET"), S(WRITERS_KEY), S("no row"));
    assert_true(redis_reply_is(kept, "x"));
    redis_reply_free(kept);
}

static void a_clock_that_is_ahead_takes_nothing(void **state)
{
    (void)state;
    uint64_t rows, entries;
    set_row("of now", clock_wall_ms());
    prune_at(clock_wall_ms() + 400 * (int64_t)DAY_MS, &rows, &entries);
    assert_int_equal(rows, 0);
    prune_at(0, &rows, &entries);
    assert_int_equal(rows, 0);
    assert_true(has_row("of now"));
}

static void entries_leave_the_quarantine_after_their_time(void **state)
{
    (void)state;
    const int64_t now = a_while_ago_ms();
    uint64_t rows, entries;
    for (int64_t more = -1; more <= 1; more++) {
        char id[40];
        snprintf(id, sizeof(id), "%lld-0", now - QUARANTINE_KEPT_MS + more);
        DO(S("XADD"), S(QUARANTINE), str_from(id), S("e"), S("1-0"));
    }
    prune_at(now, &rows, &entries);
    assert_int_equal(entries, 1);
    assert_int_equal(stream_length(QUARANTINE), 2);
    prune_at(now + 2, &rows, &entries);
    assert_int_equal(entries, 2);
}

/* A part a step, all of it in the end, and then nothing for an hour. */
static void it_goes_through_all_rows_once_an_hour(void **state)
{
    (void)state;
    struct prune prune;
    struct prune_counts counts;
    struct trouble trouble;
    uint64_t removed = 0;
    int steps = 0;
    char text[24];
    snprintf(text, sizeof(text), "7:%lld", clock_wall_ms() - WRITER_ROW_KEPT_MS - DAY_MS);
    DO(S("EVAL"), S("for i = 1, 5000 do redis.call('HSET', KEYS[1], i, ARGV[1]) end"), S("1"),
       S(WRITERS_KEY), str_from(text));
    set_row("of now", clock_wall_ms());
    prune_reset(&prune, 1000);
    assert_true(prune_step(&prune, redis, 0, 1000 + PRUNE_EVERY_MS - 1, &counts, &trouble));
    assert_int_equal(counts.rows, 0);
    int64_t at_ms = 1000 + PRUNE_EVERY_MS;
    for (; at_ms >= prune.due_ms; at_ms++) {
        assert_true(prune_step(&prune, redis, 0, at_ms, &counts, &trouble));
        assert_true(counts.rows < 2500);
        removed += counts.rows;
        steps++;
    }
    assert_int_equal(removed, 5000);
    assert_true(steps > 5);
    assert_true(has_row("of now"));
    assert_int_equal(prune.due_ms, at_ms - 1 + PRUNE_EVERY_MS);
}

static void a_refusal_is_told_and_changes_nothing(void **state)
{
    (void)state;
    struct prune prune;
    struct prune_counts counts;
    struct trouble trouble;
    DO(S("SET"), S(WRITERS_KEY), S("stray"));
    prune_reset(&prune, -PRUNE_EVERY_MS);
    assert_false(prune_step(&prune, redis, 0, 0, &counts, &trouble));
    assert_int_equal(trouble.kind, TROUBLE_KEY_TYPE);
    assert_int_equal(prune.due_ms, 0);
}

static void the_rights_of_its_role_are_enough(void **state)
{
    (void)state;
    struct redis_address address;
    struct prune prune;
    struct prune_counts counts;
    struct trouble trouble;
    char error[200];
    redis_server_add_user(&server, "aggregator", ACL_AGGREGATOR, &address);
    struct redis *as_role = redis_connect(&address, error, sizeof(error));
    assert_non_null(as_role);
    set_row("older", clock_wall_ms() - WRITER_ROW_KEPT_MS - DAY_MS);
    DO(S("XADD"), S(QUARANTINE), S("1-0"), S("e"), S("1-0"));
    prune_reset(&prune, -PRUNE_EVERY_MS);
    assert_true(prune_step(&prune, as_role, 0, 0, &counts, &trouble));
    assert_int_equal(counts.rows, 1);
    assert_int_equal(counts.entries, 1);
    redis_free(as_role);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, counted_start, counted_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(a_row_leaves_when_it_is_older_than_its_time),
        SERVED(a_clock_that_is_ahead_takes_nothing),
        SERVED(entries_leave_the_quarantine_after_their_time),
        SERVED(it_goes_through_all_rows_once_an_hour),
        SERVED(a_refusal_is_told_and_changes_nothing),
        SERVED(the_rights_of_its_role_are_enough),
    };
    signal(SIGPIPE, SIG_IGN);
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}

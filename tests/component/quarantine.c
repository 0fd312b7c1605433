/* What cannot be applied steps out of the log's way, once and whole, and comes back once; all else
 * is counted; and nothing that passes by itself is taken for it. Against a real Redis. */

#include "aggregator/quarantine.h"

#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "aggregator/acl.h"
#include "aggregator/batch.h"
#include "aggregator/functions.h"
#include "counted_log.h"
#include "tests/test.h"

#define B_TOTAL "ff:{0}:b.example:live:20261123:total"
#define B_PAGE "ff:{0}:b.example:live:20261123:page"
#define B_SEEN "ff:{0}:b.example:seen:20261123:page:/secret"
#define SECRET "/secret"

static char admin[128]; /* where the aggregator tells how it is */

static pid_t start_telling(void)
{
    snprintf(admin, sizeof(admin), "unix:%s/aggregate", server.dir);
    return start_telling_aggregator(&server.address, admin);
}

/* One view of SITE, counted by the oracle, beside one of b.example, in one batch. */
static void append_two_sites(void)
{
    struct buf payload;
    buf_init(&payload, BATCH_BYTES_MAX);
    batch_begin(&payload, 2);
    struct section *section = section_new(10);
    section_reset(section, S(SITE), DATE);
    count_oracle_view(section, 0, true);
    batch_append_section(&payload, section);
    section_reset(section, S("b.example"), DATE);
    count_view(section, SECRET, true);
    batch_append_section(&payload, section);
    section_free(section);
    batch_end(&payload);
    append_payload(0, buf_str(&payload));
    buf_done(&payload);
}

/* What a single batch with SITE's page in it takes back of the oracle while it is not counted. */
static void assert_counted_but(int64_t batches)
{
    assert_int_equal(field(TOTAL, S("v")), oracle.all_views - batches);
    assert_int_equal(field(PAGE, S("v/0")), oracle.views[0] - batches);
    assert_int_equal(field(TOTAL, S("b")), oracle.bounces - batches);
}

/* All of them, oldest first. */
static void retry_all(enum quarantine_retried expected)
{
    struct trouble trouble;
    struct redis_reply *ids = redis_do(redis, S("XRANGE"), S(QUARANTINE), S("-"), S("+"));
    for (size_t i = 0; i < redis_reply_count(ids); i++) {
        struct str id = redis_reply_str(redis_reply_at(redis_reply_at(ids, i), 0));
        assert_int_equal(quarantine_retry(redis, 0, id, &trouble), expected);
        if (expected == QUARANTINE_RETRIED) /* a lost answer is asked again */
            assert_int_equal(quarantine_retry(redis, 0, id, &trouble), QUARANTINE_GONE);
    }
    redis_reply_free(ids);
}

/* Why they are there, oldest first. */
static void assert_reasons(size_t count, const char *const *expected)
{
    struct log_entry_id after;
    assert_true(log_entry_id_set(&after, S("0-0")));
    for (size_t i = 0; i <= count; i++) {
        struct quarantine_entry entry;
        struct trouble trouble;
        bool has_entry;
        struct redis_reply *reply =
            quarantine_next(redis, 0, log_entry_id_str(&after), &has_entry, &entry, &trouble);
        assert_non_null(reply);
        assert_int_equal(has_entry, i < count);
        if (has_entry && !str_eq(entry.why, str_from(expected[i])))
            fail_msg("%zu: %.*s", i, STR_ARG(entry.why));
        assert_true(!has_entry || log_entry_id_set(&after, entry.id));
        redis_reply_free(reply);
    }
}

/* --- A function that fails half-way ------------------------------------------------------------
 */

struct obstacle {
    const char *reason;
    struct str command[4]; /* what is in the way */
    struct str mend[4];
};

static const struct obstacle OBSTACLES[] = {
    {"a key holds another type (" B_PAGE ")",
     {S("SET"), S(B_PAGE), S("stray")},
     {S("DEL"), S(B_PAGE)}},
    {"a key holds another type (" B_PAGE ")",
     {S("SADD"), S(B_SEEN), S("stray")},
     {S("DEL"), S(B_SEEN)}},
    {"a stored count is no number, or would leave its range (" B_TOTAL ")",
     {S("HSET"), S(B_TOTAL), S("v"), S("many")},
     {S("HDEL"), S(B_TOTAL), S("v")}},
    {"a stored count is no number, or would leave its range (" B_TOTAL ")",
     {S("HSET"), S(B_TOTAL), S("v"), S("9007199254740991")},
     {S("HDEL"), S(B_TOTAL), S("v")}},
    {"a stored count is no number, or would leave its range (" B_TOTAL ")",
     {S("HSET"), S(B_TOTAL), S("@0000000000000abc"), S("x")},
     {S("HDEL"), S(B_TOTAL), S("@0000000000000abc")}},
    {"a stored count is no number, or would leave its range (" B_PAGE ")",
     {S("HSET"), S(B_PAGE), S("u" SECRET), S("x")},
     {S("HDEL"), S(B_PAGE), S("u" SECRET)}},
    {"a stored sketch is corrupt (" B_PAGE ")",
     {S("SET"), S(B_SEEN), S("no sketch")},
     {S("DEL"), S(B_SEEN)}},
};

static void command_of(const struct str words[4])
{
    size_t argc = 0;
    while (argc < 4 && words[argc].ptr != NULL)
        argc++;
    command(argc, words);
}

/* Beside another page: a sketch is in the way where its table is. */
static void put_in_the_way(const struct obstacle *obstacle)
{
    DO(S("HSET"), S(B_PAGE), S("v/other"), S("1"));
    command_of(obstacle->command);
}

/* b.example as it is at rest, but for expiries: nothing of the batch may be there. */
static void photograph(struct buf *out)
{
    static const char *const KEYS[] = {B_TOTAL, B_PAGE, B_SEEN};
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
        struct redis_reply *dump = redis_do(redis, S("DUMP"), str_from(KEYS[i]));
        assert_non_null(dump);
        buf_append_str(out, redis_reply_str(dump));
        redis_reply_free(dump);
    }
    assert_false(out->overflow);
}

/* A bad batch between good ones: nothing of it is applied, all of them are. */
static void try_obstacle(const struct obstacle *obstacle)
{
    struct buf before, after;
    buf_init(&before, 65536);
    buf_init(&after, 65536);
    put_in_the_way(obstacle);
    photograph(&before);
    for (int i = 0; i < 5; i++)
        append_views(3);
    append_two_sites();
    for (int i = 0; i < 5; i++)
        append_views(3);
    pid_t pid = start_aggregator(&server.address);
    wait_applied();
    photograph(&after);
    assert_true(str_eq(buf_str(&before), buf_str(&after)));
    assert_counted_but(1);
    assert_reasons(1, &obstacle->reason);

    command_of(obstacle->mend);
    retry_all(QUARANTINE_RETRIED);
    wait_applied();
    assert_int_equal(stream_length(QUARANTINE), 0);
    assert_counts_equal_the_oracle();
    assert_int_equal(field(B_TOTAL, S("v")), 1);
    assert_int_equal(field(B_PAGE, S("v" SECRET)), 1);
    assert_int_equal(field(B_PAGE, S("u" SECRET)), 1);
    stop_aggregator(pid);
    buf_done(&before);
    buf_done(&after);
}

static void nothing_of_a_batch_that_is_refused_is_applied(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(OBSTACLES); i++) {
        char error[200];
        DO(S("FLUSHALL"));
        memset(&oracle, 0, sizeof(oracle));
        assert_true(functions_load(redis, error, sizeof(error)));
        try_obstacle(&OBSTACLES[i]);
    }
}

static void obstacles_while_it_runs_are_met_as_well(void **state)
{
    (void)state;
    pid_t pid = start_aggregator(&server.address);
    append_two_sites();
    wait_applied();
    for (size_t i = 0; i < ARRAY_LEN(OBSTACLES); i++) {
        /* What the keys hold is set aside, so that the obstacle has its place. */
        DO(S("RENAME"), S(B_TOTAL), S("total"));
        DO(S("RENAME"), S(B_PAGE), S("page"));
        DO(S("RENAME"), S(B_SEEN), S("seen"));
        put_in_the_way(&OBSTACLES[i]);
        append_two_sites();
        wait_applied();
        assert_int_equal(stream_length(QUARANTINE), 1);
        assert_counted_but(1);
        DO(S("RENAME"), S("total"), S(B_TOTAL));
        DO(S("RENAME"), S("page"), S(B_PAGE));
        DO(S("RENAME"), S("seen"), S(B_SEEN));
        retry_all(QUARANTINE_RETRIED);
        wait_applied();
        assert_int_equal(field(B_TOTAL, S("v")), 2 + (int64_t)i);
    }
    stop_aggregator(pid);
    assert_counts_equal_the_oracle();
}

/* Many in one step, which is refused as a whole at first. */
static void a_refused_step_is_narrowed_down_to_its_culprits(void **state)
{
    (void)state;
    int64_t bad = 0;
    DO(S("HSET"), S(B_TOTAL), S("v"), S("many"));
    for (int i = 0; i < 400; i++) {
        if (randombytes_uniform(40) == 0 || i == 0 || i == 399) {
            append_two_sites();
            bad++;
        } else {
            append_views(2);
        }
    }
    pid_t pid = start_aggregator(&server.address);
    wait_applied();
    assert_int_equal(stream_length(QUARANTINE), bad);
    assert_counted_but(bad);
    DO(S("DEL"), S(B_TOTAL));
    retry_all(QUARANTINE_RETRIED);
    wait_applied();
    stop_aggregator(pid);
    assert_counts_equal_the_oracle();
    assert_int_equal(field(B_TOTAL, S("v")), bad);
}

static void an_operator_is_told_until_it_is_gone(void **state)
{
    (void)state;
    DO(S("HSET"), S(B_TOTAL), S("v"), S("many"));
    append_two_sites();
    pid_t pid = start_telling();
    wait_applied();
    wait_told(admin, "/metrics", "\nfootfall_aggregator_entries_quarantined_total 1\n");
    wait_told(admin, "/metrics", "\nfootfall_aggregator_quarantined_entries 1\n");
    wait_told(admin, "/readyz", "{\"status\":\"ready\"");
    wait_told(admin, "/readyz", "\"name\":\"quarantine\",\"ok\":false,\"needed\":false");
    DO(S("DEL"), S(B_TOTAL));
    retry_all(QUARANTINE_RETRIED);
    wait_told(admin, "/readyz", "\"name\":\"quarantine\",\"ok\":true");
    wait_told(admin, "/metrics", "\nfootfall_aggregator_quarantined_entries 0\n");
    stop_aggregator(pid);
}

/* Each is fine alone; the last one leaves the range. */
static void sums_that_leave_the_range_together_are_found(void **state)
{
    (void)state;
    DO(S("HSET"), S(B_TOTAL), S("v"), S("9007199254740989"));
    for (int i = 0; i < 4; i++)
        append_two_sites();
    pid_t pid = start_aggregator(&server.address);
    wait_applied();
    stop_aggregator(pid);
    assert_int_equal(stream_length(QUARANTINE), 2);
    assert_int_equal(field(B_TOTAL, S("v")), 9007199254740991);
    assert_counted_but(2);
}

/* --- Entries that are no batches ---------------------------------------------------------------
 */

/* As somebody who took the collector's rights over may write them. */
static void append_wide_entry(void)
{
    struct str argv[3 + 9000] = {S("XADD"), S(LOG), S("*")};
    for (size_t i = 3; i < ARRAY_LEN(argv); i++)
        argv[i] = S("x");
    command(ARRAY_LEN(argv), argv);
}

static void append_long_entry(void)
{
    char *payload = calloc(1, BATCH_BYTES_MAX + 1);
    DO(S("XADD"), S(LOG), S("*"), S("w"), S("abc"), S("n"), S("1"), S("p"),
       ((struct str){payload, BATCH_BYTES_MAX + 1}));
    free(payload);
}

static void what_is_no_batch_steps_aside(void **state)
{
    static const char *const REASONS[] = {"not a batch", "append did not write it",
                                          "append did not write it", "append did not write it",
                                          "append did not write it"};
    (void)state;
    append_views(3);
    append_payload(0, S("no batch at all, " SECRET));
    DO(S("XADD"), S(LOG), S("*"), S("x"), S("y"));
    DO(S("XADD"), S(LOG), S("*"), S("w"), S("zz"), S("n"), S("1"), S("p"), S("p"));
    append_wide_entry();
    append_long_entry();
    append_views(4);
    /* The oracle's number of writer 0 counts the batch that has no site. */
    append_views(1);
    while (oracle.numbers[0] < 3)
        append_views(1);
    pid_t pid = start_telling();
    wait_applied();
    assert_reasons(ARRAY_LEN(REASONS), REASONS);
    wait_told(admin, "/metrics", "\nfootfall_aggregator_entries_quarantined_total 5\n");
    wait_told(admin, "/metrics", "\nfootfall_aggregator_log_entries_behind 0\n");
    wait_told(admin, "/readyz", "{\"status\":\"ready\"");
    wait_told(admin, "/readyz", "(entries: 5)");
    assert_int_equal(stream_length(QUARANTINE), 5);
    assert_int_equal(field(TOTAL, S("v")), oracle.all_views);

    /* Those of append's form come back, and cannot be counted again; the others stay. */
    struct trouble trouble;
    struct redis_reply *all = redis_do(redis, S("XRANGE"), S(QUARANTINE), S("-"), S("+"));
    static const enum quarantine_retried EXPECTED[] = {QUARANTINE_RETRIED, QUARANTINE_NO_BATCH,
                                                       QUARANTINE_RETRIED, QUARANTINE_NO_BATCH,
                                                       QUARANTINE_RETRIED};
    for (size_t i = 0; i < ARRAY_LEN(EXPECTED); i++)
        assert_int_equal(
            quarantine_retry(redis, 0, redis_reply_str(redis_reply_at(redis_reply_at(all, i), 0)),
                             &trouble),
            EXPECTED[i]);
    redis_reply_free(all);
    wait_told(admin, "/metrics", "\nfootfall_aggregator_entries_quarantined_total 8\n");
    assert_int_equal(stream_length(QUARANTINE), 5);
    assert_int_equal(field(TOTAL, S("v")), oracle.all_views);
    stop_aggregator(pid);
}

/* --- The alarm, the bound, and two at once -----------------------------------------------------
 */

static size_t count_in(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

static void each_is_told_once_and_without_data(void **state)
{
    (void)state;
    char path[128], text[16384] = "";
    snprintf(path, sizeof(path), "%s/said", server.dir);
    DO(S("HSET"), S(B_TOTAL), S("v"), S("many"));
    append_two_sites();
    append_payload(0, S("no batch, " SECRET));
    append_views(3);
    append_two_sites();
    int said = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600), before = dup(STDERR_FILENO);
    assert_true(said >= 0 && dup2(said, STDERR_FILENO) >= 0);
    pid_t first = start_aggregator(&server.address), second = start_aggregator(&server.address);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    wait_applied();
    /* Who has moved an entry says so afterwards. */
    for (int64_t began_ms = now_ms(); now_ms() - began_ms < WAIT_MS_MAX; sleep_ms(20)) {
        assert_true(pread(said, text, sizeof(text) - 1, 0) >= 0);
        if (count_in(text, "not counted: ") >= 3)
            break;
    }
    kill_aggregator(first);
    kill_aggregator(second);
    assert_true(pread(said, text, sizeof(text) - 1, 0) > 0);
    close(said);
    close(before);
    assert_int_equal(stream_length(QUARANTINE), 3);
    assert_int_equal(count_in(text, "is in quarantine, not counted: "), 3);
    assert_int_equal(count_in(text, "leave its range (" B_TOTAL ")"), 2);
    assert_int_equal(count_in(text, ": not a batch\n"), 1);
    assert_int_equal(count_in(text, SECRET), 0);
    assert_counted_but(2);
}

static void fill_quarantine(unsigned entries)
{
    char count[16];
    snprintf(count, sizeof(count), "%u", entries);
    DO(S("EVAL"),
       S("for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'e', '1-0', 'r', 'x') end"),
       S("1"), S(QUARANTINE), str_from(count));
}

static void a_full_quarantine_stops_the_log_and_loses_nothing(void **state)
{
    (void)state;
    fill_quarantine(QUARANTINE_ENTRIES_MAX - 1);
    append_payload(0, S("no batch"));
    append_views(3);
    append_payload(0, S("no batch"));
    append_views(3);
    pid_t pid = start_telling();
    wait_told(admin, "/readyz", "\"name\":\"quarantine_room\",\"ok\":false,\"needed\":true");
    wait_told(admin, "/readyz", "\"name\":\"redis\",\"ok\":true");
    assert_int_equal(stream_length(QUARANTINE), QUARANTINE_ENTRIES_MAX);
    assert_int_equal(log_length(), 2);
    struct redis_reply *first =
        redis_do(redis, S("XRANGE"), S(QUARANTINE), S("-"), S("+"), S("COUNT"), S("1"));
    struct trouble trouble;
    assert_true(quarantine_discard(
        redis, 0, redis_reply_str(redis_reply_at(redis_reply_at(first, 0), 0)), &trouble));
    redis_reply_free(first);
    wait_applied();
    wait_told(admin, "/readyz", "\"name\":\"quarantine_room\",\"ok\":true");
    assert_int_equal(stream_length(QUARANTINE), QUARANTINE_ENTRIES_MAX);
    assert_int_equal(field(TOTAL, S("v")), oracle.all_views);
    stop_aggregator(pid);
}

static void what_is_mended_while_the_quarantine_is_full_goes_on(void **state)
{
    (void)state;
    fill_quarantine(QUARANTINE_ENTRIES_MAX);
    DO(S("HSET"), S(B_TOTAL), S("v"), S("many"));
    append_views(3);
    append_two_sites();
    append_views(3);
    pid_t pid = start_telling();
    wait_told(admin, "/readyz", "\"name\":\"quarantine_room\",\"ok\":false,\"needed\":true");
    DO(S("DEL"), S(B_TOTAL));
    wait_applied();
    stop_aggregator(pid);
    assert_int_equal(stream_length(QUARANTINE), QUARANTINE_ENTRIES_MAX);
    assert_counts_equal_the_oracle();
}

static void two_aggregators_quarantine_once(void **state)
{
    (void)state;
    int64_t bad = 0;
    DO(S("SET"), S(B_PAGE), S("stray"));
    pid_t pids[] = {start_aggregator(&server.address), start_aggregator(&server.address)};
    for (int i = 0; i < 200; i++) {
        append_views(2);
        if (randombytes_uniform(8) == 0) {
            append_two_sites();
            bad++;
        }
        if (i % 10 == 0)
            sleep_ms(20);
    }
    wait_applied();
    assert_int_equal(stream_length(QUARANTINE), bad);
    assert_counted_but(bad);
    DO(S("DEL"), S(B_PAGE));
    retry_all(QUARANTINE_RETRIED);
    wait_applied();
    stop_aggregator(pids[0]);
    stop_aggregator(pids[1]);
    assert_counts_equal_the_oracle();
    assert_int_equal(field(B_TOTAL, S("v")), bad);
}

static void the_rights_of_the_roles_are_enough(void **state)
{
    (void)state;
    struct redis_address aggregator, operator_address;
    char error[200];
    redis_server_add_user(&server, "aggregator", ACL_AGGREGATOR, &aggregator);
    redis_server_add_user(&server, "admin", ACL_ADMIN, &operator_address);
    DO(S("HSET"), S(B_TOTAL), S("v"), S("many"));
    append_two_sites();
    append_payload(1, S("no batch"));
    /* What is behind the cursor is set aside as well. */
    DO(S("SET"), S(CURSOR), S("1-5"));
    pid_t pid = start_aggregator(&aggregator);
    wait_applied();
    DO(S("DEL"), S(LOG));
    DO(S("XADD"), S(LOG), S("1-0"), S("w"), S("x"));
    wait_applied();
    assert_int_equal(stream_length(QUARANTINE), 3);
    DO(S("DEL"), S(B_TOTAL));
    struct redis *as_admin = redis_connect(&operator_address, error, sizeof(error)), *mine = redis;
    assert_non_null(as_admin);
    redis = as_admin;
    struct redis_reply *all = redis_do(redis, S("XRANGE"), S(QUARANTINE), S("-"), S("+"));
    struct trouble trouble;
    assert_int_equal(quarantine_retry(redis, 0,
                                      redis_reply_str(redis_reply_at(redis_reply_at(all, 0), 0)),
                                      &trouble),
                     QUARANTINE_RETRIED);
    for (size_t i = 1; i < 3; i++)
        assert_true(quarantine_discard(
            redis, 0, redis_reply_str(redis_reply_at(redis_reply_at(all, i), 0)), &trouble));
    redis_reply_free(all);
    redis = mine;
    redis_free(as_admin);
    wait_applied();
    stop_aggregator(pid);
    assert_int_equal(stream_length(QUARANTINE), 0);
    assert_int_equal(field(TOTAL, S("v")), 1);
    assert_int_equal(field(B_TOTAL, S("v")), 1);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, counted_start, counted_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(nothing_of_a_batch_that_is_refused_is_applied),
        SERVED(obstacles_while_it_runs_are_met_as_well),
        SERVED(a_refused_step_is_narrowed_down_to_its_culprits),
        SERVED(an_operator_is_told_until_it_is_gone),
        SERVED(sums_that_leave_the_range_together_are_found),
        SERVED(what_is_no_batch_steps_aside),
        SERVED(each_is_told_once_and_without_data),
        SERVED(a_full_quarantine_stops_the_log_and_loses_nothing),
        SERVED(what_is_mended_while_the_quarantine_is_full_goes_on),
        SERVED(two_aggregators_quarantine_once),
        SERVED(the_rights_of_the_roles_are_enough),
    };
    signal(SIGPIPE, SIG_IGN);
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}

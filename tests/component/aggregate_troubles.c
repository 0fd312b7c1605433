/* What passes by itself is named, waited for, and blamed on no entry: Redis away, slow, loading,
 * full, read-only, busy, without the functions or the rights. Against a real Redis in each state.
 */

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aggregator/acl.h"
#include "aggregator/functions.h"
#include "counted_log.h"
#include "tests/test.h"

static char admin[128]; /* where the aggregator tells how it is */
static pid_t aggregator;
static struct redis_address address; /* as the role's user */

static int start(void **state)
{
    if (counted_start(state) != 0)
        return -1;
    redis_server_add_user(&server, "aggregator", ACL_AGGREGATOR, &address);
    snprintf(admin, sizeof(admin), "unix:%s/aggregate", server.dir);
    aggregator = start_telling_aggregator(&address, admin);
    append_views(5);
    wait_applied();
    wait_told(admin, "/readyz", "{\"status\":\"ready\"");
    return 0;
}

/* Waits until it says so of Redis. */
static void wait_told_why(const char *words)
{
    char detail[200];
    snprintf(detail, sizeof(detail),
             "\"detail\":\"Redis does not answer as it should: nothing is applied: %s\"", words);
    wait_told_both(admin, "/readyz", "{\"status\":\"not ready\"", detail);
}

static void assert_all_is_well_again(void)
{
    wait_applied();
    wait_told(admin, "/readyz", "{\"status\":\"ready\"");
    wait_told(admin, "/metrics", "\nfootfall_aggregator_entries_quarantined_total 0\n");
    stop_aggregator(aggregator);
    assert_counts_equal_the_oracle();
    assert_int_equal(stream_length(QUARANTINE), 0);
}

/* A batch that waits, and an aggregator that does not know of it yet. */
static void append_unseen(void)
{
    kill(aggregator, SIGSTOP);
    append_views(5);
}

/* Until Redis, asked so, has these words in its answer or refusal. */
static void await_redis(struct str question, struct str argument, const char *words)
{
    bool said = false;
    for (int64_t began_ms = now_ms(); !said; sleep_ms(5)) {
        assert_true(now_ms() - began_ms < WAIT_MS_MAX);
        struct redis_reply *reply = redis_do(redis, question, argument);
        assert_non_null(reply);
        struct str answer = redis_reply_str(reply);
        said = memmem(answer.ptr, answer.len, words, strlen(words)) != NULL;
        redis_reply_free(reply);
    }
}

static void redis_is_away(void **state)
{
    (void)state;
    append_unseen();
    redis_free(redis);
    redis_server_kill(&server, SIGKILL);
    kill(aggregator, SIGCONT);
    wait_told_why("Redis cannot be reached, or refuses");
    redis_server_restart(&server, APPEND_ONLY);
    redis = redis_server_connect(&server);
    redis_server_add_user(&server, "aggregator", ACL_AGGREGATOR, &address);
    assert_all_is_well_again();
}

static void redis_is_slow(void **state)
{
    (void)state;
    append_unseen();
    kill(server.pid, SIGSTOP);
    kill(aggregator, SIGCONT);
    wait_told_why("Redis does not answer in time");
    kill(server.pid, SIGCONT);
    assert_all_is_well_again();
}

/* A Redis that takes its time for each command of its file, and answers after each 1,024. */
static void redis_is_loading(void **state)
{
    (void)state;
    static const char *const SLOWLY[] = {
        "--appendonly", "yes", "--appendfsync", "always", "--key-load-delay", "400", NULL};
    append_unseen();
    DO(S("EVAL"), S("for i = 1, 16384 do redis.call('SET', KEYS[1], i) end"), S("1"), S("many"));
    redis_free(redis);
    redis_server_kill(&server, SIGKILL);
    kill(aggregator, SIGCONT);
    pid_t watcher = fork();
    assert_true(watcher >= 0);
    if (watcher == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        wait_told_why("Redis is loading its files");
        _exit(0);
    }
    /* The role's user is not in the file: the first user has no password. */
    memset(address.user, 0, sizeof(address.user));
    stop_aggregator(aggregator);
    aggregator = start_telling_aggregator(&address, admin);
    redis_server_restart(&server, SLOWLY);
    redis = redis_server_connect(&server);
    int status;
    assert_int_equal(waitpid(watcher, &status, 0), watcher);
    assert_int_equal(status, 0);
    assert_all_is_well_again();
}

static void redis_has_no_memory(void **state)
{
    (void)state;
    append_unseen();
    DO(S("CONFIG"), S("SET"), S("maxmemory"), S("1"));
    kill(aggregator, SIGCONT);
    wait_told_why("Redis has no memory left");
    DO(S("CONFIG"), S("SET"), S("maxmemory"), S("0"));
    assert_all_is_well_again();
}

/* Snapshots that fail stop all writes, where they are wanted. */
static void redis_cannot_write_its_files(void **state)
{
    (void)state;
    char folder[128];
    snprintf(folder, sizeof(folder), "%s/gone", server.dir);
    append_unseen();
    DO(S("CONFIG"), S("SET"), S("save"), S("3600 1"));
    char line[300];
    snprintf(line, sizeof(line), "mkdir %s", folder);
    assert_int_equal(system(line), 0);
    DO(S("CONFIG"), S("SET"), S("dir"), str_from(folder));
    assert_int_equal(rmdir(folder), 0);
    DO(S("BGSAVE"));
    await_redis(S("INFO"), S("persistence"), "rdb_last_bgsave_status:err");
    kill(aggregator, SIGCONT);
    wait_told_why("Redis cannot write its files");
    DO(S("CONFIG"), S("SET"), S("save"), S(""));
    DO(S("CONFIG"), S("SET"), S("dir"), str_from(server.dir));
    assert_all_is_well_again();
}

static void redis_is_a_replica(void **state)
{
    (void)state;
    append_unseen();
    DO(S("REPLICAOF"), S("127.0.0.1"), S("1"));
    kill(aggregator, SIGCONT);
    wait_told_why("Redis is read-only, a replica");
    DO(S("REPLICAOF"), S("NO"), S("ONE"));
    assert_all_is_well_again();
}

static void redis_is_busy(void **state)
{
    (void)state;
    append_unseen();
    DO(S("CONFIG"), S("SET"), S("busy-reply-threshold"), S("50"));
    pid_t script = fork();
    assert_true(script >= 0);
    if (script == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct redis *own = redis_server_connect(&server);
        redis_reply_free(redis_do(own, S("EVAL"), S("while true do end"), S("0")));
        _exit(0);
    }
    await_redis(S("PING"), S("busy?"), "BUSY");
    kill(aggregator, SIGCONT);
    wait_told_why("Redis is busy with a script");
    DO(S("SCRIPT"), S("KILL"));
    assert_int_equal(waitpid(script, NULL, 0), script);
    assert_all_is_well_again();
}

static void a_right_is_missing(void **state)
{
    (void)state;
    append_unseen();
    DO(S("ACL"), S("SETUSER"), S("aggregator"), S("-fcall"));
    kill(aggregator, SIGCONT);
    wait_told_why("the aggregator's user lacks a right");
    DO(S("ACL"), S("SETUSER"), S("aggregator"), S("+fcall"));
    assert_all_is_well_again();
}

static void the_password_is_another(void **state)
{
    (void)state;
    DO(S("ACL"), S("SETUSER"), S("aggregator"), S("resetpass"), S(">another"));
    DO(S("CLIENT"), S("KILL"), S("USER"), S("aggregator"));
    append_views(5);
    wait_told_why("Redis refuses the user or the password");
    DO(S("ACL"), S("SETUSER"), S("aggregator"), S(">secret"));
    assert_all_is_well_again();
}

/* Another version's functions may refuse what ours take: they are replaced, not believed. */
static void functions_of_another_version_blame_no_entry(void **state)
{
    (void)state;
    static const char *const ANSWERS[] = {"BADTYPE 3", "BADARG 5", "BADFIELD 8", "BADSKETCH 20"};
    for (size_t i = 0; i < ARRAY_LEN(ANSWERS); i++) {
        char code[200];
        append_unseen();
        snprintf(code, sizeof(code),
                 "#!lua name=footfall\n"
                 "redis.register_function('apply', function() return {err = '%s'} end)",
                 ANSWERS[i]);
        DO(S("FUNCTION"), S("LOAD"), S("REPLACE"), str_from(code));
        kill(aggregator, SIGCONT);
        wait_applied();
    }
    assert_all_is_well_again();
}

/* No entry is at fault for these. */
static void a_log_or_cursor_of_another_type_is_waited_for(void **state)
{
    (void)state;
    static const char *const KEYS[] = {CURSOR, LOG};
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
        append_unseen();
        DO(S("RENAME"), str_from(KEYS[i]), S("aside"));
        DO(S("HSET"), str_from(KEYS[i]), S("a"), S("b"));
        kill(aggregator, SIGCONT);
        wait_told_why("a key holds another type");
        DO(S("RENAME"), S("aside"), str_from(KEYS[i]));
        wait_applied();
        wait_told(admin, "/readyz", "{\"status\":\"ready\"");
    }
    assert_all_is_well_again();
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, start, counted_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(redis_is_away),
        SERVED(redis_is_slow),
        SERVED(redis_is_loading),
        SERVED(redis_has_no_memory),
        SERVED(redis_cannot_write_its_files),
        SERVED(redis_is_a_replica),
        SERVED(redis_is_busy),
        SERVED(a_right_is_missing),
        SERVED(the_password_is_another),
        SERVED(functions_of_another_version_blame_no_entry),
        SERVED(a_log_or_cursor_of_another_type_is_waited_for),
    };
    signal(SIGPIPE, SIG_IGN);
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}

/* What each role's Redis user may do and may not, against a real Redis: the rules of
 * aggregator/acl.h are enough for its functions, and for little else. */

#include "aggregator/acl.h"

#include <stdio.h>
#include <stdlib.h>

#include "aggregator/functions.h"
#include "asked_redis.h"
#include "tests/test.h"

static bool is_denied(const char *text)
{
    return memcmp(text, "NOPERM", 6) == 0;
}

static struct redis *connect_as(const char *name, const char *rules)
{
    struct redis_address address;
    char error[200];
    redis_server_add_user(&server, name, rules, &address);
    struct redis *client = redis_connect(&address, error, sizeof(error));
    assert_non_null(client);
    return client;
}

struct right {
    bool allowed;
    struct str command[7];
};

static void assert_rights(struct redis *client, const struct right *rights, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t argc = 0;
        while (argc < ARRAY_LEN(rights[i].command) && rights[i].command[argc].ptr != NULL)
            argc++;
        const char *text = ask_args(client, argc, rights[i].command);
        if (is_denied(text) == rights[i].allowed)
            fail_msg("%.*s %.*s: %s", STR_ARG(rights[i].command[0]),
                     argc > 1 ? (int)rights[i].command[1].len : 0, rights[i].command[1].ptr, text);
    }
}

static void a_collector_appends_and_cannot_read_a_count(void **state)
{
    (void)state;
    static const struct right RIGHTS[] = {
        {true, {S("HGETALL"), S("ff:sites")}},
        {true, {S("PUBLISH"), S("ff:live:a.example"), S("x")}},
        {true, {S("PING")}},
        {false, {S("PUBLISH"), S("ff:sites"), S("x")}},
        {false, {S("HSET"), S("ff:sites"), S("a"), S("b")}},
        {false, {S("HGETALL"), S(TOTAL)}},
        {false, {S("HGET"), S(TOTAL), S("v")}},
        {false, {S("HGETALL"), S(WRITERS)}},
        {false, {S("GET"), S(SEEN)}},
        {false, {S("PFCOUNT"), S(SEEN)}},
        {false, {S("XRANGE"), S(LOG), S("-"), S("+")}},
        {false, {S("XREAD"), S("STREAMS"), S(LOG), S("0")}},
        {false, {S("XTRIM"), S(LOG), S("MAXLEN"), S("0")}},
        {false, {S("DEL"), S(LOG)}},
        {false, {S("GET"), S(CURSOR)}},
        {false, {S("KEYS"), S("*")}},
        {false, {S("SCAN"), S("0")}},
        {false, {S("EVAL"), S("return 1"), S("0")}},
        {false, {S("CONFIG"), S("GET"), S("*")}},
        {false, {S("MONITOR")}},
        {false, {S("FUNCTION"), S("LOAD"), S("x")}},
        {false, {S("FLUSHALL")}},
        {false, {S("INFO")}},
        {false, {S("PSUBSCRIBE"), S("ff:live:*")}},
        {false, {S("SUBSCRIBE"), S("ff:live:a.example")}},
        {true, {S("SUBSCRIBE"), S("ff:sites")}},
        {true, {S("PSUBSCRIBE"), S("ff:sites")}},
    };
    flush();
    ASK(S("HSET"), S("ff:sites"), S("a.example"), S("{}"));
    struct redis *client = connect_as("collector", ACL_COLLECTOR);
    assert_string_equal(ASK_AS(client, S("FCALL"), S("append"), S("2"), S(LOG), S(WRITERS),
                               S(WRITER), S("1"), S("p"), S("1")),
                        "OK");
    struct snapshot before = take_snapshot();
    assert_true(is_denied(ASK_AS(client, FIRST_CALL, FIRST_ARGS("0-0", "5-0"))));
    assert_unchanged(&before);
    buf_done(&before.bytes);
    assert_rights(client, RIGHTS, ARRAY_LEN(RIGHTS));
    redis_free(client);
}

static void an_aggregator_applies_and_loads_the_library(void **state)
{
    (void)state;
    static const struct right RIGHTS[] = {
        {true, {S("HKEYS"), S(PAGE)}},
        {true, {S("XREAD"), S("STREAMS"), S(LOG), S("0")}},
        {true, {S("XADD"), S(QUARANTINE), S("*"), S("a"), S("b")}},
        {true, {S("HSCAN"), S(WRITERS), S("0")}},
        {true, {S("HDEL"), S(WRITERS), S("a")}},
        {false, {S("HDEL"), S(TOTAL), S("a")}},
        {false, {S("XADD"), S(LOG), S("*"), S("w"), S("x")}},
        {false, {S("HGETALL"), S(WRITERS)}},
        {true, {S("HGETALL"), S("ff:sites")}},
        {true, {S("HMGET"), S("ff:sites"), S("a.example")}},
        {true, {S("HDEL"), S(OPEN), S("a.example:20261123")}},
        {true, {S("HGETALL"), S(OPEN)}},
        {true, {S("HGETALL"), S(PAGE)}},
        {false, {S("HSET"), S("ff:sites"), S("a"), S("b")}},
        {false, {S("KEYS"), S("*")}},
        {false, {S("EVAL"), S("return 1"), S("0")}},
        {false, {S("CONFIG"), S("SET"), S("appendonly"), S("no")}},
        {false, {S("CONFIG"), S("GET"), S("*")}},
        {false, {S("MONITOR")}},
        {false, {S("FUNCTION"), S("FLUSH")}},
        {false, {S("FLUSHALL")}},
        {false, {S("ACL"), S("LIST")}},
        {false, {S("SUBSCRIBE"), S("ff:sites")}},
        {false, {S("SHUTDOWN")}},
    };
    char error[200];
    flush();
    struct redis *client = connect_as("aggregator", ACL_AGGREGATOR);
    ASK(S("FUNCTION"), S("FLUSH"));
    assert_true(functions_load(client, error, sizeof(error)));
    assert_string_equal(ASK_AS(client, FIRST_CALL, FIRST_ARGS("0-0", "5-0")), "OK");
    assert_string_equal(ASK_AS(client, FIRST_CALL, FIRST_ARGS("5-0", "6-0")), "OK");
    assert_rights(client, RIGHTS, ARRAY_LEN(RIGHTS));
    redis_free(client);
}

static void dashboards_read_in_one_step_and_change_nothing(void **state)
{
    (void)state;
    static const struct right RIGHTS[] = {
        {true, {S("MULTI")}},
        {true, {S("HGETALL"), S(TOTAL)}},
        {true, {S("HGETALL"), S(PAGE)}},
        {true, {S("EXEC")}},
        {true, {S("HGETALL"), S("ff:sites")}},
        {true, {S("MGET"), S(CURSOR)}},
        {true, {S("HMGET"), S(TOTAL), S("v")}},
        {true, {S("PING")}},
        {false, {S("SET"), S(CURSOR), S("0-0")}},
        {false, {S("HSET"), S("ff:sites"), S("a"), S("b")}},
        {false, {S("FCALL"), S("append"), S("2"), S(LOG), S(WRITERS)}},
        {false, {S("GET"), S("other")}},
        {false, {S("XRANGE"), S(LOG), S("-"), S("+")}},
        {false, {S("KEYS"), S("*")}},
        {false, {S("SCAN"), S("0")}},
        {false, {S("EVAL"), S("return 1"), S("0")}},
        {false, {S("CONFIG"), S("GET"), S("*")}},
        {false, {S("MONITOR")}},
        {false, {S("PUBLISH"), S("ff:live:a.example"), S("x")}},
        {false, {S("PSUBSCRIBE"), S("*")}},
        {true, {S("PSUBSCRIBE"), S("ff:live:*")}},
        {true, {S("PSUBSCRIBE"), S("ff:sites")}},
        {true, {S("SUBSCRIBE"), S("ff:live:a.example")}},
    };
    struct redis *client = connect_as("dashboards", ACL_DASHBOARDS);
    assert_rights(client, RIGHTS, ARRAY_LEN(RIGHTS));
    redis_free(client);
}

static void an_admin_sees_all_and_changes_the_site_list(void **state)
{
    (void)state;
    static const struct right RIGHTS[] = {
        {true, {S("HSET"), S("ff:sites"), S("a.example"), S("{}")}},
        {true, {S("HDEL"), S("ff:sites"), S("a.example")}},
        {true, {S("PUBLISH"), S("ff:sites"), S("x")}},
        {true, {S("XADD"), S(QUARANTINE), S("1-0"), S("a"), S("b")}},
        {true, {S("XRANGE"), S(QUARANTINE), S("-"), S("+")}},
        {true, {S("XDEL"), S(QUARANTINE), S("1-0")}},
        {true, {S("FCALL"), S("retry"), S("2"), S(QUARANTINE), S(LOG), S("1-0")}},
        {false, {S("FCALL"), S("prune"), S("2"), S(WRITERS), S(QUARANTINE), S("0")}},
        {false, {S("XADD"), S(TOTAL), S("*"), S("a"), S("b")}},
        {false, {S("SET"), S(CURSOR), S("0-0")}},
        {true, {S("SCAN"), S("0")}},
        {true, {S("TYPE"), S("stray")}},
        {true, {S("PTTL"), S("stray")}},
        {true, {S("MEMORY"), S("USAGE"), S("stray")}},
        {true, {S("DUMP"), S(TOTAL)}},
        {true, {S("INFO")}},
        {true, {S("CONFIG"), S("GET"), S("appendfsync")}},
        {true, {S("ACL"), S("WHOAMI")}},
        {true, {S("FUNCTION"), S("LIST")}},
        {true, {S("PING")}},
        {true, {S("DEL"), S(TOTAL)}},
        {false, {S("SET"), S(CURSOR), S("0-0")}},
        {false, {S("HSET"), S(TOTAL), S("v"), S("1")}},
        {false, {S("DEL"), S("another")}},
        {false, {S("CONFIG"), S("SET"), S("appendonly"), S("no")}},
        {false, {S("EVAL"), S("return 1"), S("0")}},
        {false, {S("FLUSHALL")}},
        {false, {S("ACL"), S("SETUSER"), S("x")}},
        {false, {S("MONITOR")}},
    };
    struct redis *client = connect_as("admin", ACL_ADMIN);
    assert_rights(client, RIGHTS, ARRAY_LEN(RIGHTS));
    redis_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_collector_appends_and_cannot_read_a_count),
        cmocka_unit_test(an_aggregator_applies_and_loads_the_library),
        cmocka_unit_test(dashboards_read_in_one_step_and_change_nothing),
        cmocka_unit_test(an_admin_sees_all_and_changes_the_site_list),
    };
    return cmocka_run_group_tests(tests, asked_start, asked_stop);
}

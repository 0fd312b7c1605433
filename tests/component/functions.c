/* The function library against a real Redis: what enters the log, what is applied, and that a
 * refusal changes nothing. */

#include "aggregator/functions.h"

#include <stdio.h>
#include <stdlib.h>

#include "aggregator/acl.h"
#include "aggregator/sketch.h"
#include "common/limits.h"
#include "redis_server.h"
#include "tests/test.h"

#define LOG "ff:{0}:log"
#define WRITERS "ff:{0}:writers"
#define CURSOR "ff:{0}:cursor"
#define TOTAL "ff:{0}:a.example:live:20261123:total"
#define PAGE "ff:{0}:a.example:live:20261123:page"
#define SEEN "ff:{0}:a.example:seen:20261123:page:/a"
#define SCRATCH "ff:{0}:scratch:0"
#define WRITER "00f1e2d3c4b5a697"
#define EXPIRY "4102444800000"
/* Index 5, rank 3. */
#define HYLL "HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x04\x88\x7f\xf9"
#define CORRUPT "HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x04\x88\x7f\xf8"

enum { DUMP_BYTES_MAX = 1 << 20 };

static struct redis_server server;
static struct redis *redis;

static int start_server(void **state)
{
    char error[200];
    (void)state;
    redis_server_start(&server, NULL);
    redis = redis_server_connect(&server);
    return functions_load(redis, error, sizeof(error)) ? 0 : -1;
}

static int stop_server(void **state)
{
    (void)state;
    redis_free(redis);
    redis_server_stop(&server);
    return 0;
}

/* --- Asking ----------------------------------------------------------------------------------- */

static void answer_of(struct redis *client, char *text, size_t text_bytes, size_t argc,
                      const struct str *argv)
{
    struct redis_reply *reply = redis_command(client, argc, argv);
    assert_non_null(reply);
    switch (redis_reply_type(reply)) {
    case REDIS_TYPE_INTEGER:
        snprintf(text, text_bytes, "%lld", (long long)redis_reply_integer(reply));
        break;
    case REDIS_TYPE_NIL:
        snprintf(text, text_bytes, "nil");
        break;
    case REDIS_TYPE_ARRAY:
        snprintf(text, text_bytes, "%zu items", redis_reply_count(reply));
        break;
    default:
        snprintf(text, text_bytes, "%.*s", STR_ARG(redis_reply_str(reply)));
    }
    redis_reply_free(reply);
}

static char answer[300];
static const char *ask_args(struct redis *client, size_t argc, const struct str *argv)
{
    answer_of(client, answer, sizeof(answer), argc, argv);
    return answer;
}

/* ASK(S("GET"), S("key")): the answer as text. */
#define S(text) STR_LIT(text)
#define ASK_AS(client, ...)                                                                        \
    ask_args(client, sizeof((struct str[]){__VA_ARGS__}) / sizeof(struct str),                     \
             (struct str[]){__VA_ARGS__})
#define ASK(...) ASK_AS(redis, __VA_ARGS__)
#define APPEND(...) ASK(S("FCALL"), S("append"), S("2"), S(LOG), S(WRITERS), __VA_ARGS__)

static void flush(void)
{
    assert_string_equal(ASK(S("FLUSHALL")), "OK");
}

struct snapshot {
    struct buf bytes;
};

static struct snapshot take_snapshot(void)
{
    struct snapshot snapshot;
    buf_init(&snapshot.bytes, DUMP_BYTES_MAX);
    redis_server_dump(redis, &snapshot.bytes);
    return snapshot;
}

static void assert_unchanged(struct snapshot *before)
{
    struct snapshot after = take_snapshot();
    assert_int_equal(after.bytes.len, before->bytes.len);
    if (after.bytes.len > 0)
        assert_memory_equal(after.bytes.ptr, before->bytes.ptr, after.bytes.len);
    buf_done(&after.bytes);
}

/* --- append ----------------------------------------------------------------------------------- */

static void a_batch_enters_the_log_once_and_in_order(void **state)
{
    (void)state;
    flush();
    assert_string_equal(APPEND(S(WRITER), S("2"), S("p"), S("1000")), "GAP");
    assert_string_equal(APPEND(S(WRITER), S("1"), S("p"), S("1000")), "OK");
    assert_string_equal(APPEND(S(WRITER), S("1"), S("q"), S("1001")), "DUP");
    assert_string_equal(APPEND(S(WRITER), S("3"), S("p"), S("1002")), "GAP");
    assert_string_equal(APPEND(S(WRITER), S("2"), S("p\0\xff"), S("1003")), "OK");
    assert_string_equal(APPEND(S("00f1e2d3c4b5a698"), S("1"), S("p"), S("1004")), "OK");
    assert_string_equal(ASK(S("XLEN"), S(LOG)), "3");
    assert_string_equal(ASK(S("HGET"), S(WRITERS), S(WRITER)), "2:1003");

    struct redis_reply *reply = redis_do(redis, S("XRANGE"), S(LOG), S("-"), S("+"));
    const struct redis_reply *fields = redis_reply_at(redis_reply_at(reply, 1), 1);
    assert_int_equal(redis_reply_count(fields), 6);
    assert_true(redis_reply_is(redis_reply_at(fields, 0), "w"));
    assert_true(redis_reply_is(redis_reply_at(fields, 1), WRITER));
    assert_true(redis_reply_is(redis_reply_at(fields, 2), "n"));
    assert_true(redis_reply_is(redis_reply_at(fields, 3), "2"));
    assert_true(redis_reply_is(redis_reply_at(fields, 4), "p"));
    assert_true(str_eq(redis_reply_str(redis_reply_at(fields, 5)), S("p\0\xff")));
    redis_reply_free(reply);
}

static void append_refuses_bad_arguments_and_changes_nothing(void **state)
{
    (void)state;
    static const struct str BAD[][4] = {
        {S("00f1e2d3c4b5a69"), S("1"), S("p"), S("1")},   /* a short writer */
        {S("00f1e2d3c4b5a6977"), S("1"), S("p"), S("1")}, /* a long one */
        {S("00F1e2d3c4b5a697"), S("1"), S("p"), S("1")},  /* upper case */
        {S("00g1e2d3c4b5a697"), S("1"), S("p"), S("1")},  /* no digit */
        {S(WRITER), S("0"), S("p"), S("1")},              /* numbers begin with 1 */
        {S(WRITER), S("-1"), S("p"), S("1")},
        {S(WRITER), S("01"), S("p"), S("1")},
        {S(WRITER), S("1.0"), S("p"), S("1")},
        {S(WRITER), S("1e3"), S("p"), S("1")},
        {S(WRITER), S("9007199254740992"), S("p"), S("1")}, /* 2^53 */
        {S(WRITER), S(""), S("p"), S("1")},
        {S(WRITER), S("1"), S(""), S("1")}, /* no payload */
        {S(WRITER), S("1"), S("p"), S("now")},
    };
    flush();
    struct snapshot before = take_snapshot();
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_string_equal(APPEND(BAD[i][0], BAD[i][1], BAD[i][2], BAD[i][3]), "BADARG");
    assert_string_equal(APPEND(S(WRITER), S("1"), S("p")), "BADARG");
    assert_string_equal(APPEND(S(WRITER), S("1"), S("p"), S("1"), S("x")), "BADARG");
    assert_unchanged(&before);

    ASK(S("SET"), S(LOG), S("x"));
    assert_string_equal(APPEND(S(WRITER), S("1"), S("p"), S("1")), "BADTYPE");
    ASK(S("DEL"), S(LOG));
    ASK(S("SET"), S(WRITERS), S("x"));
    assert_string_equal(APPEND(S(WRITER), S("1"), S("p"), S("1")), "BADTYPE");
    ASK(S("DEL"), S(WRITERS));
    static const struct str ROWS[] = {S("x"), S("1"), S(":1"), S("1:"), S("-1:1"), S("1.5:1")};
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        ASK(S("HSET"), S(WRITERS), S(WRITER), ROWS[i]);
        assert_string_equal(APPEND(S(WRITER), S("1"), S("p"), S("1")), "BADROW");
    }
    assert_string_equal(ASK(S("EXISTS"), S(LOG)), "0");
    buf_done(&before.bytes);
}

static void append_takes_a_payload_up_to_its_cap(void **state)
{
    (void)state;
    flush();
    char *payload = calloc(1, BATCH_BYTES_MAX + 1);
    for (size_t i = 0; i < 3; i++) {
        size_t len = BATCH_BYTES_MAX - 1 + i;
        char number[2] = {(char)('1' + i), '\0'};
        assert_string_equal(
            APPEND(S(WRITER), str_from(number), ((struct str){payload, len}), S("1")),
            len <= BATCH_BYTES_MAX ? "OK" : "BADARG");
    }
    free(payload);
}

/* Fills the log up to two entries below its cap in a single step. */
static void append_is_full_at_the_cap_of_the_log(void **state)
{
    (void)state;
    flush();
    char count[16];
    snprintf(count, sizeof(count), "%d", LOG_ENTRIES_MAX - 1);
    ASK(S("EVAL"),
        S("for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'w', 'x') end return 1"), S("1"),
        S(LOG), str_from(count));
    assert_string_equal(APPEND(S(WRITER), S("1"), S("p"), S("1")), "OK");
    assert_string_equal(APPEND(S(WRITER), S("2"), S("p"), S("1")), "FULL");
    assert_string_equal(APPEND(S(WRITER), S("1"), S("p"), S("1")), "DUP");
    assert_string_equal(ASK(S("HGET"), S(WRITERS), S(WRITER)), "1:1");
    flush();
}

/* --- apply ------------------------------------------------------------------------------------ */

#define FIRST_CALL                                                                                 \
    S("FCALL"), S("apply"), S("6"), S(CURSOR), S(LOG), S(TOTAL), S(PAGE), S(SEEN), S(SCRATCH)
#define FIRST_ARGS(from, to)                                                                       \
    S(from), S(to), S("2"), S("1"), S(EXPIRY), S("2"), S("1"), S("v"), S("1"), S("s"), S("1"),     \
        S("@" WRITER), S("9"), S(EXPIRY), S("1"), S("0"), S("v/a"), S("1"), S(EXPIRY), S("2"),     \
        S("/a"), S(HYLL)

static void the_documented_call_counts_once(void **state)
{
    (void)state;
    flush();
    for (int i = 4; i <= 6; i++) {
        char id[8];
        snprintf(id, sizeof(id), "%d-0", i);
        ASK(S("XADD"), S(LOG), str_from(id), S("w"), S("x"));
    }
    assert_string_equal(ASK(FIRST_CALL, FIRST_ARGS("0-0", "5-0")), "OK");
    assert_string_equal(ASK(S("GET"), S(CURSOR)), "5-0");
    assert_string_equal(ASK(S("XLEN"), S(LOG)), "1");
    assert_string_equal(ASK(S("HGET"), S(TOTAL), S("v")), "1");
    assert_string_equal(ASK(S("HGET"), S(TOTAL), S("s")), "1");
    assert_string_equal(ASK(S("HGET"), S(TOTAL), S("@" WRITER)), "9");
    assert_string_equal(ASK(S("HGET"), S(PAGE), S("v/a")), "1");
    assert_string_equal(ASK(S("HGET"), S(PAGE), S("u/a")), "1");
    assert_string_equal(ASK(S("PFCOUNT"), S(SEEN)), "1");
    assert_string_equal(ASK(S("PEXPIRETIME"), S(PAGE)), EXPIRY);
    assert_string_equal(ASK(S("PEXPIRETIME"), S(SEEN)), EXPIRY);
    assert_string_equal(ASK(S("DBSIZE")), "5");

    struct snapshot before = take_snapshot();
    assert_string_equal(ASK(FIRST_CALL, FIRST_ARGS("0-0", "5-0")), "MOVED");
    assert_string_equal(ASK(FIRST_CALL, FIRST_ARGS("4-0", "6-0")), "MOVED");
    assert_unchanged(&before);
    buf_done(&before.bytes);

    assert_string_equal(ASK(FIRST_CALL, FIRST_ARGS("5-0", "6-0")), "OK");
    assert_string_equal(ASK(S("HGET"), S(PAGE), S("v/a")), "2");
    assert_string_equal(ASK(S("HGET"), S(PAGE), S("u/a")), "1");
    assert_string_equal(ASK(S("XLEN"), S(LOG)), "0");
}

static void sums_may_go_below_zero_and_come_back(void **state)
{
    (void)state;
    flush();
#define ONE_FIELD(from, to, increment)                                                             \
    ASK(S("FCALL"), S("apply"), S("3"), S(CURSOR), S(LOG), S(TOTAL), S(from), S(to), S("1"),       \
        S("0"), S(EXPIRY), S("1"), S("0"), S("b"), S(increment))
    assert_string_equal(ONE_FIELD("0-0", "1-0", "-3"), "OK");
    assert_string_equal(ASK(S("HGET"), S(TOTAL), S("b")), "-3");
    assert_string_equal(ONE_FIELD("1-0", "1-1", "3"), "OK");
    assert_string_equal(ASK(S("HGET"), S(TOTAL), S("b")), "0");
    assert_string_equal(ONE_FIELD("1-1", "2-0", "9007199254740991"), "OK");
    assert_string_equal(ASK(S("HGET"), S(TOTAL), S("b")), "9007199254740991");
    assert_string_equal(ONE_FIELD("2-0", "3-0", "1"), "BADFIELD 8");
    assert_string_equal(ONE_FIELD("2-0", "3-0", "-9007199254740991"), "OK");
    assert_string_equal(ONE_FIELD("3-0", "4-0", "-9007199254740991"), "OK");
    assert_string_equal(ONE_FIELD("4-0", "5-0", "-1"), "BADFIELD 8");
    assert_string_equal(ASK(S("HGET"), S(TOTAL), S("b")), "-9007199254740991");
}

static void an_expiry_never_comes_nearer(void **state)
{
    (void)state;
    flush();
    assert_string_equal(ONE_FIELD("0-0", "1-0", "1"), "OK");
    ASK(S("PEXPIREAT"), S(TOTAL), S("4202444800000"));
    assert_string_equal(ONE_FIELD("1-0", "2-0", "1"), "OK");
    assert_string_equal(ASK(S("PEXPIRETIME"), S(TOTAL)), "4202444800000");
    ASK(S("PEXPIREAT"), S(TOTAL), S("4002444800000"));
    assert_string_equal(ONE_FIELD("2-0", "3-0", "1"), "OK");
    assert_string_equal(ASK(S("PEXPIRETIME"), S(TOTAL)), EXPIRY);
}

static void visitors_only_rise(void **state)
{
    (void)state;
    flush();
    ASK(S("HSET"), S(PAGE), S("u/a"), S("77"));
    assert_string_equal(ASK(FIRST_CALL, FIRST_ARGS("0-0", "5-0")), "OK");
    assert_string_equal(ASK(S("HGET"), S(PAGE), S("u/a")), "77");
}

struct refusal {
    const char *expected;
    size_t at; /* which argument of the documented call is replaced */
    struct str by;
};

static void every_refusal_of_an_argument_changes_nothing(void **state)
{
    (void)state;
    /* Arguments are counted from FCALL = 0; ARGV[1] is number 9. */
    static const struct refusal REFUSALS[] = {
        {"BADARG 1", 9, S("x")},
        {"BADARG 1", 9, S("0")},
        {"BADARG 1", 9, S("-1-0")},
        {"BADARG 1", 10, S("0-0")}, /* not after `from` */
        {"BADARG 1", 10, S("5")},
        {"BADARG 1", 11, S("1")},
        {"BADARG 1", 11, S("-2")},
        {"BADARG 1", 12, S("0")},
        {"BADARG 5", 13, S("-1")},
        {"BADARG 5", 13, S("soon")},
        {"BADARG 5", 14, S("x")},
        {"BADARG 5", 14, S("900000000000")},
        {"BADARG 5", 15, S("-1")},
        {"BADARG 8", 17, S("1x")},
        {"BADARG 8", 17, S("")},
        {"BADARG 8", 17, S("1.5")},
        {"BADARG 8", 17, S("-0")},
        {"BADARG 8", 17, S("007")},
        {"BADARG 8", 17, S("0x10")},
        {"BADARG 8", 17, S("9007199254740992")},
        {"BADARG 8", 17, S("-9007199254740992")},
        {"BADARG 8", 17, S("99999999999999999999")},
        {"BADARG 10", 18, S("v")}, /* the same field twice */
        {"BADARG 12", 20, S("v")}, /* a mark in a field's place */
        {"BADARG 12", 21, S("-9")},
        {"BADARG 19", 27, S("x")},
        {"BADARG 19", 28, S("0")},
        {"BADARG 19", 28, S("3")},
        {"BADSKETCH 22", 30, S("")},
        {"BADSKETCH 22", 30, S("no sketch")},
        {"BADSKETCH 22", 30, S(CORRUPT)},
        {"BADARG -4", 6, S(TOTAL)}, /* a key twice */
        {"BADARG -6", 8, S(SEEN)},
    };
    flush();
    ASK(S("XADD"), S(LOG), S("5-0"), S("w"), S("x"));
    ASK(S("HSET"), S(PAGE), S("v/a"), S("3"));
    struct snapshot before = take_snapshot();
    for (size_t i = 0; i < ARRAY_LEN(REFUSALS); i++) {
        struct str argv[] = {FIRST_CALL, FIRST_ARGS("0-0", "5-0")};
        argv[REFUSALS[i].at] = REFUSALS[i].by;
        assert_string_equal(ask_args(redis, ARRAY_LEN(argv), argv), REFUSALS[i].expected);
        assert_unchanged(&before);
    }
    struct str argv[] = {FIRST_CALL, FIRST_ARGS("0-0", "5-0")};
    for (size_t argc = 9; argc < ARRAY_LEN(argv); argc++) {
        ask_args(redis, argc, argv);
        assert_int_equal(memcmp(answer, "BADARG", 6), 0);
        assert_unchanged(&before);
    }
    assert_string_equal(ask_args(redis, ARRAY_LEN(argv), argv), "OK");
    buf_done(&before.bytes);
}

static void every_refusal_of_what_is_stored_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *expected;
        struct str command[4];
    } STORED[] = {
        {"BADTYPE 1", {S("HSET"), S(CURSOR), S("a"), S("1")}},
        {"BADTYPE 2", {S("HSET"), S(LOG), S("a"), S("1")}},
        {"BADTYPE 3", {S("SADD"), S(TOTAL), S("a"), S("1")}},
        {"BADTYPE 4", {S("SADD"), S(PAGE), S("a"), S("1")}},
        {"BADTYPE 5", {S("SADD"), S(SEEN), S("a"), S("1")}},
        {"BADFIELD 10", {S("HSET"), S(TOTAL), S("s"), S("many")}},
        {"BADFIELD 10", {S("HSET"), S(TOTAL), S("s"), S("1.0")}},
        {"BADFIELD 10", {S("HSET"), S(TOTAL), S("s"), S("9007199254740992")}},
        {"BADFIELD 10",
         {S("HSET"), S(TOTAL), S("s"), S("9007199254740991")}}, /* leaves the range */
        {"BADFIELD 17", {S("HSET"), S(PAGE), S("v/a"), S("")}},
        {"BADFIELD 21", {S("HSET"), S(PAGE), S("u/a"), S("few")}},
        {"BADSKETCH 22", {S("SET"), S(SEEN), S("no sketch"), S("KEEPTTL")}},
        {"BADSKETCH 22", {S("SET"), S(SEEN), S(CORRUPT), S("KEEPTTL")}},
        {"MOVED", {S("SET"), S(CURSOR), S("0-1"), S("KEEPTTL")}},
    };
    for (size_t i = 0; i < ARRAY_LEN(STORED); i++) {
        flush();
        ask_args(redis, 4, STORED[i].command);
        struct snapshot before = take_snapshot();
        assert_string_equal(ASK(FIRST_CALL, FIRST_ARGS("0-0", "5-0")), STORED[i].expected);
        assert_unchanged(&before);
        buf_done(&before.bytes);
    }
}

/* --- Loading and rights ----------------------------------------------------------------------- */

static void the_library_is_loaded_once_and_replaced_when_it_differs(void **state)
{
    (void)state;
    char error[200];
    assert_string_equal(ASK(S("FUNCTION"), S("FLUSH")), "OK");
    assert_true(functions_load(redis, error, sizeof(error)));
    assert_string_equal(ASK(S("CONFIG"), S("RESETSTAT")), "OK");
    assert_true(functions_load(redis, error, sizeof(error)));
    struct redis_reply *stats = redis_do(redis, S("INFO"), S("commandstats"));
    assert_null(strstr(redis_reply_str(stats).ptr, "function|load"));
    redis_reply_free(stats);
    assert_string_equal(ASK(S("FUNCTION"), S("LOAD"), S("REPLACE"),
                            S("#!lua name=footfall\n"
                              "redis.register_function('append', function() return 'old' end)")),
                        "footfall");
    assert_true(functions_load(redis, error, sizeof(error)));
    assert_string_equal(APPEND(S(WRITER), S("0"), S("p"), S("1")), "BADARG");
}

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
    ASK_AS(client, FIRST_CALL, FIRST_ARGS("0-0", "5-0"));
    assert_true(is_denied(answer));
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
        {false, {S("HGETALL"), S("ff:sites")}},
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
        cmocka_unit_test(a_batch_enters_the_log_once_and_in_order),
        cmocka_unit_test(append_refuses_bad_arguments_and_changes_nothing),
        cmocka_unit_test(append_takes_a_payload_up_to_its_cap),
        cmocka_unit_test(append_is_full_at_the_cap_of_the_log),
        cmocka_unit_test(the_documented_call_counts_once),
        cmocka_unit_test(sums_may_go_below_zero_and_come_back),
        cmocka_unit_test(an_expiry_never_comes_nearer),
        cmocka_unit_test(visitors_only_rise),
        cmocka_unit_test(every_refusal_of_an_argument_changes_nothing),
        cmocka_unit_test(every_refusal_of_what_is_stored_changes_nothing),
        cmocka_unit_test(the_library_is_loaded_once_and_replaced_when_it_differs),
        cmocka_unit_test(a_collector_appends_and_cannot_read_a_count),
        cmocka_unit_test(an_aggregator_applies_and_loads_the_library),
        cmocka_unit_test(dashboards_read_in_one_step_and_change_nothing),
        cmocka_unit_test(an_admin_sees_all_and_changes_the_site_list),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}

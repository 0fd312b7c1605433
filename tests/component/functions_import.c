/* The function `import` against a real Redis, as the operator's user: a batch and the row that says
 * what it covers are stored together or not at all. */

#include "aggregator/functions.h"

#include <stdio.h>
#include <stdlib.h>

#include "aggregator/acl.h"
#include "aggregator/log_entry.h"
#include "common/limits.h"
#include "redis_server.h"
#include "tests/test.h"

#define S(text) STR_LIT(text)
#define LOG "ff:{0}:log"
#define IMPORTS "ff:{0}:a.example:imports"
#define ID "00f1e2d3c4b5a697"
#define COVERS_1 "16384:65536:00112233445566778899aabbccddeeff"
#define COVERS_2 "20000:65536:ffeeddccbbaa99887766554433221100"

enum { DUMP_BYTES_MAX = 1 << 20, TEXT_BYTES = 300 };

static struct redis_server server;
static struct redis *redis, *admin;

static char answer[TEXT_BYTES];
static const char *ask(struct redis *client, size_t argc, const struct str *argv)
{
    struct redis_reply *reply = redis_command(client, argc, argv);
    assert_non_null(reply);
    struct str text = redis_reply_str(reply);
    if (redis_reply_type(reply) == REDIS_TYPE_INTEGER)
        snprintf(answer, sizeof(answer), "%lld", (long long)redis_reply_integer(reply));
    else
        snprintf(answer, sizeof(answer), "%.*s", STR_ARG(text));
    redis_reply_free(reply);
    return answer;
}

#define ASK_AS(client, ...)                                                                        \
    ask(client, sizeof((struct str[]){__VA_ARGS__}) / sizeof(struct str),                          \
        (struct str[]){__VA_ARGS__})
#define ASK(...) ASK_AS(redis, __VA_ARGS__)
#define IMPORT(...) ASK_AS(admin, S("FCALL"), S("import"), S("2"), S(LOG), S(IMPORTS), __VA_ARGS__)

static int start_server(void **state)
{
    char error[TEXT_BYTES];
    struct redis_address address;
    (void)state;
    redis_server_start(&server, NULL);
    redis = redis_server_connect(&server);
    redis_server_add_user(&server, "admin", ACL_ADMIN, &address);
    admin = redis_connect(&address, error, sizeof(error));
    assert_non_null(admin);
    return functions_load(redis, error, sizeof(error)) ? 0 : -1;
}

static int stop_server(void **state)
{
    (void)state;
    redis_free(redis);
    redis_free(admin);
    redis_server_stop(&server);
    return 0;
}

static void flush(void)
{
    assert_string_equal(ASK(S("FLUSHALL")), "OK");
}

static bool is_entry_id(const char *text)
{
    uint64_t ms, seq;
    return log_entry_id_parse(str_from(text), &ms, &seq);
}

static void a_batch_and_its_row_are_stored_once(void **state)
{
    (void)state;
    flush();
    assert_true(is_entry_id(IMPORT(S(ID), S("1"), S("p\0\xff"), S(COVERS_1))));
    assert_string_equal(ASK(S("HGET"), S(IMPORTS), S(ID)), "1:" COVERS_1);
    assert_string_equal(IMPORT(S(ID), S("1"), S("p\0\xff"), S(COVERS_1)), "DUP");
    assert_true(is_entry_id(IMPORT(S(ID), S("2"), S("q"), S(COVERS_2))));
    assert_string_equal(ASK(S("HGET"), S(IMPORTS), S(ID)), "2:" COVERS_2);
    assert_string_equal(ASK(S("XLEN"), S(LOG)), "2");

    struct redis_reply *reply = redis_do(redis, S("XRANGE"), S(LOG), S("-"), S("+"));
    struct log_entry entry;
    assert_true(log_entry_parse(redis_reply_at(reply, 0), &entry));
    assert_true(entry.writer == 0x00f1e2d3c4b5a697 && entry.number == 1);
    assert_true(str_eq(entry.payload, S("p\0\xff")));
    redis_reply_free(reply);
}

static void another_run_that_was_faster_stops_this_one(void **state)
{
    (void)state;
    flush();
    assert_string_equal(IMPORT(S(ID), S("2"), S("p"), S(COVERS_1)), "OTHER");
    assert_true(is_entry_id(IMPORT(S(ID), S("1"), S("p"), S(COVERS_1))));
    /* The same number, but other lines. */
    assert_string_equal(IMPORT(S(ID), S("1"), S("p"), S(COVERS_2)), "OTHER");
    assert_true(is_entry_id(IMPORT(S(ID), S("2"), S("p"), S(COVERS_2))));
    assert_string_equal(IMPORT(S(ID), S("1"), S("p"), S(COVERS_1)), "OTHER");
    assert_string_equal(ASK(S("XLEN"), S(LOG)), "2");
    assert_string_equal(ASK(S("HGET"), S(IMPORTS), S(ID)), "2:" COVERS_2);
}

static void bad_arguments_change_nothing(void **state)
{
    static const struct str BAD[][4] = {
        {S("00f1e2d3c4b5a69"), S("1"), S("p"), S(COVERS_1)},
        {S("00F1e2d3c4b5a697"), S("1"), S("p"), S(COVERS_1)},
        {S(ID), S("0"), S("p"), S(COVERS_1)},
        {S(ID), S("01"), S("p"), S(COVERS_1)},
        {S(ID), S("1"), S(""), S(COVERS_1)},
        {S(ID), S("1"), S("p"), S("")},
        {S(ID), S("1"), S("p"), S("1:2")},
        {S(ID), S("1"), S("p"), S("1:2:zz")},
        {S(ID), S("1"), S("p"), S("-1:2:00")},
    };
    (void)state;
    flush();
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_string_equal(IMPORT(BAD[i][0], BAD[i][1], BAD[i][2], BAD[i][3]), "BADARG");
    assert_string_equal(IMPORT(S(ID), S("1"), S("p")), "BADARG");
    ASK(S("SET"), S(IMPORTS), S("x"));
    assert_string_equal(IMPORT(S(ID), S("1"), S("p"), S(COVERS_1)), "BADTYPE");
    ASK(S("DEL"), S(IMPORTS));
    ASK(S("HSET"), S(IMPORTS), S(ID), S("x:" COVERS_1));
    assert_string_equal(IMPORT(S(ID), S("1"), S("p"), S(COVERS_1)), "BADROW");
    assert_string_equal(ASK(S("EXISTS"), S(LOG)), "0");
}

static void a_payload_has_a_cap(void **state)
{
    (void)state;
    char *payload = calloc(1, BATCH_BYTES_MAX + 1);
    for (size_t len = BATCH_BYTES_MAX - 1; len <= BATCH_BYTES_MAX + 1; len++) {
        flush();
        const char *text = IMPORT(S(ID), S("1"), ((struct str){payload, len}), S(COVERS_1));
        assert_int_equal(is_entry_id(text), len <= BATCH_BYTES_MAX);
    }
    free(payload);
}

/* Fills the rows up to two below the cap in a single step. */
static void a_site_remembers_so_many_imports_and_refuses_a_new_one(void **state)
{
    (void)state;
    char script[TEXT_BYTES];
    flush();
    snprintf(script, sizeof(script),
             "for i = 1, %d do redis.call('HSET', KEYS[1], string.format('%%016x', i), '1:%s') end",
             IMPORTS_MAX - 1, COVERS_1);
    ASK(S("EVAL"), str_from(script), S("1"), S(IMPORTS));
    assert_true(is_entry_id(IMPORT(S("fffffffffffffff1"), S("1"), S("p"), S(COVERS_1))));
    assert_string_equal(IMPORT(S("fffffffffffffff2"), S("1"), S("p"), S(COVERS_1)), "FULLROWS");
    /* A known one goes on. */
    assert_true(is_entry_id(IMPORT(S("fffffffffffffff1"), S("2"), S("p"), S(COVERS_2))));
    assert_string_equal(ASK(S("XLEN"), S(LOG)), "2");
}

static void a_full_log_refuses_and_keeps_the_row(void **state)
{
    (void)state;
    char script[TEXT_BYTES];
    flush();
    snprintf(script, sizeof(script),
             "for i = 1, %d do redis.call('XADD', KEYS[1], '*', 'w', 'x') end", LOG_ENTRIES_MAX);
    ASK(S("EVAL"), str_from(script), S("1"), S(LOG));
    assert_string_equal(IMPORT(S(ID), S("1"), S("p"), S(COVERS_1)), "FULL");
    assert_string_equal(ASK(S("EXISTS"), S(IMPORTS)), "0");
    flush();
}

/* What an import may do beside it: nothing that changes a count. */
static void the_operator_can_change_no_count(void **state)
{
    (void)state;
    flush();
    ASK(S("HSET"), S("ff:{0}:a.example:live:20261123:total"), S("v"), S("1"));
    const char *text =
        ASK_AS(admin, S("HSET"), S("ff:{0}:a.example:live:20261123:total"), S("v"), S("2"));
    assert_memory_equal(text, "NOPERM", 6);
    text = ASK_AS(admin, S("XADD"), S("ff:{0}:writers"), S("*"), S("w"), S("2"));
    assert_memory_equal(text, "NOPERM", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_and_its_row_are_stored_once),
        cmocka_unit_test(another_run_that_was_faster_stops_this_one),
        cmocka_unit_test(bad_arguments_change_nothing),
        cmocka_unit_test(a_payload_has_a_cap),
        cmocka_unit_test(a_site_remembers_so_many_imports_and_refuses_a_new_one),
        cmocka_unit_test(a_full_log_refuses_and_keeps_the_row),
        cmocka_unit_test(the_operator_can_change_no_count),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}

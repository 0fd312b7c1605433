/* The waiting client against a real server: replies, credentials, death, addresses. */

#include "common/redis.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "redis_server.h"
#include "tests/test.h"

static struct redis_server server;

static int start_server(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    redis_server_start(&server, (const char *[]){"--user", "reader", "on", ">secret", "~*", "+get",
                                                 "+ping", NULL});
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    redis_server_stop(&server);
    return 0;
}

static void replies_of_every_type_are_told_apart(void **state)
{
    (void)state;
    struct redis *redis = redis_server_connect(&server);
    struct redis_reply *reply = redis_do(redis, STR_LIT("SET"), STR_LIT("k\0k"), STR_LIT("v\0v"));
    assert_true(redis_reply_is(reply, "OK"));
    redis_reply_free(reply);
    reply = redis_do(redis, STR_LIT("GET"), STR_LIT("k\0k"));
    assert_int_equal(redis_reply_type(reply), REDIS_TYPE_STRING);
    assert_true(str_eq(redis_reply_str(reply), STR_LIT("v\0v")));
    assert_int_equal(redis_reply_integer(reply), 0);
    assert_int_equal(redis_reply_count(reply), 0);
    redis_reply_free(reply);
    reply = redis_do(redis, STR_LIT("GET"), STR_LIT("absent"));
    assert_int_equal(redis_reply_type(reply), REDIS_TYPE_NIL);
    assert_int_equal(redis_reply_str(reply).len, 0);
    redis_reply_free(reply);
    reply = redis_do(redis, STR_LIT("INCRBY"), STR_LIT("n"), STR_LIT("-9007199254740993"));
    assert_int_equal(redis_reply_integer(reply), -9007199254740993);
    redis_reply_free(reply);
    reply = redis_do(redis, STR_LIT("MGET"), STR_LIT("n"), STR_LIT("absent"));
    assert_int_equal(redis_reply_count(reply), 2);
    assert_true(redis_reply_is(redis_reply_at(reply, 0), "-9007199254740993"));
    assert_int_equal(redis_reply_type(redis_reply_at(reply, 1)), REDIS_TYPE_NIL);
    redis_reply_free(reply);
    reply = redis_do(redis, STR_LIT("LPUSH"), STR_LIT("n"), STR_LIT("x"));
    assert_int_equal(redis_reply_type(reply), REDIS_TYPE_ERROR);
    assert_true(str_starts_with(redis_reply_str(reply), STR_LIT("WRONGTYPE")));
    redis_reply_free(reply);
    redis_free(redis);
}

static void a_pipeline_answers_in_order(void **state)
{
    (void)state;
    struct redis *redis = redis_server_connect(&server);
    const struct str echo_a[] = {STR_LIT("ECHO"), STR_LIT("a")};
    const struct str bad[] = {STR_LIT("NOSUCHCOMMAND")};
    const struct str echo_b[] = {STR_LIT("ECHO"), STR_LIT("b")};
    const struct str *const argv[] = {echo_a, bad, echo_b};
    const size_t argc[] = {2, 1, 2};
    struct redis_reply *replies[3];
    assert_true(redis_pipeline(redis, 3, argc, argv, replies));
    assert_true(redis_reply_is(replies[0], "a"));
    assert_int_equal(redis_reply_type(replies[1]), REDIS_TYPE_ERROR);
    assert_true(redis_reply_is(replies[2], "b"));
    for (int i = 0; i < 3; i++)
        redis_reply_free(replies[i]);
    redis_free(redis);
}

static void credentials_are_used_and_never_told(void **state)
{
    (void)state;
    struct redis_address address = server.address;
    char error[200] = "";
    (void)snprintf(address.user, sizeof(address.user), "reader");
    (void)snprintf(address.password, sizeof(address.password), "secret");
    struct redis *redis = redis_connect(&address, error, sizeof(error));
    assert_non_null(redis);
    struct redis_reply *reply = redis_do(redis, STR_LIT("SET"), STR_LIT("a"), STR_LIT("b"));
    assert_true(str_starts_with(redis_reply_str(reply), STR_LIT("NOPERM")));
    redis_reply_free(reply);
    redis_free(redis);

    (void)snprintf(address.password, sizeof(address.password), "wrong-secret");
    assert_null(redis_connect(&address, error, sizeof(error)));
    assert_non_null(strstr(error, "refused"));
    assert_null(strstr(error, "wrong-secret"));
}

static void the_socket_is_not_inherited_by_a_child(void **state)
{
    (void)state;
    int next_fd = dup(STDERR_FILENO);
    close(next_fd);
    struct redis *redis = redis_server_connect(&server);
    assert_int_equal(fcntl(next_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    redis_free(redis);
}

static void a_dead_server_is_an_unknown_outcome(void **state)
{
    (void)state;
    struct redis_server mortal;
    redis_server_start(&mortal, NULL);
    struct redis *redis = redis_server_connect(&mortal);
    redis_server_kill(&mortal, SIGKILL);
    assert_null(redis_do(redis, STR_LIT("PING")));
    assert_true(strlen(redis_error(redis)) > 0);
    assert_null(redis_do(redis, STR_LIT("PING")));
    redis_free(redis);
    char error[200] = "";
    assert_null(redis_connect(&mortal.address, error, sizeof(error)));
    assert_non_null(strstr(error, mortal.dir));
    redis_server_stop(&mortal);
}

static void addresses_are_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *url, *socket_path, *host;
        uint16_t port;
        const char *user, *password;
    } GOOD[] = {
        {"unix:///run/redis.sock", "/run/redis.sock", "", 0, "", ""},
        {"unix://me:p%40ss@/run/a b.sock", "/run/a b.sock", "", 0, "me", "p@ss"},
        {"redis://localhost", "", "localhost", 6379, "", ""},
        {"redis://10.0.0.1:7000/0", "", "10.0.0.1", 7000, "", ""},
        {"redis://[::1]:65535", "", "::1", 65535, "", ""},
        {"redis://me:p@ss@db.example:1/", "", "db.example", 1, "me", "p@ss"},
        {"redis://:word@db", "", "db", 6379, "default", "word"},
    };
    static const char *const BAD[] = {
        "",
        "redis:/x",
        "http://x",
        "unix://run/redis.sock",
        "unix://",
        "redis://",
        "redis://:1",
        "redis://h:0",
        "redis://h:65536",
        "redis://h:6x",
        "redis://h/1",
        "redis://[::1",
        "redis://[::1]7000",
        "redis://user@h",
        "redis://u:%4@h",
        "redis://u:%00@h",
        "redis://u:%zz@h",
    };
    char error[200];
    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++) {
        struct redis_address address;
        assert_true(redis_address_parse(GOOD[i].url, &address, error, sizeof(error)));
        assert_string_equal(address.socket_path, GOOD[i].socket_path);
        assert_string_equal(address.host, GOOD[i].host);
        assert_int_equal(address.port, GOOD[i].port);
        assert_string_equal(address.user, GOOD[i].user);
        assert_string_equal(address.password, GOOD[i].password);
    }
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        struct redis_address address = {.port = 4711};
        error[0] = '\0';
        assert_false(redis_address_parse(BAD[i], &address, error, sizeof(error)));
        assert_int_equal(address.port, 4711);
        assert_true(str_starts_with(str_from(error), STR_LIT("redis.url: ")));
    }
}

static void a_socket_path_fits_up_to_106_bytes(void **state)
{
    (void)state;
    for (int len = 105; len <= 107; len++) {
        char url[200], error[200];
        struct redis_address address;
        (void)snprintf(url, sizeof(url), "unix:///%0*d", len - 1, 0);
        assert_int_equal(redis_address_parse(url, &address, error, sizeof(error)), len <= 106);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_of_every_type_are_told_apart),
        cmocka_unit_test(a_pipeline_answers_in_order),
        cmocka_unit_test(credentials_are_used_and_never_told),
        cmocka_unit_test(the_socket_is_not_inherited_by_a_child),
        cmocka_unit_test(a_dead_server_is_an_unknown_outcome),
        cmocka_unit_test(addresses_are_parsed),
        cmocka_unit_test(a_socket_path_fits_up_to_106_bytes),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}

/* Questions and answers as text. */

#include "asked_redis.h"

#include <stdio.h>

#include "aggregator/functions.h"
#include "tests/test.h"

enum { DUMP_BYTES_MAX = 1 << 20 };

struct redis_server server;
struct redis *redis;

int asked_start(void **state)
{
    char error[200];
    (void)state;
    redis_server_start(&server, NULL);
    redis = redis_server_connect(&server);
    return functions_load(redis, error, sizeof(error)) ? 0 : -1;
}

int asked_stop(void **state)
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

const char *ask_args(struct redis *client, size_t argc, const struct str *argv)
{
    answer_of(client, answer, sizeof(answer), argc, argv);
    return answer;
}

void flush(void)
{
    assert_string_equal(ASK(S("FLUSHALL")), "OK");
}

struct snapshot take_snapshot(void)
{
    struct snapshot snapshot;
    buf_init(&snapshot.bytes, DUMP_BYTES_MAX);
    redis_server_dump(redis, &snapshot.bytes);
    return snapshot;
}

void assert_unchanged(struct snapshot *before)
{
    struct snapshot after = take_snapshot();
    assert_int_equal(after.bytes.len, before->bytes.len);
    if (after.bytes.len > 0)
        assert_memory_equal(after.bytes.ptr, before->bytes.ptr, after.bytes.len);
    buf_done(&after.bytes);
}

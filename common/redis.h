#pragma once

/* Redis from code that may wait: the aggregator, the command line, the supervisor. Also the reply
 * type that the asynchronous link shares. hiredis stays inside common/. */

#include <stdint.h>

#include "common/macros.h"
#include "common/str.h"

/* Where a Redis is, and as whom. */
struct redis_address {
    /* A Unix socket, or empty. One byte less than Unix allows: hiredis 0.14 copies 107 bytes at
     * most into uncleared memory, so that a path of just 107 has no end. */
    char socket_path[107];
    char host[256];
    uint16_t port;
    char user[64];      /* empty: no AUTH */
    char password[129]; /* never logged */
};

/* "unix:///path/redis.sock", "redis://[user:password@]host:port", "unix://user:password@/path".
 * False with a sentence. */
MUST_CHECK bool redis_address_parse(const char *url, struct redis_address *ret_address, char *error,
                                    size_t error_bytes);

/* --- Replies -------------------------------------------------------------------------------- */
struct redis_reply;

enum redis_type {
    REDIS_TYPE_NIL,
    REDIS_TYPE_STRING, /* bulk or status */
    REDIS_TYPE_INTEGER,
    REDIS_TYPE_ARRAY,
    REDIS_TYPE_ERROR,
};

enum redis_type redis_reply_type(const struct redis_reply *reply);
/* Of a string or an error; empty otherwise. Lives as long as the reply. */
struct str redis_reply_str(const struct redis_reply *reply);
int64_t redis_reply_integer(const struct redis_reply *reply);
size_t redis_reply_count(const struct redis_reply *reply);
/* Nil past the end and of what is no array: a reply of another shape than was expected says nothing
 * wherever it is asked. */
const struct redis_reply *redis_reply_at(const struct redis_reply *reply, size_t index);
/* True for a string reply of just these bytes. */
bool redis_reply_is(const struct redis_reply *reply, const char *text);

/* --- The waiting client ----------------------------------------------------------------------- */
struct redis;

/* NULL with a sentence in `error`. Authenticates. */
MUST_CHECK struct redis *redis_connect(const struct redis_address *address, char *error,
                                       size_t error_bytes);
void redis_free(struct redis *redis);
/* NULL: the outcome is unknown and the connection is dead (redis_error() says why). A reply is the
 * caller's, freed by redis_reply_free(). */
struct redis_reply *redis_command(struct redis *redis, size_t argc, const struct str *argv);
/* The two halves of it, for who has something to do meanwhile: false, or NULL, as above. Exactly
 * one redis_receive() follows each redis_send() that was good, and no other command comes between.
 */
MUST_CHECK bool redis_send(struct redis *redis, size_t argc, const struct str *argv);
struct redis_reply *redis_receive(struct redis *redis);
/* Sends many, then reads all replies into ret_replies; false when the connection died (none is
 * returned). */
MUST_CHECK bool redis_pipeline(struct redis *redis, size_t count, const size_t *argc,
                               const struct str *const *argv, struct redis_reply **ret_replies);
const char *redis_error(const struct redis *redis);
void redis_reply_free(struct redis_reply *reply);

/* Shorthand: redis_do(redis, STR_LIT("PING")). */
#define redis_do(redis, ...)                                                                       \
    redis_command((redis), sizeof((struct str[]){__VA_ARGS__}) / sizeof(struct str),               \
                  (struct str[]){__VA_ARGS__})

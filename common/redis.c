/* The waiting Redis client over hiredis, addresses of Redis servers, and the accessors of replies.
 *
 * For code that has nothing better to do than wait: the aggregator, the command line, the
 * supervisor. An event loop uses redis_link.c, which shares the reply type. A connection belongs to
 * one thread and does not come back by itself: after a NULL reply the caller frees it, connects
 * anew and finds out what happened. No sentence of an error holds a user or a password. */

#include "common/redis.h"

#include <assert.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include "common/limits.h"
#include "common/percent.h"

enum { REDIS_DEFAULT_PORT = 6379, PORT_MAX = 65535, ERROR_BYTES = 160 };

struct redis {
    redisContext *ctx;
    char error[ERROR_BYTES];
};

/* --- Addresses -------------------------------------------------------------------------------- */

/* Copies with %xx decoded and a NUL at the end; false for what does not fit, a bad escape or %00.
 */
static bool copy_decoded(struct str from, char *to, size_t to_bytes)
{
    struct str decoded;
    if (from.len >= to_bytes || !percent_decode(from, PERCENT_PLUS_IS_PLUS, to, &decoded) ||
        str_find(decoded, '\0') < decoded.len)
        return false;
    to[decoded.len] = '\0';
    return true;
}

/* Cuts "user:password@" off *rest. The last '@' counts: a password may hold one. */
static bool take_credentials(struct str *rest, struct redis_address *address)
{
    size_t at = rest->len;
    while (at > 0 && rest->ptr[at - 1] != '@')
        at--;
    if (at == 0)
        return true;
    struct str credentials = str_prefix(*rest, at - 1);
    *rest = str_from_at(*rest, at);
    size_t colon = str_find(credentials, ':');
    if (colon == credentials.len)
        return false;
    if (!copy_decoded(str_prefix(credentials, colon), address->user, sizeof(address->user)) ||
        !copy_decoded(str_from_at(credentials, colon + 1), address->password,
                      sizeof(address->password)))
        return false;
    /* "redis://:password@host" is the convention for Redis's first user. */
    if (address->user[0] == '\0')
        (void)copy_decoded(STR_LIT("default"), address->user, sizeof(address->user));
    return true;
}

static bool parse_port(struct str text, uint16_t *ret_port)
{
    uint64_t port;
    if (!str_to_uint(text, PORT_MAX, &port) || port == 0)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

/* "host", "host:port", "[::1]:port"; a "/0" or "/" may follow: Footfall lives in database 0. */
static bool parse_host(struct str rest, struct redis_address *address)
{
    struct str path = str_from_at(rest, str_find(rest, '/'));
    if (path.len > 0 && !str_eq(path, STR_LIT("/")) && !str_eq(path, STR_LIT("/0")))
        return false;
    rest = str_prefix(rest, rest.len - path.len);
    struct str host = rest, port = STR_EMPTY;
    if (str_starts_with(rest, STR_LIT("["))) {
        size_t end = str_find(rest, ']');
        if (end == rest.len)
            return false;
        host = (struct str){rest.ptr + 1, end - 1};
        port = str_from_at(rest, end + 1);
    } else {
        host = str_prefix(rest, str_find(rest, ':'));
        port = str_from_at(rest, host.len);
    }
    address->port = REDIS_DEFAULT_PORT;
    if (port.len > 0 && (port.ptr[0] != ':' || !parse_port(str_from_at(port, 1), &address->port)))
        return false;
    return host.len > 0 && copy_decoded(host, address->host, sizeof(address->host));
}

bool redis_address_parse(const char *url, struct redis_address *ret_address, char *error,
                         size_t error_bytes)
{
    struct redis_address address = {0};
    struct str rest = str_from(url);
    const char *sentence = NULL;
    if (str_starts_with(rest, STR_LIT("unix://"))) {
        rest = str_from_at(rest, sizeof("unix://") - 1);
        if (!take_credentials(&rest, &address))
            sentence = "the part before @ must be user:password, each percent-encoded";
        else if (rest.len == 0 || rest.ptr[0] != '/')
            sentence = "unix:// needs the absolute path of a socket";
        else if (!copy_decoded(rest, address.socket_path, sizeof(address.socket_path)))
            sentence = "the socket's path is longer than the 106 bytes that are allowed";
    } else if (str_starts_with(rest, STR_LIT("redis://"))) {
        rest = str_from_at(rest, sizeof("redis://") - 1);
        if (!take_credentials(&rest, &address))
            sentence = "the part before @ must be user:password, each percent-encoded";
        else if (!parse_host(rest, &address))
            sentence = "redis:// needs host:port, and database 0 if any";
    } else {
        sentence = "must begin with unix:// or redis://";
    }
    if (sentence != NULL) {
        (void)snprintf(error, error_bytes, "redis.url: %s", sentence);
        return false;
    }
    *ret_address = address;
    return true;
}

/* --- Replies ---------------------------------------------------------------------------------- */

static const redisReply *inside(const struct redis_reply *reply)
{
    return (const redisReply *)(const void *)reply;
}

enum redis_type redis_reply_type(const struct redis_reply *reply)
{
    switch (inside(reply)->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        return REDIS_TYPE_STRING;
    case REDIS_REPLY_INTEGER:
        return REDIS_TYPE_INTEGER;
    case REDIS_REPLY_ARRAY:
        return REDIS_TYPE_ARRAY;
    case REDIS_REPLY_ERROR:
        return REDIS_TYPE_ERROR;
    default:
        return REDIS_TYPE_NIL;
    }
}

struct str redis_reply_str(const struct redis_reply *reply)
{
    enum redis_type type = redis_reply_type(reply);
    if (type != REDIS_TYPE_STRING && type != REDIS_TYPE_ERROR)
        return STR_EMPTY;
    return (struct str){inside(reply)->str, inside(reply)->len};
}

int64_t redis_reply_integer(const struct redis_reply *reply)
{
    return redis_reply_type(reply) == REDIS_TYPE_INTEGER ? inside(reply)->integer : 0;
}

size_t redis_reply_count(const struct redis_reply *reply)
{
    return redis_reply_type(reply) == REDIS_TYPE_ARRAY ? inside(reply)->elements : 0;
}

const struct redis_reply *redis_reply_at(const struct redis_reply *reply, size_t index)
{
    static const redisReply NIL = {.type = REDIS_REPLY_NIL};
    const redisReply *at = index < redis_reply_count(reply) ? inside(reply)->element[index] : &NIL;
    return (const struct redis_reply *)(const void *)at;
}

bool redis_reply_is(const struct redis_reply *reply, const char *text)
{
    return redis_reply_type(reply) == REDIS_TYPE_STRING &&
           str_eq(redis_reply_str(reply), str_from(text));
}

void redis_reply_free(struct redis_reply *reply)
{
    freeReplyObject(reply);
}

/* --- The waiting client ----------------------------------------------------------------------- */

static struct timeval milliseconds(long ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

/* False, with the reason in redis->error. */
static bool prepare(struct redis *redis, const struct redis_address *address)
{
    redisContext *ctx = redis->ctx;
    if (ctx->err != 0) {
        (void)snprintf(redis->error, sizeof(redis->error), "%s", ctx->errstr);
        return false;
    }
    /* hiredis opens the socket without it; a child must not inherit an authenticated one. */
    int flags = fcntl(ctx->fd, F_GETFD);
    if (flags < 0 || fcntl(ctx->fd, F_SETFD, flags | FD_CLOEXEC) < 0 ||
        redisSetTimeout(ctx, milliseconds(REDIS_COMMAND_TIMEOUT_MS)) != REDIS_OK) {
        (void)snprintf(redis->error, sizeof(redis->error), "the socket cannot be set up");
        return false;
    }
    if (address->user[0] == '\0')
        return true;
    struct redis_reply *reply =
        redis_do(redis, STR_LIT("AUTH"), str_from(address->user), str_from(address->password));
    if (reply == NULL)
        return false;
    bool good = redis_reply_is(reply, "OK");
    if (!good)
        (void)snprintf(redis->error, sizeof(redis->error), "user or password refused");
    redis_reply_free(reply);
    return good;
}

struct redis *redis_connect(const struct redis_address *address, char *error, size_t error_bytes)
{
    struct redis *redis = calloc(1, sizeof(*redis));
    if (redis == NULL)
        abort();
    struct timeval timeout = milliseconds(REDIS_CONNECT_TIMEOUT_MS);
    redis->ctx = address->socket_path[0] != '\0'
                     ? redisConnectUnixWithTimeout(address->socket_path, timeout)
                     : redisConnectWithTimeout(address->host, address->port, timeout);
    if (redis->ctx == NULL)
        abort();
    if (prepare(redis, address))
        return redis;
    if (address->socket_path[0] != '\0')
        (void)snprintf(error, error_bytes, "Redis at %s: %s", address->socket_path, redis->error);
    else
        (void)snprintf(error, error_bytes, "Redis at %s port %u: %s", address->host,
                       (unsigned)address->port, redis->error);
    redis_free(redis);
    return NULL;
}

void redis_free(struct redis *redis)
{
    if (redis == NULL)
        return;
    redisFree(redis->ctx);
    free(redis);
}

/* Into hiredis's output buffer; nothing is sent yet. */
static bool append_command(struct redis *redis, size_t argc, const struct str *argv)
{
    assert(argc > 0);
    const char **ptrs = calloc(argc, sizeof(*ptrs));
    size_t *lens = calloc(argc, sizeof(*lens));
    if (ptrs == NULL || lens == NULL)
        abort();
    for (size_t i = 0; i < argc; i++) {
        ptrs[i] = argv[i].ptr;
        lens[i] = argv[i].len;
    }
    bool good = redisAppendCommandArgv(redis->ctx, (int)argc, ptrs, lens) == REDIS_OK;
    free(lens);
    free(ptrs);
    return good;
}

static void note_error(struct redis *redis)
{
    (void)snprintf(redis->error, sizeof(redis->error), "%s",
                   redis->ctx->err != 0 ? redis->ctx->errstr : "no reply");
}

struct redis_reply *redis_receive(struct redis *redis)
{
    void *reply = NULL;
    if (redisGetReply(redis->ctx, &reply) == REDIS_OK && reply != NULL)
        return reply;
    note_error(redis);
    return NULL;
}

bool redis_send(struct redis *redis, size_t argc, const struct str *argv)
{
    int is_done = 0;
    bool good = append_command(redis, argc, argv);
    while (good && !is_done)
        good = redisBufferWrite(redis->ctx, &is_done) == REDIS_OK;
    if (!good)
        note_error(redis);
    return good;
}

struct redis_reply *redis_command(struct redis *redis, size_t argc, const struct str *argv)
{
    return append_command(redis, argc, argv) ? redis_receive(redis) : NULL;
}

bool redis_pipeline(struct redis *redis, size_t count, const size_t *argc,
                    const struct str *const *argv, struct redis_reply **ret_replies)
{
    for (size_t i = 0; i < count; i++)
        if (!append_command(redis, argc[i], argv[i]))
            return false;
    for (size_t i = 0; i < count; i++) {
        ret_replies[i] = redis_receive(redis);
        if (ret_replies[i] != NULL)
            continue;
        while (i > 0)
            redis_reply_free(ret_replies[--i]);
        return false;
    }
    return true;
}

const char *redis_error(const struct redis *redis)
{
    return redis->error;
}

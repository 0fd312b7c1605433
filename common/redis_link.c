/* Redis from an event loop: hiredis's async API on libh2o's sockets.
 *
 *   DOWN ──(back-off over)──▶ RESOLVING ──▶ CONNECTING ──▶ AUTHENTICATING ──▶ UP
 *    ▲                            │              │                │            │
 *    └──── no such host, connect failed, AUTH refused, lost, no reply in time ─┘
 *
 * Only a host's name is resolved, and aside (resolve.c): hiredis would wait for it.
 *
 * The failure paths of hiredis 0.14 are not alike: a refused connect tells the connect callback and
 * frees the context without the disconnect callback; a lost one tells pending replies NULL, then
 * the disconnect callback, then frees it. Both end in link_lost(), once. hiredis has no time-out
 * for commands: a tick watches the age of the last progress. The h2o socket owns the descriptor, so
 * the cleanup hook takes it from hiredis. The back-off starts anew only after a connection that has
 * lasted: one that comes up and goes at once, as at Redis's limit of clients, is as bad as none. */

#include "common/redis_link.h"

#include <assert.h>
#include <fcntl.h>
#include <hiredis/async.h>
#include <sodium.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/h2o_loop.h"
#include "common/limits.h"
#include "common/resolve.h"

enum link_state { LINK_DOWN, LINK_RESOLVING, LINK_CONNECTING, LINK_AUTHENTICATING, LINK_UP };

enum { LINK_TICK_MS = 50, LINK_PATTERNS_MAX = 4, LINK_ARGS_MAX = 64, PATTERN_BYTES_MAX = 64 };

struct subscription {
    struct redis_link *link;
    char pattern[PATTERN_BYTES_MAX];
    size_t pattern_len;
    void (*fn)(struct str channel, struct str message, void *data);
    void *data;
};

struct redis_link {
    struct loop *loop;
    struct redis_address address;
    struct redis_link_events events;
    enum link_state state;
    redisAsyncContext *redis; /* NULL before LINK_CONNECTING */
    struct resolve *resolve;  /* in LINK_RESOLVING */
    h2o_socket_t *socket;
    struct loop_timer *tick;
    int64_t retry_at_ms;
    uint32_t backoff_ms;
    int64_t up_at_ms;
    size_t pending;         /* commands without a reply */
    int64_t progress_at_ms; /* the last reply, or the first command since idle */
    struct subscription subscriptions[LINK_PATTERNS_MAX];
    size_t subscription_count;
    bool ending;
};

struct command {
    struct redis_link *link;
    redis_link_fn fn;
    void *data;
};

/* --- hiredis's hooks onto the loop ----------------------------------------------------------- */

static void on_readable(h2o_socket_t *socket, const char *err)
{
    struct redis_link *link = socket->data;
    (void)err; /* hiredis finds out by reading */
    redisAsyncHandleRead(link->redis);
}

static void on_writable(h2o_socket_t *socket, const char *err)
{
    struct redis_link *link = socket->data;
    (void)err;
    redisAsyncHandleWrite(link->redis);
}

/* The hooks get the context, which knows its link as long as it lives. */
static struct redis_link *link_of(void *context)
{
    const redisAsyncContext *redis = context;
    return redis->data;
}

static void hook_add_read(void *context)
{
    struct redis_link *link = link_of(context);
    if (!h2o_socket_is_reading(link->socket))
        h2o_socket_read_start(link->socket, on_readable);
}

static void hook_del_read(void *context)
{
    h2o_socket_read_stop(link_of(context)->socket);
}

static void hook_add_write(void *context)
{
    struct redis_link *link = link_of(context);
    if (!h2o_socket_is_writing(link->socket))
        h2o_socket_notify_write(link->socket, on_writable);
}

static void hook_del_write(void *context)
{
    (void)context; /* a write notification comes once */
}

static void hook_cleanup(void *context)
{
    redisAsyncContext *redis = context;
    struct redis_link *link = redis->data;
    if (link->socket == NULL)
        return;
    h2o_socket_close(link->socket);
    link->socket = NULL;
    redis->c.fd = -1; /* closed with the socket */
}

/* --- Life of a connection -------------------------------------------------------------------- */

/* The context is gone or about to be freed by hiredis. */
static void link_lost(struct redis_link *link)
{
    bool was_up = link->state == LINK_UP;
    int64_t now_ms = clock_mono_ms();
    link->state = LINK_DOWN;
    link->redis = NULL;
    if (was_up && now_ms - link->up_at_ms >= REDIS_BACKOFF_LAST_MS)
        link->backoff_ms = REDIS_BACKOFF_FIRST_MS;
    /* Jitter: many workers must not come back in step. */
    uint32_t wait_ms = link->backoff_ms / 2 + randombytes_uniform(link->backoff_ms / 2 + 1);
    link->retry_at_ms = now_ms + wait_ms;
    link->backoff_ms *= 2;
    if (link->backoff_ms > REDIS_BACKOFF_LAST_MS)
        link->backoff_ms = REDIS_BACKOFF_LAST_MS;
    if (was_up && link->events.on_down != NULL)
        link->events.on_down(link->events.data);
}

static void on_message(redisAsyncContext *redis, void *reply_data, void *data)
{
    const redisReply *reply = reply_data;
    const struct subscription *subscription = data;
    const struct redis_link_events *events = &subscription->link->events;
    (void)redis;
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY)
        return;
    /* "psubscribe", the pattern, how many there are now. */
    if (reply->elements == 3 && events->on_subscribed != NULL)
        events->on_subscribed(events->data);
    if (reply->elements != 4 || reply->element[2]->str == NULL || reply->element[3]->str == NULL)
        return;
    subscription->fn((struct str){reply->element[2]->str, reply->element[2]->len},
                     (struct str){reply->element[3]->str, reply->element[3]->len},
                     subscription->data);
}

static void send_subscription(struct redis_link *link, struct subscription *subscription)
{
    const char *argv[] = {"PSUBSCRIBE", subscription->pattern};
    const size_t lens[] = {10, subscription->pattern_len};
    (void)redisAsyncCommandArgv(link->redis, on_message, subscription, 2, argv, lens);
}

static void link_is_up(struct redis_link *link)
{
    link->state = LINK_UP;
    link->up_at_ms = clock_mono_ms();
    for (size_t i = 0; i < link->subscription_count; i++)
        send_subscription(link, &link->subscriptions[i]);
    if (link->events.on_up != NULL)
        link->events.on_up(link->events.data);
}

static void on_authenticated(redisAsyncContext *redis, void *reply_data, void *data)
{
    struct redis_link *link = data;
    const redisReply *reply = reply_data;
    if (link->pending > 0)
        link->pending--;
    if (reply == NULL)
        return; /* the disconnect callback follows */
    if (reply->type == REDIS_REPLY_ERROR)
        redisAsyncFree(redis); /* deferred to the end of this callback */
    else
        link_is_up(link);
}

static void authenticate(struct redis_link *link)
{
    const char *argv[] = {"AUTH", link->address.user, link->address.password};
    const size_t lens[] = {4, strlen(link->address.user), strlen(link->address.password)};
    link->state = LINK_AUTHENTICATING;
    if (redisAsyncCommandArgv(link->redis, on_authenticated, link, 3, argv, lens) == REDIS_OK)
        link->pending++;
}

static void on_connect(const redisAsyncContext *redis, int status)
{
    struct redis_link *link = redis->data;
    if (status != REDIS_OK) {
        link_lost(link); /* hiredis frees the context, without the disconnect callback */
        return;
    }
    link->progress_at_ms = clock_mono_ms();
    /* Nothing that could free the context may be done here; both only queue commands. */
    if (link->address.user[0] != '\0')
        authenticate(link);
    else
        link_is_up(link);
}

static void on_disconnect(const redisAsyncContext *redis, int status)
{
    struct redis_link *link = redis->data;
    (void)status;
    if (link != NULL)
        link_lost(link);
}

/* `host`: an address in digits, or NULL for the socket. */
static void connect_to(struct redis_link *link, const char *host)
{
    link->redis = host == NULL ? redisAsyncConnectUnix(link->address.socket_path)
                               : redisAsyncConnect(host, link->address.port);
    if (link->redis == NULL)
        abort();
    /* A subscriber sends nothing, and would never know that its peer is gone. */
    if (host != NULL && link->redis->err == 0)
        (void)redisEnableKeepAlive(&link->redis->c);
    if (link->redis->err != 0) {
        redisAsyncFree(link->redis);
        link_lost(link);
        return;
    }
    (void)fcntl(link->redis->c.fd, F_SETFD, FD_CLOEXEC);
    link->state = LINK_CONNECTING;
    link->pending = 0;
    link->progress_at_ms = clock_mono_ms();
    link->redis->data = link;
    link->socket =
        h2o_evloop_socket_create(link->loop->h2o, link->redis->c.fd, H2O_SOCKET_FLAG_DONT_READ);
    link->socket->data = link;
    link->redis->ev.data = link->redis;
    link->redis->ev.addRead = hook_add_read;
    link->redis->ev.delRead = hook_del_read;
    link->redis->ev.addWrite = hook_add_write;
    link->redis->ev.delWrite = hook_del_write;
    link->redis->ev.cleanup = hook_cleanup;
    (void)redisAsyncSetConnectCallback(link->redis, on_connect);
    (void)redisAsyncSetDisconnectCallback(link->redis, on_disconnect);
}

static void end_resolving(struct redis_link *link)
{
    struct resolve *resolve = link->resolve;
    const char *host = resolve_address(resolve);
    link->resolve = NULL;
    if (host != NULL)
        connect_to(link, host);
    else
        link_lost(link);
    resolve_free(resolve);
}

static void start_connect(struct redis_link *link)
{
    if (link->address.socket_path[0] != '\0') {
        connect_to(link, NULL);
    } else if (resolve_is_address(link->address.host)) {
        connect_to(link, link->address.host);
    } else {
        link->state = LINK_RESOLVING;
        link->resolve = resolve_start(link->address.host);
        if (link->resolve == NULL)
            link_lost(link);
    }
}

/* Drops a connection that does not answer; pending replies are told NULL. */
static void give_up(struct redis_link *link)
{
    redisAsyncContext *redis = link->redis;
    bool connected = (redis->c.flags & REDIS_CONNECTED) != 0;
    redisAsyncFree(redis);
    if (!connected)
        link_lost(link); /* hiredis calls the disconnect callback of connected contexts only */
}

static void on_tick(void *data)
{
    struct redis_link *link = data;
    int64_t now_ms = clock_mono_ms();
    if (link->state == LINK_DOWN) {
        if (now_ms >= link->retry_at_ms)
            start_connect(link);
        return;
    }
    if (link->state == LINK_RESOLVING) {
        if (resolve_is_done(link->resolve))
            end_resolving(link);
        return;
    }
    int64_t limit_ms = link->state == LINK_UP ? REDIS_COMMAND_TIMEOUT_MS : REDIS_CONNECT_TIMEOUT_MS;
    if ((link->state != LINK_UP || link->pending > 0) && now_ms - link->progress_at_ms > limit_ms)
        give_up(link);
}

/* --- For the caller -------------------------------------------------------------------------- */

struct redis_link *redis_link_new(struct loop *loop, const struct redis_address *address,
                                  const struct redis_link_events *events)
{
    struct redis_link *link = calloc(1, sizeof(*link));
    if (link == NULL || sodium_init() < 0)
        abort();
    link->loop = loop;
    link->address = *address;
    link->events = *events;
    link->backoff_ms = REDIS_BACKOFF_FIRST_MS;
    link->tick = loop_timer_new(loop, LINK_TICK_MS, on_tick, link);
    start_connect(link);
    return link;
}

void redis_link_free(struct redis_link *link)
{
    if (link == NULL)
        return;
    link->ending = true;
    link->events = (struct redis_link_events){0};
    resolve_free(link->resolve);
    if (link->redis != NULL)
        give_up(link);
    loop_timer_free(link->tick);
    explicit_bzero(&link->address, sizeof(link->address));
    free(link);
}

bool redis_link_is_up(const struct redis_link *link)
{
    return link->state == LINK_UP;
}

static void on_reply(redisAsyncContext *redis, void *reply, void *data)
{
    struct command *command = data;
    struct redis_link *link = command->link;
    redis_link_fn fn = command->fn;
    void *fn_data = command->data;
    (void)redis;
    free(command);
    assert(link->pending > 0);
    link->pending--;
    link->progress_at_ms = clock_mono_ms();
    fn(reply, fn_data);
}

bool redis_link_send(struct redis_link *link, size_t argc, const struct str *argv, redis_link_fn fn,
                     void *data)
{
    const char *args[LINK_ARGS_MAX];
    size_t lens[LINK_ARGS_MAX];
    assert(argc > 0 && argc <= LINK_ARGS_MAX);
    if (link->state != LINK_UP || link->ending)
        return false;
    for (size_t i = 0; i < argc; i++) {
        args[i] = argv[i].ptr;
        lens[i] = argv[i].len;
    }
    struct command *command = malloc(sizeof(*command));
    if (command == NULL)
        abort();
    *command = (struct command){.link = link, .fn = fn, .data = data};
    if (redisAsyncCommandArgv(link->redis, on_reply, command, (int)argc, args, lens) != REDIS_OK) {
        free(command); /* disconnecting: the callback does not come */
        return false;
    }
    if (link->pending++ == 0)
        link->progress_at_ms = clock_mono_ms();
    return true;
}

void redis_link_subscribe(struct redis_link *link, struct str pattern,
                          void (*fn)(struct str channel, struct str message, void *data),
                          void *data)
{
    assert(link->subscription_count < LINK_PATTERNS_MAX && pattern.len < PATTERN_BYTES_MAX);
    struct subscription *subscription = &link->subscriptions[link->subscription_count++];
    *subscription =
        (struct subscription){.link = link, .pattern_len = pattern.len, .fn = fn, .data = data};
    memcpy(subscription->pattern, pattern.ptr, pattern.len);
    if (link->state == LINK_UP)
        send_subscription(link, subscription);
}

#pragma once

/* Redis from an event loop: one connection that comes back by itself, over hiredis's async API.
 * One loop's thread; never blocks. */

#include "common/loop.h"
#include "common/redis.h"

struct redis_link;

struct redis_link_events {
    void (*on_up)(void *data);   /* authenticated and usable; also after each reconnect */
    void (*on_down)(void *data); /* after all pending replies were told NULL */
    /* A subscription holds, after each connect: what was published before was not heard. */
    void (*on_subscribed)(void *data);
    void *data;
};

/* Starts to connect at once; retries for ever with back-off and jitter. */
struct redis_link *redis_link_new(struct loop *loop, const struct redis_address *address,
                                  const struct redis_link_events *events);
/* Pending replies are told NULL. Not from within a callback of this link. Waits for the resolver
 * when it is looking up the host's name. */
void redis_link_free(struct redis_link *link);
bool redis_link_is_up(const struct redis_link *link);

/* reply NULL: the outcome is unknown. The reply dies when the callback returns. */
typedef void (*redis_link_fn)(const struct redis_reply *reply, void *data);

/* False when the link is down: fn is not called. Otherwise fn is called exactly once; a command
 * without a reply for REDIS_COMMAND_TIMEOUT_MS costs the connection. Arguments are copied. */
MUST_CHECK bool redis_link_send(struct redis_link *link, size_t argc, const struct str *argv,
                                redis_link_fn fn, void *data);

/* Subscribes to channels matching `pattern`, for this connection and every later one; such a link
 * sends nothing else. `fn` gets the message's channel and bytes. At most four patterns. */
void redis_link_subscribe(struct redis_link *link, struct str pattern,
                          void (*fn)(struct str channel, struct str message, void *data),
                          void *data);

#pragma once

/* A real redis-server for one test: on a Unix socket in a folder of its own below /tmp, no TCP
 * port. It dies with the test's process, however that ends. */

#include <stdbool.h>
#include <sys/types.h>

#include "common/buf.h"
#include "common/redis.h"

struct redis_server {
    pid_t pid;
    char dir[64]; /* made by mkdtemp; its files are the server's */
    struct redis_address address;
};

/* Starts it and waits until it answers. `args` is NULL or a NULL-terminated list such as
 * {"--appendonly", "yes", NULL}; without it nothing is persisted. Aborts the test on failure. */
void redis_server_start(struct redis_server *server, const char *const *args);
/* Ends it (SIGTERM) and removes its folder. */
void redis_server_stop(struct redis_server *server);
/* Ends it by `signal` and keeps the folder; redis_server_restart() starts it there again. */
void redis_server_kill(struct redis_server *server, int signal);
void redis_server_restart(struct redis_server *server, const char *const *args);
/* A connection as the server's first user; aborts the test on failure. */
struct redis *redis_server_connect(const struct redis_server *server);

/* Every key with its bytes (DUMP) and its expiry, in a fixed order: equal when nothing changed. */
void redis_server_dump(struct redis *redis, struct buf *out);
/* A user of this name, with the password "secret" and these rules (aggregator/acl.h), and its
 * address. */
void redis_server_add_user(const struct redis_server *server, const char *name, const char *rules,
                           struct redis_address *ret_address);

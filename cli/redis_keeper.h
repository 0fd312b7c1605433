#pragma once

/* The process between the supervisor and its private Redis. */

#include <stddef.h>

struct redis_keeper {
    const char *folder; /* holds redis.conf; Redis works there */
    int lifeline_fd;    /* the end to read: closes when the supervisor and all roles are gone */
    /* Descriptors that this process must not hold on to; -1 where there is none. */
    int close_fds[2];
};

/* Runs redis-server until it ends, the lifeline closes, or SIGTERM comes. `data` is a struct
 * redis_keeper. Returns the exit code; dies of the same signal as Redis did. */
int redis_keeper_run(void *data);

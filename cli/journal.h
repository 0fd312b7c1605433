#pragma once

/* Has Redis rewrite its append-only file before the hour is over, so that the order in which
 * increments came does not outlive the hour; and when a day was closed. Belongs to `serve`'s one
 * thread. */

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"

enum { JOURNAL_CLOSED_BYTES = 40 };

struct journal {
    const struct config *config;
    const char *folder; /* DATA/redis/appendonlydir; NULL: Redis is somebody else's */
    uint32_t every_ms;
    int64_t due_ms;
    int64_t look_ms;                   /* when it is asked whether a day was closed */
    char closed[JOURNAL_CLOSED_BYTES]; /* what the store said of that at the last rewrite */
    bool begun;                        /* the last rewrite's outcome is not known yet */
    bool trouble;                      /* said to the operator, and not over */
};

/* `every_ms` 0: ten minutes before the hour is over, for the rewrite itself and for retries. */
void journal_init(struct journal *journal, const struct config *config, const char *folder,
                  uint32_t every_ms);
/* Does what is due, which takes a round trip or two to Redis. */
void journal_turn(struct journal *journal);

#pragma once

/* Once an hour: rows of writers that are long gone, and entries that have been in quarantine for
 * too long. A bounded part of it a step, so that applying goes on meanwhile. Waits for Redis. */

#include <stdint.h>

#include "aggregator/trouble.h"

struct prune {
    int64_t due_ms; /* monotonic */
    char scan[24];  /* where HSCAN goes on; "0": at the start */
};

struct prune_counts {
    uint64_t rows, entries;
};

/* A connection was made: the next look is in an hour. */
void prune_reset(struct prune *prune, int64_t mono_ms);
/* The next part when it is due, else nothing. False with the trouble; the part is done again. */
MUST_CHECK bool prune_step(struct prune *prune, struct redis *redis, uint32_t shard,
                           int64_t mono_ms, struct prune_counts *ret_counts,
                           struct trouble *ret_trouble);

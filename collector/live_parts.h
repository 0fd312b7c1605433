#pragma once

/* What one worker has counted of each site and the store may not show yet. One thread. */

#include "aggregator/live.h"
#include "collector/desk.h"
#include "collector/sealed.h"

struct live_source {
    const struct desk_table *desks;
    const struct sealed *recent, *waiting; /* batches, oldest first */
    uint64_t last_number;                  /* what is open will be in a later one */
};

/* Calls fn for each site that has parts; they are valid during the call. A batch that is with the
 * spool is not told: it shows when it is applied. */
void live_parts_each(const struct live_source *source,
                     void (*fn)(struct str site, const struct live_part *parts, size_t count,
                                void *data),
                     void *data);

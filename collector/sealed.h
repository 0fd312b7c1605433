#pragma once

/* A sealed batch: its number, its payload, and where each site's section stands in it. One thread.
 */

#include <stdint.h>

#include "aggregator/section.h"
#include "collector/held.h"
#include "common/buf.h"

struct sealed {
    struct sealed *next;
    uint64_t number;
    struct buf payload;
    struct held *held; /* replies that wait for it */
    int64_t acknowledged_ms;
    /* private */
    struct sealed_site *sites;
    size_t site_count;
};

/* For `section_count` sections, all of which sealed_add() must add before sealed_finish(). */
struct sealed *sealed_new(uint64_t number, size_t section_count);
void sealed_add(struct sealed *sealed, struct section *section);
void sealed_finish(struct sealed *sealed);
void sealed_free(struct sealed *sealed);
/* A whole list. */
void sealed_free_list(struct sealed *first);

/* A site's part as a payload of its own, initialised into `out`; false when it has none. */
MUST_CHECK bool sealed_part(const struct sealed *sealed, struct str site, struct buf *out);

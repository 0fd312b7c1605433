#pragma once

/* Folds the days of a month into one record before they leave. Belongs to the aggregator's one
 * thread, between two applies; waits for Redis. */

#include <stdint.h>

#include "aggregator/record.h"
#include "aggregator/site.h"
#include "aggregator/trouble.h"

struct rollup {
    struct record_reader *reader;
    int64_t due_ms;          /* monotonic: when the next round begins */
    struct site_list *sites; /* of the round that is under way; NULL: none is */
    size_t next;             /* site */
    uint32_t folded;         /* months, in this round */
};

struct rollup_counts {
    uint64_t folded, moved;
    uint64_t damaged; /* months that could not be read */
};

/* The first round begins at `mono_ms`. */
void rollup_init(struct rollup *rollup, int64_t mono_ms);
void rollup_done(struct rollup *rollup);

/* Goes on with the round for ROLLUP_TURN_MS, when it is due. False with the trouble; the round
 * begins anew later. */
MUST_CHECK bool rollup_turn(struct rollup *rollup, struct redis *redis,
                            struct rollup_counts *ret_counts, struct trouble *ret_trouble);
/* One site: each month of which days are about to leave. */
MUST_CHECK bool rollup_site(struct rollup *rollup, struct redis *redis, const struct site *site,
                            struct rollup_counts *counts, struct trouble *ret_trouble);

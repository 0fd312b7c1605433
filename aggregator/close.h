#pragma once

/* Seals the days that are over, one at a time. Belongs to the aggregator's one thread, between two
 * applies; waits for Redis. */

#include <stdint.h>

#include "aggregator/close_plan.h"
#include "aggregator/ledger.h"
#include "aggregator/record.h"
#include "aggregator/trouble.h"

struct closing {
    uint32_t shard;
    struct close_plan plan;
    struct record_reader *reader;
    int64_t look_at_ms; /* monotonic */
    bool is_under_way;  /* days of the last look are left to be closed */
    uint32_t closed;    /* since the last look */
    bool is_sum_told;   /* that a month could not be added up; until one was */
};

struct closing_counts {
    uint64_t closed, forgotten, moved;
    uint64_t summed; /* months that were added up */
    uint64_t stuck;  /* days that are over and cannot be read, now */
    uint64_t ms;
};

void closing_init(struct closing *closing, uint32_t shard);
void closing_done(struct closing *closing);

/* Looks when it is time to, and closes days for CLOSE_TURN_MS. The ledger has nothing pending; it
 * forgets what is closed. False with the trouble; what was not done is done at a later look. */
MUST_CHECK bool closing_turn(struct closing *closing, struct redis *redis, struct ledger *ledger,
                             struct closing_counts *ret_counts, struct trouble *ret_trouble);
/* One day, whatever its time: reads, seals, and deletes what was live. For the turn and for tests.
 * `*ret_moved` tells that it changed meanwhile, and nothing was done. */
MUST_CHECK bool closing_day(struct closing *closing, struct redis *redis, struct close_day *day,
                            bool *ret_moved, struct trouble *ret_trouble);

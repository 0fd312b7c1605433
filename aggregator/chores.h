#pragma once

/* What the aggregator does between two applies, a moment at a time: it prunes what has expired of
 * writers and of the quarantine, closes days that are over, and folds months of which days are
 * about to leave. One thread. */

#include "aggregator/close.h"
#include "aggregator/prune.h"
#include "aggregator/rollup.h"
#include "common/health.h"
#include "common/metrics.h"

struct chores {
    uint32_t shard;
    struct prune prune;
    struct closing closing;
    struct rollup rollup;
    bool is_troubled;             /* closing or folding; it is logged */
    struct metrics_part *metrics; /* aggregate_metrics.h, as the checks */
    struct health *health;
};

/* Metrics and checks are the caller's. */
void chores_init(struct chores *chores, uint32_t shard, struct metrics_part *metrics,
                 struct health *health);
void chores_done(struct chores *chores);

/* A connection was made. */
void chores_connected(struct chores *chores);
/* There are days to close or months to fold: then nothing else is to be waited for. */
bool chores_are_under_way(const struct chores *chores);
/* One turn, of each some; closed days leave the ledger, of which nothing may be pending. False with
 * the trouble when the connection is of no more use: it is lost, or Redis lacks this version's
 * functions. What else goes wrong is logged, stops nothing, and is tried again at a later look. */
MUST_CHECK bool chores_turn(struct chores *chores, struct redis *redis, struct ledger *ledger,
                            struct trouble *ret_trouble);

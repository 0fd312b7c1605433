/* The turns of pruning, closing and folding, and what is told of them. Called by aggregate.c. */

#include "aggregator/chores.h"

#include <inttypes.h>

#include "aggregator/aggregate_metrics.h"
#include "common/clock.h"
#include "common/log.h"

void chores_init(struct chores *chores, uint32_t shard, struct metrics_part *metrics,
                 struct health *health)
{
    *chores = (struct chores){.shard = shard, .metrics = metrics, .health = health};
    closing_init(&chores->closing, shard);
    rollup_init(&chores->rollup, clock_mono_ms());
}

void chores_done(struct chores *chores)
{
    closing_done(&chores->closing);
    rollup_done(&chores->rollup);
}

void chores_connected(struct chores *chores)
{
    prune_reset(&chores->prune, clock_mono_ms());
}

bool chores_are_under_way(const struct chores *chores)
{
    return chores->closing.is_under_way || chores->rollup.sites != NULL;
}

/* What it cannot do is tried again in an hour. */
static bool prune(struct chores *chores, struct redis *redis, struct trouble *ret_trouble)
{
    struct prune_counts counts;
    int64_t now_ms = clock_mono_ms();
    bool good = prune_step(&chores->prune, redis, chores->shard, now_ms, &counts, ret_trouble);
    metrics_add(chores->metrics, AGGREGATE_WRITERS_PRUNED, counts.rows);
    metrics_add(chores->metrics, AGGREGATE_QUARANTINE_EXPIRED, counts.entries);
    if (counts.entries > 0)
        log_error("%" PRIu64 " entries have been in quarantine for too long and are gone",
                  counts.entries);
    if (good || ret_trouble->is_lost)
        return good;
    log_error("%s: %s", ret_trouble->doing, ret_trouble->said);
    prune_reset(&chores->prune, now_ms);
    return true;
}

static bool close_days(struct chores *chores, struct redis *redis, struct ledger *ledger,
                       struct trouble *ret_trouble)
{
    struct closing_counts counts;
    bool good = closing_turn(&chores->closing, redis, ledger, &counts, ret_trouble);
    metrics_add(chores->metrics, AGGREGATE_CLOSED, counts.closed);
    metrics_add(chores->metrics, AGGREGATE_FORGOTTEN, counts.forgotten);
    metrics_add(chores->metrics, AGGREGATE_CLOSE_MOVED, counts.moved);
    metrics_add(chores->metrics, AGGREGATE_SUMMED, counts.summed);
    metrics_add(chores->metrics, AGGREGATE_CLOSE_MS, counts.ms);
    metrics_set(chores->metrics, AGGREGATE_STUCK, counts.stuck);
    health_set(chores->health, 0, AGGREGATE_CHECK_CLOSE, counts.stuck == 0, counts.stuck);
    return good;
}

static bool fold_months(struct chores *chores, struct redis *redis, struct trouble *ret_trouble)
{
    struct rollup_counts counts;
    bool good = rollup_turn(&chores->rollup, redis, &counts, ret_trouble);
    metrics_add(chores->metrics, AGGREGATE_FOLDED, counts.folded);
    metrics_add(chores->metrics, AGGREGATE_FOLD_DAMAGED, counts.damaged);
    return good;
}

bool chores_turn(struct chores *chores, struct redis *redis, struct ledger *ledger,
                 struct trouble *ret_trouble)
{
    if (!prune(chores, redis, ret_trouble))
        return false;
    bool good = close_days(chores, redis, ledger, ret_trouble);
    if (good && !chores->closing.is_under_way)
        good = fold_months(chores, redis, ret_trouble);
    if (!good && (ret_trouble->is_lost || ret_trouble->kind == TROUBLE_FUNCTION))
        return false;
    if (!good && !chores->is_troubled)
        log_error("%s: %s", ret_trouble->doing, ret_trouble->said);
    chores->is_troubled = !good;
    return true;
}

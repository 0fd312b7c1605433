#pragma once

/* What the aggregator tells of itself: its counters and gauges, and its checks. Lists only. */

#include "common/health.h"
#include "common/metrics.h"

/* X(enum, type, name, labels, help). */
#define AGGREGATE_METRICS(X)                                                                       \
    X(ENTRIES, COUNTER, "footfall_aggregator_entries_applied_total", "",                           \
      "Batches of the log that became counts.")                                                    \
    X(BYTES, COUNTER, "footfall_aggregator_bytes_applied_total", "", "Bytes of these.")            \
    X(QUARANTINED, COUNTER, "footfall_aggregator_entries_quarantined_total", "",                   \
      "Entries of the log that could not be applied and were put into quarantine.")                \
    X(QUARANTINE_FULL, COUNTER, "footfall_aggregator_quarantine_full_total", "",                   \
      "Times that the quarantine had no room, and the log stood still.")                           \
    X(QUARANTINE_EXPIRED, COUNTER, "footfall_aggregator_quarantine_expired_total", "",             \
      "Entries that nobody looked at in time, and that are gone uncounted.")                       \
    X(WRITERS_PRUNED, COUNTER, "footfall_aggregator_writer_rows_pruned_total", "",                 \
      "Rows of writers that were long gone.")                                                      \
    X(APPLIES, COUNTER, "footfall_aggregator_applies_total", "",                                   \
      "Steps that changed counts, each of many batches.")                                          \
    X(APPLY_MS, COUNTER_MS, "footfall_aggregator_apply_seconds_total", "",                         \
      "Time that these took, Redis included.")                                                     \
    X(MOVED, COUNTER, "footfall_aggregator_applies_moved_total", "",                               \
      "Steps that changed nothing, since another aggregator had done them.")                       \
    X(REFUSED, COUNTER, "footfall_aggregator_applies_refused_total", "",                           \
      "Steps that Redis refused; nothing is changed then.")                                        \
    X(CLOSED, COUNTER, "footfall_aggregator_days_closed_total", "",                                \
      "Days that were over and became records; again after late batches.")                         \
    X(FORGOTTEN, COUNTER, "footfall_aggregator_days_forgotten_total", "",                          \
      "Open days of sites that are no longer in the list, and that are gone.")                     \
    X(CLOSE_MOVED, COUNTER, "footfall_aggregator_closes_moved_total", "",                          \
      "Closes that changed nothing, since the day changed meanwhile.")                             \
    X(SUMMED, COUNTER, "footfall_aggregator_month_sums_written_total", "",                         \
      "Months that were over and whose large tables were added up; again after late batches.")     \
    X(FOLDED, COUNTER, "footfall_aggregator_months_folded_total", "",                              \
      "Months that days were folded into before they left.")                                       \
    X(FOLD_DAMAGED, COUNTER, "footfall_aggregator_folds_damaged_total", "",                        \
      "Months whose days could not be read for it; each time that they were looked at.")           \
    X(CLOSE_MS, COUNTER_MS, "footfall_aggregator_close_seconds_total", "",                         \
      "Time that closing took, looking for days included.")                                        \
    X(STUCK, GAUGE, "footfall_aggregator_days_stuck", "",                                          \
      "Days that are over and cannot be read, so that they stay as they are.")                     \
    X(CONNECTS, COUNTER, "footfall_aggregator_redis_connects_total", "",                           \
      "Connections to Redis that were made.")                                                      \
    X(UP, GAUGE, "footfall_aggregator_redis_up", "", "1 while it is connected.")                   \
    X(BEHIND, GAUGE, "footfall_aggregator_log_entries_behind", "",                                 \
      "Batches in the log that are not applied yet.")                                              \
    X(OLDEST, GAUGE_MS, "footfall_aggregator_log_oldest_entry_age_seconds", "",                    \
      "Age of the oldest of these; 0: there is none.")                                             \
    X(IN_QUARANTINE, GAUGE, "footfall_aggregator_quarantined_entries", "",                         \
      "Entries that are in quarantine now.")                                                       \
    X(LEDGER_BYTES, GAUGE, "footfall_aggregator_ledger_bytes", "",                                 \
      "Memory of what it remembers of values at rest.")

enum aggregate_metric {
#define X(id, type, name, labels, help) AGGREGATE_##id,
    AGGREGATE_METRICS(X)
#undef X
        AGGREGATE__COUNT
};

/* X(enum, name, needed, counts, when good, when bad). */
#define AGGREGATE_CHECKS(X)                                                                        \
    X(REDIS, "redis", true, "", "Redis answers and has the functions of this version",             \
      "Redis does not answer as it should: nothing is applied")                                    \
    X(LAG, "log_lag", true, "entries behind", "the log is applied as it comes",                    \
      "the log waits for too long")                                                                \
    X(QUARANTINE, "quarantine", false, "entries", "nothing is in quarantine",                      \
      "batches that could not be counted are in quarantine; footfall quarantine lists them")       \
    X(CLOSE, "close", false, "days", "days that are over are closed",                              \
      "days that are over cannot be read, and stay as they are")                                   \
    X(ROOM, "quarantine_room", true, "", "the quarantine has room",                                \
      "the quarantine is full: nothing is applied until there is room again")

enum aggregate_check {
#define X(id, name, needed, counts, good, bad) AGGREGATE_CHECK_##id,
    AGGREGATE_CHECKS(X)
#undef X
        AGGREGATE_CHECK__COUNT
};

/* By enum aggregate_metric, and by enum aggregate_check. */
extern const struct metrics_row AGGREGATE_METRIC_ROWS[AGGREGATE__COUNT];
extern const struct health_row AGGREGATE_CHECK_ROWS[AGGREGATE_CHECK__COUNT];

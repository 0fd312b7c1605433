/* The collector's rows as tables. */

#include "collector/collect_metrics.h"

#define DROP_ROW(id, name, meaning)                                                                \
    {METRICS_COUNTER, "footfall_collector_drops_total", "reason=\"" name "\"",                     \
     "Beacons of known sites that are not counted, by reason."},
#define FAULT_ROW(id, name, sentence)                                                              \
    {METRICS_COUNTER, "footfall_collector_malformed_total", "reason=\"" name "\"",                 \
     "Beacons that cannot be read, by what is wrong with them."},

const struct metrics_row COLLECT_METRIC_ROWS[] = {
    COLLECT_METRICS(METRICS_ROW) DROP_REASONS(DROP_ROW) BEACON_FAULTS(FAULT_ROW)};

const struct health_row COLLECT_CHECK_ROWS[] = {COLLECT_CHECKS(HEALTH_ROW)};

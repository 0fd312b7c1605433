/* The aggregator's rows as tables. */

#include "aggregator/aggregate_metrics.h"

const struct metrics_row AGGREGATE_METRIC_ROWS[] = {AGGREGATE_METRICS(METRICS_ROW)};
const struct health_row AGGREGATE_CHECK_ROWS[] = {AGGREGATE_CHECKS(HEALTH_ROW)};

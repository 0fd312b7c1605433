/* The dashboards' rows as tables. */

#include "dashboards/server/dashboards_metrics.h"

const struct metrics_row DASHBOARDS_METRIC_ROWS[] = {DASHBOARDS_METRICS(METRICS_ROW)};
const struct health_row DASHBOARDS_CHECK_ROWS[] = {DASHBOARDS_CHECKS(HEALTH_ROW)};

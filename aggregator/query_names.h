#pragma once

/* The names in questions and answers. Static text; thread-safe. */

#include "aggregator/query.h"

const char *query_metric_name(enum query_metric metric);
const char *query_period_name(enum query_period period);
const char *query_operator_name(enum query_operator op);
/* Not of QUERY_NO_TIME. */
const char *query_time_name(enum query_time time);
/* "visit:country"; for TABLE_PROP without its key. NULL for a table that is no dimension. */
const char *query_table_dimension(enum table table);
MUST_CHECK bool query_dimension_from_name(struct str name, struct query_dimension *ret_dimension);
MUST_CHECK bool query_time_from_name(struct str name, enum query_time *ret_time);

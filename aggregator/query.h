#pragma once

/* A question about one site: from JSON in the shape of Plausible's Stats API v2 to a plan of what
 * must be read, and from what was read to the answer. Pure: the caller reads. In this order:
 *
 *   query_parse ─▶ query_plan_make ─▶ read each (date, table) of the plan ─▶ query_answer_add … ─▶
 * _json
 *
 * A query belongs to one thread; it must outlive its plan, and the plan its answer. */

#include <stdint.h>

#include "aggregator/model.h"
#include "aggregator/query_status.h"
#include "common/macros.h"

struct json_t; /* jansson */

#define QUERY_METRICS(X)                                                                           \
    X(VISITORS, "visitors")                                                                        \
    X(VISITS, "visits")                                                                            \
    X(PAGEVIEWS, "pageviews")                                                                      \
    X(VIEWS_PER_VISIT, "views_per_visit")                                                          \
    X(BOUNCE_RATE, "bounce_rate")                                                                  \
    X(VISIT_DURATION, "visit_duration")                                                            \
    X(TIME_ON_PAGE, "time_on_page")                                                                \
    X(SCROLL_DEPTH, "scroll_depth")                                                                \
    X(EVENTS, "events")

enum query_metric {
#define X(id, name) QUERY_##id,
    QUERY_METRICS(X)
#undef X
        QUERY_METRIC__COUNT
};

/* A dimension beside time. NONE: not asked. `prop_key` goes with TABLE_PROP. */
struct query_dimension {
    bool asked;
    enum table table;
    struct str prop_key;
};

enum query_time { QUERY_NO_TIME, QUERY_HOUR, QUERY_DAY, QUERY_WEEK, QUERY_MONTH, QUERY_AUTO };

enum query_operator { QUERY_IS, QUERY_IS_NOT, QUERY_CONTAINS };

enum { QUERY_FILTERS_MAX = 8, QUERY_VALUES_MAX = 200 };

struct query_filter {
    enum query_operator op;
    struct query_dimension dimension;
    const struct json_t *values; /* 1..QUERY_VALUES_MAX strings */
    size_t value_count;
    bool ignore_case; /* of ASCII letters */
};

enum query_period {
    QUERY_PERIOD_DAY,
    QUERY_PERIOD_24H,
    QUERY_PERIOD_7D,
    QUERY_PERIOD_28D,
    QUERY_PERIOD_30D,
    QUERY_PERIOD_91D,
    QUERY_PERIOD_MONTH,
    QUERY_PERIOD_6MO,
    QUERY_PERIOD_12MO,
    QUERY_PERIOD_YEAR,
    QUERY_PERIOD_ALL,
    QUERY_PERIOD__COUNT,
    QUERY_PERIOD_CUSTOM = QUERY_PERIOD__COUNT
};

/* An end of a date range: a date, or a moment whose date depends on the site's zone. */
struct query_moment {
    bool is_date;
    uint32_t date;
    int64_t unix_s;
};

enum query_comparison { QUERY_NO_COMPARISON, QUERY_PREVIOUS_PERIOD, QUERY_YEAR_OVER_YEAR };

enum query_order_kind { QUERY_BY_METRIC, QUERY_BY_TIME, QUERY_BY_VALUE };

struct query_order {
    enum query_order_kind kind;
    size_t metric; /* index into metrics[] */
    bool descending;
};

enum { QUERY_ORDERS_MAX = QUERY_METRIC__COUNT + 2 };

struct query {
    struct json_t *json; /* owned; every slice points into it */
    struct str site;
    enum query_metric metrics[QUERY_METRIC__COUNT];
    size_t metric_count;
    enum query_period period;
    struct query_moment from, to; /* of a custom period, both included */
    enum query_time time;
    bool time_first; /* time was named before the other dimension */
    struct query_dimension dimension;
    struct query_filter filters[QUERY_FILTERS_MAX];
    size_t filter_count;
    struct query_order orders[QUERY_ORDERS_MAX];
    size_t order_count; /* 0: the default order */
    uint32_t limit, offset;
    bool with_time_labels, with_total_rows;
    enum query_comparison comparison;
};

/* Not QUERY_OK: nothing is to be freed. */
MUST_CHECK enum query_status query_parse(struct str json, struct query *ret_query);
void query_done(struct query *query);

/* "2026-11-23" or "2026-11-23T23:59:59+01:00"; years 2000 to 2199. */
MUST_CHECK bool query_moment_parse(struct str text, struct query_moment *ret_moment);

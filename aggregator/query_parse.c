/* A question's JSON as a struct query. What a field may hold is checked here; which combinations
 * are kept is the plan's business. Called by the dashboards and the command line, any thread. */

#include "aggregator/query.h"

#include <assert.h>
#include <jansson.h>

#include "aggregator/query_names.h"

enum { QUERY_OFFSET_MAX = 1000000 };

static struct str text_of(const json_t *string)
{
    return (struct str){json_string_value(string), json_string_length(string)};
}

/* --- Date range ------------------------------------------------------------------------------- */

static bool parse_moment(const json_t *value, struct query_moment *ret_moment)
{
    return json_is_string(value) && query_moment_parse(text_of(value), ret_moment);
}

static enum query_status parse_date_range(const json_t *value, struct query *query)
{
    if (json_is_string(value)) {
        for (int period = 0; period < QUERY_PERIOD__COUNT; period++) {
            if (str_eq(text_of(value), str_from(query_period_name((enum query_period)period)))) {
                query->period = (enum query_period)period;
                return QUERY_OK;
            }
        }
        return QUERY_BAD_DATE_RANGE;
    }
    query->period = QUERY_PERIOD_CUSTOM;
    if (!json_is_array(value) || json_array_size(value) != 2 ||
        !parse_moment(json_array_get(value, 0), &query->from) ||
        !parse_moment(json_array_get(value, 1), &query->to))
        return QUERY_BAD_DATE_RANGE;
    return QUERY_OK;
}

/* --- Metrics and dimensions ------------------------------------------------------------------- */

static bool metric_from_name(struct str name, enum query_metric *ret_metric)
{
    for (int metric = 0; metric < QUERY_METRIC__COUNT; metric++) {
        if (str_eq(name, str_from(query_metric_name((enum query_metric)metric)))) {
            *ret_metric = (enum query_metric)metric;
            return true;
        }
    }
    return false;
}

static enum query_status parse_metrics(const json_t *value, struct query *query)
{
    size_t index;
    json_t *name;
    unsigned seen = 0;
    if (!json_is_array(value) || json_array_size(value) == 0)
        return QUERY_BAD_METRICS;
    json_array_foreach(value, index, name)
    {
        enum query_metric metric;
        if (!json_is_string(name))
            return QUERY_BAD_METRICS;
        if (!metric_from_name(text_of(name), &metric))
            return QUERY_UNKNOWN_METRIC;
        if (seen & (1u << metric))
            return QUERY_BAD_METRICS;
        seen |= 1u << metric;
        query->metrics[query->metric_count++] = metric;
    }
    return QUERY_OK;
}

static enum query_status parse_dimensions(const json_t *value, struct query *query)
{
    size_t index;
    json_t *name;
    if (!json_is_array(value))
        return QUERY_BAD_DIMENSIONS;
    json_array_foreach(value, index, name)
    {
        enum query_time time;
        struct query_dimension dimension;
        if (!json_is_string(name))
            return QUERY_BAD_DIMENSIONS;
        if (query_time_from_name(text_of(name), &time)) {
            if (query->time != QUERY_NO_TIME)
                return QUERY_TWO_DIMENSIONS;
            query->time = time;
            query->time_first = !query->dimension.asked;
        } else if (query_dimension_from_name(text_of(name), &dimension)) {
            if (query->dimension.asked)
                return QUERY_TWO_DIMENSIONS;
            query->dimension = dimension;
        } else {
            return QUERY_UNKNOWN_DIMENSION;
        }
    }
    return QUERY_OK;
}

/* --- Filters ---------------------------------------------------------------------------------- */

static enum query_status parse_filter_values(const json_t *values, struct query_filter *filter)
{
    size_t index;
    json_t *value;
    if (!json_is_array(values) || json_array_size(values) == 0 ||
        json_array_size(values) > QUERY_VALUES_MAX)
        return QUERY_BAD_FILTER_VALUES;
    json_array_foreach(values, index, value)
    {
        if (!json_is_string(value) || json_string_length(value) == 0)
            return QUERY_BAD_FILTER_VALUES;
    }
    filter->values = values;
    filter->value_count = json_array_size(values);
    return QUERY_OK;
}

static bool operator_from_name(struct str name, enum query_operator *ret_op)
{
    static const enum query_operator OPERATORS[] = {QUERY_IS, QUERY_IS_NOT, QUERY_CONTAINS};
    for (size_t i = 0; i < ARRAY_LEN(OPERATORS); i++) {
        if (str_eq(name, str_from(query_operator_name(OPERATORS[i])))) {
            *ret_op = OPERATORS[i];
            return true;
        }
    }
    return false;
}

static enum query_status parse_filter(const json_t *value, struct query_filter *ret_filter)
{
    struct query_filter filter = {0};
    const json_t *op = json_array_get(value, 0);
    const json_t *name = json_array_get(value, 1);
    const json_t *modifiers = json_array_get(value, 3);
    if (!json_is_string(op))
        return QUERY_BAD_FILTERS;
    if (!operator_from_name(text_of(op), &filter.op))
        return QUERY_UNKNOWN_OPERATOR;
    /* A segment is a filter, though not one that is kept. */
    if (json_is_string(name) && str_eq(text_of(name), STR_LIT("segment")))
        return QUERY_UNKNOWN_OPERATOR;
    if (json_array_size(value) < 3 || json_array_size(value) > 4 || !json_is_string(name))
        return QUERY_BAD_FILTERS;
    if (!query_dimension_from_name(text_of(name), &filter.dimension))
        return QUERY_UNKNOWN_DIMENSION;
    if (modifiers != NULL) {
        const json_t *sensitive = json_object_get(modifiers, "case_sensitive");
        if (!json_is_object(modifiers) || json_object_size(modifiers) != 1 ||
            !json_is_boolean(sensitive))
            return QUERY_BAD_FILTERS;
        filter.ignore_case = json_is_false(sensitive);
    }
    enum query_status status = parse_filter_values(json_array_get(value, 2), &filter);
    if (status == QUERY_OK)
        *ret_filter = filter;
    return status;
}

static enum query_status parse_filters(const json_t *value, struct query *query)
{
    size_t index;
    json_t *filter;
    if (!json_is_array(value) || json_array_size(value) > QUERY_FILTERS_MAX)
        return QUERY_BAD_FILTERS;
    json_array_foreach(value, index, filter)
    {
        enum query_status status = parse_filter(filter, &query->filters[query->filter_count]);
        if (status != QUERY_OK)
            return status;
        query->filter_count++;
    }
    return QUERY_OK;
}

/* --- Order, include, pagination -----------------------------------------------------------------
 */

static bool order_of(struct str name, const struct query *query, struct query_order *ret_order)
{
    enum query_metric metric;
    enum query_time time;
    struct query_dimension dimension;
    if (metric_from_name(name, &metric)) {
        for (size_t i = 0; i < query->metric_count; i++) {
            if (query->metrics[i] == metric) {
                *ret_order = (struct query_order){.kind = QUERY_BY_METRIC, .metric = i};
                return true;
            }
        }
        return false;
    }
    if (query_time_from_name(name, &time)) {
        *ret_order = (struct query_order){.kind = QUERY_BY_TIME};
        return time == query->time;
    }
    *ret_order = (struct query_order){.kind = QUERY_BY_VALUE};
    return query_dimension_from_name(name, &dimension) && query->dimension.asked &&
           dimension.table == query->dimension.table &&
           str_eq(dimension.prop_key, query->dimension.prop_key);
}

static bool parse_order(const json_t *pair, struct query *query)
{
    struct query_order order;
    const json_t *name = json_array_get(pair, 0), *direction = json_array_get(pair, 1);
    if (json_array_size(pair) != 2 || !json_is_string(name) || !json_is_string(direction) ||
        !order_of(text_of(name), query, &order))
        return false;
    order.descending = str_eq(text_of(direction), STR_LIT("desc"));
    if (!order.descending && !str_eq(text_of(direction), STR_LIT("asc")))
        return false;
    for (size_t i = 0; i < query->order_count; i++)
        if (query->orders[i].kind == order.kind &&
            (order.kind != QUERY_BY_METRIC || query->orders[i].metric == order.metric))
            return false;
    assert(query->order_count < QUERY_ORDERS_MAX);
    query->orders[query->order_count++] = order;
    return true;
}

static enum query_status parse_orders(const json_t *value, struct query *query)
{
    size_t index;
    json_t *pair;
    if (!json_is_array(value))
        return QUERY_BAD_ORDER;
    json_array_foreach(value, index, pair)
    {
        if (!parse_order(pair, query))
            return QUERY_BAD_ORDER;
    }
    return QUERY_OK;
}

static enum query_status parse_comparisons(const json_t *value, struct query *query)
{
    const json_t *mode = json_object_get(value, "mode");
    if (json_is_null(value))
        return QUERY_OK;
    if (!json_is_object(value) || json_object_size(value) != 1 || !json_is_string(mode))
        return QUERY_BAD_COMPARISON;
    if (str_eq(text_of(mode), STR_LIT("previous_period")))
        query->comparison = QUERY_PREVIOUS_PERIOD;
    else if (str_eq(text_of(mode), STR_LIT("year_over_year")))
        query->comparison = QUERY_YEAR_OVER_YEAR;
    return query->comparison == QUERY_NO_COMPARISON || query->period == QUERY_PERIOD_ALL
               ? QUERY_BAD_COMPARISON
               : QUERY_OK;
}

static enum query_status parse_include(json_t *value, struct query *query)
{
    const char *name;
    json_t *item;
    if (!json_is_object(value))
        return QUERY_BAD_INCLUDE;
    json_object_foreach(value, name, item)
    {
        struct str field = str_from(name);
        if (str_eq(field, STR_LIT("comparisons"))) {
            enum query_status status = parse_comparisons(item, query);
            if (status != QUERY_OK)
                return status;
        } else if (!json_is_boolean(item)) {
            return QUERY_BAD_INCLUDE;
        } else if (str_eq(field, STR_LIT("time_labels"))) {
            query->with_time_labels = json_is_true(item);
        } else if (str_eq(field, STR_LIT("total_rows"))) {
            query->with_total_rows = json_is_true(item);
        } else if (!str_eq(field, STR_LIT("imports")) &&
                   !str_eq(field, STR_LIT("trim_relative_date_range"))) {
            /* Those two ask for nothing: what is imported is counted like the rest, and ranges end
             * today anyway. */
            return QUERY_BAD_INCLUDE;
        }
    }
    return query->with_time_labels && query->time == QUERY_NO_TIME ? QUERY_BAD_INCLUDE : QUERY_OK;
}

static bool parse_bounded(const json_t *value, json_int_t min, json_int_t max, uint32_t *ret_number)
{
    if (value == NULL)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max)
        return false;
    *ret_number = (uint32_t)json_integer_value(value);
    return true;
}

static enum query_status parse_pagination(const json_t *value, struct query *query)
{
    const json_t *limit = json_object_get(value, "limit");
    const json_t *offset = json_object_get(value, "offset");
    size_t known = (limit != NULL ? 1u : 0u) + (offset != NULL ? 1u : 0u);
    if (!json_is_object(value) || json_object_size(value) != known ||
        !parse_bounded(limit, 1, QUERY_ROWS_MAX, &query->limit) ||
        !parse_bounded(offset, 0, QUERY_OFFSET_MAX, &query->offset))
        return QUERY_BAD_PAGINATION;
    return QUERY_OK;
}

/* --- The whole ----------------------------------------------------------------------------------
 */

static enum query_status check_fields(json_t *root)
{
    static const char *const FIELDS[] = {"site_id", "metrics",  "date_range", "dimensions",
                                         "filters", "order_by", "include",    "pagination"};
    const char *name;
    json_t *item;
    json_object_foreach(root, name, item)
    {
        bool known = false;
        for (size_t i = 0; i < ARRAY_LEN(FIELDS); i++)
            known = known || str_eq(str_from(name), str_from(FIELDS[i]));
        if (!known)
            return QUERY_UNKNOWN_FIELD;
    }
    return QUERY_OK;
}

/* In an order in which what a field refers to has been read before it. */
static enum query_status parse_fields(json_t *root, struct query *query)
{
    const json_t *site = json_object_get(root, "site_id");
    json_t *dimensions = json_object_get(root, "dimensions");
    json_t *filters = json_object_get(root, "filters");
    json_t *orders = json_object_get(root, "order_by");
    json_t *include = json_object_get(root, "include");
    json_t *pagination = json_object_get(root, "pagination");
    enum query_status status = check_fields(root);
    if (status != QUERY_OK)
        return status;
    if (!json_is_string(site) || !model_site_valid(text_of(site)))
        return QUERY_BAD_SITE;
    query->site = text_of(site);
    status = parse_metrics(json_object_get(root, "metrics"), query);
    if (status == QUERY_OK)
        status = parse_date_range(json_object_get(root, "date_range"), query);
    if (status == QUERY_OK && dimensions != NULL)
        status = parse_dimensions(dimensions, query);
    if (status == QUERY_OK && filters != NULL)
        status = parse_filters(filters, query);
    if (status == QUERY_OK && orders != NULL)
        status = parse_orders(orders, query);
    if (status == QUERY_OK && include != NULL)
        status = parse_include(include, query);
    if (status == QUERY_OK && pagination != NULL)
        status = parse_pagination(pagination, query);
    return status;
}

enum query_status query_parse(struct str json, struct query *ret_query)
{
    json_t *root = json_loadb(json.ptr, json.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(root)) {
        json_decref(root);
        return QUERY_NOT_JSON;
    }
    struct query query = {.json = root, .limit = QUERY_ROWS_MAX};
    enum query_status status = parse_fields(root, &query);
    if (status == QUERY_OK)
        *ret_query = query;
    else
        json_decref(root);
    return status;
}

void query_done(struct query *query)
{
    json_decref(query->json);
    *query = (struct query){0};
}

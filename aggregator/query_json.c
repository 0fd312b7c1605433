/* An answer as JSON: {"results": […], "meta": {…}, "query": {…}}, in the shape of Plausible's Stats
 * API v2. Whoever asks for a comparison gets beside each row the same row of the other period; with
 * a time dimension also all rows of the other period, since some have no counterpart. */

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "aggregator/query_answer.h"
#include "aggregator/query_names.h"

static json_t *text(struct str s)
{
    /* Values are UTF-8 by the collector's promise; what breaks it is shown as nothing. */
    json_t *string = json_stringn(s.ptr, s.len);
    return string == NULL ? json_string("") : string;
}

static json_t *number(enum query_metric metric, double value)
{
    if (isnan(value))
        return json_null();
    return metric == QUERY_VIEWS_PER_VISIT ? json_real(value) : json_integer((json_int_t)value);
}

static json_t *metrics_json(const struct query *query, const struct query_result *result)
{
    json_t *list = json_array();
    for (size_t i = 0; i < query->metric_count; i++)
        json_array_append_new(list, number(query->metrics[i], result->metrics[i]));
    return list;
}

static json_t *time_json(const struct query_plan *plan, size_t span, uint32_t bucket)
{
    char label[QUERY_LABEL_BYTES];
    return query_span_label(&plan->spans[span], plan->time, plan->site->zone, bucket, label)
               ? json_string(label)
               : json_string("");
}

static json_t *dimensions_json(const struct query_plan *plan, size_t span,
                               const struct query_result *result)
{
    const struct query *query = plan->query;
    json_t *list = json_array();
    if (plan->time != QUERY_NO_TIME && query->time_first)
        json_array_append_new(list, time_json(plan, span, result->bucket));
    if (query->dimension.asked)
        json_array_append_new(list, text(result->value));
    if (plan->time != QUERY_NO_TIME && !query->time_first)
        json_array_append_new(list, time_json(plan, span, result->bucket));
    return list;
}

/* How much more, in percent of what it was; of percentages, in points. */
static json_t *change_json(enum query_metric metric, double now, double before)
{
    if (isnan(now) || isnan(before))
        return json_null();
    if (metric == QUERY_BOUNCE_RATE || metric == QUERY_SCROLL_DEPTH)
        return json_integer((json_int_t)(now - before));
    if (before <= 0)
        return json_integer(now > 0 ? 100 : 0);
    return json_integer((json_int_t)round((now - before) / before * 100));
}

static json_t *comparison_json(const struct query_answer *answer, const struct query_result *now)
{
    const struct query_plan *plan = query_answer_plan(answer);
    struct query_result before;
    json_t *change = json_array();
    query_answer_counterpart(answer, now, &before);
    for (size_t i = 0; i < plan->query->metric_count; i++)
        json_array_append_new(
            change, change_json(plan->query->metrics[i], now->metrics[i], before.metrics[i]));
    return json_pack("{s:o, s:o, s:o}", "dimensions", dimensions_json(plan, 1, &before), "metrics",
                     metrics_json(plan->query, &before), "change", change);
}

static json_t *results_json(const struct query_answer *answer, const struct query_result *results,
                            size_t count)
{
    const struct query_plan *plan = query_answer_plan(answer);
    const struct query *query = plan->query;
    json_t *list = json_array();
    for (size_t i = query->offset; i < count && i - query->offset < query->limit; i++) {
        json_t *row = json_pack("{s:o, s:o}", "metrics", metrics_json(query, &results[i]),
                                "dimensions", dimensions_json(plan, 0, &results[i]));
        if (plan->span_count == 2)
            json_object_set_new(row, "comparison", comparison_json(answer, &results[i]));
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *compared_json(struct query_answer *answer)
{
    const struct query_plan *plan = query_answer_plan(answer);
    size_t count;
    const struct query_result *results = query_answer_compared(answer, &count);
    json_t *list = json_array();
    for (size_t i = 0; i < count && i < plan->query->limit; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "metrics",
                                              metrics_json(plan->query, &results[i]), "dimensions",
                                              dimensions_json(plan, 1, &results[i])));
    return list;
}

static json_t *labels_json(const struct query_plan *plan, const struct query_span *span)
{
    json_t *list = json_array();
    uint32_t count = query_span_buckets(span, plan->time);
    for (uint32_t bucket = 0; bucket < count; bucket++) {
        char label[QUERY_LABEL_BYTES];
        if (query_span_label(span, plan->time, plan->site->zone, bucket, label))
            json_array_append_new(list, json_string(label));
    }
    return list;
}

static json_t *warning(const char *code, const char *sentence)
{
    return json_pack("{s:{s:s, s:s}}", "visitors", "code", code, "warning", sentence);
}

/* Of every asked metric of a cross of which not all is kept. */
static json_t *cut_json(const struct query *query)
{
    json_t *warnings = json_object();
    for (size_t i = 0; i < query->metric_count; i++)
        json_object_set_new(
            warnings, query_metric_name(query->metrics[i]),
            json_pack("{s:s, s:s}", "code", "pairs_cut", "warning",
                      "Pairs of values that few visits share, or that came past a day's limit, are "
                      "not kept one by one: they are in \"(other)\", or \"(not set)\" of "
                      "campaigns."));
    return warnings;
}

/* NULL when the figures are what they seem. */
static json_t *warnings_json(const struct query_answer *answer)
{
    const struct query_plan *plan = query_answer_plan(answer);
    const struct query *query = plan->query;
    const struct query_span *span = &plan->spans[0];
    if (query_answer_is_cut(answer))
        return cut_json(query);
    bool asked = false, named = query->dimension.asked && query->dimension.table == TABLE_EVENT;
    for (size_t i = 0; i < query->metric_count; i++)
        asked = asked || query->metrics[i] == QUERY_VISITORS;
    for (size_t i = 0; i < query->filter_count; i++)
        named = named || query->filters[i].dimension.table == TABLE_EVENT;
    if (!asked)
        return NULL;
    if (plan->table == TABLE_PROP && !named)
        return warning("goals_added_up", "A visitor of several goals with this property is "
                                         "counted once for each goal and day.");
    if (span->hourly && plan->time != QUERY_HOUR)
        return warning("hours_added_up", "A visitor of several hours is counted in each of them.");
    if (!span->hourly && span->first != span->last && plan->time != QUERY_HOUR &&
        plan->time != QUERY_DAY)
        return warning("days_added_up", "Nobody is recognised from day to day: a visitor of "
                                        "several days is counted on each of them.");
    return NULL;
}

static json_t *meta_json(const struct query_answer *answer, size_t total_rows)
{
    const struct query_plan *plan = query_answer_plan(answer);
    const struct query *query = plan->query;
    json_t *meta = json_object();
    json_t *warnings = warnings_json(answer);
    if (warnings != NULL)
        json_object_set_new(meta, "metric_warnings", warnings);
    if (query->with_total_rows)
        json_object_set_new(meta, "total_rows", json_integer((json_int_t)total_rows));
    if (!query->with_time_labels)
        return meta;
    struct query_span span = query_answer_span(answer);
    /* The rows of "all" know their weeks by the Monday. */
    if (query->period == QUERY_PERIOD_ALL && plan->time == QUERY_WEEK)
        span.first = date_add_days(span.first, 1 - date_weekday(span.first));
    json_object_set_new(meta, "time_labels", labels_json(plan, &span));
    if (plan->span_count == 2)
        json_object_set_new(meta, "comparison_time_labels", labels_json(plan, &plan->spans[1]));
    return meta;
}

static json_t *range_json(const struct query_plan *plan, const struct query_span *span)
{
    char first[QUERY_MOMENT_BYTES], last[QUERY_MOMENT_BYTES];
    query_span_moment(span, plan->site->zone, false, first);
    query_span_moment(span, plan->site->zone, true, last);
    return json_pack("[s, s]", first, last);
}

/* The asked field, or an empty list. */
static json_t *asked_list(const struct query *query, const char *name)
{
    json_t *list = json_object_get(query->json, name);
    return list == NULL ? json_array() : json_incref(list);
}

static json_t *order_json(const struct query_plan *plan)
{
    const struct query *query = plan->query;
    if (query->order_count > 0)
        return asked_list(query, "order_by");
    if (plan->time != QUERY_NO_TIME)
        return json_pack("[[s, s]]", query_time_name(plan->time), "asc");
    return json_pack("[[s, s]]", query_metric_name(query->metrics[0]), "desc");
}

static json_t *query_json(const struct query_answer *answer)
{
    const struct query_plan *plan = query_answer_plan(answer);
    const struct query *query = plan->query;
    struct query_span span = query_answer_span(answer);
    json_t *echo = json_object(), *include = json_object_get(query->json, "include");
    json_t *dimensions = json_array(), *item;
    size_t index;
    json_array_foreach(json_object_get(query->json, "dimensions"), index, item)
    {
        enum query_time time;
        struct str name = {json_string_value(item), json_string_length(item)};
        /* "time" is said as what it has become. */
        json_array_append_new(dimensions, query_time_from_name(name, &time)
                                              ? json_string(query_time_name(plan->time))
                                              : json_incref(item));
    }
    json_object_set_new(echo, "site_id", text(query->site));
    json_object_set_new(echo, "metrics", asked_list(query, "metrics"));
    json_object_set_new(echo, "date_range", range_json(plan, &span));
    if (plan->span_count == 2)
        json_object_set_new(echo, "comparison_date_range", range_json(plan, &plan->spans[1]));
    json_object_set_new(echo, "dimensions", dimensions);
    json_object_set_new(echo, "filters", asked_list(query, "filters"));
    json_object_set_new(echo, "order_by", order_json(plan));
    json_object_set_new(echo, "include", include == NULL ? json_object() : json_incref(include));
    json_object_set_new(echo, "pagination",
                        json_pack("{s:I, s:I}", "limit", (json_int_t)query->limit, "offset",
                                  (json_int_t)query->offset));
    return echo;
}

json_t *query_answer_json(struct query_answer *answer)
{
    size_t count;
    const struct query_plan *plan = query_answer_plan(answer);
    const struct query_result *results = query_answer_results(answer, &count);
    json_t *root = json_object();
    json_object_set_new(root, "results", results_json(answer, results, count));
    if (plan->span_count == 2 && plan->time != QUERY_NO_TIME)
        json_object_set_new(root, "comparison_results", compared_json(answer));
    json_object_set_new(root, "meta", meta_json(answer, count));
    json_object_set_new(root, "query", query_json(answer));
    return root;
}

/* --- As text ------------------------------------------------------------------------------------
 */

/* Two decimals are all that a figure has. */
enum { PRINT_FLAGS = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(10) };

/* Takes `value`. */
static void print(struct buf *out, json_t *value)
{
    char *printed = json_dumps(value, PRINT_FLAGS);
    if (printed == NULL)
        abort();
    buf_append_str(out, str_from(printed));
    free(printed);
    json_decref(value);
}

static void print_number(struct buf *out, enum query_metric metric, double value)
{
    if (metric == QUERY_VIEWS_PER_VISIT || isnan(value))
        print(out, number(metric, value));
    else
        buf_append_int(out, (int64_t)value);
}

/* Text that stands in JSON as it is. */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < ' ' || s.ptr[i] > '~' || s.ptr[i] == '"' || s.ptr[i] == '\\')
            return false;
    return true;
}

static void print_text(struct buf *out, struct str s)
{
    if (!is_plain(s)) {
        print(out, text(s));
        return;
    }
    buf_append_byte(out, '"');
    buf_append_str(out, s);
    buf_append_byte(out, '"');
}

static void print_time(struct buf *out, const struct query_plan *plan, uint32_t bucket, bool comma)
{
    char label[QUERY_LABEL_BYTES];
    bool is_there = query_span_label(&plan->spans[0], plan->time, plan->site->zone, bucket, label);
    buf_printf(out, "%s\"%s\"", comma ? "," : "", is_there ? label : "");
}

static void print_row(struct buf *out, const struct query_plan *plan,
                      const struct query_result *result)
{
    const struct query *query = plan->query;
    bool timed = plan->time != QUERY_NO_TIME;
    buf_append_str(out, STR_LIT("{\"metrics\":["));
    for (size_t i = 0; i < query->metric_count; i++) {
        if (i > 0)
            buf_append_byte(out, ',');
        print_number(out, query->metrics[i], result->metrics[i]);
    }
    buf_append_str(out, STR_LIT("],\"dimensions\":["));
    if (timed && query->time_first)
        print_time(out, plan, result->bucket, false);
    if (query->dimension.asked) {
        if (timed && query->time_first)
            buf_append_byte(out, ',');
        print_text(out, result->value);
    }
    if (timed && !query->time_first)
        print_time(out, plan, result->bucket, query->dimension.asked);
    buf_append_str(out, STR_LIT("]}"));
}

/* Rows are most of an answer, and as jansson's objects they would take most of its time; those with
 * a comparison are few enough. */
void query_answer_print(struct query_answer *answer, struct buf *out)
{
    size_t count;
    const struct query_plan *plan = query_answer_plan(answer);
    const struct query *query = plan->query;
    if (plan->span_count == 2) {
        print(out, query_answer_json(answer));
        return;
    }
    const struct query_result *results = query_answer_results(answer, &count);
    buf_append_str(out, STR_LIT("{\"results\":["));
    for (size_t i = query->offset; i < count && i - query->offset < query->limit; i++) {
        if (i > query->offset)
            buf_append_byte(out, ',');
        print_row(out, plan, &results[i]);
    }
    buf_append_str(out, STR_LIT("],\"meta\":"));
    print(out, meta_json(answer, count));
    buf_append_str(out, STR_LIT(",\"query\":"));
    print(out, query_json(answer));
    buf_append_byte(out, '}');
}

/* Rows of single days become the rows of an answer. Used by the dashboards and the command line, on
 * the thread that asks.
 *
 * A group is a row of the answer to be: a key of four bytes of bucket (big endian) and, when a
 * dimension is asked, the value. Every row that is read is added to its group; which rows count is
 * decided by the filters. Visits without a value have no row: they are what the day's total has
 * more than all rows together, so the total is added to the group of "(not set)" and every row is
 * taken from it. Example, a day of 10 visits, 6 of them from NL and 3 from BE, by visit:country:
 *
 *   (not set)  +10 (total) -6 (NL) -3 (BE) = 1     NL +6     BE +3
 *
 * Visitors cannot be told this way and are unknown there. A cross is told likewise: its rows are
 * those of the cells that filters leave, and what their table has more than all of them, for the
 * day's cap has cut them off, is "(other)". Of a page's or goal's visits there is no such sum. */

#include "aggregator/query_answer.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { BUCKET_BYTES = 4 };

struct query_answer {
    const struct query_plan *plan;
    struct query_rows groups[2]; /* of each span */
    struct query_result *results[2];
    uint32_t first_date; /* that held anything; 0: none did */
    bool is_cut;
};

/* --- Adding -------------------------------------------------------------------------------------
 */

static struct query_row *group_at(struct query_answer *answer, size_t span, uint32_t bucket,
                                  struct str label)
{
    char key[BUCKET_BYTES + VALUE_BYTES_MAX];
    size_t label_len = label.len < VALUE_BYTES_MAX ? label.len : VALUE_BYTES_MAX;
    for (unsigned i = 0; i < BUCKET_BYTES; i++)
        key[i] = (char)(bucket >> (8 * (BUCKET_BYTES - 1 - i)));
    memcpy(key + BUCKET_BYTES, label.ptr, label_len);
    return query_rows_at(&answer->groups[span], (struct str){key, BUCKET_BYTES + label_len});
}

static int64_t at_least_zero(int64_t number)
{
    return number < 0 ? 0 : number;
}

/* A visitor has viewed or done something, whatever the sketch says. */
static int64_t visitors_of(const struct query_row *row)
{
    int64_t done =
        at_least_zero(row->sums[METRIC_PAGEVIEWS]) + at_least_zero(row->sums[METRIC_EVENTS]);
    int64_t visitors = at_least_zero(row->sums[METRIC_VISITORS]);
    return visitors < done ? visitors : done;
}

/* Adds a row's sums `sign` times, without its visitors. */
static void add_sums(struct query_row *group, const struct query_row *row, int sign)
{
    for (int m = 0; m < METRIC_VISITORS; m++)
        group->sums[m] += sign * row->sums[m];
}

/* How a page's visits began there: bounces and length are those of the entry page. */
static void add_entry(struct query_row *group, const struct query_row *row)
{
    group->sums[METRIC_BOUNCES] += row->sums[METRIC_BOUNCES];
    group->sums[METRIC_VISIT_SECONDS] += row->sums[METRIC_VISIT_SECONDS];
    group->sums[QUERY_ENTRIES] += row->sums[METRIC_VISITS];
}

static void add_row(const struct query_plan *plan, struct query_row *group,
                    const struct query_row *row)
{
    int64_t bounces = group->sums[METRIC_BOUNCES], seconds = group->sums[METRIC_VISIT_SECONDS];
    add_sums(group, row, 1);
    if (plan->table == TABLE_PAGE) {
        group->sums[METRIC_BOUNCES] = bounces;
        group->sums[METRIC_VISIT_SECONDS] = seconds;
    }
    if (row->has_visitors) {
        group->sums[METRIC_VISITORS] += visitors_of(row);
        group->has_visitors = true;
    }
}

/* Visits have one value of this table each. */
static bool divides_visits(const struct query_plan *plan)
{
    return model_table_is_visit(plan->table);
}

/* What of a sum the rows of this plan add up to. */
static void keep_divided(const struct query_plan *plan, struct query_row *all)
{
    /* Of the visits' tables, only the total knows these. */
    static const enum metric TOTAL_ONLY[] = {METRIC_ENGAGED_SECONDS, METRIC_ENGAGED_VIEWS,
                                             METRIC_SCROLL_PERCENT, METRIC_SCROLL_VIEWS};
    for (size_t i = 0; i < ARRAY_LEN(TOTAL_ONLY); i++)
        all->sums[TOTAL_ONLY[i]] = 0;
    if (!plan->is_crossed)
        return;
    enum metric views = model_cross_views(plan->cross);
    for (int m = 0; m < QUERY_SUMS; m++)
        if (m != (int)views && !(m == METRIC_VISITS && divides_visits(plan)))
            all->sums[m] = 0;
}

/* Adds what the sum of all has more than the rows, half by half: the sum, or less the rows. */
static bool add_rest(struct query_answer *answer, size_t span, uint32_t bucket,
                     const struct query_rows *rows, int sign)
{
    const struct query_plan *plan = answer->plan;
    struct query_row all = {0};
    struct str label;
    if (!query_plan_has_rest(plan) || !query_plan_row(plan, query_plan_rest_name(plan), &label))
        return true;
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct query_row *row = &rows->rows[i];
        if (sign > 0 && plan->is_crossed && !query_plan_narrows_to(plan, query_rows_key(rows, row)))
            continue;
        add_sums(&all, row, sign);
    }
    keep_divided(plan, &all);
    struct query_row *group = group_at(answer, span, bucket, label);
    if (group != NULL)
        add_sums(group, &all, 1);
    return group != NULL;
}

static bool add_rows(struct query_answer *answer, size_t span, uint32_t bucket, bool as_entries,
                     const struct query_rows *rows)
{
    const struct query_plan *plan = answer->plan;
    struct str label;
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct query_row *row = &rows->rows[i];
        if (!query_plan_row(plan, query_rows_key(rows, row), &label))
            continue;
        struct query_row *group = group_at(answer, span, bucket, label);
        if (group == NULL)
            return false;
        if (as_entries)
            add_entry(group, row);
        else
            add_row(plan, group, row);
    }
    return true;
}

static bool add_day(struct query_answer *answer, size_t span, uint32_t date, enum table table,
                    const struct query_rows *rows)
{
    const struct query_plan *plan = answer->plan;
    uint32_t bucket = query_span_bucket(&plan->spans[span], plan->time, date, 0);
    if (table != plan->table && (plan->is_crossed || table == TABLE_TOTAL))
        return add_rest(answer, span, bucket, rows, 1);
    return add_rows(answer, span, bucket, table != plan->table, rows) &&
           (table != plan->table || add_rest(answer, span, bucket, rows, -1));
}

/* Rows of the time table are hours, "00".."23". */
static bool add_hours(struct query_answer *answer, size_t s, uint32_t date,
                      const struct query_rows *rows)
{
    const struct query_plan *plan = answer->plan;
    const struct query_span *span = &plan->spans[s];
    for (uint32_t i = 0; i < rows->count; i++) {
        struct str value = query_rows_key(rows, &rows->rows[i]);
        if (value.len != 2 || value.ptr[0] < '0' || value.ptr[0] > '2' || value.ptr[1] < '0' ||
            value.ptr[1] > '9')
            continue;
        unsigned hour = (unsigned)(value.ptr[0] - '0') * 10 + (unsigned)(value.ptr[1] - '0');
        if (hour > 23 || (span->hourly && date == span->first && hour < span->first_hour) ||
            (span->hourly && date == span->last && hour > span->last_hour))
            continue;
        uint32_t bucket = query_span_bucket(span, plan->time, date, hour);
        struct query_row *group = group_at(answer, s, bucket, STR_EMPTY);
        if (group == NULL)
            return false;
        add_row(plan, group, &rows->rows[i]);
    }
    return true;
}

bool query_answer_add(struct query_answer *answer, uint32_t date, enum table table,
                      const struct query_rows *rows)
{
    const struct query_plan *plan = answer->plan;
    if (rows->count > 0 && (answer->first_date == 0 || date < answer->first_date))
        answer->first_date = date;
    for (size_t s = 0; s < plan->span_count; s++) {
        const struct query_span *span = &plan->spans[s];
        if (date < span->first || date > span->last)
            continue;
        bool added = plan->table == TABLE_TIME ? add_hours(answer, s, date, rows)
                                               : add_day(answer, s, date, table, rows);
        if (!added)
            return false;
    }
    return true;
}

/* --- Figures ------------------------------------------------------------------------------------
 */

static double ratio(int64_t part, int64_t whole, double factor)
{
    return whole <= 0 ? NAN : (double)at_least_zero(part) * factor / (double)whole;
}

/* Of sums that may drift apart while they are written. NAN stays. */
static double at_most_100(double percent)
{
    return percent > 100 ? 100 : percent;
}

static double figure(const struct query_plan *plan, const struct query_row *group,
                     enum query_metric metric)
{
    const int64_t *sums = group->sums;
    int64_t began = plan->table == TABLE_PAGE ? sums[QUERY_ENTRIES] : sums[METRIC_VISITS];
    bool something = sums[METRIC_PAGEVIEWS] > 0 || sums[METRIC_VISITS] > 0;
    switch (metric) {
    case QUERY_VISITORS:
        return !group->has_visitors && something ? NAN
                                                 : (double)at_least_zero(sums[METRIC_VISITORS]);
    case QUERY_VISITS:
        return (double)at_least_zero(sums[METRIC_VISITS]);
    case QUERY_PAGEVIEWS:
        return (double)at_least_zero(sums[METRIC_PAGEVIEWS]);
    case QUERY_VIEWS_PER_VISIT:
        return round(ratio(sums[METRIC_PAGEVIEWS], sums[METRIC_VISITS], 100)) / 100;
    case QUERY_BOUNCE_RATE:
        return at_most_100(round(ratio(sums[METRIC_BOUNCES], began, 100)));
    case QUERY_VISIT_DURATION:
        return round(ratio(sums[METRIC_VISIT_SECONDS], began, 1));
    case QUERY_TIME_ON_PAGE:
        return round(ratio(sums[METRIC_ENGAGED_SECONDS], sums[METRIC_ENGAGED_VIEWS], 1));
    case QUERY_SCROLL_DEPTH:
        return at_most_100(round(ratio(sums[METRIC_SCROLL_PERCENT], sums[METRIC_SCROLL_VIEWS], 1)));
    case QUERY_EVENTS:
        /* Page views are events too; goals are custom events alone. */
        return (double)(at_least_zero(sums[METRIC_EVENTS]) +
                        (plan->table == TABLE_EVENT ? 0 : at_least_zero(sums[METRIC_PAGEVIEWS])));
    default:
        assert(false);
        return NAN;
    }
}

/* `result` has its value. */
static void fill_figures(const struct query_plan *plan, const struct query_row *group,
                         struct query_result *result)
{
    bool lacks_visits = plan->is_crossed && !divides_visits(plan) &&
                        str_eq(result->value, query_plan_rest_name(plan));
    for (size_t i = 0; i < plan->query->metric_count; i++) {
        enum query_metric metric = plan->query->metrics[i];
        bool of_visits = metric == QUERY_VISITS || metric == QUERY_VIEWS_PER_VISIT;
        result->metrics[i] = lacks_visits && of_visits ? NAN : figure(plan, group, metric);
    }
}

/* A page that is only known as an entry page, or by the time that yesterday's readers still spent
 * on it, or an exit page that was left again, is no row. */
static bool group_is_empty(const struct query_row *group)
{
    static const enum metric SIGNS[] = {METRIC_PAGEVIEWS, METRIC_VISITS, METRIC_EVENTS};
    for (size_t i = 0; i < ARRAY_LEN(SIGNS); i++)
        if (group->sums[SIGNS[i]] > 0)
            return false;
    return true;
}

/* --- Results ------------------------------------------------------------------------------------
 */

static int compare_str(struct str a, struct str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* What is not known comes last either way. */
static int compare_figures(double a, double b, bool descending)
{
    if (isnan(a) || isnan(b))
        return (isnan(a) ? 1 : 0) - (isnan(b) ? 1 : 0);
    int order = (a > b) - (a < b);
    return descending ? -order : order;
}

static int compare_by(const struct query_order *order, const struct query_result *a,
                      const struct query_result *b)
{
    int result = 0;
    if (order->kind == QUERY_BY_METRIC)
        return compare_figures(a->metrics[order->metric], b->metrics[order->metric],
                               order->descending);
    if (order->kind == QUERY_BY_TIME)
        result = (a->bucket > b->bucket) - (a->bucket < b->bucket);
    else
        result = compare_str(a->value, b->value);
    return order->descending ? -result : result;
}

/* The asked order, then the default one, in which no two rows are equal. */
static int compare_results(const void *left, const void *right, void *data)
{
    static const struct query_order DEFAULTS[] = {{.kind = QUERY_BY_TIME},
                                                  {.kind = QUERY_BY_METRIC, .descending = true},
                                                  {.kind = QUERY_BY_VALUE}};
    const struct query *query = data;
    for (size_t i = 0; i < query->order_count + ARRAY_LEN(DEFAULTS); i++) {
        const struct query_order *order =
            i < query->order_count ? &query->orders[i] : &DEFAULTS[i - query->order_count];
        int result = compare_by(order, left, right);
        if (result != 0)
            return result;
    }
    return 0;
}

static struct query_result result_of(const struct query_answer *answer, size_t span,
                                     const struct query_row *group)
{
    struct str key = query_rows_key(&answer->groups[span], group);
    struct query_result result = {.value = str_from_at(key, BUCKET_BYTES)};
    for (unsigned i = 0; i < BUCKET_BYTES; i++)
        result.bucket = result.bucket << 8 | (uint8_t)key.ptr[i];
    fill_figures(answer->plan, group, &result);
    return result;
}

static const struct query_result *make_results(struct query_answer *answer, size_t span,
                                               size_t *ret_count)
{
    struct query_rows *groups = &answer->groups[span];
    const struct query *query = answer->plan->query;
    bool one_row = answer->plan->time == QUERY_NO_TIME && !query->dimension.asked;
    size_t count = 0;
    /* A question without dimensions has one row, of zeros if need be. */
    if (one_row)
        (void)group_at(answer, span, 0, STR_EMPTY);
    struct query_result *results = calloc((size_t)groups->count + 1, sizeof(*results));
    if (results == NULL)
        abort();
    for (uint32_t i = 0; i < groups->count; i++)
        if (one_row || !group_is_empty(&groups->rows[i]))
            results[count++] = result_of(answer, span, &groups->rows[i]);
    qsort_r(results, count, sizeof(*results), compare_results, (void *)(uintptr_t)query);
    free(answer->results[span]);
    answer->results[span] = results;
    *ret_count = count;
    return results;
}

const struct query_result *query_answer_results(struct query_answer *answer, size_t *ret_count)
{
    return make_results(answer, 0, ret_count);
}

const struct query_result *query_answer_compared(struct query_answer *answer, size_t *ret_count)
{
    return make_results(answer, 1, ret_count);
}

void query_answer_counterpart(const struct query_answer *answer, const struct query_result *result,
                              struct query_result *ret_compared)
{
    static const struct query_row EMPTY;
    char key[BUCKET_BYTES + VALUE_BYTES_MAX];
    for (unsigned i = 0; i < BUCKET_BYTES; i++)
        key[i] = (char)(result->bucket >> (8 * (BUCKET_BYTES - 1 - i)));
    memcpy(key + BUCKET_BYTES, result->value.ptr, result->value.len);
    const struct query_row *group =
        query_rows_find(&answer->groups[1], (struct str){key, BUCKET_BYTES + result->value.len});
    *ret_compared = (struct query_result){.bucket = result->bucket, .value = result->value};
    fill_figures(answer->plan, group == NULL ? &EMPTY : group, ret_compared);
}

struct query_span query_answer_span(const struct query_answer *answer)
{
    const struct query_plan *plan = answer->plan;
    struct query_span span = plan->spans[0];
    if (plan->query->period == QUERY_PERIOD_ALL)
        span.first = answer->first_date == 0 ? plan->today : answer->first_date;
    return span;
}

void query_answer_note_cut(struct query_answer *answer)
{
    answer->is_cut = true;
}

bool query_answer_is_cut(const struct query_answer *answer)
{
    return answer->is_cut;
}

const struct query_plan *query_answer_plan(const struct query_answer *answer)
{
    return answer->plan;
}

struct query_answer *query_answer_new(const struct query_plan *plan)
{
    struct query_answer *answer = calloc(1, sizeof(*answer));
    if (answer == NULL)
        abort();
    answer->plan = plan;
    for (size_t s = 0; s < plan->span_count; s++)
        query_rows_init(&answer->groups[s], QUERY_GROUPS_MAX);
    return answer;
}

void query_answer_reset(struct query_answer *answer)
{
    for (size_t s = 0; s < answer->plan->span_count; s++)
        query_rows_reset(&answer->groups[s]);
    answer->first_date = 0;
    answer->is_cut = false;
}

void query_answer_free(struct query_answer *answer)
{
    if (answer == NULL)
        return;
    for (size_t s = 0; s < answer->plan->span_count; s++) {
        query_rows_done(&answer->groups[s]);
        free(answer->results[s]);
    }
    free(answer);
}

/* From a question to what must be read: which table answers it, over which days. Here is decided
 * what is kept and what is not; buckets and their labels are in query_span.c. Pure.
 *
 * A question names at most two dimensions beside time, in `dimensions` and `filters` together, and
 * one table or cross answers it:
 *
 *   none                     total, or time where hours are asked
 *   one, any number of times  the table of that dimension
 *   country and region        region: its values begin with the country
 *   goal and property         prop: its values begin with the event
 *   one asked, one filtered   their cross, where there is one */

#include "aggregator/query_plan.h"

#include <assert.h>

enum { QUERY_HOUR_DAYS_MAX = 31, QUERY_AUTO_DAYS_MAX = 92, HOUR_MS = 3600 * 1000 };

/* --- Which table --------------------------------------------------------------------------------
 */

static bool is_pair(enum table a, enum table b, enum table one, enum table other)
{
    return (a == one && b == other) || (a == other && b == one);
}

/* Takes one more dimension into *table; false when no table has both. */
static bool join_table(enum table *table, struct str *prop_key, const struct query_dimension *more)
{
    if (more->table == TABLE_PROP) {
        if (prop_key->len > 0 && !str_eq(*prop_key, more->prop_key))
            return false;
        *prop_key = more->prop_key;
    }
    if (*table == TABLE_TOTAL || *table == more->table) {
        *table = more->table;
    } else if (is_pair(*table, more->table, TABLE_COUNTRY, TABLE_REGION)) {
        *table = TABLE_REGION;
    } else if (is_pair(*table, more->table, TABLE_EVENT, TABLE_PROP)) {
        *table = TABLE_PROP;
    } else {
        return false;
    }
    return true;
}

/* Takes a filter's dimension as the other side of a cross; false when that is not kept. */
static bool join_cross(const struct query *query, struct query_plan *plan, enum table filtered)
{
    enum cross cross;
    if (!query->dimension.asked || plan->table != query->dimension.table ||
        !model_cross_of(plan->table, filtered, &cross) ||
        (plan->is_crossed && plan->cross != cross))
        return false;
    plan->is_crossed = true;
    plan->cross = cross;
    plan->narrow = filtered;
    return true;
}

static enum query_status choose_table(const struct query *query, struct query_plan *plan)
{
    plan->table = TABLE_TOTAL;
    plan->prop_key = STR_EMPTY;
    if (query->dimension.asked && !join_table(&plan->table, &plan->prop_key, &query->dimension))
        return QUERY_TWO_DIMENSIONS;
    for (size_t i = 0; i < query->filter_count; i++) {
        const struct query_dimension *filtered = &query->filters[i].dimension;
        if (!join_table(&plan->table, &plan->prop_key, filtered) &&
            !join_cross(query, plan, filtered->table))
            return query->dimension.asked ? QUERY_FILTER_BESIDE : QUERY_TWO_FILTERS;
    }
    /* A filter on regions or properties after the one that was crossed. */
    if (plan->is_crossed && plan->table != query->dimension.table)
        return QUERY_FILTER_BESIDE;
    if (plan->is_crossed && plan->site->preset == SITE_STRICT)
        return QUERY_NOT_CROSSED;
    if (plan->is_crossed && plan->narrow == TABLE_UTM_CAMPAIGN &&
        query_plan_narrows_to(plan, STR_LIT("(not set)")))
        return QUERY_FILTER_UNSET;
    /* Countries of a region would add up the visitors of several rows. */
    if (plan->table == TABLE_REGION && query->dimension.asked &&
        query->dimension.table == TABLE_COUNTRY)
        return QUERY_FILTER_BESIDE;
    return QUERY_OK;
}

/* --- Which metrics ------------------------------------------------------------------------------
 */

#define BIT(metric) (1u << QUERY_##metric)

static unsigned asked_metrics(const struct query *query)
{
    unsigned bits = 0;
    for (size_t i = 0; i < query->metric_count; i++)
        bits |= 1u << query->metrics[i];
    return bits;
}

static enum query_status check_crossed(const struct query_plan *plan, unsigned metrics)
{
    unsigned kept = model_cross_views(plan->cross) == METRIC_EVENTS
                        ? BIT(VISITS) | BIT(EVENTS)
                        : BIT(VISITS) | BIT(PAGEVIEWS) | BIT(VIEWS_PER_VISIT);
    return metrics & ~kept ? QUERY_CROSS_METRICS : QUERY_OK;
}

static enum query_status check_kept(const struct query_plan *plan, unsigned metrics)
{
    if (plan->is_crossed)
        return check_crossed(plan, metrics);
    if (plan->table == TABLE_EXIT_PAGE && (metrics & ~BIT(VISITS)))
        return QUERY_EXIT_VISITS_ONLY;
    if (plan->table == TABLE_EVENT && (metrics & ~(BIT(VISITORS) | BIT(VISITS) | BIT(EVENTS))))
        return QUERY_GOAL_METRICS;
    if (plan->table == TABLE_PROP &&
        (metrics & ~(BIT(VISITORS) | BIT(VISITS) | BIT(PAGEVIEWS) | BIT(EVENTS))))
        return QUERY_PROP_METRICS;
    if (plan->table == TABLE_DROPS && (metrics & ~BIT(EVENTS)))
        return QUERY_DROP_METRICS;
    if (plan->table != TABLE_TOTAL && plan->table != TABLE_PAGE &&
        (metrics & (BIT(TIME_ON_PAGE) | BIT(SCROLL_DEPTH))))
        return QUERY_PAGE_METRICS;
    return QUERY_OK;
}

/* Whether the filters on this dimension leave at most one value of it. */
static bool leaves_one_value(const struct query *query, enum table table)
{
    for (size_t i = 0; i < query->filter_count; i++) {
        const struct query_filter *filter = &query->filters[i];
        if (filter->dimension.table == table && filter->op == QUERY_IS && !filter->ignore_case &&
            filter->value_count == 1)
            return true;
    }
    return false;
}

/* Whether a row of the answer can be the sum of several values' rows. A property's value is one
 * value whatever the goal: it is counted with each goal that carried it. */
static bool adds_values(const struct query *query, const struct query_plan *plan)
{
    if (plan->is_crossed)
        return !leaves_one_value(query, plan->narrow);
    if (plan->table == TABLE_TOTAL)
        return false;
    if (query->dimension.asked && query->dimension.table == plan->table)
        return false;
    return !leaves_one_value(query, plan->table);
}

static enum query_status check_metrics(const struct query *query, const struct query_plan *plan)
{
    unsigned metrics = asked_metrics(query);
    enum table added = plan->is_crossed ? plan->narrow : plan->table;
    bool one_visit_many_values = added == TABLE_PAGE || added == TABLE_EVENT || added == TABLE_PROP;
    enum query_status status = check_kept(plan, metrics);
    if (status != QUERY_OK || !adds_values(query, plan))
        return status;
    if (metrics & BIT(VISITORS))
        return QUERY_ADDED_VISITORS;
    if (one_visit_many_values && (metrics & (BIT(VISITS) | BIT(VIEWS_PER_VISIT))))
        return QUERY_ADDED_VISITS;
    return QUERY_OK;
}

/* --- Which days ---------------------------------------------------------------------------------
 */

static uint32_t add_months(uint32_t date, int months)
{
    int month = (int)(date / 10000) * 12 + (int)(date / 100 % 100) - 1 + months;
    return (uint32_t)(month / 12 * 10000 + (month % 12 + 1) * 100 + 1);
}

/* The same day of the year before; 28 February for the 29th. */
static uint32_t year_before(uint32_t date)
{
    uint32_t before = date - 10000;
    return model_date_valid(before) ? before : before - 1;
}

static struct query_span last_24_hours(const struct time_zone *zone, int64_t end_ms)
{
    struct local_time first = timezone_local(zone, end_ms - 23 * HOUR_MS);
    struct local_time last = timezone_local(zone, end_ms);
    return (struct query_span){.first = first.date,
                               .last = last.date,
                               .hourly = true,
                               .first_hour = first.hour,
                               .last_hour = last.hour};
}

static uint32_t period_first(enum query_period period, uint32_t today)
{
    switch (period) {
    case QUERY_PERIOD_7D:
        return date_add_days(today, -6);
    case QUERY_PERIOD_28D:
        return date_add_days(today, -27);
    case QUERY_PERIOD_30D:
        return date_add_days(today, -29);
    case QUERY_PERIOD_91D:
        return date_add_days(today, -90);
    case QUERY_PERIOD_MONTH:
        return add_months(today, 0);
    case QUERY_PERIOD_6MO:
        return add_months(today, -5);
    case QUERY_PERIOD_12MO:
        return add_months(today, -11);
    case QUERY_PERIOD_YEAR:
        return today / 10000 * 10000 + 101;
    case QUERY_PERIOD_ALL:
        /* From a month's first day on: of the oldest months only the sum may be kept. */
        return add_months(date_add_days(today, -(QUERY_DAYS_MAX - 1)), 1);
    default:
        return today;
    }
}

/* The date that a moment begins (`end` false) or ends. Midnight as an end is that of the day
 * before. */
static bool moment_date(const struct query_moment *moment, const struct time_zone *zone, bool end,
                        uint32_t *ret_date)
{
    if (moment->is_date) {
        *ret_date = moment->date;
        return true;
    }
    int64_t begin_s = end ? moment->unix_s + 1 : moment->unix_s;
    struct local_time local = timezone_local(zone, begin_s * 1000);
    if (begin_s * 1000 != timezone_day_start_ms(zone, local.date)) {
        local = timezone_local(zone, moment->unix_s * 1000);
        if (!end || moment->unix_s * 1000 != timezone_day_start_ms(zone, local.date))
            return false;
    }
    *ret_date = end ? date_add_days(local.date, -1) : local.date;
    return true;
}

static enum query_status asked_span(const struct query *query, const struct time_zone *zone,
                                    int64_t now_ms, struct query_span *ret_span)
{
    uint32_t today = timezone_local(zone, now_ms).date;
    if (query->period == QUERY_PERIOD_24H) {
        *ret_span = last_24_hours(zone, now_ms);
        return QUERY_OK;
    }
    if (query->period != QUERY_PERIOD_CUSTOM) {
        *ret_span = (struct query_span){.first = period_first(query->period, today), .last = today};
        return QUERY_OK;
    }
    struct query_span span = {0};
    if (!moment_date(&query->from, zone, false, &span.first) ||
        !moment_date(&query->to, zone, true, &span.last))
        return QUERY_DATES_NOT_WHOLE;
    if (span.first > span.last)
        return QUERY_DATES_REVERSED;
    if (date_diff_days(span.last, span.first) >= QUERY_DAYS_MAX)
        return QUERY_TOO_MANY_DAYS;
    *ret_span = span;
    return QUERY_OK;
}

static struct query_span compared_span(const struct query *query, const struct query_span *asked,
                                       const struct time_zone *zone, int64_t now_ms)
{
    int days = date_diff_days(asked->last, asked->first) + 1;
    struct query_span span = *asked;
    if (query->comparison == QUERY_YEAR_OVER_YEAR) {
        span.first = year_before(asked->first);
        span.last = date_add_days(span.first, days - 1);
    } else if (asked->hourly) {
        span = last_24_hours(zone, now_ms - 24 * HOUR_MS);
    } else {
        span.first = date_add_days(asked->first, -days);
        span.last = date_add_days(asked->first, -1);
    }
    return span;
}

static enum query_time choose_time(const struct query *query, const struct query_span *span)
{
    int days = date_diff_days(span->last, span->first) + 1;
    bool beside = query->dimension.asked || query->filter_count > 0;
    if (query->time != QUERY_AUTO)
        return query->time;
    if (span->hourly || (days == 1 && !beside))
        return QUERY_HOUR;
    if (query->period == QUERY_PERIOD_6MO || query->period == QUERY_PERIOD_12MO ||
        query->period == QUERY_PERIOD_YEAR)
        return QUERY_MONTH;
    return days <= QUERY_AUTO_DAYS_MAX ? QUERY_DAY : QUERY_MONTH;
}

static enum query_status check_hours(const struct query *query, struct query_plan *plan)
{
    const struct query_span *span = &plan->spans[0];
    bool beside = query->dimension.asked || query->filter_count > 0;
    if (span->hourly && beside)
        return QUERY_24H_BESIDE;
    if (plan->time == QUERY_HOUR && beside)
        return QUERY_HOUR_BESIDE;
    if (plan->time == QUERY_HOUR && date_diff_days(span->last, span->first) >= QUERY_HOUR_DAYS_MAX)
        return QUERY_TOO_MANY_HOURS;
    if (span->hourly || plan->time == QUERY_HOUR)
        plan->table = TABLE_TIME;
    return QUERY_OK;
}

/* --- Public -------------------------------------------------------------------------------------
 */

bool query_plan_has_rest(const struct query_plan *plan)
{
    if (plan->is_crossed)
        return true;
    return model_table_is_visit(plan->table) && plan->table != TABLE_TOTAL &&
           plan->table != TABLE_TIME;
}

static void list_tables(const struct query *query, struct query_plan *plan)
{
    plan->tables[plan->table_count++] = plan->table;
    if (plan->is_crossed)
        plan->tables[plan->table_count++] = plan->narrow;
    else if (query_plan_has_rest(plan))
        plan->tables[plan->table_count++] = TABLE_TOTAL;
    if (plan->table == TABLE_PAGE && !plan->is_crossed &&
        (asked_metrics(query) & (BIT(BOUNCE_RATE) | BIT(VISIT_DURATION))))
        plan->tables[plan->table_count++] = TABLE_ENTRY_PAGE;
    assert(plan->table_count <= QUERY_TABLES_MAX);
}

enum query_status query_plan_make(const struct query *query, const struct site *site,
                                  int64_t now_ms, struct query_plan *ret_plan)
{
    struct query_plan plan = {.query = query, .site = site, .span_count = 1};
    plan.today = timezone_local(site->zone, now_ms).date;
    enum query_status status = choose_table(query, &plan);
    if (status == QUERY_OK)
        status = check_metrics(query, &plan);
    if (status == QUERY_OK)
        status = asked_span(query, site->zone, now_ms, &plan.spans[0]);
    if (status == QUERY_OK) {
        plan.time = choose_time(query, &plan.spans[0]);
        status = check_hours(query, &plan);
    }
    if (status != QUERY_OK)
        return status;
    if (query->comparison != QUERY_NO_COMPARISON) {
        plan.spans[1] = compared_span(query, &plan.spans[0], site->zone, now_ms);
        plan.span_count = 2;
    }
    list_tables(query, &plan);
    *ret_plan = plan;
    return QUERY_OK;
}

bool query_plan_next_date(const struct query_plan *plan, uint32_t *cursor, uint32_t *ret_date)
{
    uint32_t at = *cursor;
    for (size_t s = 0; s < plan->span_count; s++) {
        const struct query_span *span = &plan->spans[s];
        uint32_t last = span->last < plan->today ? span->last : plan->today;
        uint32_t days = span->first > last ? 0 : (uint32_t)date_diff_days(last, span->first) + 1;
        for (; at < days; at++, (*cursor)++) {
            uint32_t date = date_add_days(span->first, (int)at);
            if (s == 1 && date >= plan->spans[0].first && date <= plan->spans[0].last)
                continue;
            (*cursor)++;
            *ret_date = date;
            return true;
        }
        at -= days;
    }
    return false;
}

/* The words of a query: names of metrics, dimensions, periods and operators, and what is said to
 * whoever asks for something that is not kept. Tables only; used by every thread. */

#include "aggregator/query_names.h"

#include <assert.h>

static const char *const METRIC_NAMES[QUERY_METRIC__COUNT] = {
#define X(id, name) [QUERY_##id] = name,
    QUERY_METRICS(X)
#undef X
};

static const char *const PERIOD_NAMES[QUERY_PERIOD__COUNT] = {
    [QUERY_PERIOD_DAY] = "day",     [QUERY_PERIOD_24H] = "24h", [QUERY_PERIOD_7D] = "7d",
    [QUERY_PERIOD_28D] = "28d",     [QUERY_PERIOD_30D] = "30d", [QUERY_PERIOD_91D] = "91d",
    [QUERY_PERIOD_MONTH] = "month", [QUERY_PERIOD_6MO] = "6mo", [QUERY_PERIOD_12MO] = "12mo",
    [QUERY_PERIOD_YEAR] = "year",   [QUERY_PERIOD_ALL] = "all",
};

static const char *const OPERATOR_NAMES[] = {
    [QUERY_IS] = "is", [QUERY_IS_NOT] = "is_not", [QUERY_CONTAINS] = "contains"};

static const char *const TIME_NAMES[] = {
    [QUERY_HOUR] = "time:hour",   [QUERY_DAY] = "time:day", [QUERY_WEEK] = "time:week",
    [QUERY_MONTH] = "time:month", [QUERY_AUTO] = "time",
};

static const char *const DIMENSION_NAMES[TABLE__COUNT] = {
    [TABLE_PAGE] = "event:page",
    [TABLE_ENTRY_PAGE] = "visit:entry_page",
    [TABLE_EXIT_PAGE] = "visit:exit_page",
    [TABLE_SOURCE] = "visit:source",
    [TABLE_REFERRER] = "visit:referrer",
    [TABLE_CHANNEL] = "visit:channel",
    [TABLE_UTM_SOURCE] = "visit:utm_source",
    [TABLE_UTM_MEDIUM] = "visit:utm_medium",
    [TABLE_UTM_CAMPAIGN] = "visit:utm_campaign",
    [TABLE_UTM_CONTENT] = "visit:utm_content",
    [TABLE_UTM_TERM] = "visit:utm_term",
    [TABLE_COUNTRY] = "visit:country",
    [TABLE_REGION] = "visit:region",
    [TABLE_BROWSER] = "visit:browser",
    [TABLE_BROWSER_VERSION] = "visit:browser_version",
    [TABLE_OS] = "visit:os",
    [TABLE_OS_VERSION] = "visit:os_version",
    [TABLE_DEVICE] = "visit:device",
    [TABLE_LANGUAGE] = "visit:language",
    [TABLE_SCREEN] = "visit:screen",
    [TABLE_EVENT] = "event:goal",
    [TABLE_PROP] = "event:props:",
    [TABLE_DROPS] = "event:drop_reason",
};

static const char *const SENTENCES[QUERY__COUNT] = {
    [QUERY_OK] = "The question can be answered.",
    [QUERY_NOT_JSON] = "The body must be one JSON object, each of its names once.",
    [QUERY_UNKNOWN_FIELD] =
        "A question has only the fields site_id, metrics, date_range, dimensions, filters, "
        "order_by, include and pagination.",
    [QUERY_BAD_SITE] = "site_id must be the domain of a site, in lower case.",
    [QUERY_BAD_METRICS] = "metrics must be a list of one or more different names.",
    [QUERY_UNKNOWN_METRIC] =
        "The metrics that are kept are visitors, visits, pageviews, views_per_visit, bounce_rate, "
        "visit_duration, time_on_page, scroll_depth and events; revenue, percentages and "
        "conversion rates are not.",
    [QUERY_BAD_DATE_RANGE] =
        "date_range must be day, 24h, 7d, 28d, 30d, 91d, month, 6mo, 12mo, year or all, or a list "
        "of a first and a last date such as [\"2026-01-01\",\"2026-01-31\"].",
    [QUERY_DATES_REVERSED] = "The first date of date_range must not be after the last.",
    [QUERY_DATES_NOT_WHOLE] =
        "Counts are kept by whole days of the site's time zone, so that moments in date_range must "
        "be a day's first and last second there.",
    [QUERY_TOO_MANY_DAYS] = "One question may span at most twenty years.",
    [QUERY_BAD_DIMENSIONS] = "dimensions must be a list of different names.",
    [QUERY_UNKNOWN_DIMENSION] =
        "The dimensions that are kept are event:page, event:goal, event:props:<key>, "
        "event:drop_reason, visit:entry_page, exit_page, source, referrer, channel, utm_source, "
        "utm_medium, "
        "utm_campaign, utm_content, utm_term, country, region, browser, browser_version, os, "
        "os_version, device, language and screen, and time, time:hour, time:day, time:week and "
        "time:month; cities and host names are not.",
    [QUERY_TWO_DIMENSIONS] =
        "Ask for one dimension, alone or beside one of time; another one can be a filter.",
    [QUERY_HOUR_BESIDE] =
        "Hours are kept for the whole site only: ask for time:hour without another dimension and "
        "without filters, or for time:day.",
    [QUERY_24H_BESIDE] =
        "Hours are kept for the whole site only: 24h can be asked without another dimension and "
        "without filters, and the date range day with them.",
    [QUERY_TOO_MANY_HOURS] = "time:hour can be asked for at most 31 days; ask for time:day.",
    [QUERY_BAD_FILTERS] = "filters must be a list of at most eight filters such as "
                          "[\"is\",\"visit:country\",[\"NL\"]], all of which apply.",
    [QUERY_UNKNOWN_OPERATOR] =
        "The filters that are kept are is, is_not and contains, all of which apply; patterns, "
        "segments, goals done and any-of are not.",
    [QUERY_BAD_FILTER_VALUES] =
        "A filter's values must be a list of 1 to 200 texts, none of them empty.",
    [QUERY_FILTER_BESIDE] =
        "The dimension that is asked can be filtered itself, and by one other where the two are "
        "counted together: event:page, event:goal, visit:entry_page, source, channel, "
        "utm_campaign, country, device, browser and os each with another of them, regions with "
        "visit:country, and goals with their properties.",
    [QUERY_TWO_FILTERS] = "No more than two dimensions are counted together: filters can be on one "
                          "dimension, and on the one that is asked.",
    [QUERY_NOT_CROSSED] = "This site's preset counts each dimension for itself: only the dimension "
                          "that is asked can be filtered.",
    [QUERY_FILTER_UNSET] = "Visits without a campaign are not counted by other dimensions: filter "
                           "by campaigns that are set.",
    [QUERY_CROSS_METRICS] =
        "Of a dimension under a filter on another visits and pageviews are kept; where one of them "
        "is event:goal, visits and events.",
    [QUERY_ADDED_VISITORS] =
        "Visitors are kept for each value, and cannot be added up over several values: ask for "
        "visitors with an \"is\" filter of one value, or by the filtered dimension.",
    [QUERY_ADDED_VISITS] =
        "Visits of a page, goal or property are kept for each value, and cannot be added up over "
        "several values: use an \"is\" filter of one value, or ask by the filtered dimension.",
    [QUERY_EXIT_VISITS_ONLY] = "By visit:exit_page only visits are kept.",
    [QUERY_GOAL_METRICS] = "By event:goal visitors, visits and events are kept.",
    [QUERY_PROP_METRICS] = "By event:props:<key> visitors, visits, pageviews and events are kept.",
    [QUERY_DROP_METRICS] = "By event:drop_reason events are kept: beacons that were not counted.",
    [QUERY_PAGE_METRICS] =
        "time_on_page and scroll_depth are kept for the whole site, by time and by event:page.",
    [QUERY_BAD_ORDER] =
        "order_by must be a list of pairs such as [\"visitors\",\"desc\"], each of a metric or "
        "dimension that is asked, and each once.",
    [QUERY_BAD_INCLUDE] =
        "include may hold time_labels, total_rows, imports and trim_relative_date_range, each true "
        "or false, and comparisons; time_labels needs a time dimension.",
    [QUERY_BAD_COMPARISON] = "include.comparisons must be {\"mode\":\"previous_period\"} or "
                             "{\"mode\":\"year_over_year\"}, and not over the date range all.",
    [QUERY_BAD_PAGINATION] = "pagination may hold limit, 1 to 10000, and offset, 0 to 1000000.",
    [QUERY_MONTHS_ONLY] =
        "Of months this long ago only the sum is kept: ask for whole months, by time:month or "
        "without time.",
    [QUERY_TOO_MANY_GROUPS] = "The answer has too many rows: ask for fewer days or a coarser time.",
};

const char *query_status_sentence(enum query_status status)
{
    assert(status < QUERY__COUNT && SENTENCES[status] != NULL);
    return SENTENCES[status];
}

const char *query_metric_name(enum query_metric metric)
{
    assert(metric < QUERY_METRIC__COUNT);
    return METRIC_NAMES[metric];
}

const char *query_period_name(enum query_period period)
{
    assert(period < QUERY_PERIOD__COUNT);
    return PERIOD_NAMES[period];
}

const char *query_operator_name(enum query_operator op)
{
    assert(op < ARRAY_LEN(OPERATOR_NAMES));
    return OPERATOR_NAMES[op];
}

const char *query_time_name(enum query_time time)
{
    assert(time != QUERY_NO_TIME && time < ARRAY_LEN(TIME_NAMES));
    return TIME_NAMES[time];
}

const char *query_table_dimension(enum table table)
{
    assert(table < TABLE__COUNT);
    return DIMENSION_NAMES[table];
}

bool query_dimension_from_name(struct str name, struct query_dimension *ret_dimension)
{
    struct str props = str_from(DIMENSION_NAMES[TABLE_PROP]);
    if (str_starts_with(name, props)) {
        struct str key = str_from_at(name, props.len);
        if (key.len == 0 || key.len > TAG_BYTES_MAX)
            return false;
        *ret_dimension = (struct query_dimension){true, TABLE_PROP, key};
        return true;
    }
    for (int table = 0; table < TABLE__COUNT; table++) {
        if (DIMENSION_NAMES[table] != NULL && str_eq(name, str_from(DIMENSION_NAMES[table]))) {
            *ret_dimension = (struct query_dimension){true, (enum table)table, STR_EMPTY};
            return true;
        }
    }
    return false;
}

bool query_time_from_name(struct str name, enum query_time *ret_time)
{
    for (size_t time = QUERY_HOUR; time < ARRAY_LEN(TIME_NAMES); time++) {
        if (str_eq(name, str_from(TIME_NAMES[time]))) {
            *ret_time = (enum query_time)time;
            return true;
        }
    }
    return false;
}

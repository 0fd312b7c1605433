/* Days and hours as buckets of an answer: a date's bucket, and a bucket's label. Pure.
 *
 *   hour   24 a day whatever the clock does: the second 02:00 of a day that sets it back counts in
 * the first, and the one that is skipped in spring has no label day    one a date week   Monday to
 * Sunday; the first and the last may be parts month  likewise */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregator/query_plan.h"

static uint32_t monday_of(uint32_t date)
{
    return date_add_days(date, 1 - date_weekday(date));
}

static uint32_t month_number(uint32_t date)
{
    return date / 10000 * 12 + date / 100 % 100 - 1;
}

uint32_t query_span_bucket(const struct query_span *span, enum query_time time, uint32_t date,
                           unsigned hour)
{
    switch (time) {
    case QUERY_HOUR:
        return (uint32_t)date_diff_days(date, span->first) * 24 + hour - span->first_hour;
    case QUERY_DAY:
        return (uint32_t)date_diff_days(date, span->first);
    case QUERY_WEEK:
        return (uint32_t)date_diff_days(monday_of(date), monday_of(span->first)) / 7;
    case QUERY_MONTH:
        return month_number(date) - month_number(span->first);
    default:
        return 0;
    }
}

uint32_t query_span_buckets(const struct query_span *span, enum query_time time)
{
    return query_span_bucket(span, time, span->last, span->hourly ? span->last_hour : 23) + 1;
}

/* The first millisecond of a local hour, or -1 where the clock skips it. Steps of a quarter of an
 * hour meet every hour that exists. */
static int64_t hour_start_ms(const struct time_zone *zone, uint32_t date, unsigned hour)
{
    enum { STEP_MS = 15 * 60 * 1000, STEPS_MAX = 26 * 4 };
    int64_t at_ms = timezone_day_start_ms(zone, date);
    for (unsigned i = 0; i < STEPS_MAX; i++, at_ms += STEP_MS) {
        struct local_time local = timezone_local(zone, at_ms);
        if (local.date != date)
            return -1;
        if (local.hour == hour)
            return at_ms;
    }
    return -1;
}

static void print_date(char ret_label[QUERY_LABEL_BYTES], uint32_t date)
{
    (void)snprintf(ret_label, QUERY_LABEL_BYTES, "%04u-%02u-%02u", date / 10000 % 10000,
                   date / 100 % 100, date % 100);
}

bool query_span_label(const struct query_span *span, enum query_time time,
                      const struct time_zone *zone, uint32_t bucket,
                      char ret_label[QUERY_LABEL_BYTES])
{
    uint32_t date = span->first, month;
    unsigned hour;
    switch (time) {
    case QUERY_HOUR:
        hour = (bucket + span->first_hour) % 24;
        date = date_add_days(span->first, (int)((bucket + span->first_hour) / 24));
        if (hour_start_ms(zone, date, hour) < 0)
            return false;
        (void)snprintf(ret_label, QUERY_LABEL_BYTES, "%04u-%02u-%02u %02u:00:00",
                       date / 10000 % 10000, date / 100 % 100, date % 100, hour % 24);
        return true;
    case QUERY_DAY:
        date = date_add_days(span->first, (int)bucket);
        break;
    case QUERY_WEEK:
        if (bucket > 0)
            date = date_add_days(monday_of(span->first), (int)(7 * bucket));
        break;
    case QUERY_MONTH:
        month = month_number(span->first) + bucket;
        date = month / 12 * 10000 + (month % 12 + 1) * 100 + 1;
        break;
    default:
        assert(false);
    }
    print_date(ret_label, date);
    return true;
}

void query_span_moment(const struct query_span *span, const struct time_zone *zone, bool last,
                       char ret_text[QUERY_MOMENT_BYTES])
{
    enum { HOUR_MS = 3600 * 1000 };
    int64_t at_ms;
    if (span->hourly) {
        at_ms = hour_start_ms(zone, last ? span->last : span->first,
                              last ? span->last_hour : span->first_hour);
        at_ms += last ? HOUR_MS - 1000 : 0;
    } else {
        at_ms = last ? timezone_day_start_ms(zone, date_add_days(span->last, 1)) - 1000
                     : timezone_day_start_ms(zone, span->first);
    }
    struct local_time local = timezone_local(zone, at_ms);
    int32_t minutes = local.utc_offset_s / 60;
    (void)snprintf(ret_text, QUERY_MOMENT_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u%c%02d:%02d",
                   local.date / 10000 % 10000, local.date / 100 % 100, local.date % 100,
                   local.hour % 24u, local.minute % 60u, local.second % 60u,
                   minutes < 0 ? '-' : '+', abs(minutes) / 60 % 100, abs(minutes) % 60);
}

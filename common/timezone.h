#pragma once

/* A time zone of the system's tz database, through GLib's GTimeZone. Immutable, thread-safe. */

#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"
#include "common/str.h"

struct time_zone; /* reference-counted */

/* NULL for a name that is not in the database ("UTC" always is). */
MUST_CHECK struct time_zone *timezone_new(const char *iana_name);
struct time_zone *timezone_ref(struct time_zone *zone);
void timezone_unref(struct time_zone *zone);

struct local_time {
    uint32_t date; /* yyyymmdd */
    uint8_t hour, minute, second;
    uint8_t weekday; /* 1 Monday .. 7 Sunday */
    int32_t utc_offset_s;
};

struct local_time timezone_local(const struct time_zone *zone, int64_t wall_ms);
/* The first millisecond of a local date: local midnight, or the first moment after a gap. */
int64_t timezone_day_start_ms(const struct time_zone *zone, uint32_t date);

/* Calendar arithmetic on yyyymmdd dates, no zone needed. */
uint32_t date_add_days(uint32_t date, int days);
int date_diff_days(uint32_t later, uint32_t earlier);
uint8_t date_weekday(uint32_t date);
bool date_valid(uint32_t date);

#pragma once

/* A time zone of the system's tz database, through GLib's GTimeZone. Immutable, thread-safe: a
 * zone is a table of its offsets from 1970 to 2100, so that asking it takes no lock and no call. */

#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"
#include "common/str.h"

struct time_zone; /* reference-counted */

/* NULL for a name that is not in the database ("UTC" always is). Zones of one name are shared.
 * Reads a file the first time: not for the beacon path. */
MUST_CHECK struct time_zone *timezone_new(const char *iana_name);
struct time_zone *timezone_ref(struct time_zone *zone);
/* NULL is allowed. */
void timezone_unref(struct time_zone *zone);

struct local_time {
    uint32_t date; /* yyyymmdd */
    uint8_t hour, minute, second;
    uint8_t weekday; /* 1 Monday .. 7 Sunday */
    int32_t utc_offset_s;
};

/* Dates before 1970-01-01 or past 9999-12-31 are given as those. */
struct local_time timezone_local(const struct time_zone *zone, int64_t wall_ms);
/* The first millisecond of a local date: local midnight, or the first moment after a gap. A date
 * that a zone left out has no moment: it starts when the next one does. */
int64_t timezone_day_start_ms(const struct time_zone *zone, uint32_t date);

/* Calendar arithmetic on valid yyyymmdd dates, no zone needed. Sums stop at 1970-01-01 and
 * 9999-12-31. */
uint32_t date_add_days(uint32_t date, int days);
int date_diff_days(uint32_t later, uint32_t earlier);
uint8_t date_weekday(uint32_t date);
/* A day of the calendar from 1970-01-01 to 9999-12-31. */
bool date_valid(uint32_t date);

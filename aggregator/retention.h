#pragma once

/* How long what is sealed stays, by a site's settings. Pure.
 *
 * Days stay for whole months: all of a month leave together, when its first day is as old as is
 * kept. An imported day counts from when it was closed. */

#include <stdint.h>

#include "aggregator/site.h"

/* yyyymm and a number of months further; it stops at the ends of the calendar of dates. */
uint32_t month_add(uint32_t month, int months);
/* The date of its last day. */
uint32_t month_last_day(uint32_t month);
/* The first moment of a month, in UTC. */
int64_t month_start_ms(uint32_t month);
uint32_t month_of_ms(int64_t wall_ms);

/* When a day that is closed now, and its month's names, leave. */
int64_t retention_day_expiry_ms(const struct site *site, uint32_t date, int64_t now_ms);

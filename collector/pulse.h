#pragma once

/* How lively each site is: a small number for each site that had a view in this process, and its
 * page views by minute for the last half hour. Memory only. Thread-safe and without locks but when
 * a site is met for the first time. */

#include <stdint.h>

#include "common/limits.h"
#include "common/str.h"

struct pulse;

enum { PULSE_NONE = UINT32_MAX };

struct pulse *pulse_new(void);
void pulse_free(struct pulse *pulse);
/* The site's number, given at first sight; PULSE_NONE once SITES_MAX are known. */
uint32_t pulse_site(struct pulse *pulse, struct str domain);
uint32_t pulse_site_count(const struct pulse *pulse);
/* Lives as long as the pulse. */
struct str pulse_domain(const struct pulse *pulse, uint32_t site);
void pulse_view(struct pulse *pulse, uint32_t site, int64_t wall_ms);
/* [0] is the minute that runs now. */
void pulse_minutes(const struct pulse *pulse, uint32_t site, int64_t wall_ms,
                   uint32_t ret_views[LIVE_MINUTES]);

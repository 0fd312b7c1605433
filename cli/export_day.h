#pragma once

/* What is kept of a site, a day at a time. The one place that an export reads counts through. Waits
 * for Redis. */

#include "aggregator/day.h"
#include "common/redis.h"

/* The dates between `from` and `to`, both included, of which something is kept, in order; the
 * caller frees. False with a sentence. */
MUST_CHECK bool export_dates(struct redis *redis, struct str site, const uint32_t range[2],
                             uint32_t **ret_dates, size_t *ret_count, char error[static 256]);

/* Fills the day, which is empty but for its date and names, as of one moment. False with a
 * sentence.
 */
MUST_CHECK bool export_day_read(struct redis *redis, struct str site, struct day *day,
                                char error[static 256]);

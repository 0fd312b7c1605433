#pragma once

/* What is kept of a site, a day at a time. The one place that an export reads counts through. Waits
 * for Redis. */

#include "aggregator/day.h"
#include "common/redis.h"

/* What is kept between two dates, in order: days, and months that their days were folded into, as
 * yyyymm00. A month is kept between them when all its days are. */
struct export_dates {
    uint32_t *dates;
    size_t count, months; /* months are counted in both */
    size_t cut_months;    /* kept, but only in part between the two dates */
};

/* Both dates are included; export_dates_done() frees. False with a sentence. */
MUST_CHECK bool export_dates_find(struct redis *redis, struct str site, const uint32_t range[2],
                                  struct export_dates *ret_dates, char error[static 256]);
void export_dates_done(struct export_dates *dates);

static inline bool export_is_month(uint32_t date)
{
    return date % 100 == 0;
}

/* "2026-01-31", or "2026-01" of a month. */
enum { EXPORT_DATE_BYTES = 16 };
void export_date_text(uint32_t date, char text[static EXPORT_DATE_BYTES]);

/* Fills the day or month, which is empty but for its date and names, as of one moment. False with a
 * sentence.
 */
MUST_CHECK bool export_day_read(struct redis *redis, struct str site, struct day *day,
                                char error[static 256]);

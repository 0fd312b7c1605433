/* Months are counted from year 0; what a site keeps is a number of them.
 *
 *   202411          25 months          202612
 *   ├───────────────────────────────────┤ all days of November 2024 leave
 *   │ first day                          at the start of December 2026, UTC
 *
 * So a day stays for at least a month less than is said, and never longer. Whole months, since the
 * days of one share their names, and since a month's record needs all of its days. */

#include "aggregator/retention.h"

#include "common/timezone.h"

enum { MONTHS_A_YEAR = 12, DAY_MS = 24 * 60 * 60 * 1000, UNIX_EPOCH = 19700101, YEAR_MAX = 9999 };
enum { MONTH_FIRST = 1970 * MONTHS_A_YEAR, MONTH_LAST = YEAR_MAX * MONTHS_A_YEAR + 11 };

uint32_t month_add(uint32_t month, int months)
{
    int count = (int)(month / 100) * MONTHS_A_YEAR + (int)(month % 100) - 1 + months;
    if (count < MONTH_FIRST)
        count = MONTH_FIRST;
    if (count > MONTH_LAST)
        count = MONTH_LAST;
    return (uint32_t)(count / MONTHS_A_YEAR * 100 + count % MONTHS_A_YEAR + 1);
}

uint32_t month_last_day(uint32_t month)
{
    uint32_t date = month * 100 + 31;
    while (!date_valid(date))
        date--;
    return date;
}

int64_t month_start_ms(uint32_t month)
{
    return (int64_t)date_diff_days(month * 100 + 1, UNIX_EPOCH) * DAY_MS;
}

uint32_t month_of_ms(int64_t wall_ms)
{
    int64_t days = wall_ms < 0 ? 0 : wall_ms / DAY_MS;
    return date_add_days(UNIX_EPOCH, days > INT32_MAX ? INT32_MAX : (int)days) / 100;
}

int64_t retention_day_expiry_ms(const struct site *site, uint32_t date, int64_t now_ms)
{
    uint32_t month = date / 100, now = month_of_ms(now_ms);
    uint32_t from = month_add(month, RETENTION_LATE_MONTHS) < now ? now : month;
    int64_t expiry_ms = month_start_ms(month_add(from, site->keep_days));
    if (site->keep_months > site->keep_days)
        expiry_ms += (int64_t)RETENTION_FOLD_LATE_DAYS * DAY_MS;
    return expiry_ms;
}

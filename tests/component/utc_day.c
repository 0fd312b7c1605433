/* The day that a test stores counts of. */

#include "utc_day.h"

#include <unistd.h>

#include "common/clock.h"
#include "common/timezone.h"

enum { DAY_MS = 86400000, LEFT_MS_MIN = 60000 };

uint32_t utc_day_today(void)
{
    while (clock_wall_ms() % DAY_MS > DAY_MS - LEFT_MS_MIN)
        usleep(100000);
    struct time_zone *utc = timezone_new("UTC");
    uint32_t today = timezone_local(utc, clock_wall_ms()).date;
    timezone_unref(utc);
    return today;
}

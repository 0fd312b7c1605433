/* Names of time zones, and moments: a name is of the database or refused, and a moment lies in the
 * day that it is said to be of. */

#include "tests/fuzz/fuzz.h"

#include "common/timezone.h"

#include <assert.h>
#include <stdlib.h>

static const int64_t LAST_MS = INT64_C(253402300799000); /* 9999-12-31T23:59:59Z */

static void check_moment(const struct time_zone *zone, int64_t wall_ms)
{
    struct local_time local = timezone_local(zone, wall_ms);
    assert(date_valid(local.date) && local.hour < 24 && local.minute < 60 && local.second < 60);
    assert(local.weekday == date_weekday(local.date));
    uint32_t next = date_add_days(local.date, 1);
    assert(date_diff_days(next, local.date) == (next != local.date));
    if (wall_ms < 2 * 86400000 || wall_ms > LAST_MS - 2 * INT64_C(86400000))
        return; /* dates stop there */
    assert(timezone_day_start_ms(zone, local.date) <= wall_ms);
    assert(timezone_day_start_ms(zone, next) > wall_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str rest = {(const char *)data, len};
    int64_t wall_ms = (int64_t)fuzz_take_number(&rest, 8);
    char *name = malloc(rest.len + 1);
    assert(name != NULL);
    if (rest.len > 0)
        memcpy(name, rest.ptr, rest.len);
    name[rest.len] = '\0';
    struct time_zone *zone = timezone_new(name);
    if (zone != NULL) {
        assert(strstr(name, "..") == NULL && name[0] != '/');
        check_moment(zone, wall_ms);
        check_moment(zone, wall_ms % LAST_MS);
    }
    timezone_unref(zone);
    free(name);
    return 0;
}

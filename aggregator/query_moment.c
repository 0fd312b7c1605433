/* One end of a date range: "2026-11-23", or "2026-11-23T00:00:00+01:00". Pure; used by the parser
 * of questions. Years 2000 to 2199, so that no arithmetic on them can leave the calendar. */

#include "aggregator/query.h"
#include "common/timezone.h"

enum { SECONDS_A_DAY = 86400, YEAR_MIN = 2000, YEAR_MAX = 2199 };

/* `digits` digits from *at on. */
static bool take_number(struct str *in, size_t digits, uint32_t *ret_number)
{
    uint64_t number;
    if (in->len < digits || !str_to_uint(str_prefix(*in, digits), UINT32_MAX, &number))
        return false;
    *in = str_from_at(*in, digits);
    *ret_number = (uint32_t)number;
    return true;
}

static bool take_char(struct str *in, char c)
{
    if (in->len == 0 || in->ptr[0] != c)
        return false;
    *in = str_from_at(*in, 1);
    return true;
}

static bool take_date(struct str *in, uint32_t *ret_date)
{
    uint32_t year, month, day;
    if (!take_number(in, 4, &year) || !take_char(in, '-') || !take_number(in, 2, &month) ||
        !take_char(in, '-') || !take_number(in, 2, &day))
        return false;
    uint32_t date = year * 10000 + month * 100 + day;
    if (year < YEAR_MIN || year > YEAR_MAX || !model_date_valid(date))
        return false;
    *ret_date = date;
    return true;
}

/* "hh:mm:ss", with a fraction that is ignored. */
static bool take_clock(struct str *in, int64_t *ret_seconds)
{
    uint32_t hour, minute, second, ignored;
    if (!take_number(in, 2, &hour) || !take_char(in, ':') || !take_number(in, 2, &minute) ||
        !take_char(in, ':') || !take_number(in, 2, &second) || hour > 23 || minute > 59 ||
        second > 59)
        return false;
    if (take_char(in, '.')) {
        if (!take_number(in, 1, &ignored))
            return false;
        while (take_number(in, 1, &ignored))
            ;
    }
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return true;
}

/* "Z", or "+hh:mm". */
static bool take_offset(struct str *in, int64_t *ret_seconds)
{
    uint32_t hours, minutes;
    if (take_char(in, 'Z')) {
        *ret_seconds = 0;
        return true;
    }
    bool west = in->len > 0 && in->ptr[0] == '-';
    if (!(west ? take_char(in, '-') : take_char(in, '+')) || !take_number(in, 2, &hours) ||
        !take_char(in, ':') || !take_number(in, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_seconds = (int64_t)(hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

bool query_moment_parse(struct str in, struct query_moment *ret_moment)
{
    struct query_moment moment = {.is_date = true};
    int64_t clock_s, offset_s;
    if (!take_date(&in, &moment.date))
        return false;
    if (in.len > 0) {
        if (!take_char(&in, 'T') || !take_clock(&in, &clock_s) || !take_offset(&in, &offset_s) ||
            in.len > 0)
            return false;
        moment.is_date = false;
        moment.unix_s =
            (int64_t)date_diff_days(moment.date, 19700101) * SECONDS_A_DAY + clock_s - offset_s;
    }
    *ret_moment = moment;
    return true;
}

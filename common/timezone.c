/* Time zones and dates. GLib reads the tz database; what it says is copied once into a table of
 * spans, because every beacon asks and GTimeZone takes a linear search and a lock to answer.
 *
 *     span        0                 1                    2
 *     start   (always)     1970-04-26 07:00 UTC  1970-10-25 06:00 UTC  ...
 *     offset   -5 h              -4 h                  -5 h                   America/New_York
 *
 * A moment's span is found by binary search. Used by every thread; the list of living zones is the
 * only shared state that changes, under a lock that only new and unref take. */

#include "common/timezone.h"

#include <assert.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    DAY_S = 86400,
    LAST_DAY = 2932896,       /* 9999-12-31 in days since 1970-01-01 */
    OFFSET_S_MAX = 26 * 3600, /* POSIX allows no larger one */
    NAME_BYTES_MAX = 64,      /* the longest name of the database has 32 */
    SPANS_MAX = 1024,         /* 130 years; no zone has changed more than six times in one */
};
/* 1969-12-30 and 2100-01-01: past the table the last offset holds. */
static const int64_t TABLE_FIRST_S = -2 * DAY_S;
static const int64_t TABLE_LAST_S = 4102444800;

struct span {
    int64_t start_s; /* UTC; the first span's is INT64_MIN */
    int32_t offset_s;
};

struct time_zone {
    atomic_uint refs;
    struct time_zone *next; /* in `zones` */
    char name[NAME_BYTES_MAX + 1];
    size_t span_count;
    struct span spans[];
};

static pthread_mutex_t zones_lock = PTHREAD_MUTEX_INITIALIZER;
static struct time_zone *zones;

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* --- Dates ------------------------------------------------------------------------------------ */

/* Days before 1 March of a year counted from March, so that a leap day is the last of its year;
 * 719468 days lie between 0000-03-01 and 1970-01-01. */
static int64_t days_from_date(uint32_t date)
{
    int64_t year = date / 10000, month = date / 100 % 100, day = date % 100;
    if (month < 3) {
        year--;
        month += 12;
    }
    /* From March on the months' lengths repeat 31 30 31 30 31, which is 153 days each time. */
    int64_t day_of_year = (153 * (month - 3) + 2) / 5 + day - 1;
    return 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
}

static uint32_t date_from_days(int64_t days)
{
    enum { DAYS_400_YEARS = 146097, DAYS_100_YEARS = 36524, DAYS_4_YEARS = 1461 };
    int64_t since_march_0 = clamp(days, 0, LAST_DAY) + 719468;
    int64_t era = since_march_0 / DAYS_400_YEARS, in_era = since_march_0 % DAYS_400_YEARS;
    /* Leap days before this day are taken out, so that all years have 365. */
    int64_t year = (in_era - in_era / (DAYS_4_YEARS - 1) + in_era / DAYS_100_YEARS -
                    in_era / (DAYS_400_YEARS - 1)) /
                   365;
    int64_t day_of_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    int64_t day = day_of_year - (153 * month + 2) / 5 + 1;
    month += month < 10 ? 3 : -9;
    year += era * 400 + (month < 3);
    return (uint32_t)(year * 10000 + month * 100 + day);
}

/* 1970-01-01 was a Thursday. */
static uint8_t weekday_from_days(int64_t days)
{
    return (uint8_t)((days + 3) % 7 + 1);
}

/* --- Making a zone ---------------------------------------------------------------------------- */

/* GLib also takes offsets ("+02:00"), POSIX rules and paths; only names of the database pass. */
static bool name_is_plain(const char *name)
{
    static const char *const NOT_ZONES[] = {"localtime", "posixrules", "Factory"};
    for (size_t i = 0; i < ARRAY_LEN(NOT_ZONES); i++) {
        if (strcmp(name, NOT_ZONES[i]) == 0)
            return false;
    }
    if (!g_ascii_isalpha(name[0]) || strlen(name) > NAME_BYTES_MAX)
        return false;
    /* Zones of right/ count leap seconds, which no clock of ours does. */
    if (strncmp(name, "right/", 6) == 0 || strncmp(name, "posix/", 6) == 0)
        return false;
    for (const char *at = name; *at != '\0'; at++) {
        if (!g_ascii_isalnum(*at) && strchr("_+-/", *at) == NULL)
            return false;
    }
    return true;
}

/* Every compiled zone starts with "TZif"; the folder holds other files as well. */
static bool name_is_in_database(const char *name)
{
    const char *folder = getenv("TZDIR");
    char *path = g_build_filename(folder == NULL ? "/usr/share/zoneinfo" : folder, name, NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    g_free(path);
    if (fd < 0)
        return false;
    char magic[4];
    bool found = read(fd, magic, sizeof(magic)) == sizeof(magic) && memcmp(magic, "TZif", 4) == 0;
    close(fd);
    return found;
}

/* GLib numbers the intervals between changes but does not tell when one ends: that is the first
 * second of a later number. */
static int64_t interval_end_s(GTimeZone *tz, int interval, int64_t from_s)
{
    int64_t inside = from_s, outside = TABLE_LAST_S;
    while (outside - inside > 1) {
        int64_t middle = inside + (outside - inside) / 2;
        if (g_time_zone_find_interval(tz, G_TIME_TYPE_UNIVERSAL, middle) > interval)
            outside = middle;
        else
            inside = middle;
    }
    return outside;
}

/* Fills `spans`, merging intervals that differ in their name only. */
static size_t spans_read(GTimeZone *tz, struct span spans[SPANS_MAX])
{
    size_t count = 0;
    int64_t at_s = TABLE_FIRST_S;
    while (at_s < TABLE_LAST_S && count < SPANS_MAX) {
        int interval = g_time_zone_find_interval(tz, G_TIME_TYPE_UNIVERSAL, at_s);
        int32_t offset_s = g_time_zone_get_offset(tz, interval);
        if (count == 0 || spans[count - 1].offset_s != offset_s)
            spans[count++] = (struct span){at_s, offset_s};
        at_s = interval_end_s(tz, interval, at_s);
    }
    spans[0].start_s = INT64_MIN;
    return count;
}

static struct time_zone *zone_read(const char *name)
{
    bool is_utc = strcmp(name, "UTC") == 0;
    if (!is_utc && !(name_is_plain(name) && name_is_in_database(name)))
        return NULL;
    GTimeZone *tz = is_utc ? g_time_zone_new_utc() : g_time_zone_new_identifier(name);
    if (tz == NULL)
        return NULL;
    struct span spans[SPANS_MAX];
    size_t count = spans_read(tz, spans);
    g_time_zone_unref(tz);

    struct time_zone *zone = malloc(sizeof(*zone) + count * sizeof(spans[0]));
    if (zone == NULL)
        abort();
    *zone = (struct time_zone){.span_count = count};
    atomic_init(&zone->refs, 1);
    memcpy(zone->name, name, strlen(name) + 1);
    memcpy(zone->spans, spans, count * sizeof(spans[0]));
    return zone;
}

struct time_zone *timezone_new(const char *iana_name)
{
    pthread_mutex_lock(&zones_lock);
    struct time_zone *zone = zones;
    while (zone != NULL && strcmp(zone->name, iana_name) != 0)
        zone = zone->next;
    if (zone != NULL) {
        atomic_fetch_add(&zone->refs, 1);
    } else {
        zone = zone_read(iana_name);
        if (zone != NULL) {
            zone->next = zones;
            zones = zone;
        }
    }
    pthread_mutex_unlock(&zones_lock);
    return zone;
}

struct time_zone *timezone_ref(struct time_zone *zone)
{
    unsigned before = atomic_fetch_add(&zone->refs, 1);
    assert(before > 0);
    return zone;
}

void timezone_unref(struct time_zone *zone)
{
    if (zone == NULL)
        return;
    /* Under the lock, or timezone_new could hand out a zone that is being freed. */
    pthread_mutex_lock(&zones_lock);
    unsigned before = atomic_fetch_sub(&zone->refs, 1);
    assert(before > 0);
    if (before == 1) {
        struct time_zone **link = &zones;
        while (*link != zone)
            link = &(*link)->next;
        *link = zone->next;
        free(zone);
    }
    pthread_mutex_unlock(&zones_lock);
}

/* --- Asking a zone ---------------------------------------------------------------------------- */

static size_t span_at(const struct time_zone *zone, int64_t utc_s)
{
    size_t first = 0, count = zone->span_count;
    while (count > 1) {
        size_t half = count / 2;
        if (zone->spans[first + half].start_s <= utc_s)
            first += half;
        count -= half;
    }
    return first;
}

struct local_time timezone_local(const struct time_zone *zone, int64_t wall_ms)
{
    int64_t utc_s = floor_div(wall_ms, 1000);
    int32_t offset_s = zone->spans[span_at(zone, utc_s)].offset_s;
    int64_t local_s = clamp(utc_s + offset_s, 0, ((int64_t)LAST_DAY + 1) * DAY_S - 1);
    int64_t days = local_s / DAY_S;
    unsigned second_of_day = (unsigned)(local_s % DAY_S);
    return (struct local_time){
        .date = date_from_days(days),
        .hour = (uint8_t)(second_of_day / 3600),
        .minute = (uint8_t)(second_of_day / 60 % 60),
        .second = (uint8_t)(second_of_day % 60),
        .weekday = weekday_from_days(days),
        .utc_offset_s = offset_s,
    };
}

int64_t timezone_day_start_ms(const struct time_zone *zone, uint32_t date)
{
    assert(date_valid(date));
    int64_t midnight_s = days_from_date(date) * DAY_S;
    /* The first span that reaches the date holds its first moment: midnight by this span's clock,
     * or the span's own start where midnight was skipped. */
    size_t i = span_at(zone, midnight_s - OFFSET_S_MAX);
    int64_t start_s;
    for (;; i++) {
        start_s = midnight_s - zone->spans[i].offset_s;
        if (start_s < zone->spans[i].start_s)
            start_s = zone->spans[i].start_s;
        if (i + 1 == zone->span_count || start_s < zone->spans[i + 1].start_s)
            return start_s * 1000;
    }
}

uint32_t date_add_days(uint32_t date, int days)
{
    assert(date_valid(date));
    return date_from_days(days_from_date(date) + days);
}

int date_diff_days(uint32_t later, uint32_t earlier)
{
    assert(date_valid(later) && date_valid(earlier));
    return (int)(days_from_date(later) - days_from_date(earlier));
}

uint8_t date_weekday(uint32_t date)
{
    assert(date_valid(date));
    return weekday_from_days(days_from_date(date));
}

bool date_valid(uint32_t date)
{
    uint32_t month = date / 100 % 100, day = date % 100;
    if (date < 19700101 || date > 99991231 || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    /* A day that does not exist comes back as another one. */
    return date_from_days(days_from_date(date)) == date;
}

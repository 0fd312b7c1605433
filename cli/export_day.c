/* What is kept of a date as one day: what was sealed, and what is open, as the close reads them. */

#include "cli/export_day.h"

#include <stdio.h>
#include <stdlib.h>

#include "aggregator/close_read.h"
#include "common/timezone.h"

enum {
    ERROR_BYTES = 256,
    KEY_BYTES_MAX = 1024,
    SCAN_ROUNDS_MAX = 10 * 1000 * 1000,
    CURSOR_BYTES = 32,
    FIRST_DATES = 512,
};

static bool fail(char error[static ERROR_BYTES], const char *sentence)
{
    snprintf(error, ERROR_BYTES, "%s", sentence);
    return false;
}

/* --- Dates ------------------------------------------------------------------------------------ */

/* A set of dates, as a bit for each day since 1970; some kilobytes for all that there can be. */
enum { DAYS_MAX = 8030 * 366, EPOCH = 19700101 };

static void note_dates(const struct redis_reply *keys, const uint32_t range[2], uint8_t *days)
{
    for (size_t i = 0; i < redis_reply_count(keys); i++) {
        uint32_t date;
        if (!model_key_date(redis_reply_str(redis_reply_at(keys, i)), &date) || date < range[0] ||
            date > range[1])
            continue;
        unsigned day = (unsigned)date_diff_days(date, EPOCH);
        days[day / 8] |= (uint8_t)(1u << day % 8);
    }
}

/* Domains hold no character that a pattern gives a meaning to. */
static bool scan(struct redis *redis, struct str site, const uint32_t range[2], uint8_t *days)
{
    char cursor[CURSOR_BYTES] = "0";
    struct buf pattern;
    bool good = true, more = true;
    buf_init(&pattern, KEY_BYTES_MAX);
    model_key_site_prefix(&pattern, site);
    buf_append_byte(&pattern, '*');
    for (int round = 0; good && more && round < SCAN_ROUNDS_MAX; round++) {
        struct redis_reply *reply =
            redis_do(redis, STR_LIT("SCAN"), str_from(cursor), STR_LIT("MATCH"), buf_str(&pattern),
                     STR_LIT("COUNT"), STR_LIT("1000"));
        good = reply != NULL && redis_reply_count(reply) == 2;
        if (good) {
            snprintf(cursor, sizeof(cursor), "%.*s",
                     STR_ARG(redis_reply_str(redis_reply_at(reply, 0))));
            note_dates(redis_reply_at(reply, 1), range, days);
            more = strcmp(cursor, "0") != 0;
        }
        redis_reply_free(reply);
    }
    buf_done(&pattern);
    return good;
}

bool export_dates(struct redis *redis, struct str site, const uint32_t range[2],
                  uint32_t **ret_dates, size_t *ret_count, char error[static ERROR_BYTES])
{
    uint8_t *days = calloc(1, DAYS_MAX / 8 + 1);
    if (days == NULL)
        abort();
    if (!scan(redis, site, range, days)) {
        free(days);
        return fail(error, "Redis does not tell which days are kept.");
    }
    uint32_t *dates = NULL;
    size_t count = 0, capacity = 0;
    for (int day = 0; day < DAYS_MAX; day++) {
        if ((days[day / 8] >> day % 8 & 1) == 0)
            continue;
        if (count == capacity) {
            capacity = capacity == 0 ? FIRST_DATES : 2 * capacity;
            dates = reallocarray(dates, capacity, sizeof(*dates));
            if (dates == NULL)
                abort();
        }
        dates[count++] = date_add_days(EPOCH, day);
    }
    free(days);
    *ret_dates = dates;
    *ret_count = count;
    return true;
}

/* --- A day ------------------------------------------------------------------------------------ */

bool export_day_read(struct redis *redis, struct str site, struct day *day,
                     char error[static ERROR_BYTES])
{
    struct close_reading reading;
    struct record_reader *reader = record_reader_new();
    struct trouble trouble = {0};
    close_reading_init(&reading, day->date);
    bool good = close_read(&reading, redis, site, &trouble);
    if (!good)
        snprintf(error, ERROR_BYTES, "%s", trouble_words(trouble.kind));
    else if (reading.damage[0] != '\0' || !close_read_sealed(&reading, reader))
        good = fail(error, reading.damage);
    else
        day_merge(day, &reading.day);
    close_reading_done(&reading);
    record_reader_free(reader);
    return good;
}

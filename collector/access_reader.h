#pragma once

/* Inside the access log's reader only: what its formats share. */

#include "collector/access_log.h"
#include "common/limits.h"

struct json_t;

struct access_reader {
    enum access_format format;
    struct access_rules rules;
    struct str last_date; /* of last_date_bytes */
    char last_date_bytes[11];
    int64_t last_days;
    struct json_t *json; /* of the last line; strings of the line are its */
    size_t used;
    char bytes[IMPORT_LINE_BYTES_MAX + HOST_BYTES_MAX]; /* what a line's escapes become */
};

/* In lower case, without a port; empty when it is too long for a host. */
struct str access_host(struct access_reader *reader, struct str text);
/* Two digits, 0 to 99; -1 for anything else. */
int access_two_digits(const char *text);
/* A day and a time of it as ms since 1970; false for what no calendar has. */
struct access_clock {
    int hour, minute, second, zone_minutes;
};
MUST_CHECK bool access_time(int64_t days, const struct access_clock *clock, int64_t *ret_ms);

MUST_CHECK bool access_read_caddy(struct access_reader *reader, struct str line,
                                  struct access_line *ret_line);

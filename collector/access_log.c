/* Takes lines of access logs apart: the combined format here, Caddy's JSON in access_caddy.c.
 *
 *   www.example.com:443 192.0.2.7 - - [17/May/2015:10:05:03 +0200] "GET /a?b HTTP/1.1" 200 51 "-"
 * "…" ^ vhost_combined    ^ combined     ^ time                       ^ request           ^ status
 *
 * Written for speed, since whoever imports years of logs waits for it: a field is found by its end,
 * nothing is copied but what has escapes, and a date is worked out once as long as it is the same.
 * Servers write `\"` and `\x22` for what would end a field; both are undone. What follows the
 * User-Agent is let go: servers add columns of their own there. */

#include "collector/access_reader.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "common/timezone.h"

enum { UNIX_EPOCH = 19700101, DATE_BYTES = 11, TIME_BYTES = 26, MINUTE_MS = 60 * 1000 };
static_assert(sizeof(((struct access_reader *)0)->last_date_bytes) == DATE_BYTES, "17/May/2015");

static const char *const FORMAT_NAMES[ACCESS__COUNT] = {
#define X(id, name, meaning) [ACCESS_##id] = name,
    ACCESS_FORMATS(X)
#undef X
};

const char *access_format_name(enum access_format format)
{
    assert(format < ACCESS__COUNT);
    return FORMAT_NAMES[format];
}

bool access_format_from_name(struct str name, enum access_format *ret_format)
{
    for (size_t i = 0; i < ACCESS__COUNT; i++) {
        if (str_eq(name, str_from(FORMAT_NAMES[i]))) {
            *ret_format = (enum access_format)i;
            return true;
        }
    }
    return false;
}

/* --- Life ------------------------------------------------------------------------------------ */

struct access_reader *access_reader_new(enum access_format format, const struct access_rules *rules)
{
    struct access_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        abort();
    reader->format = format;
    reader->rules = *rules;
    return reader;
}

void access_reader_free(struct access_reader *reader)
{
    if (reader == NULL)
        return;
    json_decref(reader->json);
    explicit_bzero(reader, sizeof(*reader));
    free(reader);
}

enum access_format access_reader_format(const struct access_reader *reader)
{
    return reader->format;
}

/* --- Fields ---------------------------------------------------------------------------------- */

/* What is before the first `c`, taken off *rest together with it; false when there is none. */
static bool take_until(struct str *rest, char c, struct str *ret_field)
{
    size_t at = str_find(*rest, c);
    if (at == rest->len)
        return false;
    *ret_field = str_prefix(*rest, at);
    *rest = str_from_at(*rest, at + 1);
    return true;
}

static bool take_lit(struct str *rest, struct str lit)
{
    if (!str_starts_with(*rest, lit))
        return false;
    *rest = str_from_at(*rest, lit.len);
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One escape at text[0], a backslash: the byte that it stands for, and how long it is. An unknown
 * one stands for itself. */
static char unescape_one(struct str text, size_t *ret_len)
{
    static const char LETTERS[] = "nrtbv\"\\", BYTES[] = "\n\r\t\b\v\"\\";
    *ret_len = 2;
    if (text.len >= 4 && text.ptr[1] == 'x' && hex_value(text.ptr[2]) >= 0 &&
        hex_value(text.ptr[3]) >= 0) {
        *ret_len = 4;
        return (char)(hex_value(text.ptr[2]) << 4 | hex_value(text.ptr[3]));
    }
    const char *letter = text.len >= 2 ? memchr(LETTERS, text.ptr[1], sizeof(LETTERS) - 1) : NULL;
    if (letter != NULL)
        return BYTES[letter - LETTERS];
    *ret_len = 1;
    return '\\';
}

/* The field itself where it has no escape, else a copy; a line's copies are never longer than it.
 */
static struct str unescaped(struct access_reader *reader, struct str field)
{
    if (str_find(field, '\\') == field.len)
        return field;
    char *out = reader->bytes + reader->used;
    size_t len = 0;
    assert(reader->used + field.len <= sizeof(reader->bytes));
    while (field.len > 0) {
        size_t step = 1;
        out[len++] = field.ptr[0] == '\\' ? unescape_one(field, &step) : field.ptr[0];
        field = str_from_at(field, step);
    }
    reader->used += len;
    return (struct str){out, len};
}

/* "field": the quotes and what is between them. `-` stands for nothing. */
static bool take_quoted(struct access_reader *reader, struct str *rest, struct str *ret_field)
{
    struct str body = str_from_at(*rest, 1);
    size_t end = 0;
    if (rest->len < 2 || rest->ptr[0] != '"')
        return false;
    for (;; end++) {
        end += str_find(str_from_at(body, end), '"');
        if (end >= body.len)
            return false;
        size_t slashes = 0;
        while (slashes < end && body.ptr[end - 1 - slashes] == '\\')
            slashes++;
        if (slashes % 2 == 0)
            break;
    }
    *ret_field = unescaped(reader, str_prefix(body, end));
    if (str_eq(*ret_field, STR_LIT("-")))
        *ret_field = STR_EMPTY;
    *rest = str_from_at(body, end + 1);
    return true;
}

struct str access_host(struct access_reader *reader, struct str text)
{
    size_t bracket = str_find(text, ']');
    if (bracket < text.len) {
        text = str_prefix(text, bracket);
        text = str_from_at(text, text.len > 0 && text.ptr[0] == '[');
    } else {
        text = str_prefix(text, str_find(text, ':'));
    }
    if (text.len > HOST_BYTES_MAX || reader->used + text.len > sizeof(reader->bytes))
        return STR_EMPTY;
    char *out = reader->bytes + reader->used;
    for (size_t i = 0; i < text.len; i++)
        out[i] =
            (char)(text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? text.ptr[i] | 0x20 : text.ptr[i]);
    reader->used += text.len;
    return (struct str){out, text.len};
}

/* --- Time ------------------------------------------------------------------------------------ */

int access_two_digits(const char *text)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
        return -1;
    return (text[0] - '0') * 10 + (text[1] - '0');
}

bool access_time(int64_t days, const struct access_clock *clock, int64_t *ret_ms)
{
    /* A leap second has the number 60. */
    if (clock->hour < 0 || clock->hour > 23 || clock->minute < 0 || clock->minute > 59 ||
        clock->second < 0 || clock->second > 60)
        return false;
    int64_t minutes = (days * 24 + clock->hour) * 60 + clock->minute - clock->zone_minutes;
    *ret_ms = minutes * MINUTE_MS + (int64_t)clock->second * 1000;
    return true;
}

/* "17/May/2015" as days since 1970. */
static bool read_date(struct access_reader *reader, struct str text, int64_t *ret_days)
{
    static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (str_eq(reader->last_date, text)) {
        *ret_days = reader->last_days;
        return true;
    }
    uint32_t month = 0;
    while (month < 12 && memcmp(MONTHS + 3 * (size_t)month, text.ptr + 3, 3) != 0)
        month++;
    int day = access_two_digits(text.ptr), century = access_two_digits(text.ptr + 7),
        year = access_two_digits(text.ptr + 9);
    if (month == 12 || day < 0 || century < 0 || year < 0 || text.ptr[2] != '/' ||
        text.ptr[6] != '/')
        return false;
    uint32_t date = (uint32_t)(century * 100 + year) * 10000 + (month + 1) * 100 + (uint32_t)day;
    if (!date_valid(date))
        return false;
    *ret_days = date_diff_days(date, UNIX_EPOCH);
    memcpy(reader->last_date_bytes, text.ptr, DATE_BYTES);
    reader->last_date = (struct str){reader->last_date_bytes, DATE_BYTES};
    reader->last_days = *ret_days;
    return true;
}

/* "17/May/2015:10:05:03 +0200". */
static bool read_time(struct access_reader *reader, struct str text, int64_t *ret_ms)
{
    int64_t days;
    if (text.len != TIME_BYTES || text.ptr[11] != ':' || text.ptr[14] != ':' ||
        text.ptr[17] != ':' || text.ptr[20] != ' ' ||
        (text.ptr[21] != '+' && text.ptr[21] != '-') ||
        !read_date(reader, str_prefix(text, DATE_BYTES), &days))
        return false;
    int hours = access_two_digits(text.ptr + 22), minutes = access_two_digits(text.ptr + 24);
    if (hours < 0 || minutes < 0 || minutes > 59)
        return false;
    int zone_minutes = hours * 60 + minutes;
    const struct access_clock clock = {
        .hour = access_two_digits(text.ptr + 12),
        .minute = access_two_digits(text.ptr + 15),
        .second = access_two_digits(text.ptr + 18),
        .zone_minutes = text.ptr[21] == '-' ? -zone_minutes : zone_minutes,
    };
    return access_time(days, &clock, ret_ms);
}

/* --- The combined format --------------------------------------------------------------------- */

/* "GET /a?b HTTP/1.1"; a target may hold spaces, the version is the last word. */
static void read_request(struct str request, struct access_line *line)
{
    size_t space = str_find(request, ' ');
    line->method = str_prefix(request, space);
    line->target = str_from_at(request, space + 1);
    const char *last =
        line->target.len == 0 ? NULL : memrchr(line->target.ptr, ' ', line->target.len);
    if (last != NULL &&
        str_starts_with(str_from_at(line->target, (size_t)(last - line->target.ptr) + 1),
                        STR_LIT("HTTP/")))
        line->target = str_prefix(line->target, (size_t)(last - line->target.ptr));
}

/* " 200 5316 ": the size may be "-". */
static bool take_status(struct str *rest, unsigned *ret_status)
{
    struct str status, bytes;
    if (!take_lit(rest, STR_LIT(" ")) || !take_until(rest, ' ', &status) ||
        !take_until(rest, ' ', &bytes) || status.len != 3)
        return false;
    int tens = access_two_digits(status.ptr), ones = access_two_digits(status.ptr + 1);
    if (tens < 10 || ones < 0)
        return false;
    *ret_status = (unsigned)(tens * 10 + ones % 10);
    for (size_t i = 0; i < bytes.len; i++)
        if ((bytes.ptr[i] < '0' || bytes.ptr[i] > '9') && !str_eq(bytes, STR_LIT("-")))
            return false;
    return true;
}

static bool read_combined(struct access_reader *reader, struct str rest, bool has_host,
                          struct access_line *line)
{
    struct str host, address, names, time, request;
    if ((has_host && !take_until(&rest, ' ', &host)) || !take_until(&rest, ' ', &address) ||
        !take_until(&rest, '[', &names) || !take_until(&rest, ']', &time) ||
        !take_lit(&rest, STR_LIT(" ")) || !take_quoted(reader, &rest, &request) ||
        !take_status(&rest, &line->status) || !take_quoted(reader, &rest, &line->referrer) ||
        !take_lit(&rest, STR_LIT(" ")) || !take_quoted(reader, &rest, &line->user_agent))
        return false;
    read_request(request, line);
    if (has_host)
        line->host = access_host(reader, host);
    return read_time(reader, time, &line->time_ms) && client_address_parse(address, &line->address);
}

/* --- Any line -------------------------------------------------------------------------------- */

/* An address comes first, or second after a host, or the line is an object. */
static enum access_format detect(struct str line)
{
    struct client_address address;
    struct str first, second;
    enum access_format format = ACCESS_AUTO;
    if (str_starts_with(line, STR_LIT("{")))
        return ACCESS_CADDY;
    if (!take_until(&line, ' ', &first) || !take_until(&line, ' ', &second))
        return ACCESS_AUTO;
    if (client_address_parse(first, &address))
        format = ACCESS_COMBINED;
    else if (client_address_parse(second, &address))
        format = ACCESS_VHOST;
    client_address_wipe(&address);
    return format;
}

bool access_read(struct access_reader *reader, struct str line, struct access_line *ret_line)
{
    enum access_format format = reader->format == ACCESS_AUTO ? detect(line) : reader->format;
    struct access_line read = {.host = STR_EMPTY,
                               .content_type = STR_EMPTY,
                               .language = STR_EMPTY,
                               .referrer = STR_EMPTY,
                               .user_agent = STR_EMPTY};
    reader->used = 0;
    if (line.len > IMPORT_LINE_BYTES_MAX || format == ACCESS_AUTO)
        return false;
    bool good = format == ACCESS_CADDY ? access_read_caddy(reader, line, &read)
                                       : read_combined(reader, line, format == ACCESS_VHOST, &read);
    if (good) {
        reader->format = format;
        *ret_line = read;
    }
    client_address_wipe(&read.address);
    return good;
}

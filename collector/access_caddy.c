/* Caddy's access log: one JSON object a line, of which the request, its headers, and the answer's
 * status and type are read.
 *
 *   {"ts":1646861401.52,"request":{"client_ip":"192.0.2.7","method":"GET","host":"example.com",
 *    "uri":"/a?b","headers":{"User-Agent":["…"],"Sec-Gpc":["1"]}},"status":200,
 *    "resp_headers":{"Content-Type":["text/html"]}}
 *
 * It is the one format that tells who has refused: such a line is known by its headers alone, like
 * a beacon. jansson reads it; that a line takes several times as long as a plain one is its price.
 */

#include "collector/access_reader.h"

#include <jansson.h>
#include <math.h>

#include "collector/consent.h"
#include "common/timezone.h"

enum { UNIX_EPOCH = 19700101, TIME_BYTES_MIN = 19 };
/* The year 9999, in seconds. */
static const double SECONDS_MAX = 253402300799.0;

static struct str text_of(const json_t *value)
{
    return json_is_string(value) ? (struct str){json_string_value(value), json_string_length(value)}
                                 : STR_EMPTY;
}

static struct str text_at(const json_t *object, const char *name)
{
    return text_of(json_object_get(object, name));
}

/* --- Headers --------------------------------------------------------------------------------- */

/* The lists of strings by name, in any case. NULL when there is none. */
static const json_t *find_header(const json_t *headers, const char *name)
{
    const json_t *value = json_object_get(headers, name);
    const char *key;
    json_t *each;
    if (value != NULL)
        return value;
    json_object_foreach((json_t *)(uintptr_t)headers, key, each)
    {
        if (strcasecmp(key, name) == 0)
            return each;
    }
    return NULL;
}

static struct str header(const json_t *headers, const char *name)
{
    return text_of(json_array_get(find_header(headers, name), 0));
}

/* Caddy writes a word in place of a cookie unless it was told to log credentials. */
static size_t header_list(const json_t *headers, const char *name,
                          struct str values[CONSENT_HEADERS_MAX])
{
    const json_t *list = find_header(headers, name);
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct str value = text_of(json_array_get(list, i));
        if (str_eq(value, STR_LIT("REDACTED")))
            continue;
        if (count == CONSENT_HEADERS_MAX)
            return count + 1;
        values[count++] = value;
    }
    return count;
}

static bool has_refused(const struct access_rules *rules, const json_t *headers)
{
    struct consent_headers consent;
    consent.cookie_count = header_list(headers, "Cookie", consent.cookies);
    consent.gpc_count = header_list(headers, "Sec-Gpc", consent.gpc);
    consent.dnt_count = header_list(headers, "Dnt", consent.dnt);
    consent.honour_gpc = rules->honour_gpc;
    consent.honour_dnt = rules->honour_dnt;
    return consent_check(&consent) != CONSENT_COUNT;
}

/* --- Time ------------------------------------------------------------------------------------ */

/* "Z", "+01:00", "+0100", or nothing, which is UTC. */
static bool read_zone(struct str text, int *ret_minutes)
{
    *ret_minutes = 0;
    if (text.len == 0 || str_eq(text, STR_LIT("Z")))
        return true;
    size_t minutes_at = text.len == 6 && text.ptr[3] == ':' ? 4 : 3;
    if (text.len != minutes_at + 2 || (text.ptr[0] != '+' && text.ptr[0] != '-'))
        return false;
    int hours = access_two_digits(text.ptr + 1), minutes = access_two_digits(text.ptr + minutes_at);
    if (hours < 0 || minutes < 0 || minutes > 59)
        return false;
    *ret_minutes = (hours * 60 + minutes) * (text.ptr[0] == '-' ? -1 : 1);
    return true;
}

/* "2022-03-09T21:30:01.524Z", also with slashes and a space. */
static bool read_time_text(struct str text, int64_t *ret_ms)
{
    if (text.len < TIME_BYTES_MIN || text.ptr[13] != ':' || text.ptr[16] != ':' ||
        (text.ptr[10] != 'T' && text.ptr[10] != ' ') || text.ptr[4] != text.ptr[7] ||
        (text.ptr[4] != '-' && text.ptr[4] != '/'))
        return false;
    int century = access_two_digits(text.ptr), year = access_two_digits(text.ptr + 2),
        month = access_two_digits(text.ptr + 5), day = access_two_digits(text.ptr + 8);
    struct access_clock clock = {.hour = access_two_digits(text.ptr + 11),
                                 .minute = access_two_digits(text.ptr + 14),
                                 .second = access_two_digits(text.ptr + 17)};
    struct str rest = str_from_at(text, TIME_BYTES_MIN);
    if (rest.len > 0 && rest.ptr[0] == '.') {
        rest = str_from_at(rest, 1);
        while (rest.len > 0 && rest.ptr[0] >= '0' && rest.ptr[0] <= '9')
            rest = str_from_at(rest, 1);
    }
    if (century < 0 || year < 0 || month < 0 || day < 0 || !read_zone(rest, &clock.zone_minutes))
        return false;
    uint32_t date = (uint32_t)(century * 100 + year) * 10000 + (uint32_t)(month * 100 + day);
    return date_valid(date) && access_time(date_diff_days(date, UNIX_EPOCH), &clock, ret_ms);
}

/* Seconds since 1970 with a fraction, unless it was configured to be text. */
static bool read_time(const json_t *ts, int64_t *ret_ms)
{
    if (!json_is_number(ts))
        return read_time_text(text_of(ts), ret_ms);
    double seconds = json_number_value(ts);
    if (!(seconds >= 0 && seconds <= SECONDS_MAX))
        return false;
    *ret_ms = (int64_t)floor(seconds * 1000);
    return true;
}

/* --- The line -------------------------------------------------------------------------------- */

/* Behind proxies that Caddy trusts the client is another than the peer; older ones had the peer's
 * port with it. */
static bool read_address(const json_t *request, struct client_address *ret_address)
{
    struct str text = text_at(request, "client_ip");
    if (text.len == 0)
        text = text_at(request, "remote_ip");
    if (text.len == 0) {
        text = text_at(request, "remote_addr");
        const char *colon = text.len == 0 ? NULL : memrchr(text.ptr, ':', text.len);
        if (colon != NULL)
            text = str_prefix(text, (size_t)(colon - text.ptr));
        if (text.len > 1 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
            text = (struct str){text.ptr + 1, text.len - 2};
    }
    text = str_prefix(text, str_find(text, '%'));
    return client_address_parse(text, ret_address);
}

bool access_read_caddy(struct access_reader *reader, struct str text, struct access_line *line)
{
    json_decref(reader->json);
    reader->json = json_loadb(text.ptr, text.len, 0, NULL);
    const json_t *request = json_object_get(reader->json, "request");
    const json_t *headers = json_object_get(request, "headers");
    json_int_t status = json_integer_value(json_object_get(reader->json, "status"));
    if (!json_is_object(request) || status < 100 || status > 999 ||
        !read_time(json_object_get(reader->json, "ts"), &line->time_ms) ||
        !read_address(request, &line->address))
        return false;
    line->status = (unsigned)status;
    line->method = text_at(request, "method");
    line->target = text_at(request, "uri");
    line->host = access_host(reader, text_at(request, "host"));
    line->referrer = header(headers, "Referer");
    line->user_agent = header(headers, "User-Agent");
    line->language = header(headers, "Accept-Language");
    line->ahead = (struct bot_headers){.sec_purpose = header(headers, "Sec-Purpose"),
                                       .purpose = header(headers, "Purpose"),
                                       .x_moz = header(headers, "X-Moz"),
                                       .x_purpose = header(headers, "X-Purpose")};
    line->content_type = header(json_object_get(reader->json, "resp_headers"), "Content-Type");
    line->refused = has_refused(&reader->rules, headers);
    return true;
}

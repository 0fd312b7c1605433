/* Whether a visitor has refused to be counted.
 *
 * The collector asks this first, of headers alone, before it reads the body or the address; nobody
 * else decides it. Doubt is a refusal: what cannot be read might have been one. Sec-GPC follows its
 * specification to the letter: exactly "1" in any of its headers; "true" or "1, 1" say nothing.
 * Not a cookie library: it looks for one name and keeps nothing. Pure; any thread. */

#include "collector/consent.h"

#include <stdint.h>

#include "common/limits.h"

/* A tab is white space in a header; no other control byte may stand in one. */
static bool has_control_byte(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static struct str without_quotes(struct str value)
{
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
        return str_trim((struct str){value.ptr + 1, value.len - 2});
    return value;
}

/* One "name=value"; the bare name is a refusal too, having some value that is not "0". */
static bool pair_refuses(struct str pair)
{
    size_t equals = str_find(pair, '=');
    if (!str_eq(str_trim(str_prefix(pair, equals)), STR_LIT(CONSENT_COOKIE_NAME)))
        return false;
    struct str value = without_quotes(str_trim(str_from_at(pair, equals + 1)));
    return !str_eq(value, STR_LIT("0"));
}

static bool cookie_header_refuses(struct str header)
{
    while (header.len > 0) {
        size_t end = str_find(header, ';');
        if (pair_refuses(str_prefix(header, end)))
            return true;
        header = str_from_at(header, end + 1);
    }
    return false;
}

static enum consent cookies_check(const struct consent_headers *headers)
{
    if (headers->cookie_count > CONSENT_HEADERS_MAX)
        return CONSENT_UNREADABLE;
    size_t bytes = 0;
    for (size_t i = 0; i < headers->cookie_count; i++) {
        bytes += headers->cookies[i].len;
        if (bytes > COOKIE_BYTES_MAX || has_control_byte(headers->cookies[i]))
            return CONSENT_UNREADABLE;
    }
    for (size_t i = 0; i < headers->cookie_count; i++)
        if (cookie_header_refuses(headers->cookies[i]))
            return CONSENT_COOKIE;
    return CONSENT_COUNT;
}

static bool any_is_one(const struct str *values, size_t count)
{
    /* No browser sends more of them than there is room for; whoever does is not counted. */
    if (count > CONSENT_HEADERS_MAX)
        return true;
    for (size_t i = 0; i < count; i++)
        if (str_eq(str_trim(values[i]), STR_LIT("1")))
            return true;
    return false;
}

enum consent consent_check(const struct consent_headers *headers)
{
    enum consent by_cookie = cookies_check(headers);
    if (by_cookie == CONSENT_COOKIE)
        return CONSENT_COOKIE;
    if (headers->honour_gpc && any_is_one(headers->gpc, headers->gpc_count))
        return CONSENT_GPC;
    if (headers->honour_dnt && any_is_one(headers->dnt, headers->dnt_count))
        return CONSENT_DNT;
    return by_cookie;
}

const char *consent_name(enum consent consent)
{
    switch (consent) {
    case CONSENT_COUNT:
        return NULL;
    case CONSENT_COOKIE:
        return "cookie";
    case CONSENT_GPC:
        return "gpc";
    case CONSENT_DNT:
        return "dnt";
    case CONSENT_UNREADABLE:
        return "unreadable";
    }
    return "unreadable";
}

/* Takes an absolute http(s) URL apart, as far as counting needs it: host, path, query.
 *
 * Not a resolver: a browser has made the URL absolute. Hosts are taken as they stand (punycode from
 * browsers, UTF-8 from others); a percent-encoded host is refused, since no browser sends one.
 * Called by the beacon's parser for the page and for its referrer. Pure; any thread. */

#include "collector/url.h"

/* Index of the first byte that is one of `set`, or s.len. */
static size_t find_any(struct str s, const char *set)
{
    size_t set_len = strlen(set);
    for (size_t i = 0; i < s.len; i++)
        if (memchr(set, s.ptr[i], set_len) != NULL)
            return i;
    return s.len;
}

static bool is_port(struct str port)
{
    for (size_t i = 0; i < port.len; i++)
        if (port.ptr[i] < '0' || port.ptr[i] > '9')
            return false;
    return port.len <= 5;
}

/* Labels of letters, digits, '-', '_' and bytes of UTF-8, none of them empty. */
static bool is_name(struct str host)
{
    char last = '.';
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        bool is_alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (c == '.' ? last == '.' : !is_alnum && c != '-' && c != '_' && (c & 0x80) == 0)
            return false;
        last = c;
    }
    return last != '.';
}

/* "[", hexadecimal digits, colons (two at least) and dots, "]". */
static bool is_ipv6_literal(struct str host)
{
    size_t colons = 0;
    for (size_t i = 1; i + 1 < host.len; i++) {
        char c = host.ptr[i];
        colons += c == ':';
        if (memchr("0123456789abcdefABCDEF:.", c, 24) == NULL)
            return false;
    }
    return colons >= 2;
}

/* [user@]host[:port]. A backslash is a slash to browsers and not to others: refused. */
static bool split_authority(struct str authority, struct str *ret_host)
{
    if (str_find(authority, '\\') < authority.len)
        return false;
    const char *at = authority.len == 0 ? NULL : memrchr(authority.ptr, '@', authority.len);
    if (at != NULL)
        authority = str_from_at(authority, (size_t)(at - authority.ptr) + 1);
    bool is_literal = authority.len > 0 && authority.ptr[0] == '[';
    size_t host_len = is_literal ? str_find(authority, ']') + 1 : str_find(authority, ':');
    if (host_len > authority.len)
        return false;
    struct str host = str_prefix(authority, host_len), port = str_from_at(authority, host_len);
    if (port.len > 0 && (port.ptr[0] != ':' || !is_port(str_from_at(port, 1))))
        return false;
    if (!is_literal && host.len > 1 && host.ptr[host.len - 1] == '.')
        host.len--;
    if (host.len > HOST_BYTES_MAX || !(is_literal ? is_ipv6_literal(host) : is_name(host)))
        return false;
    *ret_host = host;
    return true;
}

bool url_split(struct str text, struct url *ret_url)
{
    struct str rest;
    if (str_eq_ci(str_prefix(text, 8), STR_LIT("https://")))
        rest = str_from_at(text, 8);
    else if (str_eq_ci(str_prefix(text, 7), STR_LIT("http://")))
        rest = str_from_at(text, 7);
    else
        return false;

    struct url url;
    size_t authority_len = find_any(rest, "/?#");
    if (!split_authority(str_prefix(rest, authority_len), &url.host))
        return false;
    rest = str_from_at(rest, authority_len);
    rest = str_prefix(rest, str_find(rest, '#'));
    url.path = str_prefix(rest, str_find(rest, '?'));
    url.query = str_from_at(rest, url.path.len + 1);
    *ret_url = url;
    return true;
}

/* The grammar of configuration values: numbers, listeners, address ranges, URLs. What a value means
 * for a key is config.c's. */

#include "common/config_value.h"

#include <arpa/inet.h>

#include "common/limits.h"

bool value_uint(struct str text, unsigned max, unsigned *ret_value)
{
    uint64_t value;
    if (!str_to_uint(text, max, &value))
        return false;
    *ret_value = (unsigned)value;
    return true;
}

/* Copies a literal address and tells its family; false when it is none. */
static bool literal_parse(struct str text, char literal[static INET6_ADDRSTRLEN], bool *ret_is_v6)
{
    unsigned char bytes[16];
    if (text.len >= INET6_ADDRSTRLEN || memchr(text.ptr, '\0', text.len) != NULL)
        return false;
    memcpy(literal, text.ptr, text.len);
    literal[text.len] = '\0';
    bool is_v4 = inet_pton(AF_INET, literal, bytes) == 1;
    *ret_is_v6 = !is_v4;
    return is_v4 || inet_pton(AF_INET6, literal, bytes) == 1;
}

bool value_listen(struct str text, struct listen_address *ret_address)
{
    struct listen_address address = {.port = 0};
    size_t colon = text.len;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == ':')
            colon = i;
    struct str host = str_prefix(text, colon);
    unsigned port;
    if (colon == text.len || !value_uint(str_from_at(text, colon + 1), UINT16_MAX, &port))
        return false;
    bool bracketed = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (bracketed)
        host = (struct str){host.ptr + 1, host.len - 2};
    if (!literal_parse(host, address.host, &address.is_v6) || address.is_v6 != bracketed)
        return false;
    address.port = (uint16_t)port;
    *ret_address = address;
    return true;
}

/* A mapped IPv4 address in IPv6's spelling. */
static bool is_mapped(const char *literal)
{
    struct in6_addr address;
    return inet_pton(AF_INET6, literal, &address) == 1 && IN6_IS_ADDR_V4MAPPED(&address);
}

bool value_range_valid(struct str text)
{
    enum { DIGITS_MAX = 3, MAPPED_BITS = 96 };
    char literal[INET6_ADDRSTRLEN];
    bool is_v6;
    size_t slash = str_find(text, '/');
    struct str prefix = str_from_at(text, slash + 1);
    if (!literal_parse(str_prefix(text, slash), literal, &is_v6))
        return false;
    if (slash == text.len)
        return true;
    /* A range that is wider than the mapping is of neither family. */
    unsigned bits;
    return prefix.len <= DIGITS_MAX && value_uint(prefix, is_v6 ? 128 : 32, &bits) &&
           (!is_mapped(literal) || bits >= MAPPED_BITS);
}

bool value_url_valid(struct str text)
{
    struct str host = STR_EMPTY;
    if (str_starts_with(text, STR_LIT("https://")))
        host = str_from_at(text, sizeof("https://") - 1);
    else if (str_starts_with(text, STR_LIT("http://")))
        host = str_from_at(text, sizeof("http://") - 1);
    if (host.len == 0 || host.len > HOST_BYTES_MAX)
        return false;
    for (size_t i = 0; i < host.len; i++)
        if ((unsigned char)host.ptr[i] < 0x21 || strchr("/?#@\"'<>&\\", host.ptr[i]) != NULL)
            return false;
    return true;
}

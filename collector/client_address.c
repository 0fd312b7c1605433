/* Who a request comes from, when proxies stand between. A header is believed only as far as a
 * trusted proxy wrote it, so hops are walked from the right, where the nearest proxy appended:
 *
 *     X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.0.0.2      peer 10.0.0.1, trusted 10.0.0.0/8
 *                      the client's    ^ answer  ^ trusted
 *                      own invention
 *
 * Called by each worker for its own requests; keeps nothing. Copies of an address are wiped. */

#include "collector/client_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum {
    IPV4_BYTES = 4,
    IPV6_BYTES = 16,
    /* The longest text of an address has 45 bytes; brackets, a port and a zone id go with it. */
    ELEMENT_BYTES_MAX = 80,
};

static const uint8_t MAPPED_PREFIX[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void set_ipv4(struct client_address *address, const uint8_t bytes[IPV4_BYTES])
{
    *address = (struct client_address){.family = 4};
    memcpy(address->bytes, bytes, IPV4_BYTES);
}

static void set_ipv6(struct client_address *address, const uint8_t bytes[IPV6_BYTES])
{
    if (memcmp(bytes, MAPPED_PREFIX, sizeof(MAPPED_PREFIX)) == 0) {
        set_ipv4(address, bytes + sizeof(MAPPED_PREFIX));
        return;
    }
    *address = (struct client_address){.family = 6};
    memcpy(address->bytes, bytes, IPV6_BYTES);
}

bool client_address_parse(struct str text, struct client_address *ret_address)
{
    char buf[INET6_ADDRSTRLEN];
    if (text.len >= sizeof(buf) || memchr(text.ptr, '\0', text.len) != NULL)
        return false;
    memcpy(buf, text.ptr, text.len);
    buf[text.len] = '\0';
    uint8_t bytes[IPV6_BYTES];
    bool known = true;
    if (inet_pton(AF_INET, buf, bytes) == 1)
        set_ipv4(ret_address, bytes);
    else if (inet_pton(AF_INET6, buf, bytes) == 1)
        set_ipv6(ret_address, bytes);
    else
        known = false;
    explicit_bzero(buf, sizeof(buf));
    explicit_bzero(bytes, sizeof(bytes));
    return known;
}

/* Decimal digits only, at most `max`. */
static bool parse_number(struct str text, unsigned max, unsigned *ret_number)
{
    uint64_t number;
    if (text.len > 5 || !str_to_uint(text, max, &number))
        return false;
    *ret_number = (unsigned)number;
    return true;
}

/* --- Ranges ----------------------------------------------------------------------------------- */

/* Zeroes what comes after the first `bits` bits. */
static void mask_bytes(uint8_t *bytes, size_t len, unsigned bits)
{
    for (size_t i = 0; i < len; i++) {
        unsigned kept = bits >= 8 * (i + 1) ? 8 : bits <= 8 * i ? 0 : bits - 8 * (unsigned)i;
        bytes[i] &= (uint8_t)(0xff00 >> kept);
    }
}

bool address_range_parse(struct str text, struct address_range *ret_range)
{
    size_t slash = str_find(text, '/');
    struct str base = str_prefix(text, slash);
    struct client_address address;
    if (!client_address_parse(base, &address))
        return false;
    /* "::ffff:10.0.0.0/104" is 10.0.0.0/8 in the other family's spelling. */
    bool mapped = address.family == 4 && str_find(base, ':') < base.len;
    unsigned family_bits = address.family == 4 ? 32 : 128;
    unsigned bits_before = mapped ? 96 : 0;
    unsigned bits = bits_before + family_bits;
    if (slash < text.len &&
        !parse_number(str_from_at(text, slash + 1), bits_before + family_bits, &bits))
        return false;
    if (bits < bits_before)
        return false;
    *ret_range = (struct address_range){.family = address.family,
                                        .prefix_bits = (uint8_t)(bits - bits_before)};
    memcpy(ret_range->bytes, address.bytes, sizeof(ret_range->bytes));
    mask_bytes(ret_range->bytes, sizeof(ret_range->bytes), ret_range->prefix_bits);
    return true;
}

bool address_range_holds(const struct address_range *range, const struct client_address *address)
{
    if (address->family == 0 || address->family != range->family)
        return false;
    size_t whole = range->prefix_bits / 8;
    unsigned rest = range->prefix_bits % 8;
    if (memcmp(range->bytes, address->bytes, whole) != 0)
        return false;
    return rest == 0 || ((range->bytes[whole] ^ address->bytes[whole]) >> (8 - rest)) == 0;
}

bool trusted_proxies_add(struct trusted_proxies *proxies, struct str text)
{
    if (proxies->count == TRUSTED_PROXIES_MAX)
        return false;
    if (!address_range_parse(text, &proxies->ranges[proxies->count]))
        return false;
    proxies->count++;
    return true;
}

bool trusted_proxies_hold(const struct trusted_proxies *proxies,
                          const struct client_address *address)
{
    for (size_t i = 0; i < proxies->count; i++) {
        if (address_range_holds(&proxies->ranges[i], address))
            return true;
    }
    return false;
}

/* --- The client --------------------------------------------------------------------------------
 */

void client_address_from_peer(const struct sockaddr_storage *peer,
                              struct client_address *ret_address)
{
    *ret_address = (struct client_address){.family = 0};
    if (peer->ss_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, peer, sizeof(ipv4));
        uint8_t bytes[IPV4_BYTES];
        memcpy(bytes, &ipv4.sin_addr, sizeof(bytes));
        set_ipv4(ret_address, bytes);
    } else if (peer->ss_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, peer, sizeof(ipv6));
        set_ipv6(ret_address, ipv6.sin6_addr.s6_addr);
    }
}

/* Takes a zone id ("%eth0") off; false for an empty one. */
static bool cut_zone(struct str *text)
{
    size_t percent = str_find(*text, '%');
    if (percent + 1 == text->len)
        return false;
    *text = str_prefix(*text, percent);
    return true;
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1%eth0", "[2001:db8::1]", "[2001:db8::1]:80". */
static bool parse_element(struct str element, struct client_address *ret_address)
{
    if (element.len > ELEMENT_BYTES_MAX)
        return false;
    struct str address = element, port = STR_EMPTY;
    bool bracketed = element.ptr[0] == '[';
    if (bracketed) {
        size_t close = str_find(element, ']');
        address = str_from_at(str_prefix(element, close), 1);
        port = str_from_at(element, close + 1);
        /* Brackets are for IPv6 alone. */
        if (close == element.len || str_find(address, ':') == address.len)
            return false;
    } else {
        /* A second colon makes all of it an IPv6 address. */
        size_t colon = str_find(element, ':');
        if (colon < element.len && memrchr(element.ptr, ':', element.len) == element.ptr + colon) {
            address = str_prefix(element, colon);
            port = str_from_at(element, colon);
        }
    }
    unsigned number;
    if (port.len > 0 && !(port.ptr[0] == ':' && parse_number(str_from_at(port, 1), 65535, &number)))
        return false;
    if (str_find(address, ':') < address.len && !cut_zone(&address))
        return false;
    return client_address_parse(address, ret_address);
}

/* Takes the last element off a list. */
static struct str pop_element(struct str *list)
{
    const char *comma = list->len == 0 ? NULL : memrchr(list->ptr, ',', list->len);
    size_t before = comma == NULL ? 0 : (size_t)(comma - list->ptr);
    struct str element = comma == NULL ? *list : str_from_at(*list, before + 1);
    *list = str_prefix(*list, before);
    return str_trim(element);
}

/* What is known on the walk to the left. */
struct walk {
    const struct trusted_proxies *proxies;
    struct client_address nearest; /* the leftmost hop so far */
    unsigned hops;
};

/* Walks one header; true when the walk is over and `nearest` is the answer. */
static bool walk_header(struct walk *walk, struct str header)
{
    while (header.len > 0) {
        struct str element = pop_element(&header);
        if (++walk->hops > FORWARDED_HOPS_MAX) {
            client_address_wipe(&walk->nearest);
            return true;
        }
        if (element.len == 0)
            continue;
        if (!parse_element(element, &walk->nearest)) {
            client_address_wipe(&walk->nearest);
            return true;
        }
        if (!trusted_proxies_hold(walk->proxies, &walk->nearest))
            return true;
    }
    return false;
}

void client_address_resolve(const struct client_address *peer,
                            const struct trusted_proxies *proxies, const struct str *forwarded,
                            size_t forwarded_count, struct client_address *ret_address)
{
    struct walk walk = {.proxies = proxies, .nearest = *peer};
    bool over = !trusted_proxies_hold(proxies, peer);
    for (size_t i = forwarded_count; i > 0 && !over; i--)
        over = walk_header(&walk, forwarded[i - 1]);
    *ret_address = walk.nearest;
    client_address_wipe(&walk.nearest);
}

/* IANA's special-purpose addresses: prefix and number of its bits. */
struct special_range {
    uint32_t prefix;
    unsigned bits;
};

static const struct special_range SPECIAL_IPV4[] = {
    {0x00000000, 8},  /* 0.0.0.0/8 this network */
    {0x0a000000, 8},  /* 10.0.0.0/8 private */
    {0x64400000, 10}, /* 100.64.0.0/10 shared by carriers */
    {0x7f000000, 8},  /* 127.0.0.0/8 loopback */
    {0xa9fe0000, 16}, /* 169.254.0.0/16 link-local */
    {0xac100000, 12}, /* 172.16.0.0/12 private */
    {0xc0000000, 24}, /* 192.0.0.0/24 protocol assignments */
    {0xc0000200, 24}, /* 192.0.2.0/24 documentation */
    {0xc0586300, 24}, /* 192.88.99.0/24 6to4 relays */
    {0xc0a80000, 16}, /* 192.168.0.0/16 private */
    {0xc6120000, 15}, /* 198.18.0.0/15 benchmarks */
    {0xc6336400, 24}, /* 198.51.100.0/24 documentation */
    {0xcb007100, 24}, /* 203.0.113.0/24 documentation */
    {0xe0000000, 3},  /* 224.0.0.0/3 multicast and reserved */
};

/* Of the only range that is routed, 2000::/3. */
static const struct special_range SPECIAL_IPV6[] = {
    {0x20010000, 23}, /* 2001::/23 protocol assignments, Teredo */
    {0x20010db8, 32}, /* 2001:db8::/32 documentation */
    {0x3fff0000, 20}, /* 3fff::/20 documentation */
};

static bool is_special(uint32_t first_bits, const struct special_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if ((first_bits ^ ranges[i].prefix) >> (32 - ranges[i].bits) == 0)
            return true;
    }
    return false;
}

bool client_address_is_public(const struct client_address *address)
{
    const uint8_t *bytes = address->bytes;
    uint32_t first_bits =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    if (address->family == 4)
        return !is_special(first_bits, SPECIAL_IPV4, ARRAY_LEN(SPECIAL_IPV4));
    return address->family == 6 && bytes[0] >> 5 == 1 &&
           !is_special(first_bits, SPECIAL_IPV6, ARRAY_LEN(SPECIAL_IPV6));
}

void client_address_truncate(struct client_address *address, unsigned ipv4_bits, unsigned ipv6_bits)
{
    mask_bytes(address->bytes, sizeof(address->bytes),
               address->family == 4 ? ipv4_bits : ipv6_bits);
}

void client_address_wipe(struct client_address *address)
{
    explicit_bzero(address, sizeof(*address));
}

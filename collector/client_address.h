#pragma once

/* A visitor's address: lives in one request's memory, has no formatter, and is wiped when the
 * request ends. Only collector/ includes this. Pure. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/limits.h"
#include "common/macros.h"
#include "common/str.h"

struct client_address {
    uint8_t family; /* 0 unknown, 4, 6; mapped IPv4 is 4 */
    uint8_t bytes[16];
};

struct address_range {
    uint8_t family; /* 4 or 6; a range of mapped IPv4 is 4 */
    uint8_t bytes[16];
    uint8_t prefix_bits;
};

/* "10.0.0.0/8", "::1", "192.0.2.7"; bits after the prefix are ignored. False for anything else. */
MUST_CHECK bool address_range_parse(struct str text, struct address_range *ret_range);
/* An unknown address is in no range. */
bool address_range_holds(const struct address_range *range, const struct client_address *address);

enum { TRUSTED_PROXIES_MAX = 64 };

struct trusted_proxies {
    struct address_range ranges[TRUSTED_PROXIES_MAX];
    size_t count;
};
/* False for a malformed range, or when there is no room. */
MUST_CHECK bool trusted_proxies_add(struct trusted_proxies *proxies, struct str text);
bool trusted_proxies_hold(const struct trusted_proxies *proxies,
                          const struct client_address *address);

/* Unknown for anything but IPv4 and IPv6: a Unix socket's peer has no address. */
void client_address_from_peer(const struct sockaddr_storage *peer,
                              struct client_address *ret_address);
/* An address alone, without port, brackets or zone. */
MUST_CHECK bool client_address_parse(struct str text, struct client_address *ret_address);
/* The rightmost untrusted hop. `forwarded`: all X-Forwarded-For headers in order. When the peer is
 * not trusted they are ignored. A malformed element, or more than FORWARDED_HOPS_MAX: unknown. When
 * every hop is trusted: the leftmost; without hops: the peer. Ports, brackets and zone ids are
 * taken off; empty elements are passed over, and count as hops. */
void client_address_resolve(const struct client_address *peer,
                            const struct trusted_proxies *proxies, const struct str *forwarded,
                            size_t forwarded_count, struct client_address *ret_address);
/* False for what no visitor on the internet can have: unknown, private, shared, loopback,
 * link-local, documentation, benchmark, multicast and reserved addresses (IANA's special-purpose
 * registries). */
bool client_address_is_public(const struct client_address *address);
/* Zeroes the bits after the prefix. */
void client_address_truncate(struct client_address *address, unsigned ipv4_bits,
                             unsigned ipv6_bits);
/* explicit_bzero. */
void client_address_wipe(struct client_address *address);

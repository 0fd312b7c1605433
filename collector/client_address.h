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
    uint8_t family;
    uint8_t bytes[16];
    uint8_t prefix_bits;
};

/* "10.0.0.0/8", "::1", "192.0.2.7". False for anything else. */
MUST_CHECK bool address_range_parse(struct str text, struct address_range *ret_range);
bool address_range_holds(const struct address_range *range, const struct client_address *address);

struct trusted_proxies {
    struct address_range ranges[64];
    size_t count;
};
bool trusted_proxies_hold(const struct trusted_proxies *proxies,
                          const struct client_address *address);

void client_address_from_peer(const struct sockaddr_storage *peer,
                              struct client_address *ret_address);
/* The rightmost untrusted hop. `forwarded`: all X-Forwarded-For headers in order. When the peer is
 * not trusted they are ignored. A malformed element, or more than FORWARDED_HOPS_MAX: unknown. When
 * every hop is trusted: the leftmost. */
void client_address_resolve(const struct client_address *peer,
                            const struct trusted_proxies *proxies, const struct str *forwarded,
                            size_t forwarded_count, struct client_address *ret_address);
/* Zeroes the bits after the prefix. */
void client_address_truncate(struct client_address *address, unsigned ipv4_bits,
                             unsigned ipv6_bits);
/* explicit_bzero. */
void client_address_wipe(struct client_address *address);

#pragma once

/* The values that a configuration may hold, read from their text. Pure. */

#include <netinet/in.h>
#include <stdint.h>

#include "common/macros.h"
#include "common/str.h"

/* Decimal digits, no sign, at most `max`. */
MUST_CHECK bool value_uint(struct str text, unsigned max, unsigned *ret_value);

struct listen_address {
    char host[INET6_ADDRSTRLEN]; /* literal, no brackets */
    bool is_v6;
    uint16_t port; /* 0: any */
};
/* "127.0.0.1:8080" or "[::1]:8080"; no names. */
MUST_CHECK bool value_listen(struct str text, struct listen_address *ret_address);

/* "10.0.0.0/8", "::1". */
bool value_range_valid(struct str text);
/* "https://stats.example.com": a scheme and a host, nothing after it, safe in HTML. */
bool value_url_valid(struct str text);

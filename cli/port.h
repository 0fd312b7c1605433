#pragma once

/* Listeners seen from outside: is an address free, does somebody answer there. */

#include "common/config_value.h"
#include "common/macros.h"

/* True when a listener could be opened there now; a port 0 becomes a free one. Else a sentence with
 * what to do, naming the `option` that changes it. */
MUST_CHECK bool port_is_free(struct listen_address *address, const char *option, char *error,
                             size_t error_bytes);
/* True for ADDRESS:PORT with a port that only root, or the right capability, can listen on. */
bool port_is_low(const char *listen);
/* True when a connection is accepted. */
bool port_answers(const struct listen_address *address);

enum { PORT_TEXT_BYTES = INET6_ADDRSTRLEN + 16 };
/* "127.0.0.1:8080" or "[::1]:8080". */
void port_format(const struct listen_address *address, char text[static PORT_TEXT_BYTES]);
/* What a browser on this machine uses: the same, with loopback for "any address". */
void port_format_reachable(const struct listen_address *address, char text[static PORT_TEXT_BYTES]);

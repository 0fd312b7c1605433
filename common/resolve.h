#pragma once

/* A host name's address without waiting for it: the system's resolver blocks, so it is asked on a
 * thread of its own. One caller's thread. */

#include <stdbool.h>

struct resolve;

/* True for an address in digits, which needs no question. */
bool resolve_is_address(const char *host);
/* NULL when no thread can be had. */
struct resolve *resolve_start(const char *host);
bool resolve_is_done(const struct resolve *resolve);
/* Once done: the address in digits, or NULL when there is none at present. Lives as long as the
 * question. */
const char *resolve_address(const struct resolve *resolve);
/* Waits when it is not done: seconds at the worst. NULL is allowed. */
void resolve_free(struct resolve *resolve);

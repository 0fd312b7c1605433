#pragma once

/* A host name's address without waiting for it: the system's resolver blocks, so it is asked on a
 * thread of its own. All calls on the loop's thread. */

#include "common/loop.h"

struct resolve;

/* `address` as digits, or NULL when there is none at present. The question is gone then. */
typedef void (*resolve_fn)(const char *address, void *data);

/* True for an address in digits, which needs no question. */
bool resolve_is_address(const char *host);
/* fn is called once, in a later turn; NULL when no thread can be had. */
struct resolve *resolve_start(struct loop *loop, const char *host, resolve_fn fn, void *data);
/* fn is not called any more. Waits for the resolver, seconds at the worst: for the end of a
 * process. */
void resolve_cancel(struct resolve *resolve);

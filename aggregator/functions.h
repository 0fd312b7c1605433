#pragma once

/* The Redis function library `footfall` (functions.lua), embedded in the executable. */

#include "common/macros.h"
#include "common/redis.h"

/* Loads the library unless the server has just this one. False, with a sentence in `error`, when
 * the server refuses or is gone. */
MUST_CHECK bool functions_load(struct redis *redis, char *error, size_t error_bytes);

/* What the server has of it. */
enum functions_state {
    FUNCTIONS_OURS,
    FUNCTIONS_OTHER, /* the library, with other code */
    FUNCTIONS_ABSENT,
    FUNCTIONS_UNKNOWN, /* it does not say */
};
enum functions_state functions_look(struct redis *redis);

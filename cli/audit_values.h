#pragma once

/* A key's value, whatever its type, for the canary search. Waits for Redis. */

#include "cli/audit_search.h"
#include "common/redis.h"

/* False when Redis went away. A key that has gone meanwhile has nothing. */
MUST_CHECK bool audit_values(struct audit_search *search, struct redis *redis, struct str key);

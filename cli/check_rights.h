#pragma once

/* The part of `footfall check` that looks at what each role's Redis user may do. */

#include "cli/findings.h"
#include "common/redis.h"

/* `redis` is connected to `address` as administrator. */
void check_rights(struct findings *findings, struct redis *redis,
                  const struct redis_address *address);

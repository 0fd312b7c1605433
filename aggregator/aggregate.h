#pragma once

/* The aggregator's process: applies the log until it is told to stop. */

#include "common/config.h"
#include "common/redis.h"

/* Runs until SIGTERM or SIGINT; 0 for a clean stop, 1 with a line in the log when the configuration
 * names no Redis. */
int aggregate_run(const struct config *config);
/* The same, for a Redis that is known; `admin` says where to tell the operator (admin.h), or is
 * NULL. */
int aggregate_serve(const struct redis_address *address, const char *admin);

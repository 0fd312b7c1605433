#pragma once

/* Every key of Redis against the inventory of aggregator/model: counts, bytes, expiries, and keys
 * that may not exist; their values for the canary search; days' invariants. Waits for Redis. */

#include "cli/audit_report.h"
#include "cli/audit_search.h"
#include "common/redis.h"

/* False when Redis went away, or answers what is no answer. */
MUST_CHECK bool audit_keys(struct audit_report *report, struct audit_search *search,
                           struct redis *redis);

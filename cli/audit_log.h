#pragma once

/* Batches in the log and in quarantine: whether each can be read, and what is in it by its bytes.
 * Waits for Redis. */

#include "cli/audit_report.h"
#include "common/redis.h"

/* False when Redis went away. */
MUST_CHECK bool audit_log(struct audit_report *report, struct redis *redis);

#pragma once

/* Days and months as they are in Redis, open and sealed: each is read in one step and its
 * invariants are asked. Waits for Redis. */

#include "cli/audit_report.h"
#include "cli/audit_search.h"
#include "common/redis.h"

struct audit_days {
    struct redis *redis;
    struct audit_report *report;
    struct audit_search *search; /* sees the names of sealed days unpacked */
    uint64_t open, sealed;
};

/* Called for each key: a day's total, or its hours where it has no total, has the open day read; a
 * record the record and its names. Other keys are left alone. False when Redis went away. */
MUST_CHECK bool audit_days_key(struct audit_days *days, struct str key);
void audit_days_tell(const struct audit_days *days);

#pragma once

/* The canary search: bytes of one place after the other, and what was found where. One thread. */

#include "cli/audit_report.h"
#include "common/limits.h"
#include "common/str.h"

struct audit_search;

struct audit_search *audit_search_new(void);
/* NULL is allowed. */
void audit_search_free(struct audit_search *search);
/* False for one that is too short or too long, or when there are AUDIT_CANARIES_MAX. */
MUST_CHECK bool audit_search_add(struct audit_search *search, struct str canary);
/* True when there is nothing to look for. */
bool audit_search_is_idle(const struct audit_search *search);

/* `place` names the bytes to come until the next place: a file, or a pattern of keys. */
void audit_search_at(struct audit_search *search, const char *place);
/* Of one value. `from`: bytes before were searched already, and are there for what reaches over. */
void audit_search_bytes(struct audit_search *search, struct str bytes, size_t from);
/* The same, and what Redis has packed in them. */
void audit_search_packed(struct audit_search *search, struct str bytes, size_t from);
size_t audit_search_longest(const struct audit_search *search);

/* Everything is searched: tells what was found, and of how many bytes. */
void audit_search_tell(struct audit_search *search, struct audit_report *report);

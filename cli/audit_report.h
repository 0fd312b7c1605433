#pragma once

/* What an audit finds: a table of what is there, and each breach as a sentence. Printed for people,
 * or as JSON for machines. No sentence holds a canary. */

#include <jansson.h>
#include <stdbool.h>

#include "common/macros.h"
#include "common/str.h"

/* Breaches past AUDIT_BREACHES_TOLD_MAX are counted and not told. */
struct audit_report {
    json_t *root;
    json_t *breaches, *notes, *good;
    size_t breach_count;
    bool is_json, shows_progress, has_progress;
};

void audit_report_init(struct audit_report *report, bool is_json);
void audit_report_done(struct audit_report *report);

void audit_good(struct audit_report *report, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What the operator should know, and is no breach. */
void audit_note(struct audit_report *report, const char *fmt, ...) PRINTF_LIKE(2, 3);
void audit_breach(struct audit_report *report, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Takes `value`, for JSON. */
void audit_tell(struct audit_report *report, const char *name, json_t *value);
/* One line on a terminal that the next one overwrites; else nothing. */
void audit_progress(struct audit_report *report, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* True when there is no breach. */
bool audit_report_print(struct audit_report *report);

/* A key's name for people: what is not printable ASCII is '?', a long one is cut. */
enum { AUDIT_NAME_BYTES = 256 };
const char *audit_name(struct str key, char out[static AUDIT_NAME_BYTES]);

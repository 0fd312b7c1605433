#pragma once

/* The CSV export: URL parameters as a question, and an answer as CSV. Pure. */

#include "common/buf.h"
#include "common/macros.h"
#include "common/str.h"

struct json_t; /* jansson */

/* A question's JSON from a query string:
 *   metrics=visitors,pageviews   dimensions=event:page   period=7d or
 * date_range=2026-11-01,2026-11-23 filters=[["is","visit:country",["NL"]]]
 * order_by=[["visitors","asc"]] comparisons, limit and offset are not known here: an export is
 * everything. NULL for percent-garbage, a name that is not known or stands twice. The caller has
 * the reference. */
struct json_t *export_question(struct str site, struct str query_string);

/* Appends one line of names, then one a row (RFC 4180, CR LF). A text that a spreadsheet would take
 * for a formula gets an apostrophe in front. */
void export_append_csv(struct buf *out, const struct json_t *answer);

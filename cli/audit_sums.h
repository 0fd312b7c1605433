#pragma once

/* The invariants of one day's numbers. Pure. */

#include "aggregator/day.h"

/* Calls breach(sentence, data) for each table whose rows do not add up to the total as they must,
 * and each cross that tells of more than its total. `is_sealed`: seconds and scroll percents were
 * rounded by as much as a record does. A day whose numbers were rounded to ten adds up to nothing
 * exactly, so nothing is asked of it. */
typedef void audit_sums_breach(const char *sentence, void *data);
void audit_sums(const struct day *day, bool is_sealed, audit_sums_breach *breach, void *data);

#pragma once

/* A day as lines of an export's files. Pure but for the streams. */

#include <stdio.h>

#include "aggregator/day.h"
#include "cli/plausible.h"

/* Heads of the ten files, and a day's rows. */
void export_plausible_head(FILE *const streams[PLAUSIBLE__COUNT]);
void export_plausible_day(FILE *const streams[PLAUSIBLE__COUNT], struct str site,
                          const struct day *day);

/* The tables that hold something for which the family has no place, as bits. */
uint32_t export_plausible_lacks(const struct day *day);

/* All that is known of a day, an object a line; of a month, "month":"2026-11" stands for the date:
 *   {"date":"2026-11-26","table":"page","value":"/a","pageviews":3,"visits":2}
 *   {"date":"2026-11-26","cross":"page*country","page":"/a","country":"NL","pageviews":3,"visits":2}
 * Numbers that are 0 are left out; of a property, "event", "key" and "value". */
void export_jsonl_day(FILE *stream, const struct day *day);

/* Indexes of a table's rows in the order of their values; the caller frees. Whatever order the
 * store has them in, the same day gives the same bytes. */
uint32_t *export_sorted(const struct day *day, enum table table);

#pragma once

/* Who has been counted where, of the lines of a log that an earlier import covers: their visitors
 * are not counted again in the lines after them, though the day may have been closed in between and
 * its sketches be gone. In memory only, of the last two days; one thread. */

#include "aggregator/section.h"

struct import_seen;

struct import_seen *import_seen_new(void);
/* Wipes it. NULL is allowed. */
void import_seen_free(struct import_seen *seen);

/* Notes the visitor `tag` in the cells of all registers of the section from number `first` on. Of
 * days before the last two, and of what is over IMPORT_SEEN_MAX, nothing is noted. */
void import_seen_note(struct import_seen *seen, const struct section *section, uint32_t first,
                      uint64_t tag);
/* Takes those registers out of whose cells the visitor was noted. */
void import_seen_drop(const struct import_seen *seen, struct section *section, uint32_t first,
                      uint64_t tag);

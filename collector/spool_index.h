#pragma once

/* The spool's sorted segments, and how they leave. Of the spool's thread. */

#include "collector/spool_store.h"

/* Puts it in its place. */
void spool_index_insert(struct spool_store *store, struct spool_segment *segment);
/* Takes it out and frees it; its file stays. */
void spool_index_drop(struct spool_store *store, struct spool_segment *segment);
/* Segments of the writer are [index, ...); count when there are none. */
size_t spool_index_find(const struct spool_store *store, uint64_t writer);

/* Removes the files of which nothing waits; one that cannot be removed is tried again. */
void spool_index_remove_done(struct spool_store *store);
/* Ends the segment after `last`, at `bytes`; in memory even if the disk does not let it be done. */
void spool_index_cut(struct spool_store *store, struct spool_segment *segment, uint64_t last,
                     uint64_t bytes);
/* Moves the segment's file to quarantine, says why, and drops it. False when the file cannot be
 * moved; the segment then stays. */
MUST_CHECK bool spool_index_quarantine(struct spool_store *store, struct spool_segment *segment,
                                       const char *why);
/* Ends the segment after `last` and says so: what its file holds behind is not to be believed. The
 * file goes to quarantine when nothing in it waits any more. */
void spool_index_damaged(struct spool_segment *segment, uint64_t last);
bool spool_segment_is_old(const struct spool_store *store, const struct spool_segment *segment);

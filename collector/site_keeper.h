#pragma once

/* The site list's copy in the data folder: with it, a collector that starts while Redis is away
 * knows its sites. DATA/sites/list is replaced as a whole by a thread of the keeper's own, so that
 * no loop waits for the disk. The data folder is this process's alone (spool.h has the lock). */

#include "aggregator/site.h"

struct site_keeper;

/* The folder is made when absent, inside one that is there. NULL, with a sentence, when it cannot
 * be used. */
MUST_CHECK struct site_keeper *site_keeper_new(const char *folder, char *error, size_t error_bytes);
/* Waits for what is to be written. NULL is allowed. */
void site_keeper_free(struct site_keeper *keeper);

/* The list that was kept last; NULL, logged unless there is none, when it is not to be believed.
 * Before the first site_keeper_keep(); waits for the disk. */
struct site_list *site_keeper_read(struct site_keeper *keeper, int64_t *ret_written_ms);
/* What Redis says now. Takes a reference of its own, and does not wait. Of several that come while
 * one is written the last counts. */
void site_keeper_keep(struct site_keeper *keeper, struct site_list *list);

/* Writes that have failed; 0 in `ret_row` when the last went well. Thread-safe. */
uint64_t site_keeper_failures(struct site_keeper *keeper, uint64_t *ret_row);

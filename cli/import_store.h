#pragma once

/* An import's way to Redis: what is known of earlier ones, and one batch after the other into the
 * log. Waits, and says so, while Redis is away or the log is not worked off. */

#include "collector/import.h"
#include "common/redis.h"

struct import_store;

/* NULL with a sentence. `site` outlives it; *stop becomes nonzero to end every wait. */
MUST_CHECK struct import_store *import_store_open(const struct redis_address *address,
                                                  struct str site, const volatile int *stop,
                                                  char *error, size_t error_bytes);
/* NULL is allowed. */
void import_store_close(struct import_store *store);

/* The site's earlier imports, before the batches of another log are put; the caller frees. False
 * with a sentence. */
MUST_CHECK bool import_store_rows(struct import_store *store, struct import_row **ret_rows,
                                  size_t *ret_count, char *error, size_t error_bytes);

enum import_put {
    IMPORT_STORED,
    IMPORT_STOPPED, /* not all is stored */
    IMPORT_REFUSED, /* not all is stored, and never will be: a sentence */
};
/* Takes a copy, and stores it with some others later. */
enum import_put import_store_put(struct import_store *store, const struct import_batch *batch,
                                 char *error, size_t error_bytes);
/* Stores all that was put. */
enum import_put import_store_flush(struct import_store *store, char *error, size_t error_bytes);
/* Lines that are stored of the log whose batches are put; 0: none by this process. */
uint64_t import_store_lines(const struct import_store *store);

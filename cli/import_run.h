#pragma once

/* One input of an import, a log or another tool's table, from where it stands to its end. */

#include "cli/import_store.h"
#include "collector/import.h"

/* What reads the input; of both kinds of import the same. */
struct import_source {
    void *import;
    const char *name; /* of the input, for people */
    const char *unit; /* "line" or "record" */
    enum import_step (*step)(void *import, struct import_batch *ret_batch);
    bool (*cut)(void *import, struct import_batch *ret_batch);
    uint64_t (*read)(const void *import); /* units so far */
    const char *(*error)(const void *import);
};

/* To standard error; EXIT_BAD. */
int import_complain(const char *name, const char *sentence);

/* Puts all batches into the store, each before the next is made, until the end or until `stop`.
 * True at the end; else the sentence is told. */
MUST_CHECK bool import_run(const struct import_source *source, struct import_store *store,
                           const struct log_input *input, const volatile int *stop);

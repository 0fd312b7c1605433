#pragma once

/* `footfall import` of what other tools export in CSV: files and folders of them, on their way to
 * Redis by the same store as logs. */

#include "aggregator/site.h"
#include "cli/import_store.h"
#include "cli/table_import.h"

struct import_table_place {
    const struct site *site;
    struct import_store *store;
    enum table_format format;
    const volatile int *stop;
};

/* A file, or for Plausible's family a folder of its files. An exit code, with the sentences told.
 */
int import_table(const struct import_table_place *place, const char *path);

#pragma once

/* Another tool's export in CSV becomes batches: Plausible's daily sums, or GoatCounter's hits. The
 * steps, rows and batches are those of an imported log (collector/import.h):
 *
 *   table_import_new ─▶ _begin (rows) ─▶ _step … ─▶ _free
 *
 * A line is a record here, the head with the columns' names being the first. One thread. */

#include "cli/plausible.h"
#include "collector/import.h"
#include "common/csv.h"

enum table_format { CSV_PLAUSIBLE, CSV_GOATCOUNTER };

/* Why a record is left out. X(enum, in words) */
#define ROW_FAULTS(X)                                                                              \
    X(MALFORMED, "records that are not in the format")                                             \
    X(TIME, "records dated in the future")                                                         \
    X(BOT, "hits of crawlers and tools")                                                           \
    X(EMPTY, "records without a page, name or number")

enum row_fault {
    ROW_COUNTED,
#define X(id, words) ROW_##id,
    ROW_FAULTS(X)
#undef X
        ROW_FAULT__COUNT
};
const char *row_fault_words(enum row_fault fault);

struct table_options {
    const struct site *site;
    struct log_input *input; /* outlives the import */
    enum table_format format;
    enum plausible_table table; /* of Plausible's family */
    int64_t now_ms;
};

struct table_counts {
    uint64_t records; /* read so far, with the head */
    uint64_t before;  /* of these: covered by an earlier import */
    uint64_t counted;
    uint64_t left_out[ROW_FAULT__COUNT];
    uint64_t malformed_record; /* the first; 0: none */
    uint32_t first_date, last_date;
};

struct table_import;

struct table_import *table_import_new(const struct table_options *options);
/* NULL is allowed. */
void table_import_free(struct table_import *import);
MUST_CHECK bool table_import_begin(struct table_import *import, struct import_row *rows,
                                   size_t row_count);
enum import_step table_import_step(struct table_import *import, struct import_batch *ret_batch);
/* Closes what is open, to stop here. False when there is nothing to store. */
bool table_import_cut(struct table_import *import, struct import_batch *ret_batch);
const struct table_counts *table_import_counts(const struct table_import *import);
/* A sentence without a byte of the file. */
const char *table_import_error(const struct table_import *import);

#pragma once

/* An access log becomes batches, as a worker's beacons do, at the log's own dates.
 *
 *   import_new ─▶ import_begin (head, rows) ─▶ import_step … ─▶ import_free
 *
 * What a row covers is read again without being counted, so that the open visits are what they
 * were and its visitors are known, and has to have the row's digest. One thread; reads its input,
 * so nothing for a loop. */

#include "aggregator/import_row.h"
#include "aggregator/site.h"
#include "collector/access_log.h"
#include "collector/log_input.h"
#include "collector/page_request.h"
#include "collector/region.h"

struct import_options {
    const struct site *site;
    struct log_input *input; /* outlives the import */
    const struct region_database *regions;
    enum access_format format;
    struct access_rules rules;
    int64_t now_ms; /* wall time: what is later is in the future */
};

/* To be stored in one step: the payload in the log, and the row in its place. */
struct import_batch {
    struct str payload; /* until the next call */
    struct import_row row;
};

enum import_step {
    IMPORT_MORE,   /* some lines are read, nothing is to be stored yet */
    IMPORT_BATCH,  /* *ret_batch is to be stored before the next step */
    IMPORT_END,    /* all is read, and was stored */
    IMPORT_FAILED, /* import_error() says why */
};

struct import_counts {
    uint64_t lines;  /* read so far */
    uint64_t before; /* of these: covered by an earlier import, and so in no other number */
    uint64_t views;
    uint64_t left_out[PAGE_REQUEST__COUNT]; /* by reason */
    uint64_t malformed_line;                /* the first; 0: none */
    uint64_t jumps, jump_line;              /* back by more than a day, and the first of them */
    uint32_t first_date, last_date;         /* of the views; 0: none */
    bool unfinished;                        /* the log ends in the middle of a line */
};

struct import;

struct import *import_new(const struct import_options *options);
/* Wipes what it knows of visitors. NULL is allowed. */
void import_free(struct import *import);
/* Reads the head and looks for an earlier import of this log; sorts the rows. False: see
 * import_error(). */
MUST_CHECK bool import_begin(struct import *import, struct import_row *rows, size_t row_count);
enum import_step import_step(struct import *import, struct import_batch *ret_batch);
/* Closes what is open, to stop here. False when there is nothing to store. */
bool import_cut(struct import *import, struct import_batch *ret_batch);
const struct import_counts *import_counts(const struct import *import);
enum access_format import_format(const struct import *import);
/* A sentence without a byte of the log. */
const char *import_error(const struct import *import);

#pragma once

/* One part of a record: a few tables' rows or crosses' cells as bytes. Pure.
 *
 *   0  1  number of pieces
 *      n  their heads
 *      b  the bits of all their columns (record_column.h), padded to whole bytes
 *      4  CRC-32C of all before, going on from that of the date (u32) and the part's number (u8):
 *         a part that stands in the wrong record or place is refused
 *
 * A head is the piece's tag and varint 4 * rows + (1 when the names are in runs), then for each
 * column a varint, 0 when all its numbers are zero, else 1 + 4 * ratio + (2 when it is in runs) +
 * (1 when its numbers are signed, as zigzag).
 *
 * A table's tag is its number, and its columns are those of RECORD_COLUMNS. Their bits stand behind
 * those of the names:
 *
 *   name       distance to the row before, less one; rows stand in the order of their names
 *   metrics    those that are not absent: the distance to what the other metric foretells
 *
 * A cross's tag is 128 and its number. Its head has zigzag hidden views and zigzag hidden visits
 * behind the count, where 2 more tells that the right names are in runs; its columns are visits and
 * views. Its names are left (distance to the cell before) and right (where left is the same as
 * before: distance to the cell before, less one).
 *
 * Counts come back as they were. Seconds and percents, of which nobody sees more than the mean,
 * come back within one part in 64 but for the total and the hours: their last bits are chance, and
 * would be a tenth of the record. */

#include "aggregator/day.h"
#include "aggregator/record_column.h"

/* The metric, and the one that foretells it; itself: none. */
#define RECORD_COLUMNS(X)                                                                          \
    X(PAGEVIEWS, PAGEVIEWS)                                                                        \
    X(VISITS, PAGEVIEWS)                                                                           \
    X(VISITORS, VISITS)                                                                            \
    X(EVENTS, EVENTS)                                                                              \
    X(BOUNCES, VISITS)                                                                             \
    X(VISIT_SECONDS, VISITS)                                                                       \
    X(ENGAGED_VIEWS, PAGEVIEWS)                                                                    \
    X(ENGAGED_SECONDS, ENGAGED_VIEWS)                                                              \
    X(SCROLL_VIEWS, ENGAGED_VIEWS)                                                                 \
    X(SCROLL_PERCENT, SCROLL_VIEWS)

enum {
    RECORD_PART_CRC_BYTES = 4,
    RECORD_PART_CROSS_TAG = 128,
    RECORD_PART_PIECES_MAX = 12,
    RECORD_PART_ROWS_MAX = RECORD_ROWS_MAX > RECORD_CELLS_MAX ? RECORD_ROWS_MAX : RECORD_CELLS_MAX,
    RECORD_PIECE_HEAD_BYTES_MAX = 1 + 3 + METRIC__COUNT * 4 + 2 * 10,
    RECORD_PART_HEADS_BYTES_MAX = 1 + RECORD_PART_PIECES_MAX * RECORD_PIECE_HEAD_BYTES_MAX,
    RECORD_PART_BITS_BYTES_MAX = RECORD_PART_PIECES_MAX * RECORD_COLUMN_NUMBER_BYTES_MAX *
                                 (METRIC__COUNT + 1) * RECORD_PART_ROWS_MAX,
    /* Whatever is written is shorter. */
    RECORD_PART_BYTES_MAX = RECORD_PART_HEADS_BYTES_MAX + RECORD_PART_BITS_BYTES_MAX + 16,
};

/* True when a metric of a table is kept on the scale of record_column.h. */
static inline bool record_is_scaled(enum table table, enum metric metric)
{
    return table != TABLE_TOTAL && table != TABLE_TIME &&
           (metric == METRIC_VISIT_SECONDS || metric == METRIC_ENGAGED_SECONDS ||
            metric == METRIC_SCROLL_PERCENT);
}

/* What the CRC of a part goes on from. */
uint32_t record_part_seed(uint32_t date, uint32_t number);

/* A part that is being written: its pieces, then its end. */
struct record_part_writer;
struct record_part_writer *record_part_writer_new(void);
void record_part_writer_free(struct record_part_writer *writer);
/* Adds a table of 1 to RECORD_ROWS_MAX rows, or a cross of at most RECORD_CELLS_MAX cells. At most
 * RECORD_PART_PIECES_MAX a part. */
void record_part_add_table(struct record_part_writer *writer, enum table table,
                           const struct day_table *rows);
void record_part_add_cross(struct record_part_writer *writer, enum cross number,
                           const struct day_cross *cross);
/* Appends the part to `out`, nothing when it has no pieces, and makes the writer ready for another.
 */
void record_part_end(struct record_part_writer *writer, uint32_t seed, struct buf *out);

/* Memory for reading parts, used again for each; one thread. */
struct record_reader;
struct record_reader *record_reader_new(void);
void record_reader_free(struct record_reader *reader);

/* What is wanted of a table. */
struct record_wanted {
    enum table table;
    uint32_t metrics; /* bits, 1 << METRIC_...: to leave some out saves time */
    uint32_t names;   /* that there are: a number past them is an error */
};

/* A table of some records of a month added up, by the numbers of their names: see record_sums.h. */
struct record_sums;

/* Add what the part has of a table's rows or a cross's cells, if anything, to `day`, or what is
 * wanted of a table to `sums`. False, and nothing is added, when what stands there is not as it was
 * written or names what there is no name for. */
MUST_CHECK bool record_part_read_table(struct record_reader *reader, struct str part, uint32_t seed,
                                       enum table table, struct day *day);
MUST_CHECK bool record_part_sum_table(struct record_reader *reader, struct str part, uint32_t seed,
                                      struct record_sums *sums);
MUST_CHECK bool record_part_read_cross(struct record_reader *reader, struct str part, uint32_t seed,
                                       enum cross cross, struct day *day);

#pragma once

/* Inside the imports of tables: what a format's reader is, and where it counts. */

#include "cli/table_import.h"
#include "collector/beacon.h"

/* Cells that one record can touch at the most; sketches of all have room in one batch. */
enum { ROW_CELLS_MAX = 20, ROW_FULL_CELLS_MAX = 9 };

/* One record's sums of a day, on their way to the tables. */
struct table_row {
    uint32_t date;
    size_t count;
    struct {
        enum table table;
        struct str value;
        int64_t sums[METRIC__COUNT]; /* with VISITORS */
    } cells[ROW_CELLS_MAX];
    /* Memory of values that are no slices of the record. */
    struct {
        char bytes[4 * VALUE_BYTES_MAX];
        size_t used;
    } memory;
};

/* Numbers and dates as the formats have them. */
MUST_CHECK bool table_number(struct str text, int64_t *ret_number);
MUST_CHECK bool table_date(struct str text, uint32_t *ret_date);

/* Adds a cell to the row, with sums of zero; its sums. Of an empty value nothing is counted: NULL.
 */
int64_t *table_row_add(struct table_row *row, enum table table, struct str value);
/* Text as it may be kept: no control characters, an e-mail address as ":id", cut. */
struct str table_text(struct str text, size_t bytes_max);
/* Joins two texts with a separator, in the row's memory; empty when there is no room. */
struct str table_join(struct table_row *row, struct str left, char separator, struct str right);
/* A copy in the row's memory; empty when there is no room. */
struct str table_copy(struct table_row *row, struct str text);
/* A page's path as it is kept, from a decoded one; "(other)" when it is none. */
struct str table_path(struct table_row *row, struct str path);
/* The host of "github.com/somebody", lower case, without "www."; empty for what is none. */
struct str table_host(struct table_row *row, struct str referrer);

struct table_reader {
    const struct site *site;
    int columns[CSV_FIELDS_MAX]; /* by the format's own numbers; -1: not there */
    enum plausible_table table;
    struct table_sessions *sessions;
};

/* False when the head is none of the format. */
bool plausible_read_head(struct table_reader *reader, const struct csv_record *head);
enum row_fault plausible_read_row(struct table_reader *reader, const struct csv_record *record,
                                  struct table_row *ret_row);
bool goatcounter_read_head(struct table_reader *reader, const struct csv_record *head);
enum row_fault goatcounter_read_row(struct table_reader *reader, const struct csv_record *record,
                                    struct table_row *ret_row);

/* Sessions of hits: who has been seen, a bounded set of hashes. */
struct table_sessions *table_sessions_new(void);
void table_sessions_free(struct table_sessions *sessions);

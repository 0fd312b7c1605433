#pragma once

/* What the aggregator knows of the open days and what it has not applied yet.
 *
 * A day (site, date) has rows (table, value). A row is known when it is at rest or about to be; it
 * gathers sums and sketch registers until they are applied. Known values enforce the tables' caps:
 * past it a new value counts under MODEL_OTHER. The same holds for cells of two rows. All of it can
 * be forgotten at any time and loaded again. One thread; running out of memory aborts. */

#include "aggregator/ledger_cross.h"
#include "aggregator/model.h"
#include "aggregator/register_set.h"
#include "aggregator/section.h"

struct ledger_row {
    uint64_t hash;
    uint32_t value_at; /* into the day's bytes */
    uint16_t value_len;
    uint8_t table;
    bool is_pending;
    int64_t sums[SECTION_SUMS];    /* pending */
    struct register_set known;     /* registers at rest or pending */
    struct sketch_register *fresh; /* pending: those that raise the sketch */
    uint32_t fresh_count, fresh_capacity;
    bool is_dense; /* the sketch at rest is known to be dense */
};

struct ledger_mark {
    uint64_t writer, number;
};

struct ledger_table {
    bool is_loaded;
    uint32_t values; /* distinct ones but MODEL_OTHER */
};

/* What one apply is going to carry. */
struct ledger_load {
    uint32_t cells;       /* rows and cells of crosses that are pending */
    size_t crosses_bytes; /* which those of crosses take in a call */
};

struct ledger_day {
    uint64_t hash;
    struct str site; /* owned */
    uint32_t date;
    struct ledger_table tables[TABLE__COUNT];
    struct ledger_row *rows;
    uint32_t row_count, row_capacity;
    uint32_t *slots; /* hash → row + 1, open addressing, at most half full */
    uint32_t slot_count;
    uint32_t *pending; /* indexes of the rows that are */
    uint32_t pending_count, pending_capacity;
    struct ledger_mark *marks; /* pending: the last number of each writer */
    uint32_t mark_count, mark_capacity;
    struct buf bytes; /* of the values */
    struct ledger_crosses crosses;
    struct ledger_load *load; /* the ledger's */
};

struct ledger {
    struct ledger_day **days;
    uint32_t count, capacity;
    uint32_t *slots; /* hash of (date, site) → day + 1, as for rows */
    uint32_t slot_count;
    struct ledger_load load;
};

void ledger_init(struct ledger *ledger);
/* Forgets what is known and what is pending. Also ends the ledger. */
void ledger_forget(struct ledger *ledger);
/* Bytes of memory that it holds, to a tenth. */
size_t ledger_bytes(const struct ledger *ledger);

/* Made when absent; stays where it is until it is forgotten. */
struct ledger_day *ledger_day(struct ledger *ledger, struct str site, uint32_t date);
bool ledger_knows(const struct ledger *ledger, struct str site, uint32_t date);
/* A new day has nothing at rest: all its tables and crosses are loaded. */
void ledger_day_is_empty(struct ledger_day *day);
/* Forgets one day, which has nothing pending; nothing when it is not known. */
void ledger_forget_day(struct ledger *ledger, struct str site, uint32_t date);
/* One field of the table's hash at rest, as HKEYS tells it; marks are passed over. */
void ledger_load_field(struct ledger_day *day, enum table table, struct str field);

/* Likewise of a cross, whose two tables are loaded. */
void ledger_load_cross_field(struct ledger_day *day, enum cross cross, struct str field);

/* The row where this value counts. Its table must be loaded. Valid until the next call. */
struct ledger_row *ledger_row(struct ledger_day *day, enum table table, struct str value);
struct str ledger_value(const struct ledger_day *day, const struct ledger_row *row);
void ledger_add(struct ledger_day *day, struct ledger_row *row, const int64_t sums[SECTION_SUMS]);
void ledger_add_register(struct ledger_day *day, struct ledger_row *row,
                         struct sketch_register reg);
/* Adds to a loaded cross's cell of two rows by index, of its left and its right table, or
 * CROSS_OTHER twice. New cells count under CROSS_OTHER past CROSS_CELLS_MAX, and all that are not
 * pending yet past APPLY_CROSSES_BYTES_MAX. */
void ledger_cross(struct ledger_day *day, uint64_t key, int64_t views, int64_t visits);
/* A cell's field: both rows' values with MODEL_CROSS_SEPARATOR between, or MODEL_OTHER. */
void ledger_cross_value(const struct ledger_day *day, uint64_t key, struct buf *out);
/* Marks only rise: an entry that was put back into the log comes after later ones. */
void ledger_mark(struct ledger_day *day, uint64_t writer, uint64_t number);

bool ledger_day_is_pending(const struct ledger_day *day);
/* Everything pending is at rest now. */
void ledger_applied(struct ledger *ledger);

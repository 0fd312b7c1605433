#pragma once

/* The increments of one site's one day: a bounded table of cells, and one of crosses of them.
 *
 * A cell is (table, value) → one signed sum a metric, and sketch registers. A cross's cell is two
 * cells of its tables → views and visits. The collector's workers fill sections view by view,
 * batches carry them, and the aggregator folds many into one. A section belongs to one thread.
 * Memory is kept over section_reset(); running out of it aborts. */

#include <stdint.h>

#include "aggregator/cross_table.h"
#include "aggregator/model.h"
#include "aggregator/sketch.h"
#include "common/macros.h"

/* Metrics that are summed: all before VISITORS. */
enum { SECTION_SUMS = METRIC_VISITORS };
static_assert(METRIC_VISITORS + 1 == METRIC__COUNT, "VISITORS is the last metric");

struct cell {
    uint64_t hash;
    uint32_t value_at; /* into the section's bytes */
    uint16_t value_len;
    uint8_t table;
    bool has_key;
    uint8_t key[SKETCH_KEY_BYTES]; /* for the collector: the cell's sketch key, where has_key */
    int64_t sums[SECTION_SUMS];
};

struct section_register {
    uint32_t cell; /* index of the cell */
    uint16_t index;
    uint8_t rank;
};

struct section {
    uint32_t date;
    uint32_t views;     /* page views and events that went in, no reports; for the mixing rule */
    struct str site;    /* owned */
    struct cell *cells; /* in order of arrival; indexes stay valid until reset */
    uint32_t cell_count;
    uint32_t cells_max;
    bool folds_detail; /* for the collector, see view_fold_detail(); false after a reset */
    struct section_register *registers;
    uint32_t register_count;
    struct cross_table crosses; /* sides are indexes of cells */
    /* private */
    uint32_t cell_capacity, register_capacity, slot_mask;
    uint32_t *slots;
    struct buf bytes;
};

struct section *section_new(uint32_t cells_max);
void section_free(struct section *section);
/* Empties the section and gives it to a site and a day. */
void section_reset(struct section *section, struct str site, uint32_t date);
/* Wipes the cells' sketch keys; they are made again from the day's key when they are needed. */
void section_forget_keys(struct section *section);
/* Bytes of memory that it takes, whatever is in use of them. */
size_t section_memory(const struct section *section);

/* The cell of (table, value), made when absent; NULL when the section is full. Valid until the
 * next call. `value` is at most VALUE_BYTES_MAX. */
struct cell *section_cell(struct section *section, enum table table, struct str value);
/* The same, but NULL when absent. */
struct cell *section_find(const struct section *section, enum table table, struct str value);
struct str section_value(const struct section *section, const struct cell *cell);
void section_add_register(struct section *section, const struct cell *cell,
                          struct sketch_register reg);
/* Sorts the registers by cell and index and keeps the highest rank of each. */
void section_sort_registers(struct section *section);
/* Cell indexes in an order that does not tell the order of arrival: that of a keyed hash.
 * The caller frees. */
uint32_t *section_shuffled(const struct section *section);

/* Adds to the cross's cell of two cells by index, of its left and its right table, or CROSS_OTHER
 * twice. There is room for as many as for cells; what is over counts under CROSS_OTHER. */
void section_cross(struct section *section, uint64_t key, int64_t views, int64_t visits);

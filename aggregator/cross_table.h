#pragma once

/* Cells of crosses: (cross, left, right) → views and visits. Left and right are whatever numbers
 * its owner has for the values of the cross's two tables: the cells of a section, the rows of a
 * ledger's day. One thread; running out of memory aborts. */

#include <stdint.h>

#include "aggregator/model.h"
#include "common/hash.h"

/* Both sides of the one cell that counts what its owner has no room for. */
#define CROSS_OTHER UINT32_MAX
/* Other sides are below this. */
#define CROSS_SIDES_MAX ((1u << 20) - 1)

struct cross_cell {
    uint64_t key;
    int64_t views, visits;
};

struct cross_table {
    struct cross_cell *cells; /* in order of arrival; indexes stay valid until reset */
    uint32_t count;
    /* private */
    uint32_t capacity, slot_bits;
    uint32_t *slots;
    struct hash_factors factors;
};

static inline uint64_t cross_key(enum cross cross, uint32_t left, uint32_t right)
{
    return (uint64_t)cross << 40 | (uint64_t)(left + 1) << 20 | (right + 1);
}
static inline uint64_t cross_key_other(enum cross cross)
{
    return cross_key(cross, CROSS_OTHER, CROSS_OTHER);
}
static inline enum cross cross_of(uint64_t key)
{
    return (enum cross)(key >> 40);
}
static inline uint32_t cross_left(uint64_t key)
{
    return (uint32_t)(key >> 20 & CROSS_SIDES_MAX) - 1;
}
static inline uint32_t cross_right(uint64_t key)
{
    return (uint32_t)(key & CROSS_SIDES_MAX) - 1;
}

/* All zero is an empty table. */
void cross_table_done(struct cross_table *table);
/* Forgets the cells, keeps the memory. */
void cross_table_reset(struct cross_table *table);
size_t cross_table_bytes(const struct cross_table *table);
/* NULL when there is none. Valid until the next cell is made. */
struct cross_cell *cross_table_find(const struct cross_table *table, uint64_t key);
/* Room for so many more at once. */
void cross_table_reserve(struct cross_table *table, uint32_t more);
/* Made when absent. */
struct cross_cell *cross_table_at(struct cross_table *table, uint64_t key);
/* Indexes grouped by cross, within it in the order of a keyed hash; those of cross c stand from
 * ret_first[c] to before ret_first[c + 1]. The caller frees. */
uint32_t *cross_table_order(const struct cross_table *table, uint32_t ret_first[CROSS__COUNT + 1]);

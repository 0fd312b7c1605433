/* A table of crosses' cells. The collector looks some thirty of them up for each view, so nothing
 * here sees a value: a key is three small numbers in one word.
 *
 *   key    cross << 40 | left + 1 << 20 | right + 1      CROSS_OTHER + 1 is 0
 *   slots (hash → index + 1, open addressing, at most half full) ─▶ cells[0..count)
 *
 * Example: a view of "/a", cell 7, from NL, cell 9, adds 1 to the views of the key
 * CROSS_PAGE_COUNTRY << 40 | 8 << 20 | 10. Used by sections and by the ledger. */

#include "aggregator/cross_table.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_SLOT_BITS = 6 };
static_assert(APPLY_CELLS_MAX < CROSS_SIDES_MAX && SECTION_CELLS_MAX < CROSS_SIDES_MAX,
              "a cell's index is a side");

void cross_table_done(struct cross_table *table)
{
    free(table->cells);
    free(table->slots);
    *table = (struct cross_table){0};
}

void cross_table_reset(struct cross_table *table)
{
    if (table->count > 0)
        memset(table->slots, 0, ((size_t)1 << table->slot_bits) * sizeof(*table->slots));
    table->count = 0;
}

size_t cross_table_bytes(const struct cross_table *table)
{
    return table->capacity * (sizeof(*table->cells) + 2 * sizeof(*table->slots));
}

static uint32_t slot_of(const struct cross_table *table, uint64_t key)
{
    return (uint32_t)(hash_number(key, table->factors) >> (64 - table->slot_bits));
}

static void place(struct cross_table *table, uint32_t index)
{
    uint32_t mask = (1u << table->slot_bits) - 1;
    uint32_t slot = slot_of(table, table->cells[index].key);
    while (table->slots[slot] != 0)
        slot = (slot + 1) & mask;
    table->slots[slot] = index + 1;
}

static void grow(struct cross_table *table, uint32_t slot_bits)
{
    if (table->slot_bits == 0)
        table->factors = hash_factors();
    table->slot_bits = slot_bits;
    size_t slots = (size_t)1 << slot_bits;
    table->capacity = (uint32_t)(slots / 2);
    table->cells = reallocarray(table->cells, table->capacity, sizeof(*table->cells));
    free(table->slots);
    table->slots = calloc(slots, sizeof(*table->slots));
    if (table->cells == NULL || table->slots == NULL)
        abort();
    for (uint32_t i = 0; i < table->count; i++)
        place(table, i);
}

struct cross_cell *cross_table_find(const struct cross_table *table, uint64_t key)
{
    if (table->count == 0)
        return NULL;
    uint32_t mask = (1u << table->slot_bits) - 1;
    for (uint32_t slot = slot_of(table, key); table->slots[slot] != 0; slot = (slot + 1) & mask) {
        struct cross_cell *cell = &table->cells[table->slots[slot] - 1];
        if (cell->key == key)
            return cell;
    }
    return NULL;
}

void cross_table_reserve(struct cross_table *table, uint32_t more)
{
    uint32_t slot_bits = table->slot_bits == 0 ? FIRST_SLOT_BITS : table->slot_bits;
    while ((size_t)1 << slot_bits < 2 * ((size_t)table->count + more))
        slot_bits++;
    if (slot_bits != table->slot_bits)
        grow(table, slot_bits);
}

struct cross_cell *cross_table_at(struct cross_table *table, uint64_t key)
{
    struct cross_cell *cell = cross_table_find(table, key);
    if (cell != NULL)
        return cell;
    cross_table_reserve(table, 1);
    cell = &table->cells[table->count];
    *cell = (struct cross_cell){.key = key};
    place(table, table->count++);
    return cell;
}

uint32_t *cross_table_order(const struct cross_table *table, uint32_t ret_first[CROSS__COUNT + 1])
{
    uint32_t next[CROSS__COUNT + 1] = {0};
    uint32_t *order = calloc((size_t)table->count + 1, sizeof(*order));
    if (order == NULL)
        abort();
    for (uint32_t i = 0; i < table->count; i++)
        next[cross_of(table->cells[i].key) + 1]++;
    for (int c = 0; c < CROSS__COUNT; c++)
        next[c + 1] += next[c];
    memcpy(ret_first, next, sizeof(next));
    size_t slots = table->count == 0 ? 0 : (size_t)1 << table->slot_bits;
    for (size_t slot = 0; slot < slots; slot++) {
        if (table->slots[slot] == 0)
            continue;
        uint32_t index = table->slots[slot] - 1;
        order[next[cross_of(table->cells[index].key)]++] = index;
    }
    return order;
}

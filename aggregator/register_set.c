/* The known registers of one cell.
 *
 * Visitors come back: on a busy site nearly every register that a batch carries has been applied
 * before, and merging costs Redis some 70 microseconds a sketch. What is known here is only a hint:
 * a merge takes the highest rank, so forgetting a set costs time and never a count. */

#include "aggregator/register_set.h"

#include <stdlib.h>

/* Half of DENSE_SLOTS filled: dense takes no more memory from there on. */
enum { FIRST_SLOTS = 8, DENSE_SLOTS = SKETCH_REGISTERS / sizeof(uint32_t) };

void register_set_done(struct register_set *set)
{
    free(set->slots);
    free(set->ranks);
    *set = (struct register_set){0};
}

size_t register_set_bytes(const struct register_set *set)
{
    return set->ranks != NULL ? SKETCH_REGISTERS : set->slot_count * sizeof(*set->slots);
}

/* The slot of this index, or the free one where it belongs. There is always a free one. */
static uint32_t *find_slot(const struct register_set *set, uint16_t index)
{
    /* Indexes come out of a keyed hash: they spread by themselves. */
    uint32_t at = index & (set->slot_count - 1);
    while (set->slots[at] != 0 && set->slots[at] >> 8 != index)
        at = (at + 1) & (set->slot_count - 1);
    return &set->slots[at];
}

static void grow(struct register_set *set)
{
    struct register_set old = *set;
    *set = (struct register_set){.count = old.count};
    if (old.slot_count == DENSE_SLOTS) {
        set->ranks = calloc(SKETCH_REGISTERS, 1);
    } else {
        set->slot_count = old.slot_count == 0 ? FIRST_SLOTS : 2 * old.slot_count;
        set->slots = calloc(set->slot_count, sizeof(*set->slots));
    }
    if (set->slots == NULL && set->ranks == NULL)
        abort();
    for (uint32_t i = 0; i < old.slot_count; i++) {
        uint32_t slot = old.slots[i];
        if (slot != 0 && set->ranks != NULL)
            set->ranks[slot >> 8] = (uint8_t)slot;
        else if (slot != 0)
            *find_slot(set, (uint16_t)(slot >> 8)) = slot;
    }
    free(old.slots);
}

bool register_set_raise(struct register_set *set, struct sketch_register reg)
{
    if (set->ranks == NULL && 2 * (set->count + 1) > set->slot_count)
        grow(set);
    if (set->ranks != NULL) {
        if (set->ranks[reg.index] >= reg.rank)
            return false;
        set->count += set->ranks[reg.index] == 0;
        set->ranks[reg.index] = reg.rank;
        return true;
    }
    uint32_t *slot = find_slot(set, reg.index);
    if ((*slot & 0xff) >= reg.rank)
        return false;
    set->count += *slot == 0;
    *slot = (uint32_t)reg.index << 8 | reg.rank;
    return true;
}

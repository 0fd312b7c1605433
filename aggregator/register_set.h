#pragma once

/* Which registers of one cell's sketch are known to be at rest, so that only those that raise it
 * are sent again. A hash set while it is small, all registers once it is not: at most 16 KiB.
 * Embedded; all zero is an empty set. Running out of memory aborts. */

#include "aggregator/sketch.h"

struct register_set {
    uint32_t *slots; /* index << 8 | rank; 0 is free. NULL once dense */
    uint8_t *ranks;  /* of every register, once dense */
    uint32_t slot_count, count;
};

void register_set_done(struct register_set *set);
/* True when the register is new or higher than the one known; it is known from now on. */
bool register_set_raise(struct register_set *set, struct sketch_register reg);
/* Bytes of memory that it holds. */
size_t register_set_bytes(const struct register_set *set);

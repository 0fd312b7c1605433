#pragma once

/* Sketches for a number of visitors of whom nothing else is known, as other tools' exports tell it:
 * registers of made-up visitors, so many that the estimate is that number. Two cells', and two
 * batches', are of different visitors, so that they add up where they meet. One thread. */

#include <stdint.h>

#include "aggregator/sketch.h"

/* More visitors of one cell and batch are as many as these. */
#define MADE_SKETCH_VISITORS_MAX UINT64_C(1000000000)

/* Which visitors they are: from a cell's key (sketch_cell_key) under a key of the batch. */
struct made_sketch;

struct made_sketch *made_sketch_new(void);
/* NULL is allowed. */
void made_sketch_free(struct made_sketch *made);
/* Registers, distinct, for the number of visitors: exact up to 4096 where the estimate can be, and
 * within 1 in 500 beyond. Returns how many; 0 for none. */
size_t made_sketch_registers(struct made_sketch *made, uint64_t visitors,
                             const uint8_t cell_key[SKETCH_KEY_BYTES],
                             struct sketch_register ret_registers[SKETCH_REGISTERS]);

#pragma once

/* HyperLogLog as Redis keeps it: 2^14 registers of 6 bits, but with registers from a keyed PRF.
 *
 * A visitor's tag becomes (index, rank) under a key of the day and of the cell, so that two cells'
 * sketches cannot be compared, and nothing can be asked once the day's key is gone. Layout of the
 * HYLL string: Redis 7.0 src/hyperloglog.c; estimator: Ertl, "New cardinality estimation
 * algorithms for HyperLogLog sketches", 2017 (the one that PFCOUNT uses). Pure, thread-safe. */

#include <stdint.h>

#include "aggregator/model.h"
#include "common/buf.h"
#include "common/macros.h"

enum {
    SKETCH_KEY_BYTES = 16, /* SipHash's key */
    SKETCH_REGISTERS = 1 << 14,
    SKETCH_RANK_MAX = 51, /* 64 - 14 bits, plus one */
    SKETCH_DENSE_BYTES = 16 + SKETCH_REGISTERS * 6 / 8,
};

struct sketch_register {
    uint16_t index; /* 0..16383 */
    uint8_t rank;   /* 1..51 */
};

/* The cell's key: SipHash-2-4-128 under the site's day key of (table, value). */
void sketch_cell_key(const uint8_t day_key[SKETCH_KEY_BYTES], enum table table, struct str value,
                     uint8_t ret_key[SKETCH_KEY_BYTES]);
struct sketch_register sketch_register_of(const uint8_t cell_key[SKETCH_KEY_BYTES], uint64_t tag);

/* Sorts by index and keeps the highest rank of each; returns how many are left. */
size_t sketch_sort(struct sketch_register *registers, size_t count);
/* Appends a HYLL string of these registers (any order, duplicates allowed, the highest rank wins),
 * sparse where every rank allows it and it is shorter than dense. `registers` is sorted in place.
 */
void sketch_encode(struct buf *out, struct sketch_register *registers, size_t count);
/* The same, dense whatever the registers: Redis merges into a dense sketch in a tenth of the time
 * that a sparse one of some hundred registers takes. */
void sketch_encode_dense(struct buf *out, struct sketch_register *registers, size_t count);

/* Folds a HYLL string into `dense` (one byte a register). False, with `dense` untouched, for
 * anything Redis would not have written: wrong magic, length, run or a rank over 51. */
MUST_CHECK bool sketch_decode(struct str hyll, uint8_t dense[SKETCH_REGISTERS]);
/* Ertl's estimate, rounded; equals PFCOUNT of the same registers. */
uint64_t sketch_estimate(const uint8_t dense[SKETCH_REGISTERS]);
/* The same of sorted registers, all others being zero. */
uint64_t sketch_estimate_of(const struct sketch_register *registers, size_t count);

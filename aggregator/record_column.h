#pragma once

/* Columns of numbers as bits. Pure.
 *
 * A number has a quotient and k low bits: as many ones as the quotient and a zero, then the bits.
 * k follows the numbers: it is where their mean, of which each new number is an eighth, is about
 * twice 2^k. So a column needs no table of codes, and since rows stand about by weight, k falls
 * along a column as the counts do. zstd's codes were rejected: for the forty rows of a quiet site's
 * table they take more room than the numbers, and for a busy one's they know nothing of the place.
 *
 *   mean, 16 times   64 at first; then += (16 * number - mean) / 2, / 4, and / 8 from the third on
 *   k                bits of mean / 32: 2 at first
 *   number           quotient ones, a zero, k bits;
 *                    or, for a quotient of 24 and more: 24 ones, 6 bits w - 1, the number's w bits
 *
 * For example 5, 9 at first: k is 2, 5 = 1 * 4 + 1 is 10 01; then the mean is 72 / 16 and k still
 * 2, and 9 = 2 * 4 + 1 is 110 01. Bits of a number stand lowest first, bytes are filled from the
 * lowest bit, and columns go on where the one before ended.
 *
 * A column that is mostly zeros is written in runs: how many zeros come, and the number that ends
 * them, less one, in turn, each with a mean of its own (64 and 16 at first).
 *
 * Each metric is coded as its distance to what a column before it foretells: visits are nearly the
 * page views, seconds about the mean of the table for each visit. See record_predict(). */

#include <stdint.h>

#include "common/buf.h"
#include "common/macros.h"

enum { RECORD_COLUMN_NUMBER_BYTES_MAX = 12 }; /* none takes more */

struct record_column_writer {
    struct buf bits;
    /* private */
    uint64_t pending;
    uint32_t pending_bits;
};

void record_column_writer_init(struct record_column_writer *writer, size_t bytes_max);
void record_column_writer_done(struct record_column_writer *writer);
void record_column_write(struct record_column_writer *writer, const uint64_t *numbers, size_t count,
                         bool in_runs);
/* Writes out the last bits. Nothing may be written behind them. */
void record_column_finish(struct record_column_writer *writer);
/* The bits that a column takes. */
uint64_t record_column_cost(const uint64_t *numbers, size_t count, bool in_runs);

struct record_column_reader {
    struct str bits;
    /* private */
    uint64_t bit_at;
};

/* Reads the next `count` numbers; false when they are not there. */
MUST_CHECK bool record_column_read(struct record_column_reader *reader, size_t count, bool in_runs,
                                   uint64_t *ret_numbers);

static inline uint64_t record_zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t record_unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* The scale of seconds and percents: 32 steps a power of two, so that what was put on it comes back
 * within one part in 64. A larger number never has a smaller place. */
int64_t record_scale(int64_t number);
int64_t record_unscale(int64_t place);

/* A prediction is ratio / 256 of another column's number, towards zero. Beyond these a column is
 * coded without one, and what comes out of it is of no use, but does no harm. */
enum { RECORD_RATIO_ONE = 256, RECORD_RATIO_MAX = 1 << 20 };
#define RECORD_PREDICTOR_MAX (INT64_C(1) << 40)

static inline int64_t record_predict(int64_t predictor, uint32_t ratio, bool is_scaled)
{
    int64_t number = (int64_t)((uint64_t)predictor * ratio) / RECORD_RATIO_ONE;
    return is_scaled ? record_scale(number) : number;
}

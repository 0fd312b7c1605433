#pragma once

/* Columns of numbers as bytes: a class a number, and the bits that the class leaves open. Pure.
 *
 * A number under 16 is its own class and takes no bits. A larger one has four classes a power of
 * two, by the two bits behind the highest; what is below follows as plain bits. For example
 * 1000 = 1111101000b: the highest bit stands for 2^9, the two behind it are 11b, so its class is
 * 16 + 4 * (9 - 4) + 3 = 39, and the seven bits 1101000b remain. Every byte is a class.
 *
 * Classes repeat, and zstd makes them small; the bits do not, and are kept away from it.
 *
 *   classes   one byte a number, one column behind the other
 *   bits      of all columns in the same order, the lowest first, bytes filled from the lowest bit
 *
 * Each metric is coded as its distance to what a column before it foretells: visits are nearly the
 * page views, seconds about the mean of the table for each visit. See record_predict(). */

#include <stdint.h>

#include "common/buf.h"
#include "common/macros.h"

struct record_column_writer {
    struct buf classes, bits;
    /* private */
    uint64_t pending;
    uint32_t pending_bits;
};

void record_column_writer_init(struct record_column_writer *writer, size_t bytes_max);
void record_column_writer_done(struct record_column_writer *writer);
void record_column_write(struct record_column_writer *writer, uint64_t number);
/* Writes out the last bits. Nothing may be written behind them. */
void record_column_finish(struct record_column_writer *writer);

struct record_column_reader {
    struct str classes, bits;
    /* private */
    size_t class_at;
    uint64_t bit_at;
};

/* Reads, or with NULL passes over, the next `count` numbers; false when they are not there. */
MUST_CHECK bool record_column_read(struct record_column_reader *reader, size_t count,
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
 * coded without one. */
enum { RECORD_RATIO_ONE = 256, RECORD_RATIO_MAX = 1 << 20 };
#define RECORD_PREDICTOR_MAX (INT64_C(1) << 40)

static inline int64_t record_predict(int64_t predictor, uint32_t ratio, bool is_scaled)
{
    int64_t number = predictor * (int64_t)ratio / RECORD_RATIO_ONE;
    return is_scaled ? record_scale(number) : number;
}

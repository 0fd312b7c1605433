/* Numbers to bits and back. Called for each column of each part of a record, by whoever seals or
 * reads; holds nothing but constants. */

#include "aggregator/record_column.h"

#include <assert.h>

enum {
    BITS_A_BYTE = 8,
    /* The means: as they are kept, where they begin, and how they follow. */
    MEAN_POWER = 4,
    MEAN_FIRST = 4 << MEAN_POWER,
    MEAN_FIRST_IN_RUNS = 1 << MEAN_POWER,
    MEAN_RATE = 3,
    MEAN_NUMBER_POWER = 40, /* whatever is larger counts as this */
    /* What is too far from its mean stands as it is. */
    ESCAPE = 24,
    WIDTH_BITS = 6,
    /* Bits that a read of eight bytes has at any place. */
    WORD_BITS = 56,
};

static uint32_t power_of(uint64_t number)
{
    return 63 - (uint32_t)__builtin_clzll(number);
}

/* --- The scale ------------------------------------------------------------------------------- */

enum { STEPS = 32, STEPS_POWER = 5 };

int64_t record_scale(int64_t number)
{
    uint64_t size = number < 0 ? -(uint64_t)number : (uint64_t)number;
    if (size < 2 * STEPS)
        return number;
    uint32_t shift = power_of(size) - STEPS_POWER;
    /* Rounding up may reach the next power, whose first step is the place that follows. */
    int64_t place =
        (int64_t)(STEPS * (uint64_t)shift + ((size + (UINT64_C(1) << (shift - 1))) >> shift));
    return number < 0 ? -place : place;
}

int64_t record_unscale(int64_t place)
{
    uint64_t size = place < 0 ? -(uint64_t)place : (uint64_t)place;
    if (size < 2 * STEPS)
        return place;
    uint32_t shift = (uint32_t)(size / STEPS) - 1;
    int64_t number = (int64_t)((size % STEPS + STEPS) << shift);
    return place < 0 ? -number : number;
}

/* --- The mean -------------------------------------------------------------------------------- */

struct mean {
    int64_t value;
    uint32_t rate;
};

static inline uint32_t low_bits_of(const struct mean *mean)
{
    uint64_t half = (uint64_t)mean->value >> (MEAN_POWER + 1);
    return half == 0 ? 0 : power_of(half) + 1;
}

static inline void follow(struct mean *mean, uint64_t number)
{
    const uint64_t max = UINT64_C(1) << MEAN_NUMBER_POWER;
    int64_t seen = (int64_t)((number < max ? number : max) << MEAN_POWER);
    mean->value += (seen - mean->value) >> mean->rate;
    mean->rate += mean->rate < MEAN_RATE;
}

static const struct mean MEAN = {MEAN_FIRST, 1}, MEAN_IN_RUNS = {MEAN_FIRST_IN_RUNS, 1};

/* --- Writing --------------------------------------------------------------------------------- */

void record_column_writer_init(struct record_column_writer *writer, size_t bytes_max)
{
    *writer = (struct record_column_writer){.pending_bits = 0};
    buf_init(&writer->bits, bytes_max);
}

void record_column_writer_done(struct record_column_writer *writer)
{
    buf_done(&writer->bits);
}

void record_column_finish(struct record_column_writer *writer)
{
    if (writer->pending_bits > 0)
        buf_append_byte(&writer->bits, (uint8_t)writer->pending);
    writer->pending = 0;
    writer->pending_bits = 0;
}

static void write_bits(struct record_column_writer *writer, uint64_t bits, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        writer->pending |= (bits >> i & 1) << writer->pending_bits++;
        if (writer->pending_bits == BITS_A_BYTE)
            record_column_finish(writer);
    }
}

/* The bits of a number; writes them unless there is no writer. */
static uint64_t put(struct record_column_writer *writer, struct mean *mean, uint64_t number)
{
    const uint64_t one = 1;
    uint32_t low = low_bits_of(mean);
    uint64_t quotient = number >> low;
    follow(mean, number);
    if (quotient < ESCAPE) {
        if (writer != NULL) {
            write_bits(writer, (one << quotient) - 1, (uint32_t)quotient + 1);
            write_bits(writer, number, low);
        }
        return quotient + 1 + low;
    }
    uint32_t width = power_of(number) + 1;
    if (writer != NULL) {
        write_bits(writer, (one << ESCAPE) - 1, ESCAPE);
        write_bits(writer, width - 1, WIDTH_BITS);
        write_bits(writer, number, width);
    }
    return ESCAPE + WIDTH_BITS + width;
}

static uint64_t put_column(struct record_column_writer *writer, const uint64_t *numbers,
                           size_t count, bool in_runs)
{
    struct mean mean = MEAN, ends = MEAN_IN_RUNS;
    uint64_t bits = 0, zeros = 0;
    for (size_t i = 0; i < count; i++) {
        if (!in_runs) {
            bits += put(writer, &mean, numbers[i]);
        } else if (numbers[i] == 0) {
            zeros++;
        } else {
            bits += put(writer, &mean, zeros) + put(writer, &ends, numbers[i] - 1);
            zeros = 0;
        }
    }
    return zeros == 0 ? bits : bits + put(writer, &mean, zeros);
}

void record_column_write(struct record_column_writer *writer, const uint64_t *numbers, size_t count,
                         bool in_runs)
{
    (void)put_column(writer, numbers, count, in_runs);
}

uint64_t record_column_cost(const uint64_t *numbers, size_t count, bool in_runs)
{
    return put_column(NULL, numbers, count, in_runs);
}

/* --- Reading --------------------------------------------------------------------------------- */

/* The bits from a place on, WORD_BITS at the least; zeros behind the end. */
static inline uint64_t word_at(struct str bytes, uint64_t bit_at)
{
    size_t at = (size_t)(bit_at / BITS_A_BYTE);
    uint64_t word = 0;
    if (at + sizeof(word) <= bytes.len) {
        memcpy(&word, bytes.ptr + at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
    } else {
        for (size_t i = at; i < bytes.len; i++)
            word |= (uint64_t)(uint8_t)bytes.ptr[i] << BITS_A_BYTE * (i - at);
    }
    return word >> bit_at % BITS_A_BYTE;
}

static inline uint64_t low_bits(uint64_t word, uint32_t count)
{
    return word & ((UINT64_C(1) << count) - 1);
}

static uint64_t take_escaped(struct record_column_reader *reader)
{
    uint64_t word = word_at(reader->bits, reader->bit_at);
    uint32_t width = (uint32_t)low_bits(word, WIDTH_BITS) + 1, half = width / 2;
    uint64_t number = low_bits(word_at(reader->bits, reader->bit_at + WIDTH_BITS), half);
    reader->bit_at += WIDTH_BITS + half;
    number |= low_bits(word_at(reader->bits, reader->bit_at), width - half) << half;
    reader->bit_at += width - half;
    return number;
}

static inline uint64_t take(struct record_column_reader *reader, struct mean *mean)
{
    uint32_t low = low_bits_of(mean);
    uint64_t number, word = word_at(reader->bits, reader->bit_at);
    uint32_t quotient = (uint32_t)__builtin_ctzll(~word | UINT64_C(1) << ESCAPE);
    if (quotient == ESCAPE) {
        reader->bit_at += ESCAPE;
        number = take_escaped(reader);
    } else {
        uint32_t bits = quotient + 1 + low;
        word = bits <= WORD_BITS ? word >> (quotient + 1)
                                 : word_at(reader->bits, reader->bit_at + quotient + 1);
        number = (uint64_t)quotient << low | low_bits(word, low);
        reader->bit_at += bits;
    }
    follow(mean, number);
    return number;
}

/* False when more zeros are told of than there are numbers. */
static bool take_runs(struct record_column_reader *reader, size_t count, uint64_t *ret_numbers)
{
    struct mean mean = MEAN, ends = MEAN_IN_RUNS;
    for (size_t i = 0; i < count; i++) {
        uint64_t zeros = take(reader, &mean);
        if (zeros > count - i)
            return false;
        memset(ret_numbers + i, 0, (size_t)zeros * sizeof(*ret_numbers));
        i += (size_t)zeros;
        if (i < count)
            ret_numbers[i] = take(reader, &ends) + 1;
    }
    return true;
}

bool record_column_read(struct record_column_reader *reader, size_t count, bool in_runs,
                        uint64_t *ret_numbers)
{
    struct record_column_reader from = *reader; /* in registers */
    struct mean mean = MEAN;
    if (in_runs) {
        if (!take_runs(&from, count, ret_numbers))
            return false;
    } else {
        for (size_t i = 0; i < count; i++)
            ret_numbers[i] = take(&from, &mean);
    }
    if (from.bit_at > BITS_A_BYTE * (uint64_t)from.bits.len)
        return false;
    reader->bit_at = from.bit_at;
    return true;
}

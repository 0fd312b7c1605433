/* Numbers to classes and bits, and back. Called for each column of each part of a record, by
 * whoever seals or reads; holds nothing but constants. */

#include "aggregator/record_column.h"

#include <assert.h>

enum { SMALL = 16, SMALL_POWER = 4, BITS_A_BYTE = 8 };

static uint32_t power_of(uint64_t number)
{
    return 63 - (uint32_t)__builtin_clzll(number);
}

/* The bits that a class leaves open, and the number with all of them zero. */
static inline uint32_t class_bits(uint32_t class)
{
    return class < SMALL ? 0 : (class - SMALL) / 4 + SMALL_POWER - 2;
}

static inline uint64_t class_base(uint32_t class)
{
    return class < SMALL ? class : (UINT64_C(4) | (class & 3)) << class_bits(class);
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

/* --- Writing --------------------------------------------------------------------------------- */

void record_column_writer_init(struct record_column_writer *writer, size_t bytes_max)
{
    *writer = (struct record_column_writer){.pending_bits = 0};
    buf_init(&writer->classes, bytes_max);
    buf_init(&writer->bits, bytes_max);
}

void record_column_writer_done(struct record_column_writer *writer)
{
    buf_done(&writer->classes);
    buf_done(&writer->bits);
}

static void write_bits(struct record_column_writer *writer, uint64_t bits, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        writer->pending |= (bits >> i & 1) << writer->pending_bits++;
        if (writer->pending_bits == BITS_A_BYTE)
            record_column_finish(writer);
    }
}

void record_column_write(struct record_column_writer *writer, uint64_t number)
{
    uint32_t class = (uint32_t)number;
    if (number >= SMALL) {
        uint32_t power = power_of(number);
        class = SMALL + 4 * (power - SMALL_POWER) + (uint32_t)(number >> (power - 2) & 3);
    }
    buf_append_byte(&writer->classes, (uint8_t) class);
    write_bits(writer, number - class_base(class), class_bits(class));
}

void record_column_finish(struct record_column_writer *writer)
{
    if (writer->pending_bits > 0)
        buf_append_byte(&writer->bits, (uint8_t)writer->pending);
    writer->pending = 0;
    writer->pending_bits = 0;
}

/* --- Reading --------------------------------------------------------------------------------- */

/* Up to 62 bits at a place that is known to be within the bytes. */
static uint64_t read_bits(struct str bytes, uint64_t bit_at, uint32_t count)
{
    size_t at = (size_t)(bit_at / BITS_A_BYTE);
    uint32_t shift = (uint32_t)(bit_at % BITS_A_BYTE);
    uint64_t mask = (UINT64_C(1) << count) - 1;
    if (at + 8 <= bytes.len && shift + count <= 64) {
        uint64_t word;
        memcpy(&word, bytes.ptr + at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        return word >> shift & mask;
    }
    uint64_t value = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bit = bit_at + i;
        value |= (uint64_t)((uint8_t)bytes.ptr[bit / BITS_A_BYTE] >> bit % BITS_A_BYTE & 1) << i;
    }
    return value;
}

bool record_column_read(struct record_column_reader *reader, size_t count, uint64_t *ret_numbers)
{
    if (count > reader->classes.len - reader->class_at)
        return false;
    const uint8_t *classes = (const uint8_t *)reader->classes.ptr + reader->class_at;
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++)
        bits += class_bits(classes[i]);
    if (bits > BITS_A_BYTE * (uint64_t)reader->bits.len - reader->bit_at)
        return false;
    uint64_t at = reader->bit_at;
    for (size_t i = 0; ret_numbers != NULL && i < count; i++) {
        ret_numbers[i] = classes[i];
        if (classes[i] < SMALL)
            continue;
        uint32_t open = class_bits(classes[i]);
        ret_numbers[i] = class_base(classes[i]) | read_bits(reader->bits, at, open);
        at += open;
    }
    reader->class_at += count;
    reader->bit_at += bits;
    return true;
}

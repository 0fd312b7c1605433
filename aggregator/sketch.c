/* HyperLogLog in Redis's own encoding, with registers from SipHash.
 *
 * Called by the collector (a cell's key, a visitor's register) and by the aggregator (encoding,
 * estimates). Pure: no state, no I/O. A HYLL string is
 *
 *   0 "HYLL"   4 encoding: 0 dense, 1 sparse   5 three bytes, zero
 *   8 cached cardinality, little endian; its top bit says that it is stale, and ours always is
 *  16 dense:  16384 registers of 6 bits, lowest bits first
 *     sparse: 00xxxxxx            x+1 registers of zero           (1..64)
 *             01xxxxxx yyyyyyyy   xy+1 registers of zero          (1..16384)
 *             1vvvvvxx            x+1 registers of the value v+1  (1..4, values 1..32)
 *
 * Example: one register, index 5, rank 3, is the sparse string
 *   48 59 4c 4c 01 00 00 00  00 00 00 00 00 00 00 80  04 88 7f f9
 * five zeros, one 3, 16378 zeros.
 *
 * The stale bit matters: without it PFCOUNT would believe our zero. */

#include "aggregator/sketch.h"

#include <assert.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>

enum {
    HEADER_BYTES = 16,
    ENCODING_AT = 4,
    STALE_AT = 15,
    STALE_BIT = 0x80,
    DENSE = 0,
    SPARSE = 1,
    INDEX_BITS = 14,
    RANK_BITS = 6,
    HASH_BITS = 64 - INDEX_BITS,
    ZERO_RUN_MAX = 64,
    VALUE_RUN_MAX = 4,
    SPARSE_RANK_MAX = 32,
};
static_assert(SKETCH_REGISTERS == 1 << INDEX_BITS, "an index has 14 bits");
static_assert(SKETCH_RANK_MAX == HASH_BITS + 1, "a hash of zeros has the highest rank");
static_assert(SKETCH_KEY_BYTES == crypto_shorthash_siphashx24_KEYBYTES, "SipHash's key");
static_assert(SKETCH_KEY_BYTES == crypto_shorthash_siphashx24_BYTES, "a hash serves as a key");

/* No estimate of Redis's registers comes near it, but for the absurd sketch of all 51. */
static const double ESTIMATE_MAX = 9007199254740992.0;

/* --- Keys and registers ----------------------------------------------------------------------- */

void sketch_cell_key(const uint8_t day_key[SKETCH_KEY_BYTES], enum table table, struct str value,
                     uint8_t ret_key[SKETCH_KEY_BYTES])
{
    uint8_t cell[1 + VALUE_BYTES_MAX];
    assert(table < TABLE__COUNT && value.len <= VALUE_BYTES_MAX);
    cell[0] = (uint8_t)table;
    if (value.len > 0)
        memcpy(cell + 1, value.ptr, value.len);
    (void)crypto_shorthash_siphashx24(ret_key, cell, 1 + value.len, day_key);
}

static uint64_t from_little_endian(const uint8_t bytes[8])
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

static struct sketch_register register_of_hash(uint64_t hash)
{
    /* The bit past the hash's end bounds the count of zeros. */
    uint64_t rest = hash >> INDEX_BITS | UINT64_C(1) << HASH_BITS;
    return (struct sketch_register){.index = (uint16_t)(hash & (SKETCH_REGISTERS - 1)),
                                    .rank = (uint8_t)(1 + __builtin_ctzll(rest))};
}

struct sketch_register sketch_register_of(const uint8_t cell_key[SKETCH_KEY_BYTES], uint64_t tag)
{
    uint8_t in[8], out[crypto_shorthash_BYTES];
    for (int i = 0; i < 8; i++)
        in[i] = (uint8_t)(tag >> 8 * i);
    (void)crypto_shorthash(out, in, sizeof(in), cell_key);
    return register_of_hash(from_little_endian(out));
}

/* --- Encoding --------------------------------------------------------------------------------- */

static int compare_registers(const void *left, const void *right)
{
    const struct sketch_register *a = left, *b = right;
    if (a->index != b->index)
        return a->index < b->index ? -1 : 1;
    return (int)b->rank - (int)a->rank;
}

size_t sketch_sort(struct sketch_register *registers, size_t count)
{
    bool sorted = true;
    for (size_t i = 0; i < count; i++) {
        assert(registers[i].index < SKETCH_REGISTERS && registers[i].rank >= 1 &&
               registers[i].rank <= SKETCH_RANK_MAX);
        sorted = sorted && (i == 0 || compare_registers(&registers[i - 1], &registers[i]) < 0);
    }
    if (sorted)
        return count;
    qsort(registers, count, sizeof(*registers), compare_registers);
    size_t kept = 1;
    for (size_t i = 1; i < count; i++)
        if (registers[i].index != registers[kept - 1].index)
            registers[kept++] = registers[i];
    return kept;
}

static void append_header(struct buf *out, uint8_t encoding)
{
    uint8_t header[HEADER_BYTES] = {
        'H', 'Y', 'L', 'L', [ENCODING_AT] = encoding, [STALE_AT] = STALE_BIT};
    buf_append(out, header, sizeof(header));
}

/* Bytes of a sparse string on their way; `len` past the array means that dense is shorter. */
struct sparse {
    uint8_t bytes[SKETCH_DENSE_BYTES - HEADER_BYTES];
    size_t len;
};

static void sparse_put(struct sparse *sparse, unsigned byte)
{
    if (sparse->len < sizeof(sparse->bytes))
        sparse->bytes[sparse->len] = (uint8_t)byte;
    sparse->len++;
}

static void sparse_put_zeros(struct sparse *sparse, unsigned count)
{
    if (count == 0)
        return;
    if (count > ZERO_RUN_MAX)
        sparse_put(sparse, 0x40 | (count - 1) >> 8);
    sparse_put(sparse, (count - 1) & 0xff);
}

/* The sorted registers as runs; false where a rank or the length forbids it. */
static bool sparse_fill(struct sparse *sparse, const struct sketch_register *registers,
                        size_t count)
{
    unsigned next = 0; /* the first register that is not written yet */
    for (size_t i = 0; i < count;) {
        unsigned run = 1, rank = registers[i].rank;
        if (rank > SPARSE_RANK_MAX)
            return false;
        while (run < VALUE_RUN_MAX && i + run < count && registers[i + run].rank == rank &&
               registers[i + run].index == registers[i].index + run)
            run++;
        sparse_put_zeros(sparse, registers[i].index - next);
        sparse_put(sparse, 0x80 | (rank - 1) << 2 | (run - 1));
        next = registers[i].index + run;
        i += run;
        if (sparse->len >= sizeof(sparse->bytes))
            return false;
    }
    sparse_put_zeros(sparse, SKETCH_REGISTERS - next);
    return sparse->len < sizeof(sparse->bytes);
}

static void append_dense(struct buf *out, const struct sketch_register *registers, size_t count)
{
    uint8_t bytes[SKETCH_DENSE_BYTES - HEADER_BYTES] = {0};
    for (size_t i = 0; i < count; i++) {
        unsigned bit = registers[i].index * RANK_BITS;
        unsigned value = (unsigned)registers[i].rank << (bit & 7);
        bytes[bit / 8] |= (uint8_t)value;
        if (value > 0xff)
            bytes[bit / 8 + 1] |= (uint8_t)(value >> 8);
    }
    append_header(out, DENSE);
    buf_append(out, bytes, sizeof(bytes));
}

void sketch_encode(struct buf *out, struct sketch_register *registers, size_t count)
{
    count = sketch_sort(registers, count);
    struct sparse sparse = {.len = 0};
    if (!sparse_fill(&sparse, registers, count)) {
        append_dense(out, registers, count);
        return;
    }
    append_header(out, SPARSE);
    buf_append(out, sparse.bytes, sparse.len);
}

void sketch_encode_dense(struct buf *out, struct sketch_register *registers, size_t count)
{
    append_dense(out, registers, sketch_sort(registers, count));
}

/* --- Decoding --------------------------------------------------------------------------------- */

static bool decode_dense(const uint8_t *bytes, size_t len, uint8_t ranks[SKETCH_REGISTERS])
{
    if (len != SKETCH_DENSE_BYTES - HEADER_BYTES)
        return false;
    for (unsigned i = 0; i < SKETCH_REGISTERS; i++) {
        unsigned bit = i * RANK_BITS;
        unsigned pair = bytes[bit / 8];
        if (bit / 8 + 1 < len)
            pair |= (unsigned)bytes[bit / 8 + 1] << 8;
        ranks[i] = (uint8_t)(pair >> (bit & 7) & ((1 << RANK_BITS) - 1));
        if (ranks[i] > SKETCH_RANK_MAX)
            return false;
    }
    return true;
}

static bool decode_sparse(const uint8_t *bytes, size_t len, uint8_t ranks[SKETCH_REGISTERS])
{
    unsigned at = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned run, rank = 0, byte = bytes[i];
        if (byte >= 0x80) {
            run = (byte & 3) + 1;
            rank = (byte >> 2 & 31) + 1;
        } else if (byte >= 0x40) {
            if (++i == len)
                return false;
            run = ((byte & 0x3f) << 8 | bytes[i]) + 1;
        } else {
            run = byte + 1;
        }
        if (run > SKETCH_REGISTERS - at)
            return false;
        memset(ranks + at, (int)rank, run);
        at += run;
    }
    return at == SKETCH_REGISTERS;
}

bool sketch_decode(struct str hyll, uint8_t dense[SKETCH_REGISTERS])
{
    if (hyll.len < HEADER_BYTES || memcmp(hyll.ptr, "HYLL", 4) != 0)
        return false;
    const uint8_t *body = (const uint8_t *)hyll.ptr + HEADER_BYTES;
    size_t len = hyll.len - HEADER_BYTES;
    uint8_t ranks[SKETCH_REGISTERS];
    bool good;
    switch (hyll.ptr[ENCODING_AT]) {
    case DENSE:
        good = decode_dense(body, len, ranks);
        break;
    case SPARSE:
        good = decode_sparse(body, len, ranks);
        break;
    default:
        good = false;
    }
    if (!good)
        return false;
    for (unsigned i = 0; i < SKETCH_REGISTERS; i++)
        if (ranks[i] > dense[i])
            dense[i] = ranks[i];
    return true;
}

/* --- Estimating (Ertl 2017, algorithm 6) -------------------------------------------------------
 */

/* What the registers that are still zero add. */
static double sigma(double zeros)
{
    if (zeros == 1.0)
        return INFINITY;
    double power = 1.0, sum = zeros, before;
    do {
        zeros *= zeros;
        before = sum;
        sum += zeros * power;
        power += power;
    } while (sum != before);
    return sum;
}

/* What the registers that are full add. */
static double tau(double not_full)
{
    if (not_full == 0.0 || not_full == 1.0)
        return 0.0;
    double power = 1.0, sum = 1.0 - not_full, before;
    do {
        not_full = sqrt(not_full);
        before = sum;
        power *= 0.5;
        sum -= (1.0 - not_full) * (1.0 - not_full) * power;
    } while (sum != before);
    return sum / 3.0;
}

/* By how many registers have each rank. */
static uint64_t estimate_of_ranks(const unsigned with_rank[SKETCH_RANK_MAX + 1])
{
    static const double ALPHA = 0.721347520444481703680; /* 1 / (2 ln 2) */
    const double m = SKETCH_REGISTERS;
    double z = m * tau((m - with_rank[SKETCH_RANK_MAX]) / m);
    for (int rank = SKETCH_RANK_MAX - 1; rank >= 1; rank--) {
        z += with_rank[rank];
        z *= 0.5;
    }
    z += m * sigma(with_rank[0] / m);
    double estimate = ALPHA * m * m / z;
    return estimate < ESTIMATE_MAX ? (uint64_t)llround(estimate) : (uint64_t)ESTIMATE_MAX;
}

uint64_t sketch_estimate(const uint8_t dense[SKETCH_REGISTERS])
{
    unsigned with_rank[SKETCH_RANK_MAX + 1] = {0};
    for (unsigned i = 0; i < SKETCH_REGISTERS; i++) {
        assert(dense[i] <= SKETCH_RANK_MAX);
        with_rank[dense[i]]++;
    }
    return estimate_of_ranks(with_rank);
}

uint64_t sketch_estimate_of(const struct sketch_register *registers, size_t count)
{
    unsigned with_rank[SKETCH_RANK_MAX + 1] = {SKETCH_REGISTERS - (unsigned)count};
    for (size_t i = 0; i < count; i++)
        with_rank[registers[i].rank]++;
    return estimate_of_ranks(with_rank);
}

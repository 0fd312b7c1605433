/* Sketches at rest: refused and nothing is folded, or the same registers again after they were
 * encoded, dense or not.
 *
 * The first byte tells what is done to the rest. Bit 0: it gets a sketch's header. Bit 1: a dense
 * one's. Bit 2: it is filled up to a whole dense sketch. */

#include "tests/fuzz/fuzz.h"

#include "aggregator/sketch.h"

#include <assert.h>
#include <string.h>

enum { ADD_HEADER = 1, IS_DENSE = 2, FILL_UP = 4 };

static void check_same(struct str hyll, const uint8_t dense[SKETCH_REGISTERS])
{
    uint8_t again[SKETCH_REGISTERS] = {0};
    bool good = sketch_decode(hyll, again);
    assert(good && memcmp(again, dense, sizeof(again)) == 0);
}

static void check_encoding(const uint8_t dense[SKETCH_REGISTERS])
{
    static struct sketch_register registers[SKETCH_REGISTERS];
    struct buf out;
    size_t count = 0;
    for (unsigned i = SKETCH_REGISTERS; i-- > 0;)
        if (dense[i] > 0)
            registers[count++] = (struct sketch_register){(uint16_t)i, dense[i]};
    buf_init(&out, SKETCH_DENSE_BYTES);
    sketch_encode(&out, registers, count);
    check_same(buf_str(&out), dense);
    buf_reset(&out);
    sketch_encode_dense(&out, registers, count);
    assert(out.len == SKETCH_DENSE_BYTES);
    check_same(buf_str(&out), dense);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str rest = {(const char *)data, len};
    uint8_t flags = fuzz_take_byte(&rest);
    struct buf hyll;
    buf_init(&hyll, len + SKETCH_DENSE_BYTES);
    if (flags & ADD_HEADER) {
        buf_append_str(&hyll, STR_LIT("HYLL"));
        buf_append_byte(&hyll, (flags & IS_DENSE) ? 0 : 1);
        buf_append_str(&hyll, STR_LIT("\0\0\0\0\0\0\0\0\0\0\x80"));
    }
    buf_append_str(&hyll, rest);
    while ((flags & FILL_UP) && hyll.len < SKETCH_DENSE_BYTES)
        buf_append_byte(&hyll, 0);

    uint8_t before[SKETCH_REGISTERS] = {0}, dense[SKETCH_REGISTERS] = {0};
    before[0] = dense[0] = 2;
    if (sketch_decode(buf_str(&hyll), dense)) {
        assert(dense[0] >= 2);
        assert(sketch_estimate(dense) >= sketch_estimate(before));
        check_encoding(dense);
    } else {
        assert(memcmp(before, dense, sizeof(before)) == 0);
    }
    buf_done(&hyll);
    return 0;
}

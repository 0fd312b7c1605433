#pragma once

/* The entry that libFuzzer and replay.c call: one input, any bytes. Returns 0; a broken promise
 * aborts. And what targets cut their input with. */

#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Cuts a line off *rest, without its newline; the rest when there is none. */
static inline struct str fuzz_take_line(struct str *rest)
{
    struct str line = str_prefix(*rest, str_find(*rest, '\n'));
    *rest = str_from_at(*rest, line.len + 1);
    return line;
}

/* Cuts a byte off *rest; 0 at its end. */
static inline uint8_t fuzz_take_byte(struct str *rest)
{
    uint8_t byte = rest->len == 0 ? 0 : (uint8_t)rest->ptr[0];
    *rest = str_from_at(*rest, 1);
    return byte;
}

/* A number of so many bytes, little endian. */
static inline uint64_t fuzz_take_number(struct str *rest, unsigned bytes)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes; i++)
        number |= (uint64_t)fuzz_take_byte(rest) << 8 * i;
    return number;
}

/* Cuts `len` bytes off *rest, as far as there are so many. */
static inline struct str fuzz_take_bytes(struct str *rest, size_t len)
{
    struct str bytes = str_prefix(*rest, len);
    *rest = str_from_at(*rest, len);
    return bytes;
}

/* CRC-32C: by the processor's own instruction where it has one, else by half bytes from a table of
 * sixteen. Debian's only C library with it is one for erasure codes (ISA-L), which would be a whole
 * dependency of every build for these few lines. */

#include "common/crc32c.h"

#include <stdbool.h>
#include <string.h>

/* What the reflected polynomial 0x82f63b78 makes of each half byte. */
static const uint32_t HALF_BYTE[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

static uint32_t by_table(uint32_t crc, const uint8_t *ptr, size_t len)
{
    for (; len > 0; ptr++, len--) {
        crc ^= *ptr;
        crc = crc >> 4 ^ HALF_BYTE[crc & 15];
        crc = crc >> 4 ^ HALF_BYTE[crc & 15];
    }
    return crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

static bool has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2") != 0;
}

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *ptr,
                                                                 size_t len)
{
    uint64_t wide = crc;
    for (; len >= sizeof(uint64_t); ptr += sizeof(uint64_t), len -= sizeof(uint64_t)) {
        uint64_t eight;
        memcpy(&eight, ptr, sizeof(eight));
        wide = _mm_crc32_u64(wide, eight);
    }
    crc = (uint32_t)wide;
    for (; len > 0; ptr++, len--)
        crc = _mm_crc32_u8(crc, *ptr);
    return crc;
}
#else
static bool has_instruction(void)
{
    return false;
}

static uint32_t by_instruction(uint32_t crc, const uint8_t *ptr, size_t len)
{
    return by_table(crc, ptr, len);
}
#endif

uint32_t crc32c(uint32_t crc, const void *ptr, size_t len)
{
    return has_instruction() ? ~by_instruction(~crc, ptr, len) : crc32c_portable(crc, ptr, len);
}

uint32_t crc32c_portable(uint32_t crc, const void *ptr, size_t len)
{
    return ~by_table(~crc, ptr, len);
}

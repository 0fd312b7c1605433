/* A packed string is a byte 0xc3, the length of what follows, that of what it becomes, and LZF's
 * data: runs of bytes as they are, and references to what was unpacked already. Layout: Redis 7.0,
 * src/rdb.c and src/lzf_d.c. For `footfall audit`, which looks for what may not be there, so a
 * string too many is of no harm. */

#include "cli/lzf.h"

#include <stdbool.h>
#include <stdint.h>

enum { PACKED = 0xc3, LITERALS = 32, LONG_REFERENCE = 7 };

/* A length of the snapshot's format, cut off *s. */
static bool take_length(struct str *s, size_t *ret_len)
{
    const uint8_t *p = (const uint8_t *)s->ptr;
    size_t bytes;
    if (s->len >= 1 && p[0] < 0x40) {
        *ret_len = p[0];
        bytes = 1;
    } else if (s->len >= 2 && p[0] < 0x80) {
        *ret_len = (size_t)(p[0] & 0x3f) << 8 | p[1];
        bytes = 2;
    } else if (s->len >= 5 && p[0] == 0x80) {
        *ret_len = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
        bytes = 5;
    } else {
        return false;
    }
    *s = str_from_at(*s, bytes);
    return true;
}

/* One reference; false when it goes out of what is there. */
static bool copy_reference(const uint8_t *p, size_t left, size_t *ret_used, size_t len,
                           struct buf *room)
{
    size_t used = 1, count = p[0] >> 5;
    if (count == LONG_REFERENCE) {
        if (left < 3)
            return false;
        count += p[used++];
    }
    if (used >= left)
        return false;
    size_t back = ((size_t)(p[0] & 0x1f) << 8 | p[used++]) + 1;
    count += 2;
    if (back > room->len || count > len - room->len)
        return false;
    for (; count > 0; count--)
        buf_append_byte(room, (uint8_t)room->ptr[room->len - back]);
    *ret_used = used;
    return true;
}

/* True when just `len` bytes came of it. */
static bool unpack(struct str packed, size_t len, struct buf *room)
{
    buf_reset(room);
    while (packed.len > 0) {
        const uint8_t *p = (const uint8_t *)packed.ptr;
        size_t used = 1 + (size_t)p[0] + 1;
        if (p[0] < LITERALS) {
            if (used > packed.len || used - 1 > len - room->len)
                return false;
            buf_append(room, p + 1, used - 1);
        } else if (!copy_reference(p, packed.len, &used, len, room)) {
            return false;
        }
        packed = str_from_at(packed, used);
    }
    return room->len == len && !room->overflow;
}

void lzf_each(struct str bytes, struct buf *room, lzf_unpacked *unpacked, void *data)
{
    for (;;) {
        size_t at = str_find(bytes, (char)PACKED), packed_len, len;
        if (at == bytes.len)
            return;
        bytes = str_from_at(bytes, at + 1);
        struct str rest = bytes;
        if (take_length(&rest, &packed_len) && take_length(&rest, &len) && packed_len < len &&
            packed_len <= rest.len && len <= room->bytes_max &&
            unpack(str_prefix(rest, packed_len), len, room))
            unpacked(buf_str(room), data);
    }
}

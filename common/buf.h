#pragma once

/* A growable byte buffer that cannot be made without a cap.
 *
 * Appending past the cap sets `overflow` and drops that append; every later append is dropped too,
 * so a caller may append freely and check once at the end. Running out of memory aborts. */

#include <stdint.h>

#include "common/macros.h"
#include "common/str.h"

struct buf {
    char *ptr;
    size_t len;
    size_t capacity;
    size_t bytes_max;
    bool overflow;
};

void buf_init(struct buf *buf, size_t bytes_max);
void buf_done(struct buf *buf);
/* Forgets the content, keeps the memory and the cap. */
void buf_reset(struct buf *buf);

void buf_append(struct buf *buf, const void *ptr, size_t len);
void buf_append_str(struct buf *buf, struct str s);
void buf_append_byte(struct buf *buf, uint8_t byte);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* So many bytes, little endian. */
void buf_append_number(struct buf *buf, uint64_t value, size_t bytes);
/* In decimal: where many are written, printf() takes most of the time. */
void buf_append_int(struct buf *buf, int64_t value);
/* LEB128: seven bits a byte, low bits first. */
void buf_append_varint(struct buf *buf, uint64_t value);

static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->len == 0 ? "" : buf->ptr, buf->len};
}

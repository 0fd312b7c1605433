/* A copy of the site list of any bytes: refused, or a list that is the same after being written and
 * read again.
 *
 * Of an input the first byte tells what is done to the rest. Bit 0: length and checksum are put
 * right, since no mutation finds them by itself. */

#include "tests/fuzz/fuzz.h"

#include "collector/site_copy.h"
#include "common/crc32c.h"

#include <assert.h>
#include <stdlib.h>

enum { FIX = 1, LENGTH_AT = 16 };

static void put(char *bytes, uint64_t value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(value >> 8 * i);
}

static void fix(char *bytes, size_t len)
{
    if (len < SITE_COPY_HEADER_BYTES + SITE_COPY_CRC_BYTES)
        return;
    put(bytes + LENGTH_AT, len, 8);
    len -= SITE_COPY_CRC_BYTES;
    put(bytes + len, crc32c(0, bytes, len), SITE_COPY_CRC_BYTES);
}

static void encode(struct buf *out, const struct site_list *list, int64_t written_ms)
{
    buf_init(out, SITE_COPY_BYTES_MAX);
    site_copy_encode(out, list, written_ms);
}

static void check_again(const struct site_list *list, int64_t written_ms)
{
    struct buf first, second;
    struct site_list *again;
    int64_t again_ms;
    encode(&first, list, written_ms);
    enum site_copy_verdict verdict = site_copy_decode(buf_str(&first), &again, &again_ms);
    assert(verdict == SITE_COPY_GOOD && again_ms == written_ms);
    encode(&second, again, again_ms);
    assert(str_eq(buf_str(&first), buf_str(&second)));
    site_list_unref(again);
    buf_done(&first);
    buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str rest = {(const char *)data, len};
    struct site_list *list = NULL;
    int64_t written_ms;
    uint8_t flags = fuzz_take_byte(&rest);
    char *bytes = malloc(rest.len + 1);
    if (bytes == NULL)
        abort();
    memcpy(bytes, rest.ptr, rest.len);
    if ((flags & FIX) != 0)
        fix(bytes, rest.len);
    if (site_copy_decode((struct str){bytes, rest.len}, &list, &written_ms) == SITE_COPY_GOOD) {
        check_again(list, written_ms);
        site_list_unref(list);
    } else {
        assert(list == NULL);
    }
    free(bytes);
    return 0;
}

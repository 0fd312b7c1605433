/* A file of the spool of any bytes: a verdict, and never a record that was not written.
 *
 * Of an input the first byte tells what is done to the rest. Bit 0: checksums are put right
 * wherever a length leads, since no mutation finds one by itself. Bit 1: the file's name fits its
 * header. */

#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "collector/spool_format.h"
#include "common/crc32c.h"

enum { FIX_CHECKSUMS = 1, FIT_NAME = 2 };

static void put_crc(char *bytes, size_t len)
{
    uint32_t crc = crc32c(0, bytes, len);
    for (size_t i = 0; i < 4; i++)
        bytes[len + i] = (char)(crc >> 8 * i);
}

static void fix_checksums(char *bytes, size_t len)
{
    if (len < SPOOL_HEADER_BYTES)
        return;
    put_crc(bytes, SPOOL_HEADER_BYTES - 4);
    for (size_t at = SPOOL_HEADER_BYTES; at < len;) {
        uint32_t payload;
        if (!spool_record_head_decode((struct str){bytes + at, len - at}, &payload) ||
            payload > len - at || SPOOL_RECORD_FIXED_BYTES + payload > len - at)
            return;
        put_crc(bytes + at, SPOOL_RECORD_HEAD_BYTES + payload);
        at += SPOOL_RECORD_FIXED_BYTES + payload;
    }
}

static uint64_t get(const char *bytes, size_t at)
{
    uint64_t value = 0;
    for (size_t i = 8; i-- > 0;)
        value = value << 8 | (uint8_t)bytes[at + i];
    return value;
}

/* What is proven, written anew, is the same bytes. */
static void check_proven(const char *bytes, const struct spool_scan *scan, uint64_t writer,
                         uint64_t first)
{
    struct buf again;
    size_t at = SPOOL_HEADER_BYTES;
    buf_init(&again, scan->end + SPOOL_HEADER_BYTES);
    spool_header_encode(&again, writer, first, scan->created_ms);
    for (uint64_t i = 0; i < scan->records; i++) {
        struct spool_record_view record;
        bool is_good = spool_record_decode((struct str){bytes + at, scan->end - at}, &record);
        assert(is_good && record.writer == writer && record.number == first + i);
        spool_record_encode(&again, writer, first + i, record.payload);
        at += record.bytes;
    }
    assert(at == scan->end && again.len == at);
    /* The fields that are zero in every header so far are not looked at. */
    assert(memcmp(again.ptr + SPOOL_HEADER_BYTES, bytes + SPOOL_HEADER_BYTES,
                  at - SPOOL_HEADER_BYTES) == 0);
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    uint8_t flags = data[0];
    struct spool_scan scan, cut;
    uint64_t writer = 0x1122334455667788, first = 9;
    len--;
    char *bytes = malloc(len + (len == 0));
    if (bytes == NULL)
        abort();
    if (len > 0)
        memcpy(bytes, data + 1, len);
    if (flags & FIX_CHECKSUMS)
        fix_checksums(bytes, len);
    if ((flags & FIT_NAME) != 0 && len >= SPOOL_HEADER_BYTES) {
        writer = get(bytes, 16);
        first = get(bytes, 24);
    }
    spool_scan((struct str){bytes, len}, writer, first, &scan);
    assert(scan.verdict < SPOOL_VERDICT__COUNT && scan.end <= len);
    assert(scan.verdict != SPOOL_CLEAN || scan.end == len);
    if (scan.end > 0) {
        check_proven(bytes, &scan, writer, first);
        /* Cut where it is told to end, it is clean. */
        spool_scan((struct str){bytes, scan.end}, writer, first, &cut);
        assert(cut.verdict == SPOOL_CLEAN && cut.records == scan.records && cut.end == scan.end);
    } else {
        assert(scan.records == 0);
    }
    free(bytes);
    return 0;
}

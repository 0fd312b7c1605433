/* The bytes of a spool's segment, without any file: what the store writes and reads back, and how a
 * file that another process left is judged.
 *
 *   header │ record 9 │ record 10 │ rec          a write that did not end: TORN, cut after 10
 *   header │ record 9 │ ????????? │ record 11    good after bad: CORRUPT, 9 is proven, 11 is not
 *
 * A bad record at the very end cannot be told from a write that a crash cut short, whose blocks may
 * reach the disk in any order; such a write was never acknowledged. The same disorder inside a
 * group of several records can look like damage; then the alarm is false and nothing is lost. */

#include "collector/spool_format.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "common/crc32c.h"
#include "common/limits.h"

enum { WRITER_DIGITS = 16 };

static const struct str HEADER_MAGIC = {"FFSPOOL\n", 8};
static const struct str RECORD_MAGIC = {"FFr1", 4};

static void put_crc(struct buf *out, size_t from)
{
    buf_append_number(out, crc32c(0, out->ptr + from, out->len - from), 4);
}

void spool_header_encode(struct buf *out, uint64_t writer, uint64_t first, int64_t created_ms)
{
    size_t from = out->len;
    buf_append_str(out, HEADER_MAGIC);
    buf_append_number(out, SPOOL_VERSION, 4);
    buf_append_number(out, 0, 4);
    buf_append_number(out, writer, 8);
    buf_append_number(out, first, 8);
    buf_append_number(out, (uint64_t)created_ms, 8);
    buf_append_number(out, 0, 4);
    assert(!out->overflow);
    put_crc(out, from);
}

void spool_record_encode(struct buf *out, uint64_t writer, uint64_t number, struct str payload)
{
    assert(payload.len > 0 && payload.len <= SPOOL_PAYLOAD_BYTES_MAX);
    size_t from = out->len;
    buf_append_str(out, RECORD_MAGIC);
    buf_append_number(out, payload.len, 4);
    buf_append_number(out, writer, 8);
    buf_append_number(out, number, 8);
    buf_append_str(out, payload);
    assert(!out->overflow);
    put_crc(out, from);
}

bool spool_record_head_decode(struct str head, uint32_t *ret_len)
{
    if (head.len < SPOOL_RECORD_HEAD_BYTES || !str_starts_with(head, RECORD_MAGIC))
        return false;
    uint32_t len = (uint32_t)str_number(head, 4, 4);
    if (len == 0 || len > SPOOL_PAYLOAD_BYTES_MAX)
        return false;
    *ret_len = len;
    return true;
}

bool spool_record_decode(struct str bytes, struct spool_record_view *ret_record)
{
    uint32_t len;
    if (!spool_record_head_decode(bytes, &len) ||
        bytes.len - SPOOL_RECORD_HEAD_BYTES < (size_t)len + 4)
        return false;
    size_t crc_at = SPOOL_RECORD_HEAD_BYTES + (size_t)len;
    if (crc32c(0, bytes.ptr, crc_at) != str_number(bytes, crc_at, 4))
        return false;
    *ret_record = (struct spool_record_view){
        .writer = str_number(bytes, 8, 8),
        .number = str_number(bytes, 16, 8),
        .payload = {bytes.ptr + SPOOL_RECORD_HEAD_BYTES, len},
        .bytes = crc_at + 4,
    };
    return true;
}

/* --- Judging a file -------------------------------------------------------------------------- */

static bool header_is_good(struct str bytes)
{
    return bytes.len >= SPOOL_HEADER_BYTES && str_starts_with(bytes, HEADER_MAGIC) &&
           crc32c(0, bytes.ptr, SPOOL_HEADER_BYTES - 4) ==
               str_number(bytes, SPOOL_HEADER_BYTES - 4, 4);
}

/* What a crash can leave of a file that was just made: a part of the header, or zeros. */
static bool header_is_torn(struct str bytes)
{
    size_t zeros = 0;
    while (zeros < bytes.len && bytes.ptr[zeros] == '\0')
        zeros++;
    return bytes.len < SPOOL_HEADER_BYTES || zeros == bytes.len;
}

/* Looks for good records of the writer anywhere from `at` on. Bytes that were made so that every
 * place looks like a record would take the square of their length; past a bound on the work the
 * answer is that there is something, which never leads to a guess. */
static uint64_t count_later(struct str bytes, size_t at, uint64_t writer)
{
    uint64_t found = 0;
    size_t budget = 4 * bytes.len + SPOOL_PAYLOAD_BYTES_MAX;
    while (at < bytes.len) {
        struct str rest = str_from_at(bytes, at);
        const char *next = memmem(rest.ptr, rest.len, RECORD_MAGIC.ptr, RECORD_MAGIC.len);
        if (next == NULL)
            break;
        at = (size_t)(next - bytes.ptr);
        rest = str_from_at(bytes, at);
        struct spool_record_view record;
        uint32_t len;
        if (spool_record_head_decode(rest, &len) && len < rest.len) {
            if (len > budget)
                return found + 1;
            budget -= len;
        }
        bool is_good = spool_record_decode(rest, &record) && record.writer == writer;
        found += is_good;
        at += is_good ? record.bytes : 1;
    }
    return found;
}

void spool_scan(struct str bytes, uint64_t writer, uint64_t first, struct spool_scan *ret_scan)
{
    struct spool_scan scan = {.verdict = SPOOL_CLEAN};
    size_t at = 0;
    bool is_misplaced = false;
    if (header_is_good(bytes)) {
        scan.created_ms = (int64_t)str_number(bytes, 32, 8);
        if (str_number(bytes, 8, 4) != SPOOL_VERSION) {
            *ret_scan = (struct spool_scan){.verdict = SPOOL_FOREIGN};
            return;
        }
        is_misplaced = str_number(bytes, 16, 8) != writer || str_number(bytes, 24, 8) != first;
        at = is_misplaced ? 0 : SPOOL_HEADER_BYTES;
    }
    scan.end = at;
    struct spool_record_view record;
    while (at > 0 && spool_record_decode(str_from_at(bytes, at), &record)) {
        is_misplaced = record.writer != writer || record.number != first + scan.records;
        if (is_misplaced)
            break;
        scan.records++;
        scan.end = at += record.bytes;
    }
    if (at == 0 || at < bytes.len) {
        scan.later = count_later(bytes, at, writer);
        bool is_damaged = is_misplaced || scan.later > 0 || (at == 0 && !header_is_torn(bytes));
        scan.verdict = is_damaged ? SPOOL_CORRUPT : SPOOL_TORN;
    }
    *ret_scan = scan;
}

/* --- Names ----------------------------------------------------------------------------------- */

void spool_name_format(char name[SPOOL_NAME_BYTES], uint64_t writer, uint64_t first, bool is_heir)
{
    snprintf(name, SPOOL_NAME_BYTES, "%016" PRIx64 "-%" PRIu64 ".%s", writer, first,
             is_heir ? "heir" : "seg");
}

static bool parse_digits(struct str digits, unsigned base, uint64_t *ret_value)
{
    static const char DIGITS[] = "0123456789abcdef";
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        const char *digit = memchr(DIGITS, digits.ptr[i], base);
        if (digit == NULL)
            return false;
        value = value * base + (uint64_t)(digit - DIGITS);
    }
    *ret_value = value;
    return digits.len > 0;
}

bool spool_name_parse(const char *name, uint64_t *ret_writer, uint64_t *ret_first,
                      bool *ret_is_heir)
{
    enum { NUMBER_DIGITS_MAX = 16 }; /* far past 2^53, where the log's numbers end */
    struct str all = str_from(name);
    struct str tail = str_from_at(all, WRITER_DIGITS + 1);
    size_t dot = str_find(tail, '.');
    struct str ending = str_from_at(tail, dot);
    bool is_heir = str_eq(ending, STR_LIT(".heir"));
    uint64_t writer, first;
    if ((!is_heir && !str_eq(ending, STR_LIT(".seg"))) || name[WRITER_DIGITS] != '-' ||
        dot > NUMBER_DIGITS_MAX || tail.ptr[0] == '0' ||
        !parse_digits(str_prefix(all, WRITER_DIGITS), 16, &writer) ||
        !parse_digits(str_prefix(tail, dot), 10, &first))
        return false;
    *ret_writer = writer;
    *ret_first = first;
    *ret_is_heir = is_heir;
    return true;
}

uint64_t spool_heir(uint64_t writer, uint64_t number)
{
    char text[64];
    unsigned char hash[crypto_generichash_BYTES_MIN];
    int len = snprintf(text, sizeof(text), "footfall heir %016" PRIx64 " %" PRIu64, writer, number);
    (void)crypto_generichash(hash, sizeof(hash), (const unsigned char *)text,
                             (unsigned long long)len, NULL, 0);
    return str_number((struct str){(const char *)hash, sizeof(hash)}, 0, 8);
}

#pragma once

/* The bytes of a spool's segment: written, and judged. Pure.
 *
 * A segment is a run of consecutive numbers of one writer: a header, then records. All numbers are
 * little endian.
 *
 *   header, 48 bytes                          record, 28 bytes and the payload
 *    0  8  "FFSPOOL\n"                         0  4  "FFr1"
 *    8  4  version, 1                          4  4  length of the payload, at least 1
 *   12  4  zero                                8  8  writer
 *   16  8  writer                             16  8  number
 *   24  8  number of the first record         24  n  payload
 *   32  8  created, ms since 1970           24+n  4  CRC-32C of all before in the record
 *   40  4  zero
 *   44  4  CRC-32C of the 44 bytes before
 *
 * A record carries no time: on a quiet site a batch may be one view.
 *
 * Example: writer 0x1122334455667788, created 2026-11-23T10:00:00Z, batch 9 with the payload "hi".
 *
 *   0000  46 46 53 50 4f 4f 4c 0a  01 00 00 00 00 00 00 00   FFSPOOL. version 1
 *   0010  88 77 66 55 44 33 22 11  09 00 00 00 00 00 00 00   writer, first number
 *   0020  00 21 d9 07 a2 01 00 00  00 00 00 00 e8 85 c2 42   created, CRC
 *   0030  46 46 72 31 02 00 00 00  88 77 66 55 44 33 22 11   FFr1, length 2, writer
 *   0040  09 00 00 00 00 00 00 00  68 69 6a 27 13 18         number, "hi", CRC */

#include <stdint.h>

#include "common/buf.h"

enum {
    SPOOL_VERSION = 1,
    SPOOL_HEADER_BYTES = 48,
    SPOOL_RECORD_HEAD_BYTES = 24,
    SPOOL_RECORD_FIXED_BYTES = SPOOL_RECORD_HEAD_BYTES + 4,
    SPOOL_NAME_BYTES = 48, /* of a file's name, with its NUL */
};

void spool_header_encode(struct buf *out, uint64_t writer, uint64_t first, int64_t created_ms);
/* The payload has 1 to SPOOL_PAYLOAD_BYTES_MAX bytes. */
void spool_record_encode(struct buf *out, uint64_t writer, uint64_t number, struct str payload);

struct spool_record_view {
    uint64_t writer, number;
    struct str payload; /* a slice of the bytes */
    size_t bytes;       /* of the whole record */
};

/* The payload's length from a record's first SPOOL_RECORD_HEAD_BYTES; false when they are none. */
MUST_CHECK bool spool_record_head_decode(struct str head, uint32_t *ret_len);
/* The record at the start of `bytes`, whole and with the right CRC. */
MUST_CHECK bool spool_record_decode(struct str bytes, struct spool_record_view *ret_record);

enum spool_verdict {
    SPOOL_CLEAN,
    SPOOL_TORN,    /* ends in bytes that are no record, and none follows: an unfinished write */
    SPOOL_CORRUPT, /* good records follow what is none, or the file is not what its name says */
    SPOOL_FOREIGN, /* a good header of another version */
    SPOOL_VERDICT__COUNT,
};

struct spool_scan {
    enum spool_verdict verdict;
    uint64_t records;   /* proven: the numbers first ... first + records - 1 */
    size_t end;         /* where the last of them ends; 0: not even the header is good */
    uint64_t later;     /* good records behind the first bad byte; none of them is to be believed */
    int64_t created_ms; /* 0 when the header is bad */
};

/* Judges a whole file against the writer and first number of its name. */
void spool_scan(struct str bytes, uint64_t writer, uint64_t first, struct spool_scan *ret_scan);

/* A file's name: "<writer, 16 hexadecimal digits>-<first number>.seg", or ".heir" once its records
 * go to the log under spool_heir(). */
void spool_name_format(char name[SPOOL_NAME_BYTES], uint64_t writer, uint64_t first, bool is_heir);
MUST_CHECK bool spool_name_parse(const char *name, uint64_t *ret_writer, uint64_t *ret_first,
                                 bool *ret_is_heir);

/* The writer as whose number 1 a batch goes to the log when the log has answered GAP to its own
 * name. Follows from that name alone, so that all copies of a batch have the same two names. */
uint64_t spool_heir(uint64_t writer, uint64_t number);

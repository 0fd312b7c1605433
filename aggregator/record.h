#pragma once

/* A sealed day (or month) of one site as bytes: written once, read a table at a time. Pure.
 *
 *   header, 168 bytes
 *     0  8  "FFDAYv1\n"
 *     8  1  version, 1
 *     9  1  what was applied: DAY_... bits
 *    10  2  k of the thresholds
 *    12  4  date, yyyymmdd, or yyyymm00
 *    16  4  where the month's names ended when it was sealed (record_names.h)
 *    20  4  the names' CRC there
 *    24 40  time zone, filled up with zeros
 *    64 96  length of each part, 3 bytes, 32 parts
 *   160  4  CRC-32C of the parts' CRCs
 *   164  4  CRC-32C of the 164 bytes before, which tells two records apart
 *   parts, in their order; their layout is in record_part.h
 *
 * All numbers are little endian. The header's size is fixed, so that a reader gets it with one
 * GETRANGE, and then the one part that it needs; nothing of the rest is read or decoded. Large
 * tables are a part each; small ones that are asked for together share one, because a part by
itself
 * costs some thirty bytes. Parts have checksums of their own. A reader whose part does not fit its
 * header may have met a record that was sealed again in between, and reads the header again.
 *
 * Example: 23 November 2026 in UTC; nothing applied; one view of one visit and visitor, in the
table
 * `total` alone, whose value is the empty one.
 *
 *   0000  46 46 44 41 59 76 31 0a  01 00 00 00 03 29 35 01   FFDAYv1, version, 20261123
 *   0010  19 00 00 00 b6 bd 81 53  55 54 43 00 ...           names end at 25, their CRC, "UTC"
 *   0040  18 00 00 00 ...                                    part 0 has 24 bytes, the others none
 *   00a0  f1 0c 86 f8 f8 7a 04 f4                            the parts' CRC, CRC
 *   00a8  00 12                                              part 0: a plain front of 18 bytes
 *   00aa  00 01                                              table 0, one row
 *   00ac  01 81 04 81 04 00 00 00  00 00 00 00               page views 1 + 2 * 0: as they are;
 *                                                            visits, visitors 513 = 1 + 2 * 256:
 *                                                            by the metric before; others absent
 *   00b8  00 01 00 00                                        classes: name 0; 1; distances 0 and 0
 *   00bc  72 33 90 15                                        no bits; CRC
 *
 * and the month's names, which make a chunk of 25 bytes:
 *
 *   0000  46 46 6e 31 0d 00 00 00  b6 bd 81 53               FFn1, payload of 13 bytes, CRC
 *   000c  28 b5 2f fd 20 04 21 00  00 00 01 00 ff            zstd: table 0, one name, of length 0
*/

#include "aggregator/day.h"
#include "aggregator/record_names.h"
#include "aggregator/record_part.h"

enum {
    RECORD_VERSION = 1,
    RECORD_HEADER_BYTES = 168,
    RECORD_PARTS = 32,
    /* Where four bytes are that change whenever anything of the record does: for GETRANGE. */
    RECORD_STAMP_AT = RECORD_HEADER_BYTES - 4,
    RECORD_STAMP_BYTES = 4,
};

enum record_status {
    RECORD_OK,
    RECORD_TRUNCATED,
    RECORD_NO_RECORD, /* other bytes altogether */
    RECORD_BAD_CHECKSUM,
    RECORD_UNKNOWN_VERSION,
    RECORD_BAD_HEADER, /* a good checksum, and numbers that cannot be */
    RECORD_BAD_NAMES,  /* the month's names are not those that it was sealed with */
    RECORD_BAD_PART,
    RECORD_STATUS__COUNT,
};
/* In words, for an operator. */
const char *record_status_text(enum record_status status);

/* Seals a day: appends the record to `out`, and to `names_out` what the month's names at rest lack
 * for it. Both belong together: a record is worth nothing without its names. Rows without a number
 * are left out. A table has at most RECORD_ROWS_MAX rows and a cross RECORD_CELLS_MAX cells
 * (threshold_fold_caps() sees to it). A day whose names are `month`'s own is left as it is. */
void record_encode(const struct day *day, struct record_names *month, struct buf *out,
                   struct buf *names_out);

/* A record's header. */
struct record {
    uint32_t date, applied, k;
    uint32_t names_end, names_crc;
    char timezone[DAY_TIMEZONE_BYTES_MAX];
    uint32_t starts[RECORD_PARTS + 1]; /* of each part in the record; the last is its end */
};

/* From the first RECORD_HEADER_BYTES or more. */
MUST_CHECK enum record_status record_open(struct str header, struct record *ret_record);

/* The part that a table or cross is in. */
uint32_t record_part_of_table(enum table table);
uint32_t record_part_of_cross(enum cross cross);
/* Where a part is in the record: for GETRANGE. False when the record has none, which means that
 * nothing was counted there. */
bool record_find_part(const struct record *record, uint32_t part, size_t *ret_at, size_t *ret_len);

/* Add what a part has of a table or cross to `day`, whose names are those of the record's month
 * (record_names_hold() is for the caller to ask, once). Metrics that are not wanted are left as
 * they are. Anything but RECORD_OK adds nothing. Many records of a month may be added to one day.
 */
MUST_CHECK enum record_status record_read_table(struct record_reader *reader,
                                                const struct record *record, struct str part,
                                                struct record_wanted wanted, struct day *day);
MUST_CHECK enum record_status record_read_cross(struct record_reader *reader,
                                                const struct record *record, struct str part,
                                                enum cross cross, struct day *day);

/* Adds all of a record to `day`, which has the names of `month`, with date, zone and flags.
 * Anything but RECORD_OK leaves a part of it. */
MUST_CHECK enum record_status record_decode(struct record_reader *reader, struct str bytes,
                                            const struct record_names *month, struct day *day);

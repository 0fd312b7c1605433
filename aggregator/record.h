#pragma once

/* A sealed day (or month) of one site as bytes: written once, read a table at a time. Pure.
 *
 *   header
 *     0  4  "FFdy"
 *     4  1  version, 2
 *     5  1  what was applied: DAY_... bits
 *     6  2  k of the thresholds
 *     8  4  date, yyyymmdd, or yyyymm00
 *    12  4  where the month's names ended when it was sealed (record_names.h)
 *    16  4  the names' CRC there
 *    20  4  CRC-32C of the parts' CRCs
 *    24  4  CRC-32C of the header's other bytes, which tells two records apart
 *    28  1  length of the header
 *    29  1  length of the time zone
 *        n  time zone
 *        1  number of parts, without those at the end that are empty
 *        v  varint length of each part
 *   parts, in their order; their layout is in record_part.h
 *
 * All numbers are little endian. No header is longer than RECORD_HEADER_BYTES_MAX, so that a reader
 * gets it with one GETRANGE, and then the one part that it needs; nothing of the rest is read or
 * decoded. Large tables are a part each; small ones that are asked for together share one, because
 * a part by itself costs some ten bytes. Parts have checksums of their own. A reader whose part
 * does not fit its header may have met a record that was sealed again in between, and reads the
 * header again.
 *
 * Example: 23 November 2026 in UTC; nothing applied; one view of one visit and visitor, in the
 * table `total` alone, whose value is the empty one.
 *
 *   0000  46 46 64 79 02 00 00 00  03 29 35 01               FFdy, version, 20261123
 *   000c  19 00 00 00 b6 bd 81 53                            names end at 25, their CRC
 *   0014  55 85 06 79 a3 98 2f 17                            the parts' CRC, CRC
 *   001c  23 03 55 54 43 01 13                               35 bytes, "UTC", one part of 19 bytes
 *   0023  01 00 04                                           part 0: one piece, table 0, one row
 *   0026  01 01 01 00 00 00 00 00  00 00                     page views, visits and visitors as
 *                                                            they are, others absent
 *   0030  90 04                                              name 0; 1; 1; 1, three bits each
 *   0032  6b 64 ef 5e                                        CRC
 *
 * and the month's names, which make a chunk of 25 bytes:
 *
 *   0000  46 46 6e 31 0d 00 00 00  b6 bd 81 53               FFn1, payload of 13 bytes, CRC
 *   000c  28 b5 2f fd 20 04 21 00  00 00 01 00 ff            zstd: table 0, one name, of length 0
 */

#include "aggregator/day.h"
#include "aggregator/record_names.h"
#include "aggregator/record_part.h"
#include "aggregator/record_sums.h"

enum {
    RECORD_VERSION = 2,
    /* No header is longer: for GETRANGE. */
    RECORD_HEADER_BYTES_MAX = 200,
    RECORD_PARTS = 32,
    /* Where four bytes are that change whenever anything of the record does: for GETRANGE. */
    RECORD_STAMP_AT = 24,
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
 * (threshold_fold_caps() sees to it). The day's names are not `month`'s own: those would be at rest
 * then as they came, and with them what was folded away. */
void record_encode(const struct day *day, struct record_names *month, struct buf *out,
                   struct buf *names_out);

/* A record's header. */
struct record {
    uint32_t date, applied, k;
    uint32_t names_end, names_crc;
    char timezone[DAY_TIMEZONE_BYTES_MAX];
    uint32_t starts[RECORD_PARTS + 1]; /* of each part in the record; the last is its end */
};

/* From the first RECORD_HEADER_BYTES_MAX, more, or all that there is. */
MUST_CHECK enum record_status record_open(struct str header, struct record *ret_record);

/* The part that a table or cross is in. */
uint32_t record_part_of_table(enum table table);
uint32_t record_part_of_cross(enum cross cross);
/* Where a part is in the record: for GETRANGE. False when the record has none, which means that
 * nothing was counted there. */
bool record_find_part(const struct record *record, uint32_t part, size_t *ret_at, size_t *ret_len);

/* Add what a part has of a table or cross to `day` or `sums`, whose names are those of the record's
 * month (record_names_hold() is for the caller to ask, once). Anything but RECORD_OK adds nothing.
 * Many records of a month may be added up. */
MUST_CHECK enum record_status record_read_table(struct record_reader *reader,
                                                const struct record *record, struct str part,
                                                enum table table, struct day *day);
MUST_CHECK enum record_status record_sum_table(struct record_reader *reader,
                                               const struct record *record, struct str part,
                                               struct record_sums *sums);
MUST_CHECK enum record_status record_read_cross(struct record_reader *reader,
                                                const struct record *record, struct str part,
                                                enum cross cross, struct day *day);

/* Adds all of a record to `day`, which has the names of `month`, with date, zone and flags.
 * Anything but RECORD_OK leaves a part of it. */
MUST_CHECK enum record_status record_decode(struct record_reader *reader, struct str bytes,
                                            const struct record_names *month, struct day *day);

#pragma once

/* A month's names at rest: the one string table that all its days' records share.
 *
 * Most bytes of a day that stood by itself would be names, the same as yesterday's: at 100,000
 * views a day more than half of the record. And a year of days whose names are the same small
 * numbers adds up by them, without hashing a single name. So a record says "page 17", and the month
 * says once what that is. A pack of a whole month of days was rejected: every close and late batch
 * would write the month anew.
 *
 * The bytes are chunks. A close appends one when its day has new names; nothing is ever changed:
 *
 *   0  4  "FFn1"
 *   4  4  length of the payload
 *   8  4  CRC-32C of the 8 bytes before and the payload, going on from the chunk before
 *  12  n  payload: one zstd frame, compressed with the names so far as its prefix, of
 *           groups: byte table, varint names, a varint length each; byte 0xff
 *           the texts in the same order
 *
 * A record tells where the names ended when it was sealed, and the CRC there. So bytes that are
 * missing, changed or another month's are found out, and more of them are no harm. Within a group
 * names of a chunk stand by weight, the heaviest first: then numbers nearby have counts nearby.
 *
 * Names live as long as their month: see docs/privacy.md. Pure; one thread. */

#include "aggregator/day_names.h"

enum { RECORD_NAMES_HEAD_BYTES = 12 };

/* Where a chunk ends, and the CRC there. */
struct record_names_place {
    uint32_t end, crc;
};

struct record_names {
    struct day_names names;
    uint32_t end, crc; /* of the bytes at rest */
    /* private */
    uint32_t sealed[TABLE__COUNT]; /* names of each group that are at rest */
    uint32_t place_count, place_capacity;
    struct record_names_place *places;
};

void record_names_init(struct record_names *month);
void record_names_done(struct record_names *month);

/* Reads the bytes at rest, or those behind month->end when some were read before. False when they
 * are damaged: the names are of no use then. */
MUST_CHECK bool record_names_read(struct record_names *month, struct str bytes);
/* Appends a chunk of the names that are not at rest yet; nothing when there are none. */
void record_names_write(struct record_names *month, struct buf *out);
/* True when a record's names, which ended there, are the first of these. */
bool record_names_hold(const struct record_names *month, uint32_t end, uint32_t crc);

#pragma once

/* A batch's payload: sealed sections as bytes, from a collector to the log, and back.
 *
 * Layout (varint = LEB128, zigzag for signed):
 *   'F' 'B' version(2)  varint sections
 *     section: str site, varint date, varint views, varint cells
 *       cell: byte table, str value, varint mask of metrics present,
 *             zigzag a metric in the mask, varint registers,
 *             register: u16 little endian index, byte rank
 *       varint groups of crosses
 *       group: byte cross, larger than the group's before; varint cells
 *         cell: varint left, varint right: the section's cells of those numbers, from 1, or both 0
 *               for "(other)"; varint views, varint visits
 *   u32 little endian CRC-32 (zlib) over all before
 * str = varint length, bytes. Cells stand in the order of a keyed hash, registers in that of their
 * index: the order of arrival is not in the payload. Version 1, which a spool may still hold, ends
 * a section with its cells. Decoding checks everything before it folds anything. Pure; one thread
 * at a time for one day_set. */

#include <stdint.h>

#include "aggregator/section.h"
#include "common/buf.h"

/* The most that one cell takes beside its value: table, length, mask, sums of up to 2^40, and the
 * number of its registers. */
enum { BATCH_CELL_BYTES_MAX = 1 + 2 + 2 + 6 * SECTION_SUMS + 3, BATCH_REGISTER_BYTES = 3 };
/* The most that a cell of a cross takes: sides below 2^14, sums of up to 2^40, and the head of its
 * group, as if it stood alone. */
enum { BATCH_CROSS_BYTES_MAX = 2 * 2 + 2 * 6 + 2 };
static_assert(SECTION_CELLS_MAX < 1 << 14, "a cell's number takes two bytes");
/* What a payload has beside its sections, at the most. */
enum { BATCH_ENDS_BYTES_MAX = 3 + 5 + 4 };
/* No section takes more in a payload. */
size_t batch_section_bytes_max(const struct section *section);

/* At most BATCH_SECTIONS_MAX. */
void batch_begin(struct buf *out, uint32_t section_count);
/* Sorts the section's registers as a side effect. */
void batch_append_section(struct buf *out, struct section *section);
void batch_end(struct buf *out);

/* Sections by (site, date), into which batches are folded. A set that is not for a whole batch may
 * count cells of crosses under "(other)". */
struct day_set {
    struct section **sections;
    size_t count, capacity;
    uint32_t cells_max;   /* of each section made */
    bool ignores_crosses; /* folds without them */
};

void day_set_init(struct day_set *set, uint32_t cells_max);
void day_set_done(struct day_set *set);
/* Made when absent. */
struct section *day_set_section(struct day_set *set, struct str site, uint32_t date);

enum batch_status {
    BATCH_OK,
    BATCH_TRUNCATED,
    BATCH_BAD_MAGIC,
    BATCH_BAD_VERSION,
    BATCH_BAD_CHECKSUM,
    BATCH_BAD_SITE,
    BATCH_BAD_DATE,
    BATCH_BAD_TABLE,
    BATCH_BAD_VALUE,
    BATCH_BAD_METRIC,
    BATCH_BAD_REGISTER,
    BATCH_BAD_CROSS,
    BATCH_TRAILING_BYTES,
    BATCH_TOO_MANY_SECTIONS,
    BATCH_TOO_MANY_CELLS, /* does not fit in the set's sections: fold into a fresh set */
    BATCH__COUNT,
};
const char *batch_status_name(enum batch_status status);

/* Folds the payload into `set`; anything but BATCH_OK leaves the set's sums as they were. */
MUST_CHECK enum batch_status batch_fold(struct str payload, struct day_set *set);

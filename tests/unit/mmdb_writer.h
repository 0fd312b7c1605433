#pragma once

/* Writes small databases of MaxMind's format for tests: both schemas, both families, every record
 * size, and records of any bytes for what a database should not hold. Aborts on what a test should
 * not ask for. Format: "MaxMind DB File Format Specification", version 2.0. */

#include <stdint.h>

#include "common/str.h"

enum mmdb_schema {
    MMDB_NESTED, /* {"city":…,"country":{"iso_code":…},"subdivisions":[{"iso_code":…}]} */
    MMDB_FLAT,   /* {"city":…,"country_code":…,"state1":…} */
};

struct mmdb_row {
    const char *range;   /* "81.2.69.0/24", "2001:218::/32"; ranges must not overlap */
    const char *country; /* NULL: left out */
    const char *region;  /* NULL: left out */
};

struct mmdb_options {
    unsigned ip_version;  /* 4, or 6, which takes both families */
    unsigned record_bits; /* 24, 28 or 32 */
    enum mmdb_schema schema;
    uint64_t built_s;
    const struct mmdb_row *rows;
    size_t row_count;
    struct str data; /* when not empty: the data section; every row's record is at data_offset */
    uint32_t data_offset;
};

void mmdb_write(const char *path, const struct mmdb_options *options);

#pragma once

/* What a site remembers of a log that was imported: a field of its `imports` hash. Pure.
 *
 *   a1b2c3d4e5f60718 → 3:49152:65536:00112233445566778899aabbccddeeff
 *   id                 number of the last batch : lines that it and those before cover :
 *                      bytes of the head that the id is made from : digest of exactly these lines
 */

#include <stdint.h>

#include "common/buf.h"
#include "common/macros.h"
#include "common/str.h"

enum { IMPORT_DIGEST_BYTES = 16, IMPORT_ID_DIGITS = 16, IMPORT_COVERS_BYTES = 80 };

struct import_row {
    uint64_t id;
    uint64_t number; /* 0: none yet */
    uint64_t lines;
    uint32_t head_bytes;
    uint8_t digest[IMPORT_DIGEST_BYTES];
};

/* The id as a field's name. */
void import_row_id(uint64_t id, char out[IMPORT_ID_DIGITS + 1]);
/* All after the number. */
void import_row_covers(const struct import_row *row, char out[IMPORT_COVERS_BYTES]);
/* A field and its value; false for anything that the function `import` would not have written. */
MUST_CHECK bool import_row_parse(struct str field, struct str value, struct import_row *ret_row);

/* Rows of imports as text and back. Written by the function `import`, read by `footfall import`. */

#include "aggregator/import_row.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/limits.h"

enum { LINES_DIGITS_MAX = 15, HEX_DIGITS = 2 * IMPORT_DIGEST_BYTES };
static_assert(LINES_DIGITS_MAX + 1 + 5 + 1 + HEX_DIGITS < IMPORT_COVERS_BYTES, "a row fits");
static_assert(IMPORT_HEAD_BYTES_MAX <= 99999, "in five digits");

void import_row_id(uint64_t id, char out[IMPORT_ID_DIGITS + 1])
{
    snprintf(out, IMPORT_ID_DIGITS + 1, "%016" PRIx64, id);
}

void import_row_covers(const struct import_row *row, char out[IMPORT_COVERS_BYTES])
{
    int len =
        snprintf(out, IMPORT_COVERS_BYTES, "%" PRIu64 ":%" PRIu32 ":", row->lines, row->head_bytes);
    for (size_t i = 0; i < IMPORT_DIGEST_BYTES; i++)
        len += snprintf(out + len, IMPORT_COVERS_BYTES - (size_t)len, "%02x", row->digest[i]);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hex(struct str text, uint8_t *out)
{
    for (size_t i = 0; i < text.len; i++) {
        int value = hex_value(text.ptr[i]);
        if (value < 0)
            return false;
        out[i / 2] = (uint8_t)(i % 2 == 0 ? value << 4 : out[i / 2] | value);
    }
    return true;
}

/* Digits before a ':', both taken off *rest. */
static bool take_number(struct str *rest, uint64_t *ret_number)
{
    struct str digits = str_prefix(*rest, str_find(*rest, ':'));
    uint64_t number = 0;
    if (digits.len == 0 || digits.len > LINES_DIGITS_MAX || digits.len == rest->len)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(digits.ptr[i] - '0');
    }
    *rest = str_from_at(*rest, digits.len + 1);
    *ret_number = number;
    return true;
}

bool import_row_parse(struct str field, struct str value, struct import_row *ret_row)
{
    struct import_row row = {0};
    uint8_t id[IMPORT_ID_DIGITS / 2];
    uint64_t head_bytes;
    if (field.len != IMPORT_ID_DIGITS || !parse_hex(field, id) ||
        !take_number(&value, &row.number) || !take_number(&value, &row.lines) ||
        !take_number(&value, &head_bytes) || value.len != HEX_DIGITS ||
        !parse_hex(value, row.digest) || row.number == 0 || head_bytes == 0 ||
        head_bytes > IMPORT_HEAD_BYTES_MAX)
        return false;
    for (size_t i = 0; i < sizeof(id); i++)
        row.id = row.id << 8 | id[i];
    row.head_bytes = (uint32_t)head_bytes;
    *ret_row = row;
    return true;
}

#pragma once

/* Many short byte strings looked for at once in many bytes, each byte once. One thread; running
 * out of memory aborts. */

#include <stdint.h>

#include "common/macros.h"
#include "common/str.h"

enum { FINDER_BYTES_MIN = 4 };

struct finder;

struct finder *finder_new(void);
/* NULL is allowed. */
void finder_free(struct finder *finder);
/* Copies `needle`, which has at least FINDER_BYTES_MIN bytes; `number` comes back with what is
 * found. */
void finder_add(struct finder *finder, struct str needle, uint32_t number);
size_t finder_count(const struct finder *finder);
/* The longest needle: whoever searches in pieces keeps one byte less of the piece before. */
size_t finder_bytes_max(const struct finder *finder);

/* Calls found(number, len of the needle, data) for each place where one ends behind `from`. */
typedef void finder_found(uint32_t number, size_t len, void *data);
void finder_scan(const struct finder *finder, struct str bytes, size_t from, finder_found *found,
                 void *data);

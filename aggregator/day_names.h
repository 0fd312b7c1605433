#pragma once

/* The values that occur in a day or a month, each once, as small numbers.
 *
 * Numbers count from 0 in each group of tables; page, entry page and exit page are one group, since
 * they share their values. Names are added, never removed, so a number stays what it is. Bounded;
 * one thread; running out of memory aborts. */

#include <stdint.h>

#include "aggregator/model.h"
#include "common/buf.h"
#include "common/macros.h"

struct day_name {
    uint64_t hash;
    uint32_t text_at;
    uint32_t text_len;
};

struct day_name_group {
    struct day_name *names;
    uint32_t count;
    /* private */
    uint32_t capacity, slot_mask;
    uint32_t placed; /* names that are in the slots; the rest wait for the first look-up */
    uint32_t *slots;
};

struct day_names {
    struct day_name_group groups[TABLE__COUNT]; /* by day_name_group() */
    uint32_t count;                             /* of all groups */
    struct buf text;
    /* private */
    uint32_t count_max;
};

/* At most DAY_NAMES_MAX names of DAY_NAMES_BYTES_MAX bytes together. */
void day_names_init(struct day_names *names);
/* The same with narrower bounds, for tests of what happens past them. */
void day_names_init_bounded(struct day_names *names, uint32_t count_max, size_t bytes_max);
void day_names_done(struct day_names *names);

/* The table whose numbers a table's values have. */
enum table day_name_group(enum table table);
uint32_t day_names_count(const struct day_names *names, enum table table);
/* The slice lives until the next day_names_add(). */
struct str day_names_at(const struct day_names *names, enum table table, uint32_t name);
bool day_names_find(struct day_names *names, enum table table, struct str value,
                    uint32_t *ret_name);
/* The number of a value, made when absent. False when there is no room; there always is for
 * "(other)". `value` is at most VALUE_BYTES_MAX. */
MUST_CHECK bool day_names_add(struct day_names *names, enum table table, struct str value,
                              uint32_t *ret_name);
/* The same for a value that is known to be new, without looking: hashes are made when somebody
 * looks. False when there is no room. */
MUST_CHECK bool day_names_append(struct day_names *names, enum table table, struct str value);

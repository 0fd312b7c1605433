#pragma once

/* Rows of counts by a key of bytes: what one hash at rest says, or the groups of an answer.
 * A bounded hash table; one thread; running out of memory aborts. */

#include <stdint.h>

#include "aggregator/model.h"
#include "common/buf.h"
#include "common/macros.h"

/* The metrics at rest, and, for pages, the visits that began there. */
enum { QUERY_ENTRIES = METRIC__COUNT, QUERY_SUMS };

struct query_row {
    uint64_t hash;
    uint32_t key_at;
    uint16_t key_len;
    bool has_visitors; /* false: nobody has estimated them */
    int64_t sums[QUERY_SUMS];
};

struct query_rows {
    struct query_row *rows; /* in order of arrival */
    uint32_t count, count_max;
    /* private */
    uint32_t capacity, slot_mask;
    uint32_t *slots;
    struct buf bytes;
};

void query_rows_init(struct query_rows *rows, uint32_t count_max);
void query_rows_done(struct query_rows *rows);
void query_rows_reset(struct query_rows *rows);
/* The memory that they take. */
size_t query_rows_bytes(const struct query_rows *rows);

/* The row of `key`, made when absent; NULL when there are count_max rows. Valid until the next
 * call. `key` is at most CROSS_VALUE_BYTES_MAX bytes. */
struct query_row *query_rows_at(struct query_rows *rows, struct str key);
/* NULL when there is none. */
const struct query_row *query_rows_find(const struct query_rows *rows, struct str key);
struct str query_rows_key(const struct query_rows *rows, const struct query_row *row);

/* One field of a `live` hash: metric letter and value, and its number in decimal. Marks and what is
 * not well formed are passed over: a hash at rest is another process's. */
void query_rows_add_field(struct query_rows *rows, struct str field, struct str number);

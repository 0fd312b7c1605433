/* A table of rows by key: open addressing over an array in order of arrival, at most half full.
 * Used by whoever answers a query, on that thread. */

#include "aggregator/query_rows.h"

#include <assert.h>
#include <stdlib.h>

#include "common/hash.h"

enum { QUERY_ROWS_FIRST = 4, QUERY_KEY_BYTES_MAX = CROSS_VALUE_BYTES_MAX };
/* Sums of a day are far below; keeps sums of many days from overflow. */
static const int64_t QUERY_NUMBER_MAX = INT64_C(1) << 48;

static void *resized(void *ptr, size_t count, size_t size)
{
    ptr = reallocarray(ptr, count, size);
    if (ptr == NULL)
        abort();
    return ptr;
}

static void place(struct query_rows *rows, uint32_t index)
{
    uint32_t slot = (uint32_t)rows->rows[index].hash & rows->slot_mask;
    while (rows->slots[slot] != 0)
        slot = (slot + 1) & rows->slot_mask;
    rows->slots[slot] = index + 1;
}

static void grow(struct query_rows *rows)
{
    uint32_t capacity = rows->capacity == 0 ? QUERY_ROWS_FIRST : rows->capacity * 2;
    rows->rows = resized(rows->rows, capacity, sizeof(*rows->rows));
    rows->slots = resized(rows->slots, 2 * (size_t)capacity, sizeof(*rows->slots));
    rows->capacity = capacity;
    rows->slot_mask = 2 * capacity - 1;
    memset(rows->slots, 0, 2 * (size_t)capacity * sizeof(*rows->slots));
    for (uint32_t i = 0; i < rows->count; i++)
        place(rows, i);
}

void query_rows_init(struct query_rows *rows, uint32_t count_max)
{
    assert(count_max > 0);
    *rows = (struct query_rows){.count_max = count_max};
    buf_init(&rows->bytes, (size_t)count_max * (QUERY_KEY_BYTES_MAX + 1));
}

void query_rows_done(struct query_rows *rows)
{
    buf_done(&rows->bytes);
    free(rows->rows);
    free(rows->slots);
    *rows = (struct query_rows){0};
}

void query_rows_reset(struct query_rows *rows)
{
    rows->count = 0;
    buf_reset(&rows->bytes);
    if (rows->slots != NULL)
        memset(rows->slots, 0, ((size_t)rows->slot_mask + 1) * sizeof(*rows->slots));
}

size_t query_rows_bytes(const struct query_rows *rows)
{
    return rows->capacity * (sizeof(*rows->rows) + 2 * sizeof(*rows->slots)) + rows->bytes.capacity;
}

struct str query_rows_key(const struct query_rows *rows, const struct query_row *row)
{
    return (struct str){rows->bytes.len == 0 ? "" : rows->bytes.ptr + row->key_at, row->key_len};
}

static struct query_row *find(const struct query_rows *rows, uint64_t hash, struct str key)
{
    if (rows->capacity == 0)
        return NULL;
    for (uint32_t slot = (uint32_t)hash & rows->slot_mask; rows->slots[slot] != 0;
         slot = (slot + 1) & rows->slot_mask) {
        struct query_row *row = &rows->rows[rows->slots[slot] - 1];
        if (row->hash == hash && str_eq(query_rows_key(rows, row), key))
            return row;
    }
    return NULL;
}

const struct query_row *query_rows_find(const struct query_rows *rows, struct str key)
{
    return find(rows, hash_str(key), key);
}

struct query_row *query_rows_at(struct query_rows *rows, struct str key)
{
    assert(key.len <= QUERY_KEY_BYTES_MAX);
    uint64_t hash = hash_str(key);
    struct query_row *row = find(rows, hash, key);
    if (row != NULL || rows->count == rows->count_max)
        return row;
    if (rows->count == rows->capacity)
        grow(rows);
    row = &rows->rows[rows->count];
    *row = (struct query_row){
        .hash = hash, .key_at = (uint32_t)rows->bytes.len, .key_len = (uint16_t)key.len};
    buf_append_str(&rows->bytes, key);
    assert(!rows->bytes.overflow);
    place(rows, rows->count++);
    return row;
}

static bool parse_number(struct str text, int64_t *ret_number)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    uint64_t number;
    if (!str_to_uint(negative ? str_from_at(text, 1) : text, QUERY_NUMBER_MAX, &number))
        return false;
    *ret_number = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

void query_rows_add_field(struct query_rows *rows, struct str field, struct str number)
{
    enum metric metric;
    int64_t value;
    if (field.len == 0 || field.len - 1 > VALUE_BYTES_MAX || field.ptr[0] == MODEL_APPLIED_MARK ||
        !model_metric_from_letter(field.ptr[0], &metric) || !parse_number(number, &value))
        return;
    struct query_row *row = query_rows_at(rows, str_from_at(field, 1));
    if (row == NULL)
        return;
    row->sums[metric] += value;
    if (metric == METRIC_VISITORS)
        row->has_visitors = true;
}

/* Needles by a hash of their first four bytes: a bitmap says of most places that none begins there,
 * a chain has those that may. Rejected: a search for one after the other, which at a hundred
 * needles a canary would read every file a hundred times. */

#include "cli/finder.h"

#include <assert.h>
#include <stdlib.h>

enum { SLOT_BITS = 16, SLOTS = 1 << SLOT_BITS };

struct needle {
    char *ptr;
    size_t len;
    uint32_t number, next; /* in its chain: index + 1 */
};

struct finder {
    struct needle *needles;
    size_t count, capacity, bytes_max;
    uint32_t slots[SLOTS]; /* index + 1 of the chain's first */
    uint64_t begins[SLOTS / 64];
};

static uint32_t slot_of(const char *bytes)
{
    uint32_t first;
    memcpy(&first, bytes, sizeof(first));
    return first * UINT32_C(2654435769) >> (32 - SLOT_BITS);
}

struct finder *finder_new(void)
{
    struct finder *finder = calloc(1, sizeof(*finder));
    if (finder == NULL)
        abort();
    return finder;
}

void finder_free(struct finder *finder)
{
    if (finder == NULL)
        return;
    for (size_t i = 0; i < finder->count; i++)
        free(finder->needles[i].ptr);
    free(finder->needles);
    free(finder);
}

void finder_add(struct finder *finder, struct str needle, uint32_t number)
{
    assert(needle.len >= FINDER_BYTES_MIN);
    if (finder->count == finder->capacity) {
        finder->capacity = finder->capacity == 0 ? 128 : 2 * finder->capacity;
        finder->needles = realloc(finder->needles, finder->capacity * sizeof(*finder->needles));
        if (finder->needles == NULL)
            abort();
    }
    char *copy = malloc(needle.len);
    if (copy == NULL)
        abort();
    memcpy(copy, needle.ptr, needle.len);
    uint32_t slot = slot_of(copy);
    finder->needles[finder->count++] =
        (struct needle){copy, needle.len, number, finder->slots[slot]};
    finder->slots[slot] = (uint32_t)finder->count;
    finder->begins[slot / 64] |= UINT64_C(1) << slot % 64;
    if (needle.len > finder->bytes_max)
        finder->bytes_max = needle.len;
}

size_t finder_count(const struct finder *finder)
{
    return finder->count;
}

size_t finder_bytes_max(const struct finder *finder)
{
    return finder->bytes_max;
}

void finder_scan(const struct finder *finder, struct str bytes, size_t from, finder_found *found,
                 void *data)
{
    if (finder->count == 0 || bytes.len < FINDER_BYTES_MIN)
        return;
    for (size_t at = 0; at + FINDER_BYTES_MIN <= bytes.len; at++) {
        uint32_t slot = slot_of(bytes.ptr + at);
        if ((finder->begins[slot / 64] >> slot % 64 & 1) == 0)
            continue;
        for (uint32_t i = finder->slots[slot]; i != 0; i = finder->needles[i - 1].next) {
            const struct needle *needle = &finder->needles[i - 1];
            if (needle->len <= bytes.len - at && at + needle->len > from &&
                memcmp(needle->ptr, bytes.ptr + at, needle->len) == 0)
                found(needle->number, needle->len, data);
        }
    }
}

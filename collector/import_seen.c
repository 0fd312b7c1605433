/* Sets of numbers, one a day: a number stands for a visitor in a cell.
 *
 *   tag (keyed by the log's day) ─┬─▶ number ─▶ slots, open addressing, at most half full
 *   cell (table, value) ──────────┘
 *
 * Registers would not do: another visitor's often stand in the same place. Example: an import
 * covers a visitor's view of "/a"; after it comes a view of "/b". Of that the page's register is
 * kept and those of the total, the hour and the country are dropped, for in these the visitor was
 * counted.
 *
 * Lines stand in the order of time but for seconds, so that only the last day is covered in part,
 * or, around midnight, the last two. */

#include "collector/import_seen.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/limits.h"

enum { DAYS = 2, FIRST_SLOTS = 1024 };

struct seen_day {
    uint32_t date;
    size_t count, slot_count;
    uint64_t *slots; /* 0: free */
};

struct import_seen {
    struct hash_factors factors;
    struct seen_day days[DAYS]; /* the last one first */
};

struct import_seen *import_seen_new(void)
{
    struct import_seen *seen = calloc(1, sizeof(*seen));
    if (seen == NULL)
        abort();
    seen->factors = hash_factors();
    return seen;
}

static void forget(struct seen_day *day)
{
    if (day->slots != NULL)
        explicit_bzero(day->slots, day->slot_count * sizeof(*day->slots));
    free(day->slots);
    *day = (struct seen_day){0};
}

void import_seen_free(struct import_seen *seen)
{
    if (seen == NULL)
        return;
    for (int i = 0; i < DAYS; i++)
        forget(&seen->days[i]);
    explicit_bzero(seen, sizeof(*seen));
    free(seen);
}

static uint64_t number_of(const struct import_seen *seen, const struct cell *cell, uint64_t tag)
{
    uint64_t number = hash_number(cell->hash ^ hash_number(tag, seen->factors), seen->factors);
    return number == 0 ? 1 : number;
}

/* Where the number is, or the free slot where it belongs. */
static uint64_t *find(const struct seen_day *day, uint64_t number)
{
    size_t slot = (size_t)(number >> 32) & (day->slot_count - 1);
    while (day->slots[slot] != 0 && day->slots[slot] != number)
        slot = (slot + 1) & (day->slot_count - 1);
    return &day->slots[slot];
}

static void grow(struct seen_day *day)
{
    struct seen_day old = *day;
    day->slot_count = old.slot_count == 0 ? FIRST_SLOTS : 2 * old.slot_count;
    day->slots = calloc(day->slot_count, sizeof(*day->slots));
    if (day->slots == NULL)
        abort();
    for (size_t i = 0; i < old.slot_count; i++)
        if (old.slots[i] != 0)
            *find(day, old.slots[i]) = old.slots[i];
    forget(&old);
}

static void add(struct seen_day *day, uint64_t number)
{
    if (2 * (day->count + 1) > day->slot_count) {
        if (day->count >= IMPORT_SEEN_MAX)
            return;
        grow(day);
    }
    uint64_t *slot = find(day, number);
    day->count += *slot == 0;
    *slot = number;
}

/* The set of a day, which a later date than all makes the last one; NULL for an earlier one. */
static struct seen_day *day_to_note(struct import_seen *seen, uint32_t date)
{
    if (date > seen->days[0].date) {
        forget(&seen->days[1]);
        seen->days[1] = seen->days[0];
        seen->days[0] = (struct seen_day){.date = date};
    }
    for (int i = 0; i < DAYS; i++)
        if (seen->days[i].date == date)
            return &seen->days[i];
    return NULL;
}

void import_seen_note(struct import_seen *seen, const struct section *section, uint32_t first,
                      uint64_t tag)
{
    struct seen_day *day = day_to_note(seen, section->date);
    for (uint32_t i = first; day != NULL && i < section->register_count; i++)
        add(day, number_of(seen, &section->cells[section->registers[i].cell], tag));
}

void import_seen_drop(const struct import_seen *seen, struct section *section, uint32_t first,
                      uint64_t tag)
{
    const struct seen_day *day = NULL;
    for (int i = 0; i < DAYS; i++)
        if (seen->days[i].date == section->date && seen->days[i].count > 0)
            day = &seen->days[i];
    if (day == NULL)
        return;
    uint32_t kept = first;
    for (uint32_t i = first; i < section->register_count; i++) {
        struct section_register reg = section->registers[i];
        uint64_t number = number_of(seen, &section->cells[reg.cell], tag);
        if (*find(day, number) != number)
            section->registers[kept++] = reg;
    }
    section->register_count = kept;
}

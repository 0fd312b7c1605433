/* Sites' places at one worker, found by a hash of the site's name. Called by the writer. */

#include "collector/desk.h"

#include <assert.h>
#include <stdlib.h>

#include "common/hash.h"
#include "common/limits.h"

enum { DESKS_FIRST = 16 };

/* --- The table -------------------------------------------------------------------------------- */

static void place(struct desk_table *table, size_t number)
{
    size_t slot = hash_str(table->desks[number]->site) & table->slot_mask;
    while (table->slots[slot] != 0)
        slot = (slot + 1) & table->slot_mask;
    table->slots[slot] = (uint32_t)number + 1;
}

static void grow(struct desk_table *table)
{
    table->capacity = table->capacity == 0 ? DESKS_FIRST : 2 * table->capacity;
    table->desks = reallocarray(table->desks, table->capacity, sizeof(struct desk *));
    free(table->slots);
    table->slots = calloc(2 * table->capacity, sizeof(*table->slots));
    if (table->desks == NULL || table->slots == NULL)
        abort();
    table->slot_mask = 2 * table->capacity - 1;
    for (size_t i = 0; i < table->count; i++)
        place(table, i);
}

void desk_table_init(struct desk_table *table, struct day_keys *day_keys)
{
    *table = (struct desk_table){.day_keys = day_keys};
    grow(table);
}

void desk_table_done(struct desk_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        struct desk *desk = table->desks[i];
        for (size_t d = 0; d < DESK_DAYS; d++) {
            assert(held_chain_is_empty(&desk->days[d].held));
            section_free(desk->days[d].section);
        }
        free((void *)(uintptr_t)desk->site.ptr);
        explicit_bzero(desk, sizeof(*desk));
        free(desk);
    }
    section_free(table->spare);
    free(table->desks);
    free(table->slots);
    *table = (struct desk_table){0};
}

struct desk *desk_table_find(const struct desk_table *table, struct str site)
{
    size_t slot = hash_str(site) & table->slot_mask;
    for (; table->slots[slot] != 0; slot = (slot + 1) & table->slot_mask) {
        struct desk *desk = table->desks[table->slots[slot] - 1];
        if (str_eq(desk->site, site))
            return desk;
    }
    return NULL;
}

struct desk *desk_table_get(struct desk_table *table, struct str site)
{
    struct desk *desk = desk_table_find(table, site);
    if (desk != NULL)
        return desk;
    if (table->count == table->capacity)
        grow(table);
    desk = calloc(1, sizeof(*desk));
    char *copy = strndup(site.ptr, site.len);
    if (desk == NULL || copy == NULL)
        abort();
    desk->site = (struct str){copy, site.len};
    for (size_t d = 0; d < DESK_DAYS; d++) {
        desk->days[d].desk = (uint32_t)table->count;
        held_chain_init(&desk->days[d].held);
    }
    table->desks[table->count] = desk;
    place(table, table->count++);
    return desk;
}

/* --- A desk's days ---------------------------------------------------------------------------- */

struct desk_day *desk_day_of(struct desk *desk, uint32_t date)
{
    for (size_t d = 0; d < DESK_DAYS; d++)
        if (desk->days[d].date == date)
            return &desk->days[d];
    return &desk->days[(desk->current + 1) % DESK_DAYS];
}

void desk_account(struct desk_table *table, struct desk_day *day)
{
    size_t bytes = day->section == NULL ? 0 : section_memory(day->section);
    table->open_bytes += bytes - day->bytes;
    day->bytes = bytes;
}

void desk_open(struct desk_table *table, struct desk *desk, struct desk_day *day, uint32_t date,
               int64_t now_ms)
{
    desk->current = (unsigned)(day - desk->days);
    day->used_ms = now_ms;
    if (day->date != date) {
        assert(day->section == NULL);
        desk_forget_key(day);
        day->date = date;
    }
    if (!day->has_key) {
        day_keys_get(table->day_keys, desk->site, date, &day->key);
        day->has_key = true;
    }
    if (day->section != NULL)
        return;
    day->section = table->spare != NULL ? table->spare : section_new(SECTION_CELLS_MAX);
    table->spare = NULL;
    section_reset(day->section, desk->site, date);
    day->opened_ms = now_ms;
    desk_account(table, day);
}

void desk_close(struct desk_table *table, struct desk_day *day)
{
    section_reset(day->section, STR_EMPTY, 0);
    if (table->spare == NULL)
        table->spare = day->section;
    else
        section_free(day->section);
    day->section = NULL;
    desk_account(table, day);
}

void desk_forget_key(struct desk_day *day)
{
    if (!day->has_key)
        return;
    explicit_bzero(&day->key, sizeof(day->key));
    day->has_key = false;
    if (day->section != NULL)
        section_forget_keys(day->section);
}

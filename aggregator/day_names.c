/* A pool of values: all texts in one buffer, in order of arrival, and an open-addressing table a
 * group, at most half full.
 *
 * Used by the close, by the roll-up, and by whoever answers a question about sealed days. */

#include "aggregator/day_names.h"

#include <assert.h>
#include <stdlib.h>

#include "common/hash.h"

enum { GROUP_FIRST_CAPACITY = 16, OTHER_BYTES = sizeof(MODEL_OTHER) - 1 };

static void *resized(void *ptr, size_t count, size_t size)
{
    ptr = reallocarray(ptr, count, size);
    if (ptr == NULL)
        abort();
    return ptr;
}

void day_names_init_bounded(struct day_names *names, uint32_t count_max, size_t bytes_max)
{
    assert(count_max > TABLE__COUNT && bytes_max > TABLE__COUNT * OTHER_BYTES);
    *names = (struct day_names){.count_max = count_max};
    buf_init(&names->text, bytes_max);
}

void day_names_init(struct day_names *names)
{
    day_names_init_bounded(names, DAY_NAMES_MAX, DAY_NAMES_BYTES_MAX);
}

void day_names_done(struct day_names *names)
{
    for (int t = 0; t < TABLE__COUNT; t++) {
        free(names->groups[t].names);
        free(names->groups[t].slots);
    }
    buf_done(&names->text);
    *names = (struct day_names){0};
}

enum table day_name_group(enum table table)
{
    assert(table < TABLE__COUNT);
    return table == TABLE_ENTRY_PAGE || table == TABLE_EXIT_PAGE ? TABLE_PAGE : table;
}

uint32_t day_names_count(const struct day_names *names, enum table table)
{
    return names->groups[day_name_group(table)].count;
}

static struct str text_of(const struct day_names *names, const struct day_name *name)
{
    return (struct str){name->text_len == 0 ? "" : names->text.ptr + name->text_at, name->text_len};
}

struct str day_names_at(const struct day_names *names, enum table table, uint32_t name)
{
    const struct day_name_group *group = &names->groups[day_name_group(table)];
    assert(name < group->count);
    return text_of(names, &group->names[name]);
}

static void place(struct day_name_group *group, uint32_t name)
{
    uint32_t slot = (uint32_t)group->names[name].hash & group->slot_mask;
    while (group->slots[slot] != 0)
        slot = (slot + 1) & group->slot_mask;
    group->slots[slot] = name + 1;
}

static void place_all(const struct day_names *names, struct day_name_group *group)
{
    uint32_t slots = 2 * group->capacity;
    if (slots != group->slot_mask + 1 || group->slots == NULL) {
        group->slots = resized(group->slots, slots, sizeof(*group->slots));
        group->slot_mask = slots - 1;
        memset(group->slots, 0, slots * sizeof(*group->slots));
        for (uint32_t i = 0; i < group->placed; i++)
            place(group, i);
    }
    for (; group->placed < group->count; group->placed++) {
        struct day_name *name = &group->names[group->placed];
        name->hash = hash_str(text_of(names, name));
        place(group, group->placed);
    }
}

static bool find(const struct day_names *names, struct day_name_group *group, uint64_t hash,
                 struct str value, uint32_t *ret_name)
{
    if (group->count == 0)
        return false;
    if (group->placed < group->count)
        place_all(names, group);
    for (uint32_t slot = (uint32_t)hash & group->slot_mask; group->slots[slot] != 0;
         slot = (slot + 1) & group->slot_mask) {
        const struct day_name *name = &group->names[group->slots[slot] - 1];
        if (name->hash == hash && str_eq(text_of(names, name), value)) {
            *ret_name = group->slots[slot] - 1;
            return true;
        }
    }
    return false;
}

bool day_names_find(struct day_names *names, enum table table, struct str value, uint32_t *ret_name)
{
    return find(names, &names->groups[day_name_group(table)], hash_str(value), value, ret_name);
}

/* Room for "(other)" in each table is kept free. */
static bool has_room(const struct day_names *names, struct str value)
{
    if (str_eq(value, STR_LIT(MODEL_OTHER)))
        return true;
    return names->count + TABLE__COUNT < names->count_max &&
           names->text.len + value.len + TABLE__COUNT * OTHER_BYTES <= names->text.bytes_max;
}

static bool append(struct day_names *names, struct day_name_group *group, struct str value)
{
    if (!has_room(names, value))
        return false;
    if (group->count == group->capacity) {
        group->capacity = group->capacity == 0 ? GROUP_FIRST_CAPACITY : group->capacity * 2;
        group->names = resized(group->names, group->capacity, sizeof(*group->names));
    }
    group->names[group->count++] =
        (struct day_name){.text_at = (uint32_t)names->text.len, .text_len = (uint32_t)value.len};
    buf_append_str(&names->text, value);
    assert(!names->text.overflow);
    names->count++;
    return true;
}

bool day_names_append(struct day_names *names, enum table table, struct str value)
{
    assert(value.len <= VALUE_BYTES_MAX);
    return append(names, &names->groups[day_name_group(table)], value);
}

bool day_names_add(struct day_names *names, enum table table, struct str value, uint32_t *ret_name)
{
    assert(value.len <= VALUE_BYTES_MAX);
    struct day_name_group *group = &names->groups[day_name_group(table)];
    if (find(names, group, hash_str(value), value, ret_name))
        return true;
    if (!append(names, group, value))
        return false;
    *ret_name = group->count - 1;
    return true;
}

/* The increments of one site's one day, as a table of cells.
 *
 *   slots (hash → cell index + 1, open addressing, at most half full)
 *     │
 *     ▼
 *   cells[0..n)  table, value ──▶ bytes     sums[v s b d e n p q c]
 *     ▲
 *   registers[0..m)  (cell, index, rank), in order of arrival until sorted
 *   crosses[0..k)    (cross, cell, cell)      views, visits: cross_table.h
 *
 * Example: a first view of "/a" by a visitor from NL makes the cells (total, ""), (page, "/a"),
 * (country, "NL") …, adds 1 to v and s of each, and appends a register to each.
 *
 * Filled by a collector's worker and by the aggregator; belongs to one thread. */

#include "aggregator/section.h"

#include <assert.h>
#include <stdlib.h>

#include "common/hash.h"

enum { SECTION_FIRST_CELLS = 64, SECTION_FIRST_REGISTERS = 256 };

static void *resized(void *ptr, size_t count, size_t size)
{
    ptr = reallocarray(ptr, count, size);
    if (ptr == NULL)
        abort();
    return ptr;
}

static void place(struct section *section, uint32_t cell_index)
{
    uint32_t slot = (uint32_t)section->cells[cell_index].hash & section->slot_mask;
    while (section->slots[slot] != 0)
        slot = (slot + 1) & section->slot_mask;
    section->slots[slot] = cell_index + 1;
}

static void grow_cells(struct section *section)
{
    uint32_t capacity =
        section->cell_capacity == 0 ? SECTION_FIRST_CELLS : section->cell_capacity * 2;
    /* Not reallocated: cells may hold keys of the day, of which no copy may stay behind. */
    struct cell *cells = resized(NULL, capacity, sizeof(*cells));
    if (section->cell_count > 0) {
        memcpy(cells, section->cells, section->cell_count * sizeof(*cells));
        explicit_bzero(section->cells, section->cell_count * sizeof(*cells));
    }
    free(section->cells);
    section->cells = cells;
    section->cell_capacity = capacity;
    section->slots = resized(section->slots, 2 * (size_t)capacity, sizeof(*section->slots));
    section->slot_mask = 2 * capacity - 1;
    memset(section->slots, 0, 2 * (size_t)capacity * sizeof(*section->slots));
    for (uint32_t i = 0; i < section->cell_count; i++)
        place(section, i);
}

struct section *section_new(uint32_t cells_max)
{
    assert(cells_max > 0);
    struct section *section = calloc(1, sizeof(*section));
    if (section == NULL)
        abort();
    section->cells_max = cells_max;
    section->site = STR_EMPTY;
    buf_init(&section->bytes, (size_t)cells_max * (VALUE_BYTES_MAX + 1) + HOST_BYTES_MAX);
    grow_cells(section);
    return section;
}

void section_free(struct section *section)
{
    if (section == NULL)
        return;
    explicit_bzero(section->cells, section->cell_count * sizeof(*section->cells));
    buf_done(&section->bytes);
    free(section->cells);
    free(section->slots);
    free(section->registers);
    cross_table_done(&section->crosses);
    if (section->site.len > 0)
        free((void *)(uintptr_t)section->site.ptr);
    free(section);
}

void section_reset(struct section *section, struct str site, uint32_t date)
{
    /* Cells may hold keys of the day. */
    explicit_bzero(section->cells, section->cell_count * sizeof(*section->cells));
    memset(section->slots, 0, ((size_t)section->slot_mask + 1) * sizeof(*section->slots));
    buf_reset(&section->bytes);
    section->cell_count = 0;
    section->register_count = 0;
    cross_table_reset(&section->crosses);
    section->views = 0;
    section->folds_detail = false;
    section->date = date;
    if (!str_eq(section->site, site)) {
        char *copy = strndup(site.ptr, site.len);
        if (copy == NULL)
            abort();
        if (section->site.len > 0)
            free((void *)(uintptr_t)section->site.ptr);
        section->site = (struct str){copy, site.len};
        if (site.len == 0) {
            free(copy);
            section->site = STR_EMPTY;
        }
    }
}

void section_forget_keys(struct section *section)
{
    for (uint32_t i = 0; i < section->cell_count; i++) {
        explicit_bzero(section->cells[i].key, sizeof(section->cells[i].key));
        section->cells[i].has_key = false;
    }
}

size_t section_memory(const struct section *section)
{
    return sizeof(*section) + section->cell_capacity * sizeof(*section->cells) +
           ((size_t)section->slot_mask + 1) * sizeof(*section->slots) +
           section->register_capacity * sizeof(*section->registers) + section->bytes.capacity +
           cross_table_bytes(&section->crosses);
}

struct str section_value(const struct section *section, const struct cell *cell)
{
    return (struct str){section->bytes.len == 0 ? "" : section->bytes.ptr + cell->value_at,
                        cell->value_len};
}

static struct cell *find(const struct section *section, enum table table, struct str value,
                         uint64_t hash)
{
    for (uint32_t slot = (uint32_t)hash & section->slot_mask; section->slots[slot] != 0;
         slot = (slot + 1) & section->slot_mask) {
        struct cell *cell = &section->cells[section->slots[slot] - 1];
        if (cell->hash == hash && cell->table == table &&
            str_eq(section_value(section, cell), value))
            return cell;
    }
    return NULL;
}

struct cell *section_find(const struct section *section, enum table table, struct str value)
{
    return find(section, table, value, hash_tagged((uint32_t)table, value));
}

struct cell *section_cell(struct section *section, enum table table, struct str value)
{
    assert(table < TABLE__COUNT && value.len <= VALUE_BYTES_MAX);
    uint64_t hash = hash_tagged((uint32_t)table, value);
    struct cell *cell = find(section, table, value, hash);
    if (cell != NULL)
        return cell;
    if (section->cell_count == section->cells_max)
        return NULL;
    if (section->cell_count == section->cell_capacity)
        grow_cells(section);
    cell = &section->cells[section->cell_count];
    *cell = (struct cell){.hash = hash,
                          .value_at = (uint32_t)section->bytes.len,
                          .value_len = (uint16_t)value.len,
                          .table = (uint8_t)table};
    buf_append_str(&section->bytes, value);
    assert(!section->bytes.overflow);
    place(section, section->cell_count++);
    return cell;
}

void section_add_register(struct section *section, const struct cell *cell,
                          struct sketch_register reg)
{
    assert(reg.index < SKETCH_REGISTERS && reg.rank >= 1 && reg.rank <= SKETCH_RANK_MAX);
    if (section->register_count == section->register_capacity) {
        section->register_capacity = section->register_capacity == 0
                                         ? SECTION_FIRST_REGISTERS
                                         : section->register_capacity * 2;
        section->registers =
            resized(section->registers, section->register_capacity, sizeof(*section->registers));
    }
    section->registers[section->register_count++] = (struct section_register){
        .cell = (uint32_t)(cell - section->cells), .index = reg.index, .rank = reg.rank};
}

/* By cell, then index, then the highest rank first. */
static int compare_registers(const void *left, const void *right)
{
    const struct section_register *a = left, *b = right;
    if (a->cell != b->cell)
        return a->cell < b->cell ? -1 : 1;
    if (a->index != b->index)
        return a->index < b->index ? -1 : 1;
    return (int)b->rank - (int)a->rank;
}

void section_sort_registers(struct section *section)
{
    if (section->register_count < 2)
        return;
    qsort(section->registers, section->register_count, sizeof(*section->registers),
          compare_registers);
    uint32_t kept = 1;
    for (uint32_t i = 1; i < section->register_count; i++) {
        struct section_register *last = &section->registers[kept - 1];
        struct section_register *next = &section->registers[i];
        if (next->cell != last->cell || next->index != last->index)
            section->registers[kept++] = *next;
    }
    section->register_count = kept;
}

uint32_t *section_shuffled(const struct section *section)
{
    /* Slots stand in the order of a keyed hash. */
    uint32_t *order = calloc(section->cell_count + 1, sizeof(*order));
    if (order == NULL)
        abort();
    uint32_t count = 0;
    for (uint32_t slot = 0; slot <= section->slot_mask; slot++)
        if (section->slots[slot] != 0)
            order[count++] = section->slots[slot] - 1;
    assert(count == section->cell_count);
    return order;
}

void section_cross(struct section *section, uint64_t key, int64_t views, int64_t visits)
{
    struct cross_cell *cell = section->crosses.count < section->cells_max
                                  ? cross_table_at(&section->crosses, key)
                                  : cross_table_find(&section->crosses, key);
    if (cell == NULL)
        cell = cross_table_at(&section->crosses, cross_key_other(cross_of(key)));
    cell->views += views;
    cell->visits += visits;
}

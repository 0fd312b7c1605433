/* A day's tables and crosses.
 *
 *   names ("/a" is 0, "/b" is 1 ...)
 *     ▲             ▲
 *     │ name        │ left, right
 *   rows[0..n)    cells[0..m)         by_name: name → row + 1      slots: (left, right) → cell + 1
 *
 * Rows are found by their name's number without hashing, so that a year of records that share their
 * names adds up quickly. Used by the close, the roll-up and questions; one thread each. */

#include "aggregator/day.h"

#include <assert.h>
#include <stdlib.h>

#include "common/hash.h"

enum { FIRST_ROWS = 16, FIRST_CELLS = 32, FIRST_NAMES = 64 };

static void *resized(void *ptr, size_t count, size_t size)
{
    ptr = reallocarray(ptr, count, size);
    if (ptr == NULL)
        abort();
    return ptr;
}

/* --- The day --------------------------------------------------------------------------------- */

bool day_date_valid(uint32_t date)
{
    return model_date_valid(date % 100 == 0 ? date + 1 : date);
}

void day_init(struct day *day, uint32_t date, struct day_names *names)
{
    assert(day_date_valid(date));
    *day = (struct day){.date = date, .names = names};
}

void day_done(struct day *day)
{
    for (int t = 0; t < TABLE__COUNT; t++) {
        free(day->tables[t].rows);
        free(day->tables[t].by_name);
    }
    for (int c = 0; c < CROSS__COUNT; c++) {
        free(day->crosses[c].cells);
        free(day->crosses[c].slots);
    }
    *day = (struct day){0};
}

void day_reset(struct day *day, uint32_t date)
{
    assert(day_date_valid(date));
    for (int t = 0; t < TABLE__COUNT; t++) {
        struct day_table *table = &day->tables[t];
        for (uint32_t i = 0; i < table->count; i++)
            table->by_name[table->rows[i].name] = 0;
        table->count = 0;
    }
    for (int c = 0; c < CROSS__COUNT; c++) {
        struct day_cross *cross = &day->crosses[c];
        if (cross->count > 0)
            memset(cross->slots, 0, ((size_t)cross->slot_mask + 1) * sizeof(*cross->slots));
        cross->count = 0;
        cross->hidden_views = cross->hidden_visits = 0;
    }
    day->date = date;
    day->applied = day->k = 0;
    memset(day->timezone, 0, sizeof(day->timezone));
}

bool day_set_timezone(struct day *day, struct str timezone)
{
    if (timezone.len >= sizeof(day->timezone))
        return false;
    memset(day->timezone, 0, sizeof(day->timezone));
    memcpy(day->timezone, timezone.ptr, timezone.len);
    return true;
}

/* --- Rows ------------------------------------------------------------------------------------ */

const struct day_row *day_row_find(const struct day *day, enum table table, uint32_t name)
{
    const struct day_table *rows = &day->tables[table];
    return name < rows->by_name_count && rows->by_name[name] != 0
               ? &rows->rows[rows->by_name[name] - 1]
               : NULL;
}

static void grow_by_name(struct day_table *table, uint32_t name)
{
    uint32_t count = table->by_name_count == 0 ? FIRST_NAMES : table->by_name_count;
    while (count <= name)
        count *= 2;
    table->by_name = resized(table->by_name, count, sizeof(*table->by_name));
    memset(table->by_name + table->by_name_count, 0,
           (count - table->by_name_count) * sizeof(*table->by_name));
    table->by_name_count = count;
}

struct day_row *day_row_named(struct day *day, enum table table, uint32_t name)
{
    struct day_table *rows = &day->tables[table];
    if (name < rows->by_name_count && rows->by_name[name] != 0)
        return &rows->rows[rows->by_name[name] - 1];
    assert(name < day_names_count(day->names, table));
    if (name >= rows->by_name_count)
        grow_by_name(rows, name);
    if (rows->count == rows->capacity) {
        rows->capacity = rows->capacity == 0 ? FIRST_ROWS : rows->capacity * 2;
        rows->rows = resized(rows->rows, rows->capacity, sizeof(*rows->rows));
    }
    struct day_row *row = &rows->rows[rows->count++];
    *row = (struct day_row){.name = name};
    rows->by_name[name] = rows->count;
    return row;
}

static uint32_t name_of(struct day *day, enum table table, struct str value)
{
    uint32_t name;
    if (!day_names_add(day->names, table, value, &name) &&
        !day_names_add(day->names, table, STR_LIT(MODEL_OTHER), &name))
        assert(!"there is room for (other)");
    return name;
}

struct day_row *day_row(struct day *day, enum table table, struct str value)
{
    return day_row_named(day, table, name_of(day, table, value));
}

bool day_row_is_empty(const struct day_row *row)
{
    for (int m = 0; m < METRIC__COUNT; m++)
        if (row->sums[m] != 0)
            return false;
    return true;
}

void day_table_drop(struct day_table *table, const bool *drop)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < table->count; i++) {
        table->by_name[table->rows[i].name] = drop[i] ? 0 : kept + 1;
        if (!drop[i])
            table->rows[kept++] = table->rows[i];
    }
    table->count = kept;
}

/* --- Cells ----------------------------------------------------------------------------------- */

static uint32_t *slot_of(const struct day_cross *cross, uint32_t left, uint32_t right)
{
    const uint32_t key[2] = {left, right};
    uint64_t hash = hash_str((struct str){(const char *)key, sizeof(key)});
    uint32_t slot = (uint32_t)hash & cross->slot_mask;
    while (cross->slots[slot] != 0) {
        const struct day_cell *cell = &cross->cells[cross->slots[slot] - 1];
        if (cell->left == left && cell->right == right)
            break;
        slot = (slot + 1) & cross->slot_mask;
    }
    return &cross->slots[slot];
}

static void place_cells(struct day_cross *cross)
{
    memset(cross->slots, 0, ((size_t)cross->slot_mask + 1) * sizeof(*cross->slots));
    for (uint32_t i = 0; i < cross->count; i++)
        *slot_of(cross, cross->cells[i].left, cross->cells[i].right) = i + 1;
}

static void grow_cells(struct day_cross *cross)
{
    cross->capacity = cross->capacity == 0 ? FIRST_CELLS : cross->capacity * 2;
    cross->cells = resized(cross->cells, cross->capacity, sizeof(*cross->cells));
    cross->slots = resized(cross->slots, 2 * (size_t)cross->capacity, sizeof(*cross->slots));
    cross->slot_mask = 2 * cross->capacity - 1;
    place_cells(cross);
}

void day_cell_add(struct day *day, enum cross cross, const struct day_cell *cell)
{
    struct day_cross *cells = &day->crosses[cross];
    assert(cell->left < day_names_count(day->names, model_cross_left(cross)) &&
           cell->right < day_names_count(day->names, model_cross_right(cross)));
    if (cells->capacity == 0)
        grow_cells(cells);
    uint32_t *slot = slot_of(cells, cell->left, cell->right);
    if (*slot == 0 && cells->count == DAY_CELLS_MAX) {
        day_sum_add(&cells->hidden_views, cell->views);
        day_sum_add(&cells->hidden_visits, cell->visits);
        return;
    }
    if (*slot == 0 && cells->count == cells->capacity) {
        grow_cells(cells);
        slot = slot_of(cells, cell->left, cell->right);
    }
    if (*slot == 0) {
        cells->cells[cells->count++] = (struct day_cell){.left = cell->left, .right = cell->right};
        *slot = cells->count;
    }
    day_sum_add(&cells->cells[*slot - 1].views, cell->views);
    day_sum_add(&cells->cells[*slot - 1].visits, cell->visits);
}

const struct day_cell *day_cell_find(const struct day *day, enum cross cross, uint32_t left,
                                     uint32_t right)
{
    const struct day_cross *cells = &day->crosses[cross];
    if (cells->capacity == 0)
        return NULL;
    uint32_t index = *slot_of(cells, left, right);
    return index == 0 ? NULL : &cells->cells[index - 1];
}

void day_cross_hide(struct day_cross *cross, const bool *hide)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < cross->count; i++) {
        if (hide[i]) {
            day_sum_add(&cross->hidden_views, cross->cells[i].views);
            day_sum_add(&cross->hidden_visits, cross->cells[i].visits);
        } else {
            cross->cells[kept++] = cross->cells[i];
        }
    }
    if (kept == cross->count)
        return;
    cross->count = kept;
    place_cells(cross);
}

/* --- Order ----------------------------------------------------------------------------------- */

struct named {
    struct str text;
    uint32_t name;
};

static int compare_named(const void *left, const void *right)
{
    const struct named *a = left, *b = right;
    size_t common = a->text.len < b->text.len ? a->text.len : b->text.len;
    int order = memcmp(a->text.ptr, b->text.ptr, common);
    return order != 0 ? order : (a->text.len > b->text.len) - (a->text.len < b->text.len);
}

/* A group's names by text: the place of each, and which is there. */
struct places {
    uint32_t *place_of, *name_at;
};

static void places_init(struct places *places, const struct day_names *names, enum table table)
{
    uint32_t count = day_names_count(names, table);
    struct named *named = resized(NULL, (size_t)count + 1, sizeof(*named));
    places->place_of = resized(NULL, (size_t)count + 1, sizeof(*places->place_of));
    places->name_at = resized(NULL, (size_t)count + 1, sizeof(*places->name_at));
    for (uint32_t i = 0; i < count; i++)
        named[i] = (struct named){day_names_at(names, table, i), i};
    qsort(named, count, sizeof(*named), compare_named);
    for (uint32_t i = 0; i < count; i++) {
        places->name_at[i] = named[i].name;
        places->place_of[named[i].name] = i;
    }
    free(named);
}

static int compare_rows(const void *left, const void *right)
{
    const struct day_row *a = left, *b = right;
    return a->name < b->name ? -1 : a->name > b->name;
}

static int compare_cells(const void *left, const void *right)
{
    const struct day_cell *a = left, *b = right;
    if (a->left != b->left)
        return a->left < b->left ? -1 : 1;
    return a->right < b->right ? -1 : a->right > b->right;
}

/* While they are sorted rows and cells have the places of their names. */
static void sort_rows(struct day_table *table, const struct places *places)
{
    for (uint32_t i = 0; i < table->count; i++)
        table->rows[i].name = places->place_of[table->rows[i].name];
    if (table->count > 0)
        qsort(table->rows, table->count, sizeof(*table->rows), compare_rows);
    for (uint32_t i = 0; i < table->count; i++) {
        table->rows[i].name = places->name_at[table->rows[i].name];
        table->by_name[table->rows[i].name] = i + 1;
    }
}

static void sort_cells(struct day_cross *cross, const struct places *lefts,
                       const struct places *rights)
{
    if (cross->count == 0)
        return;
    for (uint32_t i = 0; i < cross->count; i++) {
        struct day_cell *cell = &cross->cells[i];
        cell->left = lefts->place_of[cell->left];
        cell->right = rights->place_of[cell->right];
    }
    qsort(cross->cells, cross->count, sizeof(*cross->cells), compare_cells);
    for (uint32_t i = 0; i < cross->count; i++) {
        struct day_cell *cell = &cross->cells[i];
        cell->left = lefts->name_at[cell->left];
        cell->right = rights->name_at[cell->right];
    }
    place_cells(cross);
}

void day_sort(struct day *day)
{
    struct places places[TABLE__COUNT] = {{NULL, NULL}};
    for (int t = 0; t < TABLE__COUNT; t++)
        if (day_name_group((enum table)t) == (enum table)t)
            places_init(&places[t], day->names, (enum table)t);
    for (int t = 0; t < TABLE__COUNT; t++)
        sort_rows(&day->tables[t], &places[day_name_group((enum table)t)]);
    for (int c = 0; c < CROSS__COUNT; c++)
        sort_cells(&day->crosses[c], &places[day_name_group(model_cross_left((enum cross)c))],
                   &places[day_name_group(model_cross_right((enum cross)c))]);
    for (int t = 0; t < TABLE__COUNT; t++) {
        free(places[t].place_of);
        free(places[t].name_at);
    }
}

/* --- Merging --------------------------------------------------------------------------------- */

/* The names of `from` in `into`, each looked up once. */
struct translation {
    uint32_t *names[TABLE__COUNT]; /* + 1; NULL: no name of the group was met */
};

static uint32_t translated(struct translation *map, struct day *into, const struct day *from,
                           enum table table, uint32_t name)
{
    enum table group = day_name_group(table);
    if (into->names == from->names)
        return name;
    if (map->names[group] == NULL) {
        map->names[group] = calloc(day_names_count(from->names, table), sizeof(uint32_t));
        if (map->names[group] == NULL)
            abort();
    }
    uint32_t *entry = &map->names[group][name];
    if (*entry == 0)
        *entry = name_of(into, table, day_names_at(from->names, table, name)) + 1;
    return *entry - 1;
}

static void merge_cross(struct translation *map, struct day *into, const struct day *from,
                        enum cross cross)
{
    const struct day_cross *cells = &from->crosses[cross];
    for (uint32_t i = 0; i < cells->count; i++) {
        struct day_cell cell = cells->cells[i];
        cell.left = translated(map, into, from, model_cross_left(cross), cell.left);
        cell.right = translated(map, into, from, model_cross_right(cross), cell.right);
        day_cell_add(into, cross, &cell);
    }
    day_sum_add(&into->crosses[cross].hidden_views, cells->hidden_views);
    day_sum_add(&into->crosses[cross].hidden_visits, cells->hidden_visits);
}

void day_merge(struct day *into, const struct day *from)
{
    struct translation map = {{NULL}};
    assert(into != from);
    for (int t = 0; t < TABLE__COUNT; t++) {
        for (uint32_t i = 0; i < from->tables[t].count; i++) {
            const struct day_row *row = &from->tables[t].rows[i];
            if (day_row_is_empty(row))
                continue;
            uint32_t name = translated(&map, into, from, (enum table)t, row->name);
            struct day_row *to = day_row_named(into, (enum table)t, name);
            for (int m = 0; m < METRIC__COUNT; m++)
                day_sum_add(&to->sums[m], row->sums[m]);
        }
    }
    for (int c = 0; c < CROSS__COUNT; c++)
        merge_cross(&map, into, from, (enum cross)c);
    into->applied |= from->applied;
    into->k = from->k > into->k ? from->k : into->k;
    if (into->timezone[0] == '\0')
        memcpy(into->timezone, from->timezone, sizeof(into->timezone));
    for (int t = 0; t < TABLE__COUNT; t++)
        free(map.names[t]);
}

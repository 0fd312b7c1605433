/* Days, their rows and what is pending of them.
 *
 *   days ──▶ day (site, date) ──▶ slots ──▶ rows[0..n)  table, value ──▶ bytes
 *                                   │         known registers │ sums, fresh registers: pending
 *                                   └─ pending: rows with something to apply; marks: writer →
 * number
 *
 * Example: "/a" has 12 views at rest. Loading the page table makes its row; a batch with two more
 * views makes it pending with v = 2; apply sends HSET-worth of "v/a" + 2, and ledger_applied() sets
 * the sum back to 0 while the row stays known.
 *
 * Used by the aggregator alone: the collector counts into sections, which know no cap. */

#include "aggregator/ledger.h"

#include <assert.h>
#include <stdlib.h>

#include "common/hash.h"

enum { FIRST_SLOTS = 64, FIRST_ITEMS = 8 };
/* What a cell of a cross has in an apply beside its values: a separator and two numbers. */
enum { CROSS_BYTES_BESIDE = 1 + 20 + 1 + 20 };
/* Rows of one day: each table's cap, and MODEL_OTHER. */
#define X(id, name, cap, kind) +(cap) + 1
static const size_t DAY_ROWS_MAX = 0 MODEL_TABLES(X);
static_assert(0 MODEL_TABLES(X) < CROSS_SIDES_MAX, "a row's index is a side");
#undef X

/* Makes room for one more item. */
static void *with_room(void *items, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity == 0 ? FIRST_ITEMS : 2 * *capacity;
    items = reallocarray(items, *capacity, size);
    if (items == NULL)
        abort();
    return items;
}

/* Enters an item into a table of slots, item index + 1 each; there is a free one. */
static void place(uint32_t *slots, uint32_t slot_count, uint64_t hash, uint32_t index)
{
    uint32_t slot = (uint32_t)hash & (slot_count - 1);
    while (slots[slot] != 0)
        slot = (slot + 1) & (slot_count - 1);
    slots[slot] = index + 1;
}

/* An empty table of slots of twice the size, or of the first size. */
static uint32_t *larger_slots(uint32_t *slots, uint32_t *slot_count)
{
    free(slots);
    *slot_count = *slot_count == 0 ? FIRST_SLOTS : 2 * *slot_count;
    slots = calloc(*slot_count, sizeof(*slots));
    if (slots == NULL)
        abort();
    return slots;
}

/* --- Days ------------------------------------------------------------------------------------- */

static void day_free(struct ledger_day *day)
{
    for (uint32_t i = 0; i < day->row_count; i++) {
        register_set_done(&day->rows[i].known);
        free(day->rows[i].fresh);
    }
    buf_done(&day->bytes);
    ledger_crosses_done(&day->crosses);
    free(day->rows);
    free(day->slots);
    free(day->pending);
    free(day->marks);
    free((void *)(uintptr_t)day->site.ptr);
    free(day);
}

static struct ledger_day *day_new(struct str site, uint32_t date, uint64_t hash)
{
    struct ledger_day *day = calloc(1, sizeof(*day));
    char *copy = malloc(site.len);
    if (day == NULL || copy == NULL)
        abort();
    memcpy(copy, site.ptr, site.len);
    day->hash = hash;
    day->site = (struct str){copy, site.len};
    day->date = date;
    day->slots = larger_slots(NULL, &day->slot_count);
    buf_init(&day->bytes, DAY_ROWS_MAX * VALUE_BYTES_MAX);
    return day;
}

void ledger_init(struct ledger *ledger)
{
    *ledger = (struct ledger){0};
}

void ledger_forget(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->count; i++)
        day_free(ledger->days[i]);
    free(ledger->days);
    free(ledger->slots);
    *ledger = (struct ledger){0};
}

size_t ledger_bytes(const struct ledger *ledger)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < ledger->count; i++) {
        const struct ledger_day *day = ledger->days[i];
        bytes += sizeof(*day) + day->bytes.capacity + day->row_capacity * sizeof(*day->rows) +
                 day->slot_count * sizeof(*day->slots) + ledger_crosses_bytes(&day->crosses);
        for (uint32_t r = 0; r < day->row_count; r++)
            bytes += register_set_bytes(&day->rows[r].known) +
                     day->rows[r].fresh_capacity * sizeof(*day->rows[r].fresh);
    }
    return bytes;
}

static struct ledger_day *find_day(const struct ledger *ledger, struct str site, uint32_t date,
                                   uint64_t hash)
{
    if (ledger->slot_count == 0)
        return NULL;
    for (uint32_t slot = (uint32_t)hash & (ledger->slot_count - 1); ledger->slots[slot] != 0;
         slot = (slot + 1) & (ledger->slot_count - 1)) {
        struct ledger_day *day = ledger->days[ledger->slots[slot] - 1];
        if (day->hash == hash && day->date == date && str_eq(day->site, site))
            return day;
    }
    return NULL;
}

static void place_days(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->count; i++)
        place(ledger->slots, ledger->slot_count, ledger->days[i]->hash, i);
}

struct ledger_day *ledger_day(struct ledger *ledger, struct str site, uint32_t date)
{
    assert(site.len > 0);
    uint64_t hash = hash_tagged(date, site);
    struct ledger_day *day = find_day(ledger, site, date, hash);
    if (day != NULL)
        return day;
    if (2 * (ledger->count + 1) > ledger->slot_count) {
        ledger->slots = larger_slots(ledger->slots, &ledger->slot_count);
        place_days(ledger);
    }
    ledger->days =
        with_room(ledger->days, ledger->count, &ledger->capacity, sizeof(struct ledger_day *));
    day = day_new(site, date, hash);
    day->load = &ledger->load;
    ledger->days[ledger->count] = day;
    place(ledger->slots, ledger->slot_count, hash, ledger->count++);
    return day;
}

bool ledger_knows(const struct ledger *ledger, struct str site, uint32_t date)
{
    return find_day(ledger, site, date, hash_tagged(date, site)) != NULL;
}

void ledger_day_is_empty(struct ledger_day *day)
{
    assert(day->row_count == 0);
    for (int t = 0; t < TABLE__COUNT; t++)
        day->tables[t].is_loaded = true;
    for (int c = 0; c < CROSS__COUNT; c++)
        day->crosses.of[c].is_loaded = true;
}

void ledger_forget_day(struct ledger *ledger, struct str site, uint32_t date)
{
    struct ledger_day *day = find_day(ledger, site, date, hash_tagged(date, site));
    if (day == NULL)
        return;
    assert(!ledger_day_is_pending(day));
    uint32_t index = 0;
    while (ledger->days[index] != day)
        index++;
    ledger->days[index] = ledger->days[--ledger->count];
    day_free(day);
    memset(ledger->slots, 0, ledger->slot_count * sizeof(*ledger->slots));
    place_days(ledger);
}

/* --- Rows ------------------------------------------------------------------------------------- */

struct str ledger_value(const struct ledger_day *day, const struct ledger_row *row)
{
    return (struct str){day->bytes.len == 0 ? "" : day->bytes.ptr + row->value_at, row->value_len};
}

static struct ledger_row *find_row(struct ledger_day *day, enum table table, struct str value,
                                   uint64_t hash)
{
    for (uint32_t slot = (uint32_t)hash & (day->slot_count - 1); day->slots[slot] != 0;
         slot = (slot + 1) & (day->slot_count - 1)) {
        struct ledger_row *row = &day->rows[day->slots[slot] - 1];
        if (row->hash == hash && row->table == table && str_eq(ledger_value(day, row), value))
            return row;
    }
    return NULL;
}

static struct ledger_row *add_row(struct ledger_day *day, enum table table, struct str value,
                                  uint64_t hash)
{
    if (2 * (day->row_count + 1) > day->slot_count) {
        day->slots = larger_slots(day->slots, &day->slot_count);
        for (uint32_t i = 0; i < day->row_count; i++)
            place(day->slots, day->slot_count, day->rows[i].hash, i);
    }
    day->rows = with_room(day->rows, day->row_count, &day->row_capacity, sizeof(*day->rows));
    struct ledger_row *row = &day->rows[day->row_count];
    *row = (struct ledger_row){.hash = hash,
                               .value_at = (uint32_t)day->bytes.len,
                               .value_len = (uint16_t)value.len,
                               .table = (uint8_t)table};
    buf_append_str(&day->bytes, value);
    assert(!day->bytes.overflow);
    place(day->slots, day->slot_count, hash, day->row_count++);
    if (!str_eq(value, STR_LIT(MODEL_OTHER)))
        day->tables[table].values++;
    return row;
}

void ledger_load_field(struct ledger_day *day, enum table table, struct str field)
{
    /* A table that holds more than its cap, by another version's rules, stays as it is: what does
     * not fit here is treated as new. */
    if (field.len == 0 || field.len > 1 + VALUE_BYTES_MAX || field.ptr[0] == MODEL_APPLIED_MARK ||
        day->tables[table].values == model_table_cap(table))
        return;
    struct str value = str_from_at(field, 1);
    uint64_t hash = hash_tagged((uint32_t)table, value);
    if (find_row(day, table, value, hash) == NULL)
        add_row(day, table, value, hash);
}

struct ledger_row *ledger_row(struct ledger_day *day, enum table table, struct str value)
{
    assert(day->tables[table].is_loaded && value.len <= VALUE_BYTES_MAX);
    uint64_t hash = hash_tagged((uint32_t)table, value);
    struct ledger_row *row = find_row(day, table, value, hash);
    if (row != NULL)
        return row;
    if (day->tables[table].values == model_table_cap(table) &&
        !str_eq(value, STR_LIT(MODEL_OTHER))) {
        value = STR_LIT(MODEL_OTHER);
        hash = hash_tagged((uint32_t)table, value);
        row = find_row(day, table, value, hash);
    }
    return row != NULL ? row : add_row(day, table, value, hash);
}

/* --- Crosses ---------------------------------------------------------------------------------- */

static struct ledger_row *find_value(struct ledger_day *day, enum table table, struct str value)
{
    return find_row(day, table, value, hash_tagged((uint32_t)table, value));
}

void ledger_load_cross_field(struct ledger_day *day, enum cross cross, struct str field)
{
    size_t at = str_find(field, MODEL_CROSS_SEPARATOR);
    if (at == field.len || at == 0 || day->crosses.of[cross].cells == CROSS_CELLS_MAX)
        return; /* "(other)", or what does not fit: see ledger_load_field() */
    const struct ledger_row *left = find_value(day, model_cross_left(cross), str_prefix(field, at));
    const struct ledger_row *right =
        find_value(day, model_cross_right(cross), str_from_at(field, at + 1));
    if (left == NULL || right == NULL)
        return;
    uint32_t sides[] = {(uint32_t)(left - day->rows), (uint32_t)(right - day->rows)};
    (void)ledger_crosses_cell(&day->crosses, cross_key(cross, sides[0], sides[1]));
}

void ledger_cross_value(const struct ledger_day *day, uint64_t key, struct buf *out)
{
    uint32_t left = cross_left(key), right = cross_right(key);
    if (left == CROSS_OTHER) {
        buf_append_str(out, STR_LIT(MODEL_OTHER));
        return;
    }
    buf_append_str(out, ledger_value(day, &day->rows[left]));
    buf_append_byte(out, MODEL_CROSS_SEPARATOR);
    buf_append_str(out, ledger_value(day, &day->rows[right]));
}

static size_t cross_bytes(const struct ledger_day *day, uint64_t key)
{
    uint32_t left = cross_left(key), right = cross_right(key);
    if (left == CROSS_OTHER)
        return 0;
    return CROSS_BYTES_BESIDE + (size_t)day->rows[left].value_len + day->rows[right].value_len;
}

void ledger_cross(struct ledger_day *day, uint64_t key, int64_t views, int64_t visits)
{
    enum cross cross = cross_of(key);
    assert(day->crosses.of[cross].is_loaded);
    uint32_t index = ledger_crosses_cell(&day->crosses, key);
    if (!ledger_crosses_is_pending(&day->crosses, index)) {
        size_t bytes = cross_bytes(day, day->crosses.table.cells[index].key);
        if (day->load->crosses_bytes + bytes > APPLY_CROSSES_BYTES_MAX)
            index = ledger_crosses_cell(&day->crosses, cross_key_other(cross));
        else
            day->load->crosses_bytes += bytes;
        day->load->cells += !ledger_crosses_is_pending(&day->crosses, index);
    }
    ledger_crosses_add(&day->crosses, index, views, visits);
}

/* --- What is pending -------------------------------------------------------------------------- */

static void make_pending(struct ledger_day *day, struct ledger_row *row)
{
    if (row->is_pending)
        return;
    row->is_pending = true;
    day->load->cells++;
    day->pending =
        with_room(day->pending, day->pending_count, &day->pending_capacity, sizeof(*day->pending));
    day->pending[day->pending_count++] = (uint32_t)(row - day->rows);
}

void ledger_add(struct ledger_day *day, struct ledger_row *row, const int64_t sums[SECTION_SUMS])
{
    make_pending(day, row);
    for (int m = 0; m < SECTION_SUMS; m++)
        row->sums[m] += sums[m];
}

void ledger_add_register(struct ledger_day *day, struct ledger_row *row, struct sketch_register reg)
{
    if (!register_set_raise(&row->known, reg))
        return;
    make_pending(day, row);
    row->fresh = with_room(row->fresh, row->fresh_count, &row->fresh_capacity, sizeof(*row->fresh));
    row->fresh[row->fresh_count++] = reg;
}

void ledger_mark(struct ledger_day *day, uint64_t writer, uint64_t number)
{
    for (uint32_t i = 0; i < day->mark_count; i++) {
        if (day->marks[i].writer == writer) {
            if (number > day->marks[i].number)
                day->marks[i].number = number;
            return;
        }
    }
    day->marks = with_room(day->marks, day->mark_count, &day->mark_capacity, sizeof(*day->marks));
    day->marks[day->mark_count++] = (struct ledger_mark){writer, number};
}

bool ledger_day_is_pending(const struct ledger_day *day)
{
    bool crossed = false;
    for (int c = 0; c < CROSS__COUNT && !crossed; c++)
        crossed = day->crosses.of[c].pending != 0;
    return day->pending_count > 0 || day->mark_count > 0 || crossed;
}

void ledger_applied(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->count; i++) {
        struct ledger_day *day = ledger->days[i];
        for (uint32_t p = 0; p < day->pending_count; p++) {
            struct ledger_row *row = &day->rows[day->pending[p]];
            row->is_pending = false;
            memset(row->sums, 0, sizeof(row->sums));
            row->fresh_count = 0;
        }
        day->pending_count = 0;
        day->mark_count = 0;
        ledger_crosses_applied(&day->crosses);
    }
    ledger->load = (struct ledger_load){0};
}

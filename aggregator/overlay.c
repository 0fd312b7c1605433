/* The dashboards' memory of live messages, and the rule by which their parts show.
 *
 *   collector ──every second──▶ (writer, site) ─▶ last message: part 17, part 18, open part after
 * 18 │ overlay_day_new: decoded, this date only Redis ──one snapshot──▶ counters, @writer 17,
 * sketches ▼ 17 is applied: hidden     18 > 17: shown     open: 17 <= 18: shown
 *
 * Had the open part been sealed as 19 and applied since, the mark would be 19, and it would be
 * hidden. Used by the dashboards, on their loop's thread. */

#include "aggregator/overlay.h"

#include <assert.h>
#include <stdlib.h>

#include "aggregator/batch.h"
#include "common/hash.h"

enum { OVERLAY_BUCKETS = 1024, MARK_DIGITS = 16 };

/* The last message of one writer about one site. */
struct entry {
    struct entry *next;
    int64_t received_ms;
    struct live_message message; /* slices of `bytes` */
    size_t len;
    char bytes[];
};

struct overlay {
    struct entry *buckets[OVERLAY_BUCKETS]; /* by site */
    size_t bytes;
};

/* --- The memory ---------------------------------------------------------------------------------
 */

static size_t bucket_of(struct str site)
{
    return hash_str(site) % OVERLAY_BUCKETS;
}

struct overlay *overlay_new(void)
{
    struct overlay *overlay = calloc(1, sizeof(*overlay));
    if (overlay == NULL)
        abort();
    return overlay;
}

static void unlink_entry(struct overlay *overlay, struct entry **link)
{
    struct entry *entry = *link;
    *link = entry->next;
    overlay->bytes -= sizeof(*entry) + entry->len;
    free(entry);
}

void overlay_free(struct overlay *overlay)
{
    if (overlay == NULL)
        return;
    for (size_t i = 0; i < OVERLAY_BUCKETS; i++)
        while (overlay->buckets[i] != NULL)
            unlink_entry(overlay, &overlay->buckets[i]);
    free(overlay);
}

static void forget(struct overlay *overlay, uint64_t writer, struct str site)
{
    struct entry **link = &overlay->buckets[bucket_of(site)];
    while (*link != NULL) {
        const struct live_message *message = &(*link)->message;
        if (message->writer == writer && str_eq(message->site, site)) {
            unlink_entry(overlay, link);
            return;
        }
        link = &(*link)->next;
    }
}

bool overlay_put(struct overlay *overlay, struct str bytes, int64_t mono_ms)
{
    struct live_message message;
    if (!live_decode(bytes, &message))
        return false;
    forget(overlay, message.writer, message.site);
    if (overlay->bytes + sizeof(struct entry) + bytes.len > OVERLAY_BYTES_MAX)
        return false;
    struct entry *entry = malloc(sizeof(*entry) + bytes.len);
    if (entry == NULL)
        abort();
    memcpy(entry->bytes, bytes.ptr, bytes.len);
    entry->len = bytes.len;
    entry->received_ms = mono_ms;
    bool again = live_decode((struct str){entry->bytes, entry->len}, &entry->message);
    assert(again);
    size_t bucket = bucket_of(entry->message.site);
    entry->next = overlay->buckets[bucket];
    overlay->buckets[bucket] = entry;
    overlay->bytes += sizeof(*entry) + entry->len;
    return true;
}

void overlay_expire(struct overlay *overlay, int64_t mono_ms)
{
    for (size_t i = 0; i < OVERLAY_BUCKETS; i++) {
        struct entry **link = &overlay->buckets[i];
        while (*link != NULL) {
            if (mono_ms - (*link)->received_ms > OVERLAY_EXPIRY_MS)
                unlink_entry(overlay, link);
            else
                link = &(*link)->next;
        }
    }
}

/* --- Who is here now ----------------------------------------------------------------------------
 */

/* Each writer names its own top pages; what is below them on every writer is missed. */
static void add_page(struct live_now *now, const struct live_page *page)
{
    for (size_t i = 0; i < now->page_count; i++) {
        if (str_eq(now->pages[i].path, page->path)) {
            now->pages[i].visits += page->visits;
            return;
        }
    }
    if (now->page_count < LIVE_TOP_PAGES) {
        now->pages[now->page_count++] = *page;
        return;
    }
    size_t least = 0;
    for (size_t i = 1; i < LIVE_TOP_PAGES; i++)
        if (now->pages[i].visits < now->pages[least].visits)
            least = i;
    if (page->visits > now->pages[least].visits)
        now->pages[least] = *page;
}

static int compare_pages(const void *left, const void *right)
{
    const struct live_page *a = left, *b = right;
    if (a->visits != b->visits)
        return a->visits < b->visits ? 1 : -1;
    size_t len = a->path.len < b->path.len ? a->path.len : b->path.len;
    int order = memcmp(a->path.ptr, b->path.ptr, len);
    return order != 0 ? order : (a->path.len > b->path.len) - (a->path.len < b->path.len);
}

void overlay_now(const struct overlay *overlay, struct str site, struct live_now *ret_now)
{
    struct live_now now = {0};
    const struct entry *entry = overlay->buckets[bucket_of(site)];
    for (; entry != NULL; entry = entry->next) {
        const struct live_message *message = &entry->message;
        if (!message->has_now || !str_eq(message->site, site))
            continue;
        now.active_visits += message->now.active_visits;
        for (size_t i = 0; i < LIVE_MINUTES; i++)
            now.views_by_minute[i] += message->now.views_by_minute[i];
        for (size_t i = 0; i < message->now.page_count; i++)
            add_page(&now, &message->now.pages[i]);
    }
    qsort(now.pages, now.page_count, sizeof(now.pages[0]), compare_pages);
    *ret_now = now;
}

/* --- A day's parts ------------------------------------------------------------------------------
 */

struct part {
    uint64_t writer, number, after;
    uint64_t mark; /* the writer's last batch that is stored */
    struct day_set sections;
    struct section *section; /* the one of this site and day */
};

struct overlay_day {
    struct part *parts;
    size_t part_count, part_capacity;
    struct section *every; /* all parts together: what may have to be read */
    struct section *shown; /* those that show; made at the first add */
};

static struct section *section_of(const struct day_set *set, struct str site, uint32_t date)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->sections[i]->date == date && str_eq(set->sections[i]->site, site))
            return set->sections[i];
    return NULL;
}

static void take_part(struct overlay_day *day, const struct live_message *message, size_t index,
                      const struct overlay_wanted *wanted)
{
    const struct live_part *told = &message->parts[index];
    struct part part = {.writer = message->writer, .number = told->number, .after = told->after};
    day_set_init(&part.sections, SECTION_CELLS_MAX);
    part.sections.ignores_crosses = !wanted->crosses;
    if (batch_fold(told->payload, &part.sections) == BATCH_OK)
        part.section = section_of(&part.sections, message->site, wanted->date);
    if (part.section == NULL) {
        day_set_done(&part.sections);
        return;
    }
    if (day->part_count == day->part_capacity) {
        day->part_capacity = day->part_capacity == 0 ? 4 : 2 * day->part_capacity;
        day->parts = reallocarray(day->parts, day->part_capacity, sizeof(*day->parts));
        if (day->parts == NULL)
            abort();
    }
    day->parts[day->part_count++] = part;
}

/* Adds the crosses of a section to those of another, in which its cells have other indexes. */
static void add_crosses(struct section *sum, const struct section *more, const uint32_t *index_of)
{
    for (uint32_t i = 0; i < more->crosses.count; i++) {
        const struct cross_cell *cell = &more->crosses.cells[i];
        uint32_t left = cross_left(cell->key), right = cross_right(cell->key);
        uint64_t key = cross_key_other(cross_of(cell->key));
        /* More cells than a key can name are more than anybody has open. */
        if (left != CROSS_OTHER && sum->cell_count < CROSS_SIDES_MAX)
            key = cross_key(cross_of(cell->key), index_of[left], index_of[right]);
        section_cross(sum, key, cell->views, cell->visits);
    }
}

/* Adds a section to another of the same day, which has room. */
static void add_section(struct section *sum, const struct section *more)
{
    uint32_t *index_of = calloc((size_t)more->cell_count + 1, sizeof(*index_of));
    if (index_of == NULL)
        abort();
    for (uint32_t i = 0; i < more->cell_count; i++) {
        const struct cell *from = &more->cells[i];
        struct cell *to = section_cell(sum, (enum table)from->table, section_value(more, from));
        assert(to != NULL);
        for (int m = 0; m < SECTION_SUMS; m++)
            to->sums[m] += from->sums[m];
        index_of[i] = (uint32_t)(to - sum->cells);
    }
    for (uint32_t i = 0; i < more->register_count; i++) {
        const struct section_register *reg = &more->registers[i];
        section_add_register(sum, &sum->cells[index_of[reg->cell]],
                             (struct sketch_register){.index = reg->index, .rank = reg->rank});
    }
    add_crosses(sum, more, index_of);
    free(index_of);
}

/* Room for all cells and crosses of all parts. */
static struct section *sum_new(const struct overlay_day *day)
{
    uint32_t cells = 1, crosses = 1;
    for (size_t i = 0; i < day->part_count; i++) {
        cells += day->parts[i].section->cell_count;
        crosses += day->parts[i].section->crosses.count;
    }
    struct section *sum = section_new(cells > crosses ? cells : crosses);
    section_reset(sum, day->parts[0].section->site, day->parts[0].section->date);
    return sum;
}

struct overlay_day *overlay_day_new(const struct overlay *overlay,
                                    const struct overlay_wanted *wanted)
{
    struct overlay_day *day = calloc(1, sizeof(*day));
    if (day == NULL)
        abort();
    const struct entry *entry = overlay->buckets[bucket_of(wanted->site)];
    for (; entry != NULL; entry = entry->next)
        for (size_t i = 0; i < entry->message.part_count; i++)
            if (str_eq(entry->message.site, wanted->site))
                take_part(day, &entry->message, i, wanted);
    if (day->part_count == 0) {
        free(day);
        return NULL;
    }
    day->every = sum_new(day);
    for (size_t i = 0; i < day->part_count; i++)
        add_section(day->every, day->parts[i].section);
    section_sort_registers(day->every);
    return day;
}

void overlay_day_free(struct overlay_day *day)
{
    if (day == NULL)
        return;
    for (size_t i = 0; i < day->part_count; i++)
        day_set_done(&day->parts[i].sections);
    section_free(day->every);
    section_free(day->shown);
    free(day->parts);
    free(day);
}

size_t overlay_day_values(const struct overlay_day *day, enum table table,
                          struct str ret_values[OVERLAY_SKETCHES_MAX])
{
    const struct section *every = day->every;
    size_t count = 0;
    for (uint32_t i = 0; i < every->register_count && count < OVERLAY_SKETCHES_MAX; i++) {
        uint32_t cell = every->registers[i].cell;
        bool first = i == 0 || every->registers[i - 1].cell != cell;
        if (first && every->cells[cell].table == table)
            ret_values[count++] = section_value(every, &every->cells[cell]);
    }
    return count;
}

static bool parse_mark(struct str field, struct str number, uint64_t *ret_writer,
                       uint64_t *ret_number)
{
    uint64_t writer = 0;
    if (field.len != 1 + MARK_DIGITS || field.ptr[0] != MODEL_APPLIED_MARK)
        return false;
    for (size_t i = 1; i <= MARK_DIGITS; i++) {
        char c = field.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        writer = writer << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *ret_writer = writer;
    return str_to_uint(number, UINT64_MAX, ret_number);
}

void overlay_day_mark(struct overlay_day *day, struct str field, struct str number)
{
    uint64_t writer, mark;
    assert(day->shown == NULL);
    if (!parse_mark(field, number, &writer, &mark))
        return;
    for (size_t i = 0; i < day->part_count; i++)
        if (day->parts[i].writer == writer)
            day->parts[i].mark = mark;
}

static bool part_shows(const struct part *part)
{
    return part->number > 0 ? part->mark < part->number : part->mark <= part->after;
}

static void make_shown(struct overlay_day *day)
{
    day->shown = sum_new(day);
    for (size_t i = 0; i < day->part_count; i++)
        if (part_shows(&day->parts[i]))
            add_section(day->shown, day->parts[i].section);
    section_sort_registers(day->shown);
}

/* --- Adding -------------------------------------------------------------------------------------
 */

/* Sketches as they were read, each with its value. */
struct stored_sketches {
    struct str values[OVERLAY_SKETCHES_MAX];
    const struct str *sketches;
    size_t count;
};

/* NULL when it was not read. */
static const struct str *sketch_of(const struct stored_sketches *stored, struct str value)
{
    for (size_t i = 0; i < stored->count; i++)
        if (str_eq(stored->values[i], value))
            return &stored->sketches[i];
    return NULL;
}

/* `registers` are all of one cell, each index once. */
static void add_visitors(struct query_row *row, const struct str *stored,
                         const struct section_register *registers, uint32_t count)
{
    uint8_t dense[SKETCH_REGISTERS] = {0};
    bool merged = stored != NULL && (stored->len == 0 || sketch_decode(*stored, dense));
    for (uint32_t i = 0; i < count; i++)
        if (dense[registers[i].index] < registers[i].rank)
            dense[registers[i].index] = registers[i].rank;
    int64_t visitors = (int64_t)sketch_estimate(dense);
    /* A sketch that was not read leaves adding up, which counts who is in both twice. */
    if (merged)
        row->sums[METRIC_VISITORS] = visitors;
    else
        row->sums[METRIC_VISITORS] += visitors;
    row->has_visitors = true;
}

void overlay_day_add(struct overlay_day *day, enum table table, const struct str *sketches,
                     size_t sketch_count, struct query_rows *rows)
{
    if (day->shown == NULL)
        make_shown(day);
    const struct section *shown = day->shown;
    struct stored_sketches stored = {.sketches = sketches};
    stored.count = overlay_day_values(day, table, stored.values);
    if (stored.count > sketch_count)
        stored.count = sketch_count;
    for (uint32_t i = 0; i < shown->cell_count; i++) {
        const struct cell *cell = &shown->cells[i];
        struct query_row *row =
            cell->table == table ? query_rows_at(rows, section_value(shown, cell)) : NULL;
        for (int m = 0; row != NULL && m < SECTION_SUMS; m++)
            row->sums[m] += cell->sums[m];
    }
    for (uint32_t from = 0, to; from < shown->register_count; from = to) {
        const struct section_register *registers = &shown->registers[from];
        const struct cell *cell = &shown->cells[registers->cell];
        for (to = from; to < shown->register_count && shown->registers[to].cell == registers->cell;)
            to++;
        struct str value = section_value(shown, cell);
        struct query_row *row = cell->table == table ? query_rows_at(rows, value) : NULL;
        if (row != NULL)
            add_visitors(row, sketch_of(&stored, value), registers, to - from);
    }
}

void overlay_day_each_cell(struct overlay_day *day, enum cross cross,
                           void (*fn)(const struct overlay_cell *cell, void *data), void *data)
{
    if (day->shown == NULL)
        make_shown(day);
    const struct section *shown = day->shown;
    for (uint32_t i = 0; i < shown->crosses.count; i++) {
        const struct cross_cell *cell = &shown->crosses.cells[i];
        if (cross_of(cell->key) != cross)
            continue;
        struct overlay_cell told = {.is_other = cross_left(cell->key) == CROSS_OTHER,
                                    .views = cell->views,
                                    .visits = cell->visits};
        if (!told.is_other) {
            told.left = section_value(shown, &shown->cells[cross_left(cell->key)]);
            told.right = section_value(shown, &shown->cells[cross_right(cell->key)]);
        }
        fn(&told, data);
    }
}

/* One classified beacon becomes increments.
 *
 * A page view of a running visit, for example: +1 v in total, its hour, its page and each table of
 * the visit's first attributes; the seconds since the visit's last sign to d of the visit's cells;
 * -1 b where it was a bounce; and the exit page moves. Registers of the visitor go to the cells
 * that he was not in yet: at a visit's start to the visit's cells, at a page's first view to the
 * page's, and to the hour's always (the same register again changes nothing).
 *
 * Then each two of these cells that make a cross count together, by the rules of the single ones:
 * a page view with its page and the visit's first attributes, an event with its name, its page and
 * those; the visit once, when it is new for the pair. */

#include "collector/view.h"

#include <assert.h>

#include "aggregator/batch.h"

static const struct str OTHER = STR_LIT(MODEL_OTHER);

/* --- Detail ---------------------------------------------------------------------------------- */

/* A section this small takes no more memory than an empty one, so it keeps its detail: while others
 * are short of memory because of a few large ones, the quiet and the fresh are told as ever. */
enum { DETAIL_CELLS_FREE = 32 };

/* False when the section must not take this value. */
static bool has_place(const struct section *section, enum table table, struct str value)
{
    return value.len == 0 || section->cell_count < DETAIL_CELLS_FREE ||
           model_table_cap(table) <= DETAIL_VALUES_MAX ||
           section_find(section, table, value) != NULL;
}

static bool fold(const struct section *section, enum table table, struct str *value)
{
    if (has_place(section, table, *value) || str_eq(*value, OTHER))
        return false;
    *value = OTHER;
    return true;
}

bool view_fold_detail(const struct section *section, struct visit_attributes *attributes,
                      struct str *page, struct str *event)
{
    bool folded = fold(section, TABLE_PAGE, page);
    folded = fold(section, TABLE_EVENT, event) || folded;
    for (int t = 0; t < TABLE__COUNT; t++)
        if (model_table_is_visit((enum table)t))
            folded = fold(section, (enum table)t, &attributes->values[t]) || folded;
    return folded;
}

/* --- Counting -------------------------------------------------------------------------------- */

/* The cells of one view that may be crossed, by table: indexes, or NO_CELL. */
struct crossed {
    uint32_t cells[TABLE__COUNT];
};
static const uint32_t NO_CELL = UINT32_MAX;

static struct cell *cell_of(struct section *section, enum table table, struct str value)
{
    struct cell *cell = section_cell(section, table, value);
    assert(cell != NULL); /* the caller has made sure that there is room */
    return cell;
}

static void add_visitor(struct section *section, const struct day_key *key, struct cell *cell,
                        uint64_t tag)
{
    if (!cell->has_key) {
        sketch_cell_key(key->sketch, (enum table)cell->table, section_value(section, cell),
                        cell->key);
        cell->has_key = true;
    }
    section_add_register(section, cell, sketch_register_of(cell->key, tag));
}

/* What happened in this view, whatever the visit. */
static void add_view(struct cell *cell, const struct view *view)
{
    cell->sums[METRIC_PAGEVIEWS] += view->kind == BEACON_PAGEVIEW;
    cell->sums[METRIC_EVENTS] += view->kind == BEACON_EVENT;
}

/* What the view changes of its visit. */
static void add_visit(struct cell *cell, const struct visit_change *visit)
{
    if (visit == NULL)
        return;
    cell->sums[METRIC_VISITS] += visit->is_new;
    cell->sums[METRIC_BOUNCES] += (int)visit->is_bounce - (int)visit->ends_bounce;
    cell->sums[METRIC_VISIT_SECONDS] += visit->seconds;
}

static void add_report(struct cell *cell, const struct view *view)
{
    const struct visit_change *visit = view->visit;
    bool first = visit == NULL || visit->engages_page;
    /* Milliseconds are rounded a report; the tracker sends whole seconds' worth. */
    cell->sums[METRIC_ENGAGED_SECONDS] += (view->engaged_ms + 500) / 1000;
    cell->sums[METRIC_ENGAGED_VIEWS] += view->engaged_ms > 0 && first;
    if (visit != NULL) {
        cell->sums[METRIC_SCROLL_PERCENT] += visit->scroll_more;
        cell->sums[METRIC_SCROLL_VIEWS] += visit->scrolls_page;
    }
}

static struct str hour_value(uint8_t hour, char out[2])
{
    out[0] = (char)('0' + hour / 10);
    out[1] = (char)('0' + hour % 10);
    return (struct str){out, 2};
}

static void count_time(struct section *section, const struct day_key *key, const struct view *view)
{
    char text[2];
    struct cell *cell = cell_of(section, TABLE_TIME, hour_value(view->hour, text));
    add_view(cell, view);
    add_report(cell, view);
    if (view->kind != BEACON_ENGAGEMENT)
        add_visitor(section, key, cell, view->tag);
    if (view->visit != NULL) {
        cell = cell_of(section, TABLE_TIME, hour_value(view->visit->start_hour, text));
        add_visit(cell, view->visit);
    }
}

static void count_page(struct section *section, const struct day_key *key, const struct view *view,
                       struct crossed *crossed)
{
    bool is_new = view->visit == NULL ? view->kind == BEACON_PAGEVIEW : view->visit->page_is_new;
    struct cell *cell = cell_of(section, TABLE_PAGE, view->page);
    crossed->cells[TABLE_PAGE] = (uint32_t)(cell - section->cells);
    add_view(cell, view);
    add_report(cell, view);
    cell->sums[METRIC_VISITS] += view->visit != NULL && is_new;
    if (is_new)
        add_visitor(section, key, cell, view->tag);
}

static void count_exit(struct section *section, const struct view *view)
{
    const struct visit_change *visit = view->visit;
    if (visit == NULL || !(visit->is_new || visit->leaves))
        return;
    cell_of(section, TABLE_EXIT_PAGE, view->page)->sums[METRIC_VISITS] += 1;
    if (visit->leaves)
        cell_of(section, TABLE_EXIT_PAGE, visit->exit_page)->sums[METRIC_VISITS] -= 1;
}

static void count_visit_tables(struct section *section, const struct day_key *key,
                               const struct view *view, struct crossed *crossed)
{
    bool is_report = view->kind == BEACON_ENGAGEMENT;
    bool is_new = view->visit == NULL ? !is_report : view->visit->is_new;
    /* A report that adds no time to its visit has nothing for the visit's cells. */
    bool only_total = is_report && (view->visit == NULL || view->visit->seconds == 0);
    for (int t = 0; t < TABLE__COUNT; t++) {
        struct str value = view->attributes->values[t];
        bool is_total = t == TABLE_TOTAL;
        if (!model_table_is_visit((enum table)t) || t == TABLE_TIME ||
            ((value.len == 0 || only_total) && !is_total))
            continue;
        struct cell *cell = cell_of(section, (enum table)t, is_total ? STR_EMPTY : value);
        crossed->cells[t] = (uint32_t)(cell - section->cells);
        add_view(cell, view);
        add_visit(cell, view->visit);
        if (is_total)
            add_report(cell, view);
        if (is_new)
            add_visitor(section, key, cell, view->tag);
    }
}

static void count_props(struct section *section, const struct day_key *key, const struct view *view,
                        bool is_new)
{
    static const char SEPARATOR = 0x1f;
    for (size_t i = 0; i < view->prop_count; i++) {
        const struct beacon_prop *prop = &view->props[i];
        char value[VALUE_BYTES_MAX];
        size_t len = 0, bytes = view->event.len + prop->key.len + prop->value.len + 2;
        if (bytes > sizeof(value))
            continue; /* cannot be: each part is capped */
        memcpy(value, view->event.ptr, view->event.len);
        len += view->event.len;
        value[len++] = SEPARATOR;
        memcpy(value + len, prop->key.ptr, prop->key.len);
        len += prop->key.len;
        value[len++] = SEPARATOR;
        memcpy(value + len, prop->value.ptr, prop->value.len);
        len += prop->value.len;
        struct str prop_value = {value, len};
        if (section->folds_detail)
            (void)fold(section, TABLE_PROP, &prop_value);
        struct cell *cell = cell_of(section, TABLE_PROP, prop_value);
        add_view(cell, view);
        cell->sums[METRIC_VISITS] += view->visit != NULL && is_new;
        add_visitor(section, key, cell, view->tag);
    }
}

static void count_event(struct section *section, const struct day_key *key, const struct view *view,
                        struct crossed *crossed)
{
    bool is_new = view->visit == NULL || view->visit->event_is_new;
    struct cell *cell = cell_of(section, TABLE_EVENT, view->event);
    crossed->cells[TABLE_EVENT] = (uint32_t)(cell - section->cells);
    add_view(cell, view);
    cell->sums[METRIC_VISITS] += view->visit != NULL && is_new;
    if (is_new)
        add_visitor(section, key, cell, view->tag);
    count_props(section, key, view, is_new);
}

/* Whether the visit is new for a pair of cells of these tables. */
static bool is_new_pair(const struct visit_change *visit, enum table left, enum table right)
{
    bool of_page = left == TABLE_PAGE || right == TABLE_PAGE;
    bool of_event = left == TABLE_EVENT || right == TABLE_EVENT;
    if (of_event)
        return of_page ? visit->event_on_page_is_new : visit->event_is_new;
    return of_page ? visit->page_is_new : visit->is_new;
}

static void count_crosses(struct section *section, const struct view *view,
                          const struct crossed *crossed)
{
    static const struct {
        uint8_t left, right;
    } SIDES[CROSS__COUNT] = {
#define X(left, right, sealed) [CROSS_##left##_##right] = {TABLE_##left, TABLE_##right},
        MODEL_CROSSES(X)
#undef X
    };
    if (view->visit == NULL || view->kind == BEACON_ENGAGEMENT)
        return;
    for (int c = 0; c < CROSS__COUNT; c++) {
        enum table left_table = (enum table)SIDES[c].left, right_table = (enum table)SIDES[c].right;
        uint32_t left = crossed->cells[left_table], right = crossed->cells[right_table];
        bool of_event = right_table == TABLE_EVENT;
        bool views = view->kind == (of_event ? BEACON_EVENT : BEACON_PAGEVIEW);
        if (left == NO_CELL || right == NO_CELL)
            continue;
        bool visits = is_new_pair(view->visit, left_table, right_table);
        if (views || visits)
            section_cross(section, cross_key((enum cross)c, left, right), views, visits);
    }
}
static_assert((size_t)VIEW_CROSSES_MAX * BATCH_CROSS_BYTES_MAX < 4096,
              "crosses add next to nothing to what one view may take of a batch");

void view_count(struct section *section, const struct day_key *key, const struct view *view)
{
    struct crossed crossed;
    memset(&crossed, 0xff, sizeof(crossed)); /* NO_CELL */
    /* A report tells of a view that was counted already: it mixes nothing. */
    section->views += view->kind != BEACON_ENGAGEMENT;
    count_visit_tables(section, key, view, &crossed);
    count_time(section, key, view);
    count_page(section, key, view, &crossed);
    count_exit(section, view);
    if (view->kind == BEACON_EVENT)
        count_event(section, key, view, &crossed);
    count_crosses(section, view, &crossed);
}

void view_count_drops(struct section *section, enum drop_reason reason, uint32_t count)
{
    struct str name = str_from(drop_reason_name(reason));
    cell_of(section, TABLE_DROPS, name)->sums[METRIC_EVENTS] += count;
}

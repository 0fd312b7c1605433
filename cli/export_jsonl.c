/* A day as JSON lines: every table and every cross, so that nothing that is kept is left out. */

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "cli/export_day.h"
#include "cli/export_write.h"

enum { NAME_BYTES = 64 };
static const char PROP_SEPARATOR = 0x1f;

/* --- Order ------------------------------------------------------------------------------------ */

struct sorted_value {
    struct str value;
    uint32_t row;
};

static int compare_values(const void *left, const void *right)
{
    struct str a = ((const struct sorted_value *)left)->value;
    struct str b = ((const struct sorted_value *)right)->value;
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

uint32_t *export_sorted(const struct day *day, enum table table)
{
    const struct day_table *rows = &day->tables[table];
    struct sorted_value *values = calloc(rows->count + 1u, sizeof(*values));
    uint32_t *order = calloc(rows->count + 1u, sizeof(*order));
    if (values == NULL || order == NULL)
        abort();
    for (uint32_t i = 0; i < rows->count; i++)
        values[i] = (struct sorted_value){day_names_at(day->names, table, rows->rows[i].name), i};
    qsort(values, rows->count, sizeof(*values), compare_values);
    for (uint32_t i = 0; i < rows->count; i++)
        order[i] = values[i].row;
    free(values);
    return order;
}

/* --- Lines ------------------------------------------------------------------------------------ */

static const char *metric_name(enum metric metric)
{
    static const char *const NAMES[METRIC__COUNT] = {
#define X(id, letter, name) [METRIC_##id] = name,
        MODEL_METRICS(X)
#undef X
    };
    return NAMES[metric];
}

static void set_text(json_t *object, const char *key, struct str text)
{
    /* What is no UTF-8 cannot have been stored; it would be null. */
    json_t *value = json_stringn(text.ptr, text.len);
    (void)json_object_set_new(object, key, value == NULL ? json_null() : value);
}

static void set_number(json_t *object, enum metric metric, int64_t number)
{
    if (number != 0)
        (void)json_object_set_new(object, metric_name(metric), json_integer(number));
}

static json_t *new_line(const struct day *day, const char *kind, const char *name)
{
    char date[EXPORT_DATE_BYTES];
    json_t *object = json_object();
    export_date_text(day->date, date);
    (void)json_object_set_new(object, export_is_month(day->date) ? "month" : "date",
                              json_string(date));
    (void)json_object_set_new(object, kind, json_string(name));
    return object;
}

static void put_line(FILE *stream, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
    if (text == NULL)
        abort();
    (void)fprintf(stream, "%s\n", text);
    free(text);
    json_decref(object);
}

static void set_property(json_t *object, struct str property)
{
    struct str event = str_prefix(property, str_find(property, PROP_SEPARATOR));
    struct str rest = str_from_at(property, event.len + 1);
    struct str key = str_prefix(rest, str_find(rest, PROP_SEPARATOR));
    if (event.len < property.len) {
        set_text(object, "event", event);
        set_text(object, "key", key);
        property = str_from_at(rest, key.len + 1);
    }
    set_text(object, "value", property);
}

static void put_table(FILE *stream, const struct day *day, enum table table)
{
    uint32_t *order = export_sorted(day, table);
    for (uint32_t i = 0; i < day->tables[table].count; i++) {
        const struct day_row *row = &day->tables[table].rows[order[i]];
        struct str value = day_names_at(day->names, table, row->name);
        if (day_row_is_empty(row))
            continue;
        json_t *object = new_line(day, "table", model_table_name(table));
        if (table == TABLE_PROP)
            set_property(object, value);
        else if (table != TABLE_TOTAL)
            set_text(object, "value", value);
        for (int m = 0; m < METRIC__COUNT; m++)
            set_number(object, (enum metric)m, row->sums[m]);
        put_line(stream, object);
    }
    free(order);
}

/* --- Crosses ---------------------------------------------------------------------------------- */

struct sorted_cell {
    struct str left, right;
    const struct day_cell *cell;
};

static int compare_cells(const void *left, const void *right)
{
    const struct sorted_cell *a = left, *b = right;
    int order =
        compare_values(&(struct sorted_value){a->left, 0}, &(struct sorted_value){b->left, 0});
    return order != 0 ? order
                      : compare_values(&(struct sorted_value){a->right, 0},
                                       &(struct sorted_value){b->right, 0});
}

static struct sorted_cell *sorted_cells(const struct day *day, enum cross cross)
{
    const struct day_cross *cells = &day->crosses[cross];
    struct sorted_cell *sorted = calloc(cells->count + 1u, sizeof(*sorted));
    if (sorted == NULL)
        abort();
    for (uint32_t i = 0; i < cells->count; i++) {
        const struct day_cell *cell = &cells->cells[i];
        sorted[i] = (struct sorted_cell){
            day_names_at(day->names, model_cross_left(cross), cell->left),
            day_names_at(day->names, model_cross_right(cross), cell->right), cell};
    }
    qsort(sorted, cells->count, sizeof(*sorted), compare_cells);
    return sorted;
}

static void put_cell(FILE *stream, const struct day *day, enum cross cross,
                     const struct sorted_cell *sorted)
{
    char name[NAME_BYTES];
    const char *left = model_table_name(model_cross_left(cross));
    const char *right = model_table_name(model_cross_right(cross));
    snprintf(name, sizeof(name), "%s*%s", left, right);
    json_t *object = new_line(day, "cross", name);
    set_text(object, left, sorted->left);
    set_text(object, right, sorted->right);
    set_number(object, model_cross_views(cross), sorted->cell->views);
    set_number(object, METRIC_VISITS, sorted->cell->visits);
    put_line(stream, object);
}

static void put_cross(FILE *stream, const struct day *day, enum cross cross)
{
    const struct day_cross *cells = &day->crosses[cross];
    struct sorted_cell *sorted = sorted_cells(day, cross);
    for (uint32_t i = 0; i < cells->count; i++)
        if (sorted[i].cell->views != 0 || sorted[i].cell->visits != 0)
            put_cell(stream, day, cross, &sorted[i]);
    if (cells->hidden_views != 0 || cells->hidden_visits != 0) {
        const struct day_cell hidden = {.views = cells->hidden_views,
                                        .visits = cells->hidden_visits};
        put_cell(stream, day, cross,
                 &(struct sorted_cell){STR_LIT(MODEL_OTHER), STR_LIT(MODEL_OTHER), &hidden});
    }
    free(sorted);
}

void export_jsonl_day(FILE *stream, const struct day *day)
{
    for (int t = 0; t < TABLE__COUNT; t++)
        put_table(stream, day, (enum table)t);
    for (int c = 0; c < CROSS__COUNT; c++)
        put_cross(stream, day, (enum cross)c);
}

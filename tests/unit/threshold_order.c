/* The same day, however it came, leaves the same rows and cells: shuffled, and compared by value.
 */

#include "tests/test.h"

#include <stdlib.h>

#include "aggregator/threshold.h"
#include "synthetic_day.h"

struct sample {
    struct day_names names;
    struct day day;
};

static void sample_init(struct sample *sample)
{
    day_names_init(&sample->names);
    day_init(&sample->day, 20261123, &sample->names);
}

static void sample_done(struct sample *sample)
{
    day_done(&sample->day);
    day_names_done(&sample->names);
}

static uint32_t *shuffled(uint32_t count, uint64_t *seed)
{
    uint32_t *order = calloc((size_t)count + 1, sizeof(*order));
    assert_non_null(order);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t other = (uint32_t)(synthetic_random(seed) % (i + 1));
        order[i] = order[other];
        order[other] = i;
    }
    return order;
}

static uint32_t name_in(struct day *day, enum table table, struct str value)
{
    uint32_t name;
    assert_true(day_names_add(day->names, table, value, &name));
    return name;
}

/* The same day, whose values came in another order. */
static void shuffle(const struct day *from, struct day *to, uint64_t seed)
{
    for (int t = 0; t < TABLE__COUNT; t++) {
        const struct day_table *rows = &from->tables[t];
        uint32_t *order = shuffled(rows->count, &seed);
        for (uint32_t i = 0; i < rows->count; i++) {
            const struct day_row *row = &rows->rows[order[i]];
            struct str value = day_names_at(from->names, (enum table)t, row->name);
            memcpy(day_row(to, (enum table)t, value)->sums, row->sums, sizeof(row->sums));
        }
        free(order);
    }
    for (int c = 0; c < CROSS__COUNT; c++) {
        enum table left = model_cross_left((enum cross)c), right = model_cross_right((enum cross)c);
        uint32_t *order = shuffled(from->crosses[c].count, &seed);
        for (uint32_t i = 0; i < from->crosses[c].count; i++) {
            struct day_cell cell = from->crosses[c].cells[order[i]];
            cell.left = name_in(to, left, day_names_at(from->names, left, cell.left));
            cell.right = name_in(to, right, day_names_at(from->names, right, cell.right));
            day_cell_add(to, (enum cross)c, &cell);
        }
        free(order);
    }
}

static void assert_same_rows(const struct day *day, const struct day *other, enum table table)
{
    assert_int_equal(day->tables[table].count, other->tables[table].count);
    for (uint32_t i = 0; i < day->tables[table].count; i++) {
        const struct day_row *row = &day->tables[table].rows[i], *found;
        uint32_t name;
        assert_true(
            day_names_find(other->names, table, day_names_at(day->names, table, row->name), &name));
        found = day_row_find(other, table, name);
        assert_non_null(found);
        assert_memory_equal(row->sums, found->sums, sizeof(row->sums));
    }
}

static void assert_same_cells(const struct day *day, const struct day *other, enum cross cross)
{
    enum table left = model_cross_left(cross), right = model_cross_right(cross);
    const struct day_cross *cells = &day->crosses[cross];
    assert_int_equal(cells->count, other->crosses[cross].count);
    assert_true(cells->hidden_views == other->crosses[cross].hidden_views &&
                cells->hidden_visits == other->crosses[cross].hidden_visits);
    for (uint32_t i = 0; i < cells->count; i++) {
        const struct day_cell *cell = &cells->cells[i];
        uint32_t l, r;
        assert_true(
            day_names_find(other->names, left, day_names_at(day->names, left, cell->left), &l));
        assert_true(
            day_names_find(other->names, right, day_names_at(day->names, right, cell->right), &r));
        assert_non_null(day_cell_find(other, cross, l, r));
    }
}

/* More pages, sources and cells than their caps, most of them of one or two visits, and regions and
 * countries about k: wherever some of equals go, they are the same. */
static void what_is_left_does_not_tell_what_came_first(void **state)
{
    (void)state;
    static const struct synthetic_site site = {.pages = 9000, .sources = 2000, .countries = 200};
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct sample sample, other;
        struct thresholds thresholds =
            thresholds_of_preset(seed % 2 == 0 ? SITE_STRICT : SITE_STANDARD);
        sample_init(&sample);
        sample_init(&other);
        synthetic_day_fill(&sample.day, &site, 16000, seed);
        assert_true(sample.day.tables[TABLE_PAGE].count > model_table_cap(TABLE_PAGE));
        assert_true(sample.day.tables[TABLE_SOURCE].count > model_table_cap(TABLE_SOURCE));
        shuffle(&sample.day, &other.day, seed);
        threshold_apply(&sample.day, &thresholds);
        threshold_apply(&other.day, &thresholds);
        for (int t = 0; t < TABLE__COUNT; t++)
            assert_same_rows(&sample.day, &other.day, (enum table)t);
        for (int c = 0; c < CROSS__COUNT; c++)
            assert_same_cells(&sample.day, &other.day, (enum cross)c);
        sample_done(&sample);
        sample_done(&other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_does_not_tell_what_came_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

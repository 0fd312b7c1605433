/* Days in memory: names, rows, cells, merging, and what happens past the bounds. */

#include "tests/test.h"

#include <stdio.h>

#include "aggregator/day.h"
#include "synthetic_day.h"

static const struct synthetic_site SITE = {.pages = 60, .sources = 20, .countries = 12};

static void pages_share_their_names(void **state)
{
    (void)state;
    struct day_names names;
    uint32_t page, exit_page, source, found;
    day_names_init(&names);
    assert_true(day_names_add(&names, TABLE_PAGE, STR_LIT("/a"), &page));
    assert_true(day_names_add(&names, TABLE_SOURCE, STR_LIT("/a"), &source));
    assert_true(day_names_add(&names, TABLE_EXIT_PAGE, STR_LIT("/a"), &exit_page));
    assert_int_equal(page, exit_page);
    assert_int_equal(names.count, 2);
    assert_true(day_names_find(&names, TABLE_ENTRY_PAGE, STR_LIT("/a"), &found) && found == page);
    assert_false(day_names_find(&names, TABLE_COUNTRY, STR_LIT("/a"), &found));
    day_names_done(&names);
}

static void numbers_of_names_stay(void **state)
{
    (void)state;
    struct day_names names;
    uint32_t name;
    char text[16];
    day_names_init(&names);
    for (uint32_t i = 0; i < 1000; i++) {
        snprintf(text, sizeof(text), "/%u", i);
        assert_true(day_names_add(&names, TABLE_PAGE, str_from(text), &name));
        assert_int_equal(name, i);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        snprintf(text, sizeof(text), "/%u", i);
        assert_true(str_eq(day_names_at(&names, TABLE_PAGE, i), str_from(text)));
    }
    day_names_done(&names);
}

/* One under the bound, at it, and past it; "(other)" has room all the same. */
static void past_the_bound_a_name_counts_as_other(void **state)
{
    (void)state;
    enum { ROOM = 5 };
    struct day_names names;
    struct day day;
    char text[16];
    uint32_t other;
    day_names_init_bounded(&names, TABLE__COUNT + ROOM, 4096);
    day_init(&day, 20261123, &names);
    for (uint32_t i = 0; i < ROOM + 3; i++) {
        snprintf(text, sizeof(text), "/%u", i);
        day_row(&day, TABLE_PAGE, str_from(text))->sums[METRIC_PAGEVIEWS]++;
    }
    assert_int_equal(day.tables[TABLE_PAGE].count, ROOM + 1);
    assert_true(day_names_find(&names, TABLE_PAGE, STR_LIT("(other)"), &other));
    assert_int_equal(day_row_find(&day, TABLE_PAGE, other)->sums[METRIC_PAGEVIEWS], 3);
    for (int t = 0; t < TABLE__COUNT; t++)
        assert_non_null(day_row(&day, (enum table)t, STR_LIT("something new")));
    day_done(&day);
    day_names_done(&names);
}

static void text_past_the_bound_counts_as_other(void **state)
{
    (void)state;
    enum { OTHERS = TABLE__COUNT * 7 };
    struct day_names names;
    uint32_t name;
    day_names_init_bounded(&names, 1000, OTHERS + 10);
    assert_true(day_names_add(&names, TABLE_PAGE, STR_LIT("1234567890"), &name));
    assert_true(day_names_add(&names, TABLE_TOTAL, STR_EMPTY, &name));
    assert_false(day_names_add(&names, TABLE_PAGE, STR_LIT("x"), &name));
    assert_true(day_names_add(&names, TABLE_PAGE, STR_LIT(MODEL_OTHER), &name));
    day_names_done(&names);
}

static void sums_stop_at_their_bound(void **state)
{
    (void)state;
    int64_t sum = DAY_SUM_MAX - 1;
    day_sum_add(&sum, 1);
    assert_true(sum == DAY_SUM_MAX);
    day_sum_add(&sum, INT64_MAX);
    assert_true(sum == DAY_SUM_MAX);
    day_sum_add(&sum, INT64_MIN);
    assert_true(sum == -DAY_SUM_MAX);
}

static void a_cross_is_found_in_either_order(void **state)
{
    (void)state;
    enum cross cross, again;
    int pairs = 0;
    for (int a = 0; a < TABLE__COUNT; a++) {
        for (int b = 0; b < a; b++) {
            if (!model_cross_of((enum table)a, (enum table)b, &cross))
                continue;
            assert_true(model_cross_of((enum table)b, (enum table)a, &again) && cross == again);
            pairs++;
        }
    }
    assert_int_equal(pairs, CROSS__COUNT);
    assert_int_equal(CROSS__COUNT, 10 * 9 / 2);
    assert_false(model_cross_of(TABLE_PAGE, TABLE_LANGUAGE, &cross));
    assert_int_equal(model_cross_views(CROSS_PAGE_EVENT), METRIC_EVENTS);
    assert_int_equal(model_cross_views(CROSS_PAGE_COUNTRY), METRIC_PAGEVIEWS);
}

static void cells_past_the_bound_are_hidden(void **state)
{
    (void)state;
    struct day_names names;
    struct day day;
    char text[16];
    uint32_t name;
    day_names_init(&names);
    day_init(&day, 20261123, &names);
    for (uint32_t i = 0; i < 300; i++) {
        snprintf(text, sizeof(text), "%u", i);
        assert_true(day_names_add(&names, TABLE_BROWSER, str_from(text), &name));
        assert_true(day_names_add(&names, TABLE_OS, str_from(text), &name));
    }
    for (uint32_t i = 0; i < DAY_CELLS_MAX + 2; i++)
        day_cell_add(&day, CROSS_BROWSER_OS, &(struct day_cell){i % 300, i / 300, 2, 1});
    /* The first cell is there, so it goes on counting. */
    day_cell_add(&day, CROSS_BROWSER_OS, &(struct day_cell){0, 0, 2, 1});
    const struct day_cross *cross = &day.crosses[CROSS_BROWSER_OS];
    assert_int_equal(cross->count, DAY_CELLS_MAX);
    assert_true(cross->hidden_views == 4 && cross->hidden_visits == 2);
    assert_int_equal(day_cell_find(&day, CROSS_BROWSER_OS, 0, 0)->views, 4);
    day_done(&day);
    day_names_done(&names);
}

/* The sum of all that a day holds, by table and cross, whatever the numbers of its names. */
static void assert_same_sums(const struct day *a, const struct day *b, int64_t times)
{
    for (int t = 0; t < TABLE__COUNT; t++) {
        assert_int_equal(a->tables[t].count, b->tables[t].count);
        for (uint32_t i = 0; i < a->tables[t].count; i++) {
            const struct day_row *row = &a->tables[t].rows[i];
            uint32_t name;
            assert_true(day_names_find(b->names, (enum table)t,
                                       day_names_at(a->names, (enum table)t, row->name), &name));
            const struct day_row *other = day_row_find(b, (enum table)t, name);
            assert_non_null(other);
            for (int m = 0; m < METRIC__COUNT; m++)
                assert_true(row->sums[m] == times * other->sums[m]);
        }
    }
    for (int c = 0; c < CROSS__COUNT; c++) {
        int64_t views = 0;
        assert_int_equal(a->crosses[c].count, b->crosses[c].count);
        for (uint32_t i = 0; i < a->crosses[c].count; i++)
            views += a->crosses[c].cells[i].views - times * b->crosses[c].cells[i].views;
        assert_true(views == 0);
    }
}

static void merging_adds_under_other_names(void **state)
{
    (void)state;
    struct day_names names[2];
    struct day day, sum;
    uint32_t name;
    day_names_init(&names[0]);
    day_names_init(&names[1]);
    assert_true(day_names_add(&names[1], TABLE_PAGE, STR_LIT("/first here"), &name));
    day_init(&day, 20261123, &names[0]);
    day_init(&sum, 20261100, &names[1]);
    synthetic_day_fill(&day, &SITE, 500, 1);
    day.k = 5;
    day.applied = DAY_CELLS_HIDDEN;
    assert_true(day_set_timezone(&day, STR_LIT("Europe/Amsterdam")));
    day_merge(&sum, &day);
    day_merge(&sum, &day);
    assert_same_sums(&sum, &day, 2);
    assert_int_equal(sum.k, 5);
    assert_int_equal(sum.applied, DAY_CELLS_HIDDEN);
    assert_string_equal(sum.timezone, "Europe/Amsterdam");
    day_reset(&sum, 20261124);
    day_merge(&sum, &day);
    assert_same_sums(&sum, &day, 1);
    day_done(&day);
    day_done(&sum);
    day_names_done(&names[0]);
    day_names_done(&names[1]);
}

static void a_sorted_day_stands_by_value(void **state)
{
    (void)state;
    static const char *const PAGES[] = {"/b", "/", "/a", "/ab", "(other)", "/\xc3\xa9"};
    static const char *const SORTED[] = {"(other)", "/", "/a", "/ab", "/b", "/\xc3\xa9"};
    struct day_names names;
    struct day day;
    uint32_t us;
    day_names_init(&names);
    day_init(&day, 20261123, &names);
    assert_true(day_names_add(&names, TABLE_COUNTRY, STR_LIT("US"), &us));
    for (size_t i = 0; i < ARRAY_LEN(PAGES); i++) {
        struct day_row *row = day_row(&day, TABLE_PAGE, str_from(PAGES[i]));
        row->sums[METRIC_VISITS] = (int64_t)strlen(PAGES[i]);
        day_cell_add(&day, CROSS_PAGE_COUNTRY, &(struct day_cell){row->name, us, 7, (int64_t)i});
    }
    day_sort(&day);
    assert_int_equal(day.tables[TABLE_PAGE].count, ARRAY_LEN(SORTED));
    for (size_t i = 0; i < ARRAY_LEN(SORTED); i++) {
        const struct day_row *row = &day.tables[TABLE_PAGE].rows[i];
        const struct day_cell *cell = &day.crosses[CROSS_PAGE_COUNTRY].cells[i];
        struct str value = day_names_at(&names, TABLE_PAGE, row->name);
        assert_true(str_eq(value, str_from(SORTED[i])));
        assert_true(row->sums[METRIC_VISITS] == (int64_t)value.len);
        assert_ptr_equal(day_row_find(&day, TABLE_PAGE, row->name), row);
        assert_int_equal(cell->left, row->name);
        assert_ptr_equal(day_cell_find(&day, CROSS_PAGE_COUNTRY, row->name, us), cell);
        assert_true(str_eq(value, str_from(PAGES[cell->visits])));
    }
    day_done(&day);
    day_names_done(&names);
}

static void dates_are_days_or_months(void **state)
{
    (void)state;
    assert_true(day_date_valid(20261123) && day_date_valid(20261100));
    assert_false(day_date_valid(20261131));
    assert_false(day_date_valid(20261300));
    assert_false(day_date_valid(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_share_their_names),
        cmocka_unit_test(numbers_of_names_stay),
        cmocka_unit_test(past_the_bound_a_name_counts_as_other),
        cmocka_unit_test(text_past_the_bound_counts_as_other),
        cmocka_unit_test(sums_stop_at_their_bound),
        cmocka_unit_test(a_cross_is_found_in_either_order),
        cmocka_unit_test(cells_past_the_bound_are_hidden),
        cmocka_unit_test(merging_adds_under_other_names),
        cmocka_unit_test(a_sorted_day_stands_by_value),
        cmocka_unit_test(dates_are_days_or_months),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Folding batches into the ledger: sums, marks, caps, registers, and what is loaded from the store.
 */

#include "aggregator/fold.h"

#include <stdio.h>

#include "tests/test.h"

#define S(text) STR_LIT(text)
static const uint32_t DATE = 20261123;

static void load_all_tables(struct ledger_day *day)
{
    for (int t = 0; t < TABLE__COUNT; t++)
        day->tables[t].is_loaded = true;
    for (int c = 0; c < CROSS__COUNT; c++)
        day->crosses.of[c].is_loaded = true;
}

static struct ledger_day *loaded_day(struct ledger *ledger)
{
    ledger_init(ledger);
    struct ledger_day *day = ledger_day(ledger, S("a.example"), DATE);
    load_all_tables(day);
    return day;
}

static struct section *new_section(void)
{
    struct section *section = section_new(10000);
    section_reset(section, S("a.example"), DATE);
    return section;
}

static void add_views(struct section *section, enum table table, const char *value, int64_t views)
{
    section_cell(section, table, str_from(value))->sums[METRIC_PAGEVIEWS] += views;
}

static int64_t views_of(struct ledger_day *day, enum table table, const char *value)
{
    return ledger_row(day, table, str_from(value))->sums[METRIC_PAGEVIEWS];
}

static void sums_add_up_until_they_are_applied(void **state)
{
    (void)state;
    struct ledger ledger;
    struct ledger_day *day = loaded_day(&ledger);
    struct section *section = new_section();
    assert_false(ledger_day_is_pending(day));
    add_views(section, TABLE_PAGE, "/a", 2);
    section_cell(section, TABLE_TOTAL, STR_EMPTY)->sums[METRIC_BOUNCES] = -1;
    fold_section(section, 1, 1, day);
    fold_section(section, 1, 2, day);
    assert_true(ledger_day_is_pending(day));
    assert_int_equal(views_of(day, TABLE_PAGE, "/a"), 4);
    assert_int_equal(ledger_row(day, TABLE_TOTAL, STR_EMPTY)->sums[METRIC_BOUNCES], -2);
    assert_int_equal(day->pending_count, 2);
    ledger_applied(&ledger);
    assert_false(ledger_day_is_pending(day));
    assert_int_equal(views_of(day, TABLE_PAGE, "/a"), 0);
    assert_int_equal(day->row_count, 2);
    section_free(section);
    ledger_forget(&ledger);
}

static void a_mark_is_the_writers_last_number_of_this_day(void **state)
{
    (void)state;
    struct ledger ledger;
    struct ledger_day *day = loaded_day(&ledger);
    struct ledger_day *other = ledger_day(&ledger, S("b.example"), DATE);
    struct section *section = new_section();
    fold_section(section, 7, 4, day);
    fold_section(section, 8, 1, day);
    fold_section(section, 7, 6, day);
    assert_int_equal(day->mark_count, 2);
    assert_int_equal(day->marks[0].writer, 7);
    assert_int_equal(day->marks[0].number, 6);
    assert_int_equal(day->marks[1].number, 1);
    assert_true(ledger_day_is_pending(day)); /* even without a cell */
    assert_false(ledger_day_is_pending(other));
    section_free(section);
    ledger_forget(&ledger);
}

static void days_and_sites_are_kept_apart(void **state)
{
    (void)state;
    struct ledger ledger;
    ledger_init(&ledger);
    struct ledger_day *days[300];
    for (unsigned i = 0; i < ARRAY_LEN(days); i++) {
        char site[32];
        snprintf(site, sizeof(site), "s%u.example", i / 3);
        days[i] = ledger_day(&ledger, str_from(site), DATE + i % 3);
    }
    assert_int_equal(ledger.count, 300);
    for (unsigned i = 0; i < ARRAY_LEN(days); i++) {
        char site[32];
        snprintf(site, sizeof(site), "s%u.example", i / 3);
        assert_ptr_equal(ledger_day(&ledger, str_from(site), DATE + i % 3), days[i]);
    }
    ledger_forget(&ledger);
    assert_int_equal(ledger.count, 0);
    assert_int_equal(ledger_bytes(&ledger), 0);
}

static void every_table_takes_its_cap_and_the_rest_is_other(void **state)
{
    (void)state;
    for (int t = 0; t < TABLE__COUNT; t++) {
        uint32_t cap = model_table_cap((enum table)t);
        struct ledger ledger;
        struct ledger_day *day = loaded_day(&ledger);
        struct section *section = new_section();
        for (uint32_t i = 0; i < cap + 2; i++) {
            char value[16];
            snprintf(value, sizeof(value), "%u", i);
            add_views(section, (enum table)t, value, 1);
        }
        fold_section(section, 1, 1, day);
        assert_int_equal(day->tables[t].values, cap);
        assert_int_equal(day->row_count, cap + 1);
        assert_int_equal(views_of(day, (enum table)t, MODEL_OTHER), 2);
        assert_int_equal(views_of(day, (enum table)t, "0"), 1);
        section_free(section);
        ledger_forget(&ledger);
    }
}

static void other_itself_takes_no_place(void **state)
{
    (void)state;
    struct ledger ledger;
    struct ledger_day *day = loaded_day(&ledger);
    struct section *section = new_section();
    add_views(section, TABLE_DEVICE, MODEL_OTHER, 5);
    for (int i = 0; i < 8; i++) {
        char value[16];
        snprintf(value, sizeof(value), "%d", i);
        add_views(section, TABLE_DEVICE, value, 1);
    }
    fold_section(section, 1, 1, day);
    assert_int_equal(views_of(day, TABLE_DEVICE, MODEL_OTHER), 5);
    assert_int_equal(views_of(day, TABLE_DEVICE, "7"), 1);
    assert_int_equal(views_of(day, TABLE_DEVICE, "new"), 5); /* that of MODEL_OTHER */
    section_free(section);
    ledger_forget(&ledger);
}

static void loaded_values_are_known_and_count_towards_the_cap(void **state)
{
    (void)state;
    struct ledger ledger;
    struct ledger_day *day = loaded_day(&ledger);
    static const struct str FIELDS[] = {S("vMobile"), S("sMobile"),       S("uMobile"),
                                        S("vTablet"), S("v" MODEL_OTHER), S("@00000000000000ab"),
                                        S("")};
    for (size_t i = 0; i < ARRAY_LEN(FIELDS); i++)
        ledger_load_field(day, TABLE_DEVICE, FIELDS[i]);
    assert_int_equal(day->tables[TABLE_DEVICE].values, 2);
    for (int i = 0; i < 100; i++) {
        char field[16];
        snprintf(field, sizeof(field), "v%d", i);
        ledger_load_field(day, TABLE_DEVICE, str_from(field));
    }
    assert_int_equal(day->tables[TABLE_DEVICE].values, model_table_cap(TABLE_DEVICE));
    assert_false(ledger_day_is_pending(day));
    ledger_forget(&ledger);
}

static void only_registers_that_raise_a_sketch_are_pending(void **state)
{
    (void)state;
    struct ledger ledger;
    struct ledger_day *day = loaded_day(&ledger);
    struct section *section = new_section();
    struct cell *cell = section_cell(section, TABLE_PAGE, S("/a"));
    section_add_register(section, cell, (struct sketch_register){1, 5});
    section_add_register(section, cell, (struct sketch_register){2, 5});
    fold_section(section, 1, 1, day);
    struct ledger_row *row = ledger_row(day, TABLE_PAGE, S("/a"));
    assert_int_equal(row->fresh_count, 2);
    ledger_applied(&ledger);
    section_add_register(section, cell, (struct sketch_register){2, 6});
    fold_section(section, 1, 2, day);
    row = ledger_row(day, TABLE_PAGE, S("/a"));
    assert_int_equal(row->fresh_count, 1);
    assert_int_equal(row->fresh[0].index, 2);
    assert_int_equal(row->fresh[0].rank, 6);
    section_free(section);
    ledger_forget(&ledger);
}

static void registers_of_values_past_the_cap_go_to_other(void **state)
{
    (void)state;
    struct ledger ledger;
    struct ledger_day *day = loaded_day(&ledger);
    struct section *section = new_section();
    for (unsigned i = 0; i < model_table_cap(TABLE_SCREEN) + 3; i++) {
        char value[16];
        snprintf(value, sizeof(value), "%u", i);
        struct cell *cell = section_cell(section, TABLE_SCREEN, str_from(value));
        section_add_register(section, cell, (struct sketch_register){(uint16_t)i, 1});
    }
    fold_section(section, 1, 1, day);
    assert_int_equal(ledger_row(day, TABLE_SCREEN, S(MODEL_OTHER))->fresh_count, 3);
    assert_int_equal(ledger_row(day, TABLE_SCREEN, S("0"))->fresh_count, 1);
    section_free(section);
    ledger_forget(&ledger);
}

static void missing_tables_are_those_of_the_section(void **state)
{
    (void)state;
    struct ledger ledger;
    ledger_init(&ledger);
    struct ledger_day *day = ledger_day(&ledger, S("a.example"), DATE);
    struct section *section = new_section();
    assert_int_equal(fold_missing_tables(section, day), 0);
    add_views(section, TABLE_PAGE, "/a", 1);
    add_views(section, TABLE_PAGE, "/b", 1);
    add_views(section, TABLE_DROPS, "bot", 1);
    assert_int_equal(fold_missing_tables(section, day), 1u << TABLE_PAGE | 1u << TABLE_DROPS);
    day->tables[TABLE_PAGE].is_loaded = true;
    assert_int_equal(fold_missing_tables(section, day), 1u << TABLE_DROPS);
    section_free(section);
    ledger_forget(&ledger);
}

/* --- Crosses ---------------------------------------------------------------------------------- */

static void cross(struct section *section, enum cross cross, const char *left, const char *right,
                  int64_t views)
{
    struct cell *cell = section_cell(section, model_cross_left(cross), str_from(left));
    uint32_t left_index = (uint32_t)(cell - section->cells);
    cell = section_cell(section, model_cross_right(cross), str_from(right));
    section_cross(section, cross_key(cross, left_index, (uint32_t)(cell - section->cells)), views,
                  1);
}

/* Pending views of a cell by its field's value; -1 when it is not pending. */
static int64_t crossed(const struct ledger_day *day, enum cross cross, const char *value)
{
    uint32_t cursor = day->crosses.of[cross].pending;
    const struct cross_cell *cell;
    int64_t views = -1;
    struct buf bytes;
    buf_init(&bytes, CROSS_VALUE_BYTES_MAX);
    while ((cell = ledger_crosses_next(&day->crosses, &cursor)) != NULL) {
        buf_reset(&bytes);
        ledger_cross_value(day, cell->key, &bytes);
        if (str_eq(buf_str(&bytes), str_from(value)))
            views = cell->views;
    }
    buf_done(&bytes);
    return views;
}

static void crosses_add_up_by_value_until_they_are_applied(void **state)
{
    (void)state;
    struct ledger ledger;
    struct ledger_day *day = loaded_day(&ledger);
    struct section *first = new_section(), *second = new_section();
    cross(first, CROSS_PAGE_COUNTRY, "/a", "NL", 2);
    cross(first, CROSS_PAGE_COUNTRY, "/b", "NL", 1);
    cross(second, CROSS_PAGE_COUNTRY, "/b", "BE", 5); /* other numbers in this section */
    cross(second, CROSS_PAGE_COUNTRY, "/a", "NL", 3);
    section_cross(second, cross_key_other(CROSS_PAGE_COUNTRY), 9, 9);
    fold_section(first, 1, 1, day);
    fold_section(second, 1, 2, day);
    assert_int_equal(crossed(day, CROSS_PAGE_COUNTRY, "/a\x1fNL"), 5);
    assert_int_equal(crossed(day, CROSS_PAGE_COUNTRY, "/b\x1fNL"), 1);
    assert_int_equal(crossed(day, CROSS_PAGE_COUNTRY,
                             "/b\x1f"
                             "BE"),
                     5);
    assert_int_equal(crossed(day, CROSS_PAGE_COUNTRY, MODEL_OTHER), 9);
    assert_int_equal(day->crosses.of[CROSS_PAGE_COUNTRY].cells, 3);
    assert_true(ledger.load.crosses_bytes > 0);
    ledger_applied(&ledger);
    assert_int_equal(ledger.load.crosses_bytes, 0);
    assert_int_equal(day->crosses.of[CROSS_PAGE_COUNTRY].pending, 0);
    fold_section(first, 1, 3, day);
    assert_int_equal(crossed(day, CROSS_PAGE_COUNTRY, "/a\x1fNL"), 2);
    assert_int_equal(crossed(day, CROSS_PAGE_COUNTRY,
                             "/b\x1f"
                             "BE"),
                     -1);
    section_free(first);
    section_free(second);
    ledger_forget(&ledger);
}

static void a_cross_takes_its_cap_and_the_rest_is_other(void **state)
{
    (void)state;
    for (uint32_t more = 0; more <= 2; more++) {
        struct ledger ledger;
        struct ledger_day *day = loaded_day(&ledger);
        struct section *section = new_section();
        char value[16];
        for (uint32_t i = 0; i < CROSS_CELLS_MAX - 1 + more; i++) {
            snprintf(value, sizeof(value), "/%u", i % 1000);
            cross(section, CROSS_PAGE_OS, value, i < 1000 ? "a" : i < 2000 ? "b" : "c", 1);
        }
        fold_section(section, 1, 1, day);
        assert_int_equal(crossed(day, CROSS_PAGE_OS, MODEL_OTHER), more == 2 ? 1 : -1);
        assert_int_equal(day->crosses.of[CROSS_PAGE_OS].cells,
                         more == 0 ? CROSS_CELLS_MAX - 1 : CROSS_CELLS_MAX);
        fold_section(section, 1, 2, day); /* what is known goes on */
        assert_int_equal(crossed(day, CROSS_PAGE_OS,
                                 "/0\x1f"
                                 "a"),
                         2);
        section_free(section);
        ledger_forget(&ledger);
    }
}

static void a_value_past_its_tables_cap_is_other_in_crosses_too(void **state)
{
    (void)state;
    struct ledger ledger;
    struct ledger_day *day = loaded_day(&ledger);
    struct section *section = new_section();
    char value[16];
    for (uint32_t i = 0; i < model_table_cap(TABLE_DEVICE) + 3; i++) {
        snprintf(value, sizeof(value), "%u", i);
        cross(section, CROSS_DEVICE_OS, value, "Linux", 1);
    }
    fold_section(section, 1, 1, day);
    assert_int_equal(crossed(day, CROSS_DEVICE_OS, "0\x1fLinux"), 1);
    assert_int_equal(crossed(day, CROSS_DEVICE_OS, MODEL_OTHER "\x1fLinux"), 3);
    assert_int_equal(crossed(day, CROSS_DEVICE_OS, MODEL_OTHER), -1);
    section_free(section);
    ledger_forget(&ledger);
}

static void loaded_cells_count_towards_the_cap(void **state)
{
    (void)state;
    struct ledger ledger;
    struct ledger_day *day = loaded_day(&ledger);
    char field[32];
    ledger_load_field(day, TABLE_COUNTRY, S("vNL"));
    for (int i = 0; i < CROSS_CELLS_MAX + 5; i++) {
        snprintf(field, sizeof(field), "v/%d", i);
        ledger_load_field(day, TABLE_PAGE, str_from(field));
        snprintf(field, sizeof(field), "/%d\x1fNL", i);
        ledger_load_cross_field(day, CROSS_PAGE_COUNTRY, str_from(field));
        ledger_load_cross_field(day, CROSS_PAGE_COUNTRY, str_from(field));
        if (i == 2)
            assert_int_equal(day->crosses.of[CROSS_PAGE_COUNTRY].cells, 3);
    }
    static const struct str OTHERS[] = {S(MODEL_OTHER), S("/0\x1fXX"), S("/none\x1fNL"), S("\x1f"),
                                        S("")};
    for (size_t i = 0; i < ARRAY_LEN(OTHERS); i++)
        ledger_load_cross_field(day, CROSS_PAGE_BROWSER, OTHERS[i]);
    assert_int_equal(day->crosses.of[CROSS_PAGE_BROWSER].cells, 0);
    assert_int_equal(day->crosses.of[CROSS_PAGE_COUNTRY].cells, CROSS_CELLS_MAX);
    assert_false(ledger_day_is_pending(day));
    struct section *section = new_section();
    cross(section, CROSS_PAGE_COUNTRY, "/0", "NL", 1);
    cross(section, CROSS_PAGE_COUNTRY, "/new", "NL", 1);
    fold_section(section, 1, 1, day);
    assert_int_equal(crossed(day, CROSS_PAGE_COUNTRY, "/0\x1fNL"), 1);
    assert_int_equal(crossed(day, CROSS_PAGE_COUNTRY, MODEL_OTHER), 1);
    section_free(section);
    ledger_forget(&ledger);
}

/* Crosses are the first to go: the pages themselves are all there. */
static void crosses_stop_at_the_bytes_of_one_apply(void **state)
{
    (void)state;
    enum { DAYS = 40, PAGES = 45 };
    struct ledger ledger;
    ledger_init(&ledger);
    struct section *section = new_section();
    char left[VALUE_BYTES_MAX + 1], right[VALUE_BYTES_MAX + 1];
    for (int i = 0; i < PAGES * PAGES && i < CROSS_CELLS_MAX; i++) {
        snprintf(left, sizeof(left), "/%0*d", VALUE_BYTES_MAX - 1, i / PAGES);
        snprintf(right, sizeof(right), "/%0*d", VALUE_BYTES_MAX - 1, i % PAGES);
        cross(section, CROSS_PAGE_ENTRY_PAGE, left, right, 1);
    }
    int64_t views = 0, cells = 0;
    for (uint32_t d = 0; d < DAYS; d++) {
        struct ledger_day *day = ledger_day(&ledger, S("a.example"), DATE + d);
        load_all_tables(day);
        fold_section(section, 1, 1, day);
        assert_int_equal(day->tables[TABLE_PAGE].values, PAGES);
        uint32_t cursor = day->crosses.of[CROSS_PAGE_ENTRY_PAGE].pending;
        const struct cross_cell *cell;
        while ((cell = ledger_crosses_next(&day->crosses, &cursor)) != NULL) {
            views += cell->views;
            cells++;
        }
    }
    assert_int_equal(views, DAYS * CROSS_CELLS_MAX);
    assert_in_range(ledger.load.crosses_bytes, APPLY_CROSSES_BYTES_MAX - 4 * CROSS_VALUE_BYTES_MAX,
                    APPLY_CROSSES_BYTES_MAX);
    assert_true(cells < DAYS * CROSS_CELLS_MAX / 2);
    ledger_applied(&ledger);
    fold_section(section, 1, 2, ledger_day(&ledger, S("a.example"), DATE + DAYS - 1));
    assert_int_equal(crossed(ledger_day(&ledger, S("a.example"), DATE + DAYS - 1),
                             CROSS_PAGE_ENTRY_PAGE, MODEL_OTHER),
                     -1);
    section_free(section);
    ledger_forget(&ledger);
}

static void missing_crosses_come_with_their_tables(void **state)
{
    (void)state;
    struct ledger ledger;
    ledger_init(&ledger);
    struct ledger_day *day = ledger_day(&ledger, S("a.example"), DATE);
    struct section *section = new_section();
    assert_int_equal(fold_missing_crosses(section, day), 0);
    section_cross(section, cross_key_other(CROSS_OS_EVENT), 1, 1);
    section_cross(section, cross_key_other(CROSS_PAGE_ENTRY_PAGE), 1, 1);
    assert_int_equal(fold_missing_crosses(section, day),
                     UINT64_C(1) << CROSS_OS_EVENT | UINT64_C(1) << CROSS_PAGE_ENTRY_PAGE);
    assert_int_equal(fold_missing_tables(section, day), 1u << TABLE_PAGE | 1u << TABLE_ENTRY_PAGE |
                                                            1u << TABLE_OS | 1u << TABLE_EVENT);
    day->crosses.of[CROSS_OS_EVENT].is_loaded = true;
    assert_int_equal(fold_missing_crosses(section, day), UINT64_C(1) << CROSS_PAGE_ENTRY_PAGE);
    section_free(section);
    ledger_forget(&ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_add_up_until_they_are_applied),
        cmocka_unit_test(a_mark_is_the_writers_last_number_of_this_day),
        cmocka_unit_test(days_and_sites_are_kept_apart),
        cmocka_unit_test(every_table_takes_its_cap_and_the_rest_is_other),
        cmocka_unit_test(other_itself_takes_no_place),
        cmocka_unit_test(loaded_values_are_known_and_count_towards_the_cap),
        cmocka_unit_test(only_registers_that_raise_a_sketch_are_pending),
        cmocka_unit_test(registers_of_values_past_the_cap_go_to_other),
        cmocka_unit_test(missing_tables_are_those_of_the_section),
        cmocka_unit_test(crosses_add_up_by_value_until_they_are_applied),
        cmocka_unit_test(a_cross_takes_its_cap_and_the_rest_is_other),
        cmocka_unit_test(a_value_past_its_tables_cap_is_other_in_crosses_too),
        cmocka_unit_test(loaded_cells_count_towards_the_cap),
        cmocka_unit_test(crosses_stop_at_the_bytes_of_one_apply),
        cmocka_unit_test(missing_crosses_come_with_their_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

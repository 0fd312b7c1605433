/* A log that grows, or whose import was interrupted: lines that are covered count nowhere again,
 * and their visitors are not counted again in the lines after them. */

#include "collector/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "aggregator/batch.h"
#include "collector/import_seen.h"
#include "common/limits.h"
#include "tests/test.h"

enum { VISITORS = 700, NEWCOMERS = 40, COVERED = IMPORT_BATCH_LINES_MAX, LINES = COVERED + 3000 };

static char path[] = "/tmp/footfall-resume-XXXXXX";
static struct site *site;

/* Everybody comes again and again, and after what is covered and a pause of hours for a new visit;
 * newcomers then, too. */
static void write_log(int lines)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < lines; i++) {
        int visitor = i % VISITORS;
        if (i >= COVERED && i % 7 == 0)
            visitor = VISITORS + i % NEWCOMERS;
        fprintf(
            file,
            "10.1.%d.%d - - [23/Nov/2024:%02d:%02d:%02d +0000] \"GET /%s HTTP/1.1\" 200 1 \"-\" "
            "\"Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0\"\n",
            visitor / 250, visitor % 250, (i < COVERED ? 9 : 13) + i / 3600, i / 60 % 60, i % 60,
            i < COVERED ? "a" : "b");
    }
    assert_int_equal(fclose(file), 0);
}

static int start(void **state)
{
    (void)state;
    char error[256];
    int fd = mkstemp(path);
    site = site_parse(STR_LIT("site.example"), STR_LIT("{}"), error, sizeof(error));
    return fd < 0 || close(fd) != 0 || site == NULL ? -1 : 0;
}

static int stop(void **state)
{
    (void)state;
    site_free(site);
    return unlink(path);
}

/* What an import counts of a day, all batches folded, and the row of the last. */
static struct import_row run(struct import_row *row, int steps, struct day_set *ret_set)
{
    char error[512];
    struct import_batch batch;
    struct import_row last = {0};
    enum import_step step = IMPORT_MORE;
    struct log_input *input = log_input_open(path, error, sizeof(error));
    assert_non_null(input);
    struct import *import = import_new(&(struct import_options){
        .site = site, .input = input, .format = ACCESS_AUTO, .now_ms = INT64_C(1795400000000)});
    assert_true(import_begin(import, row, row == NULL ? 0 : 1));
    day_set_init(ret_set, APPLY_CELLS_MAX);
    for (int i = 0; i < steps && step != IMPORT_END; i++) {
        step = import_step(import, &batch);
        assert_int_not_equal(step, IMPORT_FAILED);
        if (step != IMPORT_BATCH)
            continue;
        assert_int_equal(batch_fold(batch.payload, ret_set), BATCH_OK);
        last = batch.row;
    }
    if (step != IMPORT_END && import_cut(import, &batch)) {
        assert_int_equal(batch_fold(batch.payload, ret_set), BATCH_OK);
        last = batch.row;
    }
    import_free(import);
    log_input_close(input);
    return last;
}

static size_t visitors_of(const struct day_set *set, enum table table, const char *value)
{
    struct section *section = set->sections[0];
    const struct cell *cell = section_find(section, table, str_from(value));
    size_t count = 0;
    section_sort_registers(section);
    for (uint32_t i = 0; cell != NULL && i < section->register_count; i++)
        count += section->registers[i].cell == (uint32_t)(cell - section->cells);
    return count;
}

static int64_t views_of(const struct day_set *set)
{
    int64_t views = 0;
    for (size_t i = 0; i < set->count; i++)
        views += section_find(set->sections[i], TABLE_TOTAL, STR_EMPTY)->sums[METRIC_PAGEVIEWS];
    return views;
}

static void visitors_of_covered_lines_are_not_counted_again(void **state)
{
    (void)state;
    struct day_set first, second;
    write_log(COVERED);
    struct import_row row = run(NULL, 1000, &first);
    assert_int_equal(row.lines, COVERED);
    assert_int_equal(views_of(&first), COVERED);
    assert_in_range(visitors_of(&first, TABLE_TOTAL, ""), VISITORS * 95 / 100, VISITORS);
    write_log(LINES);
    row = run(&row, 1000, &second);
    assert_int_equal(row.lines, LINES);
    assert_int_equal(second.count, 1);
    assert_int_equal(views_of(&second), LINES - COVERED);
    assert_in_range(visitors_of(&second, TABLE_TOTAL, ""), NEWCOMERS - 2, NEWCOMERS);
    /* Of a page that they had not seen, all are visitors. */
    assert_in_range(visitors_of(&second, TABLE_PAGE, "/b"), VISITORS * 80 / 100,
                    VISITORS + NEWCOMERS);
    day_set_done(&first);
    day_set_done(&second);
}

static void who_stops_before_anything_is_new_stores_nothing(void **state)
{
    (void)state;
    struct day_set first, second;
    write_log(COVERED);
    struct import_row row = run(NULL, 1000, &first);
    write_log(LINES);
    for (int steps = 0; steps <= 4; steps++) {
        struct import_row last = run(&row, steps, &second);
        assert_int_equal(second.count, 0);
        assert_int_equal(last.number, 0);
        day_set_done(&second);
    }
    day_set_done(&first);
}

/* --- The set ---------------------------------------------------------------------------------- */

static void add_view(struct section *section, uint32_t date, uint64_t tag)
{
    section_reset(section, STR_LIT("site.example"), date);
    section_add_register(section, section_cell(section, TABLE_TOTAL, STR_EMPTY),
                         (struct sketch_register){(uint16_t)(tag % SKETCH_REGISTERS), 1});
}

static bool is_known(const struct import_seen *seen, struct section *section, uint32_t date,
                     uint64_t tag)
{
    add_view(section, date, tag);
    import_seen_drop(seen, section, 0, tag);
    return section->register_count == 0;
}

static void the_last_two_days_are_known_up_to_the_cap(void **state)
{
    (void)state;
    struct import_seen *seen = import_seen_new();
    struct section *section = section_new(SECTION_CELLS_MAX);
    static const uint32_t DATES[] = {20241122, 20241121, 20241123, 20241122, 20241124, 20241122};
    for (uint64_t i = 0; i < ARRAY_LEN(DATES); i++) {
        add_view(section, DATES[i], 100 + i);
        import_seen_note(seen, section, 0, 100 + i);
    }
    assert_true(is_known(seen, section, 20241124, 104));
    assert_true(is_known(seen, section, 20241123, 102));
    assert_false(is_known(seen, section, 20241124, 102));
    for (uint64_t i = 0; i < ARRAY_LEN(DATES); i++)
        assert_false(is_known(seen, section, DATES[i] <= 20241122 ? DATES[i] : 20241125, 100 + i));
    for (uint64_t tag = 0; tag < IMPORT_SEEN_MAX + 1000; tag++) {
        add_view(section, 20241130, tag);
        import_seen_note(seen, section, 0, tag);
    }
    assert_true(is_known(seen, section, 20241130, 0));
    assert_true(is_known(seen, section, 20241130, IMPORT_SEEN_MAX - 1));
    assert_false(is_known(seen, section, 20241130, IMPORT_SEEN_MAX));
    section_free(section);
    import_seen_free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(visitors_of_covered_lines_are_not_counted_again),
        cmocka_unit_test(who_stops_before_anything_is_new_stores_nothing),
        cmocka_unit_test(the_last_two_days_are_known_up_to_the_cap),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

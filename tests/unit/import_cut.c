/* Where an imported log is cut into batches: where a day begins, once there is enough. */

#include "collector/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "aggregator/batch.h"
#include "common/limits.h"
#include "tests/test.h"

enum { BATCHES_MAX = 8 };

static char path[] = "/tmp/footfall-cut-XXXXXX";
static struct site *site;

struct cut {
    uint64_t lines; /* until this batch's end */
    size_t days;
    int64_t views;
};

static int start(void **state)
{
    (void)state;
    char error[256];
    int fd = mkstemp(path);
    site = site_parse(STR_LIT("site.example"), STR_LIT("{\"timezone\":\"Europe/Amsterdam\"}"),
                      error, sizeof(error));
    return fd < 0 || close(fd) != 0 || site == NULL ? -1 : 0;
}

static int stop(void **state)
{
    (void)state;
    site_free(site);
    return unlink(path);
}

static void write_lines(FILE *file, int count, const char *time)
{
    for (int i = 0; i < count; i++)
        fprintf(file,
                "10.1.0.%d - - [%s] \"GET /%s HTTP/1.1\" 200 1 \"-\" "
                "\"Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0\"\n",
                i % 250, time, i % 3 == 0 ? "a" : "logo.png");
}

/* Imports the file; the batches as they come. */
static size_t cut_up(struct cut ret_cuts[BATCHES_MAX])
{
    char error[512];
    struct import_batch batch;
    size_t count = 0;
    struct log_input *input = log_input_open(path, error, sizeof(error));
    assert_non_null(input);
    struct import *import = import_new(&(struct import_options){
        .site = site, .input = input, .format = ACCESS_AUTO, .now_ms = INT64_C(1795400000000)});
    assert_true(import_begin(import, NULL, 0));
    for (enum import_step step = IMPORT_MORE; step != IMPORT_END;) {
        step = import_step(import, &batch);
        assert_int_not_equal(step, IMPORT_FAILED);
        if (step != IMPORT_BATCH)
            continue;
        assert_true(count < BATCHES_MAX);
        struct day_set set;
        day_set_init(&set, APPLY_CELLS_MAX);
        assert_int_equal(batch_fold(batch.payload, &set), BATCH_OK);
        struct cut *cut = &ret_cuts[count++];
        *cut = (struct cut){.lines = batch.row.lines, .days = set.count};
        for (size_t i = 0; i < set.count; i++)
            cut->views +=
                section_find(set.sections[i], TABLE_TOTAL, STR_EMPTY)->sums[METRIC_PAGEVIEWS];
        day_set_done(&set);
    }
    import_free(import);
    log_input_close(input);
    return count;
}

/* A quarter to midnight and a quarter past it in Amsterdam; what is late of the day before, and of
 * a day that is over for long, cuts nothing. */
static size_t cut_days(int first_lines, struct cut ret_cuts[BATCHES_MAX])
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    write_lines(file, first_lines, "22/Nov/2024:22:45:00 +0000");
    write_lines(file, 30, "22/Nov/2024:23:15:00 +0000");
    write_lines(file, 3, "22/Nov/2024:22:59:59 +0000");
    write_lines(file, 9, "23/Nov/2024:10:00:00 +0000");
    write_lines(file, 3, "24/Nov/2024:10:00:00 +0000");
    assert_int_equal(fclose(file), 0);
    return cut_up(ret_cuts);
}

static void a_batch_ends_where_a_day_begins(void **state)
{
    (void)state;
    struct cut cuts[BATCHES_MAX];
    for (int more = 0; more <= 1; more++) {
        int lines = IMPORT_BATCH_LINES_MIN + more;
        assert_int_equal(cut_days(lines, cuts), 2);
        assert_int_equal(cuts[0].lines, lines);
        assert_int_equal(cuts[0].days, 1);
        assert_int_equal(cuts[0].views, (lines + 2) / 3);
        assert_int_equal(cuts[1].lines, lines + 45);
        assert_int_equal(cuts[1].days, 3);
        assert_int_equal(cuts[1].views, 10 + 1 + 3 + 1);
    }
}

static void a_small_batch_goes_on_over_midnight(void **state)
{
    (void)state;
    struct cut cuts[BATCHES_MAX];
    /* With the lines of the next day there are enough, and the third day is cut off. */
    assert_int_equal(cut_days(IMPORT_BATCH_LINES_MIN - 1, cuts), 2);
    assert_int_equal(cuts[0].lines, IMPORT_BATCH_LINES_MIN - 1 + 42);
    assert_int_equal(cuts[0].days, 2);
    assert_int_equal(cuts[1].days, 1);
    assert_int_equal(cut_days(10, cuts), 1);
    assert_int_equal(cuts[0].days, 3);
    assert_int_equal(cuts[0].lines, 55);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_ends_where_a_day_begins),
        cmocka_unit_test(a_small_batch_goes_on_over_midnight),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

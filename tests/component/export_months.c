/* `footfall export` of a site some of whose days have been folded into their months: a month is
 * told as a month, in files that no importer takes for days, and counts once. Against a real Redis.
 */

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "aggregator/rollup.h"
#include "cli/command.h"
#include "open_days.h"
#include "tests/test.h"

#define A "a.example"
enum { PATH_BYTES = 512, TEXT_BYTES = 1024 * 1024 };
/* 2032-03-29: the days of March 2030 are about to leave. */
static const int64_t DUE_MS = INT64_C(1964390400000) - 3 * 24 * (int64_t)HOUR_MS;

static struct rollup rollup;
static char folder[] = "/tmp/footfall-export-XXXXXX";

static int start(void **state)
{
    char url[PATH_BYTES];
    int code = open_days_start(state);
    snprintf(url, sizeof(url), "unix://%s", server.address.socket_path);
    rollup_init(&rollup, 0);
    return code != 0 || setenv("FOOTFALL_REDIS_URL", url, 1) != 0 || mkdtemp(folder) == NULL ? -1
                                                                                             : 0;
}

static void remove_exports(void)
{
    char pattern[PATH_BYTES];
    glob_t found;
    snprintf(pattern, sizeof(pattern), "%s/*", folder);
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            assert_int_equal(unlink(found.gl_pathv[i]), 0);
        globfree(&found);
    }
}

static int stop(void **state)
{
    remove_exports();
    rollup_done(&rollup);
    return rmdir(folder) != 0 ? -1 : open_days_stop(state);
}

/* 60 and 61 views in March 2030, folded; 62 of a late day in it; 63 in April. */
static void fill(void)
{
    static const uint32_t DATES[] = {20300304, 20300305, 20300306, 20300402};
    struct rollup_counts counts;
    struct trouble trouble;
    open_days_reset();
    add_site(A, "{}");
    for (size_t d = 0; d < ARRAY_LEN(DATES); d++) {
        for (uint32_t i = 0; i < 60 + d; i++)
            count_view(A, DATES[d], "/a", "NL", i);
        apply_all();
        at_ms(d < 2 ? NOON_MS + 2 * 24 * (int64_t)HOUR_MS : DUE_MS);
        assert_int_equal(close_all(), 1);
        rollup.due_ms = 0;
        if (d == 1) {
            at_ms(DUE_MS);
            assert_true(rollup_turn(&rollup, redis, &counts, &trouble));
            assert_int_equal(counts.folded, 1);
        }
    }
    /* Is no day, and no month of its own. */
    redis_reply_free(redis_do(redis, S("SET"), S("ff:{0}:a.example:sum:203006"), S("x")));
}

static int export(const char *format, const char *from, const char *to)
{
    const char *words[] = {"export", "--site", A,    "--output", folder, "--format",
                           format,   "--from", from, "--to",     to,     NULL};
    char *argv[ARRAY_LEN(words)] = {NULL};
    for (size_t i = 0; i + 1 < ARRAY_LEN(words); i++)
        argv[i] = strdup(words[i]);
    remove_exports();
    optind = 1;
    int code = command_export((int)ARRAY_LEN(words) - 1, argv);
    for (size_t i = 0; i + 1 < ARRAY_LEN(words); i++)
        free(argv[i]);
    return code;
}

/* The file's text, until the next; NULL: there is none. */
static const char *text_of(const char *name)
{
    static char text[TEXT_BYTES];
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}

static size_t file_count(void)
{
    char pattern[PATH_BYTES];
    glob_t found;
    snprintf(pattern, sizeof(pattern), "%s/*", folder);
    size_t count = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    if (count > 0)
        globfree(&found);
    return count;
}

#define HEAD "\"date\",\"visitors\",\"pageviews\",\"bounces\",\"visits\",\"visit_duration\"\n"

static size_t rows_that_begin(const char *text, const char *row)
{
    size_t count = 0;
    for (const char *at = strstr(text, row); at != NULL; at = strstr(at + 1, row))
        count++;
    return count;
}

static void a_month_has_files_of_its_own(void **state)
{
    (void)state;
    fill();
    assert_int_equal(export("plausible", "2029-01-01", "2031-12-31"), EXIT_GOOD);
    assert_int_equal(file_count(), 20);
    const char *text = text_of("months_pages_203003_203003.csv");
    assert_non_null(text);
    assert_non_null(strstr(text, "\n\"2030-03\",\"a.example\",\"/a\",121,"));
    assert_int_equal(rows_that_begin(text, "\n\"20"), 1);
    text = text_of("imported_pages_20300306_20300402.csv");
    assert_non_null(text);
    assert_non_null(strstr(text, "\n\"2030-03-06\",\"a.example\",\"/a\",62,"));
    assert_non_null(strstr(text, "\n\"2030-04-02\",\"a.example\",\"/a\",63,"));
    assert_int_equal(rows_that_begin(text, "\n\"20"), 2);
}

static void a_month_that_is_cut_is_left_out(void **state)
{
    (void)state;
    fill();
    assert_int_equal(export("plausible", "2030-03-01", "2030-03-31"), EXIT_GOOD);
    assert_int_equal(file_count(), 20);
    assert_int_equal(export("plausible", "2030-03-02", "2030-03-31"), EXIT_GOOD);
    assert_int_equal(file_count(), 10);
    assert_non_null(text_of("imported_visitors_20300306_20300306.csv"));
    assert_int_equal(export("plausible", "2030-03-01", "2030-03-30"), EXIT_GOOD);
    assert_int_equal(file_count(), 10);
    assert_int_equal(export("plausible", "2030-03-01", "2030-03-05"), EXIT_BAD);
    assert_int_equal(export("plausible", "2030-02-01", "2030-02-28"), EXIT_BAD);
    assert_int_equal(file_count(), 0);
}

static void lines_of_a_month_say_so(void **state)
{
    (void)state;
    fill();
    assert_int_equal(export("jsonl", "2029-01-01", "2031-12-31"), EXIT_GOOD);
    const char *text = text_of("footfall_a.example_203003_20300402.jsonl");
    assert_non_null(text);
    assert_non_null(strstr(text, "{\"month\":\"2030-03\",\"table\":\"total\",\"pageviews\":121,"));
    assert_non_null(strstr(text, "{\"date\":\"2030-03-06\",\"table\":\"total\",\"pageviews\":62,"));
    assert_non_null(strstr(text, "{\"month\":\"2030-03\",\"cross\":\"page*country\","));
    assert_int_equal(rows_that_begin(text, "\"table\":\"total\""), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_month_has_files_of_its_own),
        cmocka_unit_test(a_month_that_is_cut_is_left_out),
        cmocka_unit_test(lines_of_a_month_say_so),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

/* Answers as text for a terminal: aligned, within its width, and without a stranger's control
 * characters. */

#include "cli/stats_table.h"

#include <jansson.h>

#include "tests/test.h"

static const struct stats_style ASCII = {.utf8 = false, .width = 80};
static const struct stats_style UTF8 = {.utf8 = true, .width = 80};

static void assert_text(struct buf *out, const char *want)
{
    buf_append_byte(out, 0);
    assert_string_equal(out->ptr, want);
    buf_done(out);
}

static void headlines_stand_above_their_figures(void **state)
{
    struct buf out;
    (void)state;
    json_t *answer = json_loads(
        "{\"results\":[{\"metrics\":[1234567,null,2.5,43,3725],\"dimensions\":[]}],"
        "\"query\":{\"metrics\":[\"visitors\",\"visits\",\"views_per_visit\",\"bounce_rate\","
        "\"visit_duration\"]}}",
        0, NULL);
    buf_init(&out, 10000);
    stats_append_headline(&out, answer, &ASCII);
    assert_text(&out, "   Visitors  Visits  Views/visit  Bounce rate  Duration\n"
                      "  1,234,567       -         2.50          43%    1h 02m\n");
    json_decref(answer);
}

#define ROWS                                                                                       \
    "{\"results\":[{\"metrics\":[8,65],\"dimensions\":[\"/\"]},{\"metrics\":[3,5],"                \
    "\"dimensions\":[\"/caf\u00e9\"]},{\"metrics\":[null,0],\"dimensions\":[\"(not set)\"]}],"     \
    "\"query\":{\"metrics\":[\"visitors\",\"visit_duration\"]}}"

static void rows_have_bars_of_the_first_figure(void **state)
{
    struct buf out;
    (void)state;
    json_t *answer = json_loads(ROWS, 0, NULL);
    buf_init(&out, 10000);
    stats_append_rows(&out, "page", answer, &UTF8);
    assert_text(&out,
                "  page                             Visitors  Duration\n"
                "  /          \u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588"
                "\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588         8    1m 05s\n"
                "  /caf\u00e9      \u2588\u2588\u2588\u2588\u2588\u2588\u2588\u258c             "
                "        3        5s\n"
                "  (not set)                               -        0s\n");
    buf_init(&out, 10000);
    stats_append_rows(&out, "page", answer, &ASCII);
    assert_text(&out, "  page                             Visitors  Duration\n"
                      "  /          ####################         8    1m 05s\n"
                      "  /caf?      ########                     3        5s\n"
                      "  (not set)                               -        0s\n");
    json_decref(answer);
}

static void no_rows_are_said_in_words(void **state)
{
    struct buf out;
    (void)state;
    json_t *answer = json_loads("{\"results\":[],\"query\":{\"metrics\":[\"visitors\"]}}", 0, NULL);
    buf_init(&out, 10000);
    stats_append_rows(&out, "page", answer, &ASCII);
    assert_text(&out, "  page: nothing in this period.\n");
    json_decref(answer);
}

static void values_are_cut_to_the_terminal(void **state)
{
    struct buf out;
    struct stats_style narrow = {.utf8 = true, .width = 34};
    struct stats_style wider = {.utf8 = true, .width = 46};
    (void)state;
    json_t *answer = json_loads("{\"results\":[{\"metrics\":[1],\"dimensions\":["
                                "\"/a/path/that/is/too/long\"]}],\"query\":{\"metrics\":["
                                "\"visitors\"]}}",
                                0, NULL);
    buf_init(&out, 10000);
    stats_append_rows(&out, "page", answer, &narrow);
    assert_non_null(memmem(out.ptr, out.len, "  /a/path/tha\u2026  ", 18));
    assert_null(memmem(out.ptr, out.len, "that", 4));
    /* The bar gives way before the value does. */
    out.len = 0;
    stats_append_rows(&out, "page", answer, &wider);
    assert_non_null(memmem(out.ptr, out.len, "  /a/path/that/is/too/long  \u2588", 31));
    buf_done(&out);
    json_decref(answer);
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    /* Escape, C1's CSI, a mark that turns the line around, delete, newline. */
    static const char VALUE[] = "/\\u001b[31m\\u009b2J\\u202e\\u007f\\n";
    static const struct stats_style *const STYLES[] = {&ASCII, &UTF8};
    char json[500];
    (void)state;
    (void)snprintf(json, sizeof(json),
                   "{\"results\":[{\"metrics\":[1],\"dimensions\":[\"%s\"]}],\"query\":{"
                   "\"metrics\":[\"visitors\"]}}",
                   VALUE);
    json_t *answer = json_loads(json, 0, NULL);
    assert_non_null(answer);
    for (size_t i = 0; i < ARRAY_LEN(STYLES); i++) {
        struct buf out;
        buf_init(&out, 10000);
        stats_append_rows(&out, "page", answer, STYLES[i]);
        assert_non_null(memmem(out.ptr, out.len, "/?[31m?2J???", 12));
        assert_null(memchr(out.ptr, 0x1b, out.len));
        assert_null(memmem(out.ptr, out.len, "\xc2\x9b", 2));
        buf_done(&out);
    }
    json_decref(answer);
}

static void sparklines_show_every_bucket(void **state)
{
    struct buf out;
    (void)state;
    json_t *answer = json_loads(
        "{\"results\":[{\"metrics\":[1],\"dimensions\":[\"2026-11-21\"]},{\"metrics\":[8],"
        "\"dimensions\":[\"2026-11-23\"]}],\"meta\":{\"time_labels\":[\"2026-11-20\","
        "\"2026-11-21\",\"2026-11-22\",\"2026-11-23\"]},\"query\":{\"metrics\":[\"visitors\"]}}",
        0, NULL);
    buf_init(&out, 10000);
    stats_append_sparkline(&out, answer, &UTF8);
    assert_text(&out, "  Visitors  \u2581\u2582\u2581\u2588  2026-11-20 to 2026-11-23\n");
    buf_init(&out, 10000);
    stats_append_sparkline(&out, answer, &ASCII);
    assert_text(&out, "  Visitors  _:_@  2026-11-20 to 2026-11-23\n");
    json_decref(answer);
}

static void a_long_sparkline_shows_the_largest_of_each_few(void **state)
{
    struct buf out;
    json_t *labels = json_array(), *results = json_array();
    (void)state;
    for (int day = 0; day < 81; day++) {
        char label[16];
        (void)snprintf(label, sizeof(label), "day-%03d", day);
        json_array_append_new(labels, json_string(label));
        if (day == 4 || day == 80) /* of the second three, and the last one */
            json_array_append_new(results,
                                  json_pack("{s:[i], s:[s]}", "metrics", 8, "dimensions", label));
    }
    json_t *answer = json_pack("{s:o, s:{s:o}, s:{s:[s]}}", "results", results, "meta",
                               "time_labels", labels, "query", "metrics", "visitors");
    buf_init(&out, 10000);
    stats_append_sparkline(&out, answer, &ASCII);
    assert_text(&out, "  Visitors  _@________________________@  day-000 to day-080\n");
    json_decref(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headlines_stand_above_their_figures),
        cmocka_unit_test(rows_have_bars_of_the_first_figure),
        cmocka_unit_test(no_rows_are_said_in_words),
        cmocka_unit_test(values_are_cut_to_the_terminal),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(sparklines_show_every_bucket),
        cmocka_unit_test(a_long_sparkline_shows_the_largest_of_each_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

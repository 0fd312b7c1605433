/* The demo site: which path is which page, and that every page is counted. */

#include "collector/demo.h"

#include "tests/test.h"
#include "tests/unit/reply.h"

static const char *const PAGES[] = {
    "/demo/",       "/demo/journal",           "/demo/journal/reading-the-tides", "/demo/visit",
    "/demo/shelf/", "/demo/shelf/small-boats", "/demo/shelf/whatever/else",
};

static void paths_give_the_right_file(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum demo_result result;
        const char *type;
    } rows[] = {
        {"/demo", DEMO_IS_FOLDER, NULL},
        {"/demo/demo.css", DEMO_FOUND, "text/css; charset=utf-8"},
        {"/demo/demo.js", DEMO_FOUND, "text/javascript; charset=utf-8"},
        {"/demo/shelf.js", DEMO_FOUND, "text/javascript; charset=utf-8"},
        {"/demo/art.svg", DEMO_FOUND, "image/svg+xml"},
        {"/demo/journal/", DEMO_NOT_FOUND, NULL},
        {"/demo/shelf", DEMO_NOT_FOUND, NULL},
        {"/demo/../footfall.js", DEMO_NOT_FOUND, NULL},
        {"/demo/nothing", DEMO_NOT_FOUND, NULL},
        {"/", DEMO_NOT_FOUND, NULL},
        {"", DEMO_NOT_FOUND, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct asset asset = {0};
        if (demo_find(str_from(rows[i].path), &asset) != rows[i].result)
            fail_msg("%s", rows[i].path);
        if (rows[i].type != NULL)
            assert_true(str_eq(asset.content_type, str_from(rows[i].type)));
    }
}

static void every_page_has_the_snippet_and_a_way_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(PAGES); i++) {
        struct asset asset;
        assert_int_equal(demo_find(str_from(PAGES[i]), &asset), DEMO_FOUND);
        if (!str_contains(asset.bytes, "<script defer src=\"/footfall.js\" "
                                       "data-site=\"demo.localhost\"></script>"))
            fail_msg("%s lacks the snippet", PAGES[i]);
        if (!str_contains(asset.bytes, "href=\"/opt-out\""))
            fail_msg("%s lacks the opt-out", PAGES[i]);
    }
}

static void pages_run_nothing_inline_and_load_nothing_foreign(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(PAGES); i++) {
        struct asset asset;
        assert_int_equal(demo_find(str_from(PAGES[i]), &asset), DEMO_FOUND);
        assert_true(str_starts_with(asset.policy, STR_LIT("default-src 'none'; ")));
        assert_false(str_contains(asset.policy, "unsafe"));
        assert_false(str_contains(asset.bytes, "style=\""));
        assert_false(str_contains(asset.bytes, "<script>"));
        assert_false(str_contains(asset.bytes, "src=\"http"));
        assert_false(str_contains(asset.bytes, "//"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_give_the_right_file),
        cmocka_unit_test(every_page_has_the_snippet_and_a_way_out),
        cmocka_unit_test(pages_run_nothing_inline_and_load_nothing_foreign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

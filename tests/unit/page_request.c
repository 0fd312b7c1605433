/* Which requests are of pages, and names of the reasons why others are not. */

#include "collector/page_request.h"

#include "common/macros.h"
#include "tests/test.h"

static void by_the_path_where_nothing_tells_the_type(void **state)
{
    static const struct {
        const char *target;
        bool is_page;
    } CASES[] = {
        {"/", true},
        {"", true},
        {"/about", true},
        {"/about/", true},
        {"/index.html", true},
        {"/index.php?x=a.css", true},
        {"/v1.2", true},
        {"/node.js/", true},
        {"/a.b/c", true},
        {"/x.", true},
        {"/page#a.css", true},
        {"/style.css", false},
        {"/style.CSS?v=3", false},
        {"/a/b/photo.JPeG", false},
        {"/7z.7z", false},
        {"/last.zst", false},
        {"/app.webmanifest", false},
        {"/app.webmanifestx", true},
        {"/feed.rss", false},
        {"/robots.txt", false},
        {"/x.css#y", false},
        {"http://example.com/a.png", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
        if (page_request_is_page(str_from(CASES[i].target), STR_EMPTY) != CASES[i].is_page)
            fail_msg("%s", CASES[i].target);
}

static void by_the_type_where_the_log_tells_it(void **state)
{
    (void)state;
    assert_true(page_request_is_page(STR_LIT("/a.css"), STR_LIT("text/html; charset=utf-8")));
    assert_true(page_request_is_page(STR_LIT("/a"), STR_LIT("Application/XHTML+xml")));
    assert_false(page_request_is_page(STR_LIT("/a"), STR_LIT("application/json")));
    assert_false(page_request_is_page(STR_LIT("/a"), STR_LIT("text/htmlx")));
}

static void reasons_have_names(void **state)
{
    (void)state;
    for (int i = 0; i < PAGE_REQUEST__COUNT; i++) {
        assert_true(page_request_name((enum page_request)i)[0] != '\0');
        assert_true(page_request_meaning((enum page_request)i)[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_the_path_where_nothing_tells_the_type),
        cmocka_unit_test(by_the_type_where_the_log_tells_it),
        cmocka_unit_test(reasons_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

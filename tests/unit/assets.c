/* The embedded pages: which path gives what, and when a reply may be compressed or left out. */

#define ZLIB_CONST
#include "dashboards/assets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include <cmocka.h>

static void paths_give_the_right_type(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *type; /* NULL: not found */
    } cases[] = {
        {"/", "text/html; charset=utf-8"},
        {"/example.com", "text/html; charset=utf-8"},
        {"/example.com/", "text/html; charset=utf-8"},
        {"/assets/app.js", "text/javascript; charset=utf-8"},
        {"/assets/app.css", "text/css; charset=utf-8"},
        {"/assets/icon.svg", "image/svg+xml"},
        {"/localhost", "text/html; charset=utf-8"},
        {"", NULL},
        {"//", NULL},
        {"example.com", NULL},
        {"/example.com//", NULL},
        {"/example.com/about", NULL},
        {"/api/sites", NULL},
        {"/api", NULL},
        {"/assets/", NULL},
        {"/assets/app.js/", NULL},
        {"/assets/../app.js", NULL},
        {"/%00", NULL},
        {"/Example<script>", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct asset asset = {0};
        bool found = assets_find(str_from(cases[i].path), &asset);
        if (found != (cases[i].type != NULL))
            fail_msg("%s: found %d", cases[i].path, found);
        if (found)
            assert_true(str_eq(asset.content_type, str_from(cases[i].type)));
    }
}

static void gzip_holds_the_same_bytes(void **state)
{
    (void)state;
    static const char *const paths[] = {"/", "/assets/app.js", "/assets/app.css",
                                        "/assets/icon.svg"};
    static unsigned char plain[1024 * 1024];
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct asset asset;
        assert_true(assets_find(str_from(paths[i]), &asset));
        z_stream stream = {.next_in = (const Bytef *)asset.gzip.ptr,
                           .avail_in = (uInt)asset.gzip.len,
                           .next_out = plain,
                           .avail_out = sizeof(plain)};
        assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        assert_true(str_eq((struct str){(char *)plain, stream.total_out}, asset.bytes));
        inflateEnd(&stream);
    }
}

/* uPlot is 23 kB of it and Preact 6 kB. */
static void a_first_visit_costs_under_52_kilobytes(void **state)
{
    (void)state;
    static const char *const paths[] = {"/", "/assets/app.js", "/assets/app.css",
                                        "/assets/icon.svg"};
    size_t total = 0;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct asset asset;
        assert_true(assets_find(str_from(paths[i]), &asset));
        total += asset.gzip.len;
    }
    print_message("pages: %zu bytes compressed\n", total);
    assert_in_range(total, 1, 52 * 1000);
}

static void the_page_has_nothing_inline(void **state)
{
    (void)state;
    struct asset page;
    assert_true(assets_find(STR_LIT("/"), &page));
    static const char *const banned[] = {"<style", "style=", "onload=", "javascript:"};
    for (size_t i = 0; i < ARRAY_LEN(banned); i++)
        assert_null(memmem(page.bytes.ptr, page.bytes.len, banned[i], strlen(banned[i])));
    assert_non_null(memmem(page.bytes.ptr, page.bytes.len, "/assets/app.js", 14));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_give_the_right_type),
        cmocka_unit_test(gzip_holds_the_same_bytes),
        cmocka_unit_test(a_first_visit_costs_under_52_kilobytes),
        cmocka_unit_test(the_page_has_nothing_inline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

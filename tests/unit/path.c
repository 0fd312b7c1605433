/* Paths: one spelling, bounded, and nothing in them that looks like a person or a secret. */

#include "collector/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect_path(struct str raw, struct str expected)
{
    char out[PATH_BYTES_MAX];
    struct str path;
    if (!path_normalise(raw, out, &path))
        fail_msg("refused: %.*s", STR_ARG(raw));
    if (!str_eq(path, expected))
        fail_msg("%.*s: %.*s", STR_ARG(raw), STR_ARG(path));
}

static void one_page_has_one_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *path;
    } rows[] = {
        {"", "/"},
        {"/", "/"},
        {"//", "/"},
        {"/a", "/a"},
        {"/a/", "/a"},
        {"/a//b///", "/a/b"},
        {"a/b", "/a/b"},
        {"/a/./b", "/a/b"},
        {"/a/../b", "/b"},
        {"/../../a", "/a"},
        {"/a/b/..", "/a"},
        {"/a/..", "/"},
        {"/a/...", "/a/..."},
        {"/a?q=1", "/a"},
        {"/a#top", "/a"},
        {"/a#x?y", "/a"},
        {"/a?x#y", "/a"},
        {"?q", "/"},
        {"/a%20b", "/a b"},
        {"/a+b", "/a+b"},
        {"/a%20%20", "/a"},
        {"/a%20/", "/a"},
        {"/%20", "/"},
        {"/a/.%20", "/a"},
        {"/a/b/..%20", "/a"},
        {"/a/%20/", "/a"},
        {"/tags/%20a", "/tags/ a"},
        {"/caf%C3%A9", "/caf\xc3\xa9"},
        {"/caf\xc3\xa9", "/caf\xc3\xa9"},
        {"/a%2Fb", "/a/b"},
        {"/a/%2e%2E/b", "/b"},
        {"/a%3Fb%23c", "/a?b#c"},
        {"/100%25", "/100%"},
        {"/Case/Kept", "/Case/Kept"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_path(str_from(rows[i].raw), str_from(rows[i].path));
}

static void garbage_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct str raw;
    } rows[] = {
        {STR_LIT("/%")},    {STR_LIT("/%4")},        {STR_LIT("/%zz")},    {STR_LIT("/100%/a")},
        {STR_LIT("/%00")},  {STR_LIT("/a\0b")},      {STR_LIT("/%0a")},    {STR_LIT("/a\tb")},
        {STR_LIT("/%7F")},  {STR_LIT("/caf%E9")},    {STR_LIT("/%C3")},    {STR_LIT("/%C2%85")},
        {STR_LIT("/\xff")}, {STR_LIT("/%ED%A0%80")}, {STR_LIT("/%c0%af")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[PATH_BYTES_MAX];
        struct str path = STR_LIT("untouched");
        if (path_normalise(rows[i].raw, out, &path) || !str_eq(path, STR_LIT("untouched")))
            fail_msg("row %zu", i);
    }
}

/* What may not be lost from a site's list of pages. */
static void ordinary_pages_keep_their_names(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "/blog/2015/logstash-monitorama-2013",
        "/presentations/logstash-monitorama-2013/images/kibana-dashboard3.png",
        "/js/jquery-3.7.1.min.js",
        "/articles/dynamic-dns-with-dhcp",
        "/blog/geekery/Kyocera-KPC650-EVDO-in-FreeBSD.html",
        "/blog/geekery/boost-xpressive-supports-user-defined-assertions.html",
        "/blog/geekery/xdotool-2.20110530.html",
        "/blog/geekery/xdotool-20070713.html",
        "/images/ahhh___rage_face_by_samusmmx-d5g5zap.png",
        "/apple-touch-icon-120x120-precomposed.png",
        "/2015/05/03",
        "/2015-05-03",
        "/page/12345",
        "/docs/1.20.300/index.html",
        "/price/1299.99",
        "/package/@babel/core@7.22.5",
        "/npm/react@18.2.0.min.js",
        "/img/logo@2x.png",
        "/@alice",
        "/commit/3f9a8b7",
        "/deadbeef/cafe",
        "/wiki/HowToInstallUbuntu1404",
        "/wiki/ThisIsMyPageTitle2015",
        "/WindowsServer2012R2EditionPDF",
        "/products/IPHONE-15-PRO-256GB-BLK-eu",
        "/ps5-vs-xbox-x1-4k-60fps-8k",
        "/Top-10-Things-To-Do-In-NYC-In-2024",
        "/10-tips-for-your-2024-taxes-and-2025-plans",
        "/this_is_a_rather_long_title_with_underscores_and_more",
        "/Internationalization-and-Localization-101",
        "/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e/\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82",
        "/a.b.c",
        "/.well-known/security.txt",
        "/C++",
        "/12345.html",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_path(str_from(rows[i]), str_from(rows[i]));
}

static void people_and_secrets_become_an_id(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *path;
    } rows[] = {
        /* e-mail addresses */
        {"/user/bob@example.com", "/user/:id"},
        {"/user/bob%40example.com/edit", "/user/:id/edit"},
        {"/user/bob%2540example.com", "/user/:id"},
        {"/u/mail=bob.smith+x@mail.example.co.uk", "/u/:id"},
        {"/u/bob@163.com", "/u/:id"},
        {"/u/b%C3%B6b@b%C3%BCro.de", "/u/:id"},
        /* numbers: five, six and seven digits */
        {"/order/12345", "/order/12345"},
        {"/order/123456", "/order/:id"},
        {"/order/1234567/print", "/order/:id/print"},
        {"/order/123456%20", "/order/:id"},
        {"/order/%20123456%20/", "/order/:id"},
        {"/order/123456.html", "/order/:id"},
        {"/call/+31 20 123-4567", "/call/:id"},
        {"/call/%2B31201234567", "/call/:id"},
        /* digits within: nine, ten and eleven */
        {"/article123456789", "/article123456789"},
        {"/article1234567890", "/:id"},
        {"/article12345678901-x", "/:id"},
        /* UUIDs */
        {"/d/123e4567-e89b-12d3-a456-426614174000", "/d/:id"},
        {"/d/123E4567-E89B-12D3-A456-426614174000.pdf", "/d/:id"},
        {"/d/%7B123e4567-e89b-12d3-a456-426614174000%7D", "/d/:id"},
        {"/d/report-abcdefab-cdef-abcd-efab-cdefabcdefab", "/d/:id"},
        /* hex: 15, 16 and 17 digits */
        {"/s/3f9a8b7c6d5e4f3", "/s/3f9a8b7c6d5e4f3"},
        {"/s/3f9a8b7c6d5e4f3a", "/s/:id"},
        {"/s/3f9a8b7c6d5e4f3ab", "/s/:id"},
        {"/s/5f4dcc3b5aa765d61d8327deb882cf99", "/s/:id"},
        {"/s/DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", "/s/:id"},
        {"/My-Notes-0123456789abcdef0123456789abcdef", "/:id"},
        {"/page;jsessionid=1A2B3C4D5E6F7A8B9C0D1E2F3A4B5C6D", "/:id"},
        /* base64 and its kin */
        {"/reset/dGhpcyBpcyBhIHNlY3JldCE", "/reset/:id"},
        {"/reset/kQ3xZ9_vB-7mT2pLw8Rj", "/reset/:id"},
        {"/reset/kQ3xZ9_vB-7mT2pLw8R", "/reset/kQ3xZ9_vB-7mT2pLw8R"}, /* 19 characters */
        {"/v/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w"
         "5N_XgL0n3I9PlFUP0THsR8U",
         "/v/:id"},
        {"/v/ABcdEF01-ghIJ23-klMN45op", "/v/:id"}, /* eight of nineteen neighbours differ */
        {"/v/token=AbC123dEf456GhI789jKl", "/v/:id"},
        {"/v/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/v/:id"},
        {"/v/k3j9x8q2m4n7p1r5t6w0", "/v/:id"},
        {"/v/a1b2c3/../123456", "/v/:id"},
        {"/123456/..", "/"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_path(str_from(rows[i].raw), str_from(rows[i].path));
}

static void paths_below_at_and_above_the_cap(void **state)
{
    (void)state;
    char raw[PATH_BYTES_MAX + 2];
    memset(raw, 'a', sizeof(raw));
    raw[0] = '/';
    for (size_t len = PATH_BYTES_MAX - 1; len <= PATH_BYTES_MAX + 1; len++)
        expect_path((struct str){raw, len},
                    (struct str){raw, len < PATH_BYTES_MAX ? len : PATH_BYTES_MAX});
}

static void a_cut_keeps_whole_characters_and_no_slash(void **state)
{
    (void)state;
    char raw[PATH_BYTES_MAX + 8];
    memset(raw, 'a', sizeof(raw));
    raw[0] = '/';
    memcpy(raw + PATH_BYTES_MAX - 1, "\xc3\xa9", 2);
    expect_path((struct str){raw, sizeof(raw)}, (struct str){raw, PATH_BYTES_MAX - 1});
    memcpy(raw + PATH_BYTES_MAX - 1, "/a", 2);
    expect_path((struct str){raw, sizeof(raw)}, (struct str){raw, PATH_BYTES_MAX - 1});
}

/* The cap must not leave half a secret behind that is no longer recognised. */
static void a_secret_across_the_cap_is_gone_as_a_whole(void **state)
{
    (void)state;
    char raw[PATH_BYTES_MAX + 40];
    memset(raw, 'a', sizeof(raw));
    raw[0] = '/';
    memcpy(raw + PATH_BYTES_MAX - 20, "/123e4567-e89b-12d3-a456-426614174000", 37);
    char out[PATH_BYTES_MAX];
    struct str path;
    assert_true(path_normalise((struct str){raw, PATH_BYTES_MAX + 17}, out, &path));
    assert_int_equal(path.len, PATH_BYTES_MAX - 20 + 4);
    assert_true(str_ends_with(path, STR_LIT("/:id")));
}

static void raw_paths_below_at_and_above_their_cap(void **state)
{
    (void)state;
    static char raw[BEACON_URL_BYTES_MAX + 1];
    memset(raw, '/', sizeof(raw));
    char out[PATH_BYTES_MAX];
    struct str path;
    assert_true(path_normalise((struct str){raw, BEACON_URL_BYTES_MAX - 1}, out, &path));
    assert_true(path_normalise((struct str){raw, BEACON_URL_BYTES_MAX}, out, &path));
    assert_true(str_eq(path, STR_LIT("/")));
    assert_false(path_normalise((struct str){raw, BEACON_URL_BYTES_MAX + 1}, out, &path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_page_has_one_spelling),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(ordinary_pages_keep_their_names),
        cmocka_unit_test(people_and_secrets_become_an_id),
        cmocka_unit_test(paths_below_at_and_above_the_cap),
        cmocka_unit_test(a_cut_keeps_whole_characters_and_no_slash),
        cmocka_unit_test(a_secret_across_the_cap_is_gone_as_a_whole),
        cmocka_unit_test(raw_paths_below_at_and_above_their_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* URLs taken apart: what is a host, and what is refused. */

#include "collector/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void parts_stand_as_they_stood(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *path, *query;
    } rows[] = {
        {"https://example.com", "example.com", "", ""},
        {"HTTP://Example.COM/A?b=c#d", "Example.COM", "/A", "b=c"},
        {"https://example.com?q", "example.com", "", "q"},
        {"https://example.com#f?q", "example.com", "", ""},
        {"https://example.com/a#f?q", "example.com", "/a", ""},
        {"https://example.com:8443/a", "example.com", "/a", ""},
        {"https://example.com:/a", "example.com", "/a", ""},
        {"https://user:pa@ss@example.com/a@b", "example.com", "/a@b", ""},
        {"https://example.com./", "example.com", "/", ""},
        {"https://localhost", "localhost", "", ""},
        {"http://127.0.0.1:80/", "127.0.0.1", "/", ""},
        {"http://[2001:db8::1]:80/x", "[2001:db8::1]", "/x", ""},
        {"http://[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", "", ""},
        {"https://xn--mnchen-3ya.de/", "xn--mnchen-3ya.de", "/", ""},
        {"https://m\xc3\xbcnchen.de/", "m\xc3\xbcnchen.de", "/", ""},
        {"https://a_b.example/?a?b", "a_b.example", "/", "a?b"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct url url;
        if (!url_split(str_from(rows[i].text), &url))
            fail_msg("refused: %s", rows[i].text);
        if (!str_eq(url.host, str_from(rows[i].host)) ||
            !str_eq(url.path, str_from(rows[i].path)) ||
            !str_eq(url.query, str_from(rows[i].query)))
            fail_msg("%s", rows[i].text);
    }
}

static void others_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "/path",
        "example.com",
        "//example.com/",
        "https:/example.com",
        "https:example.com",
        "ftp://example.com/",
        "data:text/html,x",
        "about:blank",
        "android-app://com.example",
        "file:///etc/passwd",
        "https://",
        "https:///a",
        "https://?q",
        "https://user@/",
        "https://:80/",
        "https://.example.com/",
        "https://example..com/",
        "https://.",
        "https://exa mple.com/",
        "https://example.com%00/",
        "https://ex%61mple.com/",
        "https://example.com:80a/",
        "https://example.com:123456/",
        "https://example.com\\@evil.example/",
        "https://[::1/",
        "https://[::1]x/",
        "https://[]/",
        "https://[example]/",
        "https://<script>/",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct url url;
        if (url_split(str_from(rows[i]), &url))
            fail_msg("taken: %s", rows[i]);
    }
}

static void hosts_below_at_and_above_the_cap(void **state)
{
    (void)state;
    char text[8 + HOST_BYTES_MAX + 1] = "https://";
    memset(text + 8, 'a', HOST_BYTES_MAX + 1);
    struct url url;
    assert_true(url_split((struct str){text, 8 + HOST_BYTES_MAX - 1}, &url));
    assert_true(url_split((struct str){text, 8 + HOST_BYTES_MAX}, &url));
    assert_false(url_split((struct str){text, 8 + HOST_BYTES_MAX + 1}, &url));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_stand_as_they_stood),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(hosts_below_at_and_above_the_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

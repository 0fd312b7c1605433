/* The native beacon and the pixel: what is read, what is refused, and what is left behind. */

#include "collector/beacon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct beacon_scratch scratch;
static struct beacon beacon;

static void expect_status(struct str body, enum beacon_status expected)
{
    enum beacon_status status = beacon_parse(body, &scratch, &beacon);
    if (status != expected)
        fail_msg("%.*s: %s", STR_ARG(str_prefix(body, 200)), beacon_status_sentence(status));
}

static void expect_str(struct str got, const char *expected)
{
    if (!str_eq(got, str_from(expected)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(got), expected);
}

static void a_page_view_has_every_part(void **state)
{
    (void)state;
    expect_status(
        STR_LIT("s=Example.com&u=https%3A%2F%2FWWW.Example.com%3A8443%2Fblog%2FPost%2F%3F"
                "utm_source%3Dnews%2Bletter%26utm_medium%3Demail%26utm_campaign%3DSpring%252024"
                "%26utm_content%3Dtop%26utm_term%3Dshoes%26ref%3Dhn%26gclid%3Dx%23part&r=https%3A"
                "%2F%2Fwww.News.example%3A81%2Fsecret%3Fq%3Dme&w=1440"),
        BEACON_OK);
    assert_int_equal(beacon.kind, BEACON_PAGEVIEW);
    expect_str(beacon.site, "example.com");
    expect_str(beacon.host, "www.example.com");
    expect_str(beacon.path, "/blog/Post");
    expect_str(beacon.referrer_host, "news.example");
    expect_str(beacon.utm[UTM_SOURCE], "news letter");
    expect_str(beacon.utm[UTM_MEDIUM], "email");
    expect_str(beacon.utm[UTM_CAMPAIGN], "Spring 24");
    expect_str(beacon.utm[UTM_CONTENT], "top");
    expect_str(beacon.utm[UTM_TERM], "shoes");
    expect_str(beacon.ref, "hn");
    assert_true(beacon.click_id_google);
    assert_false(beacon.click_id_microsoft);
    assert_int_equal(beacon.viewport_px, 1440);
    assert_int_equal(beacon.engaged_ms, 0);
    assert_int_equal(beacon.scroll_percent, -1);
    assert_int_equal(beacon.prop_count, 0);
    expect_str(beacon.event, "");
}

static void what_is_absent_is_empty(void **state)
{
    (void)state;
    expect_status(STR_LIT("u=https://example.com"), BEACON_OK);
    expect_str(beacon.site, "example.com");
    expect_str(beacon.path, "/");
    expect_str(beacon.referrer_host, "");
    expect_str(beacon.ref, "");
    for (size_t i = 0; i < UTM__COUNT; i++)
        expect_str(beacon.utm[i], "");
    assert_int_equal(beacon.viewport_px, 0);
    assert_false(beacon.click_id_google);
}

static void bodies_get_a_status(void **state)
{
    (void)state;
    static const struct {
        struct str body;
        enum beacon_status status;
    } rows[] = {
        /* the form */
        {STR_LIT(""), BEACON_NO_URL},
        {STR_LIT("&&&"), BEACON_NO_URL},
        {STR_LIT("="), BEACON_NO_URL},
        {STR_LIT("u"), BEACON_NO_URL},
        {STR_LIT("u="), BEACON_NO_URL},
        {STR_LIT("u=+"), BEACON_NO_URL},
        {STR_LIT("{\"u\":\"https://a.example/\"}"), BEACON_NO_URL},
        {STR_LIT("\x89PNG\r\n\x1a\n\0\0\xff"), BEACON_NO_URL},
        {STR_LIT("u=https://a.example/&x=1&y"), BEACON_OK},
        {STR_LIT("u=https://a.example/&x=1&x=2"), BEACON_OK},
        {STR_LIT("&u=https://a.example/&"), BEACON_OK},
        {STR_LIT("%75=https://a.example/"), BEACON_OK},
        {STR_LIT("u=https://a.example/\r\n"), BEACON_OK},
        {STR_LIT("u=https://a.example/&u=https://a.example/"), BEACON_DUPLICATE_FIELD},
        {STR_LIT("u=https://a.example/&r=&r="), BEACON_DUPLICATE_FIELD},
        /* encoding */
        {STR_LIT("u=https://a.example/%"), BEACON_BAD_ENCODING},
        {STR_LIT("u=https://a.example/&x=%zz"), BEACON_BAD_ENCODING},
        {STR_LIT("u=https://a.example/&%zz=1"), BEACON_BAD_ENCODING},
        {STR_LIT("u=https://a.example/%25zz"), BEACON_BAD_ENCODING},
        {STR_LIT("u=https://a.example/%00"), BEACON_BAD_ENCODING},
        {STR_LIT("u=https://a.example/%2500"), BEACON_BAD_ENCODING},
        {STR_LIT("u=https://a.example/\0x"), BEACON_BAD_ENCODING},
        {STR_LIT("u=https://a.example/\xff"), BEACON_BAD_ENCODING},
        {STR_LIT("u=https://a.example/%ff"), BEACON_BAD_ENCODING},
        {STR_LIT("u=https://a.example/%25ff"), BEACON_BAD_ENCODING},
        {STR_LIT("u=https://a.example/%0Ab"), BEACON_BAD_ENCODING},
        {STR_LIT("u=https://a.example/&r=https://b.example/%00"), BEACON_BAD_ENCODING},
        {STR_LIT("u=https://a.example/&n=a%07"), BEACON_BAD_ENCODING},
        {STR_LIT("u=https://a.example/?utm_source=%2507"), BEACON_BAD_ENCODING},
        {STR_LIT("u=https://a.example/?utm_source=%25"), BEACON_BAD_ENCODING},
        {STR_LIT("u=https://a.example/?q=%25&discount=50%25"), BEACON_OK},
        /* the URL */
        {STR_LIT("u=/path"), BEACON_BAD_URL},
        {STR_LIT("u=ftp://a.example/"), BEACON_BAD_URL},
        {STR_LIT("u=https:///x"), BEACON_BAD_URL},
        {STR_LIT("u=about:blank"), BEACON_BAD_URL},
        {STR_LIT("u=javascript:alert(1)"), BEACON_BAD_URL},
        /* the site */
        {STR_LIT("s=&u=https://a.example/"), BEACON_BAD_SITE},
        {STR_LIT("s=a+b&u=https://a.example/"), BEACON_BAD_SITE},
        {STR_LIT("s=https://a.example&u=https://a.example/"), BEACON_BAD_SITE},
        {STR_LIT("s=a.example%0A&u=https://a.example/"), BEACON_OK},
        {STR_LIT("s=a%0A.example&u=https://a.example/"), BEACON_BAD_ENCODING},
        /* the referrer */
        {STR_LIT("u=https://a.example/&r="), BEACON_OK},
        {STR_LIT("u=https://a.example/&r=android-app://com.example/"), BEACON_OK},
        {STR_LIT("u=https://a.example/&r=https://%3Cscript%3E/"), BEACON_OK},
        {STR_LIT("u=https://a.example/&r=garbage"), BEACON_OK},
        /* the name */
        {STR_LIT("u=https://a.example/&n="), BEACON_BAD_NAME},
        {STR_LIT("u=https://a.example/&n=++"), BEACON_BAD_NAME},
        {STR_LIT("u=https://a.example/&n=pageview"), BEACON_OK},
        /* numbers */
        {STR_LIT("u=https://a.example/&w="), BEACON_OK},
        {STR_LIT("u=https://a.example/&w=-1"), BEACON_BAD_NUMBER},
        {STR_LIT("u=https://a.example/&w=1e3"), BEACON_BAD_NUMBER},
        {STR_LIT("u=https://a.example/&w=undefined"), BEACON_BAD_NUMBER},
        {STR_LIT("u=https://a.example/&w=.5"), BEACON_BAD_NUMBER},
        {STR_LIT("u=https://a.example/&w=1.2.3"), BEACON_BAD_NUMBER},
        {STR_LIT("u=https://a.example/&n=engagement"), BEACON_BAD_NUMBER},
        {STR_LIT("u=https://a.example/&n=engagement&t=1"), BEACON_OK},
        {STR_LIT("u=https://a.example/&n=engagement&d=0"), BEACON_OK},
        /* properties */
        {STR_LIT("u=https://a.example/&p="), BEACON_OK},
        {STR_LIT("u=https://a.example/&p={}"), BEACON_OK},
        {STR_LIT("u=https://a.example/&p={"), BEACON_BAD_PROPS},
        {STR_LIT("u=https://a.example/&p=[]"), BEACON_BAD_PROPS},
        {STR_LIT("u=https://a.example/&p=1"), BEACON_BAD_PROPS},
        {STR_LIT("u=https://a.example/&p={}x"), BEACON_BAD_PROPS},
        {STR_LIT("u=https://a.example/&p={\"a\":\"\xff\"}"), BEACON_BAD_PROPS},
        {STR_LIT("u=https://a.example/&p={\"a\":\"\\u0000\"}"), BEACON_BAD_PROPS},
        {STR_LIT("u=https://a.example/&p={\"a\":\"x\\u0007y\"}"), BEACON_BAD_PROPS},
        {STR_LIT("u=https://a.example/&p={\"x\\ny\":1}"), BEACON_BAD_PROPS},
        {STR_LIT("u=https://a.example/&p={%0A\"a\":1}"), BEACON_OK},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_status(rows[i].body, rows[i].status);
}

static void a_refusal_leaves_the_output_alone(void **state)
{
    (void)state;
    struct beacon before;
    memset(&before, 0x5a, sizeof(before));
    beacon = before;
    expect_status(STR_LIT("u=https://a.example/&p={\"a\":1}&w=x"), BEACON_BAD_NUMBER);
    assert_memory_equal(&beacon, &before, sizeof(before));
}

static void each_status_has_a_sentence(void **state)
{
    (void)state;
    for (int status = 0; status < BEACON__COUNT; status++) {
        const char *sentence = beacon_status_sentence((enum beacon_status)status);
        assert_true(strlen(sentence) > 10);
        assert_int_equal(sentence[strlen(sentence) - 1], '.');
    }
}

static void only_the_host_of_a_referrer_is_kept(void **state)
{
    (void)state;
    static const struct {
        const char *referrer, *host;
    } rows[] = {
        {"https://Blog.Example.com/a/b?q=secret#x", "blog.example.com"},
        {"http://www.example.com", "example.com"},
        {"https://www.com/", "www.com"},
        {"https://user:secret@example.com:81/", "example.com"},
        {"http://[2001:DB8::1]/", "[2001:db8::1]"},
        {"android-app://com.google.android.gm/", ""},
        {"about:blank", ""},
        {"data:text/html,x", ""},
        {"https://", ""},
        {"https://exa mple/", ""},
        {"null", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char body[200];
        int len = snprintf(body, sizeof(body), "u=https://a.example/&r=%s", rows[i].referrer);
        for (char *c = body + 23; c < body + len; c++)
            if (*c == '#') /* as a form would have it, but for the signs that do not matter */
                *c = '/';
        expect_status((struct str){body, (size_t)len}, BEACON_OK);
        expect_str(beacon.referrer_host, rows[i].host);
    }
}

static void the_first_tag_that_says_something_counts(void **state)
{
    (void)state;
    expect_status(STR_LIT("u=https://a.example/?utm_source%3D%26UTM_Source%3D+a+%26utm_source%3Db"
                          "%26source%3Dc%26ref%3Dd%26msclkid%3D1%26gclid%3D"),
                  BEACON_OK);
    expect_str(beacon.utm[UTM_SOURCE], "a");
    expect_str(beacon.ref, "c");
    assert_true(beacon.click_id_microsoft);
    assert_false(beacon.click_id_google);
}

static void tags_below_at_and_above_the_cap(void **state)
{
    (void)state;
    for (size_t len = TAG_BYTES_MAX - 1; len <= TAG_BYTES_MAX + 1; len++) {
        char body[300] = "u=https://a.example/?utm_source=";
        size_t start = strlen(body);
        memset(body + start, 'a', len);
        expect_status((struct str){body, start + len}, BEACON_OK);
        assert_int_equal(beacon.utm[UTM_SOURCE].len, len < TAG_BYTES_MAX ? len : TAG_BYTES_MAX);
        /* The last character has two bytes: it is kept or left out as a whole. */
        memcpy(body + start + len - 2, "\xc3\xa9", 2);
        expect_status((struct str){body, start + len}, BEACON_OK);
        assert_int_equal(beacon.utm[UTM_SOURCE].len, len <= TAG_BYTES_MAX ? len : len - 2);
    }
}

static void an_email_address_in_a_tag_or_name_becomes_an_id(void **state)
{
    (void)state;
    expect_status(STR_LIT("u=https://a.example/?utm_content=to%2Dbob@example.com%26utm_campaign="
                          "1234567%26ref=bob%2540example.com&n=mail+bob@example.com"),
                  BEACON_OK);
    expect_str(beacon.utm[UTM_CONTENT], ":id");
    expect_str(beacon.utm[UTM_CAMPAIGN], "1234567");
    expect_str(beacon.ref, ":id");
    expect_str(beacon.event, ":id");
}

static void names_below_at_and_above_the_cap(void **state)
{
    (void)state;
    for (size_t len = TAG_BYTES_MAX - 1; len <= TAG_BYTES_MAX + 1; len++) {
        char body[300] = "u=https://a.example/&n=";
        size_t start = strlen(body);
        memset(body + start, 'a', len);
        expect_status((struct str){body, start + len},
                      len > TAG_BYTES_MAX ? BEACON_BAD_NAME : BEACON_OK);
    }
    assert_int_equal(beacon.kind, BEACON_EVENT);
    assert_int_equal(beacon.event.len, TAG_BYTES_MAX);
}

static void urls_below_at_and_above_the_cap(void **state)
{
    (void)state;
    static char body[2 + BEACON_URL_BYTES_MAX + 1] = "u=https://a.example/";
    memset(body + 20, 'a', sizeof(body) - 20);
    expect_status((struct str){body, 2 + BEACON_URL_BYTES_MAX - 1}, BEACON_OK);
    expect_status((struct str){body, 2 + BEACON_URL_BYTES_MAX}, BEACON_OK);
    assert_int_equal(beacon.path.len, PATH_BYTES_MAX);
    expect_status((struct str){body, 2 + BEACON_URL_BYTES_MAX + 1}, BEACON_BAD_URL);
}

static void bodies_below_at_and_above_the_cap(void **state)
{
    (void)state;
    static char body[BEACON_BODY_BYTES_MAX + 1] = "u=https://a.example/&x=";
    memset(body + 23, 'a', sizeof(body) - 23);
    expect_status((struct str){body, BEACON_BODY_BYTES_MAX - 1}, BEACON_OK);
    expect_status((struct str){body, BEACON_BODY_BYTES_MAX}, BEACON_OK);
    expect_status((struct str){body, BEACON_BODY_BYTES_MAX + 1}, BEACON_TOO_LARGE);
}

/* The scratch holds the worst body: all of it known fields that are needed twice. */
static void the_largest_good_beacon_fits_the_scratch(void **state)
{
    (void)state;
    static char body[BEACON_BODY_BYTES_MAX];
    int len = snprintf(body, sizeof(body), "u=https://a.example/?utm_source=");
    memset(body + len, 'a', BEACON_URL_BYTES_MAX + 2 - (size_t)len);
    len = BEACON_URL_BYTES_MAX + 2;
    len += snprintf(body + len, sizeof(body) - (size_t)len, "&p={\"k\":1");
    for (int i = 1; i < EVENT_PROPS_MAX; i++)
        len += snprintf(body + len, sizeof(body) - (size_t)len, ",\"%060d\":1e%d", i, 22 + i);
    len += snprintf(body + len, sizeof(body) - (size_t)len, "}&x=");
    memset(body + len, 'a', sizeof(body) - (size_t)len);
    expect_status((struct str){body, sizeof(body)}, BEACON_OK);
    assert_int_equal(beacon.prop_count, EVENT_PROPS_MAX);
}

static void numbers_are_read_and_clamped(void **state)
{
    (void)state;
    expect_status(STR_LIT("u=https://a.example/&n=engagement&t=1234.9&d=55.7&w=1"), BEACON_OK);
    assert_int_equal(beacon.kind, BEACON_ENGAGEMENT);
    assert_int_equal(beacon.engaged_ms, 1234);
    assert_int_equal(beacon.scroll_percent, 55);
    static const struct {
        const char *engaged, *scroll;
        uint32_t engaged_ms;
        int scroll_percent;
    } rows[] = {
        {"1799999", "99", 1799999, 99},
        {"1800000", "100", 1800000, 100},
        {"1800001", "101", 1800000, 100},
        {"99999999999999999999999999", "4294967297", 1800000, 100},
        {"0", "0", 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char body[200];
        int len = snprintf(body, sizeof(body), "u=https://a.example/&n=engagement&t=%s&d=%s",
                           rows[i].engaged, rows[i].scroll);
        expect_status((struct str){body, (size_t)len}, BEACON_OK);
        assert_int_equal(beacon.engaged_ms, rows[i].engaged_ms);
        assert_int_equal(beacon.scroll_percent, rows[i].scroll_percent);
    }
}

static void properties_become_text(void **state)
{
    (void)state;
    expect_status(
        STR_LIT("u=https://a.example/&n=signup&p="
                "{\"plan\":\"pro\",\"n\":42,\"price\":9.95,\"big\":1e300,\"yes\":true,\"no\":false,"
                "\"null\":null,\"list\":[1],\"object\":{\"a\":1},\"\":\"x\",\"empty\":\"\","
                "\"+spaces+\":\"+a+b+\",\"caf\\u00e9\":\"\\u263a\"}"),
        BEACON_OK);
    static const char *const props[][2] = {
        {"plan", "pro"}, {"n", "42"},     {"price", "9.95"}, {"big", "1e+300"},
        {"yes", "true"}, {"no", "false"}, {"spaces", "a b"}, {"caf\xc3\xa9", "\xe2\x98\xba"},
    };
    assert_int_equal(beacon.prop_count, ARRAY_LEN(props));
    for (size_t i = 0; i < ARRAY_LEN(props); i++) {
        expect_str(beacon.props[i].key, props[i][0]);
        expect_str(beacon.props[i].value, props[i][1]);
    }
    assert_int_equal(beacon.kind, BEACON_EVENT);
    expect_str(beacon.event, "signup");
}

static void people_and_secrets_in_properties_become_an_id(void **state)
{
    (void)state;
    expect_status(STR_LIT("u=https://a.example/&n=x&p={\"a\":\"bob@example.com\",\"b\":1234567,"
                          "\"c\":\"123e4567-e89b-12d3-a456-426614174000\",\"d\":12345,"
                          "\"bob@example.com\":true,\"e\":\"5f4dcc3b5aa765d61d8327deb882cf99\"}"),
                  BEACON_OK);
    static const char *const props[][2] = {{"a", ":id"},   {"b", ":id"},    {"c", ":id"},
                                           {"d", "12345"}, {":id", "true"}, {"e", ":id"}};
    assert_int_equal(beacon.prop_count, ARRAY_LEN(props));
    for (size_t i = 0; i < ARRAY_LEN(props); i++) {
        expect_str(beacon.props[i].key, props[i][0]);
        expect_str(beacon.props[i].value, props[i][1]);
    }
}

/* What a tracker tells of links, files and missing pages. */
static void addresses_in_properties_are_cleaned_as_pages_are(void **state)
{
    (void)state;
    static const char *const ROWS[][2] = {
        {"https://b.example/x/?token%3D1%23f", "https://b.example/x"},
        {"HTTP://B.example:81?q", "HTTP://B.example:81/"},
        {"https://b.example/users/1234567/edit", "https://b.example/users/:id/edit"},
        {"https://bob:secret@b.example/", ":id"},
        {"https://b.example/%25zz", ":id"},
        {"/missing/?q%3D1", "/missing"},
        {"/", "/"},
        {"n/a?b", "n/a?b"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        char body[200];
        int len =
            snprintf(body, sizeof(body), "u=https://a.example/&n=x&p={\"url\":\"%s\"}", ROWS[i][0]);
        expect_status((struct str){body, (size_t)len}, BEACON_OK);
        expect_str(beacon.props[0].value, ROWS[i][1]);
    }
    char body[1000];
    int len =
        snprintf(body, sizeof(body), "u=https://a.example/&n=x&p={\"url\":\"https://%0400d\"}", 0);
    expect_status((struct str){body, (size_t)len}, BEACON_BAD_PROPS);
}

static void properties_below_at_and_above_their_number(void **state)
{
    (void)state;
    for (int count = EVENT_PROPS_MAX - 1; count <= EVENT_PROPS_MAX + 1; count++) {
        char body[1000];
        int len = snprintf(body, sizeof(body), "u=https://a.example/&p={\"empty\":null");
        for (int i = 0; i < count; i++)
            len += snprintf(body + len, sizeof(body) - (size_t)len, ",\"k%d\":%d", i, i);
        len += snprintf(body + len, sizeof(body) - (size_t)len, "}");
        expect_status((struct str){body, (size_t)len}, BEACON_OK);
        assert_int_equal(beacon.prop_count, count < EVENT_PROPS_MAX ? count : EVENT_PROPS_MAX);
        expect_str(beacon.props[0].key, "k0");
    }
}

static void property_texts_below_at_and_above_the_cap(void **state)
{
    (void)state;
    char text[TAG_BYTES_MAX + 2] = {0};
    for (size_t len = TAG_BYTES_MAX - 1; len <= TAG_BYTES_MAX + 1; len++) {
        memset(text, 'a', len);
        enum beacon_status expected = len > TAG_BYTES_MAX ? BEACON_BAD_PROPS : BEACON_OK;
        char body[300];
        int body_len = snprintf(body, sizeof(body), "u=https://a.example/&p={\"%s\":1}", text);
        expect_status((struct str){body, (size_t)body_len}, expected);
        body_len = snprintf(body, sizeof(body), "u=https://a.example/&p={\"a\":\"%s\"}", text);
        expect_status((struct str){body, (size_t)body_len}, expected);
    }
}

static void the_pixel_takes_a_path_or_a_url(void **state)
{
    (void)state;
    static const struct {
        struct str query;
        enum beacon_status status;
        const char *site, *host, *path, *referrer_host, *utm_source;
    } rows[] = {
        {STR_LIT("s=Example.com&p=/a/b/"), BEACON_OK, "example.com", "example.com", "/a/b", "", ""},
        {STR_LIT("s=a.example&p=%2Fx%3Futm_source%3Dhn&r=https://www.b.example/q"), BEACON_OK,
         "a.example", "a.example", "/x", "b.example", "hn"},
        {STR_LIT("s=a.example&p=news"), BEACON_OK, "a.example", "a.example", "/news", "", ""},
        {STR_LIT("s=a.example&p=https://www.a.example/x"), BEACON_OK, "a.example", "www.a.example",
         "/x", "", ""},
        {STR_LIT("p=https://a.example/x"), BEACON_OK, "a.example", "a.example", "/x", "", ""},
        {STR_LIT("s=a.example&p=/123456&w=x&n="), BEACON_OK, "a.example", "a.example", "/:id", "",
         ""},
        {STR_LIT("s=a.example"), BEACON_NO_URL, NULL, NULL, NULL, NULL, NULL},
        {STR_LIT(""), BEACON_NO_URL, NULL, NULL, NULL, NULL, NULL},
        {STR_LIT("p=/x"), BEACON_BAD_SITE, NULL, NULL, NULL, NULL, NULL},
        {STR_LIT("s=a.example&p=/%2500"), BEACON_BAD_ENCODING, NULL, NULL, NULL, NULL, NULL},
        {STR_LIT("s=a.example&p=%00"), BEACON_BAD_ENCODING, NULL, NULL, NULL, NULL, NULL},
        {STR_LIT("s=a.example&p=http://"), BEACON_BAD_URL, NULL, NULL, NULL, NULL, NULL},
        {STR_LIT("s=a.example&p=/x&p=/y"), BEACON_DUPLICATE_FIELD, NULL, NULL, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum beacon_status status = beacon_parse_pixel(rows[i].query, &scratch, &beacon);
        if (status != rows[i].status)
            fail_msg("row %zu: %s", i, beacon_status_sentence(status));
        if (status != BEACON_OK)
            continue;
        assert_int_equal(beacon.kind, BEACON_PAGEVIEW);
        expect_str(beacon.site, rows[i].site);
        expect_str(beacon.host, rows[i].host);
        expect_str(beacon.path, rows[i].path);
        expect_str(beacon.referrer_host, rows[i].referrer_host);
        expect_str(beacon.utm[UTM_SOURCE], rows[i].utm_source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_view_has_every_part),
        cmocka_unit_test(what_is_absent_is_empty),
        cmocka_unit_test(bodies_get_a_status),
        cmocka_unit_test(a_refusal_leaves_the_output_alone),
        cmocka_unit_test(each_status_has_a_sentence),
        cmocka_unit_test(only_the_host_of_a_referrer_is_kept),
        cmocka_unit_test(the_first_tag_that_says_something_counts),
        cmocka_unit_test(tags_below_at_and_above_the_cap),
        cmocka_unit_test(an_email_address_in_a_tag_or_name_becomes_an_id),
        cmocka_unit_test(names_below_at_and_above_the_cap),
        cmocka_unit_test(urls_below_at_and_above_the_cap),
        cmocka_unit_test(bodies_below_at_and_above_the_cap),
        cmocka_unit_test(the_largest_good_beacon_fits_the_scratch),
        cmocka_unit_test(numbers_are_read_and_clamped),
        cmocka_unit_test(properties_become_text),
        cmocka_unit_test(people_and_secrets_in_properties_become_an_id),
        cmocka_unit_test(addresses_in_properties_are_cleaned_as_pages_are),
        cmocka_unit_test(properties_below_at_and_above_their_number),
        cmocka_unit_test(property_texts_below_at_and_above_the_cap),
        cmocka_unit_test(the_pixel_takes_a_path_or_a_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

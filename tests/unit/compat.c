/* Other tools' beacons: what is read of each, what is refused, what is never looked at. */

#include "collector/compat.h"

#include <stdio.h>

#include "tests/test.h"

static struct beacon_scratch scratch;
static struct compat_beacon compat;
static const struct beacon *const beacon = &compat.beacon;

typedef enum beacon_status (*parser)(struct str, struct beacon_scratch *, struct compat_beacon *);

static void expect_status(parser parse, struct str text, enum beacon_status expected)
{
    enum beacon_status status = parse(text, &scratch, &compat);
    if (status != expected)
        fail_msg("%.*s: %s", STR_ARG(str_prefix(text, 300)), beacon_status_sentence(status));
}

static void plausible(const char *json, enum beacon_status expected)
{
    expect_status(compat_parse_plausible, str_from(json), expected);
}

static void umami(const char *json, enum beacon_status expected)
{
    expect_status(compat_parse_umami, str_from(json), expected);
}

static void goatcounter(const char *query, enum beacon_status expected)
{
    expect_status(compat_parse_goatcounter, str_from(query), expected);
}

static void expect_str(struct str got, const char *expected)
{
    if (!str_eq(got, str_from(expected)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(got), expected);
}

static void expect_props(const char *const props[][2], size_t count)
{
    assert_int_equal(beacon->prop_count, count);
    for (size_t i = 0; i < count; i++) {
        expect_str(beacon->props[i].key, props[i][0]);
        expect_str(beacon->props[i].value, props[i][1]);
    }
}

/* --- Plausible -------------------------------------------------------------------------------- */

static void plausible_views_have_every_part(void **state)
{
    (void)state;
    plausible("{\"n\":\"pageview\",\"v\":36,\"u\":\"https://WWW.Example.com/Blog/Post/?"
              "utm_source=news&utm_medium=email&secret=1#part\",\"d\":\"Example.com\","
              "\"r\":\"https://www.news.example/secret?q=me\",\"w\":1440,\"h\":0}",
              BEACON_OK);
    assert_int_equal(beacon->kind, BEACON_PAGEVIEW);
    expect_str(beacon->site, "example.com");
    assert_int_equal(compat.site_count, 1);
    expect_str(compat.sites[0], "example.com");
    expect_str(beacon->host, "www.example.com");
    expect_str(beacon->path, "/Blog/Post");
    expect_str(beacon->referrer_host, "news.example");
    expect_str(beacon->utm[UTM_SOURCE], "news");
    expect_str(beacon->utm[UTM_MEDIUM], "email");
    assert_int_equal(beacon->viewport_px, 1440);
    assert_false(compat.is_silent || beacon->is_passive || beacon->is_automated);
}

static void plausible_has_long_names_too(void **state)
{
    (void)state;
    plausible(" {\"name\":\"signup\",\"url\":\"https://a.example/x\",\"domain\":\"b.example\","
              "\"referrer\":\"http://c.example/\",\"screen_width\":\"800\",\"interactive\":false,"
              "\"props\":{\"plan\":\"pro\"},\"unknown\":{\"deep\":[1,[2,{}]]}}\n",
              BEACON_OK);
    assert_int_equal(beacon->kind, BEACON_EVENT);
    expect_str(beacon->event, "signup");
    expect_str(beacon->site, "b.example");
    expect_str(beacon->path, "/x");
    expect_str(beacon->referrer_host, "c.example");
    assert_int_equal(beacon->viewport_px, 800);
    assert_true(beacon->is_passive);
    expect_props((const char *const[][2]){{"plan", "pro"}}, 1);
}

#define VIEW "\"n\":\"pageview\",\"u\":\"https://a.example/\""
#define EVENT "\"n\":\"e\",\"u\":\"https://a.example/\""
#define REPORT "\"n\":\"engagement\",\"u\":\"https://a.example/\""

static void plausible_bodies_get_a_status(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum beacon_status status;
    } ROWS[] = {
        {"{" VIEW "}", BEACON_OK},
        {"", BEACON_BAD_JSON},
        {"null", BEACON_BAD_JSON},
        {"[]", BEACON_BAD_JSON},
        {"[{" VIEW "}]", BEACON_BAD_JSON},
        {"{" VIEW, BEACON_BAD_JSON},
        {"{" VIEW "}x", BEACON_BAD_JSON},
        {"n=pageview&u=https%3A%2F%2Fa.example%2F", BEACON_BAD_JSON},
        {"{" VIEW ",\"x\":1e999}", BEACON_BAD_JSON},
        {"{" VIEW ",\"x\":123456789012345678901234567890}", BEACON_BAD_JSON},
        {"{" VIEW ",\"x\":\"\\u0000\"}", BEACON_BAD_ENCODING},
        {"{" VIEW ",\"x\\u0000\":1}", BEACON_BAD_ENCODING},
        {"{" VIEW ",\"x\":\"\xff\"}", BEACON_BAD_ENCODING},
        {"{" VIEW ",\"x\":\"\\ud800\"}", BEACON_BAD_JSON},
        {"{" VIEW ",\"n\":\"e\"}", BEACON_DUPLICATE_FIELD},
        {"{" VIEW ",\"x\":{\"y\":1,\"y\":1}}", BEACON_DUPLICATE_FIELD},
        /* the name */
        {"{\"u\":\"https://a.example/\"}", BEACON_BAD_NAME},
        {"{\"n\":\"\",\"u\":\"https://a.example/\"}", BEACON_BAD_NAME},
        {"{\"n\":null,\"u\":\"https://a.example/\"}", BEACON_BAD_NAME},
        {"{\"n\":[],\"u\":\"https://a.example/\"}", BEACON_BAD_NAME},
        {"{\"n\":\"a\\u0007b\",\"u\":\"https://a.example/\"}", BEACON_BAD_NAME},
        {"{\"n\":404,\"u\":\"https://a.example/\"}", BEACON_OK},
        /* the page */
        {"{\"n\":\"pageview\"}", BEACON_NO_URL},
        {"{\"n\":\"pageview\",\"u\":\"\"}", BEACON_NO_URL},
        {"{\"n\":\"pageview\",\"u\":7}", BEACON_BAD_URL},
        {"{\"n\":\"pageview\",\"u\":\"/x\"}", BEACON_BAD_URL},
        {"{\"n\":\"pageview\",\"u\":\"data:text/html,x\"}", BEACON_BAD_URL},
        {"{\"n\":\"pageview\",\"u\":\"https://a.example/%zz\"}", BEACON_BAD_ENCODING},
        {"{\"n\":\"pageview\",\"u\":\"https://a.example/\\u0007\"}", BEACON_BAD_URL},
        {"{\"n\":\"pageview\",\"u\":\"https://a\\u0085.example/\"}", BEACON_BAD_URL},
        /* the site */
        {"{" VIEW ",\"d\":\"\"}", BEACON_BAD_SITE},
        {"{" VIEW ",\"d\":\" , \"}", BEACON_BAD_SITE},
        {"{" VIEW ",\"d\":1}", BEACON_BAD_SITE},
        {"{" VIEW ",\"d\":\"a b\"}", BEACON_BAD_SITE},
        {"{" VIEW ",\"d\":\"https://a.example\"}", BEACON_BAD_SITE},
        {"{" VIEW ",\"d\":null}", BEACON_OK},
        /* the referrer */
        {"{" VIEW ",\"r\":null}", BEACON_OK},
        {"{" VIEW ",\"r\":\"\"}", BEACON_OK},
        {"{" VIEW ",\"r\":\"android-app://com.example/\"}", BEACON_OK},
        {"{" VIEW ",\"r\":7}", BEACON_OK},
        /* properties */
        {"{" EVENT ",\"p\":\"{\"}", BEACON_BAD_JSON},
        {"{" EVENT ",\"p\":\"[1]\"}", BEACON_BAD_JSON},
        {"{" EVENT ",\"p\":[1]}", BEACON_BAD_PROPS},
        {"{" EVENT ",\"p\":7}", BEACON_BAD_PROPS},
        {"{" EVENT ",\"p\":\"{\\\"a\\\":1,\\\"a\\\":2}\"}", BEACON_DUPLICATE_FIELD},
        {"{" EVENT ",\"p\":{\"a\":\"x\\u0007\"}}", BEACON_BAD_PROPS},
        {"{" EVENT ",\"p\":null}", BEACON_OK},
        {"{" EVENT ",\"p\":\"\"}", BEACON_OK},
        {"{" EVENT ",\"p\":{}}", BEACON_OK},
        /* revenue is not read */
        {"{" EVENT ",\"$\":{\"currency\":\"EUR\",\"amount\":1.5}}", BEACON_OK},
        {"{" EVENT ",\"$\":\"nonsense\"}", BEACON_OK},
        /* reports */
        {"{" REPORT "}", BEACON_BAD_NUMBER},
        {"{" REPORT ",\"sd\":-1}", BEACON_BAD_NUMBER},
        {"{" REPORT ",\"sd\":\"x\",\"e\":null}", BEACON_BAD_NUMBER},
        {"{" REPORT ",\"e\":-5}", BEACON_BAD_NUMBER},
        {"{" REPORT ",\"e\":2592000000}", BEACON_BAD_NUMBER},
        {"{" REPORT ",\"e\":2591999999}", BEACON_OK},
        {"{" REPORT ",\"sd\":0}", BEACON_OK},
        {"{" REPORT ",\"e\":\"12\"}", BEACON_OK},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        plausible(ROWS[i].json, ROWS[i].status);
}

static void plausible_reports_are_read_and_clamped(void **state)
{
    (void)state;
    static const struct {
        const char *scroll, *engaged;
        int scroll_percent;
        uint32_t engaged_ms;
    } ROWS[] = {
        {"80", "4200", 80, 4200},
        {"\"80\"", "\"4200\"", 80, 4200},
        {"101", "1800001", 100, 1800000},
        {"100", "1800000", 100, 1800000},
        {"255", "1", 100, 1},
        {"\"x\"", "1", -1, 1},
        {"null", "1", -1, 1},
        {"50.9", "1234.5", 50, 1234},
        {"7", "-1", 7, 0},
        {"7", "9e15", 7, 0},
        {"7", "true", 7, 0},
        {"9007199254740992", "1", -1, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        char json[200];
        snprintf(json, sizeof(json), "{" REPORT ",\"sd\":%s,\"e\":%s,\"p\":{\"plan\":\"pro\"}}",
                 ROWS[i].scroll, ROWS[i].engaged);
        plausible(json, BEACON_OK);
        assert_int_equal(beacon->kind, BEACON_ENGAGEMENT);
        assert_int_equal(beacon->scroll_percent, ROWS[i].scroll_percent);
        assert_int_equal(beacon->engaged_ms, ROWS[i].engaged_ms);
    }
}

static void plausible_hash_routes_are_paths(void **state)
{
    (void)state;
    static const struct {
        const char *url, *mode, *path;
    } ROWS[] = {
        {"https://a.example/app#/inbox", "1", "/app#/inbox"},
        {"https://a.example/#/users/1234567?token=x", "1", "/#/users/:id"},
        {"https://a.example/#section", "1", "/#section"},
        {"https://a.example/x?q=1#/y#z", "true", "/x#/y"},
        {"https://a.example/x#?q=1", "1", "/x"},
        {"https://a.example/x#", "1", "/x"},
        {"https://a.example/x", "1", "/x"},
        {"https://a.example/app#/inbox", "0", "/app"},
        {"https://a.example/app#/inbox", "null", "/app"},
        {"https://a.example/app#/inbox", "false", "/app"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        char json[200];
        snprintf(json, sizeof(json), "{\"n\":\"pageview\",\"u\":\"%s\",\"h\":%s}", ROWS[i].url,
                 ROWS[i].mode);
        plausible(json, BEACON_OK);
        expect_str(beacon->path, ROWS[i].path);
    }
    static char json[2 * PATH_BYTES_MAX + 100] = "{\"n\":\"pageview\",\"h\":1,\"u\":\"https://a/#";
    size_t start = strlen(json);
    memset(json + start, '-', PATH_BYTES_MAX + 5);
    memcpy(json + start + PATH_BYTES_MAX + 5, "\"}", 3);
    plausible(json, BEACON_OK);
    assert_int_equal(beacon->path.len, PATH_BYTES_MAX);
    plausible("{\"n\":\"pageview\",\"u\":\"https://a.example/#%zz\",\"h\":1}", BEACON_BAD_ENCODING);
}

static void plausible_lists_of_sites_are_split(void **state)
{
    (void)state;
    plausible("{" VIEW ",\"d\":\" A.example , b.example,,a.example\"}", BEACON_OK);
    assert_int_equal(compat.site_count, 2);
    expect_str(compat.sites[0], "a.example");
    expect_str(compat.sites[1], "b.example");
    expect_str(beacon->site, "a.example");
    plausible("{" VIEW "}", BEACON_OK);
    expect_str(compat.sites[0], "a.example");
    for (int count = COMPAT_SITES_MAX - 1; count <= COMPAT_SITES_MAX + 1; count++) {
        char json[500];
        int len = snprintf(json, sizeof(json), "{" VIEW ",\"d\":\"s0");
        for (int i = 1; i < count; i++)
            len += snprintf(json + len, sizeof(json) - (size_t)len, ",s%d", i);
        snprintf(json + len, sizeof(json) - (size_t)len, "\"}");
        plausible(json, count > COMPAT_SITES_MAX ? BEACON_BAD_SITE : BEACON_OK);
    }
}

static void plausible_properties_may_be_a_string(void **state)
{
    (void)state;
    static const char *const BODIES[] = {
        "{" EVENT ",\"p\":{\"plan\":\"pro\",\"n\":42,\"list\":[1],\"empty\":\"\"}}",
        "{" EVENT ",\"p\":\"{\\\"plan\\\":\\\"pro\\\",\\n\\\"n\\\":42,\\\"none\\\":null}\"}",
        "{" EVENT ",\"m\":{\"plan\":\"pro\",\"n\":42}}",
        "{" EVENT ",\"meta\":\"{\\\"plan\\\":\\\"pro\\\",\\\"n\\\":42}\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(BODIES); i++) {
        plausible(BODIES[i], BEACON_OK);
        expect_props((const char *const[][2]){{"plan", "pro"}, {"n", "42"}}, 2);
    }
}

/* The peers take longer ones than are kept here: what is over is cut, not refused. */
static void properties_below_at_and_above_their_caps(void **state)
{
    (void)state;
    static const size_t KEYS[] = {TAG_BYTES_MAX - 1,         TAG_BYTES_MAX,
                                  TAG_BYTES_MAX + 1,         COMPAT_PROP_KEY_BYTES_MAX - 1,
                                  COMPAT_PROP_KEY_BYTES_MAX, COMPAT_PROP_KEY_BYTES_MAX + 1};
    static const size_t VALUES[] = {TAG_BYTES_MAX - 1,           TAG_BYTES_MAX,
                                    TAG_BYTES_MAX + 1,           COMPAT_PROP_VALUE_BYTES_MAX - 1,
                                    COMPAT_PROP_VALUE_BYTES_MAX, COMPAT_PROP_VALUE_BYTES_MAX + 1};
    for (size_t i = 0; i < 2 * ARRAY_LEN(KEYS); i++) {
        char text[COMPAT_PROP_VALUE_BYTES_MAX + 2] = {0}, json[sizeof(text) + 200];
        bool is_key = i < ARRAY_LEN(KEYS);
        size_t len = is_key ? KEYS[i] : VALUES[i - ARRAY_LEN(KEYS)];
        size_t max = is_key ? COMPAT_PROP_KEY_BYTES_MAX : COMPAT_PROP_VALUE_BYTES_MAX;
        memset(text, '-', len);
        snprintf(json, sizeof(json),
                 is_key ? "{" EVENT ",\"p\":{\"%s\":1}}" : "{" EVENT ",\"p\":{\"k\":\"%s\"}}",
                 text);
        plausible(json, len > max ? BEACON_BAD_PROPS : BEACON_OK);
        if (len > max)
            continue;
        struct str kept = is_key ? beacon->props[0].key : beacon->props[0].value;
        assert_int_equal(kept.len, len < TAG_BYTES_MAX ? len : TAG_BYTES_MAX);
    }
}

static void names_below_at_and_above_the_cap(void **state)
{
    (void)state;
    for (size_t len = COMPAT_NAME_CHARACTERS_MAX - 1; len <= COMPAT_NAME_CHARACTERS_MAX + 1;
         len++) {
        char json[400] = "{\"u\":\"https://a.example/\",\"n\":\"";
        size_t at = strlen(json);
        for (size_t i = 0; i < len; i++, at += 2)
            memcpy(json + at, "\xc3\xa9", 3);
        memcpy(json + at, "\"}", 3);
        plausible(json, len > COMPAT_NAME_CHARACTERS_MAX ? BEACON_BAD_NAME : BEACON_OK);
        assert_int_equal(beacon->event.len, TAG_BYTES_MAX);
    }
}

static void json_below_at_and_above_its_caps(void **state)
{
    (void)state;
    for (int depth = COMPAT_JSON_DEPTH_MAX - 1; depth <= COMPAT_JSON_DEPTH_MAX + 1; depth++) {
        char json[200];
        int len = snprintf(json, sizeof(json), "{" VIEW ",\"[[[[[[[[[[[[[[[[[\\\"[[\":");
        memset(json + len, '[', (size_t)depth - 1);
        memset(json + len + depth - 1, ']', (size_t)depth - 1);
        memcpy(json + len + 2 * (depth - 1), "}", 2);
        plausible(json, depth > COMPAT_JSON_DEPTH_MAX ? BEACON_BAD_JSON : BEACON_OK);
    }
    static char body[BEACON_BODY_BYTES_MAX + 1] = "{" VIEW "}";
    memset(body + strlen(body), ' ', sizeof(body) - strlen(body));
    for (size_t len = sizeof(body) - 2; len <= sizeof(body); len++)
        expect_status(compat_parse_plausible, (struct str){body, len},
                      len > BEACON_BODY_BYTES_MAX ? BEACON_TOO_LARGE : BEACON_OK);
}

/* --- Umami ------------------------------------------------------------------------------------ */

#define UUID "94db1cb1-74f4-4a40-ad6c-962362670409"

static void umami_views_have_every_part(void **state)
{
    (void)state;
    umami("{\"type\":\"event\",\"payload\":{\"website\":\"" UUID "\",\"hostname\":\"Example.com\","
          "\"url\":\"/Blog/Post?utm_source=news&secret=1#part\",\"title\":\"a\\nb\","
          "\"referrer\":\"https://www.news.example/x?q=1\",\"screen\":\"1920x1080\","
          "\"language\":\"nl-NL\",\"tag\":\"t\",\"id\":\"bob\",\"timestamp\":1,"
          "\"ip\":\"192.0.2.1\",\"userAgent\":\"Googlebot/2.1\"}}",
          BEACON_OK);
    assert_int_equal(beacon->kind, BEACON_PAGEVIEW);
    assert_int_equal(compat.site_count, 1);
    expect_str(compat.sites[0], "example.com");
    expect_str(beacon->site, "example.com");
    expect_str(beacon->host, "example.com");
    expect_str(beacon->path, "/Blog/Post");
    expect_str(beacon->referrer_host, "news.example");
    expect_str(beacon->utm[UTM_SOURCE], "news");
    assert_int_equal(beacon->viewport_px, 1920);
    assert_false(compat.is_silent);
}

static void umami_websites_may_be_domains(void **state)
{
    (void)state;
    umami("{\"type\":\"event\",\"payload\":{\"website\":\"B.example\",\"hostname\":\"a.example\","
          "\"url\":\"https://a.example/x\"}}",
          BEACON_OK);
    expect_str(beacon->site, "b.example");
    expect_str(beacon->host, "a.example");
    /* Server-side clients may say no host and no page. */
    umami("{\"type\":\"event\",\"payload\":{\"website\":\"b.example\",\"url\":\"x\"}}", BEACON_OK);
    expect_str(beacon->host, "b.example");
    expect_str(beacon->path, "/x");
    umami("{\"type\":\"event\",\"payload\":{\"website\":\"b.example\",\"name\":\"signup\"}}",
          BEACON_OK);
    expect_str(beacon->host, "b.example");
    expect_str(beacon->path, COMPAT_NO_PAGE);
}

static void umami_names_make_events(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"signup", "engagement", "pageview"};
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        char json[400];
        snprintf(
            json, sizeof(json),
            "{\"type\":\"event\",\"payload\":{\"website\":\"" UUID
            "\",\"hostname\":\"a.example\",\"url\":\"/x\",\"name\":\"%s\",\"data\":{\"plan\":"
            "\"pro\",\"seats\":5,\"nested\":{\"a\":1},\"list\":[1],\"mail\":\"a@b.example\"}}}",
            NAMES[i]);
        umami(json, BEACON_OK);
        assert_int_equal(beacon->kind, BEACON_EVENT);
        expect_str(beacon->event, NAMES[i]);
        expect_props((const char *const[][2]){{"plan", "pro"}, {"seats", "5"}, {"mail", ":id"}}, 3);
    }
}

#define PAYLOAD(members) "{\"type\":\"event\",\"payload\":{" members "}}"
#define AT "\"website\":\"" UUID "\",\"hostname\":\"a.example\""

static void umami_bodies_get_a_status(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum beacon_status status;
    } ROWS[] = {
        {PAYLOAD(AT ",\"url\":\"/\""), BEACON_OK},
        {PAYLOAD(AT ",\"url\":\"\""), BEACON_OK},
        {PAYLOAD(AT ",\"url\":\"/x\",\"name\":\"\""), BEACON_OK},
        {PAYLOAD(AT ",\"url\":\"/x\",\"referrer\":\"/y\",\"screen\":\"wide\""), BEACON_OK},
        {PAYLOAD(AT ",\"url\":\"/x\",\"name\":null,\"data\":null"), BEACON_OK},
        {"{}", BEACON_BAD_TYPE},
        {"{\"payload\":{" AT "}}", BEACON_BAD_TYPE},
        {"{\"type\":\"event\"}", BEACON_BAD_TYPE},
        {"{\"type\":\"event\",\"payload\":[]}", BEACON_BAD_TYPE},
        {"{\"type\":\"other\",\"payload\":{" AT "}}", BEACON_BAD_TYPE},
        {"{\"type\":1,\"payload\":{" AT "}}", BEACON_BAD_TYPE},
        {"[" PAYLOAD(AT) "]", BEACON_BAD_JSON},
        {PAYLOAD("\"hostname\":\"a.example\",\"url\":\"/\""), BEACON_BAD_WEBSITE},
        {PAYLOAD("\"link\":\"" UUID "\",\"hostname\":\"a.example\",\"url\":\"/\""),
         BEACON_BAD_WEBSITE},
        {PAYLOAD(AT ",\"pixel\":\"" UUID "\",\"url\":\"/\""), BEACON_BAD_WEBSITE},
        {PAYLOAD("\"website\":7,\"url\":\"/\""), BEACON_BAD_WEBSITE},
        {PAYLOAD("\"website\":\"a/b\",\"url\":\"/\""), BEACON_BAD_WEBSITE},
        {PAYLOAD("\"website\":\"" UUID "\",\"url\":\"/\""), BEACON_NO_URL},
        {PAYLOAD(AT), BEACON_NO_URL},
        {PAYLOAD("\"website\":\"a.example\""), BEACON_NO_URL},
        {PAYLOAD("\"website\":\"" UUID "\",\"name\":\"x\""), BEACON_NO_URL},
        {PAYLOAD("\"website\":\"" UUID "\",\"hostname\":\"a b\",\"url\":\"/\""), BEACON_BAD_URL},
        {PAYLOAD(AT ",\"url\":\"https://a b/\""), BEACON_BAD_URL},
        {PAYLOAD(AT ",\"url\":\"/%zz\""), BEACON_BAD_ENCODING},
        {PAYLOAD(AT ",\"url\":\"/\",\"data\":[1]"), BEACON_BAD_PROPS},
        {PAYLOAD(AT ",\"url\":\"/\",\"url\":\"/\""), BEACON_DUPLICATE_FIELD},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        umami(ROWS[i].json, ROWS[i].status);
}

static void umami_says_things_that_are_not_counted(void **state)
{
    (void)state;
    umami("{\"type\":\"identify\",\"payload\":{" AT ",\"id\":\"bob\",\"data\":{\"plan\":\"pro\"}}}",
          BEACON_OK);
    assert_true(compat.is_silent);
    assert_int_equal(beacon->prop_count, 0);
    umami("{\"type\":\"performance\",\"payload\":{" AT ",\"lcp\":1200.5,\"cls\":0.1}}", BEACON_OK);
    assert_true(compat.is_silent);
    umami("{\"type\":\"identify\",\"payload\":{}}", BEACON_BAD_WEBSITE);
}

static void umami_urls_below_at_and_above_the_cap(void **state)
{
    (void)state;
    /* The host makes a URL of the path: "http://a.example/aaa…". */
    for (size_t len = BEACON_URL_BYTES_MAX - 17; len <= BEACON_URL_BYTES_MAX - 15; len++) {
        static char json[BEACON_BODY_BYTES_MAX];
        int at =
            snprintf(json, sizeof(json), "{\"type\":\"event\",\"payload\":{" AT ",\"url\":\"/");
        memset(json + at, '-', len - 1);
        memcpy(json + (size_t)at + len - 1, "\"}}", 4);
        umami(json, len + 16 > BEACON_URL_BYTES_MAX ? BEACON_BAD_URL : BEACON_OK);
    }
}

/* --- GoatCounter ------------------------------------------------------------------------------ */

static void goatcounter_views_have_every_part(void **state)
{
    (void)state;
    goatcounter("p=%2FBlog%2FPost%2F%3Fid%3D5%26utm_medium%3Demail&t=Title%0A&r=https%3A%2F%2F"
                "www.news.example%2Fx&e=false&s=1920%2C1080%2C2&b=0&q=%3Fsrc%3Dhn%26campaign%3D"
                "spring%26secret%3D1&rnd=x7z&ns=1",
                BEACON_OK);
    assert_int_equal(beacon->kind, BEACON_PAGEVIEW);
    assert_int_equal(compat.site_count, 0);
    expect_str(beacon->host, "");
    expect_str(beacon->path, "/Blog/Post");
    expect_str(beacon->referrer_host, "news.example");
    expect_str(beacon->utm[UTM_MEDIUM], "email");
    expect_str(beacon->utm[UTM_CAMPAIGN], "spring");
    expect_str(beacon->ref, "hn");
    assert_int_equal(beacon->viewport_px, 1920);
    assert_false(beacon->is_automated);
}

static void goatcounter_events_tell_no_page(void **state)
{
    (void)state;
    static const struct {
        const char *query, *event;
    } ROWS[] = {
        {"p=signup&e=true", "signup"},
        {"p=signup&e=1", "signup"},
        {"p=engagement&e=1", "engagement"},
        {"p=download-https%3A%2F%2Fa.example%2Ff%3Ftoken%3Dx&e=1", "download-https://a.example/f"},
        {"p=why%3F&e=1", "why?"},
        {"p=mail+bob%40example.com&e=1", ":id"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        goatcounter(ROWS[i].query, BEACON_OK);
        assert_int_equal(beacon->kind, BEACON_EVENT);
        expect_str(beacon->event, ROWS[i].event);
        expect_str(beacon->path, COMPAT_NO_PAGE);
    }
    for (size_t len = TAG_BYTES_MAX - 1; len <= TAG_BYTES_MAX + 1; len++) {
        char query[200] = "e=1&p=";
        memset(query + 6, '-', len);
        goatcounter(query, BEACON_OK);
        assert_int_equal(beacon->event.len, len < TAG_BYTES_MAX ? len : TAG_BYTES_MAX);
    }
}

static void goatcounter_queries_get_a_status(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        enum beacon_status status;
        bool is_automated;
    } ROWS[] = {
        {"p=/x", BEACON_OK, false},
        {"p=x", BEACON_OK, false},
        {"p=https://a.example/x", BEACON_OK, false},
        {"p=/x&r=a+friend", BEACON_OK, false},
        {"p=/x&b=", BEACON_OK, false},
        {"p=/x&b=0", BEACON_OK, false},
        {"p=/x&b=1", BEACON_BAD_BOT, false},
        {"p=/x&b=149", BEACON_BAD_BOT, false},
        {"p=/x&b=150", BEACON_OK, true},
        {"p=/x&b=153", BEACON_OK, true},
        {"p=/x&b=99999999999999999999", BEACON_OK, true},
        {"p=/x&b=yes", BEACON_BAD_BOT, false},
        {"p=/x&s=wide", BEACON_BAD_NUMBER, false},
        {"p=/x&s=1280.5", BEACON_OK, false},
        {"", BEACON_NO_URL, false},
        {"p=", BEACON_NO_URL, false},
        {"e=1", BEACON_NO_URL, false},
        {"p=/x&p=/y", BEACON_DUPLICATE_FIELD, false},
        {"p=/%25zz", BEACON_BAD_ENCODING, false},
        {"p=/x&q=%3Fref%3D%25zz", BEACON_BAD_ENCODING, false},
        {"p=/x&t=%zz", BEACON_BAD_ENCODING, false},
        {"p=http://", BEACON_BAD_URL, false},
        {"p=?x%3D1&e=1", BEACON_BAD_NAME, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        goatcounter(ROWS[i].query, ROWS[i].status);
        if (ROWS[i].status == BEACON_OK)
            assert_int_equal(beacon->is_automated, ROWS[i].is_automated);
    }
}

/* --- All of them ------------------------------------------------------------------------------ */

static void a_refusal_leaves_the_output_alone(void **state)
{
    (void)state;
    struct compat_beacon before;
    memset(&before, 0x5a, sizeof(before));
    compat = before;
    plausible("{" EVENT ",\"p\":[]}", BEACON_BAD_PROPS);
    umami(PAYLOAD(AT ",\"url\":\"/\",\"data\":[1]"), BEACON_BAD_PROPS);
    goatcounter("p=/x&b=1", BEACON_BAD_BOT);
    assert_memory_equal(&compat, &before, sizeof(before));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plausible_views_have_every_part),
        cmocka_unit_test(plausible_has_long_names_too),
        cmocka_unit_test(plausible_bodies_get_a_status),
        cmocka_unit_test(plausible_reports_are_read_and_clamped),
        cmocka_unit_test(plausible_hash_routes_are_paths),
        cmocka_unit_test(plausible_lists_of_sites_are_split),
        cmocka_unit_test(plausible_properties_may_be_a_string),
        cmocka_unit_test(properties_below_at_and_above_their_caps),
        cmocka_unit_test(names_below_at_and_above_the_cap),
        cmocka_unit_test(json_below_at_and_above_its_caps),
        cmocka_unit_test(umami_views_have_every_part),
        cmocka_unit_test(umami_websites_may_be_domains),
        cmocka_unit_test(umami_names_make_events),
        cmocka_unit_test(umami_bodies_get_a_status),
        cmocka_unit_test(umami_says_things_that_are_not_counted),
        cmocka_unit_test(umami_urls_below_at_and_above_the_cap),
        cmocka_unit_test(goatcounter_views_have_every_part),
        cmocka_unit_test(goatcounter_events_tell_no_page),
        cmocka_unit_test(goatcounter_queries_get_a_status),
        cmocka_unit_test(a_refusal_leaves_the_output_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

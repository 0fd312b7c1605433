/* The opt-out: every row of the table in optout.c, the cookies' attributes, the page's words. */

#include "collector/optout.h"

#include "tests/test.h"
#include "tests/unit/reply.h"

#define OUT_LAX "footfall_optout=1; Max-Age=34128000; Path=/; SameSite=Lax"
#define OUT_PARTITIONED                                                                            \
    "footfall_optout=1; Max-Age=34128000; Path=/; SameSite=None; Secure; Partitioned"
#define OUT_SHARED "footfall_optout=1; Max-Age=34128000; Path=/; SameSite=None; Secure"
#define IN_LAX "footfall_optout=0; Max-Age=0; Path=/; SameSite=Lax"
#define IN_PARTITIONED "footfall_optout=0; Max-Age=0; Path=/; SameSite=None; Secure; Partitioned"
#define IN_SHARED "footfall_optout=0; Max-Age=0; Path=/; SameSite=None; Secure"

static struct site_list *sites;

static int make_sites(void **state)
{
    (void)state;
    char error[256];
    struct site *site = site_parse(
        STR_LIT("example.com"), STR_LIT("{\"aliases\":[\"*.example.net\"]}"), error, sizeof(error));
    assert_non_null(site);
    sites = site_list_new(&site, 1);
    return 0;
}

static int free_sites(void **state)
{
    (void)state;
    site_list_unref(sites);
    return 0;
}

/* A request of the collector's own page, over plain HTTP. */
static struct optout_request own_page(const char *body)
{
    return (struct optout_request){.host = STR_LIT("stats.example.org:8080"),
                                   .origin = STR_LIT("http://stats.example.org:8080"),
                                   .fetch_site = STR_LIT("same-origin"),
                                   .fetch_mode = STR_LIT("navigate"),
                                   .body = str_from(body),
                                   .sites = sites};
}

static struct optout_request script_of(const char *origin, const char *body)
{
    return (struct optout_request){.host = STR_LIT("stats.example.org"),
                                   .origin = str_from(origin),
                                   .fetch_site = STR_LIT("cross-site"),
                                   .fetch_mode = STR_LIT("no-cors"),
                                   .body = str_from(body),
                                   .tls = true,
                                   .sites = sites};
}

static struct http_reply choose(struct optout_request request)
{
    struct http_reply reply;
    optout_reply_choice(&request, &reply);
    return reply;
}

static void assert_cookies(const struct http_reply *reply, const char *first, const char *second)
{
    const char *want[] = {first, second, NULL};
    for (int i = 0; i < 3; i++) {
        struct str got = reply_nth_header(reply, "set-cookie", i);
        if (want[i] == NULL ? got.ptr != NULL : got.ptr == NULL || !str_eq(got, str_from(want[i])))
            fail_msg("cookie %d is \"%.*s\", not \"%s\"", i, STR_ARG(got),
                     want[i] == NULL ? "" : want[i]);
        if (want[i] == NULL)
            break;
    }
}

static void the_form_sets_the_cookie_and_returns_to_the_page(void **state)
{
    (void)state;
    static const char *const bodies[] = {"choice=out", "", "other=1", "a=b&choice=out"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct http_reply reply = choose(own_page(bodies[i]));
        assert_int_equal(reply.status, 303);
        assert_true(reply_has(&reply, "location", "opt-out"));
        assert_true(reply_has(&reply, "cache-control", "no-store"));
        assert_cookies(&reply, OUT_LAX, NULL);
    }
}

static void the_form_clears_the_cookie(void **state)
{
    (void)state;
    struct http_reply reply = choose(own_page("choice=in"));
    assert_int_equal(reply.status, 303);
    assert_cookies(&reply, IN_LAX, NULL);
}

static void over_tls_the_page_sets_a_cookie_for_each_kind_of_browser(void **state)
{
    (void)state;
    struct optout_request request = own_page("choice=out");
    request.tls = true;
    struct http_reply reply = choose(request);
    assert_cookies(&reply, OUT_PARTITIONED, OUT_SHARED);
    request.body = STR_LIT("choice=in");
    reply = choose(request);
    assert_cookies(&reply, IN_PARTITIONED, IN_SHARED);
}

static void a_script_of_a_counted_site_gets_204_and_that_sites_cookie(void **state)
{
    (void)state;
    static const char *const origins[] = {"https://example.com", "https://www.example.com:8443",
                                          "https://Shop.Example.NET"};
    for (size_t i = 0; i < ARRAY_LEN(origins); i++) {
        struct http_reply reply = choose(script_of(origins[i], "choice=out"));
        assert_int_equal(reply.status, 204);
        assert_true(reply_has(&reply, "location", NULL));
        assert_cookies(&reply, OUT_PARTITIONED, NULL);
        assert_true(reply_has(&reply, "access-control-allow-origin", origins[i]));
        assert_true(reply_has(&reply, "access-control-allow-credentials", "true"));
        assert_true(reply_has(&reply, "vary", "Origin"));
        reply = choose(script_of(origins[i], "choice=in"));
        assert_int_equal(reply.status, 204);
        assert_cookies(&reply, IN_PARTITIONED, IN_SHARED);
    }
}

static void a_foreign_page_may_refuse_but_not_take_back(void **state)
{
    (void)state;
    static const char *const origins[] = {"https://evil.test", "null", "",
                                          "https://example.com.evil.test", "file://"};
    for (size_t i = 0; i < ARRAY_LEN(origins); i++) {
        struct http_reply reply = choose(script_of(origins[i], "choice=out"));
        assert_int_equal(reply.status, 204);
        assert_cookies(&reply, OUT_PARTITIONED, NULL);
        assert_true(reply_has(&reply, "access-control-allow-origin", NULL));
        reply = choose(script_of(origins[i], "choice=in"));
        assert_int_equal(reply.status, 403);
        assert_true(str_contains(reply.body, "{\"error\":\""));
        assert_cookies(&reply, NULL, NULL);
    }
}

static void a_foreign_form_may_not_take_back(void **state)
{
    (void)state;
    struct optout_request request = script_of("https://evil.test", "choice=in");
    request.fetch_mode = STR_LIT("navigate");
    struct http_reply reply = choose(request);
    assert_int_equal(reply.status, 403);
    request.fetch_site = STR_LIT("same-site");
    reply = choose(request);
    assert_int_equal(reply.status, 403);
    request.sites = NULL;
    request.origin = STR_LIT("https://example.com");
    reply = choose(request);
    assert_int_equal(reply.status, 403);
}

static void without_fetch_metadata_the_origin_decides(void **state)
{
    (void)state;
    static const struct {
        const char *origin;
        const char *body;
        int status;
    } rows[] = {
        {"", "choice=in", 303}, /* a command line */
        {"http://stats.example.org:8080", "choice=in", 303},
        {"https://Stats.Example.org:8080", "choice=in", 303},
        {"http://stats.example.org", "choice=in", 403}, /* another port */
        {"http://stats.example.org:8080", "choice=out", 303},
        {"https://example.com", "choice=in", 204},
        {"https://evil.test", "choice=in", 403},
        {"https://evil.test", "choice=out", 204},
        {"null", "choice=in", 403},
        {"x", "choice=in", 403},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct optout_request request = own_page(rows[i].body);
        request.origin = str_from(rows[i].origin);
        request.fetch_site = request.fetch_mode = STR_EMPTY;
        struct http_reply reply = choose(request);
        if (reply.status != rows[i].status)
            fail_msg("%s %s: %d", rows[i].origin, rows[i].body, reply.status);
    }
    struct optout_request bare = {
        .host = STR_EMPTY, .origin = STR_LIT("http://"), .body = STR_LIT("choice=in")};
    assert_int_equal(choose(bare).status, 403);
}

static void a_choice_that_is_none_changes_nothing(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "choice=",   "choice=maybe", "choice=in&choice=out", "choice=out&choice=out",
        "choice=IN", "choice=i%6e"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct http_reply reply = choose(own_page(bodies[i]));
        if (reply.status != 400)
            fail_msg("%s: %d", bodies[i], reply.status);
        assert_cookies(&reply, NULL, NULL);
    }
}

static void the_state_names_the_reason(void **state)
{
    (void)state;
    static const struct {
        enum consent consent;
        const char *json;
    } rows[] = {
        {CONSENT_COUNT, "{\"opted_out\":false,\"by\":null}\n"},
        {CONSENT_COOKIE, "{\"opted_out\":true,\"by\":\"cookie\"}\n"},
        {CONSENT_GPC, "{\"opted_out\":true,\"by\":\"gpc\"}\n"},
        {CONSENT_DNT, "{\"opted_out\":true,\"by\":\"dnt\"}\n"},
        {CONSENT_UNREADABLE, "{\"opted_out\":true,\"by\":\"cookie\"}\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct optout_request request = script_of("https://example.com", "");
        struct http_reply reply;
        request.consent = rows[i].consent;
        optout_reply_state(&request, &reply);
        assert_int_equal(reply.status, 200);
        assert_true(str_eq(reply.body, str_from(rows[i].json)));
        assert_true(str_eq(reply.content_type, STR_LIT("application/json")));
        assert_true(reply_has(&reply, "cache-control", "no-store"));
        assert_true(reply_has(&reply, "access-control-allow-origin", "https://example.com"));
        request.origin = STR_LIT("https://evil.test");
        optout_reply_state(&request, &reply);
        assert_true(reply_has(&reply, "access-control-allow-origin", NULL));
    }
}

static void a_preflight_is_granted_to_counted_sites_only(void **state)
{
    (void)state;
    struct optout_request request = script_of("https://example.com", "");
    struct http_reply reply;
    optout_reply_preflight(&request, &reply);
    assert_int_equal(reply.status, 204);
    assert_true(reply_has(&reply, "access-control-allow-origin", "https://example.com"));
    assert_true(reply_has(&reply, "access-control-allow-methods", "GET, POST"));
    request.origin = STR_LIT("https://evil.test");
    optout_reply_preflight(&request, &reply);
    assert_int_equal(reply.status, 204);
    assert_true(reply_has(&reply, "access-control-allow-origin", NULL));
    assert_true(reply_has(&reply, "access-control-allow-methods", NULL));
}

static void the_page_says_the_state_and_offers_the_other(void **state)
{
    (void)state;
    static const struct {
        enum consent consent;
        const char *verdict, *reason, *choice;
    } rows[] = {
        {CONSENT_COUNT, "<h1 id=\"verdict\">Your visits are counted</h1>", "has not asked",
         "value=\"out\""},
        {CONSENT_COOKIE, "<h1 id=\"verdict\">Your visits are not counted</h1>", "keeps a cookie",
         "value=\"in\""},
        {CONSENT_GPC, "<h1 id=\"verdict\">Your visits are not counted</h1>",
         "Global Privacy Control", "value=\"out\""},
        {CONSENT_DNT, "<h1 id=\"verdict\">Your visits are not counted</h1>", "Do Not Track",
         "value=\"out\""},
        {CONSENT_UNREADABLE, "<h1 id=\"verdict\">Your visits are not counted</h1>",
         "cannot be read", "value=\"in\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct optout_request request = {.consent = rows[i].consent};
        struct buf html;
        struct http_reply reply;
        buf_init(&html, OPTOUT_PAGE_BYTES_MAX);
        optout_reply_page(&request, &html, &reply);
        assert_int_equal(reply.status, 200);
        assert_true(str_contains(reply.body, rows[i].verdict));
        assert_true(str_contains(reply.body, rows[i].reason));
        assert_true(str_contains(reply.body, rows[i].choice));
        assert_true(str_contains(reply.body, "Clearing cookies clears it"));
        assert_false(str_contains(reply.body, "{"));
        assert_false(str_contains(reply.body, "<script"));
        assert_false(str_contains(reply.body, "http"));
        assert_true(str_ends_with(reply.body, STR_LIT("</html>\n")));
        buf_done(&html);
    }
}

static void the_page_runs_nothing_and_is_kept_by_nobody(void **state)
{
    (void)state;
    struct optout_request request = {.consent = CONSENT_COUNT};
    struct buf html;
    struct http_reply reply;
    buf_init(&html, OPTOUT_PAGE_BYTES_MAX);
    optout_reply_page(&request, &html, &reply);
    struct str policy = reply_header(&reply, "content-security-policy");
    assert_true(str_starts_with(policy, STR_LIT("default-src 'none'; ")));
    assert_false(str_contains(policy, "script-src"));
    assert_false(str_contains(policy, "unsafe"));
    assert_true(str_contains(policy, "frame-ancestors 'none'"));
    assert_true(reply_has(&reply, "cache-control", "no-store"));
    assert_true(reply_has(&reply, "referrer-policy", "same-origin"));
    buf_done(&html);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_form_sets_the_cookie_and_returns_to_the_page),
        cmocka_unit_test(the_form_clears_the_cookie),
        cmocka_unit_test(over_tls_the_page_sets_a_cookie_for_each_kind_of_browser),
        cmocka_unit_test(a_script_of_a_counted_site_gets_204_and_that_sites_cookie),
        cmocka_unit_test(a_foreign_page_may_refuse_but_not_take_back),
        cmocka_unit_test(a_foreign_form_may_not_take_back),
        cmocka_unit_test(without_fetch_metadata_the_origin_decides),
        cmocka_unit_test(a_choice_that_is_none_changes_nothing),
        cmocka_unit_test(the_state_names_the_reason),
        cmocka_unit_test(a_preflight_is_granted_to_counted_sites_only),
        cmocka_unit_test(the_page_says_the_state_and_offers_the_other),
        cmocka_unit_test(the_page_runs_nothing_and_is_kept_by_nobody),
    };
    return cmocka_run_group_tests(tests, make_sites, free_sites);
}

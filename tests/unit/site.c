/* Site settings, and who owns a host. */

#include "aggregator/site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct site *parse(const char *domain, const char *json)
{
    char error[256] = "";
    struct site *site = site_parse(str_from(domain), str_from(json), error, sizeof(error));
    if (site == NULL)
        fail_msg("%s %s: %s", domain, json, error);
    return site;
}

static void settings_are_read(void **state)
{
    (void)state;
    struct site *site = parse("example.com", "{\"timezone\":\"Europe/Amsterdam\",\"preset\":"
                                             "\"strict\",\"aliases\":[\"example.net\","
                                             "\"*.example.org\"]}");
    assert_string_equal(site->domain.ptr, "example.com");
    assert_int_equal(site->domain.len, 11);
    assert_true(str_eq(site->timezone, STR_LIT("Europe/Amsterdam")));
    assert_int_equal(timezone_local(site->zone, 0).utc_offset_s, 3600);
    assert_int_equal(site->preset, SITE_STRICT);
    assert_int_equal(site->alias_count, 2);
    assert_true(str_eq(site->aliases[0], STR_LIT("example.net")));
    assert_true(str_eq(site->aliases[1], STR_LIT("*.example.org")));
    site_free(site);
    site_free(NULL);
}

static void absent_settings_have_defaults(void **state)
{
    (void)state;
    struct site *site = parse("localhost", "{}");
    assert_true(str_eq(site->timezone, STR_LIT("UTC")));
    assert_int_equal(site->preset, SITE_STANDARD);
    assert_int_equal(site->alias_count, 0);
    site_free(site);
}

static void what_is_formatted_is_read_back(void **state)
{
    (void)state;
    static const char *const JSON[] = {
        "{\"timezone\":\"UTC\",\"preset\":\"standard\",\"aliases\":[]}",
        "{\"timezone\":\"Asia/Kolkata\",\"preset\":\"strict\",\"aliases\":[\"a.example\",\"*.b\"]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(JSON); i++) {
        struct site *site = parse("demo.localhost", JSON[i]);
        char *text = site_format(site);
        assert_string_equal(text, JSON[i]);
        free(text);
        site_free(site);
    }
}

static void invalid_settings_get_a_sentence_that_names_the_field(void **state)
{
    (void)state;
    static const struct {
        const char *domain, *json, *named;
    } ROWS[] = {
        {"", "{}", "domain"},
        {"Example.com", "{}", "domain"},
        {"example.com:80", "{}", "domain"},
        {"https://example.com", "{}", "domain"},
        {"example.com", "", "JSON"},
        {"example.com", "[]", "JSON"},
        {"example.com", "{\"preset\":\"strict\"", "JSON"},
        {"example.com", "{\"preset\":\"strict\",\"preset\":\"standard\"}", "JSON"},
        {"example.com", "{\"retention\":1}", "field"},
        {"example.com", "{\"timezone\":\"Mars/Phobos\"}", "timezone"},
        {"example.com", "{\"timezone\":\"\"}", "timezone"},
        {"example.com", "{\"timezone\":null}", "timezone"},
        {"example.com", "{\"timezone\":2}", "timezone"},
        {"example.com", "{\"timezone\":\"+02:00\"}", "timezone"},
        {"example.com", "{\"preset\":\"lax\"}", "preset"},
        {"example.com", "{\"preset\":0}", "preset"},
        {"example.com", "{\"aliases\":\"www.example.com\"}", "aliases"},
        {"example.com", "{\"aliases\":[1]}", "aliases"},
        {"example.com", "{\"aliases\":[\"\"]}", "aliases"},
        {"example.com", "{\"aliases\":[\"*\"]}", "aliases"},
        {"example.com", "{\"aliases\":[\"*.\"]}", "aliases"},
        {"example.com", "{\"aliases\":[\"*.*.example.com\"]}", "aliases"},
        {"example.com", "{\"aliases\":[\"www.*.com\"]}", "aliases"},
        {"example.com", "{\"aliases\":[\"WWW.example.com\"]}", "aliases"},
        {"example.com", "{\"aliases\":[\"example.com/path\"]}", "aliases"},
        {"example.com", "{\"aliases\":[\"example..com\"]}", "aliases"},
        {"example.com", "{\"aliases\":[\"a b\"]}", "aliases"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        char error[256] = "";
        struct site *site =
            site_parse(str_from(ROWS[i].domain), str_from(ROWS[i].json), error, sizeof(error));
        if (site != NULL || strstr(error, ROWS[i].named) == NULL)
            fail_msg("%s %s: '%s'", ROWS[i].domain, ROWS[i].json, error);
        size_t len = strlen(error);
        assert_true(len > 0 && error[len - 1] == '.');
    }
}

static void a_sentence_fits_a_short_buffer(void **state)
{
    (void)state;
    char error[8];
    assert_null(site_parse(STR_LIT("example.com"), STR_LIT("{"), error, sizeof(error)));
    assert_string_equal(error, "the sit");
}

static bool parses_with_aliases(int count)
{
    char json[SITE_SETTINGS_BYTES_MAX] = "{\"aliases\":[";
    for (int i = 0; i < count; i++) {
        size_t len = strlen(json);
        (void)snprintf(json + len, sizeof(json) - len, "%s\"h%d\"", i == 0 ? "" : ",", i);
    }
    size_t len = strlen(json);
    (void)snprintf(json + len, sizeof(json) - len, "]}");
    char error[256];
    struct site *site = site_parse(STR_LIT("example.com"), str_from(json), error, sizeof(error));
    bool parsed = site != NULL;
    site_free(site);
    return parsed;
}

static void aliases_are_capped(void **state)
{
    (void)state;
    assert_true(parses_with_aliases(SITE_ALIASES_MAX - 1));
    assert_true(parses_with_aliases(SITE_ALIASES_MAX));
    assert_false(parses_with_aliases(SITE_ALIASES_MAX + 1));
}

static bool parses_with_bytes(size_t bytes)
{
    char *json = malloc(bytes);
    assert_non_null(json);
    memset(json, ' ', bytes);
    json[0] = '{';
    json[bytes - 1] = '}';
    char error[256];
    struct site *site =
        site_parse(STR_LIT("example.com"), (struct str){json, bytes}, error, sizeof(error));
    free(json);
    bool parsed = site != NULL;
    site_free(site);
    return parsed;
}

static void settings_bytes_are_capped(void **state)
{
    (void)state;
    assert_true(parses_with_bytes(SITE_SETTINGS_BYTES_MAX - 1));
    assert_true(parses_with_bytes(SITE_SETTINGS_BYTES_MAX));
    assert_false(parses_with_bytes(SITE_SETTINGS_BYTES_MAX + 1));
}

static void hosts_belong_to_their_site(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        bool owned;
    } ROWS[] = {
        {"example.com", true},
        {"www.example.com", true},
        {"example.net", true},
        {"a.example.org", true},
        {"a.b.example.org", true},
        {"www.example.net", false}, /* www. goes with the domain only */
        {"example.org", false},     /* a wildcard is for what is under it */
        {".example.org", false},
        {"notexample.org", false},
        {"a.notexample.org", false},
        {"www.www.example.com", false},
        {"shop.example.com", false},
        {"example.com.evil.test", false},
        {"evil-example.com", false},
        {"com", false},
        {"www.", false},
        {".", false},
        {"", false},
    };
    struct site *site = parse("example.com", "{\"aliases\":[\"example.net\",\"*.example.org\"]}");
    struct site *sites[] = {site};
    struct site_list *list = site_list_new(sites, 1);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct str host = str_from(ROWS[i].host);
        if (site_owns_host(site, host) != ROWS[i].owned)
            fail_msg("%s", ROWS[i].host);
        if (site_list_find_host(list, host) != (ROWS[i].owned ? site : NULL))
            fail_msg("%s in the list", ROWS[i].host);
    }
    site_list_unref(list);
}

static void domains_are_found_in_any_case(void **state)
{
    (void)state;
    struct site *sites[] = {parse("b.example", "{}"), parse("a.example", "{}")};
    struct site_list *list = site_list_new(sites, ARRAY_LEN(sites));
    assert_ptr_equal(site_list_find(list, STR_LIT("a.example")), sites[1]);
    assert_ptr_equal(site_list_find(list, STR_LIT("B.Example")), sites[0]);
    assert_null(site_list_find(list, STR_LIT("www.a.example")));
    assert_null(site_list_find(list, STR_LIT("a.exampl")));
    assert_null(site_list_find(list, STR_EMPTY));
    assert_ptr_equal(site_list_find_host(list, STR_LIT("WWW.A.Example")), sites[1]);
    assert_int_equal(site_list_count(list), 2);
    assert_ptr_equal(site_list_at(list, 0), sites[1]);
    assert_ptr_equal(site_list_at(list, 1), sites[0]);
    site_list_unref(list);
}

static void the_nearest_claim_on_a_host_wins(void **state)
{
    (void)state;
    struct site *sites[] = {
        parse("a.test", "{\"aliases\":[\"b.test\",\"www.b.test\",\"both.test\",\"*.test\"]}"),
        parse("b.test", "{\"aliases\":[\"both.test\",\"*.deep.test\",\"exact.deep.test\"]}"),
        parse("c.test", "{\"aliases\":[\"*.deep.test\",\"exact.deep.test\",\"x.y.deep.test\"]}"),
        parse("www.d.test", "{}"),
        parse("d.test", "{}"),
    };
    static const struct {
        const char *host, *domain;
    } ROWS[] = {
        {"b.test", "b.test"},         {"www.b.test", "b.test"},    {"both.test", "a.test"},
        {"z.test", "a.test"},         {"z.deep.test", "b.test"},   {"exact.deep.test", "b.test"},
        {"x.y.deep.test", "c.test"},  {"y.y.deep.test", "b.test"}, {"deep.test", "a.test"},
        {"www.d.test", "www.d.test"}, {"d.test", "d.test"},        {"www.www.d.test", "www.d.test"},
    };
    struct site *reversed[ARRAY_LEN(sites)];
    for (size_t i = 0; i < ARRAY_LEN(sites); i++)
        reversed[i] = sites[ARRAY_LEN(sites) - 1 - i];
    struct site_list *list = site_list_new(reversed, ARRAY_LEN(reversed));
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        const struct site *site = site_list_find_host(list, str_from(ROWS[i].host));
        assert_non_null(site);
        assert_string_equal(site->domain.ptr, ROWS[i].domain);
    }
    assert_null(site_list_find_host(list, STR_LIT("test")));
    site_list_unref(list);
}

static void hosts_past_253_bytes_are_unknown(void **state)
{
    (void)state;
    struct site *sites[] = {parse("example", "{\"aliases\":[\"*.example\"]}")};
    struct site_list *list = site_list_new(sites, 1);
    char host[255];
    memset(host, 'a', sizeof(host));
    for (size_t len = 252; len <= 254; len++) {
        memcpy(host + len - 8, ".example", 8);
        const struct site *site = site_list_find_host(list, (struct str){host, len});
        assert_ptr_equal(site, len <= 253 ? sites[0] : NULL);
        memset(host, 'a', sizeof(host));
        assert_null(site_list_find(list, (struct str){host, len}));
    }
    site_list_unref(list);
}

static void an_empty_list_knows_nobody(void **state)
{
    (void)state;
    struct site_list *list = site_list_new(NULL, 0);
    assert_int_equal(site_list_count(list), 0);
    assert_null(site_list_find(list, STR_LIT("example.com")));
    assert_null(site_list_find_host(list, STR_LIT("example.com")));
    site_list_unref(list);
    site_list_unref(NULL);
}

static void every_one_of_many_sites_is_found(void **state)
{
    (void)state;
    static struct site *sites[SITES_MAX];
    for (int i = 0; i < SITES_MAX; i++) {
        char domain[32], json[64];
        (void)snprintf(domain, sizeof(domain), "s%d.test", i);
        (void)snprintf(json, sizeof(json), "{\"aliases\":[\"*.w%d.test\"]}", i);
        sites[i] = parse(domain, json);
    }
    struct site_list *list = site_list_new(sites, SITES_MAX);
    struct site_list *other = site_list_ref(list);
    site_list_unref(list);
    for (int i = 0; i < SITES_MAX; i++) {
        char host[32];
        (void)snprintf(host, sizeof(host), "s%d.test", i);
        assert_ptr_equal(site_list_find(other, str_from(host)), sites[i]);
        (void)snprintf(host, sizeof(host), "a.b.w%d.test", i);
        assert_ptr_equal(site_list_find_host(other, str_from(host)), sites[i]);
    }
    site_list_unref(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_read),
        cmocka_unit_test(absent_settings_have_defaults),
        cmocka_unit_test(what_is_formatted_is_read_back),
        cmocka_unit_test(invalid_settings_get_a_sentence_that_names_the_field),
        cmocka_unit_test(a_sentence_fits_a_short_buffer),
        cmocka_unit_test(aliases_are_capped),
        cmocka_unit_test(settings_bytes_are_capped),
        cmocka_unit_test(hosts_belong_to_their_site),
        cmocka_unit_test(domains_are_found_in_any_case),
        cmocka_unit_test(the_nearest_claim_on_a_host_wins),
        cmocka_unit_test(hosts_past_253_bytes_are_unknown),
        cmocka_unit_test(an_empty_list_knows_nobody),
        cmocka_unit_test(every_one_of_many_sites_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

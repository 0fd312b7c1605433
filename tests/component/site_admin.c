/* The site list as an administrator changes it, in a real Redis. */

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "aggregator/acl.h"
#include "aggregator/model.h"
#include "cli/site_admin.h"
#include "cli/site_erase.h"
#include "redis_server.h"

enum { ERROR_BYTES = 512 };

static struct redis_server server;
static struct redis *admin;

static int setup(void **state)
{
    (void)state;
    char error[ERROR_BYTES];
    struct redis_address address;
    redis_server_start(&server, NULL);
    redis_server_add_user(&server, "admin", ACL_ADMIN, &address);
    admin = redis_connect(&address, error, sizeof(error));
    return admin == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    redis_free(admin);
    redis_server_stop(&server);
    return 0;
}

static bool add(const char *domain, const char *alias, char error[static ERROR_BYTES])
{
    const struct site_request request = {
        .domain = domain, .aliases = &alias, .alias_count = alias == NULL ? 0 : 1};
    error[0] = '\0';
    return site_admin_add(admin, &request, error, ERROR_BYTES);
}

static struct site_list *list(void)
{
    char error[ERROR_BYTES] = "";
    struct site_list *sites = site_admin_list(admin, error, sizeof(error));
    if (sites == NULL)
        fail_msg("%s", error);
    return sites;
}

static void sites_are_added_and_listed_by_domain(void **state)
{
    (void)state;
    char error[ERROR_BYTES];
    assert_true(add("b.example", NULL, error));
    assert_true(add("A.Example", "shop.example.net", error));
    struct site_list *sites = list();
    assert_int_equal(site_list_count(sites), 2);
    assert_true(str_eq(site_list_at(sites, 0)->domain, STR_LIT("a.example")));
    assert_non_null(site_list_find_host(sites, STR_LIT("shop.example.net")));
    site_list_unref(sites);
}

static void adding_again_changes_the_settings(void **state)
{
    (void)state;
    char error[ERROR_BYTES];
    assert_true(add("a.example", NULL, error));
    const struct site_request request = {
        .domain = "a.example", .timezone = "Europe/Amsterdam", .preset = "strict"};
    assert_true(site_admin_add(admin, &request, error, sizeof(error)));
    struct site_list *sites = list();
    assert_int_equal(site_list_count(sites), 1);
    const struct site *site = site_list_at(sites, 0);
    assert_true(str_eq(site->timezone, STR_LIT("Europe/Amsterdam")));
    assert_int_equal(site->preset, SITE_STRICT);
    site_list_unref(sites);
}

static void adding_again_keeps_what_is_not_said(void **state)
{
    (void)state;
    char error[ERROR_BYTES];
    const char *const aliases[] = {"shop.example.net"};
    const struct site_request first = {.domain = "a.example",
                                       .timezone = "Europe/Amsterdam",
                                       .preset = "strict",
                                       .aliases = aliases,
                                       .alias_count = 1};
    const struct site_request again = {.domain = "A.EXAMPLE", .preset = "standard"};
    assert_true(site_admin_add(admin, &first, error, sizeof(error)));
    assert_true(site_admin_add(admin, &again, error, sizeof(error)));
    struct site_list *sites = list();
    const struct site *site = site_list_at(sites, 0);
    assert_true(str_eq(site->timezone, STR_LIT("Europe/Amsterdam")));
    assert_int_equal(site->preset, SITE_STANDARD);
    assert_int_equal(site->alias_count, 1);
    site_list_unref(sites);
}

static void wrong_settings_and_taken_hosts_are_sentences(void **state)
{
    (void)state;
    char error[ERROR_BYTES];
    assert_true(add("a.example", "shop.example.net", error));
    assert_false(add("b.example", "shop.example.net", error));
    assert_string_equal(error, "shop.example.net already belongs to the site a.example.");
    assert_false(add("shop.example.net", NULL, error));
    assert_string_equal(error, "shop.example.net already belongs to the site a.example.");
    assert_false(add("not a domain", NULL, error));
    assert_non_null(strstr(error, "domain must be a host"));
    assert_false(add("b.example", "https://x.example", error));
    assert_non_null(strstr(error, "aliases must be hosts"));
    const struct site_request request = {.domain = "b.example", .timezone = "Mars/Olympus"};
    assert_false(site_admin_add(admin, &request, error, sizeof(error)));
    assert_non_null(strstr(error, "timezone must be"));
    struct site_list *sites = list();
    assert_int_equal(site_list_count(sites), 1);
    site_list_unref(sites);
}

static void a_change_is_told(void **state)
{
    (void)state;
    char error[ERROR_BYTES];
    struct redis *listener = redis_server_connect(&server);
    redis_reply_free(redis_do(listener, STR_LIT("SUBSCRIBE"), STR_LIT("ff:sites")));
    assert_true(add("a.example", NULL, error));
    /* Any command reads the next reply, which is the message. */
    struct redis_reply *message = redis_do(listener, STR_LIT("PING"));
    assert_non_null(message);
    assert_true(redis_reply_is(redis_reply_at(message, 0), "message"));
    redis_reply_free(message);
    redis_free(listener);
}

static void put(struct redis *redis, struct str site, enum table table)
{
    struct buf key;
    buf_init(&key, 512);
    model_key_live(&key, site, 20261123, table);
    redis_reply_free(redis_do(redis, STR_LIT("HSET"), buf_str(&key), STR_LIT("v"), STR_LIT("1")));
    buf_reset(&key);
    model_key_seen(&key, site, 20261123, table, STR_LIT("a*b"));
    redis_reply_free(redis_do(redis, STR_LIT("SET"), buf_str(&key), STR_LIT("x")));
    buf_done(&key);
}

static void removing_a_site_removes_its_keys_and_no_others(void **state)
{
    (void)state;
    char error[ERROR_BYTES];
    size_t keys = 0;
    struct redis *owner = redis_server_connect(&server);
    assert_true(add("a.example", NULL, error));
    assert_true(add("aa.example", NULL, error));
    for (unsigned table = 0; table < TABLE__COUNT; table++) {
        put(owner, STR_LIT("a.example"), (enum table)table);
        put(owner, STR_LIT("aa.example"), (enum table)table);
    }
    assert_true(site_admin_remove(admin, STR_LIT("a.example"), &keys, error, sizeof(error)));
    assert_int_equal(keys, 2 * TABLE__COUNT);
    struct redis_reply *left = redis_do(owner, STR_LIT("KEYS"), STR_LIT("*:a.example:*"));
    assert_int_equal(redis_reply_count(left), 0);
    redis_reply_free(left);
    left = redis_do(owner, STR_LIT("KEYS"), STR_LIT("*:aa.example:*"));
    assert_int_equal(redis_reply_count(left), 2 * TABLE__COUNT);
    redis_reply_free(left);
    assert_false(site_admin_remove(admin, STR_LIT("a.example"), &keys, error, sizeof(error)));
    assert_non_null(strstr(error, "no such site"));
    redis_free(owner);
}

/* --- Erasing ---------------------------------------------------------------------------------- */

#define OF_A "ff:{0}:a.example:"
#define OF_AA "ff:{0}:aa.example:"

static void put_key(struct redis *owner, const char *key)
{
    struct redis_reply *reply = redis_do(owner, STR_LIT("SET"), str_from(key), STR_LIT("x"));
    assert_true(redis_reply_is(reply, "OK"));
    redis_reply_free(reply);
}

static void put_all(struct redis *owner)
{
    static const char *const KEYS[] = {
        OF_A "day:20261031",
        OF_A "day:20261101",
        OF_A "names:202610",
        OF_A "names:202611",
        OF_A "month:202310",
        OF_A "month:202611",
        OF_A "sum:202610",
        OF_A "sum:202611",
        OF_A "drops:20261031",
        OF_A "live:20261031:page",
        OF_A "live:20261101:page*country",
        OF_A "seen:20261031:page:/20261231",
        OF_AA "day:20261031",
    };
    static const char *const OPEN[] = {"a.example:20261031", "a.example:20261101",
                                       "aa.example:20261031"};
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++)
        put_key(owner, KEYS[i]);
    for (size_t i = 0; i < ARRAY_LEN(OPEN); i++)
        redis_reply_free(redis_do(owner, STR_LIT("HSET"), STR_LIT("ff:{0}:open"), str_from(OPEN[i]),
                                  STR_LIT("1-0")));
}

static void assert_left(struct redis *owner, const char *command, const char *key, size_t count)
{
    struct redis_reply *reply = redis_do(owner, str_from(command), str_from(key));
    size_t found = redis_reply_type(reply) == REDIS_TYPE_ARRAY ? redis_reply_count(reply)
                                                               : (size_t)redis_reply_integer(reply);
    if (found != count)
        fail_msg("%s: %zu, not %zu", key, found, count);
    redis_reply_free(reply);
}

static void erasing_takes_whole_months_before_a_date(void **state)
{
    (void)state;
    char error[ERROR_BYTES];
    size_t keys;
    struct redis *owner = redis_server_connect(&server);
    assert_true(add("a.example", NULL, error));
    put_all(owner);
    assert_true(site_erase(admin, STR_LIT("a.example"), 20261101, &keys, error, sizeof(error)));
    assert_int_equal(keys, 7);
    assert_left(owner, "KEYS", OF_A "*", 5);
    assert_left(owner, "EXISTS", OF_A "day:20261101", 1);
    assert_left(owner, "EXISTS", OF_A "names:202611", 1);
    assert_left(owner, "EXISTS", OF_A "month:202611", 1);
    assert_left(owner, "EXISTS", OF_A "sum:202611", 1);
    assert_left(owner, "EXISTS", OF_A "live:20261101:page*country", 1);
    assert_left(owner, "HKEYS", "ff:{0}:open", 2);
    redis_free(owner);
}

static void erasing_all_leaves_the_site_and_others(void **state)
{
    (void)state;
    char error[ERROR_BYTES];
    size_t keys;
    struct redis *owner = redis_server_connect(&server);
    assert_true(add("a.example", NULL, error));
    put_all(owner);
    assert_true(site_erase(admin, STR_LIT("a.example"), 0, &keys, error, sizeof(error)));
    assert_int_equal(keys, 12);
    assert_left(owner, "KEYS", OF_A "*", 0);
    assert_left(owner, "KEYS", OF_AA "*", 1);
    assert_left(owner, "HKEYS", "ff:{0}:open", 1);
    assert_left(owner, "HKEYS", "ff:sites", 1);
    redis_free(owner);
}

/* --- Settings --------------------------------------------------------------------------------- */

static void how_long_counts_are_kept_is_a_setting(void **state)
{
    (void)state;
    char error[ERROR_BYTES];
    const int days = 6, months = 0, none = 0;
    const struct site_request request = {
        .domain = "a.example", .keep_days = &days, .keep_months = &months};
    assert_true(site_admin_add(admin, &request, error, sizeof(error)));
    assert_true(add("a.example", "www2.a.example", error));
    struct site_list *sites = list();
    assert_int_equal(site_list_at(sites, 0)->keep_days, 6);
    assert_int_equal(site_list_at(sites, 0)->keep_months, 0);
    site_list_unref(sites);
    const struct site_request bad = {.domain = "a.example", .keep_days = &none};
    assert_false(site_admin_add(admin, &bad, error, sizeof(error)));
    assert_non_null(strstr(error, "keep_days"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(sites_are_added_and_listed_by_domain),
        TEST(adding_again_changes_the_settings),
        TEST(adding_again_keeps_what_is_not_said),
        TEST(wrong_settings_and_taken_hosts_are_sentences),
        TEST(a_change_is_told),
        TEST(removing_a_site_removes_its_keys_and_no_others),
        TEST(erasing_takes_whole_months_before_a_date),
        TEST(erasing_all_leaves_the_site_and_others),
        TEST(how_long_counts_are_kept_is_a_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

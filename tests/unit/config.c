/* The configuration: defaults, YAML, environment, and the sentences for what is wrong. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/config.h"
#include "common/limits.h"

enum { ERROR_BYTES = 256 };

static bool load(const char *yaml, struct config *ret_config, char error[ERROR_BYTES])
{
    error[0] = '\0';
    return config_load_text(str_from(yaml), "footfall.yaml", ret_config, error, ERROR_BYTES);
}

static void every_key_has_its_default(void **state)
{
    (void)state;
    struct config config;
    char error[ERROR_BYTES];
    assert_true(config_load(NULL, &config, error, sizeof(error)));
    assert_string_equal(config.data, "./data");
    assert_string_equal(config.collector.listen, "127.0.0.1:8080");
    assert_null(config.collector.url);
    assert_int_equal(config.collector.workers, 0);
    assert_string_equal(config.dashboards.listen, "127.0.0.1:8081");
    assert_null(config.collector.admin);
    assert_null(config.aggregator.admin);
    assert_null(config.dashboards.admin);
    assert_int_equal(config.mix.views, 10);
    assert_int_equal(config.mix.seconds, 60);
    assert_int_equal(config.ack.wait_ms, 100);
    assert_int_equal(config.http.trusted_proxies.count, 0);
    assert_int_equal(config.http.close_after_body, CLOSE_AUTO);
    assert_int_equal(config.http.connections, HTTP_CONNECTIONS_MAX);
    assert_null(config.redis.url);
    assert_int_equal(config.geo.database.count, 0);
    assert_true(config.privacy.dnt);
    assert_true(config.privacy.gpc);
    config_done(&config);
}

static void a_file_sets_keys_of_each_kind(void **state)
{
    (void)state;
    struct config config;
    char error[ERROR_BYTES];
    const char *yaml = "# a comment\n"
                       "data: /srv/footfall\n"
                       "collector:\n"
                       "  listen: '[::1]:9000'\n"
                       "  url: https://stats.example.com\n"
                       "  admin: unix:run/collect\n"
                       "mix: {views: 1, seconds: 5}\n"
                       "ack:\n"
                       "http:\n"
                       "  trusted_proxies:\n"
                       "    - 10.0.0.0/8\n"
                       "    - ::1\n"
                       "  close_after_body: never\n"
                       "geo:\n"
                       "  database: a.mmdb, b.mmdb\n"
                       "privacy: {dnt: off}\n"
                       "redis: {url: \"unix:///run/redis.sock\"}\n";
    assert_true(load(yaml, &config, error));
    assert_string_equal(config.data, "/srv/footfall");
    assert_string_equal(config.collector.listen, "[::1]:9000");
    assert_string_equal(config.collector.url, "https://stats.example.com");
    assert_string_equal(config.collector.admin, "unix:run/collect");
    assert_int_equal(config.mix.views, 1);
    assert_int_equal(config.mix.seconds, 5);
    assert_int_equal(config.ack.wait_ms, 100);
    assert_int_equal(config.http.trusted_proxies.count, 2);
    assert_string_equal(config.http.trusted_proxies.items[1], "::1");
    assert_int_equal(config.http.close_after_body, CLOSE_NEVER);
    assert_int_equal(config.geo.database.count, 2);
    assert_string_equal(config.geo.database.items[1], "b.mmdb");
    assert_false(config.privacy.dnt);
    assert_true(config.privacy.gpc);
    assert_string_equal(config.redis.url, "unix:///run/redis.sock");
    config_done(&config);
}

static void a_wrong_file_is_refused_with_key_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        const char *sentence;
    } CASES[] = {
        {"mix:\n  views: 3\n  veiws: 4\n", "footfall.yaml, line 3: mix.veiws is not a key"},
        {"\n\nmixx: 3\n", "footfall.yaml, line 3: mixx is not a key"},
        {"mix:\n  views: 0\n", "line 2: mix.views must be a whole number from 1 to 10000."},
        {"mix:\n  views: many\n", "line 2: mix.views must be a whole number"},
        {"mix:\n  views: -1\n", "line 2: mix.views must be a whole number"},
        {"mix:\n  views: 4294967297\n", "line 2: mix.views must be a whole number"},
        {"mix:\n  views: [1]\n", "line 2: mix.views must be one plain value."},
        {"mix: 3\n", "line 1: a section must hold keys below it."},
        {"mix:\n  views: 3\n  views: 4\n", "line 3: mix.views is given twice."},
        {"- mix\n", "line 1: the file must hold sections and keys."},
        {"mix:\n\tviews: 3\n", "line 2: this is not YAML:"},
        {"? [a]\n: b\n", "line 1: a key must be one word."},
        {"data: ''\n", "line 1: data must not be empty."},
        {"\"a\\u0007b\": 1\n", "line 1: this key is not a key"},
        {"collector:\n  listen: 8080\n", "line 2: collector.listen must be ADDRESS:PORT"},
        {"collector:\n  listen: ::1:80\n", "line 2: collector.listen must be ADDRESS:PORT"},
        {"collector:\n  listen: 127.0.0.1:65536\n", "collector.listen must be ADDRESS:PORT"},
        {"collector:\n  listen: host:80\n", "collector.listen must be ADDRESS:PORT"},
        {"aggregator:\n  admin: nowhere\n", "line 2: aggregator.admin must be ADDRESS:PORT"},
        {"aggregator:\n  admin: \"unix:\"\n", "aggregator.admin must be ADDRESS:PORT"},
        {"collector:\n  url: stats.example.com\n", "line 2: collector.url must be http://"},
        {"collector:\n  url: https://x.org/y\n", "line 2: collector.url must be http://"},
        {"http:\n  close_after_body: perhaps\n", "must be auto, always or never."},
        {"http:\n  trusted_proxies: [10.0.0.0/33]\n", "must list addresses or ranges"},
        {"http:\n  trusted_proxies:\n  - ::1\n  - example.com\n", "line 4: http.trusted_proxies"},
        {"http:\n  trusted_proxies: [[a]]\n", "must be a list of plain values."},
        {"http:\n  trusted_proxies: {a: b}\n", "must be one plain value."},
        {"redis:\n  url: http://x\n", "must begin with redis:// or unix://."},
        {"privacy:\n  gpc: perhaps\n", "line 2: privacy.gpc must be true or false."},
        {"mix: &a {views: 3}\nack: *a\n", "line 1: ack.views is not a key"},
        {"mix: {mix: {views: 3}}\n", "line 1: mix.mix is not a key"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct config config = {.data = NULL};
        char error[ERROR_BYTES];
        assert_false(load(CASES[i].yaml, &config, error));
        if (strstr(error, CASES[i].sentence) == NULL)
            fail_msg("%s\n-> %s\nwithout: %s", CASES[i].yaml, error, CASES[i].sentence);
        assert_null(config.data);
    }
}

static void numbers_are_taken_up_to_their_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        unsigned min;
        unsigned max;
    } CASES[] = {
        {"mix.views", 1, 10000},
        {"mix.seconds", 1, 600},
        {"ack.wait_ms", 0, 5000},
        {"collector.workers", 0, HTTP_WORKERS_MAX},
        {"http.connections", 16, HTTP_CONNECTIONS_MAX},
    };
    struct config config;
    char error[ERROR_BYTES], text[16];
    assert_true(config_load(NULL, &config, error, sizeof(error)));
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        snprintf(text, sizeof(text), "%u", CASES[i].min);
        assert_true(config_set(&config, CASES[i].key, text, error, sizeof(error)));
        snprintf(text, sizeof(text), "%u", CASES[i].max);
        assert_true(config_set(&config, CASES[i].key, text, error, sizeof(error)));
        snprintf(text, sizeof(text), "%u", CASES[i].max + 1);
        assert_false(config_set(&config, CASES[i].key, text, error, sizeof(error)));
        if (CASES[i].min == 0)
            continue;
        snprintf(text, sizeof(text), "%u", CASES[i].min - 1);
        assert_false(config_set(&config, CASES[i].key, text, error, sizeof(error)));
    }
    config_done(&config);
}

static void the_environment_wins_over_the_file(void **state)
{
    (void)state;
    struct config config;
    char error[ERROR_BYTES];
    setenv("FOOTFALL_MIX_VIEWS", "1", 1);
    setenv("FOOTFALL_HTTP_TRUSTED_PROXIES", "127.0.0.0/8,::1", 1);
    setenv("FOOTFALL_DATA", "/srv/x", 1);
    setenv("FOOTFALL_MIX_SECONDS", "", 1);
    setenv("FOOTFALL_SOMETHING_ELSE", "kept out of it", 1);
    const char *yaml = "mix: {views: 7, seconds: 9}\nhttp: {trusted_proxies: 10.0.0.1}\n";
    assert_true(load(yaml, &config, error));
    assert_int_equal(config.mix.views, 1);
    assert_int_equal(config.mix.seconds, 9);
    assert_string_equal(config.data, "/srv/x");
    assert_int_equal(config.http.trusted_proxies.count, 2);
    assert_string_equal(config.http.trusted_proxies.items[0], "127.0.0.0/8");
    config_done(&config);
    setenv("FOOTFALL_MIX_VIEWS", "ten", 1);
    assert_false(load("", &config, error));
    assert_string_equal(error, "the variable FOOTFALL_MIX_VIEWS: mix.views must be a whole number "
                               "from 1 to 10000.");
    setenv("FOOTFALL_MIX_VIEWS", "1", 1);
    setenv("FOOTFALL_MIX_VEIWS", "1", 1);
    assert_false(load("", &config, error));
    assert_string_equal(error, "the variable FOOTFALL_MIX_VEIWS is not a key that Footfall knows.");
    unsetenv("FOOTFALL_MIX_VEIWS");
    unsetenv("FOOTFALL_MIX_VIEWS");
    unsetenv("FOOTFALL_MIX_SECONDS");
    unsetenv("FOOTFALL_HTTP_TRUSTED_PROXIES");
    unsetenv("FOOTFALL_SOMETHING_ELSE");
    unsetenv("FOOTFALL_DATA");
}

static void a_list_holds_so_many_and_no_more(void **state)
{
    (void)state;
    for (size_t count = CONFIG_LIST_MAX - 1; count <= CONFIG_LIST_MAX + 1; count++) {
        struct buf yaml;
        buf_init(&yaml, 4096);
        buf_printf(&yaml, "geo:\n  database:\n");
        for (size_t i = 0; i < count; i++)
            buf_printf(&yaml, "  - %zu.mmdb\n", i);
        struct config config;
        char error[ERROR_BYTES];
        bool good =
            config_load_text(buf_str(&yaml), "footfall.yaml", &config, error, sizeof(error));
        assert_int_equal(good, count <= CONFIG_LIST_MAX);
        if (good) {
            assert_int_equal(config.geo.database.count, count);
            config_done(&config);
        } else {
            assert_string_equal(error, "footfall.yaml, line 67: geo.database lists too many.");
        }
        buf_done(&yaml);
    }
}

static void a_file_is_read_up_to_its_cap(void **state)
{
    (void)state;
    for (int len = CONFIG_FILE_BYTES_MAX - 1; len <= CONFIG_FILE_BYTES_MAX + 1; len++) {
        char path[] = "/tmp/footfall-config-XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        FILE *file = fdopen(fd, "w");
        assert_non_null(file);
        fprintf(file, "mix: {views: 2}\n#");
        while (ftell(file) < len)
            fputc('x', file);
        fclose(file);
        struct config config;
        char error[ERROR_BYTES];
        bool good = config_load(path, &config, error, sizeof(error));
        unlink(path);
        assert_int_equal(good, len <= CONFIG_FILE_BYTES_MAX);
        if (!good)
            continue;
        assert_int_equal(config.mix.views, 2);
        config_done(&config);
    }
}

/* The check found them good, and the collector then did not start. */
static void a_range_that_the_collector_refuses_is_refused(void **state)
{
    (void)state;
    static const char *const RANGES[] = {"::ffff:92.0.0.0/14", "::ffff:10.0.0.0/95",
                                         "10.0.0.0/000008"};
    for (size_t i = 0; i < ARRAY_LEN(RANGES); i++) {
        struct config config;
        char error[ERROR_BYTES], yaml[100];
        snprintf(yaml, sizeof(yaml), "http:\n  trusted_proxies: [\"%s\"]\n", RANGES[i]);
        assert_false(load(yaml, &config, error));
        assert_non_null(strstr(error, "must list addresses or ranges"));
    }
    struct config config;
    char error[ERROR_BYTES];
    assert_true(load("http:\n  trusted_proxies: \"::ffff:10.0.0.0/96\"\n", &config, error));
    config_done(&config);
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    struct config config;
    char error[ERROR_BYTES];
    assert_false(config_load("/nonexistent/footfall.yaml", &config, error, sizeof(error)));
    assert_string_equal(error,
                        "/nonexistent/footfall.yaml cannot be read: No such file or directory.");
}

static void a_wrong_value_leaves_what_was_set(void **state)
{
    (void)state;
    struct config config;
    char error[ERROR_BYTES];
    assert_true(load("geo: {database: a.mmdb}\n", &config, error));
    assert_false(config_set(&config, "geo.database", "b.mmdb,,c", error, sizeof(error)));
    assert_int_equal(config.geo.database.count, 1);
    assert_string_equal(config.geo.database.items[0], "a.mmdb");
    assert_false(config_set(&config, "collector.listen", "nowhere", error, sizeof(error)));
    assert_string_equal(config.collector.listen, "127.0.0.1:8080");
    assert_true(config_set(&config, "collector.listen", "127.0.0.1:0", error, sizeof(error)));
    assert_string_equal(config.collector.listen, "127.0.0.1:0");
    config_done(&config);
}

static void the_description_names_every_key_once(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 16 * 1024);
    config_describe(&out);
    buf_append_byte(&out, 0);
    assert_false(out.overflow);
    assert_non_null(strstr(out.ptr, "| `mix.views` | `FOOTFALL_MIX_VIEWS` | `10` |"));
    assert_non_null(strstr(out.ptr, "| `data` | `FOOTFALL_DATA` | `./data` |"));
    assert_non_null(strstr(out.ptr, "| `redis.url` | `FOOTFALL_REDIS_URL` | none |"));
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_has_its_default),
        cmocka_unit_test(a_file_sets_keys_of_each_kind),
        cmocka_unit_test(a_wrong_file_is_refused_with_key_and_line),
        cmocka_unit_test(numbers_are_taken_up_to_their_bounds),
        cmocka_unit_test(the_environment_wins_over_the_file),
        cmocka_unit_test(a_list_holds_so_many_and_no_more),
        cmocka_unit_test(a_file_is_read_up_to_its_cap),
        cmocka_unit_test(a_range_that_the_collector_refuses_is_refused),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(a_wrong_value_leaves_what_was_set),
        cmocka_unit_test(the_description_names_every_key_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

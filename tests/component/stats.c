/* `footfall stats` against a real Redis: what it prints, what it refuses, and its exit codes. */

#include "cli/stats.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "aggregator/model.h"
#include "common/timezone.h"
#include "redis_server.h"
#include "tests/test.h"
#include "utc_day.h"

static struct redis_server redis_server;
static struct redis *redis;
static char config_path[200], out_path[200];

static void store(uint32_t date, enum table table, const char *field, const char *number)
{
    struct buf key;
    buf_init(&key, 1000);
    model_key_live(&key, STR_LIT("example.com"), date, table);
    redis_reply_free(
        redis_do(redis, STR_LIT("HSET"), buf_str(&key), str_from(field), str_from(number)));
    buf_done(&key);
}

static void store_crossed(uint32_t date, const char *field, const char *counts)
{
    struct buf key;
    buf_init(&key, 1000);
    model_key_cross(&key, STR_LIT("example.com"), date, CROSS_PAGE_COUNTRY);
    redis_reply_free(
        redis_do(redis, STR_LIT("HSET"), buf_str(&key), str_from(field), str_from(counts)));
    buf_done(&key);
}

static int start(void **state)
{
    (void)state;
    setenv("LC_ALL", "C", 1);
    redis_server_start(&redis_server, NULL);
    redis = redis_server_connect(&redis_server);
    (void)snprintf(config_path, sizeof(config_path), "%s/footfall.yaml", redis_server.dir);
    (void)snprintf(out_path, sizeof(out_path), "%s/out", redis_server.dir);
    FILE *file = fopen(config_path, "we");
    if (file == NULL)
        return -1;
    fprintf(file, "redis:\n  url: unix://%s\n", redis_server.address.socket_path);
    fclose(file);
    redis_reply_free(redis_do(redis, STR_LIT("HSET"), STR_LIT("ff:sites"), STR_LIT("example.com"),
                              STR_LIT("{\"timezone\":\"UTC\"}")));
    uint32_t today = utc_day_today();
    store(today, TABLE_TOTAL, "v", "9");
    store(today, TABLE_TOTAL, "s", "4");
    store(today, TABLE_TOTAL, "u", "3");
    store(today, TABLE_TOTAL, "b", "1");
    store(date_add_days(today, -1), TABLE_TOTAL, "v", "2");
    store(date_add_days(today, -1), TABLE_TOTAL, "s", "1");
    store(date_add_days(today, -1), TABLE_TOTAL, "u", "1");
    store(today, TABLE_PAGE, "v/", "6");
    store(today, TABLE_PAGE, "u/", "3");
    store(today, TABLE_PAGE, "s/", "4");
    store(today, TABLE_PAGE, "v/b", "3");
    store(today, TABLE_PAGE, "s/b", "2");
    store(today, TABLE_PAGE, "u/b", "2");
    store(today, TABLE_COUNTRY, "vNL", "9");
    store(today, TABLE_COUNTRY, "sNL", "4");
    store(today, TABLE_COUNTRY, "uNL", "3");
    store(today, TABLE_EXIT_PAGE, "s/b", "4");
    store_crossed(today, "/\x1fNL", "6:3");
    store_crossed(today, "/b\x1fNL", "2:1");
    store_crossed(today,
                  "/b\x1f"
                  "BE",
                  "1:0");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    redis_free(redis);
    redis_server_stop(&redis_server);
    return 0;
}

/* Runs the command with standard output in a file; the caller frees its text. */
static char *run(int want_code, const char *first, const char *second, const char *third)
{
    char *argv[] = {strdup("stats"),
                    strdup("example.com"),
                    strdup("--config"),
                    strdup(config_path),
                    first == NULL ? NULL : strdup(first),
                    second == NULL ? NULL : strdup(second),
                    third == NULL ? NULL : strdup(third),
                    NULL};
    int argc = 4 + (first != NULL) + (second != NULL) + (third != NULL);
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    assert_non_null(freopen(out_path, "w", stdout));
    optind = 0;
    int code = stats_main(argc, argv);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    for (size_t i = 0; i < ARRAY_LEN(argv); i++)
        free(argv[i]);
    assert_int_equal(code, want_code);
    FILE *file = fopen(out_path, "re");
    char *text = calloc(1, 100000);
    assert_non_null(file);
    assert_non_null(text);
    text[fread(text, 1, 99999, file)] = '\0';
    fclose(file);
    return text;
}

static void assert_prints(const char *first, const char *second, const char *third,
                          const char *part)
{
    char *text = run(0, first, second, third);
    if (strstr(text, part) == NULL)
        fail_msg("no \"%s\" in: %s", part, text);
    free(text);
}

static void the_overview_is_headline_and_chart(void **state)
{
    (void)state;
    char *text = run(0, NULL, NULL, NULL);
    assert_non_null(strstr(text, "example.com, 20"));
    assert_non_null(strstr(text, "  Visitors  Visits  Page views  Views/visit  Bounce rate"));
    assert_non_null(strstr(text, "         4       5          11         2.20          20%"));
    assert_non_null(strstr(text, "_____")); /* five days without visits */
    free(text);
}

static void the_headline_is_compared(void **state)
{
    (void)state;
    /* Today with 9 views, 4 visits, 3 visitors; yesterday with 2, 1 and 1. */
    char *text = run(0, "--period=day", "--compare=period", NULL);
    assert_non_null(strstr(text, "     +200%   +300%       +350%"));
    assert_non_null(strstr(text, "  against 20"));
    free(text);
    text = run(0, "--period=day", "--compare=year", NULL);
    assert_non_null(strstr(text, "     +100%   +100%       +100%"));
    free(text);
    text = run(0, "--json", "--by=page", "--compare=period");
    assert_non_null(strstr(text, "\"comparison\":{"));
    free(text);
    free(run(2, "--compare=yesterday", NULL, NULL));
}

static void short_names_are_dimensions(void **state)
{
    (void)state;
    assert_prints("--by", "page", NULL, "  /b ");
    assert_prints("--by", "country", NULL, "  NL ");
    assert_prints("--by", "day", NULL, "  20");
    assert_prints("--by", "exit_page", NULL, "Visits");
    assert_prints("--by", "goal", NULL, "goal: nothing in this period.");
    assert_prints("--by", "drop_reason", NULL, "drop_reason: nothing in this period.");
    assert_prints("--by", "props:plan", NULL, "nothing in this period.");
    assert_prints("--by", "hour", "--period=day", "nothing in this period.");
    assert_prints("--by=page", "--limit", "1", "  / ");
}

static void filters_are_equal_unequal_or_part(void **state)
{
    (void)state;
    assert_prints("--filter", "country=NL", NULL, "         3       4           9");
    assert_prints("--filter", "page~/b", NULL, "  Page views\n           3\n");
    assert_prints("--filter", "country!=BE", NULL, "Visits  Page views");
    assert_prints("--by=page", "--filter", "page!=/", "  /b ");
    /* As in the address bar. */
    assert_prints("--by=page", "--filter", "page=/b/", "  /b ");
    assert_prints("--by=page", "--filter", "page=/", "  / ");
}

static void a_filter_narrows_another_dimension(void **state)
{
    (void)state;
    assert_prints("--by=page", "--filter=country=NL", NULL, "Visits");
    assert_prints("--by=page", "--filter=country=NL", NULL, "  /b ");
    char *text = run(0, "--json", "--by=page", "--filter=country=NL");
    /* NL has 9 views; 8 stand in its pages' cells, and BE is not asked. */
    assert_non_null(strstr(text, "\"results\":[{\"metrics\":[3,6],\"dimensions\":[\"/\"]},"
                                 "{\"metrics\":[1,2],\"dimensions\":[\"/b\"]},"
                                 "{\"metrics\":[null,1],\"dimensions\":[\"(other)\"]}]"));
    free(text);
}

static void json_is_the_apis_answer(void **state)
{
    (void)state;
    char *text = run(0, "--json", "--by=page", NULL);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    char *results = json_dumps(json_object_get(root, "results"), JSON_COMPACT);
    assert_string_equal(results, "[{\"metrics\":[3,4,6,null],\"dimensions\":[\"/\"]},"
                                 "{\"metrics\":[2,2,3,null],\"dimensions\":[\"/b\"]}]");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(root, "query"), "site_id")),
        "example.com");
    free(results);
    json_decref(root);
    free(text);
}

static void exit_codes_tell_bad_from_misuse(void **state)
{
    static const struct {
        const char *first, *second;
        int code;
    } CASES[] = {
        {"--period=8d", NULL, 1},
        {"--by=city", NULL, 1},
        {"--by=page", "--period=24h", 1},
        {"--filter=nonsense", NULL, 1},
        {"--filter=city=Delft", NULL, 1},
        {"--by=exit_page", "--filter=country=NL", 1},
        {"--data=/nonexistent/footfall", "--config=/nonexistent.yaml", 1},
        {"--limit=0", NULL, 2},
        {"--limit=10001", NULL, 2},
        {"--colour", NULL, 2},
        {"another.example", NULL, 2},
        {"--help", NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
        free(run(CASES[i].code, CASES[i].first, CASES[i].second, NULL));
    redis_reply_free(redis_do(redis, STR_LIT("HDEL"), STR_LIT("ff:sites"), STR_LIT("example.com")));
    free(run(1, NULL, NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_overview_is_headline_and_chart),
        cmocka_unit_test(the_headline_is_compared),
        cmocka_unit_test(short_names_are_dimensions),
        cmocka_unit_test(filters_are_equal_unequal_or_part),
        cmocka_unit_test(a_filter_narrows_another_dimension),
        cmocka_unit_test(json_is_the_apis_answer),
        cmocka_unit_test(exit_codes_tell_bad_from_misuse),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

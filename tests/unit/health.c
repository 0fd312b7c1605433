/* Checks in words: good and bad over parts, since when, ready and alive. */

#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/health.h"
#include "common/limits.h"

#define ROWS(X)                                                                                    \
    X(SITES, "sites", true, "", "the site list is known", "the site list was not read yet")        \
    X(LAG, "lag", false, "entries", "the log is applied", "the log waits")

enum row {
#define X(id, name, needed, counts, good, bad) ROW_##id,
    ROWS(X)
#undef X
        ROW__COUNT
};

static const struct health_row TABLE[] = {ROWS(HEALTH_ROW)};

enum { TEXT_BYTES = 1024 };
static const int64_t NOON_MS = INT64_C(1795435200000); /* 2026-11-23T12:00:00Z */

/* Times as the letter T, so that a text is the same every day. */
static void render(const struct health *health, char text[TEXT_BYTES])
{
    struct buf out;
    buf_init(&out, TEXT_BYTES - 1);
    health_render(health, &out);
    size_t len = 0;
    for (size_t i = 0; i < out.len; i++) {
        static const char SINCE[] = "\"since\":\"2";
        text[len++] = out.ptr[i];
        if (len >= sizeof(SINCE) - 1 &&
            memcmp(text + len - (sizeof(SINCE) - 1), SINCE, sizeof(SINCE) - 1) == 0) {
            text[len - 1] = 'T';
            i += strlen("026-11-23T00:00:00Z");
        }
    }
    text[len] = '\0';
    buf_done(&out);
}

static void what_is_not_known_is_bad(void **state)
{
    char text[TEXT_BYTES];
    (void)state;
    struct health *health = health_new(TABLE, ROW__COUNT, 2);
    assert_false(health_is_ready(health));
    render(health, text);
    assert_string_equal(text, "{\"status\":\"not ready\",\"checks\":["
                              "{\"name\":\"sites\",\"ok\":false,\"needed\":true,\"since\":\"T\","
                              "\"detail\":\"the site list was not read yet\"},"
                              "{\"name\":\"lag\",\"ok\":false,\"needed\":false,\"since\":\"T\","
                              "\"detail\":\"the log waits (entries: 0)\"}]}\n");
    health_free(health);
}

static void only_needed_checks_decide_and_numbers_add_up(void **state)
{
    char text[TEXT_BYTES];
    (void)state;
    struct health *health = health_new(TABLE, ROW__COUNT, 2);
    health_set(health, 0, ROW_SITES, true, 0);
    health_set(health, 0, ROW_LAG, true, 3);
    health_set(health, 1, ROW_LAG, false, 4);
    assert_true(health_is_ready(health));
    render(health, text);
    assert_string_equal(text, "{\"status\":\"ready\",\"checks\":["
                              "{\"name\":\"sites\",\"ok\":true,\"needed\":true,\"since\":\"T\","
                              "\"detail\":\"the site list is known\"},"
                              "{\"name\":\"lag\",\"ok\":false,\"needed\":false,\"since\":\"T\","
                              "\"detail\":\"the log waits (entries: 7)\"}]}\n");
    health_set(health, 1, ROW_SITES, false, 0);
    assert_false(health_is_ready(health));
    health_set(health, 1, ROW_SITES, true, 0);
    assert_true(health_is_ready(health));
    health_free(health);
}

/* What stands as "since" of the first check. */
static void since_of(const struct health *health, char since[32])
{
    struct buf out;
    buf_init(&out, TEXT_BYTES);
    health_render(health, &out);
    const char *at = memmem(out.ptr, out.len, "\"since\":\"", 9);
    assert_non_null(at);
    snprintf(since, 32, "%.20s", at + 9);
    buf_done(&out);
}

static void since_is_when_all_became_good_or_the_first_bad(void **state)
{
    char since[32];
    (void)state;
    clock_fake_set(NOON_MS, 0);
    struct health *health = health_new(TABLE, ROW__COUNT, 2);
    since_of(health, since);
    assert_string_equal(since, "2026-11-23T12:00:00Z");
    clock_fake_advance(1000);
    health_set(health, 0, ROW_SITES, true, 0);
    clock_fake_advance(1000);
    health_set(health, 1, ROW_SITES, true, 0);
    clock_fake_advance(1000);
    health_set(health, 1, ROW_SITES, true, 0); /* no change */
    since_of(health, since);
    assert_string_equal(since, "2026-11-23T12:00:02Z");
    health_set(health, 1, ROW_SITES, false, 0);
    clock_fake_advance(1000);
    health_set(health, 0, ROW_SITES, false, 0);
    since_of(health, since);
    assert_string_equal(since, "2026-11-23T12:00:03Z");
    health_set(health, 1, ROW_SITES, true, 0);
    since_of(health, since);
    assert_string_equal(since, "2026-11-23T12:00:04Z");
    health_free(health);
}

static void a_thread_without_a_sign_is_stuck(void **state)
{
    (void)state;
    struct health *health = health_new(TABLE, ROW__COUNT, 2);
    clock_fake_advance(HEALTH_BEAT_MS_MAX);
    assert_true(health_is_alive(health));
    clock_fake_advance(1);
    assert_false(health_is_alive(health));
    health_beat(health, 0);
    assert_false(health_is_alive(health));
    health_beat(health, 1);
    assert_true(health_is_alive(health));
    health_free(health);
}

static void what_bad_means_follows_it_while_it_is_bad(void **state)
{
    char text[TEXT_BYTES];
    (void)state;
    struct health *health = health_new(TABLE, ROW__COUNT, 2);
    health_explain(health, 1, ROW_LAG, "somebody has locked it");
    health_set(health, 0, ROW_LAG, true, 1);
    health_set(health, 1, ROW_LAG, true, 2);
    render(health, text);
    assert_non_null(strstr(text, "\"detail\":\"the log is applied (entries: 3)\""));
    health_set(health, 0, ROW_LAG, false, 1);
    render(health, text);
    assert_non_null(strstr(text, "\"detail\":\"the log waits (entries: 3)\""));
    health_set(health, 1, ROW_LAG, false, 2);
    render(health, text);
    assert_non_null(
        strstr(text, "\"detail\":\"the log waits: somebody has locked it (entries: 3)\""));
    health_explain(health, 1, ROW_LAG, NULL);
    render(health, text);
    assert_non_null(strstr(text, "\"detail\":\"the log waits (entries: 3)\""));
    health_free(health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_known_is_bad),
        cmocka_unit_test(only_needed_checks_decide_and_numbers_add_up),
        cmocka_unit_test(since_is_when_all_became_good_or_the_first_bad),
        cmocka_unit_test(a_thread_without_a_sign_is_stuck),
        cmocka_unit_test(what_bad_means_follows_it_while_it_is_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The site list over a real Redis: what was refused is asked for again soon, and a change is heard
 * however early it comes. */

#include "tests/test.h"

#include <signal.h>

#include "aggregator/site_watch.h"
#include "common/clock.h"
#include "redis_server.h"

enum { TURN_MS = 10, SOON_MS = 20000 };

struct fixture {
    struct redis_server server;
    struct redis *redis;
    struct loop *loop;
    struct site_watch *watch;
    size_t lists, sites; /* lists that came, and sites of the last one */
};

static void on_list(struct site_list *list, void *data)
{
    struct fixture *fixture = data;
    fixture->lists++;
    fixture->sites = site_list_count(list);
    site_list_unref(list);
}

static void start(struct fixture *fixture)
{
    *fixture = (struct fixture){.loop = loop_new()};
    redis_server_start(&fixture->server, NULL);
    fixture->redis = redis_server_connect(&fixture->server);
}

static void watch(struct fixture *fixture)
{
    fixture->watch = site_watch_new(fixture->loop, &fixture->server.address, on_list, fixture);
}

static void end(struct fixture *fixture)
{
    site_watch_free(fixture->watch);
    loop_free(fixture->loop);
    redis_free(fixture->redis);
    redis_server_stop(&fixture->server);
}

static void run_for(struct fixture *fixture, int64_t ms)
{
    for (int64_t end_ms = clock_mono_ms() + ms; clock_mono_ms() < end_ms;)
        loop_turn(fixture->loop, TURN_MS);
}

static void await_sites(struct fixture *fixture, size_t sites)
{
    for (int64_t end_ms = clock_mono_ms() + SOON_MS; clock_mono_ms() < end_ms;) {
        if (fixture->lists > 0 && fixture->sites == sites)
            return;
        loop_turn(fixture->loop, TURN_MS);
    }
    fail_msg("no list of %zu sites", sites);
}

static void await_lists(struct fixture *fixture, size_t lists)
{
    for (int64_t end_ms = clock_mono_ms() + SOON_MS;
         fixture->lists < lists && clock_mono_ms() < end_ms;)
        loop_turn(fixture->loop, TURN_MS);
    assert_true(fixture->lists >= lists);
}

static void add(struct fixture *fixture, const char *domain)
{
    redis_reply_free(redis_do(fixture->redis, STR_LIT("HSET"), STR_LIT("ff:sites"),
                              str_from(domain), STR_LIT("{\"timezone\":\"UTC\"}")));
}

/* Redis lets in who connects while it loads, and refuses the question. */
static void a_list_that_was_refused_is_asked_for_again_soon(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture);
    redis_reply_free(
        redis_do(fixture.redis, STR_LIT("SET"), STR_LIT("ff:sites"), STR_LIT("no hash")));
    watch(&fixture);
    run_for(&fixture, 500);
    assert_int_equal(fixture.lists, 0);
    assert_false(site_watch_is_ready(fixture.watch));
    redis_reply_free(redis_do(fixture.redis, STR_LIT("DEL"), STR_LIT("ff:sites")));
    add(&fixture, "a.example");
    await_sites(&fixture, 1);
    end(&fixture);
}

static void a_change_is_heard(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture);
    watch(&fixture);
    await_sites(&fixture, 0);
    run_for(&fixture, 200);
    add(&fixture, "a.example");
    redis_reply_free(
        redis_do(fixture.redis, STR_LIT("PUBLISH"), STR_LIT("ff:sites"), STR_LIT("changed")));
    await_sites(&fixture, 1);
    end(&fixture);
}

/* Between the first reading and the subscription nobody hears: so the list is read after both. */
static void it_is_read_again_once_changes_are_heard(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture);
    watch(&fixture);
    /* Both links connect in the first turn, and the question goes out in it. */
    await_lists(&fixture, 2);
    assert_int_equal(fixture.lists, 2);
    /* Each link comes back by itself: one reading is after both, and the first may not be. */
    redis_server_kill(&fixture.server, SIGKILL);
    redis_server_restart(&fixture.server, NULL);
    await_lists(&fixture, 3);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_that_was_refused_is_asked_for_again_soon),
        cmocka_unit_test(a_change_is_heard),
        cmocka_unit_test(it_is_read_again_once_changes_are_heard),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The loop: timers whatever the wall clock does, messages from other threads, watched descriptors.
 */

#include "common/loop.h"

#include <pthread.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/macros.h"
#include "tests/test.h"

enum { PATIENCE_MS = 20000 };

/* libh2o asks for the time here. */
static int64_t wall_step_s;

int gettimeofday(struct timeval *restrict ret_now, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *ret_now = (struct timeval){now.tv_sec + wall_step_s, now.tv_nsec / 1000};
    return 0;
}

struct counter {
    struct loop *loop;
    struct loop_timer *timer, *other;
    int count, dropped;
};

static void on_count(void *data)
{
    struct counter *counter = data;
    counter->count++;
}

static void run_for(struct loop *loop, int64_t ms)
{
    int64_t end_ms = clock_mono_ms() + ms;
    while (clock_mono_ms() < end_ms)
        loop_turn(loop, 5);
}

static void await_count(struct counter *counter, int count)
{
    int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
    while (counter->count < count && clock_mono_ms() < end_ms)
        loop_turn(counter->loop, 5);
    assert_true(counter->count >= count);
}

static void a_wall_clock_that_steps_stops_no_timer(void **state)
{
    (void)state;
    enum { EVERY_MS = 20 };
    static const int64_t STEPS_S[] = {0, -3600, 3600, -86400};
    for (size_t i = 0; i < ARRAY_LEN(STEPS_S); i++) {
        struct counter counter = {.loop = loop_new()};
        counter.timer = loop_timer_new(counter.loop, EVERY_MS, on_count, &counter);
        await_count(&counter, 3);
        wall_step_s = STEPS_S[i];
        counter.count = 0;
        int64_t began_ms = clock_mono_ms();
        await_count(&counter, 9);
        assert_true(counter.count <= 1 + (clock_mono_ms() - began_ms) / EVERY_MS);
        loop_timer_free(counter.timer);
        loop_free(counter.loop);
        wall_step_s = 0;
    }
}

static void a_turn_ends_when_a_timer_is_due(void **state)
{
    (void)state;
    struct counter counter = {.loop = loop_new()};
    int64_t began_ms = clock_mono_ms();
    counter.timer = loop_timer_new(counter.loop, 30, on_count, &counter);
    while (counter.count == 0)
        loop_turn(counter.loop, 60000);
    assert_in_range(clock_mono_ms() - began_ms, 29, PATIENCE_MS);
    loop_timer_free(counter.timer);
    loop_free(counter.loop);
}

static void on_free_all(void *data)
{
    struct counter *counter = data;
    counter->count++;
    loop_timer_free(counter->timer);
    loop_timer_free(counter->other);
    counter->timer = counter->other = NULL;
}

static void timers_may_go_from_within_their_callbacks(void **state)
{
    (void)state;
    struct counter counter = {.loop = loop_new()};
    counter.timer = loop_timer_new(counter.loop, 10, on_free_all, &counter);
    counter.other = loop_timer_new(counter.loop, 10, on_free_all, &counter);
    await_count(&counter, 1);
    run_for(counter.loop, 60);
    assert_int_equal(counter.count, 1);
    assert_null(counter.timer);
    loop_free(counter.loop);
}

static void *post_many(void *data)
{
    struct counter *counter = data;
    for (int i = 0; i < 1000; i++)
        loop_post(counter->loop, on_count, counter);
    return NULL;
}

static void messages_of_other_threads_run_here(void **state)
{
    (void)state;
    struct counter counter = {.loop = loop_new()};
    pthread_t threads[3];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, &counter), 0);
    int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
    while (counter.count < 3000 && clock_mono_ms() < end_ms)
        loop_turn(counter.loop, 100);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(counter.count, 3000);
    loop_post(counter.loop, on_count, &counter);
    loop_free(counter.loop); /* what has not run is dropped */
    assert_int_equal(counter.count, 3000);
}

static void on_drop(void *data)
{
    struct counter *counter = data;
    counter->dropped++;
}

static void what_a_message_owns_is_let_go_of_when_the_loop_ends(void **state)
{
    (void)state;
    struct counter counter = {.loop = loop_new()};
    loop_post_or_drop(counter.loop, on_count, on_drop, &counter);
    loop_turn(counter.loop, 100);
    assert_int_equal(counter.count, 1);
    assert_int_equal(counter.dropped, 0);
    loop_post_or_drop(counter.loop, on_count, on_drop, &counter);
    loop_end(counter.loop);
    assert_int_equal(counter.dropped, 1);
    loop_post_or_drop(counter.loop, on_count, on_drop, &counter);
    assert_int_equal(counter.dropped, 2);
    loop_free(counter.loop);
    assert_int_equal(counter.count, 1);
}

static void a_watch_tells_and_leaves_the_descriptor(void **state)
{
    (void)state;
    int fds[2];
    char byte;
    struct counter counter = {.loop = loop_new()};
    assert_int_equal(pipe(fds), 0);
    struct loop_watch *watch = loop_watch_new(counter.loop, fds[0], on_count, &counter);
    run_for(counter.loop, 20);
    assert_int_equal(counter.count, 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    await_count(&counter, 1);
    loop_watch_free(watch);
    loop_turn(counter.loop, 0);
    assert_int_equal(read(fds[0], &byte, 1), 1);
    close(fds[0]);
    close(fds[1]);
    loop_free(counter.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wall_clock_that_steps_stops_no_timer),
        cmocka_unit_test(a_turn_ends_when_a_timer_is_due),
        cmocka_unit_test(timers_may_go_from_within_their_callbacks),
        cmocka_unit_test(messages_of_other_threads_run_here),
        cmocka_unit_test(what_a_message_owns_is_let_go_of_when_the_loop_ends),
        cmocka_unit_test(a_watch_tells_and_leaves_the_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

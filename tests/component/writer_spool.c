/* The writer with a spool: what Redis does not take in time is durable on the disk, and is in the
 * log exactly once in the end, whichever of Redis, the disk and the process fails meanwhile. The
 * seed is printed; FOOTFALL_SEED repeats one. */

#include "tests/test.h"

#include "writer_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "faulty_disk.h"
#include "spool_folder.h"

/* So long that what is sent to a Redis that is there does not go to the spool as well. */
enum { PATIENT_MS = 5000 };
enum { STORMS = 6, STORM_VIEWS = 1500 };

static char *folder;

static int setup(void **state)
{
    (void)state;
    folder = spool_folder_make();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)disk_heal();
    disk_slow_down(0);
    spool_folder_remove(folder);
    return 0;
}

static void count_views(struct fixture *fixture, int from, int to)
{
    for (int i = from; i < to; i++) {
        assert_true(fixture_count_view(fixture, i));
        if (i % 20 == 0)
            fixture_turns(fixture, 1);
    }
}

static bool is_settled(const struct fixture *fixture)
{
    struct spool_state spool;
    spool_get_state(fixture->spool, &spool);
    return spool.records == 0 && fixture_counts(fixture).outbox.queued == 0;
}

/* All of it is in the log, and none of it twice. */
static void await_counted(struct fixture *fixture, int views)
{
    assert_true(fixture_drain(fixture));
    for (int i = 0; i < FIXTURE_PATIENCE_TURNS && !is_settled(fixture); i++)
        fixture_turns(fixture, 1);
    assert_true(is_settled(fixture));
    assert_int_equal(fixture_counted(fixture), views);
}

static void what_redis_does_not_take_is_durable_on_the_disk(void **state)
{
    (void)state;
    struct fixture fixture = {.folder = folder};
    fixture_start(&fixture, 1, 60);
    fixture_await(&fixture, OUTBOX_DIRECT);
    fake_redis_pause(fixture.redis);
    count_views(&fixture, 0, 2000);
    assert_true(fixture_drain(&fixture));
    assert_int_equal(writer_state(fixture.writer), OUTBOX_SPOOLING);
    struct writer_counts counts = fixture_counts(&fixture);
    assert_int_equal(counts.outbox.spooled, counts.outbox.sealed);
    assert_true(spool_file_count(folder, ".seg") > 0);
    fake_redis_resume(fixture.redis);
    await_counted(&fixture, 2000);
    fixture_await(&fixture, OUTBOX_DIRECT);
    counts = fixture_counts(&fixture);
    assert_int_equal(counts.outbox.replayed, counts.outbox.spooled);
    assert_int_equal(spool_file_count(folder, ".seg"), 0);
    fixture_end(&fixture);
}

static void after_an_outage_batches_go_to_the_log_again(void **state)
{
    (void)state;
    struct fixture fixture = {.folder = folder, .ack_wait_ms = PATIENT_MS};
    fixture_start(&fixture, 1, 60);
    fake_redis_pause(fixture.redis);
    count_views(&fixture, 0, 100);
    fake_redis_resume(fixture.redis);
    await_counted(&fixture, 100);
    fixture_turns(&fixture, 20); /* looking at the log has cut the link */
    fixture_await(&fixture, OUTBOX_DIRECT);
    uint64_t spooled = fixture_counts(&fixture).outbox.spooled;
    count_views(&fixture, 100, 200);
    assert_true(fixture_drain(&fixture));
    assert_int_equal(fixture_counts(&fixture).outbox.spooled, spooled);
    assert_int_equal(fixture_counted(&fixture), 200);
    assert_int_equal(fixture_counts(&fixture).outbox.gaps, 0);
    fixture_end(&fixture);
}

static void the_next_process_replays_what_this_one_leaves(void **state)
{
    (void)state;
    struct fixture fixture = {.folder = folder};
    fixture_start(&fixture, 1, 60);
    fake_redis_pause(fixture.redis);
    for (int life = 0; life < 4; life++) {
        count_views(&fixture, 100 * life, 100 * life + 100);
        assert_true(fixture_drain(&fixture));
        fixture_die(&fixture);
    }
    fake_redis_resume(fixture.redis);
    await_counted(&fixture, 400);
    fixture_end(&fixture);
}

/* The log has the batch, and its answer comes after the spool has it too. */
static void a_slow_answer_is_not_waited_for(void **state)
{
    (void)state;
    enum fault script[] = {FAULT_NONE, FAULT_HOLD, FAULT_NONE, FAULT_STALL};
    struct fixture fixture = {.folder = folder, .script = script, .script_len = ARRAY_LEN(script)};
    fixture_start(&fixture, 1, 60);
    fixture_await(&fixture, OUTBOX_DIRECT);
    count_views(&fixture, 0, 300);
    assert_true(fixture_drain(&fixture));
    assert_true(fixture_counts(&fixture).outbox.spooled > 0);
    fake_redis_release(fixture.redis);
    await_counted(&fixture, 300);
    fixture_end(&fixture);
}

/* The log's answer comes while the disk is still at it. */
static void an_answer_overtakes_the_disk(void **state)
{
    (void)state;
    enum fault script[] = {FAULT_NONE, FAULT_HOLD};
    struct fixture fixture = {.folder = folder,
                              .ack_wait_ms = PATIENT_MS,
                              .script = script,
                              .script_len = ARRAY_LEN(script)};
    fixture_start(&fixture, 1, 60);
    fixture_await(&fixture, OUTBOX_DIRECT);
    count_views(&fixture, 0, 1);
    assert_true(fixture_drain(&fixture));
    disk_slow_down(2000);
    disk_fail(DISK_SOUND, DISK_DATASYNC, 0, 0);
    count_views(&fixture, 1, 300);
    for (int i = 0; i < FIXTURE_PATIENCE_TURNS && disk_calls() == 0; i++)
        fixture_turns(&fixture, 1);
    fake_redis_release(fixture.redis);
    assert_true(fixture_drain(&fixture));
    disk_slow_down(0);
    struct writer_counts counts = fixture_counts(&fixture);
    assert_int_equal(counts.outbox.acknowledged, 2);
    assert_true(counts.outbox.spooled > 0);
    await_counted(&fixture, 300);
    fixture_end(&fixture);
}

/* A store restored from old data, while the spool has what comes next. */
static void a_log_that_has_lost_its_place_gets_the_spools_batches(void **state)
{
    (void)state;
    enum fault script[] = {FAULT_NONE, FAULT_FORGET};
    struct fixture fixture = {.folder = folder,
                              .ack_wait_ms = PATIENT_MS,
                              .script = script,
                              .script_len = ARRAY_LEN(script)};
    fixture_start(&fixture, 1, 60);
    fixture_await(&fixture, OUTBOX_DIRECT);
    count_views(&fixture, 0, 1);
    assert_true(fixture_drain(&fixture));
    fake_redis_pause(fixture.redis);
    count_views(&fixture, 1, 200);
    assert_true(fixture_drain(&fixture));
    fake_redis_resume(fixture.redis);
    await_counted(&fixture, 200);
    assert_true(fixture_counts(&fixture).outbox.gaps > 0);
    count_views(&fixture, 200, 210);
    await_counted(&fixture, 210);
    fixture_end(&fixture);
}

static void a_log_that_refuses_gets_it_later(void **state)
{
    (void)state;
    enum fault script[] = {FAULT_ERROR, FAULT_ERROR, FAULT_ERROR};
    struct fixture fixture = {.folder = folder, .script = script, .script_len = ARRAY_LEN(script)};
    fixture_start(&fixture, 1, 60);
    fixture_await(&fixture, OUTBOX_DIRECT);
    count_views(&fixture, 0, 100);
    await_counted(&fixture, 100);
    assert_int_equal(fixture_counts(&fixture).outbox.refusals, 3);
    fixture_await(&fixture, OUTBOX_DIRECT);
    fixture_end(&fixture);
}

/* What the spool holds is no more than it may, and the rest is held in memory. */
static void a_full_spool_takes_what_it_can(void **state)
{
    (void)state;
    struct fixture fixture = {.folder = folder, .spool_bytes_max = 16 * 1024};
    fixture_start(&fixture, 1, 60);
    fake_redis_pause(fixture.redis);
    count_views(&fixture, 0, 5000);
    fixture_turns(&fixture, 20);
    fixture_await(&fixture, OUTBOX_STUCK);
    struct spool_state spool;
    spool_get_state(fixture.spool, &spool);
    assert_in_range(spool.bytes, 1, 16 * 1024);
    fake_redis_resume(fixture.redis);
    assert_true(fixture_drain(&fixture));
    await_counted(&fixture, 5000);
    fixture_end(&fixture);
}

/* Redis hangs, and the disk does not help: that is told before any time-out. */
static void a_log_that_hangs_over_a_bad_disk_is_told_at_once(void **state)
{
    (void)state;
    enum fault script[] = {FAULT_NONE, FAULT_HOLD};
    struct fixture fixture = {.folder = folder, .script = script, .script_len = ARRAY_LEN(script)};
    spool_folder_silence_log();
    fixture_start(&fixture, 1, 60);
    fixture_await(&fixture, OUTBOX_DIRECT);
    disk_fail(DISK_STAYS_BAD, DISK_ALL, 0, ENOSPC);
    assert_true(fixture_count_view(&fixture, 0));
    assert_true(fixture_drain(&fixture));
    assert_true(fixture_count_view(&fixture, 1));
    fixture_await(&fixture, OUTBOX_STUCK);
    assert_true(writer_is_connected(fixture.writer));
    fake_redis_release(fixture.redis);
    (void)disk_heal();
    await_counted(&fixture, 2);
    fixture_await(&fixture, OUTBOX_DIRECT);
    fixture_end(&fixture);
}

static void a_disk_that_fails_for_a_while_loses_nothing(void **state)
{
    (void)state;
    struct fixture fixture = {.folder = folder};
    spool_folder_silence_log();
    fixture_start(&fixture, 1, 60);
    fake_redis_pause(fixture.redis);
    count_views(&fixture, 0, 100);
    fixture_turns(&fixture, 20);
    disk_fail(DISK_STAYS_BAD, DISK_ALL, 0, ENOSPC);
    count_views(&fixture, 100, 200);
    fixture_turns(&fixture, 20);
    fixture_await(&fixture, OUTBOX_STUCK);
    (void)disk_heal();
    assert_true(fixture_drain(&fixture));
    assert_int_equal(writer_state(fixture.writer), OUTBOX_SPOOLING);
    fixture_die(&fixture);
    fake_redis_resume(fixture.redis);
    await_counted(&fixture, 200);
    fixture_end(&fixture);
}

/* A sync that fails may have written all the same: the next process finds the batch on the disk.
 * The log, which has lost the writer's place, has it from memory by then, under its heir's name. */
static void a_batch_that_may_be_on_the_disk_keeps_its_name(void **state)
{
    (void)state;
    enum fault script[] = {FAULT_NONE, FAULT_FORGET};
    struct fixture fixture = {.folder = folder,
                              .ack_wait_ms = PATIENT_MS,
                              .script = script,
                              .script_len = ARRAY_LEN(script)};
    spool_folder_silence_log();
    fixture_start(&fixture, 1, 60);
    fixture_await(&fixture, OUTBOX_DIRECT);
    count_views(&fixture, 0, 1);
    assert_true(fixture_drain(&fixture));
    fake_redis_pause(fixture.redis);
    fixture_turns(&fixture, 5);
    disk_fail(DISK_STAYS_BAD, DISK_DATASYNC, 0, EIO);
    assert_true(fixture_count_view(&fixture, 1));
    fixture_turns(&fixture, 20);
    fixture_await(&fixture, OUTBOX_STUCK);
    fake_redis_resume(fixture.redis);
    assert_true(fixture_drain(&fixture));
    assert_int_equal(fixture_counts(&fixture).outbox.gaps, 1);
    assert_int_equal(fixture_counted(&fixture), 2);
    count_views(&fixture, 2, 4);
    assert_true(fixture_drain(&fixture));
    (void)disk_heal();
    fixture_die(&fixture);
    await_counted(&fixture, 4);
    fixture_end(&fixture);
}

/* Everything at once: replies that are cut, outages, a disk that fails, processes that die once
 * what they were given is durable. */
static void storm(unsigned seed)
{
    struct fixture fixture = {.folder = folder, .random_seed = seed};
    unsigned dice = seed;
    bool is_away = false;
    fixture_start(&fixture, 1, 60);
    for (int i = 0; i < STORM_VIEWS; i++) {
        assert_true(fixture_count_view(&fixture, i));
        fixture_turns(&fixture, rand_r(&dice) % 3 == 0);
        int event = rand_r(&dice) % 200;
        if (event < 4 && is_away)
            fake_redis_resume(fixture.redis);
        else if (event < 4)
            fake_redis_pause(fixture.redis);
        is_away = event < 4 ? !is_away : is_away;
        if (event == 5)
            disk_fail(DISK_FAILS, DISK_ALL, (unsigned)rand_r(&dice) % 6, EIO);
        if (event == 6 && fixture_drain(&fixture)) {
            (void)disk_heal();
            fixture_die(&fixture);
        }
    }
    if (!is_away)
        fake_redis_pause(fixture.redis);
    (void)disk_heal();
    fixture.random_seed = 0; /* the fake's thread reads it */
    fake_redis_resume(fixture.redis);
    assert_true(fixture_drain(&fixture));
    await_counted(&fixture, STORM_VIEWS);
    fixture_end(&fixture);
}

static void a_storm_counts_everything_once(void **state)
{
    (void)state;
    const char *given = getenv("FOOTFALL_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    spool_folder_silence_log();
    for (unsigned i = 0; i < STORMS; i++)
        storm(seed + i);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_redis_does_not_take_is_durable_on_the_disk),
        TEST(after_an_outage_batches_go_to_the_log_again),
        TEST(the_next_process_replays_what_this_one_leaves),
        TEST(a_slow_answer_is_not_waited_for),
        TEST(an_answer_overtakes_the_disk),
        TEST(a_log_that_has_lost_its_place_gets_the_spools_batches),
        TEST(a_log_that_refuses_gets_it_later),
        TEST(a_full_spool_takes_what_it_can),
        TEST(a_log_that_hangs_over_a_bad_disk_is_told_at_once),
        TEST(a_disk_that_fails_for_a_while_loses_nothing),
        TEST(a_batch_that_may_be_on_the_disk_keeps_its_name),
        TEST(a_storm_counts_everything_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

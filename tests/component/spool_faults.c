/* Exactly once through the spool, with a disk that fails, or a process that ends, at every single
 * call to the disk in turn. What was told durable is counted once in the end, nothing twice. */

#include "tests/test.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/spool_store.h"
#include "fake_log.h"
#include "faulty_disk.h"
#include "spool_folder.h"

enum { PAYLOAD = 200, BATCHES = 24, FIRST_SPOOLED = 5, TRIES = 3, CALLS_MAX = 1000 };

/* What outlives a process: the log, and what the beacons were told. */
struct world {
    struct fake_log log;
    bool told[FAKE_LOG_BATCHES];
    uint32_t last_id;
};

static struct world *world;
static char *folder;

static int setup(void **state)
{
    (void)state;
    folder = spool_folder_make();
    world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    disk_skip_syncs(true); /* nothing here cuts the power */
    return world == MAP_FAILED;
}

static int teardown(void **state)
{
    (void)state;
    (void)disk_heal();
    disk_skip_syncs(false);
    spool_folder_remove(folder);
    return munmap(world, sizeof(*world));
}

static struct spool_store *open_store(void)
{
    char error[256];
    /* Small files, so that there are several of each writer. */
    const struct spool_options options = {
        .folder = folder, .segment_bytes_max = SPOOL_HEADER_BYTES + 7 * (PAYLOAD + 28)};
    return spool_store_open(&options, error, sizeof(error));
}

/* Sends what is there of the writer to the log; false when the disk does not give it. */
static bool replay(struct spool_store *store, uint64_t writer)
{
    unsigned failed = 0;
    for (;;) {
        struct spool_record record;
        enum spool_read result = spool_store_read(store, writer, &record);
        if (result == SPOOL_EMPTY)
            return true;
        if (result == SPOOL_UNREADABLE && ++failed == TRIES)
            return false;
        if (result != SPOOL_RECORD)
            continue;
        enum fake_log_answer answer = fake_log_append(&world->log, record.as_writer,
                                                      record.as_number, buf_str(&record.payload));
        buf_done(&record.payload);
        if (answer == FAKE_LOG_GAP)
            spool_store_gap(store, writer, record.number);
        else
            spool_store_forget(store, writer, record.number);
    }
}

static bool replay_left(struct spool_store *store)
{
    struct spool_writer *writers;
    size_t count = spool_store_writers(store, &writers);
    bool done = true;
    for (size_t i = 0; i < count; i++)
        done = replay(store, writers[i].writer) && done;
    free(writers);
    return done;
}

/* The numbers [first, last] as one group; returns how many are durable, from the first on. */
static uint64_t append_group(struct spool_store *store, uint64_t writer, uint32_t id_before,
                             uint64_t first, uint64_t last)
{
    char payload[BATCHES][PAYLOAD];
    struct spool_item items[BATCHES], *all[BATCHES] = {NULL};
    size_t count = 0;
    for (uint64_t number = first; number <= last; number++, count++) {
        fake_log_payload(id_before + (uint32_t)number, payload[count], PAYLOAD);
        items[count] = (struct spool_item){
            .writer = writer, .number = number, .payload = {payload[count], PAYLOAD}};
        all[count] = &items[count];
    }
    spool_store_append(store, all, count);
    size_t durable = 0;
    while (durable < count && items[durable].result == SPOOL_DURABLE)
        world->told[id_before + items[durable++].number] = true;
    for (size_t i = durable; i < count; i++)
        assert_int_equal(items[i].result, SPOOL_FAILED);
    return durable;
}

/* From memory, under one of its two names. */
static void send_direct(uint64_t writer, uint64_t number, uint32_t id)
{
    char bytes[PAYLOAD];
    struct str payload = {bytes, sizeof(bytes)};
    fake_log_payload(id, bytes, sizeof(bytes));
    if (fake_log_append(&world->log, writer, number, payload) == FAKE_LOG_GAP)
        assert_int_not_equal(fake_log_append(&world->log, spool_heir(writer, number), 1, payload),
                             FAKE_LOG_GAP);
    world->told[id] = true;
}

/* One process: replays what it finds; sends three batches to the log; the fourth is lost with its
 * memory, so that those behind it meet a GAP; then Redis is away and twenty go to the spool; then
 * it is back. */
static void live(uint64_t writer)
{
    uint32_t id_before = world->last_id;
    world->last_id += BATCHES;
    struct spool_store *store = open_store();
    if (store == NULL)
        return;
    (void)replay_left(store);
    for (uint64_t number = 1; number < FIRST_SPOOLED - 1; number++)
        send_direct(writer, number, id_before + (uint32_t)number);
    uint64_t next = FIRST_SPOOLED;
    for (unsigned tries = 0; next < BATCHES && tries < 3 * TRIES; tries++) {
        uint64_t last = next + tries % 6 < BATCHES ? next + tries % 6 : BATCHES - 1;
        next += append_group(store, writer, id_before, next, last);
    }
    if (replay(store, writer))
        for (; next < BATCHES; next++) /* what is left in memory */
            send_direct(writer, next, id_before + (uint32_t)next);
    spool_store_close(store);
}

static void expect_exactly_once(const char *what, unsigned nth)
{
    (void)disk_heal();
    struct spool_store *store = open_store();
    assert_non_null(store);
    assert_true(replay_left(store));
    spool_store_close(store);
    for (uint32_t id = 1; id <= world->last_id; id++) {
        unsigned counted = world->log.counted[id];
        if (counted > 1 || (world->told[id] && counted != 1))
            fail_msg("%s at call %u: batch %u is counted %u times, told durable %d", what, nth, id,
                     counted, world->told[id]);
    }
    assert_int_equal(spool_file_count(folder, ".seg") + spool_file_count(folder, ".heir"), 0);
    assert_int_equal(spool_file_count(folder, "quarantine"), 1);
}

static void clear_world(void)
{
    memset(world, 0, sizeof(*world));
}

/* Two lives, the first of which has the fault; returns the calls that it made. */
static unsigned live_with(enum disk_fault fault, unsigned nth, int error)
{
    clear_world();
    live(100); /* leaves a sound state, so that there is something in the log */
    struct spool_store *store = open_store();
    assert_non_null(store);
    assert_int_equal(append_group(store, 200, world->last_id, 3, 9), 7); /* with a GAP in front */
    world->last_id += BATCHES;
    spool_store_close(store);
    disk_fail(fault, DISK_ALL, nth, error);
    live(300);
    return disk_heal();
}

static void a_sound_life_counts_all(void **state)
{
    (void)state;
    unsigned calls = live_with(DISK_SOUND, 0, 0);
    expect_exactly_once("sound", 0);
    unsigned told = 0;
    for (uint32_t id = 1; id <= world->last_id; id++)
        told += world->told[id];
    assert_int_equal(told, 2 * (BATCHES - 2) + 7);
    printf("%u calls\n", calls);
    assert_true(calls > 60);
}

static void a_call_that_fails_loses_and_doubles_nothing(void **state)
{
    (void)state;
    const int errors[] = {EIO, ENOSPC};
    for (size_t i = 0; i < ARRAY_LEN(errors); i++)
        for (unsigned nth = 0; nth < CALLS_MAX; nth++) {
            unsigned calls = live_with(DISK_FAILS, nth, errors[i]);
            expect_exactly_once("failure", nth);
            if (calls <= nth)
                break;
            assert_true(nth < CALLS_MAX - 1);
        }
}

static void a_disk_that_stays_bad_loses_and_doubles_nothing(void **state)
{
    (void)state;
    for (unsigned nth = 0; nth < CALLS_MAX; nth++) {
        unsigned calls = live_with(DISK_STAYS_BAD, nth, EIO);
        expect_exactly_once("bad disk from", nth);
        if (calls <= nth)
            return;
    }
    fail();
}

/* Returns true when the child got to its end. */
static bool live_in_child(enum disk_fault fault, unsigned nth)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        unsigned calls = live_with(fault, nth, EIO);
        _exit(calls <= nth ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 99));
    return WEXITSTATUS(status) == 0;
}

static void a_crash_at_any_call_loses_and_doubles_nothing(void **state)
{
    (void)state;
    const enum disk_fault faults[] = {DISK_CRASHES, DISK_TEARS};
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        unsigned nth = 0;
        for (bool ended = false; !ended && nth < CALLS_MAX; nth++) {
            ended = live_in_child(faults[i], nth);
            expect_exactly_once(i == 0 ? "crash" : "torn write", nth);
        }
        assert_in_range(nth, 60, CALLS_MAX - 1);
    }
}

/* A crash while what a crash left is replayed, and so on. */
static void crashes_one_after_the_other_lose_and_double_nothing(void **state)
{
    (void)state;
    clear_world();
    for (unsigned round = 0; round < 300; round++) {
        int status;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            disk_fail(round % 2 == 0 ? DISK_CRASHES : DISK_TEARS, DISK_ALL, round * 7 % 83, EIO);
            live(1000 + 2 * round);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
    }
    expect_exactly_once("crashes", 0);
}

/* --- A disk that is really full -------------------------------------------------------------- */

static void fill_a_small_disk(void)
{
    clear_world();
    uint64_t next = 1, freed = 0;
    struct spool_store *store = open_store();
    assert_non_null(store);
    for (unsigned tries = 0; tries < 2000 && freed < 5; tries++) {
        uint64_t durable = append_group(store, 7, 0, next, next + 9);
        next += durable;
        if (durable == 10)
            continue;
        /* Redis is back, and the disk has room again. */
        struct spool_state state;
        spool_store_state(store, &state);
        assert_true(state.failures > 0 && state.records == next - 1 - (world->last_id));
        assert_true(replay(store, 7));
        world->last_id = (uint32_t)next - 1;
        freed++;
        spool_store_close(store);
        assert_non_null(store = open_store());
    }
    assert_int_equal(freed, 5);
    spool_store_close(store);
    expect_exactly_once("full disk", 0);
}

static void a_full_disk_is_told_and_recovers(void **state)
{
    (void)state;
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        folder[strlen(folder) - strlen("/spool")] = '\0';
        bool mounted = (unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
                       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                       mount("spool", folder, "tmpfs", 0, "size=256k") == 0;
        folder[strlen(folder)] = '/';
        if (!mounted)
            _exit(77);
        fill_a_small_disk();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        printf("no small disk can be mounted here: left out\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    spool_folder_silence_log();
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_sound_life_counts_all),
        TEST(a_call_that_fails_loses_and_doubles_nothing),
        TEST(a_disk_that_stays_bad_loses_and_doubles_nothing),
        TEST(a_crash_at_any_call_loses_and_doubles_nothing),
        TEST(crashes_one_after_the_other_lose_and_double_nothing),
        TEST(a_full_disk_is_told_and_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

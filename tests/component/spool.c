/* The spool's thread and its ports: groups, order, ownership, several loops, an owner that leaves,
 * a process that is killed, and a second process. The seed of the kills is printed; FOOTFALL_SEED
 * repeats one. */

#include "tests/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector/spool.h"
#include "common/clock.h"
#include "fake_log.h"
#include "faulty_disk.h"
#include "spool_folder.h"

enum { PAYLOAD = 300 };

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
    disk_slow_down(0);
    spool_folder_remove(folder);
    return 0;
}

static struct spool *open_spool(void)
{
    char error[256] = "";
    struct spool *spool =
        spool_new(&(struct spool_options){.folder = folder}, error, sizeof(error));
    assert_string_equal(error, "");
    assert_non_null(spool);
    return spool;
}

static struct buf payload_of(uint32_t id)
{
    char bytes[PAYLOAD];
    struct buf payload;
    fake_log_payload(id, bytes, sizeof(bytes));
    buf_init(&payload, sizeof(bytes));
    buf_append(&payload, bytes, sizeof(bytes));
    return payload;
}

/* One worker: a loop with a port. */
struct owner {
    struct spool *spool;
    struct loop *loop;
    struct spool_port *port;
    pthread_t thread;
    uint64_t writer;
    uint32_t id_before; /* a batch's id is this and its number */
    uint64_t told;      /* durable up to here */
    uint64_t seen;      /* callbacks of reads */
    bool is_last;
};

static void owner_init(struct owner *owner, struct spool *spool, uint64_t writer)
{
    *owner = (struct owner){.spool = spool, .loop = loop_new(), .writer = writer};
    owner->id_before = (uint32_t)writer * 1000;
    owner->port = spool_port_new(spool, owner->loop);
}

static void owner_done(struct owner *owner)
{
    spool_port_free(owner->port);
    loop_free(owner->loop);
}

static void on_appended(enum spool_append result, struct spool_batch *batch, void *data)
{
    struct owner *owner = data;
    assert_int_equal(result, SPOOL_DURABLE);
    owner->told++;
    /* In order, and the payload is back. */
    assert_true(batch->writer == owner->writer && batch->number == owner->told);
    assert_int_equal(fake_log_id(buf_str(&batch->payload)), owner->id_before + owner->told);
    if (owner->told % 2 == 0) { /* may be taken */
        struct buf taken = batch->payload;
        batch->payload = (struct buf){0};
        buf_done(&taken);
    }
}

static void append(struct owner *owner, uint64_t number)
{
    struct spool_batch batch = {owner->writer, number,
                                payload_of(owner->id_before + (uint32_t)number)};
    spool_append(owner->port, &batch, on_appended, owner);
    assert_null(batch.payload.ptr);
}

static void turn_until_told(struct owner *owner, uint64_t number)
{
    int64_t began_ms = clock_mono_ms();
    while (owner->told < number) {
        assert_true(clock_mono_ms() - began_ms < 20000);
        loop_turn(owner->loop, 10);
    }
}

/* Reads, and forgets what it gets, until there is nothing. */
static void on_read(enum spool_read result, struct spool_record *record, void *data)
{
    struct owner *owner = data;
    if (result == SPOOL_EMPTY) {
        assert_null(record);
        owner->is_last = true;
        return;
    }
    assert_int_equal(result, SPOOL_RECORD);
    assert_true(record->number == ++owner->seen);
    assert_int_equal(fake_log_id(buf_str(&record->payload)), owner->id_before + owner->seen);
    spool_forget(owner->port, record->writer, record->number);
    spool_read(owner->port, owner->writer, on_read, owner);
}

static void turn_until_empty(struct owner *owner)
{
    int64_t began_ms = clock_mono_ms();
    spool_read(owner->port, owner->writer, on_read, owner);
    while (!owner->is_last) {
        assert_true(clock_mono_ms() - began_ms < 20000);
        loop_turn(owner->loop, 10);
    }
}

/* --- One process ----------------------------------------------------------------------------- */

static void what_waits_is_one_group_and_no_loop_waits_for_the_disk(void **state)
{
    (void)state;
    enum { SLOW_MS = 2000, WAITING = 60 };
    disk_slow_down(SLOW_MS);
    disk_fail(DISK_SOUND, DISK_DATASYNC, 0, 0);
    struct spool *spool = open_spool();
    struct owner owner;
    owner_init(&owner, spool, 1);
    append(&owner, 1);
    int64_t began_ms = clock_mono_ms();
    while (disk_calls() == 0) { /* until the thread is in the sync of the first */
        assert_true(clock_mono_ms() - began_ms < 20000);
        usleep(1000);
    }
    began_ms = clock_mono_ms();
    for (uint64_t number = 2; number <= WAITING; number++)
        append(&owner, number);
    loop_turn(owner.loop, 0);
    assert_true(clock_mono_ms() - began_ms < SLOW_MS / 2);
    turn_until_told(&owner, WAITING);
    owner_done(&owner);
    spool_free(spool);
    assert_int_equal(disk_heal(), 2);
}

static void state_and_left_writers_are_told(void **state)
{
    (void)state;
    const struct spool_writer *left;
    struct spool_state told;
    struct spool *spool = open_spool();
    assert_int_equal(spool_left(spool, &left), 0);
    struct owner owner;
    owner_init(&owner, spool, 5);
    for (uint64_t number = 1; number <= 3; number++)
        append(&owner, number);
    turn_until_told(&owner, 3);
    owner_done(&owner);
    spool_free(spool);

    spool = open_spool();
    spool_get_state(spool, &told);
    assert_int_equal(told.records, 3);
    assert_int_equal(told.segments, 1);
    assert_true(clock_wall_ms() - told.oldest_ms < 60000);
    assert_int_equal(spool_left(spool, &left), 1);
    assert_true(left[0].writer == 5 && left[0].first == 1 && left[0].last == 3);
    owner_init(&owner, spool, 5);
    turn_until_empty(&owner);
    assert_true(owner.seen == 3);
    owner_done(&owner);
    spool_free(spool);
    assert_int_equal(spool_file_count(folder, ".seg"), 0);
}

struct gap {
    struct owner owner;
    struct fake_log log;
};

static void on_read_for_gap(enum spool_read result, struct spool_record *record, void *data)
{
    struct gap *gap = data;
    if (result != SPOOL_RECORD) {
        gap->owner.is_last = true;
        return;
    }
    if (fake_log_append(&gap->log, record->as_writer, record->as_number,
                        buf_str(&record->payload)) == FAKE_LOG_GAP)
        spool_gap(gap->owner.port, record->writer, record->number);
    else
        spool_forget(gap->owner.port, record->writer, record->number);
    spool_read(gap->owner.port, gap->owner.writer, on_read_for_gap, gap);
}

static void a_gap_gives_the_same_batch_another_name(void **state)
{
    (void)state;
    struct gap *gap = calloc(1, sizeof(*gap));
    assert_non_null(gap);
    struct spool *spool = open_spool();
    owner_init(&gap->owner, spool, 1);
    gap->owner.told = 1; /* the first is lost */
    append(&gap->owner, 2);
    append(&gap->owner, 3);
    turn_until_told(&gap->owner, 3);
    spool_read(gap->owner.port, 1, on_read_for_gap, gap);
    while (!gap->owner.is_last)
        loop_turn(gap->owner.loop, 10);
    assert_int_equal(gap->log.counted[1002], 1);
    assert_int_equal(gap->log.counted[1003], 1);
    owner_done(&gap->owner);
    spool_free(spool);
    free(gap);
}

static void an_owner_that_leaves_hears_nothing_and_loses_nothing(void **state)
{
    (void)state;
    disk_slow_down(50);
    struct spool *spool = open_spool();
    struct owner owner;
    owner_init(&owner, spool, 1);
    append(&owner, 1);
    turn_until_told(&owner, 1);
    append(&owner, 2);
    spool_read(owner.port, 1, on_read, &owner);
    owner_done(&owner);
    spool_free(spool);
    assert_true(owner.told == 1 && owner.seen == 0);
    spool = open_spool();
    owner_init(&owner, spool, 1);
    turn_until_empty(&owner);
    assert_true(owner.seen == 2);
    owner_done(&owner);
    spool_free(spool);
}

static void *work(void *data)
{
    struct owner *owner = data;
    enum { BATCHES = 400, AT_ONCE = 8 };
    owner->loop = loop_new();
    owner->port = spool_port_new(owner->spool, owner->loop);
    for (uint64_t number = 1; number <= BATCHES; number++) {
        append(owner, number);
        if (number % AT_ONCE == 0)
            turn_until_told(owner, number - AT_ONCE / 2);
    }
    turn_until_told(owner, BATCHES);
    turn_until_empty(owner);
    owner_done(owner);
    return NULL;
}

static void loops_share_the_spool(void **state)
{
    (void)state;
    enum { OWNERS = 4 };
    struct owner owners[OWNERS];
    struct spool *spool = open_spool();
    for (unsigned i = 0; i < OWNERS; i++) {
        owners[i] = (struct owner){.spool = spool, .writer = i + 1, .id_before = (i + 1) * 1000};
        assert_int_equal(pthread_create(&owners[i].thread, NULL, work, &owners[i]), 0);
    }
    for (unsigned i = 0; i < OWNERS; i++) {
        assert_int_equal(pthread_join(owners[i].thread, NULL), 0);
        assert_true(owners[i].seen == 400);
    }
    spool_free(spool);
    assert_int_equal(spool_file_count(folder, ".seg"), 0);
}

/* --- Several processes ----------------------------------------------------------------------- */

static void a_second_process_is_refused_until_the_first_is_gone(void **state)
{
    (void)state;
    int ready[2], status;
    char byte, error[256] = "";
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct spool *spool = open_spool();
        ssize_t written = write(ready[1], "x", 1);
        (void)written;
        for (;;)
            pause();
        spool_free(spool);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    const struct spool_options options = {.folder = folder};
    assert_null(spool_new(&options, error, sizeof(error)));
    assert_non_null(strstr(error, "another process uses the spool"));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    spool_free(open_spool());
    close(ready[0]);
    close(ready[1]);
}

/* What outlives the killed: the log, and what was told. */
struct world {
    struct fake_log log;
    atomic_bool is_in_log; /* a batch is being counted: a real log does that at once */
    volatile bool told[FAKE_LOG_BATCHES];
    volatile uint32_t last_id;
};

static struct world *world;

struct killed {
    struct owner owner;
    uint32_t id_before;
    unsigned waiting;
};

static void on_killed_appended(enum spool_append result, struct spool_batch *batch, void *data)
{
    struct killed *killed = data;
    killed->waiting--;
    if (result == SPOOL_DURABLE)
        world->told[fake_log_id(buf_str(&batch->payload))] = true;
}

static void on_killed_read(enum spool_read result, struct spool_record *record, void *data)
{
    struct killed *killed = data;
    struct owner *owner = &killed->owner;
    owner->is_last = result != SPOOL_RECORD;
    if (owner->is_last)
        return;
    atomic_store(&world->is_in_log, true);
    enum fake_log_answer answer = fake_log_append(&world->log, record->as_writer, record->as_number,
                                                  buf_str(&record->payload));
    atomic_store(&world->is_in_log, false);
    if (answer == FAKE_LOG_GAP)
        spool_gap(owner->port, record->writer, record->number);
    else
        spool_forget(owner->port, record->writer, record->number);
    spool_read(owner->port, record->writer, on_killed_read, killed);
}

static void replay_writer(struct killed *killed, uint64_t writer)
{
    killed->owner.is_last = false;
    spool_read(killed->owner.port, writer, on_killed_read, killed);
    while (!killed->owner.is_last)
        loop_turn(killed->owner.loop, 100);
}

static void replay_left(struct killed *killed, struct spool *spool)
{
    const struct spool_writer *left;
    size_t count = spool_left(spool, &left);
    for (size_t i = 0; i < count; i++)
        replay_writer(killed, left[i].writer);
}

/* Runs until it is killed: replays what it finds, then appends and replays in turn. */
static void run_until_killed(uint64_t writer, unsigned mixed)
{
    struct spool *spool = open_spool();
    struct killed killed = {.waiting = 0};
    owner_init(&killed.owner, spool, writer);
    replay_left(&killed, spool);
    uint64_t number = 1 + mixed % 2; /* every other process has lost its first batch */
    for (unsigned round = 0;; round++) {
        for (unsigned i = 0; i <= (round * 13 + mixed) % 30; i++, number++) {
            struct spool_batch batch = {writer, number, payload_of(++world->last_id)};
            killed.waiting++;
            spool_append(killed.owner.port, &batch, on_killed_appended, &killed);
        }
        while (killed.waiting > mixed % 8)
            loop_turn(killed.owner.loop, 100);
        if (round % 5 == 4)
            replay_writer(&killed, writer);
        if (world->last_id > FAKE_LOG_BATCHES - 100)
            pause();
    }
}

/* At any moment but one: the log is no part of what is killed. */
static void kill_outside_the_log(pid_t child)
{
    int status;
    for (;;) {
        kill(child, SIGSTOP);
        assert_int_equal(waitpid(child, &status, WUNTRACED), child);
        assert_true(WIFSTOPPED(status));
        if (!atomic_load(&world->is_in_log))
            break;
        kill(child, SIGCONT);
        usleep(100);
    }
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static unsigned count_told(void)
{
    unsigned told = 0;
    for (uint32_t id = 1; id <= world->last_id; id++)
        told += world->told[id];
    return told;
}

static void what_was_told_survives_kills_and_is_counted_once(void **state)
{
    (void)state;
    enum { KILLS = 60 };
    const char *given = getenv("FOOTFALL_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    printf("seed %u\n", seed);
    srandom(seed);
    world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(world != MAP_FAILED);
    /* On a slow machine few come as far as to be told anything: then more are killed. */
    unsigned kills = 0;
    for (; kills < KILLS || (count_told() <= KILLS && kills < 10 * KILLS); kills++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            run_until_killed(100 + kills, kills);
        usleep((useconds_t)(random() % 40000));
        kill_outside_the_log(child);
    }
    struct spool *spool = open_spool();
    struct killed last = {.waiting = 0};
    owner_init(&last.owner, spool, 1);
    replay_left(&last, spool);
    owner_done(&last.owner);
    struct spool_state end;
    spool_get_state(spool, &end);
    spool_free(spool);
    unsigned told = count_told(), counted = 0;
    for (uint32_t id = 1; id <= world->last_id; id++) {
        counted += world->log.counted[id];
        assert_true(world->log.counted[id] <= 1);
        assert_true(!world->told[id] || world->log.counted[id] == 1);
    }
    printf("%u kills, %u batches, %u told durable, %u counted\n", kills, world->last_id, told,
           counted);
    assert_true(told > KILLS);
    assert_int_equal(end.records, 0);
    assert_int_equal(end.quarantined, 0);
    munmap(world, sizeof(*world));
}

int main(void)
{
    spool_folder_silence_log();
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_waits_is_one_group_and_no_loop_waits_for_the_disk),
        TEST(state_and_left_writers_are_told),
        TEST(a_gap_gives_the_same_batch_another_name),
        TEST(an_owner_that_leaves_hears_nothing_and_loses_nothing),
        TEST(loops_share_the_spool),
        TEST(a_second_process_is_refused_until_the_first_is_gone),
        TEST(what_was_told_survives_kills_and_is_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

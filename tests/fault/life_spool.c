/* A spool's life at a worker's port, with memory and a disk that refuse: what was told durable is
 * counted once in the end, and nothing twice.
 *
 * One process replays what it finds, sends three batches to the log, loses the fourth, spools what
 * follows and sends it when the log is back. What it was told of survives it in shared memory. */

#include "tests/test.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/spool.h"
#include "fake_log.h"
#include "spool_folder.h"
#include "tests/fault/fail_nth.h"

enum { PAYLOAD = 200, BATCHES = 16, FIRST_SPOOLED = 5, TRIES = 3, TURNS_MAX = 2000, LIVES = 60 };

static struct world {
    struct fake_log log;
    bool told[FAKE_LOG_BATCHES];
    uint32_t last_id;
} * world;
static char *folder;

/* One worker. */
struct worker {
    struct spool *spool;
    struct loop *loop;
    struct spool_port *port;
    uint64_t writer;
    uint32_t id_before;
    bool is_failed[BATCHES]; /* these are in memory alone */
    unsigned answers;
    unsigned unreadable;
    bool is_replayed; /* ... as far as it can be */
};

/* --- The log --------------------------------------------------------------------------------- */

/* From memory, under the batch's name or its heir's. */
static void send_from_memory(const struct worker *worker, uint64_t number)
{
    char bytes[PAYLOAD];
    uint32_t id = worker->id_before + (uint32_t)number;
    fake_log_payload(id, bytes, sizeof(bytes));
    struct str payload = {bytes, sizeof(bytes)};
    enum fake_log_answer answer = fake_log_append(&world->log, worker->writer, number, payload);
    if (answer == FAKE_LOG_GAP)
        answer = fake_log_append(&world->log, spool_heir(worker->writer, number), 1, payload);
    assert(answer != FAKE_LOG_GAP);
    world->told[id] = true;
}

static void on_read(enum spool_read result, struct spool_record *record, void *data)
{
    struct worker *worker = data;
    if (result == SPOOL_RECORD) {
        if (fake_log_append(&world->log, record->as_writer, record->as_number,
                            buf_str(&record->payload)) == FAKE_LOG_GAP)
            spool_gap(worker->port, record->writer, record->number);
        else
            spool_forget(worker->port, record->writer, record->number);
    }
    worker->unreadable += result == SPOOL_UNREADABLE;
    if (result == SPOOL_EMPTY || worker->unreadable == TRIES)
        worker->is_replayed = true;
    else
        spool_read(worker->port, record != NULL ? record->writer : worker->writer, on_read, worker);
}

/* False when there is something that the disk does not give. */
static bool replay(struct worker *worker, uint64_t writer)
{
    uint64_t own = worker->writer;
    worker->writer = writer;
    worker->is_replayed = false;
    worker->unreadable = 0;
    spool_read(worker->port, writer, on_read, worker);
    for (int i = 0; !worker->is_replayed; i++) {
        assert(i < TURNS_MAX);
        loop_turn(worker->loop, 50);
    }
    worker->writer = own;
    return worker->unreadable < TRIES;
}

static bool replay_left(struct worker *worker)
{
    const struct spool_writer *writers;
    size_t count = spool_left(worker->spool, &writers);
    bool is_whole = true;
    for (size_t i = 0; i < count; i++)
        is_whole = replay(worker, writers[i].writer) && is_whole;
    return is_whole;
}

/* --- A life ---------------------------------------------------------------------------------- */

static bool worker_start(struct worker *worker)
{
    char error[256] = "";
    /* Small files, so that there are several. */
    const struct spool_options options = {
        .folder = folder, .segment_bytes_max = SPOOL_HEADER_BYTES + 7 * (PAYLOAD + 28)};
    *worker = (struct worker){.spool = spool_new(&options, error, sizeof(error))};
    if (worker->spool == NULL) {
        assert(error[0] != '\0');
        return false;
    }
    worker->loop = loop_new();
    worker->port = spool_port_new(worker->spool, worker->loop);
    return true;
}

static void worker_stop(struct worker *worker)
{
    spool_port_free(worker->port);
    loop_free(worker->loop);
    spool_free(worker->spool);
}

static void on_appended(enum spool_append result, struct spool_batch *batch, void *data)
{
    struct worker *worker = data;
    worker->answers++;
    worker->is_failed[batch->number] = result != SPOOL_DURABLE;
    if (result == SPOOL_DURABLE)
        world->told[worker->id_before + batch->number] = true;
}

static void append(struct worker *worker, uint64_t number)
{
    char bytes[PAYLOAD];
    struct spool_batch batch = {.writer = worker->writer, .number = number};
    fake_log_payload(worker->id_before + (uint32_t)number, bytes, sizeof(bytes));
    buf_init(&batch.payload, sizeof(bytes));
    buf_append(&batch.payload, bytes, sizeof(bytes));
    spool_append(worker->port, &batch, on_appended, worker);
}

/* Numbers that wait for their answers together. After a failure none of the later ones is tried:
 * they stay in memory, as the failed one does. */
static void append_group(struct worker *worker, uint64_t first, uint64_t last)
{
    unsigned wanted = worker->answers;
    bool is_failed = false;
    for (uint64_t number = FIRST_SPOOLED; number < first; number++)
        is_failed = is_failed || worker->is_failed[number];
    for (uint64_t number = first; number <= last; number++) {
        worker->is_failed[number] = is_failed;
        if (!is_failed)
            append(worker, number);
        wanted += !is_failed;
    }
    for (int i = 0; worker->answers < wanted; i++) {
        assert(i < TURNS_MAX);
        loop_turn(worker->loop, 50);
    }
}

static enum fail_nth_end live(void)
{
    struct worker worker;
    if (!worker_start(&worker))
        return FAIL_NTH_REFUSED;
    (void)replay_left(&worker);
    worker.writer = 1000 + world->last_id;
    worker.id_before = world->last_id;
    world->last_id += BATCHES;
    for (uint64_t number = 1; number < FIRST_SPOOLED - 1; number++)
        send_from_memory(&worker, number);
    append_group(&worker, FIRST_SPOOLED, FIRST_SPOOLED);
    append_group(&worker, FIRST_SPOOLED + 1, BATCHES - 4);
    append_group(&worker, BATCHES - 3, BATCHES - 1);
    if (replay(&worker, worker.writer))
        for (uint64_t number = FIRST_SPOOLED; number < BATCHES; number++)
            if (worker.is_failed[number])
                send_from_memory(&worker, number);
    worker_stop(&worker);
    return FAIL_NTH_WENT_ON;
}

/* A log and a folder in which an earlier process has left something, behind a gap. */
static void prepare(void)
{
    if (folder != NULL)
        spool_folder_remove(folder);
    folder = spool_folder_make();
    memset(world, 0, sizeof(*world));
    pid_t child = fork();
    if (child == 0) {
        struct worker worker;
        bool started = worker_start(&worker);
        assert(started);
        worker.writer = 7;
        append_group(&worker, FIRST_SPOOLED, BATCHES - 1);
        worker_stop(&worker);
        _exit(0);
    }
    int status;
    if (waitpid(child, &status, 0) != child || status != 0)
        abort();
    world->last_id = BATCHES;
}

static bool judge(void)
{
    struct worker worker;
    bool good = worker_start(&worker) && replay_left(&worker);
    if (good)
        worker_stop(&worker);
    for (uint32_t id = 1; id <= world->last_id; id++) {
        unsigned counted = world->log.counted[id];
        if (counted <= 1 && (counted == 1 || !world->told[id]))
            continue;
        fprintf(stderr, "batch %u is counted %u times, told durable: %d\n", id, counted,
                world->told[id]);
        good = false;
    }
    return good && spool_file_count(folder, ".seg") + spool_file_count(folder, ".heir") == 0;
}

int main(int argc, char **argv)
{
    const struct fail_nth_life life = {
        .prepare = prepare,
        .live = live,
        .judge = judge,
        .has_kind = {true, true, true, true},
    };
    world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (world == MAP_FAILED)
        return 1;
    spool_folder_silence_log();
    int code = fail_nth_main(argc, argv, &life, LIVES);
    spool_folder_remove(folder);
    return code;
}

/* A writer's life in front of a real Redis and over a spool, with memory, a disk and a connection
 * that refuse: a page is in the log once at the most, and once when its batch was told durable, if
 * need be by the process after it.
 *
 * Time goes by faster than the clock on the wall, so that a connection comes back soon. */

#include "tests/test.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collector/writer.h"
#include "common/clock.h"
#include "spool_folder.h"
#include "tests/fault/fail_nth.h"
#include "tests/fault/log_reader.h"

enum { VIEWS = 12, TURN_MS = 10, TURNS_A_VIEW = 3, PATIENCE_TURNS = 400, DATE = 20261123 };
enum { REPLAY_TURNS = 5000 };
enum { LIVES = 40 };
static const int64_t WALL_MS = 1795437000000;

static struct redis_server server;
static struct log_reader_told *told;
static char *folder;

/* One process. */
struct process {
    struct spool *spool;
    struct day_keys *keys;
    struct loop *loop;
    struct writer *writer;
};

static void turn(struct loop *loop)
{
    clock_fake_advance(TURN_MS);
    loop_turn(loop, 1);
}

static bool count_view(struct writer *writer, int page)
{
    static const char *const SITES[] = {"a.example", "b.example"};
    struct writer_section open;
    char value[8];
    if (!writer_open(writer, str_from(SITES[page % 2]), DATE, &open))
        return false;
    int len = snprintf(value, sizeof(value), "/%d", page);
    told->offered[page] = true;
    section_cell(open.section, TABLE_PAGE, (struct str){value, (size_t)len})
        ->sums[METRIC_PAGEVIEWS]++;
    open.section->views++;
    return true;
}

static void note_durable(const struct writer *writer)
{
    struct writer_counts counts;
    writer_counts(writer, &counts);
    if (counts.open_sections == 0 && counts.outbox.queued == 0)
        memcpy(told->durable, told->offered, sizeof(told->durable));
}

static void use(struct loop *loop, struct writer *writer)
{
    for (int page = 0; page < VIEWS; page++) {
        (void)count_view(writer, page);
        for (int i = 0; i < TURNS_A_VIEW; i++) {
            turn(loop);
            writer_turn(writer);
        }
        note_durable(writer);
        writer_publish(writer, STR_LIT("ff:live:a.example"), STR_LIT("live"));
    }
    bool is_drained = false;
    for (int i = 0; i < PATIENCE_TURNS && !is_drained; i++) {
        turn(loop);
        is_drained = writer_drain(writer);
    }
    note_durable(writer);
}

static void end(struct process *process)
{
    writer_free(process->writer);
    loop_free(process->loop);
    spool_free(process->spool);
    day_keys_close(process->keys);
}

/* False when the process would say why and end. */
static bool begin(struct process *process)
{
    char error[256];
    clock_fake_set(WALL_MS, 1);
    *process = (struct process){.keys = day_keys_open(-1)};
    process->spool = spool_new(&(struct spool_options){.folder = folder}, error, sizeof(error));
    if (process->keys == NULL || process->spool == NULL) {
        end(process);
        return false;
    }
    process->loop = loop_new();
    process->writer = writer_new(&(struct writer_options){
        .loop = process->loop,
        .redis = server.address,
        .day_keys = process->keys,
        .spool = process->spool,
        .workers = 1,
        .mix_views = 1,
        .mix_seconds = 60,
        .ack_wait_ms = 100,
    });
    return true;
}

static enum fail_nth_end live(void)
{
    struct process process;
    if (!begin(&process))
        return FAIL_NTH_REFUSED;
    use(process.loop, process.writer);
    end(&process);
    return FAIL_NTH_WENT_ON;
}

static void prepare(void)
{
    memset(told, 0, sizeof(*told));
    log_reader_clear(&server);
    if (folder != NULL)
        spool_folder_remove(folder);
    folder = spool_folder_make();
}

/* What the spool holds goes to the log, when nothing fails. */
static bool replay(void)
{
    struct process process;
    struct spool_state state = {.records = 1};
    if (!begin(&process))
        return false;
    for (int i = 0; i < REPLAY_TURNS && state.records > 0; i++) {
        turn(process.loop);
        writer_turn(process.writer);
        spool_get_state(process.spool, &state);
    }
    end(&process);
    return state.records == 0;
}

static bool judge(void)
{
    int64_t counts[LOG_READER_PAGES] = {0};
    if (!replay())
        return false;
    struct redis *redis = redis_server_connect(&server);
    bool good = log_reader_count(redis, counts) && log_reader_check(told, counts);
    redis_free(redis);
    return good;
}

int main(int argc, char **argv)
{
    const struct fail_nth_life life = {
        .prepare = prepare,
        .live = live,
        .judge = judge,
        .has_kind = {[FAILING_MEMORY] = true,
                     [FAILING_WRITE] = true,
                     [FAILING_SYNC] = true,
                     [FAILING_READ] = true},
    };
    told = log_reader_told_new();
    redis_server_start(&server, NULL);
    int code = fail_nth_main(argc, argv, &life, LIVES);
    redis_server_stop(&server);
    spool_folder_remove(folder);
    return code;
}

/* A writer's life in front of a real Redis, with memory and a connection that refuse: a page is in
 * the log once at the most, and once when its batch was acknowledged.
 *
 * Time goes by faster than the clock on the wall, so that a connection comes back soon. */

#include "collector/writer.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/fault/fail_nth.h"
#include "tests/fault/log_reader.h"

enum { VIEWS = 12, TURN_MS = 10, TURNS_A_VIEW = 3, PATIENCE_TURNS = 400, DATE = 20261123 };
enum { LIVES = 40 };
static const int64_t WALL_MS = 1795437000000;

static struct redis_server server;
static struct log_reader_told *told;

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
    if (counts.open_sections == 0 && counts.queued_batches == 0)
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

static enum fail_nth_end live(void)
{
    clock_fake_set(WALL_MS, 1);
    struct day_keys *keys = day_keys_open(-1);
    if (keys == NULL)
        return FAIL_NTH_REFUSED;
    struct loop *loop = loop_new();
    struct writer *writer = writer_new(&(struct writer_options){
        .loop = loop,
        .redis = server.address,
        .day_keys = keys,
        .mix_views = 1,
        .mix_seconds = 60,
        .ack_wait_ms = 100,
    });
    use(loop, writer);
    writer_free(writer);
    loop_free(loop);
    day_keys_close(keys);
    return FAIL_NTH_WENT_ON;
}

static void prepare(void)
{
    memset(told, 0, sizeof(*told));
    log_reader_clear(&server);
}

static bool judge(void)
{
    int64_t counts[LOG_READER_PAGES] = {0};
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
        .has_kind = {[FAILING_MEMORY] = true, [FAILING_WRITE] = true, [FAILING_READ] = true},
    };
    told = log_reader_told_new();
    redis_server_start(&server, NULL);
    int code = fail_nth_main(argc, argv, &life, LIVES);
    redis_server_stop(&server);
    return code;
}

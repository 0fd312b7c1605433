/* An aggregator's life in front of a real Redis, with memory and a connection that refuse: when a
 * sound one has taken over, every page of the log is counted as often as it is there. */

#include "aggregator/aggregate.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "aggregator/batch.h"
#include "tests/fault/fail_nth.h"
#include "tests/fault/log_reader.h"

enum { BATCHES = 6, LATE_BATCHES = 3, PAGES = 10, DATE = 20261123, LIVES = 7 };
enum { PATIENCE_MS = 400, JUDGE_PATIENCE_MS = 30000, POLL_MS = 5 };

static struct redis_server server;
static struct redis *redis;

/* --- The log --------------------------------------------------------------------------------- */

/* How often a page is in a batch. */
static int64_t views_of(int batch, int page)
{
    return (batch + page) % 3;
}

static void fill(struct section *section, int batch)
{
    section_reset(section, STR_LIT("a.example"), DATE + (uint32_t)batch % 2);
    for (int page = 0; page < PAGES; page++) {
        char value[8];
        int len = snprintf(value, sizeof(value), "/%d", page);
        struct cell *cell = section_cell(section, TABLE_PAGE, (struct str){value, (size_t)len});
        cell->sums[METRIC_PAGEVIEWS] = views_of(batch, page);
        section_add_register(section, cell, (struct sketch_register){(uint16_t)batch, 5});
    }
}

static void append(int batch)
{
    struct section *section = section_new(64);
    struct buf payload;
    char number[8];
    fill(section, batch);
    buf_init(&payload, BATCH_BYTES_MAX);
    batch_begin(&payload, 1);
    batch_append_section(&payload, section);
    batch_end(&payload);
    int len = snprintf(number, sizeof(number), "%d", batch + 1);
    struct redis_reply *reply =
        redis_do(redis, STR_LIT("FCALL"), STR_LIT("append"), STR_LIT("2"), STR_LIT("ff:{0}:log"),
                 STR_LIT("ff:{0}:writers"), STR_LIT("0000000000000abc"),
                 (struct str){number, (size_t)len}, buf_str(&payload), STR_LIT("1"));
    if (reply == NULL || !redis_reply_is(reply, "OK"))
        abort();
    redis_reply_free(reply);
    buf_done(&payload);
    section_free(section);
}

static void prepare(void)
{
    log_reader_clear(&server);
    for (int batch = 0; batch < BATCHES; batch++)
        append(batch);
}

/* --- Waiting --------------------------------------------------------------------------------- */

/* What is applied is cut off the log. */
static bool is_applied(void)
{
    struct redis_reply *reply = redis_do(redis, STR_LIT("XLEN"), STR_LIT("ff:{0}:log"));
    if (reply == NULL)
        abort();
    bool is_empty = redis_reply_integer(reply) == 0;
    redis_reply_free(reply);
    return is_empty;
}

/* False when the time is over first, or the child has ended. */
static bool await_applied(pid_t child, int patience_ms)
{
    siginfo_t ended = {0};
    for (int waited_ms = 0; waited_ms < patience_ms; waited_ms += POLL_MS) {
        if (is_applied())
            return true;
        if (waitid(P_PID, (id_t)child, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 ||
            ended.si_pid != 0)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
    }
    return false;
}

/* More comes while it is at work. */
static void attend(pid_t child)
{
    (void)await_applied(child, PATIENCE_MS);
    for (int batch = BATCHES; batch < BATCHES + LATE_BATCHES; batch++)
        append(batch);
    (void)await_applied(child, PATIENCE_MS);
    kill(child, SIGTERM);
}

/* --- A life ---------------------------------------------------------------------------------- */

static enum fail_nth_end live(void)
{
    return aggregate_serve(&server.address, NULL) == 0 ? FAIL_NTH_WENT_ON : FAIL_NTH_REFUSED;
}

static int64_t counted_views(int page)
{
    int64_t views = 0;
    char field[8];
    int len = snprintf(field, sizeof(field), "v/%d", page);
    for (int day = 0; day < 2; day++) {
        struct buf key;
        buf_init(&key, 256);
        model_key_live(&key, STR_LIT("a.example"), DATE + (uint32_t)day, TABLE_PAGE);
        struct redis_reply *reply =
            redis_do(redis, STR_LIT("HGET"), buf_str(&key), (struct str){field, (size_t)len});
        if (reply == NULL)
            abort();
        if (redis_reply_type(reply) == REDIS_TYPE_STRING)
            views += strtoll(redis_reply_str(reply).ptr, NULL, 10);
        redis_reply_free(reply);
        buf_done(&key);
    }
    return views;
}

static bool check_counts(void)
{
    bool good = true;
    for (int page = 0; page < PAGES; page++) {
        int64_t expected = 0, counted = counted_views(page);
        for (int batch = 0; batch < BATCHES + LATE_BATCHES; batch++)
            expected += views_of(batch, page);
        if (counted == expected)
            continue;
        fprintf(stderr, "page %d has %" PRId64 " views and not %" PRId64 "\n", page, counted,
                expected);
        good = false;
    }
    return good;
}

static bool judge(void)
{
    static struct redis *inherited; /* the parent goes on with it */
    int status;
    inherited = redis;
    redis = redis_server_connect(&server);
    pid_t child = fork();
    if (child == 0)
        exit(live() == FAIL_NTH_WENT_ON ? 0 : 1);
    bool good = child > 0 && await_applied(child, JUDGE_PATIENCE_MS);
    kill(child, SIGTERM);
    good = waitpid(child, &status, 0) == child && good;
    /* Where there was nothing to do it may not have come to hear signals. */
    good = (status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)) && good;
    good = check_counts() && good;
    redis_free(redis);
    redis = inherited;
    return good;
}

int main(int argc, char **argv)
{
    const struct fail_nth_life life = {
        .prepare = prepare,
        .live = live,
        .attend = attend,
        .judge = judge,
        .has_kind = {[FAILING_MEMORY] = true, [FAILING_WRITE] = true, [FAILING_READ] = true},
    };
    redis_server_start(&server, NULL);
    redis = redis_server_connect(&server);
    int code = fail_nth_main(argc, argv, &life, LIVES);
    redis_free(redis);
    redis_server_stop(&server);
    return code;
}

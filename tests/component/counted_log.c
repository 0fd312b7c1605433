/* The log's batches and what they sum up to. */

#include "counted_log.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "aggregator/aggregate.h"
#include "aggregator/batch.h"
#include "aggregator/functions.h"
#include "cli/probe.h"
#include "common/log.h"
#include "tests/test.h"

struct redis_server server;
struct redis *redis;
struct oracle oracle;
void (*on_redis_lost)(void);
/* Its file is rewritten soon, so that it is loaded soon after many kills. */
const char *const APPEND_ONLY[] = {"--appendonly",
                                   "yes",
                                   "--appendfsync",
                                   "always",
                                   "--enable-protected-configs",
                                   "yes",
                                   "--auto-aof-rewrite-min-size",
                                   "4mb",
                                   NULL};

void sleep_ms(long ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* --- The store -------------------------------------------------------------------------------- */

int counted_start(void **state)
{
    char error[200];
    (void)state;
    memset(&oracle, 0, sizeof(oracle));
    redis_server_start(&server, APPEND_ONLY);
    redis = redis_server_connect(&server);
    return functions_load(redis, error, sizeof(error)) ? 0 : -1;
}

int counted_stop(void **state)
{
    (void)state;
    redis_free(redis);
    redis_server_stop(&server);
    return 0;
}

void command(size_t argc, const struct str *argv)
{
    struct redis_reply *reply = redis_command(redis, argc, argv);
    assert_non_null(reply);
    assert_int_not_equal(redis_reply_type(reply), REDIS_TYPE_ERROR);
    redis_reply_free(reply);
}

int64_t field(const char *key, struct str name)
{
    struct redis_reply *reply = redis_do(redis, S("HGET"), str_from(key), name);
    assert_non_null(reply);
    int64_t value = redis_reply_type(reply) == REDIS_TYPE_STRING
                        ? strtoll(redis_reply_str(reply).ptr, NULL, 10)
                        : 0;
    redis_reply_free(reply);
    return value;
}

size_t stream_length(const char *key)
{
    struct redis_reply *reply = redis_do(redis, S("XLEN"), str_from(key));
    assert_non_null(reply);
    size_t length = (size_t)redis_reply_integer(reply);
    redis_reply_free(reply);
    return length;
}

size_t log_length(void)
{
    return stream_length(LOG);
}

/* --- Batches ---------------------------------------------------------------------------------- */

/* The same number again until it is answered, as a collector does. */
void append_payload(unsigned writer, struct str payload)
{
    char writer_text[17], number[24];
    snprintf(writer_text, sizeof(writer_text), "%016x", writer + 0xabc);
    snprintf(number, sizeof(number), "%llu", (unsigned long long)++oracle.numbers[writer]);
    bool again = false;
    struct redis_reply *reply;
    while ((reply = redis_do(redis, S("FCALL"), S("append"), S("2"), S(LOG), S(WRITERS_KEY),
                             str_from(writer_text), str_from(number), payload, S("1"))) == NULL) {
        assert_non_null(on_redis_lost);
        on_redis_lost();
        again = true;
    }
    if (!redis_reply_is(reply, "OK") && !(again && redis_reply_is(reply, "DUP")))
        fail_msg("append: %.*s", STR_ARG(redis_reply_str(reply)));
    redis_reply_free(reply);
}

void append_section(unsigned writer, struct section *section)
{
    struct buf payload;
    buf_init(&payload, BATCH_BYTES_MAX);
    batch_begin(&payload, 1);
    batch_append_section(&payload, section);
    batch_end(&payload);
    assert_false(payload.overflow);
    append_payload(writer, buf_str(&payload));
    buf_done(&payload);
}

struct sketch_register count_view(struct section *section, const char *page, bool first)
{
    static const uint8_t DAY_KEY[SKETCH_KEY_BYTES] = "a day's key     ";
    struct cell *total = section_cell(section, TABLE_TOTAL, STR_EMPTY);
    total->sums[METRIC_PAGEVIEWS]++;
    total->sums[METRIC_BOUNCES] += first ? 1 : -1;
    struct cell *cell = section_cell(section, TABLE_PAGE, str_from(page));
    cell->sums[METRIC_PAGEVIEWS]++;
    uint8_t key[SKETCH_KEY_BYTES];
    sketch_cell_key(DAY_KEY, TABLE_PAGE, str_from(page), key);
    struct sketch_register reg = sketch_register_of(key, oracle.visitors++);
    section_add_register(section, cell, reg);
    section->views++;
    return reg;
}

void count_oracle_view(struct section *section, unsigned page, bool first)
{
    char name[16];
    snprintf(name, sizeof(name), "/%u", page);
    struct sketch_register reg = count_view(section, name, first);
    uint8_t *rank = &oracle.sketches[page][reg.index];
    *rank = reg.rank > *rank ? reg.rank : *rank;
    oracle.views[page]++;
    oracle.all_views++;
    oracle.bounces += first ? 1 : -1;
}

void append_views(unsigned views)
{
    struct section *section = section_new(1000);
    section_reset(section, S(SITE), DATE);
    for (unsigned i = 0; i < views; i++)
        count_oracle_view(section, randombytes_uniform(PAGES), randombytes_uniform(3) > 0);
    append_section(randombytes_uniform(WRITERS), section);
    section_free(section);
}

/* --- The aggregator --------------------------------------------------------------------------- */

pid_t start_telling_aggregator(const struct redis_address *address, const char *admin)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        log_init("aggregate");
        _exit(aggregate_serve(address, admin));
    }
    return pid;
}

pid_t start_aggregator(const struct redis_address *address)
{
    return start_telling_aggregator(address, NULL);
}

void wait_told(const char *admin, const char *path, const char *wanted)
{
    wait_told_both(admin, path, wanted, "");
}

void wait_told_both(const char *admin, const char *path, const char *wanted, const char *other)
{
    struct buf body;
    char error[200] = "";
    int64_t began_ms = now_ms();
    bool told = false;
    buf_init(&body, 65536);
    while (!told) {
        int status;
        buf_reset(&body);
        told = probe_get(admin, path, &status, &body, error, sizeof(error)) &&
               memmem(body.ptr, body.len, wanted, strlen(wanted)) != NULL &&
               memmem(body.ptr, body.len, other, strlen(other)) != NULL;
        if (now_ms() - began_ms > WAIT_MS_MAX)
            fail_msg("%s or %s is not in %.*s%s", wanted, other, STR_ARG(buf_str(&body)), error);
        sleep_ms(20);
    }
    buf_done(&body);
}

void stop_aggregator(pid_t pid)
{
    int status;
    kill(pid, SIGTERM);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

void kill_aggregator(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int64_t wait_applied(void)
{
    int64_t began_ms = now_ms();
    while (log_length() > 0) {
        assert_true(now_ms() - began_ms < WAIT_MS_MAX);
        sleep_ms(2);
    }
    return now_ms() - began_ms;
}

void assert_counts_equal_the_oracle(void)
{
    assert_int_equal(field(TOTAL, S("v")), oracle.all_views);
    assert_int_equal(field(TOTAL, S("b")), oracle.bounces);
    for (unsigned page = 0; page < PAGES; page++) {
        char name[16];
        snprintf(name, sizeof(name), "v/%u", page);
        assert_int_equal(field(PAGE, str_from(name)), oracle.views[page]);
        name[0] = 'u';
        assert_int_equal(field(PAGE, str_from(name)), sketch_estimate(oracle.sketches[page]));
    }
    for (unsigned writer = 0; writer < WRITERS; writer++) {
        char mark[32];
        snprintf(mark, sizeof(mark), "@%016x", writer + 0xabc);
        assert_int_equal(field(TOTAL, str_from(mark)), oracle.numbers[writer]);
    }
}

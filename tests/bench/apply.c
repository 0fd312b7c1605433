/* What one apply costs: bench_apply [BATCHES VIEWS PAGES VISITORS] folds and applies rounds of
 * batches against a Redis of its own (appendfsync always) and prints one JSON line a round:
 * milliseconds of this process for decoding and folding and for building the call, of Redis (user
 * and system time of its process), bytes of the call and of the journal. The first round meets new
 * visitors only, later ones meet them again. */

#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "aggregator/apply.h"
#include "aggregator/batch.h"
#include "aggregator/fold.h"
#include "aggregator/functions.h"
#include "redis_server.h"

#define S(text) STR_LIT(text)
enum { ROUNDS = 8 };
static const uint32_t DATE = 20261123;

static double cpu_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static clockid_t clock_of(pid_t pid)
{
    clockid_t clock;
    if (clock_getcpuclockid(pid, &clock) != 0)
        abort();
    return clock;
}

static uint32_t count(struct section *section, enum table table, const char *value,
                      uint64_t visitor)
{
    static const uint8_t DAY_KEY[SKETCH_KEY_BYTES] = "a day's key     ";
    struct cell *cell = section_cell(section, table, str_from(value));
    uint8_t key[SKETCH_KEY_BYTES];
    cell->sums[METRIC_PAGEVIEWS]++;
    cell->sums[METRIC_VISIT_SECONDS] += 10;
    cell->sums[METRIC_BOUNCES]--;
    cell->sums[METRIC_VISITS]++;
    sketch_cell_key(DAY_KEY, table, str_from(value), key);
    section_add_register(section, cell, sketch_register_of(key, visitor));
    return (uint32_t)(cell - section->cells);
}

/* A view as the collector counts it: some seventeen cells, and the crosses of eight of them. */
static void count_view(struct section *section, uint32_t pages, uint32_t visitors)
{
    uint32_t visitor = randombytes_uniform(visitors), cells[TABLE__COUNT];
    char value[32];
    memset(cells, 0xff, sizeof(cells));
    count(section, TABLE_TOTAL, "", visitor);
    count(section, TABLE_TIME, "13", visitor);
    snprintf(value, sizeof(value), "/articles/page-%u", randombytes_uniform(pages));
    cells[TABLE_PAGE] = count(section, TABLE_PAGE, value, visitor);
    count(section, TABLE_EXIT_PAGE, value, visitor);
    snprintf(value, sizeof(value), "/articles/page-%u", visitor % pages);
    cells[TABLE_ENTRY_PAGE] = count(section, TABLE_ENTRY_PAGE, value, visitor);
    for (int t = TABLE_SOURCE; t <= TABLE_SCREEN; t++) {
        if (t >= TABLE_UTM_SOURCE && t <= TABLE_UTM_TERM)
            continue;
        snprintf(value, sizeof(value), "value %u", visitor % 6);
        cells[t] = count(section, (enum table)t, value, visitor);
    }
    for (int c = 0; c < CROSS__COUNT; c++) {
        uint32_t left = cells[model_cross_left((enum cross)c)];
        uint32_t right = cells[model_cross_right((enum cross)c)];
        if (left != UINT32_MAX && right != UINT32_MAX)
            section_cross(section, cross_key((enum cross)c, left, right), 1, 1);
    }
}

static void make_batch(struct buf *out, uint32_t views, uint32_t pages, uint32_t visitors)
{
    struct section *section = section_new(SECTION_CELLS_MAX);
    section_reset(section, S("a.example"), DATE);
    for (uint32_t i = 0; i < views; i++)
        count_view(section, pages, visitors);
    buf_reset(out);
    batch_begin(out, 1);
    batch_append_section(out, section);
    batch_end(out);
    section_free(section);
}

static void fold(struct str payload, struct ledger *ledger, uint64_t number)
{
    struct day_set set;
    day_set_init(&set, APPLY_CELLS_MAX);
    if (batch_fold(payload, &set) != BATCH_OK)
        abort();
    for (size_t i = 0; i < set.count; i++) {
        struct ledger_day *day = ledger_day(ledger, set.sections[i]->site, DATE);
        for (int t = 0; t < TABLE__COUNT; t++)
            day->tables[t].is_loaded = true;
        for (int c = 0; c < CROSS__COUNT; c++)
            day->crosses.of[c].is_loaded = true;
        fold_section(set.sections[i], 1, number, day);
    }
    day_set_done(&set);
}

static long long journal_bytes(const struct redis_server *server)
{
    char path[200];
    struct stat status;
    snprintf(path, sizeof(path), "%s/appendonlydir/appendonly.aof.1.incr.aof", server->dir);
    return stat(path, &status) == 0 ? (long long)status.st_size : -1;
}

int main(int argc, char **argv)
{
    static const char *const DURABLE[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};
    uint32_t args[] = {50, 200, 50, 5000};
    for (int i = 1; i < argc && i <= 4; i++)
        args[i - 1] = (uint32_t)strtoul(argv[i], NULL, 10);
    char error[200];
    if (sodium_init() < 0)
        return 1;
    struct redis_server server;
    redis_server_start(&server, DURABLE);
    struct redis *redis = redis_server_connect(&server);
    if (!functions_load(redis, error, sizeof(error)))
        return 1;
    struct ledger ledger;
    struct apply_call call;
    struct buf *payloads = calloc(args[0], sizeof(*payloads));
    ledger_init(&ledger);
    apply_call_init(&call);
    for (int round = 0; round < ROUNDS; round++) {
        char from[16], to[16];
        size_t payload_bytes = 0, call_bytes = 0;
        snprintf(from, sizeof(from), "%d-0", round);
        snprintf(to, sizeof(to), "%d-0", round + 1);
        for (uint32_t i = 0; i < args[0]; i++) {
            if (round == 0)
                buf_init(&payloads[i], BATCH_BYTES_MAX);
            make_batch(&payloads[i], args[1], args[2], args[3]);
            payload_bytes += payloads[i].len;
        }
        double began = cpu_ms(CLOCK_PROCESS_CPUTIME_ID);
        for (uint32_t i = 0; i < args[0]; i++)
            fold(buf_str(&payloads[i]), &ledger, i + 1);
        double folded = cpu_ms(CLOCK_PROCESS_CPUTIME_ID);
        apply_call_build(&call, 0, &ledger, str_from(from), str_from(to), INT64_C(1795400000000));
        double built = cpu_ms(CLOCK_PROCESS_CPUTIME_ID);
        for (size_t i = 0; i < call.argc; i++)
            call_bytes += call.argv[i].len;
        long long journal = journal_bytes(&server);
        double redis_began = cpu_ms(clock_of(server.pid)), wall_began = cpu_ms(CLOCK_MONOTONIC);
        struct redis_reply *reply = redis_command(redis, call.argc, call.argv);
        double redis_ms = cpu_ms(clock_of(server.pid)) - redis_began;
        double wall_ms = cpu_ms(CLOCK_MONOTONIC) - wall_began;
        double sent = cpu_ms(CLOCK_PROCESS_CPUTIME_ID);
        if (reply == NULL || !redis_reply_is(reply, "OK"))
            return 1;
        redis_reply_free(reply);
        printf("{\"round\":%d,\"payload_bytes\":%zu,\"fold_ms\":%.2f,\"build_ms\":%.2f,"
               "\"send_ms\":%.2f,\"redis_ms\":%.2f,\"wall_ms\":%.2f,\"arguments\":%zu,"
               "\"sketches\":%zu,\"call_bytes\":%zu,\"journal_bytes\":%lld}\n",
               round, payload_bytes, folded - began, built - folded, sent - built, redis_ms,
               wall_ms, call.argc, call.seen_keys.count, call_bytes,
               journal_bytes(&server) - journal);
        ledger_applied(&ledger);
    }
    redis_free(redis);
    redis_server_stop(&server);
    return 0;
}

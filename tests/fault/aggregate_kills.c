/* Two aggregators and their Redis, killed and stopped at random moments while batches come, some of
 * which cannot be applied: in the end every counter equals the oracle's, and what was set aside and
 * put back is counted once.
 *
 *   fault_aggregate_kills [--minutes N] [--seed N]      without: twenty seconds, a random seed
 *
 * A run of the same seed does the same, at moments that the machine chooses. */

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aggregator/batch.h"
#include "aggregator/quarantine.h"
#include "counted_log.h"
#include "tests/test.h"

#define B_TOTAL "ff:{0}:b.example:live:20261123:total"
#define B_PAGE "ff:{0}:b.example:live:20261123:page"

enum { AGGREGATORS = 2, QUICK_MS = 20000, MINUTE_MS = 60000, SETTLED_MS_MAX = 60000 };
/* The quarantine holds a thousand: what is not applied stays under it, also in a long run. */
enum { BAD_MAX = 400 };

static int64_t run_ms = QUICK_MS;
static uint64_t seed;

static struct {
    pid_t pids[AGGREGATORS];
    bool is_stopped[AGGREGATORS];
    int64_t next_ms;
    pid_t murderer; /* a child that kills Redis in a moment; 0: none */
} stage;

static struct {
    unsigned batches, unreadable, obstructed, kills, redis_kills, stops, retried;
} tally;

/* --- Chance ----------------------------------------------------------------------------------- */

/* Of the seed alone (xorshift). */
static uint32_t chance(uint32_t below)
{
    static uint64_t state;
    if (state == 0)
        state = seed * 2 + 1;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % below;
}

/* --- Kills ------------------------------------------------------------------------------------ */

static void restart_redis(void)
{
    if (stage.murderer != 0)
        waitpid(stage.murderer, NULL, 0);
    stage.murderer = 0;
    redis_free(redis);
    redis_server_kill(&server, SIGKILL);
    redis_server_restart(&server, APPEND_ONLY);
    redis = redis_server_connect(&server);
    tally.redis_kills++;
}

/* Some milliseconds from now, while this process goes on appending. */
static void kill_redis_soon(void)
{
    if (stage.murderer != 0)
        return;
    long delay_ms = (long)chance(30);
    stage.murderer = fork();
    assert_true(stage.murderer >= 0);
    if (stage.murderer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sleep_ms(delay_ms);
        kill(server.pid, SIGKILL);
        _exit(0);
    }
}

static void kill_and_start(unsigned which)
{
    kill_aggregator(stage.pids[which]);
    stage.pids[which] = start_aggregator(&server.address);
    stage.is_stopped[which] = false;
    tally.kills++;
}

/* One that sleeps through the other's work comes back with a cursor of long ago. */
static void stop_or_go_on(unsigned which)
{
    stage.is_stopped[which] = !stage.is_stopped[which];
    kill(stage.pids[which], stage.is_stopped[which] ? SIGSTOP : SIGCONT);
    tally.stops += stage.is_stopped[which];
}

static void strike(void)
{
    if (now_ms() < stage.next_ms)
        return;
    stage.next_ms = now_ms() + 50 + (int64_t)chance(300);
    unsigned which = chance(AGGREGATORS);
    switch (chance(5)) {
    case 0:
        kill_redis_soon();
        break;
    case 1:
        stop_or_go_on(which);
        break;
    default:
        kill_and_start(which);
    }
}

/* --- Batches ---------------------------------------------------------------------------------- */

/* Some views of SITE, and one of b.example when `obstructed`: its counts cannot be stored. */
static void append_batch(unsigned writer, unsigned views, bool obstructed)
{
    struct buf payload;
    struct section *section = section_new(100);
    buf_init(&payload, BATCH_BYTES_MAX);
    batch_begin(&payload, obstructed ? 2 : 1);
    section_reset(section, S(SITE), DATE);
    for (unsigned i = 0; i < views; i++)
        count_oracle_view(section, chance(PAGES), true);
    batch_append_section(&payload, section);
    if (obstructed) {
        section_reset(section, S("b.example"), DATE);
        count_view(section, "/", true);
        batch_append_section(&payload, section);
        tally.obstructed++;
    }
    batch_end(&payload);
    append_payload(writer, buf_str(&payload));
    section_free(section);
    buf_done(&payload);
    tally.batches++;
}

static void append_something(void)
{
    unsigned writer = chance(WRITERS), kind = chance(60);
    bool has_room = tally.unreadable + tally.obstructed < BAD_MAX;
    if (kind == 0 && has_room) {
        append_payload(writer, S("no batch"));
        tally.unreadable++;
    } else {
        append_batch(writer, 1 + chance(20), kind == 1 && has_room);
    }
}

/* --- The end ---------------------------------------------------------------------------------- */

static void wait_settled(size_t expected_in_quarantine)
{
    int64_t began_ms = now_ms();
    while (log_length() > 0 || stream_length(QUARANTINE) != expected_in_quarantine) {
        if (now_ms() - began_ms > SETTLED_MS_MAX)
            fail_msg("log: %zu, quarantine: %zu, expected: %zu", log_length(),
                     stream_length(QUARANTINE), expected_in_quarantine);
        sleep_ms(5);
    }
}

/* The next one after `after`, asked until there is an answer; false at the end. */
static bool next_id(struct log_entry_id *after)
{
    for (;;) {
        struct trouble trouble;
        struct quarantine_entry entry;
        bool has_entry;
        struct redis_reply *reply =
            quarantine_next(redis, 0, log_entry_id_str(after), &has_entry, &entry, &trouble);
        if (reply == NULL) {
            assert_true(trouble.is_lost);
            restart_redis();
            continue;
        }
        if (has_entry)
            assert_true(log_entry_id_set(after, entry.id));
        redis_reply_free(reply);
        return has_entry;
    }
}

/* Puts all of them back, with kills below it. Unreadable ones come back here. */
static void retry_all(void)
{
    struct log_entry_id after;
    assert_true(log_entry_id_set(&after, S("0-0")));
    for (size_t left = tally.unreadable + tally.obstructed; left > 0 && next_id(&after); left--) {
        struct trouble trouble;
        enum quarantine_retried retried;
        strike();
        while ((retried = quarantine_retry(redis, 0, log_entry_id_str(&after), &trouble)) ==
               QUARANTINE_REFUSED) {
            assert_true(trouble.is_lost);
            restart_redis();
        }
        assert_true(retried == QUARANTINE_RETRIED || retried == QUARANTINE_GONE);
        tally.retried++;
    }
}

static void let_all_go_on(void)
{
    for (unsigned i = 0; i < AGGREGATORS; i++)
        if (stage.is_stopped[i])
            stop_or_go_on(i);
    if (stage.murderer != 0)
        restart_redis();
}

static void counts_stay_exact_whatever_is_killed(void **state)
{
    (void)state;
    DO(S("HSET"), S(B_TOTAL), S("v"), S("many"));
    for (unsigned i = 0; i < AGGREGATORS; i++)
        stage.pids[i] = start_aggregator(&server.address);
    int64_t end_ms = now_ms() + run_ms;
    while (now_ms() < end_ms) {
        append_something();
        strike();
        sleep_ms((long)chance(4));
    }
    let_all_go_on();
    wait_settled(tally.unreadable + tally.obstructed);
    assert_int_equal(field(B_TOTAL, S("v")), 0); /* "many" */
    assert_int_equal(field(B_PAGE, S("v/")), 0);

    DO(S("DEL"), S(B_TOTAL));
    retry_all();
    for (unsigned writer = 0; writer < WRITERS; writer++)
        append_batch(writer, 1, false); /* so that each one's mark is its last number */
    let_all_go_on();
    wait_settled(tally.unreadable);
    for (unsigned i = 0; i < AGGREGATORS; i++)
        stop_aggregator(stage.pids[i]);
    assert_counts_equal_the_oracle();
    assert_int_equal(field(B_TOTAL, S("v")), tally.obstructed);
    assert_int_equal(field(B_PAGE, S("v/")), tally.obstructed);
    printf("seed %" PRIu64 ": %u batches and %u unreadable, %" PRId64 " views counted; put back "
           "%u of which %u were obstructed; killed aggregators %u, Redis %u; stopped %u\n",
           seed, tally.batches, tally.unreadable, oracle.all_views, tally.retried, tally.obstructed,
           tally.kills, tally.redis_kills, tally.stops);
}

int main(int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"minutes", required_argument, NULL, 'm'}, {"seed", required_argument, NULL, 's'}, {0}};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counts_stay_exact_whatever_is_killed, counted_start,
                                        counted_stop),
    };
    if (sodium_init() < 0)
        return 1;
    seed = randombytes_uniform(1000000);
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        if (option == 'm')
            run_ms = strtol(optarg, NULL, 10) * MINUTE_MS;
        else if (option == 's')
            seed = strtoull(optarg, NULL, 10);
        else
            return 2;
    }
    printf("seed %" PRIu64 "\n", seed);
    (void)fflush(stdout);
    signal(SIGPIPE, SIG_IGN);
    on_redis_lost = restart_redis;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

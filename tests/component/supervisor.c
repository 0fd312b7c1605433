/* The supervisor with children of a few lines: restarts, stages, deadlines, a second Ctrl-C. */

#include "tests/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/supervisor.h"
#include "common/clock.h"
#include "common/log.h"

/* What children write, in memory that they share with the test. */
struct shared {
    atomic_uint starts, order_count, reloads;
    atomic_int order[8];
};

static struct shared *shared;

static volatile sig_atomic_t told_to_stop;
static volatile sig_atomic_t told_to_reload;

static void on_term(int number)
{
    if (number == SIGHUP)
        told_to_reload = 1;
    else
        told_to_stop = 1;
}

struct fake {
    int id;
    unsigned stop_ms; /* how long it takes to stop */
};

static int run_until_told(void *data)
{
    const struct fake *fake = data;
    (void)signal(SIGTERM, on_term);
    (void)signal(SIGHUP, on_term);
    shared->starts++;
    while (!told_to_stop) {
        usleep(2000);
        if (told_to_reload) {
            shared->reloads++;
            told_to_reload = 0;
        }
    }
    usleep(fake->stop_ms * 1000);
    shared->order[shared->order_count++] = fake->id;
    return 0;
}

static int fail_at_once(void *data)
{
    (void)data;
    shared->starts++;
    fputs("first line\nthe configuration is wrong\n", stderr);
    return 3;
}

static int setup(void **state)
{
    (void)state;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    return munmap(shared, sizeof(*shared));
}

enum { PATIENCE_MS = 20000 };

static void turn_for(struct supervisor *supervisor, int64_t ms)
{
    int64_t end_ms = clock_mono_ms() + ms;
    while (clock_mono_ms() < end_ms)
        supervisor_turn(supervisor, 5);
}

static void turn_until_done(struct supervisor *supervisor)
{
    int64_t began_ms = clock_mono_ms();
    while (!supervisor_is_done(supervisor)) {
        assert_true(clock_mono_ms() - began_ms < PATIENCE_MS);
        supervisor_turn(supervisor, 1000);
    }
}

static void turn_until_stopping(struct supervisor *supervisor)
{
    int64_t began_ms = clock_mono_ms();
    while (!supervisor_is_stopping(supervisor)) {
        assert_true(clock_mono_ms() - began_ms < PATIENCE_MS);
        supervisor_turn(supervisor, 5);
    }
}

/* Until children have counted so far. */
static void turn_until_counted(struct supervisor *supervisor, const atomic_uint *counter,
                               unsigned count)
{
    int64_t began_ms = clock_mono_ms();
    while (atomic_load(counter) < count) {
        assert_true(clock_mono_ms() - began_ms < PATIENCE_MS);
        supervisor_turn(supervisor, 5);
    }
}

static void turn_until_started(struct supervisor *supervisor, unsigned starts)
{
    turn_until_counted(supervisor, &shared->starts, starts);
}

static void turn_until_dead(struct supervisor *supervisor, const struct child *child)
{
    int64_t began_ms = clock_mono_ms();
    while (child_deaths(child) == 0) {
        assert_true(clock_mono_ms() - began_ms < PATIENCE_MS);
        supervisor_turn(supervisor, 5);
    }
}

static void pauses_double_up_to_the_longest(void **state)
{
    (void)state;
    assert_int_equal(supervisor_pause_ms(1), 250);
    assert_int_equal(supervisor_pause_ms(2), 500);
    assert_int_equal(supervisor_pause_ms(7), 16000);
    assert_int_equal(supervisor_pause_ms(8), SUPERVISOR_PAUSE_LAST_MS);
    assert_int_equal(supervisor_pause_ms(4000000000u), SUPERVISOR_PAUSE_LAST_MS);
}

static void a_killed_child_is_started_again(void **state)
{
    (void)state;
    struct supervisor *supervisor = supervisor_new(false);
    struct fake fake = {.id = 1};
    const struct child_options options = {
        .name = "one", .run = run_until_told, .data = &fake, .stop_ms = 5000};
    struct child *child = supervisor_start(supervisor, &options);
    supervisor_settle(supervisor);
    turn_until_started(supervisor, 1);
    pid_t first = child_pid(child);
    kill(first, SIGKILL);
    turn_until_started(supervisor, 2);
    assert_true(child_is_running(child));
    assert_true(child_pid(child) != first);
    assert_int_equal(child_deaths(child), 1);
    supervisor_stop(supervisor);
    turn_until_done(supervisor);
    supervisor_free(supervisor);
}

static int abort_at_once(void *data)
{
    (void)data;
    shared->starts++;
    abort();
}

static int end_well_at_once(void *data)
{
    (void)data;
    shared->starts++;
    return 0;
}

/* Nobody has asked it to end, so that even exit code 0 is a death. */
static void however_a_child_ends_it_is_started_again(void **state)
{
    static int (*const ENDS[])(void *) = {fail_at_once, abort_at_once, end_well_at_once};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ENDS); i++) {
        shared->starts = 0;
        struct supervisor *supervisor = supervisor_new(false);
        const struct child_options options = {
            .name = "one", .run = ENDS[i], .log_path = "/dev/null"};
        struct child *child = supervisor_start(supervisor, &options);
        supervisor_settle(supervisor);
        turn_until_started(supervisor, 3);
        assert_true(child_deaths(child) >= 2);
        supervisor_stop(supervisor);
        turn_until_done(supervisor);
        supervisor_free(supervisor);
    }
}

static bool explain(void *data, struct str said, char *ret_sentence, size_t sentence_bytes)
{
    bool *heard = data;
    *heard = str_eq(said, STR_LIT("first line\nthe configuration is wrong"));
    snprintf(ret_sentence, sentence_bytes, "In words.");
    return true;
}

/* What it said before this start is not what it died of. */
static void only_what_a_child_said_since_its_start_is_explained(void **state)
{
    char path[] = "/tmp/footfall-supervisor-XXXXXX";
    bool heard = false;
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "an older trouble\n") > 0);
    close(fd);
    struct supervisor *supervisor = supervisor_new(false);
    const struct child_options options = {
        .name = "one", .run = fail_at_once, .explain = explain, .data = &heard, .log_path = path};
    struct child *child = supervisor_start(supervisor, &options);
    turn_until_dead(supervisor, child);
    assert_true(heard);
    supervisor_stop(supervisor);
    turn_until_done(supervisor);
    supervisor_free(supervisor);
    assert_int_equal(unlink(path), 0);
}

static void a_death_during_the_start_is_final(void **state)
{
    (void)state;
    struct supervisor *supervisor = supervisor_new(false);
    const struct child_options options = {.name = "one", .run = fail_at_once, .stop_ms = 5000};
    struct child *child = supervisor_start(supervisor, &options);
    turn_until_dead(supervisor, child);
    turn_for(supervisor, 600);
    assert_int_equal(shared->starts, 1);
    assert_int_equal(child_deaths(child), 1);
    supervisor_stop(supervisor);
    turn_until_done(supervisor);
    supervisor_free(supervisor);
}

static void stages_end_one_after_the_other(void **state)
{
    (void)state;
    struct supervisor *supervisor = supervisor_new(false);
    /* The first stage is the slowest, so that order is not luck. */
    struct fake fakes[] = {{.id = 2, .stop_ms = 0}, {.id = 0, .stop_ms = 2000}, {.id = 1}};
    for (size_t i = 0; i < ARRAY_LEN(fakes); i++) {
        const struct child_options options = {.name = "fake",
                                              .run = run_until_told,
                                              .data = &fakes[i],
                                              .stop_stage = (unsigned)fakes[i].id,
                                              .stop_ms = PATIENCE_MS};
        (void)supervisor_start(supervisor, &options);
    }
    supervisor_settle(supervisor);
    turn_until_started(supervisor, 3);
    kill(getpid(), SIGTERM);
    turn_until_stopping(supervisor);
    turn_for(supervisor, 50);
    assert_int_equal(shared->order_count, 0);
    turn_until_done(supervisor);
    assert_int_equal(shared->order_count, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(shared->order[i], i);
    supervisor_free(supervisor);
}

static void a_child_that_does_not_stop_is_killed_in_time(void **state)
{
    (void)state;
    struct supervisor *supervisor = supervisor_new(false);
    struct fake fake = {.stop_ms = 60000};
    const struct child_options options = {
        .name = "slow", .run = run_until_told, .data = &fake, .stop_ms = 300};
    (void)supervisor_start(supervisor, &options);
    supervisor_settle(supervisor);
    turn_until_started(supervisor, 1);
    int64_t began_ms = clock_mono_ms();
    supervisor_stop(supervisor);
    turn_until_done(supervisor); /* long before it would end by itself */
    assert_true(clock_mono_ms() - began_ms >= 290);
    assert_int_equal(shared->order_count, 0);
    supervisor_free(supervisor);
}

static void a_second_ctrl_c_hurries(void **state)
{
    (void)state;
    struct supervisor *supervisor = supervisor_new(false);
    struct fake fake = {.stop_ms = 60000};
    const struct child_options options = {
        .name = "slow", .run = run_until_told, .data = &fake, .stop_ms = 50000};
    (void)supervisor_start(supervisor, &options);
    supervisor_settle(supervisor);
    turn_until_started(supervisor, 1);
    kill(getpid(), SIGINT);
    turn_until_stopping(supervisor);
    kill(getpid(), SIGINT);
    turn_until_done(supervisor); /* long before its deadline */
    supervisor_free(supervisor);
}

static void sighup_goes_to_children_that_reload(void **state)
{
    (void)state;
    struct supervisor *supervisor = supervisor_new(false);
    struct fake fakes[2] = {{.id = 0}, {.id = 1}};
    for (size_t i = 0; i < ARRAY_LEN(fakes); i++) {
        const struct child_options options = {.name = "fake",
                                              .run = run_until_told,
                                              .data = &fakes[i],
                                              .stop_ms = 5000,
                                              .reloads = i == 0};
        (void)supervisor_start(supervisor, &options);
    }
    supervisor_settle(supervisor);
    turn_until_started(supervisor, 2);
    kill(getpid(), SIGHUP);
    turn_until_counted(supervisor, &shared->reloads, 1);
    turn_for(supervisor, 200);
    assert_false(supervisor_is_stopping(supervisor));
    assert_int_equal(shared->reloads, 1);
    supervisor_stop(supervisor);
    turn_until_done(supervisor);
    supervisor_free(supervisor);
}

static void sighup_of_a_closed_terminal_stops(void **state)
{
    (void)state;
    struct supervisor *supervisor = supervisor_new(true);
    kill(getpid(), SIGHUP);
    turn_until_done(supervisor);
    supervisor_free(supervisor);
}

/* Standard error of the supervisor's own lines, read back. */
static void a_crash_loop_is_said_in_words(void **state)
{
    (void)state;
    int pipe_fds[2];
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
    char log_path[] = "/tmp/footfall-supervisor-XXXXXX";
    int log_fd = mkstemp(log_path);
    assert_true(log_fd >= 0);
    close(log_fd);
    int old_stderr = dup(STDERR_FILENO);
    dup2(pipe_fds[1], STDERR_FILENO);
    log_init("test");
    dup2(old_stderr, STDERR_FILENO);
    struct supervisor *supervisor = supervisor_new(false);
    supervisor_settle(supervisor);
    const struct child_options options = {
        .name = "one", .run = fail_at_once, .log_path = log_path, .stop_ms = 5000};
    struct child *child = supervisor_start(supervisor, &options);
    int64_t began_ms = clock_mono_ms();
    while (child_deaths(child) < SUPERVISOR_LOOP_DEATHS) {
        assert_true(clock_mono_ms() - began_ms < PATIENCE_MS);
        supervisor_turn(supervisor, 100);
    }
    /* 250 + 500 + 1000 + 2000 ms: it did not spin. */
    assert_true(clock_mono_ms() - began_ms >= 3700);
    supervisor_stop(supervisor);
    turn_until_done(supervisor);
    supervisor_free(supervisor);
    unlink(log_path);
    char text[8192];
    ssize_t len = read(pipe_fds[0], text, sizeof(text) - 1);
    assert_true(len > 0);
    text[len] = '\0';
    assert_non_null(strstr(text, "one ended with exit code 3; it is started again in 0.25 s. It "
                                 "said: the configuration is wrong"));
    assert_non_null(strstr(text, "5 times in a row soon after its start: it cannot run like this. "
                                 "Next try in 4 s."));
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    close(old_stderr);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(pauses_double_up_to_the_longest),
        TEST(a_killed_child_is_started_again),
        TEST(however_a_child_ends_it_is_started_again),
        TEST(only_what_a_child_said_since_its_start_is_explained),
        TEST(a_death_during_the_start_is_final),
        TEST(stages_end_one_after_the_other),
        TEST(a_child_that_does_not_stop_is_killed_in_time),
        TEST(a_second_ctrl_c_hurries),
        TEST(sighup_goes_to_children_that_reload),
        TEST(sighup_of_a_closed_terminal_stops),
        /* Last: it takes the log's descriptor. */
        TEST(a_crash_loop_is_said_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

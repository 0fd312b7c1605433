/* The supervisor: fork, watch, start again, end in order. It knows nothing of what its children do;
 * serve.c gives them to it.
 *
 * Everything happens in supervisor_turn(): one poll on a signalfd, with a timeout up to the next
 * thing that is due. A child is in one of three states:
 *
 *     DOWN ──start──▶ RUNNING ──died──▶ PAUSED ──pause over──▶ RUNNING
 *      ▲                 │                 │ stopping
 *      └─────────────────┴─────────────────┘
 *         died before the start was over, or while stopping
 *
 * Each child leads a session of its own, so that Ctrl-C reaches the supervisor alone and the order
 * of the end is the supervisor's. If the supervisor is killed, the kernel ends its children
 * (PR_SET_PDEATHSIG), but those that outlive it on purpose. */

#include "cli/supervisor.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

enum child_state { CHILD_DOWN, CHILD_RUNNING, CHILD_PAUSED };

enum { STAGES_MAX = 8, SAID_BYTES = 4096, LAST_LINE_BYTES_MAX = 400, DEATH_BYTES = 96 };

struct child {
    struct child_options options;
    enum child_state state;
    pid_t pid;
    int64_t started_ms;
    off_t log_from;         /* where its log ended when it was started */
    int64_t start_again_ms; /* while PAUSED */
    unsigned deaths;
    unsigned deaths_in_a_row;
    bool killed; /* its time to stop was over */
};

struct supervisor {
    struct child children[SUPERVISOR_CHILDREN_MAX];
    size_t count;
    int signal_fd;
    sigset_t old_signals;
    pid_t pid;
    bool hup_stops;
    bool settled;
    bool stopping;
    bool hurry;
    unsigned stage;
    int64_t stage_began_ms;
};

uint32_t supervisor_pause_ms(unsigned deaths_in_a_row)
{
    assert(deaths_in_a_row > 0);
    uint32_t pause_ms = SUPERVISOR_PAUSE_FIRST_MS;
    for (unsigned i = 1; i < deaths_in_a_row && pause_ms < SUPERVISOR_PAUSE_LAST_MS; i++)
        pause_ms *= 2;
    return pause_ms < SUPERVISOR_PAUSE_LAST_MS ? pause_ms : SUPERVISOR_PAUSE_LAST_MS;
}

static void child_set_state(struct child *child, enum child_state state)
{
    assert(state != child->state);
    assert(state != CHILD_PAUSED || child->state == CHILD_RUNNING);
    child->state = state;
    if (state != CHILD_RUNNING)
        child->pid = 0;
}

/* --- In the new process ----------------------------------------------------------------------- */

static void log_redirect(const char *path)
{
    struct stat about;
    char aside[4200];
    int len = snprintf(aside, sizeof(aside), "%s.1", path);
    if (len > 0 && (size_t)len < sizeof(aside) && stat(path, &about) == 0 &&
        about.st_size > SUPERVISOR_LOG_BYTES_MAX)
        (void)rename(path, aside);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    (void)dup2(fd, STDOUT_FILENO);
    (void)dup2(fd, STDERR_FILENO);
    close(fd);
}

static _Noreturn void child_process(const struct supervisor *supervisor, const struct child *child)
{
    (void)setsid();
    if (!child->options.outlives) {
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        /* The supervisor may have died before the kernel was asked to watch it. */
        if (getppid() != supervisor->pid)
            _exit(1);
    }
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null_fd >= 0) {
        (void)dup2(null_fd, STDIN_FILENO);
        close(null_fd);
    }
    if (child->options.log_path != NULL)
        log_redirect(child->options.log_path);
    close(supervisor->signal_fd);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &supervisor->old_signals, NULL);
    _exit(child->options.run(child->options.data));
}

/* --- Life and death --------------------------------------------------------------------------- */

static void child_died(struct supervisor *supervisor, struct child *child, const char *how);

static off_t log_size(const char *path)
{
    struct stat about;
    return path != NULL && stat(path, &about) == 0 ? about.st_size : 0;
}

static void child_spawn(struct supervisor *supervisor, struct child *child)
{
    child->started_ms = clock_mono_ms();
    child->killed = false;
    child->log_from = log_size(child->options.log_path);
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        child_process(supervisor, child);
    child_set_state(child, CHILD_RUNNING);
    child->pid = pid;
    if (pid < 0) {
        child->pid = 0;
        child_died(supervisor, child, strerror(errno));
    }
}

/* What stands in the log since the start, or the end of it. */
static struct str read_said(const struct child *child, char text[static SAID_BYTES])
{
    const char *path = child->options.log_path;
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return STR_EMPTY;
    off_t size = lseek(fd, 0, SEEK_END);
    /* A log that was set aside at the start is shorter now. */
    off_t from = size < child->log_from ? 0 : child->log_from;
    if (size - from > SAID_BYTES)
        from = size - SAID_BYTES;
    ssize_t len = pread(fd, text, SAID_BYTES, from);
    close(fd);
    return str_trim((struct str){text, len > 0 ? (size_t)len : 0});
}

static struct str last_line(struct str text)
{
    size_t start = text.len;
    while (start > 0 && text.ptr[start - 1] != '\n')
        start--;
    return str_prefix(str_from_at(text, start), LAST_LINE_BYTES_MAX);
}

/* " It said: …", or the sentence that explains it, or nothing. */
static void describe_why(const struct child *child, char why[static SAID_BYTES])
{
    char text[SAID_BYTES];
    struct str said = read_said(child, text);
    why[0] = ' ';
    why[1] = '\0';
    if (child->options.explain != NULL &&
        child->options.explain(child->options.data, said, why + 1, SAID_BYTES - 1))
        return;
    struct str line = last_line(said);
    snprintf(why, SAID_BYTES, "%s%.*s", line.len == 0 ? "" : " It said: ", STR_ARG(line));
}

/* `pause_ms` 0: it is not started again. */
static void death_log(const struct child *child, const char *how, uint32_t pause_ms)
{
    char why[SAID_BYTES];
    describe_why(child, why);
    const char *name = child->options.name;
    if (pause_ms == 0)
        log_error("%s %s.%s", name, how, why);
    else if (child->deaths_in_a_row >= SUPERVISOR_LOOP_DEATHS)
        log_error("%s %s, %u times in a row soon after its start: it cannot run like this. Next "
                  "try in %u s.%s",
                  name, how, child->deaths_in_a_row, (pause_ms + 999) / 1000, why);
    else
        log_warn("%s %s; it is started again in %u.%02u s.%s", name, how, pause_ms / 1000,
                 pause_ms % 1000 / 10, why);
}

static void child_died(struct supervisor *supervisor, struct child *child, const char *how)
{
    if (supervisor->stopping) {
        child_set_state(child, CHILD_DOWN);
        return;
    }
    child->deaths++;
    if (!supervisor->settled) {
        child_set_state(child, CHILD_DOWN);
        death_log(child, how, 0);
        return;
    }
    int64_t now_ms = clock_mono_ms();
    if (now_ms - child->started_ms >= SUPERVISOR_RECOVERED_MS)
        child->deaths_in_a_row = 0;
    child->deaths_in_a_row++;
    uint32_t pause_ms = supervisor_pause_ms(child->deaths_in_a_row);
    child->start_again_ms = now_ms + pause_ms;
    child_set_state(child, CHILD_PAUSED);
    death_log(child, how, pause_ms);
}

static void describe_death(int status, char how[static DEATH_BYTES])
{
    if (WIFSIGNALED(status))
        snprintf(how, DEATH_BYTES, "was ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(how, DEATH_BYTES, "ended with exit code %d", WEXITSTATUS(status));
}

static void reap(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        struct child *child = &supervisor->children[i];
        int status;
        if (child->state != CHILD_RUNNING || waitpid(child->pid, &status, WNOHANG) != child->pid)
            continue;
        char how[DEATH_BYTES];
        describe_death(status, how);
        child_died(supervisor, child, how);
    }
}

static void start_due(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        struct child *child = &supervisor->children[i];
        if (child->state == CHILD_PAUSED && clock_mono_ms() >= child->start_again_ms)
            child_spawn(supervisor, child);
    }
}

/* --- The end ---------------------------------------------------------------------------------- */

static bool stage_running(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count; i++)
        if (supervisor->children[i].options.stop_stage == supervisor->stage &&
            supervisor->children[i].state == CHILD_RUNNING)
            return true;
    return false;
}

static void stage_begin(struct supervisor *supervisor)
{
    supervisor->stage_began_ms = clock_mono_ms();
    for (size_t i = 0; i < supervisor->count; i++) {
        struct child *child = &supervisor->children[i];
        if (child->options.stop_stage == supervisor->stage && child->state == CHILD_RUNNING)
            (void)kill(child->pid, SIGTERM);
    }
}

static uint32_t child_stop_ms(const struct supervisor *supervisor, const struct child *child)
{
    return supervisor->hurry && child->options.stop_ms > SUPERVISOR_HURRY_MS
               ? SUPERVISOR_HURRY_MS
               : child->options.stop_ms;
}

static void stage_kill_late(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        struct child *child = &supervisor->children[i];
        int64_t due_ms = supervisor->stage_began_ms + child_stop_ms(supervisor, child);
        if (child->options.stop_stage != supervisor->stage || child->state != CHILD_RUNNING ||
            child->killed || clock_mono_ms() < due_ms)
            continue;
        child->killed = true;
        (void)kill(child->pid, SIGKILL);
        log_warn("%s did not stop within its time and was killed.", child->options.name);
    }
}

/* Ends stages one after the other, as far as it goes now. */
static void stop_advance(struct supervisor *supervisor)
{
    while (supervisor->stage < STAGES_MAX && !stage_running(supervisor)) {
        supervisor->stage++;
        if (supervisor->stage < STAGES_MAX)
            stage_begin(supervisor);
    }
    if (supervisor->stage < STAGES_MAX)
        stage_kill_late(supervisor);
}

void supervisor_stop(struct supervisor *supervisor)
{
    if (supervisor->stopping) {
        supervisor->hurry = true;
        supervisor->stage_began_ms = clock_mono_ms();
        return;
    }
    supervisor->stopping = true;
    for (size_t i = 0; i < supervisor->count; i++)
        if (supervisor->children[i].state == CHILD_PAUSED)
            child_set_state(&supervisor->children[i], CHILD_DOWN);
    stage_begin(supervisor);
    stop_advance(supervisor);
}

/* --- Turns ------------------------------------------------------------------------------------ */

static void reload(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count; i++)
        if (supervisor->children[i].options.reloads &&
            supervisor->children[i].state == CHILD_RUNNING)
            (void)kill(supervisor->children[i].pid, SIGHUP);
}

static void on_signal(struct supervisor *supervisor, uint32_t number)
{
    if (number == SIGCHLD)
        return;
    if (number == SIGHUP && !supervisor->hup_stops) {
        reload(supervisor);
        return;
    }
    log_info(supervisor->stopping ? "hurrying." : "stopping.");
    supervisor_stop(supervisor);
}

static int32_t next_due_ms(const struct supervisor *supervisor, int32_t timeout_ms)
{
    int64_t now_ms = clock_mono_ms(), due_ms = now_ms + timeout_ms;
    for (size_t i = 0; i < supervisor->count; i++) {
        const struct child *child = &supervisor->children[i];
        int64_t child_ms = due_ms;
        if (child->state == CHILD_PAUSED)
            child_ms = child->start_again_ms;
        else if (supervisor->stopping && child->state == CHILD_RUNNING && !child->killed)
            child_ms = supervisor->stage_began_ms + child_stop_ms(supervisor, child);
        due_ms = child_ms < due_ms ? child_ms : due_ms;
    }
    return due_ms <= now_ms ? 0 : (int32_t)(due_ms - now_ms);
}

void supervisor_turn(struct supervisor *supervisor, int32_t timeout_ms)
{
    struct pollfd readable = {.fd = supervisor->signal_fd, .events = POLLIN};
    struct signalfd_siginfo info;
    (void)poll(&readable, 1, next_due_ms(supervisor, timeout_ms));
    while (read(supervisor->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        on_signal(supervisor, info.ssi_signo);
    reap(supervisor);
    if (supervisor->stopping)
        stop_advance(supervisor);
    else
        start_due(supervisor);
}

void supervisor_settle(struct supervisor *supervisor)
{
    supervisor->settled = true;
}

bool supervisor_is_stopping(const struct supervisor *supervisor)
{
    return supervisor->stopping;
}

bool supervisor_is_done(const struct supervisor *supervisor)
{
    return supervisor->stopping && supervisor->stage == STAGES_MAX;
}

struct supervisor *supervisor_new(bool hup_stops)
{
    struct supervisor *supervisor = calloc(1, sizeof(*supervisor));
    if (supervisor == NULL)
        abort();
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, &supervisor->old_signals);
    supervisor->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (supervisor->signal_fd < 0)
        abort();
    supervisor->pid = getpid();
    supervisor->hup_stops = hup_stops;
    return supervisor;
}

void supervisor_free(struct supervisor *supervisor)
{
    if (supervisor == NULL)
        return;
    for (size_t i = 0; i < supervisor->count; i++)
        assert(supervisor->children[i].state != CHILD_RUNNING);
    close(supervisor->signal_fd);
    sigprocmask(SIG_SETMASK, &supervisor->old_signals, NULL);
    free(supervisor);
}

struct child *supervisor_start(struct supervisor *supervisor, const struct child_options *options)
{
    assert(supervisor->count < SUPERVISOR_CHILDREN_MAX && options->stop_stage < STAGES_MAX);
    struct child *child = &supervisor->children[supervisor->count++];
    child->options = *options;
    child_spawn(supervisor, child);
    return child;
}

bool child_is_running(const struct child *child)
{
    return child->state == CHILD_RUNNING;
}

unsigned child_deaths(const struct child *child)
{
    return child->deaths;
}

pid_t child_pid(const struct child *child)
{
    return child->pid;
}

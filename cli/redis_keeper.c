/* Keeps a private redis-server for as long as somebody needs it, and not longer.
 *
 * A collector that is told to stop has views to commit, so Redis must be the last to go, even when
 * the supervisor, who normally sees to that, was killed. The kernel could end Redis together with
 * its parent, but that would be first or at once. So this small process stands between: it reads a
 * pipe, the lifeline, whose other end is open in the supervisor and in every role. When the last of
 * them has ended, however it ended, the pipe reads as closed and Redis is asked to stop.
 *
 *     supervisor ──┬─▶ keeper ──▶ redis-server      lifeline: (supervisor, roles) ──▶ keeper
 *                  └─▶ collect, aggregate, dashboards
 *
 * redis-server inherits a lock on its folder: a second one can never open the same files, even if
 * the keeper itself is killed and the next one is quick. */

#include "cli/redis_keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/privileges.h"
#include "cli/sandbox.h"
#include "common/log.h"

enum { LOCK_TRIES_MAX = 300, LOCK_PAUSE_US = 100000, ERROR_BYTES = 512 };

/* The lock stays open over exec on purpose: it is Redis's. */
static bool folder_lock(void)
{
    int fd = open("lock", O_RDWR | O_CREAT, 0600);
    if (fd < 0) {
        log_error("redis/lock cannot be opened: %s.", strerror(errno));
        return false;
    }
    for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; tries++) {
        if (tries == LOCK_TRIES_MAX) {
            log_error("another redis-server still uses this folder after 30 s.");
            return false;
        }
        usleep(LOCK_PAUSE_US);
    }
    return true;
}

/* A Redis that was killed while it rewrote its file leaves half of a new one behind, which no later
 * one looks for. */
static void leftovers_remove(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (strncmp(entry->d_name, "temp-", 5) == 0)
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
}

/* As execlp() looks for it, but before the sandbox is closed around this one program. */
static bool program_find(char program[static PATH_MAX])
{
    const char *at = getenv("PATH");
    if (at == NULL || *at == '\0')
        at = "/usr/local/bin:/usr/bin:/bin";
    for (;;) {
        size_t len = strcspn(at, ":");
        int bytes =
            snprintf(program, PATH_MAX, "%.*s%sredis-server", (int)len, at, len == 0 ? "./" : "/");
        if (bytes < PATH_MAX && access(program, X_OK) == 0)
            return true;
        if (at[len] == '\0')
            return false;
        at += len + 1;
    }
}

static _Noreturn void redis_exec(pid_t keeper, const sigset_t *signals)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != keeper)
        _exit(1);
    (void)sigprocmask(SIG_SETMASK, signals, NULL);
    char program[PATH_MAX], error[ERROR_BYTES];
    if (!program_find(program))
        log_error("redis-server is not installed; `apt install redis-server` does it.");
    else if (!privileges_drop(".", false, error, sizeof(error)) ||
             !sandbox_enter_redis(program, error, sizeof(error)))
        log_error("%s", error);
    else {
        (void)execl(program, "redis-server", "./redis.conf", (char *)NULL);
        log_error("redis-server cannot be started: %s.", strerror(errno));
    }
    _exit(127);
}

/* Passes on how Redis ended. */
static int die_like(int status)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    sigset_t none;
    sigemptyset(&none);
    (void)signal(WTERMSIG(status), SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)kill(getpid(), WTERMSIG(status));
    return 1;
}

/* Waits for Redis's end, and asks for it once when it is time. */
static int watch(pid_t redis, int signal_fd, int lifeline_fd)
{
    struct pollfd watched[] = {{.fd = signal_fd, .events = POLLIN},
                               {.fd = lifeline_fd, .events = POLLIN}};
    for (;;) {
        int status;
        if (waitpid(redis, &status, WNOHANG) == redis)
            return die_like(status);
        if (poll(watched, 2, -1) < 0 && errno != EINTR)
            return 1;
        bool stop = false;
        struct signalfd_siginfo info;
        while (read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
            stop = stop || info.ssi_signo != SIGCHLD;
        if (watched[1].revents != 0) {
            watched[1].fd = -1;
            stop = true;
        }
        if (stop)
            (void)kill(redis, SIGTERM);
    }
}

int redis_keeper_run(void *data)
{
    const struct redis_keeper *keeper = data;
    (void)prctl(PR_SET_NAME, "footfall-redis");
    for (size_t i = 0; i < sizeof(keeper->close_fds) / sizeof(keeper->close_fds[0]); i++)
        if (keeper->close_fds[i] >= 0)
            close(keeper->close_fds[i]);
    sigset_t signals, old_signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, &old_signals);
    int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signal_fd < 0 || chdir(keeper->folder) != 0) {
        log_error("%s cannot be entered: %s.", keeper->folder, strerror(errno));
        return 1;
    }
    if (!folder_lock())
        return 1;
    leftovers_remove(".");
    leftovers_remove("appendonlydir");
    pid_t self = getpid();
    pid_t redis = fork();
    if (redis == 0)
        redis_exec(self, &old_signals);
    if (redis < 0) {
        log_error("no process for Redis: %s.", strerror(errno));
        return 1;
    }
    return watch(redis, signal_fd, keeper->lifeline_fd);
}

/* Runs a real redis-server as a child for component tests. Not for production: any failure ends the
 * test's process with a sentence. */

#include "redis_server.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READY_DEADLINE_MS = 20000, ARGS_MAX = 64, POLL_MS = 5 };

static void fail(const char *what, const char *detail)
{
    fprintf(stderr, "redis_server: %s: %s\n", what, detail);
    abort();
}

static void sleep_ms(long ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static _Noreturn void exec_server(const struct redis_server *server, const char *const *args)
{
    char log_path[sizeof(server->dir) + sizeof("/redis.log")];
    (void)snprintf(log_path, sizeof(log_path), "%s/redis.log", server->dir);
    const char *argv[ARGS_MAX] = {
        "redis-server",
        "--port",
        "0",
        "--dir",
        server->dir,
        "--unixsocket",
        server->address.socket_path,
        "--save",
        "",
        "--daemonize",
        "no",
        "--logfile",
        log_path,
    };
    size_t argc = 0;
    while (argv[argc] != NULL)
        argc++;
    for (; args != NULL && *args != NULL && argc < ARGS_MAX - 1; args++)
        argv[argc++] = *args;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(argv[0], (char *const *)(const void *)argv);
    _exit(127);
}

void redis_server_restart(struct redis_server *server, const char *const *args)
{
    server->pid = fork();
    if (server->pid < 0)
        fail("fork", "failed");
    if (server->pid == 0)
        exec_server(server, args);
    char error[200] = "no answer yet";
    /* Not clock_mono_ms(): a test may have stopped that clock. */
    for (int waited_ms = 0; waited_ms < READY_DEADLINE_MS; waited_ms += POLL_MS) {
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
            fail("the server has ended, see its log in", server->dir);
        struct redis *redis = redis_connect(&server->address, error, sizeof(error));
        if (redis != NULL) {
            struct redis_reply *reply = redis_do(redis, STR_LIT("PING"));
            bool ready =
                reply != NULL && !(redis_reply_type(reply) == REDIS_TYPE_ERROR &&
                                   str_starts_with(redis_reply_str(reply), STR_LIT("LOADING")));
            if (reply != NULL)
                redis_reply_free(reply);
            redis_free(redis);
            if (ready)
                return;
        }
        sleep_ms(POLL_MS);
    }
    fail("the server does not answer", error);
}

void redis_server_start(struct redis_server *server, const char *const *args)
{
    *server = (struct redis_server){.dir = "/tmp/footfall-redis-XXXXXX"};
    if (mkdtemp(server->dir) == NULL)
        fail("mkdtemp", server->dir);
    (void)snprintf(server->address.socket_path, sizeof(server->address.socket_path),
                   "%s/redis.sock", server->dir);
    redis_server_restart(server, args);
}

void redis_server_kill(struct redis_server *server, int signal)
{
    kill(server->pid, signal);
    if (waitpid(server->pid, NULL, 0) != server->pid)
        fail("waitpid", "failed");
    server->pid = 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

void redis_server_stop(struct redis_server *server)
{
    if (server->pid != 0)
        redis_server_kill(server, SIGTERM);
    (void)nftw(server->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

struct redis *redis_server_connect(const struct redis_server *server)
{
    char error[200];
    struct redis *redis = redis_connect(&server->address, error, sizeof(error));
    if (redis == NULL)
        fail("connect", error);
    return redis;
}

static int compare_replies(const void *left, const void *right)
{
    const struct redis_reply *const *a = left, *const *b = right;
    struct str x = redis_reply_str(*a), y = redis_reply_str(*b);
    int order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
    return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

void redis_server_dump(struct redis *redis, struct buf *out)
{
    struct redis_reply *keys = redis_do(redis, STR_LIT("KEYS"), STR_LIT("*"));
    if (keys == NULL)
        fail("KEYS", redis_error(redis));
    size_t count = redis_reply_count(keys);
    const struct redis_reply **sorted = calloc(count + 1, sizeof(const struct redis_reply *));
    for (size_t i = 0; i < count; i++)
        sorted[i] = redis_reply_at(keys, i);
    qsort(sorted, count, sizeof(const struct redis_reply *), compare_replies);
    for (size_t i = 0; i < count; i++) {
        struct str key = redis_reply_str(sorted[i]);
        struct redis_reply *dump = redis_do(redis, STR_LIT("DUMP"), key);
        struct redis_reply *expiry = redis_do(redis, STR_LIT("PEXPIRETIME"), key);
        if (dump == NULL || expiry == NULL)
            fail("DUMP", redis_error(redis));
        buf_append_str(out, key);
        buf_append_str(out, redis_reply_str(dump));
        buf_printf(out, " %lld\n", (long long)redis_reply_integer(expiry));
        redis_reply_free(dump);
        redis_reply_free(expiry);
    }
    free(sorted);
    redis_reply_free(keys);
    if (out->overflow)
        fail("dump", "the buffer is too small");
}

void redis_server_add_user(const struct redis_server *server, const char *name, const char *rules,
                           struct redis_address *ret_address)
{
    struct str argv[ARGS_MAX] = {STR_LIT("ACL"), STR_LIT("SETUSER"), str_from(name), STR_LIT("on"),
                                 STR_LIT(">secret")};
    size_t argc = 5;
    for (const char *at = rules; *at != '\0' && argc < ARGS_MAX; at += strspn(at, " ")) {
        argv[argc++] = (struct str){at, strcspn(at, " ")};
        at += strcspn(at, " ");
    }
    struct redis *redis = redis_server_connect(server);
    struct redis_reply *reply = redis_command(redis, argc, argv);
    if (reply == NULL || !redis_reply_is(reply, "OK"))
        fail("ACL SETUSER", reply == NULL ? redis_error(redis) : redis_reply_str(reply).ptr);
    redis_reply_free(reply);
    redis_free(redis);
    *ret_address = server->address;
    (void)snprintf(ret_address->user, sizeof(ret_address->user), "%s", name);
    (void)snprintf(ret_address->password, sizeof(ret_address->password), "secret");
}

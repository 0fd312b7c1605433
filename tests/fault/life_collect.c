/* A collector's life between browsers and a real Redis, with memory and connections that refuse: a
 * beacon that was answered 204 is counted once, any other once at the most.
 *
 * What fails does so from when the collector is ready until it is told to stop; then everything is
 * sound again. What it may have left on its disk is the judge's to bring in, by a sound collector
 * with the same data. */

#include "collector/collect.h"

#include <assert.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aggregator/acl.h"
#include "loopback.h"
#include "spool_folder.h"
#include "tests/fault/fail_nth.h"
#include "tests/fault/log_reader.h"

enum { BEACONS = 10, LIVES = 10, READY_MS = 30000, ANSWER_MS = 400, LAST_MS = 200, POLL_MS = 20 };

static struct redis_server server;
static struct redis_address address;
static struct log_reader_told *told;
static uint16_t port;
static char *folder; /* DIR/spool, of the data in DIR */

/* --- The collector --------------------------------------------------------------------------- */

static enum fail_nth_end live(void)
{
    struct config config;
    char error[300], yaml[1000];
    snprintf(yaml, sizeof(yaml),
             "collector:\n  listen: 127.0.0.1:%u\n  workers: 2\nmix:\n  views: 1\ndata: %.*s\n"
             "redis:\n  url: unix://collector:secret@%s\n",
             port, (int)(strlen(folder) - strlen("/spool")), folder, address.socket_path);
    bool good = config_load_text(str_from(yaml), "test", &config, error, sizeof(error));
    assert(good);
    int code = collect_run(&config);
    config_done(&config);
    return code == 0 ? FAIL_NTH_WENT_ON : FAIL_NTH_REFUSED;
}

/* --- Browsers -------------------------------------------------------------------------------- */

static void wait_ms(int ms)
{
    (void)poll(NULL, 0, ms);
}

/* The status of the answer; 0 when there is none. */
static int ask(int fd, const char *request)
{
    char answer[1024] = "";
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    if (fd < 0 || send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request) ||
        poll(&readable, 1, ANSWER_MS) != 1 || recv(fd, answer, sizeof(answer) - 1, 0) < 12 ||
        strncmp(answer, "HTTP/1.1 ", 9) != 0)
        return 0;
    return (int)strtol(answer + 9, NULL, 10);
}

/* False when it does not come to be ready. */
static bool await_ready(pid_t child)
{
    siginfo_t ended = {0};
    for (int waited_ms = 0; waited_ms < READY_MS; waited_ms += POLL_MS) {
        int fd = loopback_try(port);
        int status = ask(fd, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
        if (fd >= 0)
            close(fd);
        if (status == 200)
            return true;
        if (waitid(P_PID, (id_t)child, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 ||
            ended.si_pid != 0)
            return false;
        wait_ms(POLL_MS);
    }
    return false;
}

static void send_beacon(int fd, int page)
{
    char body[200], request[500];
    int len = snprintf(body, sizeof(body), "s=a.example&u=http%%3A%%2F%%2Fa.example%%2F%d", page);
    snprintf(
        request, sizeof(request),
        "POST /b HTTP/1.1\r\nHost: stats.example\r\nOrigin: http://a.example\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0\r\n"
        "Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s",
        len, body);
    told->offered[page] = true;
    told->durable[page] = ask(fd, request) == 204;
}

/* Two beacons a connection, so that both a new one and a kept one are met. */
static void attend(pid_t child)
{
    if (await_ready(child)) {
        fail_nth_begin();
        for (int page = 0; page < BEACONS; page += 2) {
            int fd = loopback_try(port);
            send_beacon(fd, page);
            send_beacon(fd, page + 1);
            if (fd >= 0)
                close(fd);
        }
    }
    kill(child, SIGTERM);
    wait_ms(LAST_MS);
    (void)failing_clear();
}

/* --- The world ------------------------------------------------------------------------------- */

static void prepare(void)
{
    if (folder != NULL)
        spool_folder_remove(folder);
    folder = spool_folder_make();
    memset(told, 0, sizeof(*told));
    log_reader_clear(&server);
    struct redis *redis = redis_server_connect(&server);
    redis_reply_free(redis_do(redis, STR_LIT("HSET"), STR_LIT("ff:sites"), STR_LIT("a.example"),
                              STR_LIT("{\"timezone\":\"UTC\"}")));
    redis_free(redis);
    port = loopback_free_port();
}

static bool await_empty_spool(void)
{
    for (int ms = 0; ms < READY_MS; ms += POLL_MS) {
        if (spool_file_count(folder, ".seg") + spool_file_count(folder, ".heir") == 0)
            return true;
        usleep(POLL_MS * 1000);
    }
    return false;
}

static bool judge(void)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        exit(live() == FAIL_NTH_WENT_ON ? 0 : 1);
    bool good = child > 0 && await_ready(child) && await_empty_spool();
    kill(child, SIGTERM);
    good = waitpid(child, &status, 0) == child && status == 0 && good;
    int64_t counts[LOG_READER_PAGES] = {0};
    struct redis *redis = redis_server_connect(&server);
    good = log_reader_count(redis, counts) && log_reader_check(told, counts) && good;
    redis_free(redis);
    return good;
}

int main(int argc, char **argv)
{
    const struct fail_nth_life life = {
        .prepare = prepare,
        .live = live,
        .attend = attend,
        .judge = judge,
        .has_kind = {true, true, true, true},
        .starts_sound = true,
    };
    told = log_reader_told_new();
    redis_server_start(&server, NULL);
    redis_server_add_user(&server, "collector", ACL_COLLECTOR, &address);
    int code = fail_nth_main(argc, argv, &life, LIVES);
    spool_folder_remove(folder);
    redis_server_stop(&server);
    return code;
}

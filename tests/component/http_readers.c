/* Clients who do not read what they asked for, and who send without end, at the HTTP shell over
 * real sockets: they are ended in time, and neither answers nor requests fill the memory. The clock
 * is a fake one, so that no test waits for a time-out; the kernel's own (TCP_USER_TIMEOUT) does not
 * come into it. */

#include "common/http.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/limits.h"
#include "loopback.h"
#include "tests/test.h"

enum { STEP_MS = 1000, LARGE_BYTES = 24 * 1024 * 1024, BODY_BYTES_MAX = 100, PATIENCE_MS = 20000 };

struct fixture {
    struct http_server *server;
    pthread_t thread;
    struct http_stream *stream;
    sem_t done;
    unsigned connections;
    uint64_t ended, refused;
    char *large;
};

static void handle_large(struct http_request *req, void *worker_data)
{
    struct fixture *fixture = worker_data;
    http_reply(req, &(struct http_reply){.status = 200, .body = {fixture->large, LARGE_BYTES}});
}

static void handle_small(struct http_request *req, void *worker_data)
{
    (void)worker_data;
    http_reply(req, &(struct http_reply){.status = 200, .body = STR_LIT("small")});
}

static void on_stream_close(void *data)
{
    struct fixture *fixture = data;
    fixture->stream = NULL;
}

static void handle_stream(struct http_request *req, void *worker_data)
{
    struct fixture *fixture = worker_data;
    fixture->stream = http_stream_start(req, on_stream_close, fixture);
}

static void *on_worker_start(struct loop *loop, unsigned index, void *server_data)
{
    (void)loop;
    (void)index;
    return server_data;
}

static const struct http_route ROUTES[] = {
    {.path = STR_LIT("/large"), .methods = 1u << HTTP_GET, .handler = handle_large},
    {.path = STR_LIT("/small"), .methods = 1u << HTTP_GET, .handler = handle_small},
    {.path = STR_LIT("/stream"), .methods = 1u << HTTP_GET, .handler = handle_stream},
};

static void *run_server(void *data)
{
    struct fixture *fixture = data;
    http_server_run(fixture->server, 2000);
    return NULL;
}

static struct fixture *fixture_new(const char *listen)
{
    char error[200];
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->large = calloc(1, LARGE_BYTES);
    assert_non_null(fixture->large);
    sem_init(&fixture->done, 0, 0);
    fixture->server = http_server_new(&(struct http_options){.listen = listen,
                                                             .workers = 1,
                                                             .connections_max = 64,
                                                             .body_bytes_max = BODY_BYTES_MAX,
                                                             .routes = ROUTES,
                                                             .route_count = ARRAY_LEN(ROUTES),
                                                             .on_worker_start = on_worker_start,
                                                             .server_data = fixture},
                                      error, sizeof(error));
    assert_non_null(fixture->server);
    pthread_create(&fixture->thread, NULL, run_server, fixture);
    return fixture;
}

static int set_up(void **state)
{
    *state = fixture_new("127.0.0.1:0");
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    /* The server's deadline goes by the fake clock. */
    http_server_stop(fixture->server);
    for (int i = 0; i < 10; i++) {
        usleep(20000);
        clock_fake_advance(STEP_MS);
    }
    pthread_join(fixture->thread, NULL);
    http_server_free(fixture->server);
    sem_destroy(&fixture->done);
    free(fixture->large);
    free(fixture);
    return 0;
}

/* --- Time and the worker ---------------------------------------------------------------------- */

static void look(void *worker_data, void *data)
{
    struct fixture *fixture = worker_data;
    (void)data;
    fixture->connections = http_server_connections(fixture->server, 0);
    fixture->ended = http_server_connections_ended(fixture->server, 0);
    fixture->refused = http_server_replies_refused(fixture->server, 0);
    sem_post(&fixture->done);
}

static void turn(struct fixture *fixture)
{
    http_server_post(fixture->server, 0, look, NULL);
    while (sem_wait(&fixture->done) != 0) {
    }
}

static void pass(struct fixture *fixture, int64_t ms)
{
    for (int64_t passed_ms = 0; passed_ms < ms; passed_ms += STEP_MS) {
        clock_fake_advance(STEP_MS);
        turn(fixture);
        turn(fixture);
    }
}

/* Until the worker has so many connections. */
static void await_connections(struct fixture *fixture, unsigned count)
{
    for (int i = 0; i < 200; i++) {
        turn(fixture);
        if (fixture->connections == count)
            break;
        usleep(10000);
    }
    assert_int_equal(fixture->connections, count);
}

/* --- Clients ---------------------------------------------------------------------------------- */

static int dial(const struct fixture *fixture, int receive_bytes)
{
    return loopback_dial_small(http_server_port(fixture->server), receive_bytes);
}

static void get(int fd, const char *path)
{
    char request[100];
    int len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    assert_int_equal(send(fd, request, (size_t)len, MSG_NOSIGNAL), len);
}

/* Reads up to so many bytes; how many came within patience. */
static size_t take(int fd, size_t bytes)
{
    static char buffer[64 * 1024];
    size_t taken = 0;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    while (taken < bytes && poll(&poll_fd, 1, PATIENCE_MS) == 1) {
        size_t most = bytes - taken < sizeof(buffer) ? bytes - taken : sizeof(buffer);
        ssize_t got = recv(fd, buffer, most, 0);
        if (got <= 0)
            break;
        taken += (size_t)got;
    }
    return taken;
}

static bool was_reset(int fd)
{
    char bytes[4096];
    ssize_t got;
    while ((got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
    }
    return got < 0 && errno == ECONNRESET;
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void a_reader_who_takes_nothing_is_ended_in_time(void **state)
{
    struct fixture *fixture = *state;
    int fd = dial(fixture, 4096);
    get(fd, "/large");
    await_connections(fixture, 1);
    pass(fixture, HTTP_READER_TIMEOUT_MS - STEP_MS);
    assert_int_equal(fixture->ended, 0);
    pass(fixture, 3 * STEP_MS);
    assert_int_equal(fixture->ended, 1);
    await_connections(fixture, 0);
    assert_true(was_reset(fd));
    close(fd);
}

static void a_reader_who_takes_crumbs_is_ended_likewise(void **state)
{
    struct fixture *fixture = *state;
    int fd = dial(fixture, 16 * 1024);
    get(fd, "/large");
    await_connections(fixture, 1);
    for (int s = 0; s < HTTP_READER_TIMEOUT_MS / STEP_MS + 3; s++) {
        (void)take(fd, 3000); /* 60 KB a window: the kernel is content */
        pass(fixture, STEP_MS);
    }
    assert_int_equal(fixture->ended, 1);
    await_connections(fixture, 0);
    close(fd);
}

static void a_slow_line_gets_all_its_time(void **state)
{
    struct fixture *fixture = *state;
    int fd = dial(fixture, 16 * 1024);
    get(fd, "/large");
    await_connections(fixture, 1);
    /* A little more than the least, for several windows. */
    for (int i = 0; i < 8; i++) {
        assert_int_equal(take(fd, HTTP_READER_BYTES_MIN + 8192), HTTP_READER_BYTES_MIN + 8192);
        pass(fixture, HTTP_READER_TIMEOUT_MS - 2 * STEP_MS);
    }
    assert_int_equal(fixture->ended, 0);
    assert_int_equal(fixture->connections, 1);
    close(fd);
    await_connections(fixture, 0);
}

static void whoever_owes_nothing_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    int fd = dial(fixture, 16 * 1024);
    get(fd, "/small");
    assert_true(take(fd, 30) > 0);
    pass(fixture, 2 * HTTP_READER_TIMEOUT_MS);
    assert_int_equal(fixture->ended, 0);
    assert_int_equal(fixture->connections, 1);
    close(fd);
}

static void send_message(void *worker_data, void *data)
{
    struct fixture *fixture = worker_data;
    char bytes[2048];
    (void)data;
    memset(bytes, 'x', sizeof(bytes));
    if (fixture->stream != NULL)
        http_stream_send(fixture->stream, (struct str){bytes, sizeof(bytes)});
}

/* Its messages fit in the socket's buffer for hours, so the stream itself never waits. */
static void a_stream_that_nobody_reads_ends(void **state)
{
    struct fixture *fixture = *state;
    int fd = dial(fixture, 2048);
    get(fd, "/stream");
    await_connections(fixture, 1);
    for (int s = 0; s < HTTP_READER_TIMEOUT_MS / STEP_MS + 10; s++) {
        http_server_post(fixture->server, 0, send_message, NULL);
        pass(fixture, STEP_MS);
    }
    assert_int_equal(fixture->ended, 1);
    await_connections(fixture, 0);
    assert_null(fixture->stream);
    close(fd);
}

static void answers_that_nobody_takes_fill_no_memory(void **state)
{
    enum { ROOM = HTTP_REPLY_BYTES_MAX / LARGE_BYTES, ASKED = ROOM + 4 };
    struct fixture *fixture = *state;
    int fds[ASKED];
    for (int i = 0; i < ASKED; i++) {
        fds[i] = dial(fixture, 4096);
        get(fds[i], "/large");
    }
    await_connections(fixture, ASKED);
    for (int i = 0; i < 100 && fixture->refused < ASKED - ROOM; i++) {
        usleep(10000);
        turn(fixture);
    }
    assert_int_equal(fixture->refused, ASKED - ROOM);
    int busy = 0;
    for (int i = 0; i < ASKED; i++) {
        char answer[13] = {0};
        assert_int_equal(recv(fds[i], answer, 12, MSG_WAITALL | MSG_PEEK), 12);
        busy += strcmp(answer, "HTTP/1.1 503") == 0;
    }
    assert_int_equal(busy, ASKED - ROOM);
    /* Those who do not read give their room back. */
    pass(fixture, HTTP_READER_TIMEOUT_MS + 3 * STEP_MS);
    assert_int_equal(fixture->ended, ROOM);
    for (int i = 0; i < ASKED; i++)
        close(fds[i]);
    await_connections(fixture, 0);
    int fd = dial(fixture, 64 * 1024);
    get(fd, "/large");
    assert_int_equal(take(fd, LARGE_BYTES), LARGE_BYTES);
    close(fd);
}

static bool is_ended(struct fixture *fixture, size_t head_bytes)
{
    uint64_t ended = fixture->ended;
    static const char START[] = "GET /small HTTP/1.1\r\nHost: x\r\nX: ";
    int fd = dial(fixture, 4096);
    char *head = malloc(head_bytes);
    assert_non_null(head);
    memset(head, 'x', head_bytes);
    memcpy(head, START, sizeof(START) - 1);
    assert_int_equal(send(fd, head, head_bytes, MSG_NOSIGNAL), head_bytes);
    free(head);
    await_connections(fixture, 1);
    usleep(50000); /* the worker reads */
    pass(fixture, STEP_MS);
    bool is_over = fixture->ended > ended;
    if (!is_over) {
        static const char END[] = "\r\n\r\n";
        assert_int_equal(send(fd, END, sizeof(END) - 1, MSG_NOSIGNAL), sizeof(END) - 1);
        assert_true(take(fd, 30) > 0);
    }
    close(fd);
    await_connections(fixture, 0);
    return is_over;
}

static void a_head_below_at_and_above_the_cap(void **state)
{
    enum { INPUT_BYTES_MAX = HTTP_HEAD_BYTES_MAX + 2 * BODY_BYTES_MAX };
    assert_false(is_ended(*state, INPUT_BYTES_MAX - 1));
    assert_false(is_ended(*state, INPUT_BYTES_MAX));
    assert_true(is_ended(*state, INPUT_BYTES_MAX + 1));
    assert_true(is_ended(*state, 8 * INPUT_BYTES_MAX));
}

#define readers_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    clock_fake_set(1800000000000, 1000000);
    const struct CMUnitTest tests[] = {
        readers_test(a_reader_who_takes_nothing_is_ended_in_time),
        readers_test(a_reader_who_takes_crumbs_is_ended_likewise),
        readers_test(a_slow_line_gets_all_its_time),
        readers_test(whoever_owes_nothing_is_left_alone),
        readers_test(a_stream_that_nobody_reads_ends),
        readers_test(a_head_below_at_and_above_the_cap),
        readers_test(answers_that_nobody_takes_fill_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

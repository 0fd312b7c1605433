/* The HTTP shell over real sockets: routing, limits, held replies, streams, and how it stops. */

#include "common/http.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/limits.h"
#include "loopback.h"
#include "tests/test.h"

enum { BODY_MAX = 100, CONNECTIONS_MAX = 8, ANSWER_BYTES = 8192, PATIENCE_MS = 20000 };

struct fixture {
    struct http_server *server;
    pthread_t thread;
    struct http_held held;
    atomic_bool has_held;
    struct http_stream *stream;
    atomic_int stream_closed;
    atomic_int drains; /* turns that on_stop asks for */
    bool close_after_body;
};

static struct fixture *fixture_of(void *worker_data)
{
    return worker_data;
}

static void handle_echo(struct http_request *req, void *worker_data)
{
    char text[512];
    size_t cursor = 0;
    struct str value, all = STR_EMPTY;
    (void)worker_data;
    int count = 0;
    while (http_request_next_header(req, STR_LIT("x-many"), &cursor, &value)) {
        all = value;
        count++;
    }
    struct sockaddr_storage peer;
    http_request_peer(req, &peer);
    int len = snprintf(text, sizeof(text), "%.*s|%.*s|%.*s|%d:%.*s|%d",
                       STR_ARG(http_request_path(req)), STR_ARG(http_request_query(req)),
                       STR_ARG(http_request_body(req)), count, STR_ARG(all), peer.ss_family);
    http_reply(req, &(struct http_reply){.status = 200,
                                         .content_type = STR_LIT("text/plain"),
                                         .body = {text, (size_t)len},
                                         .headers = {{STR_LIT("x-own"), STR_LIT("1")}},
                                         .header_count = 1});
}

static void handle_hold(struct http_request *req, void *worker_data)
{
    struct fixture *fixture = fixture_of(worker_data);
    http_request_hold(req, &fixture->held);
    atomic_store(&fixture->has_held, true);
}

/* Answers the held request; says whether it was still there. */
static void handle_release(struct http_request *req, void *worker_data)
{
    struct fixture *fixture = fixture_of(worker_data);
    bool there = fixture->held.req != NULL;
    http_held_reply(&fixture->held, &(struct http_reply){.status = 204});
    atomic_store(&fixture->has_held, false);
    http_reply(req, &(struct http_reply){.status = 200,
                                         .body = there ? STR_LIT("there") : STR_LIT("gone"),
                                         .body_is_static = true});
}

static void on_stream_close(void *data)
{
    struct fixture *fixture = data;
    fixture->stream = NULL;
    atomic_fetch_add(&fixture->stream_closed, 1);
}

static void handle_stream(struct http_request *req, void *worker_data)
{
    struct fixture *fixture = fixture_of(worker_data);
    fixture->stream = http_stream_start(req, on_stream_close, fixture);
}

static void handle_tell(struct http_request *req, void *worker_data)
{
    struct fixture *fixture = fixture_of(worker_data);
    if (fixture->stream != NULL) {
        http_stream_send(fixture->stream, STR_LIT("data: old\n\n"));
        http_stream_send(fixture->stream, STR_LIT("data: newest\n\n"));
    }
    http_reply(req, &(struct http_reply){.status = 204});
}

static void *on_worker_start(struct loop *loop, unsigned index, void *server_data)
{
    (void)loop;
    (void)index;
    return server_data;
}

static bool on_stop(void *worker_data)
{
    return atomic_fetch_sub(&fixture_of(worker_data)->drains, 1) <= 1;
}

static bool should_close(const struct http_request *req, void *worker_data)
{
    (void)req;
    return fixture_of(worker_data)->close_after_body;
}

static const struct http_route ROUTES[] = {
    {.path = STR_LIT("/echo"), .methods = 1u << HTTP_GET | 1u << HTTP_POST, .handler = handle_echo},
    {.path = STR_LIT("/below/"), .prefix = true, .methods = 1u << HTTP_GET, .handler = handle_echo},
    {.path = STR_LIT("/hold"), .methods = 1u << HTTP_GET, .handler = handle_hold},
    {.path = STR_LIT("/release"), .methods = 1u << HTTP_GET, .handler = handle_release},
    {.path = STR_LIT("/stream"), .methods = 1u << HTTP_GET, .handler = handle_stream},
    {.path = STR_LIT("/tell"), .methods = 1u << HTTP_GET, .handler = handle_tell},
};

static void *run_server(void *data)
{
    struct fixture *fixture = data;
    http_server_run(fixture->server, PATIENCE_MS);
    return NULL;
}

static struct http_options options_of(struct fixture *fixture)
{
    return (struct http_options){.listen = "127.0.0.1:0",
                                 .workers = 1,
                                 .connections_max = CONNECTIONS_MAX,
                                 .body_bytes_max = BODY_MAX,
                                 .routes = ROUTES,
                                 .route_count = ARRAY_LEN(ROUTES),
                                 .on_worker_start = on_worker_start,
                                 .on_stop = on_stop,
                                 .close_after_body = should_close,
                                 .server_data = fixture};
}

static int set_up(void **state)
{
    char error[200];
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    const struct http_options options = options_of(fixture);
    fixture->server = http_server_new(&options, error, sizeof(error));
    if (fixture->server == NULL)
        return -1;
    pthread_create(&fixture->thread, NULL, run_server, fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    http_server_stop(fixture->server);
    pthread_join(fixture->thread, NULL);
    http_server_free(fixture->server);
    free(fixture);
    return 0;
}

/* --- A client of bytes ----------------------------------------------------------------------- */

static int dial(const struct fixture *fixture)
{
    return loopback_dial(http_server_port(fixture->server));
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads until the text is there, the end, or patience is out. */
static const char *hear(int fd, const char *until)
{
    static char answer[ANSWER_BYTES];
    size_t len = 0;
    int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
    answer[0] = '\0';
    while (len < sizeof(answer) - 1 && strstr(answer, until) == NULL) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        int64_t left_ms = deadline_ms - clock_mono_ms();
        if (left_ms <= 0 || poll(&poll_fd, 1, (int)left_ms) <= 0)
            break;
        ssize_t got = recv(fd, answer + len, sizeof(answer) - 1 - len, 0);
        if (got <= 0)
            break;
        len += (size_t)got;
        answer[len] = '\0';
    }
    return answer;
}

static bool is_closed(int fd)
{
    char byte;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, PATIENCE_MS) == 1 && recv(fd, &byte, 1, 0) == 0;
}

/* On a connection of its own, which is answered by "/release". */
static int ask_held(struct fixture *fixture)
{
    int fd = dial(fixture);
    say(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
    while (!atomic_load(&fixture->has_held)) {
        assert_true(clock_mono_ms() < deadline_ms);
        usleep(1000);
    }
    return fd;
}

static const char *ask(const struct fixture *fixture, const char *request, const char *until)
{
    int fd = dial(fixture);
    say(fd, request);
    const char *answer = hear(fd, until);
    close(fd);
    return answer;
}

#define assert_has(text, part) assert_non_null(strstr((text), (part)))
#define assert_has_not(text, part) assert_null(strstr((text), (part)))

/* --- Tests ----------------------------------------------------------------------------------- */

static void a_request_is_seen_whole(void **state)
{
    const char *answer = ask(*state,
                             "POST /echo?a=%20b HTTP/1.1\r\nHost: x\r\nX-Many: 1\r\nX-Many: 2\r\n"
                             "Content-Length: 4\r\n\r\nbody",
                             "2:2|2");
    assert_has(answer, "HTTP/1.1 200 OK");
    assert_has(answer, "/echo|a=%20b|body|2:2|2");
    assert_has(answer, "x-own: 1");
    assert_has_not(answer, "erver: ");
}

static void routes_match_whole_or_by_prefix(void **state)
{
    assert_has(ask(*state, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", "/echo|"), " 200 ");
    assert_has(ask(*state, "GET /below/a/b HTTP/1.1\r\nHost: x\r\n\r\n", "/below/a/b|"), " 200 ");
    assert_has(ask(*state, "GET /echo/ HTTP/1.1\r\nHost: x\r\n\r\n", "address"), " 404 ");
    assert_has(ask(*state, "GET /below HTTP/1.1\r\nHost: x\r\n\r\n", "address"), " 404 ");
    assert_has(ask(*state, "GET /%zz/../echo HTTP/1.1\r\nHost: x\r\n\r\n", "address"), " 404 ");
}

static void a_wrong_method_is_told_the_right_ones(void **state)
{
    const char *answer = ask(*state, "DELETE /echo HTTP/1.1\r\nHost: x\r\n\r\n", "method");
    assert_has(answer, " 405 ");
    assert_has(answer, "allow: GET, HEAD, POST");
}

static void head_gets_the_headers_only(void **state)
{
    int fd = dial(*state);
    say(fd, "HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\nGET /echo?2 HTTP/1.1\r\nHost: x\r\n\r\n");
    const char *answer = hear(fd, "/echo|2|");
    assert_has(answer, "Content-Length: 12");
    assert_has_not(answer, "/echo||");
    close(fd);
}

/* What follows belongs to the header before, and may be a refusal that nobody would see. */
static void a_folded_header_line_is_refused(void **state)
{
    static const char *const FOLDED[] = {
        "GET /echo HTTP/1.1\r\nHost: x\r\nCookie: a=b;\r\n footfall_optout=1\r\n\r\n",
        "GET /echo HTTP/1.1\r\nHost: x\r\nSec-GPC:\r\n\t1\r\nAccept: y\r\n\r\n",
        "GET /nothing HTTP/1.1\r\nHost: x\r\nX-Many: 1\r\n 2\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(FOLDED); i++) {
        const char *answer = ask(*state, FOLDED[i], "}");
        assert_has(answer, " 400 ");
        assert_has(answer, "{\"error\":\"a header stands on more than one line\"}");
    }
}

static void a_body_below_at_and_above_the_cap(void **state)
{
    for (int len = BODY_MAX - 1; len <= BODY_MAX + 1; len++) {
        char request[400];
        snprintf(request, sizeof(request),
                 "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%0*d", len, len, 7);
        assert_has(ask(*state, request, "\r\n\r\n"), len > BODY_MAX ? " 413 " : " 200 ");
    }
    assert_has(ask(*state, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
                   "\r\n\r\n"),
               " 413 ");
}

static void a_held_reply_comes_later(void **state)
{
    struct fixture *fixture = *state;
    int fd = ask_held(fixture);
    assert_has(ask(fixture, "GET /release HTTP/1.1\r\nHost: x\r\n\r\n", "there"), "there");
    assert_has(hear(fd, "\r\n\r\n"), " 204 ");
    /* The connection serves on. */
    say(fd, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_has(hear(fd, "/echo|"), " 200 ");
    close(fd);
}

/* libh2o does not read while a reply is due, so a vanished client shows only when written to. */
static void a_client_who_left_harms_nothing(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 3; i++) {
        close(ask_held(fixture));
        usleep(20000);
        (void)ask(fixture, "GET /release HTTP/1.1\r\nHost: x\r\n\r\n", "e");
    }
    assert_has(ask(fixture, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", "/echo|"), " 200 ");
}

static void a_stream_sends_the_newest(void **state)
{
    struct fixture *fixture = *state;
    int fd = dial(fixture);
    say(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    const char *answer = hear(fd, ": footfall");
    assert_has(answer, "content-type: text/event-stream");
    (void)ask(fixture, "GET /tell HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n");
    assert_has(hear(fd, "newest"), "data: newest");
    close(fd);
    for (int i = 0; i < 100 && atomic_load(&fixture->stream_closed) == 0; i++) {
        (void)ask(fixture, "GET /tell HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n");
        usleep(10000);
    }
    assert_int_equal(atomic_load(&fixture->stream_closed), 1);
}

static void connections_are_capped_and_come_back(void **state)
{
    struct fixture *fixture = *state;
    int fds[CONNECTIONS_MAX];
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        fds[i] = dial(fixture);
        say(fds[i], "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_has(hear(fds[i], "/echo|"), " 200 ");
    }
    int late = dial(fixture); /* the kernel's backlog takes it */
    say(late, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    struct pollfd poll_fd = {.fd = late, .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, 200), 0);
    close(fds[0]);
    assert_has(hear(late, "/echo|"), " 200 ");
    close(late);
    for (int i = 1; i < CONNECTIONS_MAX; i++)
        close(fds[i]);
}

static void http2_is_refused(void **state)
{
    const char *answer = ask(*state, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\r\n\r\n");
    assert_has_not(answer, " 200 ");
    assert_has_not(answer, " 101 ");
    answer = ask(*state,
                 "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                 "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
                 "/echo|");
    assert_has(answer, "HTTP/1.1 200 ");
    assert_has_not(answer, " 101 ");
}

/* A request hidden in what a front takes for a body gets no answer where connections close. */
static void after_a_body_the_connection_closes_when_asked(void **state)
{
    static const char SMUGGLED[] =
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 49\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\nGET /echo?hidden HTTP/1.1\r\nHost: x\r\n\r\n";
    struct fixture *fixture = *state;
    fixture->close_after_body = true;
    int fd = dial(fixture);
    say(fd, SMUGGLED);
    const char *answer = hear(fd, "hidden");
    assert_has(answer, "HTTP/1.1 ");
    assert_has_not(answer, "hidden");
    assert_true(is_closed(fd));
    close(fd);
}

static void a_stop_waits_for_what_is_under_way(void **state)
{
    struct fixture *fixture = *state;
    int fd = ask_held(fixture);
    int idle = dial(fixture);
    say(idle, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_has(hear(idle, "/echo|"), " 200 ");
    atomic_store(&fixture->drains, 3);
    http_server_stop(fixture->server);
    int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
    while (atomic_load(&fixture->drains) == 3) {
        assert_true(clock_mono_ms() < deadline_ms);
        usleep(1000);
    }
    /* An open connection is still served, and told that it is the last time. */
    say(idle, "GET /release HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_has(hear(idle, "there"), "onnection: close");
    assert_has(hear(fd, "\r\n\r\n"), " 204 ");
    close(fd);
    close(idle);
}

static void a_taken_port_and_a_bad_address_are_said(void **state)
{
    struct fixture *fixture = *state;
    char listen_at[40], error[200];
    struct http_options options = options_of(fixture);
    snprintf(listen_at, sizeof(listen_at), "127.0.0.1:%u", http_server_port(fixture->server));
    options.listen = listen_at;
    assert_null(http_server_new(&options, error, sizeof(error)));
    assert_has(error, "already listens on 127.0.0.1:");
    options.listen = "localhost";
    assert_null(http_server_new(&options, error, sizeof(error)));
    assert_has(error, "is not an address and a port");
}

static int count_answered(const int *fds, int count)
{
    int answered = 0;
    for (int i = 0; i < count; i++) {
        struct pollfd poll_fd = {.fd = fds[i], .events = POLLIN};
        answered += poll(&poll_fd, 1, 0) == 1;
    }
    return answered;
}

/* At a descriptor too many the listener would spin: it is ready and cannot be served. */
static void connections_stay_below_what_the_process_may_open(void **state)
{
    enum { FILES_MAX = 240, CLIENTS = 70 };
    struct fixture fixture = {0};
    struct http_options options = options_of(&fixture);
    struct rlimit files, low;
    char error[200];
    int fds[CLIENTS], served = 0;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    low = (struct rlimit){.rlim_cur = HTTP_FILES_RESERVED + HTTP_FILES_A_WORKER + CLIENTS / 2,
                          .rlim_max = files.rlim_max};
    options.connections_max = 10000;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    fixture.server = http_server_new(&options, error, sizeof(error));
    low.rlim_cur = FILES_MAX;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    pthread_create(&fixture.thread, NULL, run_server, &fixture);
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = dial(&fixture);
        say(fds[i], "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
         served < CLIENTS / 2 && clock_mono_ms() < end_ms; usleep(10000))
        served = count_answered(fds, CLIENTS);
    usleep(100000);
    assert_int_equal(count_answered(fds, CLIENTS), CLIENTS / 2);
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    http_server_stop(fixture.server);
    pthread_join(fixture.thread, NULL);
    http_server_free(fixture.server);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
}

/* They wait in the connection's own buffer and come in order. */
static void requests_behind_a_held_one_wait(void **state)
{
    enum { BEHIND = 1000 };
    static const char REQUEST[] = "GET /below/x HTTP/1.1\r\nHost: x\r\n\r\n";
    struct fixture *fixture = *state;
    int fd = ask_held(fixture), count = 0;
    for (int i = 0; i < BEHIND; i++)
        say(fd, REQUEST);
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, 100), 0);
    assert_has(ask(fixture, "GET /release HTTP/1.1\r\nHost: x\r\n\r\n", "there"), "there");
    /* "/below/x|" stands once in each answer. */
    char buffer[4096];
    size_t matched = 0;
    static const char MARK[] = "/below/x|";
    while (count < BEHIND && poll(&poll_fd, 1, PATIENCE_MS) == 1) {
        ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
        assert_true(got > 0);
        for (ssize_t i = 0; i < got; i++) {
            matched = buffer[i] == MARK[matched] ? matched + 1 : buffer[i] == MARK[0];
            if (matched == sizeof(MARK) - 1) {
                matched = 0;
                count++;
            }
        }
    }
    assert_int_equal(count, BEHIND);
    close(fd);
}

#define http_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        http_test(a_request_is_seen_whole),
        http_test(routes_match_whole_or_by_prefix),
        http_test(a_wrong_method_is_told_the_right_ones),
        http_test(head_gets_the_headers_only),
        http_test(a_folded_header_line_is_refused),
        http_test(a_body_below_at_and_above_the_cap),
        http_test(a_held_reply_comes_later),
        http_test(a_client_who_left_harms_nothing),
        http_test(a_stream_sends_the_newest),
        http_test(connections_are_capped_and_come_back),
        http_test(http2_is_refused),
        http_test(after_a_body_the_connection_closes_when_asked),
        http_test(a_stop_waits_for_what_is_under_way),
        http_test(a_taken_port_and_a_bad_address_are_said),
        http_test(requests_behind_a_held_one_wait),
        cmocka_unit_test(connections_stay_below_what_the_process_may_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

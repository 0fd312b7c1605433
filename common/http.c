/* The HTTP/1.1 server shell over libh2o.
 *
 *   http_server ─┬─ worker 0 (caller's thread) ── loop ── listener (dup of one fd) ── connections
 *                ├─ worker 1 (thread)          ── loop ── …
 *
 * One host, one path "/", one handler: routing is our own table over the raw path, because libh2o
 * prints a path that it cannot normalise. Workers share the listening socket and nothing else.
 *
 * Limits that libh2o leaves to its embedder: connections (the listener pauses at the cap, which is
 * below the number of files that the process may open), accepts a turn, TCP_USER_TIMEOUT against
 * readers that never read, body size, and HTTP/2 off (2.2.5 is not safe with it). Replies larger
 * than the socket's buffer are the library's affair. */

#include "common/http.h"

#include <assert.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/h2o_loop.h"
#include "common/http_stream.h"
#include "common/limits.h"
#include "common/listener.h"

enum { HTTP_TURN_MS = 1000, HTTP_STOP_TURN_MS = 10, HTTP_HANG_UP_TURNS = 100 };

struct http_server {
    struct http_options options;
    struct http_route *routes; /* owned */
    h2o_globalconf_t config;
    int listen_fd;
    uint16_t port;
    struct http_worker *workers;
    atomic_bool stopping;
    atomic_bool running;
    uint32_t stop_deadline_ms;
};

struct http_handler_object {
    h2o_handler_t super;
    struct http_server *server;
};

/* --- Requests -------------------------------------------------------------------------------- */

/* A request of ours is libh2o's under another name: nothing to allocate. */
static h2o_req_t *h2o_of(const struct http_request *req)
{
    return (h2o_req_t *)(uintptr_t)req;
}

static struct http_worker *worker_of(const h2o_req_t *req)
{
    return H2O_STRUCT_FROM_MEMBER(struct http_worker, context, req->conn->ctx);
}

static struct str str_of(h2o_iovec_t iovec)
{
    return (struct str){iovec.base, iovec.len};
}

enum http_method http_request_method(const struct http_request *req)
{
    struct str method = str_of(h2o_of(req)->method);
    if (str_eq(method, STR_LIT("POST")))
        return HTTP_POST;
    if (str_eq(method, STR_LIT("GET")))
        return HTTP_GET;
    if (str_eq(method, STR_LIT("HEAD")))
        return HTTP_HEAD;
    if (str_eq(method, STR_LIT("OPTIONS")))
        return HTTP_OPTIONS;
    return HTTP_OTHER;
}

struct str http_request_path(const struct http_request *req)
{
    struct str path = str_of(h2o_of(req)->path);
    return str_prefix(path, str_find(path, '?'));
}

struct str http_request_query(const struct http_request *req)
{
    struct str path = str_of(h2o_of(req)->path);
    return str_from_at(path, str_find(path, '?') + 1);
}

struct str http_request_body(const struct http_request *req)
{
    struct str body = str_of(h2o_of(req)->entity);
    return body.ptr == NULL ? STR_EMPTY : body;
}

bool http_request_next_header(const struct http_request *req, struct str name, size_t *cursor,
                              struct str *ret_value)
{
    const h2o_headers_t *headers = &h2o_of(req)->headers;
    for (size_t i = *cursor; i < headers->size; i++) {
        const h2o_header_t *header = &headers->entries[i];
        if (header->name == NULL || header->name->len != name.len ||
            memcmp(header->name->base, name.ptr, name.len) != 0)
            continue;
        *cursor = i + 1;
        *ret_value = str_of(header->value);
        return true;
    }
    return false;
}

struct str http_request_header(const struct http_request *req, struct str name)
{
    size_t cursor = 0;
    struct str value = {NULL, 0};
    (void)http_request_next_header(req, name, &cursor, &value);
    return value;
}

struct str http_request_host(const struct http_request *req)
{
    return str_of(h2o_of(req)->authority);
}

void http_request_peer(const struct http_request *req, struct sockaddr_storage *ret_peer)
{
    h2o_conn_t *conn = h2o_of(req)->conn;
    memset(ret_peer, 0, sizeof(*ret_peer));
    if (conn->callbacks->get_peername(conn, (struct sockaddr *)ret_peer) == 0)
        memset(ret_peer, 0, sizeof(*ret_peer));
}

void *http_request_alloc(struct http_request *req, size_t bytes)
{
    return h2o_mem_alloc_pool(&h2o_of(req)->pool, bytes);
}

void *http_request_worker_data(const struct http_request *req)
{
    return worker_of(h2o_of(req))->data;
}

/* --- Replies --------------------------------------------------------------------------------- */

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } REASONS[] = {
        {200, "OK"},
        {202, "Accepted"},
        {204, "No Content"},
        {303, "See Other"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {413, "Payload Too Large"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < ARRAY_LEN(REASONS); i++)
        if (REASONS[i].status == status)
            return REASONS[i].reason;
    return "Unknown";
}

static void add_header(h2o_req_t *req, struct str name, struct str value)
{
    h2o_add_header_by_str(&req->pool, &req->res.headers, name.ptr, name.len, 1, NULL, value.ptr,
                          value.len);
}

static struct str copy_to_pool(h2o_req_t *req, struct str s)
{
    char *copy = h2o_mem_alloc_pool(&req->pool, s.len + 1);
    memcpy(copy, s.ptr, s.len);
    return (struct str){copy, s.len};
}

void http_reply(struct http_request *http_req, const struct http_reply *reply)
{
    static h2o_generator_t generator; /* no callbacks: everything is sent at once */
    h2o_req_t *req = h2o_of(http_req);
    bool has_body = reply->body.len > 0 && reply->status != 204 && reply->status != 304;
    req->res.status = reply->status;
    req->res.reason = reason_of(reply->status);
    if (reply->content_type.len > 0)
        add_header(req, STR_LIT("content-type"), reply->content_type);
    for (size_t i = 0; i < reply->header_count; i++)
        add_header(req, reply->headers[i].name, reply->headers[i].value);
    if (reply->status != 204 && reply->status != 304)
        req->res.content_length = reply->body.len;
    if (reply->close)
        req->http1_is_persistent = 0;
    worker_of(req)->open_requests--;
    h2o_start_response(req, &generator);
    if (!has_body || http_request_method(http_req) == HTTP_HEAD) {
        h2o_send(req, NULL, 0, H2O_SEND_STATE_FINAL);
        return;
    }
    struct str body = reply->body_is_static ? reply->body : copy_to_pool(req, reply->body);
    h2o_iovec_t iovec = h2o_iovec_init(body.ptr, body.len);
    h2o_send(req, &iovec, 1, H2O_SEND_STATE_FINAL);
}

void http_reply_error(struct http_request *req, int status, const char *sentence)
{
    char body[512];
    int len = snprintf(body, sizeof(body), "{\"error\":\"%s\"}\n", sentence);
    assert(len > 0 && (size_t)len < sizeof(body));
    http_reply(req, &(struct http_reply){
                        .status = status,
                        .content_type = STR_LIT("application/json"),
                        .body = {body, (size_t)len},
                        .headers = {{STR_LIT("cache-control"), STR_LIT("no-store")}},
                        .header_count = 1,
                    });
}

/* The block lives in the request's pool; when the pool goes, the holder is told. */
static void on_held_dispose(void *block)
{
    struct http_held **link = block;
    if (*link == NULL)
        return;
    worker_of(h2o_of((*link)->req))->open_requests--;
    (*link)->req = NULL;
    (*link)->link = NULL;
}

void http_request_hold(struct http_request *req, struct http_held *held)
{
    struct http_held **link =
        h2o_mem_alloc_shared(&h2o_of(req)->pool, sizeof(*link), on_held_dispose);
    *link = held;
    held->req = req;
    held->link = link;
}

void http_held_reply(struct http_held *held, const struct http_reply *reply)
{
    struct http_request *req = held->req;
    struct http_held **link = held->link;
    if (req == NULL)
        return;
    *link = NULL;
    *held = (struct http_held){0};
    http_reply(req, reply);
}

/* --- Routing --------------------------------------------------------------------------------- */

static const struct http_route *find_route(const struct http_server *server, struct str path)
{
    for (size_t i = 0; i < server->options.route_count; i++) {
        const struct http_route *route = &server->routes[i];
        if (route->prefix ? str_starts_with(path, route->path) : str_eq(path, route->path))
            return route;
    }
    return NULL;
}

static void reply_method_not_allowed(struct http_request *req, const struct http_route *route)
{
    static const struct {
        unsigned methods;
        struct str allow;
    } ALLOWS[] = {
        {1u << HTTP_GET, STR_LIT("GET, HEAD")},
        {1u << HTTP_POST, STR_LIT("POST")},
        {1u << HTTP_GET | 1u << HTTP_POST, STR_LIT("GET, HEAD, POST")},
        {1u << HTTP_POST | 1u << HTTP_OPTIONS, STR_LIT("OPTIONS, POST")},
        {1u << HTTP_GET | 1u << HTTP_OPTIONS, STR_LIT("GET, HEAD, OPTIONS")},
        {1u << HTTP_GET | 1u << HTTP_POST | 1u << HTTP_OPTIONS,
         STR_LIT("GET, HEAD, OPTIONS, POST")},
    };
    struct str allow = STR_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(ALLOWS); i++)
        if (ALLOWS[i].methods == route->methods)
            allow = ALLOWS[i].allow;
    http_reply(req, &(struct http_reply){
                        .status = 405,
                        .content_type = STR_LIT("application/json"),
                        .body = STR_LIT("{\"error\":\"this address does not take that method\"}\n"),
                        .body_is_static = true,
                        .headers = {{STR_LIT("allow"), allow}},
                        .header_count = 1,
                    });
}

/* libh2o hands a folded line on as a header with an empty name, so nobody who asks for a header by
 * its name would see the rest of it. No browser folds. */
static bool has_folded_header(const h2o_req_t *req)
{
    for (size_t i = 0; i < req->headers.size; i++)
        if (req->headers.entries[i].name->len == 0)
            return true;
    return false;
}

static int on_request(h2o_handler_t *super, h2o_req_t *h2o_req)
{
    struct http_server *server = ((struct http_handler_object *)super)->server;
    struct http_worker *worker = worker_of(h2o_req);
    struct http_request *req = (struct http_request *)h2o_req;
    worker->open_requests++;
    if (worker->listener == NULL)
        h2o_req->http1_is_persistent = 0; /* stopping */
    if (server->options.close_after_body != NULL &&
        (h2o_req->entity.base != NULL || http_request_method(req) == HTTP_OTHER) &&
        server->options.close_after_body(req, worker->data))
        h2o_req->http1_is_persistent = 0;
    if (has_folded_header(h2o_req)) {
        http_reply_error(req, 400, "a header stands on more than one line");
        return 0;
    }
    const struct http_route *route = find_route(server, http_request_path(req));
    if (route == NULL) {
        http_reply_error(req, 404, "there is nothing at this address");
        return 0;
    }
    enum http_method method = http_request_method(req);
    if ((route->methods & 1u << (method == HTTP_HEAD ? HTTP_GET : method)) == 0)
        reply_method_not_allowed(req, route);
    else if (h2o_req->entity.len <= server->options.body_bytes_max)
        route->handler(req, worker->data);
    else if (server->options.on_too_large != NULL)
        server->options.on_too_large(req, worker->data);
    else
        http_reply_error(req, 413, "the body is too large");
    return 0;
}

/* --- Connections ----------------------------------------------------------------------------- */

static void on_accept(h2o_socket_t *listener, const char *err);

static bool has_room(const struct http_worker *worker)
{
    const struct http_options *options = &worker->server->options;
    return worker->connection_count <
           (options->connections_max + options->workers - 1) / options->workers;
}

/* So that a stopping worker can end connections that libh2o keeps. */
struct connection {
    struct http_worker *worker;
    h2o_socket_t *socket;
    struct connection *next, **link;
};

static void on_connection_closed(void *data)
{
    struct connection *connection = data;
    struct http_worker *worker = connection->worker;
    *connection->link = connection->next;
    if (connection->next != NULL)
        connection->next->link = connection->link;
    free(connection);
    worker->connection_count--;
    if (worker->listener != NULL && !h2o_socket_is_reading(worker->listener) && has_room(worker))
        h2o_socket_read_start(worker->listener, on_accept);
}

static void watch_connection(struct http_worker *worker, h2o_socket_t *socket)
{
    struct connection *connection = malloc(sizeof(*connection));
    if (connection == NULL)
        abort();
    *connection = (struct connection){worker, socket, worker->connections, &worker->connections};
    if (connection->next != NULL)
        connection->next->link = &connection->next;
    worker->connections = connection;
    worker->connection_count++;
    socket->on_close.cb = on_connection_closed;
    socket->on_close.data = connection;
}

static void on_accept(h2o_socket_t *listener, const char *err)
{
    struct http_worker *worker = listener->data;
    if (err != NULL)
        return;
    for (int i = 0; i < HTTP_ACCEPTS_PER_TURN_MAX; i++) {
        if (!has_room(worker)) {
            h2o_socket_read_stop(listener);
            return;
        }
        h2o_socket_t *socket = h2o_evloop_socket_accept(listener);
        if (socket == NULL)
            return;
        unsigned timeout_ms = HTTP_USER_TIMEOUT_MS;
        (void)setsockopt(h2o_socket_get_fd(socket), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
                         sizeof(timeout_ms));
        watch_connection(worker, socket);
        h2o_accept(&worker->accept, socket);
    }
}

/* --- Workers --------------------------------------------------------------------------------- */

static void worker_start(struct http_worker *worker)
{
    struct http_server *server = worker->server;
    h2o_context_init(&worker->context, worker->loop->h2o, &server->config);
    worker->accept = (h2o_accept_ctx_t){.ctx = &worker->context, .hosts = server->config.hosts};
    http_streams_start(worker);
    if (server->options.on_worker_start != NULL)
        worker->data = server->options.on_worker_start(worker->loop, worker->index,
                                                       server->options.server_data);
    int fd = fcntl(server->listen_fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        abort();
    worker->listener = h2o_evloop_socket_create(worker->loop->h2o, fd, H2O_SOCKET_FLAG_DONT_READ);
    worker->listener->data = worker;
    h2o_socket_read_start(worker->listener, on_accept);
}

/* What is left are idle connections, and clients that do not read: libh2o closes them by itself
 * when their sockets are shut. */
static void worker_hang_up(struct http_worker *worker)
{
    for (struct connection *c = worker->connections; c != NULL; c = c->next)
        (void)shutdown(h2o_socket_get_fd(c->socket), SHUT_RDWR);
    for (int i = 0; i < HTTP_HANG_UP_TURNS && worker->connection_count > 0; i++)
        loop_turn(worker->loop, HTTP_STOP_TURN_MS);
}

/* Listener first, so that a successor gets every new connection; then what is under way. */
static void worker_drain(struct http_worker *worker)
{
    const struct http_options *options = &worker->server->options;
    int64_t deadline_ms = clock_mono_ms() + worker->server->stop_deadline_ms;
    h2o_socket_read_stop(worker->listener);
    h2o_socket_close(worker->listener);
    worker->listener = NULL;
    http_streams_stop(worker);
    bool done = false;
    while (clock_mono_ms() < deadline_ms && !(done && worker->open_requests == 0)) {
        loop_turn(worker->loop, HTTP_STOP_TURN_MS);
        done = options->on_stop == NULL || options->on_stop(worker->data);
    }
}

static void *worker_run(void *data)
{
    struct http_worker *worker = data;
    const struct http_options *options = &worker->server->options;
    worker_start(worker);
    while (!atomic_load(&worker->server->stopping)) {
        loop_turn(worker->loop, HTTP_TURN_MS);
        if (options->on_turn != NULL)
            options->on_turn(worker->data);
    }
    worker_drain(worker);
    worker_hang_up(worker);
    if (options->on_worker_end != NULL)
        options->on_worker_end(worker->data);
    if (worker->connection_count > 0)
        return NULL; /* a connection holds on to the context */
    /* libh2o's memory is of this thread, and must not outlive it. */
    h2o_context_dispose(&worker->context);
    loop_end(worker->loop);
    worker->has_ended = true;
    return NULL;
}

/* --- The server ------------------------------------------------------------------------------ */

static void configure(struct http_server *server)
{
    h2o_config_init(&server->config);
    server->config.server_name = h2o_iovec_init("", 0);
    server->config.http1.upgrade_to_http2 = 0;
    server->config.http1.req_timeout = HTTP_REQUEST_TIMEOUT_MS;
    /* Some room over our own bound, so that the answer is ours. */
    server->config.max_request_entity_size = 2 * server->options.body_bytes_max;
    h2o_hostconf_t *host =
        h2o_config_register_host(&server->config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    path->error_log.emit_request_errors = 0;
    struct http_handler_object *handler =
        (struct http_handler_object *)h2o_create_handler(path, sizeof(*handler));
    handler->super.on_req = on_request;
    handler->server = server;
}

/* At a descriptor too many the listener would spin, since it is ready and cannot be served. */
static unsigned connections_bound(const struct http_options *options)
{
    struct rlimit files;
    rlim_t taken = HTTP_FILES_RESERVED + (rlim_t)HTTP_FILES_A_WORKER * options->workers;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY ||
        files.rlim_cur >= taken + options->connections_max)
        return options->connections_max;
    return files.rlim_cur < taken + options->workers ? options->workers
                                                     : (unsigned)(files.rlim_cur - taken);
}

struct http_server *http_server_new(const struct http_options *options, char *error,
                                    size_t error_bytes)
{
    assert(options->workers >= 1 && options->workers <= HTTP_WORKERS_MAX);
    assert(options->connections_max >= options->workers && options->body_bytes_max > 0);
    int fd = listener_open(options->listen, error, error_bytes);
    if (fd < 0)
        return NULL;
    struct http_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        abort();
    server->options = *options;
    server->options.connections_max = connections_bound(options);
    server->routes = calloc(options->route_count + 1, sizeof(*server->routes));
    server->workers = calloc(options->workers, sizeof(*server->workers));
    if (server->routes == NULL || server->workers == NULL)
        abort();
    memcpy(server->routes, options->routes, options->route_count * sizeof(*server->routes));
    server->listen_fd = fd;
    server->port = listener_port(fd);
    configure(server);
    for (unsigned i = 0; i < options->workers; i++) {
        server->workers[i].server = server;
        server->workers[i].index = i;
        server->workers[i].loop = loop_new();
    }
    return server;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

unsigned http_server_workers(const struct http_server *server)
{
    return server->options.workers;
}

unsigned http_server_connections(const struct http_server *server, unsigned index)
{
    assert(index < server->options.workers);
    return server->workers[index].connection_count;
}

void http_server_run(struct http_server *server, uint32_t stop_deadline_ms)
{
    signal(SIGPIPE, SIG_IGN);
    server->stop_deadline_ms = stop_deadline_ms;
    for (unsigned i = 1; i < server->options.workers; i++)
        if (pthread_create(&server->workers[i].thread, NULL, worker_run, &server->workers[i]) != 0)
            abort();
    (void)worker_run(&server->workers[0]);
    for (unsigned i = 1; i < server->options.workers; i++)
        pthread_join(server->workers[i].thread, NULL);
}

static void wake(void *data)
{
    (void)data;
}

void http_server_stop(struct http_server *server)
{
    atomic_store(&server->stopping, true);
    for (unsigned i = 0; i < server->options.workers; i++)
        loop_post(server->workers[i].loop, wake, NULL);
}

struct worker_message {
    struct http_worker *worker;
    void (*fn)(void *worker_data, void *data);
    void *data;
};

static void on_worker_message(void *data)
{
    struct worker_message *message = data;
    message->fn(message->worker->data, message->data);
    free(message);
}

void http_server_post(struct http_server *server, unsigned index,
                      void (*fn)(void *worker_data, void *data), void *data)
{
    assert(index < server->options.workers);
    struct worker_message *message = malloc(sizeof(*message));
    if (message == NULL)
        abort();
    *message = (struct worker_message){&server->workers[index], fn, data};
    loop_post(server->workers[index].loop, on_worker_message, message);
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    bool clean = true;
    for (unsigned i = 0; i < server->options.workers; i++) {
        struct http_worker *worker = &server->workers[i];
        if (worker->has_ended || worker->accept.ctx == NULL)
            loop_free(worker->loop);
        else
            clean = false;
    }
    listener_close(server->listen_fd, server->options.listen);
    if (!clean)
        return; /* the process is about to end; the kernel closes what is left */
    h2o_config_dispose(&server->config);
    free(server->workers);
    free(server->routes);
    free(server);
}

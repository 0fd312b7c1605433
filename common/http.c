/* The HTTP/1.1 server shell over libh2o.
 *
 *   http_server ─┬─ worker 0 (caller's thread) ── loop ── listener (dup of one fd) ── connections
 *                ├─ worker 1 (thread)          ── loop ── …
 *
 * One host, one path "/", one handler: routing is our own table over the raw path, because libh2o
 * prints a path that it cannot normalise. Workers share the listening socket and nothing else.
 *
 * Limits that libh2o leaves to its embedder: connections and those who do not read
 * (http_connection.c), the bytes of replies that wait for their readers (http_request.c), body
 * size, and HTTP/2 off (2.2.5 is not safe with it). */

#include "common/http.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/h2o_loop.h"
#include "common/http_worker.h"
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
    uint32_t stop_deadline_ms;
};

struct http_handler_object {
    h2o_handler_t super;
    struct http_server *server;
};

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
    struct http_worker *worker = http_worker_of(h2o_req);
    struct http_request *req = (struct http_request *)h2o_req;
    worker->open_requests++;
    if (worker->listener == NULL)
        h2o_req->http1_is_persistent = 0; /* stopping */
    if (server->options.close_after_body != NULL &&
        (h2o_req->entity.base != NULL || http_request_method(req) == HTTP_OTHER) &&
        server->options.close_after_body(req, worker->data))
        h2o_req->http1_is_persistent = 0;
    if (has_folded_header(h2o_req)) {
        h2o_req->http1_is_persistent = 0; /* a length may stand in it, and a body follow */
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
    http_connections_start(worker, fd);
}

/* What is left are idle connections, and clients that do not read: libh2o closes them by itself
 * when their sockets are shut. */
static void worker_hang_up(struct http_worker *worker)
{
    http_connections_stop(worker);
    for (int i = 0; i < HTTP_HANG_UP_TURNS && worker->connection_count > 0; i++)
        loop_turn(worker->loop, HTTP_STOP_TURN_MS);
}

/* Listener first, so that a successor gets every new connection; then what is under way. */
static void worker_drain(struct http_worker *worker)
{
    const struct http_options *options = &worker->server->options;
    int64_t deadline_ms = clock_mono_ms() + worker->server->stop_deadline_ms;
    http_connections_refuse(worker);
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
        server->workers[i].connections_max =
            (server->options.connections_max + options->workers - 1) / options->workers;
        server->workers[i].input_bytes_max =
            HTTP_HEAD_BYTES_MAX + server->config.max_request_entity_size;
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

uint64_t http_server_connections_ended(const struct http_server *server, unsigned index)
{
    assert(index < server->options.workers);
    return server->workers[index].connections_ended;
}

uint64_t http_server_replies_refused(const struct http_server *server, unsigned index)
{
    assert(index < server->options.workers);
    return server->workers[index].replies_refused;
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

static void on_dropped_message(void *data)
{
    struct worker_message *message = data;
    message->fn(NULL, message->data);
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
    loop_post_or_drop(server->workers[index].loop, on_worker_message, on_dropped_message, message);
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

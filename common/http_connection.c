/* A worker's connections: accepted up to a cap, and ended when nobody reads what they are sent, or
 * when they send more than a request can be.
 *
 * libh2o takes a head of 400 KiB from each, and keeps it until it is whole or its time is over. So
 * a tick looks at what it holds, several times a second: what comes in between is bounded by the
 * line.
 *
 * libh2o ends whoever is slow in sending (HTTP_REQUEST_TIMEOUT_MS) and has no time-out for writing.
 * TCP_USER_TIMEOUT ends a peer that is gone, and on most kernels one whose window stays shut; it
 * does not end one who takes a few bytes now and then. So a tick looks at each connection:
 *
 *   nothing for the peer to take ──▶ no window
 *   something ──▶ a window opens: within HTTP_READER_TIMEOUT_MS the peer takes all of it, or
 *                 HTTP_READER_BYTES_MIN ──▶ next window;  or does not ──▶ reset
 *
 * What the peer has taken is what its kernel has acknowledged, so a small message in the socket's
 * buffer counts as little as one that is still ours. A socket that is reset gives its buffers back
 * at once; libh2o learns of it by its own error path, and ends what belongs to the connection. */

#include <assert.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/http_worker.h"
#include "common/limits.h"

enum { READERS_TICK_MS = 1000, SENDERS_TICK_MS = 200, CROWD_MIN = 64 };

struct connection {
    struct http_worker *worker;
    h2o_socket_t *socket;
    struct connection *next, **link;
    int64_t window_ms; /* since when; 0: nothing to take */
    uint64_t goal;     /* taken in all, for the window to end well */
    bool was_reset;    /* libh2o learns of it in a turn or two */
};

/* --- Readers --------------------------------------------------------------------------------- */

/* What the peer could take now, of the kernel's: less than what there is while we still write. */
static uint64_t bytes_offered(const struct connection *connection)
{
    int bytes = 0;
    if (ioctl(h2o_socket_get_fd(connection->socket), SIOCOUTQ, &bytes) != 0 || bytes < 0)
        return 0;
    return (uint64_t)bytes;
}

/* False on a Unix socket: there the peer is a front of the operator's, with time-outs of its own.
 */
static bool bytes_taken(const struct connection *connection, uint64_t *ret_bytes)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);
    if (getsockopt(h2o_socket_get_fd(connection->socket), IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return false;
    *ret_bytes = info.tcpi_bytes_acked;
    return true;
}

/* False when the peer's time is over. */
static bool reader_keeps_up(struct connection *connection, int64_t now_ms)
{
    uint64_t taken, offered = bytes_offered(connection);
    if (offered == 0 || !bytes_taken(connection, &taken)) {
        connection->window_ms = 0;
        return true;
    }
    if (connection->window_ms == 0 || taken >= connection->goal) {
        bool writing = h2o_socket_is_writing(connection->socket);
        connection->window_ms = now_ms;
        connection->goal =
            taken + (writing || offered > HTTP_READER_BYTES_MIN ? HTTP_READER_BYTES_MIN : offered);
    }
    return now_ms - connection->window_ms < HTTP_READER_TIMEOUT_MS;
}

static void reset(struct connection *connection)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int fd = h2o_socket_get_fd(connection->socket);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    (void)shutdown(fd, SHUT_RDWR);
    connection->was_reset = true;
}

/* Where a crowd of connections was, the heap is full of holes between what lives on, and the next
 * crowd's buffers do not fit in them. So the holes go back when three quarters have left. */
static void give_memory_back(struct http_worker *worker)
{
    if (worker->connection_count > worker->crowd) {
        worker->crowd = worker->connection_count;
    } else if (worker->crowd >= CROWD_MIN && worker->connection_count < worker->crowd / 4) {
        worker->crowd = worker->connection_count;
        (void)malloc_trim(0);
    }
}

static void on_readers_tick(void *data)
{
    struct http_worker *worker = data;
    int64_t now_ms = clock_mono_ms();
    give_memory_back(worker);
    for (struct connection *c = worker->connections; c != NULL; c = c->next) {
        if (c->was_reset || reader_keeps_up(c, now_ms))
            continue;
        worker->connections_ended++;
        reset(c);
    }
}

/* --- Senders --------------------------------------------------------------------------------- */

static void on_senders_tick(void *data)
{
    struct http_worker *worker = data;
    for (struct connection *c = worker->connections; c != NULL; c = c->next) {
        if (c->was_reset || c->socket->input->size <= worker->input_bytes_max)
            continue;
        worker->connections_ended++;
        reset(c);
    }
}

/* --- Accepting ------------------------------------------------------------------------------- */

static void on_accept(h2o_socket_t *listener, const char *err);

static bool has_room(const struct http_worker *worker)
{
    return worker->connection_count < worker->connections_max;
}

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
    *connection = (struct connection){.worker = worker,
                                      .socket = socket,
                                      .next = worker->connections,
                                      .link = &worker->connections};
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

/* --- For the worker -------------------------------------------------------------------------- */

void http_connections_start(struct http_worker *worker, int listen_fd)
{
    worker->listener =
        h2o_evloop_socket_create(worker->loop->h2o, listen_fd, H2O_SOCKET_FLAG_DONT_READ);
    worker->listener->data = worker;
    worker->readers_tick = loop_timer_new(worker->loop, READERS_TICK_MS, on_readers_tick, worker);
    worker->senders_tick = loop_timer_new(worker->loop, SENDERS_TICK_MS, on_senders_tick, worker);
    h2o_socket_read_start(worker->listener, on_accept);
}

void http_connections_refuse(struct http_worker *worker)
{
    h2o_socket_read_stop(worker->listener);
    h2o_socket_close(worker->listener);
    worker->listener = NULL;
}

void http_connections_stop(struct http_worker *worker)
{
    loop_timer_free(worker->readers_tick);
    loop_timer_free(worker->senders_tick);
    worker->readers_tick = worker->senders_tick = NULL;
    for (struct connection *c = worker->connections; c != NULL; c = c->next)
        (void)shutdown(h2o_socket_get_fd(c->socket), SHUT_RDWR);
}

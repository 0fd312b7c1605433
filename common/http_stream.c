/* Server-sent event streams over libh2o.
 *
 * The library takes one send at a time and asks for the next by `proceed`; what arrives meanwhile
 * replaces what waits, since only the newest snapshot matters. A quiet stream gets a comment, so
 * that a vanished reader is found; one who is there and does not read loses the connection
 * (http_connection.c), of which libh2o tells by `stop`. */

#include "common/http_worker.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/limits.h"

enum { STREAM_TICK_MS = 1000, STREAM_HEARTBEAT_MS = 15000 };
static const size_t STREAM_BYTES_MAX = 64 * 1024;

struct http_stream {
    h2o_generator_t super;
    h2o_req_t *req;
    struct http_worker *worker;
    struct http_stream *next, **link;
    struct buf sending, waiting;
    bool in_flight, has_waiting;
    int64_t sent_at_ms;
    loop_fn on_close;
    void *data;
};

static void stream_free(struct http_stream *stream)
{
    *stream->link = stream->next;
    if (stream->next != NULL)
        stream->next->link = stream->link;
    stream->worker->stream_count--;
    loop_fn on_close = stream->on_close;
    void *data = stream->data;
    buf_done(&stream->sending);
    buf_done(&stream->waiting);
    free(stream);
    on_close(data);
}

static void send_now(struct http_stream *stream)
{
    struct buf swap = stream->sending;
    stream->sending = stream->waiting;
    stream->waiting = swap;
    buf_reset(&stream->waiting);
    stream->has_waiting = false;
    stream->in_flight = true;
    stream->sent_at_ms = clock_mono_ms();
    h2o_iovec_t iovec = h2o_iovec_init(stream->sending.ptr, stream->sending.len);
    h2o_send(stream->req, &iovec, 1, H2O_SEND_STATE_IN_PROGRESS);
}

static void on_proceed(h2o_generator_t *super, h2o_req_t *req)
{
    struct http_stream *stream = H2O_STRUCT_FROM_MEMBER(struct http_stream, super, super);
    (void)req;
    stream->in_flight = false;
    if (stream->has_waiting)
        send_now(stream);
}

static void on_stop(h2o_generator_t *super, h2o_req_t *req)
{
    (void)req;
    stream_free(H2O_STRUCT_FROM_MEMBER(struct http_stream, super, super));
}

struct http_stream *http_stream_start(struct http_request *http_req, loop_fn on_close, void *data)
{
    h2o_req_t *req = (h2o_req_t *)http_req;
    struct http_worker *worker = http_worker_of(req);
    if (worker->stream_count >= LIVE_STREAMS_MAX || worker->listener == NULL)
        return NULL;
    struct http_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL)
        abort();
    *stream = (struct http_stream){.super = {on_proceed, on_stop},
                                   .req = req,
                                   .worker = worker,
                                   .next = worker->streams,
                                   .link = &worker->streams,
                                   .on_close = on_close,
                                   .data = data};
    if (stream->next != NULL)
        stream->next->link = &stream->next;
    worker->streams = stream;
    worker->stream_count++;
    worker->open_requests--;
    buf_init(&stream->sending, STREAM_BYTES_MAX);
    buf_init(&stream->waiting, STREAM_BYTES_MAX);

    req->res.status = 200;
    req->res.reason = "OK";
    req->compress_hint = H2O_COMPRESS_HINT_DISABLE;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT("text/event-stream"));
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CACHE_CONTROL, NULL,
                   H2O_STRLIT("no-store"));
    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("x-accel-buffering"), 0, NULL,
                          H2O_STRLIT("no"));
    h2o_start_response(req, &stream->super);
    http_stream_send(stream, STR_LIT(": footfall\n\n"));
    return stream;
}

void http_stream_send(struct http_stream *stream, struct str bytes)
{
    buf_reset(&stream->waiting);
    buf_append_str(&stream->waiting, bytes);
    stream->has_waiting = bytes.len > 0 && !stream->waiting.overflow;
    if (stream->has_waiting && !stream->in_flight)
        send_now(stream);
}

void http_stream_end(struct http_stream *stream)
{
    h2o_req_t *req = stream->req;
    if (stream->in_flight) {
        /* One send at a time: closing the socket lets the library tell `stop`. */
        (void)shutdown(h2o_socket_get_fd(req->conn->callbacks->get_socket(req->conn)), SHUT_RDWR);
        return;
    }
    req->http1_is_persistent = 0;
    stream_free(stream);
    h2o_send(req, NULL, 0, H2O_SEND_STATE_FINAL);
}

static void on_stream_tick(void *data)
{
    struct http_worker *worker = data;
    int64_t now_ms = clock_mono_ms();
    struct http_stream *next;
    for (struct http_stream *stream = worker->streams; stream != NULL; stream = next) {
        next = stream->next;
        if (!stream->in_flight && now_ms - stream->sent_at_ms > STREAM_HEARTBEAT_MS)
            http_stream_send(stream, STR_LIT(": still here\n\n"));
    }
}

void http_streams_start(struct http_worker *worker)
{
    worker->stream_tick = loop_timer_new(worker->loop, STREAM_TICK_MS, on_stream_tick, worker);
}

void http_streams_stop(struct http_worker *worker)
{
    struct http_stream *next;
    for (struct http_stream *stream = worker->streams; stream != NULL; stream = next) {
        next = stream->next;
        http_stream_end(stream);
    }
    loop_timer_free(worker->stream_tick);
    worker->stream_tick = NULL;
}

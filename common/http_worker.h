#pragma once

/* The inside of a worker, for http.c, http_request.c and http_stream.c. */

#include <h2o.h>
#include <pthread.h>

#include "common/h2o_loop.h"
#include "common/http.h"

struct http_worker {
    struct http_server *server;
    unsigned index;
    pthread_t thread;
    struct loop *loop;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    h2o_socket_t *listener;         /* NULL once stopping */
    struct connection *connections; /* http.c's */
    unsigned connection_count;
    unsigned open_requests; /* not replied to yet */
    bool has_ended;
    void *data; /* of on_worker_start */
    struct http_stream *streams;
    unsigned stream_count;
    struct loop_timer *stream_tick;
};

/* The worker that a request came to. */
static inline struct http_worker *http_worker_of(const h2o_req_t *req)
{
    return H2O_STRUCT_FROM_MEMBER(struct http_worker, context, req->conn->ctx);
}

/* Server-sent event streams: http_stream.c. */
void http_streams_start(struct http_worker *worker);
/* Ends every stream. */
void http_streams_stop(struct http_worker *worker);

#pragma once

/* The inside of a worker, for http.c and the other http_*.c. */

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
    struct connection *connections; /* http_connection.c's */
    unsigned connection_count, connections_max;
    unsigned crowd;         /* the most connections since memory was given back */
    size_t input_bytes_max; /* that a connection may send without being answered */
    struct loop_timer *readers_tick, *senders_tick;
    uint64_t connections_ended; /* since nobody read, or for what they sent */
    size_t reply_bytes;         /* copied for replies whose readers have not taken them yet */
    uint64_t replies_refused;   /* for want of room in these */
    unsigned open_requests;     /* not replied to yet */
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

/* Connections: http_connection.c. Takes the descriptor and accepts from now on. */
void http_connections_start(struct http_worker *worker, int listen_fd);
/* No more are accepted; those that are open go on. */
void http_connections_refuse(struct http_worker *worker);
/* Shuts what is left, idle connections and clients that do not read: libh2o closes them by itself.
 */
void http_connections_stop(struct http_worker *worker);

/* Server-sent event streams: http_stream.c. */
void http_streams_start(struct http_worker *worker);
/* Ends every stream. */
void http_streams_stop(struct http_worker *worker);

#pragma once

/* The HTTP/1.1 server shell over libh2o: listeners, workers, limits, requests and replies.
 *
 * The only code, with loop.c and redis_link.c, that knows libh2o. Every worker is a thread with its
 * own event loop; a request lives and dies on its worker's thread. HTTP/2 is off. Slices of a
 * request point into its memory and die with it. */

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/loop.h"
#include "common/macros.h"
#include "common/str.h"

struct http_server;
struct http_worker;
struct http_request;

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_OPTIONS, HTTP_OTHER };

/* --- Requests ------------------------------------------------------------------------------- */
enum http_method http_request_method(const struct http_request *req);
/* Raw path without query; query without '?', empty where there is none. */
struct str http_request_path(const struct http_request *req);
struct str http_request_query(const struct http_request *req);
struct str http_request_body(const struct http_request *req);
/* First header of this (lower-case) name; ptr NULL when absent. */
struct str http_request_header(const struct http_request *req, struct str name);
/* All headers of a name: start with *cursor = 0; false when there is no more. */
bool http_request_next_header(const struct http_request *req, struct str name, size_t *cursor,
                              struct str *ret_value);
/* The Host header, as sent. */
struct str http_request_host(const struct http_request *req);
/* The peer's address; zeroed (AF_UNSPEC) when it is not known. */
void http_request_peer(const struct http_request *req, struct sockaddr_storage *ret_peer);
/* Memory that lives as long as the request. */
void *http_request_alloc(struct http_request *req, size_t bytes);
/* What on_worker_start returned. */
void *http_request_worker_data(const struct http_request *req);

/* --- Replies -------------------------------------------------------------------------------- */
struct http_header {
    struct str name; /* lower case; static or of the request's memory */
    struct str value;
};

enum { HTTP_REPLY_HEADERS_MAX = 12 };

struct http_reply {
    int status;
    struct str content_type; /* empty: none */
    struct str body;         /* copied, unless body_is_static */
    bool body_is_static;
    bool close; /* close the connection after this reply */
    struct http_header headers[HTTP_REPLY_HEADERS_MAX];
    size_t header_count;
};

/* Exactly once a request; the request may be gone afterwards. HEAD gets the headers only. A copied
 * body that HTTP_REPLY_BYTES_MAX has no room for becomes 503. */
void http_reply(struct http_request *req, const struct http_reply *reply);
/* A status with one JSON sentence: {"error":"…"}. The sentence is static text, never input. */
void http_reply_error(struct http_request *req, int status, const char *sentence);

/* A reply that comes later. `held` is the caller's and must outlive the hold: `req` becomes NULL
 * when the client has gone. All on the request's own thread. */
struct http_held {
    struct http_request *req;
    void *link; /* private */
};
void http_request_hold(struct http_request *req, struct http_held *held);
/* Replies if the client is still there; ends the hold. */
void http_held_reply(struct http_held *held, const struct http_reply *reply);

/* A server-sent event stream. */
struct http_stream;
/* Replies 200 text/event-stream. `on_close(data)` runs once when the stream has ended, however;
 * the stream is gone then. NULL when LIVE_STREAMS_MAX are open (the caller still replies). */
struct http_stream *http_stream_start(struct http_request *req, loop_fn on_close, void *data);
/* Sends bytes (copied), or, when an earlier send is still under way, keeps only the newest.
 * Never from within on_close. */
void http_stream_send(struct http_stream *stream, struct str bytes);
/* Ends the stream; on_close runs. */
void http_stream_end(struct http_stream *stream);

/* --- The server ----------------------------------------------------------------------------- */
typedef void (*http_handler)(struct http_request *req, void *worker_data);

struct http_route {
    struct str path; /* exact, or with `prefix` everything below it (path ends in '/') */
    bool prefix;
    unsigned methods; /* bits 1 << enum http_method; others get 405 with Allow; HEAD follows GET */
    http_handler handler;
};

struct http_options {
    /* "ADDR:PORT" or "[ADDR]:PORT", where port 0 picks one, or "unix:PATH"; outlives the server. */
    const char *listen;
    unsigned workers;         /* 1..HTTP_WORKERS_MAX */
    unsigned connections_max; /* fewer where the process may open fewer files */
    size_t body_bytes_max;    /* 413 past it */
    const struct http_route *routes;
    size_t route_count;
    /* Called on each worker's thread. Data of on_worker_start is handed to all the others. */
    void *(*on_worker_start)(struct loop *loop, unsigned index, void *server_data);
    /* After each turn of the loop: what the requests of this turn have gathered can leave. */
    void (*on_turn)(void *worker_data);
    /* Asked to stop: listeners are closed. Runs after each further turn until it returns true. */
    bool (*on_stop)(void *worker_data);
    void (*on_worker_end)(void *worker_data);
    /* Replies to a request that its handler would get but for body_bytes_max; NULL: 413. Bodies of
     * twice that are answered by libh2o itself, with 413. */
    http_handler on_too_large;
    /* True: close the connection after this request, which may carry a body. May be NULL. */
    bool (*close_after_body)(const struct http_request *req, void *worker_data);
    void *server_data;
};

/* Binds and listens; no thread yet. NULL with a sentence in `error` (port taken, bad address). */
struct http_server *http_server_new(const struct http_options *options, char *error,
                                    size_t error_bytes);
/* The bound port. */
uint16_t http_server_port(const struct http_server *server);
/* Runs the workers (index 0 on this thread) until http_server_stop(); clean within deadline_ms
 * after it. SIGPIPE is ignored; other signals are the caller's. */
void http_server_run(struct http_server *server, uint32_t stop_deadline_ms);
/* Thread-safe; not from a signal's handler. */
void http_server_stop(struct http_server *server);
void http_server_free(struct http_server *server);
/* Runs fn(worker_data of worker `index`, data) on that worker's thread; when it has ended before,
 * fn(NULL, data) on any thread, for what `data` owns. Thread-safe. */
void http_server_post(struct http_server *server, unsigned index,
                      void (*fn)(void *worker_data, void *data), void *data);
unsigned http_server_workers(const struct http_server *server);
/* Open ones of worker `index`; on its thread. */
unsigned http_server_connections(const struct http_server *server, unsigned index);
/* Connections that were reset, since nobody read or for what they sent; and replies that had no
 * room; likewise. */
uint64_t http_server_connections_ended(const struct http_server *server, unsigned index);
uint64_t http_server_replies_refused(const struct http_server *server, unsigned index);

/* Requests and replies of the HTTP shell: libh2o's under names of our own, and replies that come
 * later. On the request's own thread. */

#include "common/http.h"

#include <assert.h>
#include <stdio.h>

#include "common/http_worker.h"
#include "common/limits.h"

/* --- Requests -------------------------------------------------------------------------------- */

/* A request of ours is libh2o's under another name: nothing to allocate. */
static h2o_req_t *h2o_of(const struct http_request *req)
{
    return (h2o_req_t *)(uintptr_t)req;
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
    return http_worker_of(h2o_of(req))->data;
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

/* A body of ours on its way. */
struct reply_bytes {
    struct http_worker *worker;
    size_t len;
};

static void on_reply_bytes_dispose(void *block)
{
    const struct reply_bytes *bytes = block;
    bytes->worker->reply_bytes -= bytes->len;
}

static struct str copy_to_pool(h2o_req_t *req, struct str s)
{
    struct http_worker *worker = http_worker_of(req);
    struct reply_bytes *bytes =
        h2o_mem_alloc_shared(&req->pool, sizeof(*bytes), on_reply_bytes_dispose);
    *bytes = (struct reply_bytes){worker, s.len};
    worker->reply_bytes += s.len;
    char *copy = h2o_mem_alloc_pool(&req->pool, s.len + 1);
    memcpy(copy, s.ptr, s.len);
    return (struct str){copy, s.len};
}

static bool has_room_for(const struct http_worker *worker, const struct http_reply *reply)
{
    return reply->body_is_static || reply->body.len <= HTTP_REPLY_BYTES_MAX - worker->reply_bytes;
}

/* Others' answers wait for readers that are slow. */
static const struct http_reply NO_ROOM = {
    .status = 503,
    .content_type = STR_LIT("application/json"),
    .body = STR_LIT("{\"error\":\"too many answers wait for their readers; try again\"}\n"),
    .body_is_static = true,
    .headers = {{STR_LIT("retry-after"), STR_LIT("10")},
                {STR_LIT("cache-control"), STR_LIT("no-store")}},
    .header_count = 2,
};

void http_reply(struct http_request *http_req, const struct http_reply *reply)
{
    static h2o_generator_t generator; /* no callbacks: everything is sent at once */
    h2o_req_t *req = h2o_of(http_req);
    if (!has_room_for(http_worker_of(req), reply)) {
        http_worker_of(req)->replies_refused++;
        reply = &NO_ROOM;
    }
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
    http_worker_of(req)->open_requests--;
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
    http_worker_of(h2o_of((*link)->req))->open_requests--;
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

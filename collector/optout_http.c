/* From a request to what optout.c decides on, and back. Keeps nothing of a request. On a worker's
 * thread. */

#include "collector/optout_http.h"

#include "collector/consent_http.h"
#include "collector/optout.h"
#include "collector/worker.h"

static struct str header_or_empty(const struct http_request *req, struct str name)
{
    struct str value = http_request_header(req, name);
    return value.ptr == NULL ? STR_EMPTY : str_trim(value);
}

/* A front that ends TLS says so, and is believed when it is one of the trusted proxies. */
static bool is_tls(const struct http_request *req, const struct worker *worker)
{
    if (!worker_peer_is_trusted(worker, req))
        return false;
    struct str proto = header_or_empty(req, STR_LIT("x-forwarded-proto"));
    return str_eq_ci(str_trim(str_prefix(proto, str_find(proto, ','))), STR_LIT("https"));
}

static struct optout_request read_request(const struct http_request *req,
                                          const struct worker *worker)
{
    struct str host = http_request_host(req);
    return (struct optout_request){
        .consent = consent_of_request(req, worker->collector->config),
        .tls = is_tls(req, worker),
        .host = host.ptr == NULL ? STR_EMPTY : host,
        .origin = header_or_empty(req, STR_LIT("origin")),
        .fetch_site = header_or_empty(req, STR_LIT("sec-fetch-site")),
        .fetch_mode = header_or_empty(req, STR_LIT("sec-fetch-mode")),
        .body = http_request_body(req),
        .sites = worker->sites,
    };
}

static void reply_page(struct http_request *req, const struct optout_request *request)
{
    struct buf html;
    struct http_reply reply;
    buf_init(&html, OPTOUT_PAGE_BYTES_MAX);
    optout_reply_page(request, &html, &reply);
    http_reply(req, &reply);
    buf_done(&html);
}

void optout_handle(struct http_request *req, void *worker_data)
{
    struct optout_request request = read_request(req, worker_data);
    struct http_reply reply;
    switch (http_request_method(req)) {
    case HTTP_POST:
        optout_reply_choice(&request, &reply);
        break;
    case HTTP_OPTIONS:
        optout_reply_preflight(&request, &reply);
        break;
    default: /* GET and HEAD */
        reply_page(req, &request);
        return;
    }
    http_reply(req, &reply);
}

void optout_handle_state(struct http_request *req, void *worker_data)
{
    struct optout_request request = read_request(req, worker_data);
    struct http_reply reply;
    if (http_request_method(req) == HTTP_OPTIONS)
        optout_reply_preflight(&request, &reply);
    else
        optout_reply_state(&request, &reply);
    http_reply(req, &reply);
}

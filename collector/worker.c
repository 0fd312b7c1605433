/* A worker's parts, put together and taken apart. */

#include "collector/worker.h"

#include <stdlib.h>

#include "collector/broadcast.h"
#include "collector/worker_report.h"

enum { EACH_SECOND_MS = 1000 };

/* Any page may read the answer: it says nothing. */
#define BEACON_HEADERS                                                                             \
    {                                                                                              \
        {STR_LIT("cache-control"), STR_LIT("no-store")},                                           \
        {                                                                                          \
            STR_LIT("access-control-allow-origin"), STR_LIT("*")                                   \
        }                                                                                          \
    }

const struct http_reply WORKER_COUNTED = {
    .status = 204, .headers = BEACON_HEADERS, .header_count = 2};
const struct http_reply WORKER_ACCEPTED = {
    .status = 202, .headers = BEACON_HEADERS, .header_count = 2};

static void on_second(void *data)
{
    worker_report(data);
    broadcast(data);
}

struct worker *worker_new(struct collector *collector, struct loop *loop, unsigned index)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    if (worker == NULL)
        abort();
    worker->collector = collector;
    worker->index = index;
    worker->metrics = metrics_part(collector->metrics, index);
    worker->agents = agent_cache_new(collector->rules);
    worker->writer = writer_new(&(struct writer_options){
        .loop = loop,
        .redis = collector->redis,
        .day_keys = collector->day_keys,
        .spool = collector->spool,
        .index = index,
        .workers = http_server_workers(collector->server),
        .mix_views = collector->config->mix.views,
        .mix_seconds = collector->config->mix.seconds,
        .ack_wait_ms = collector->config->ack.wait_ms,
        .reply_durable = &WORKER_COUNTED,
        .reply_accepted = &WORKER_ACCEPTED,
    });
    worker->each_second = loop_timer_new(loop, EACH_SECOND_MS, on_second, worker);
    return worker;
}

void worker_free(struct worker *worker)
{
    loop_timer_free(worker->each_second);
    writer_free(worker->writer);
    agent_cache_free(worker->agents);
    site_list_unref(worker->sites);
    region_database_unref(worker->regions);
    free(worker);
}

bool worker_knows_sites(const struct worker *worker)
{
    return worker->sites != NULL && !worker->sites_are_copied;
}

bool worker_peer_is_trusted(const struct worker *worker, const struct http_request *req)
{
    struct sockaddr_storage peer;
    struct client_address address;
    http_request_peer(req, &peer);
    client_address_from_peer(&peer, &address);
    bool trusted = trusted_proxies_hold(&worker->collector->proxies, &address);
    client_address_wipe(&address);
    explicit_bzero(&peer, sizeof(peer));
    return trusted;
}

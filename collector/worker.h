#pragma once

/* What one worker thread of the collector has, and what all of them share. */

#include "aggregator/site.h"
#include "collector/agent.h"
#include "collector/beacon.h"
#include "collector/client_address.h"
#include "collector/day_key.h"
#include "collector/pulse.h"
#include "collector/region.h"
#include "collector/site_keeper.h"
#include "collector/visit.h"
#include "collector/writer.h"
#include "common/config.h"
#include "common/health.h"
#include "common/http.h"
#include "common/metrics.h"

/* Shared by the workers: immutable, or thread-safe by itself. */
struct collector {
    const struct config *config;
    struct redis_address redis;
    struct trusted_proxies proxies;
    struct agent_rules *rules;
    struct visit_table *visits;
    struct day_keys *day_keys;
    struct pulse *pulse;
    struct spool *spool;
    struct site_keeper *site_keeper; /* NULL: the site list has no copy */
    struct http_server *server;
    struct metrics *metrics; /* a part a worker; collect_metrics.h */
    struct health *health;   /* likewise */
};

struct worker {
    struct collector *collector;
    unsigned index;
    struct site_list *sites;         /* NULL until read once; replaced by message */
    bool sites_are_copied;           /* as Redis had them once, not as it has told */
    int64_t sites_read_ms;           /* wall time */
    struct region_database *regions; /* NULL: regions are unknown; replaced by message */
    struct agent_cache *agents;
    struct writer *writer;
    struct loop_timer *each_second;
    struct metrics_part *metrics;
    uint64_t reported_shed;
    struct beacon_scratch scratch;
    struct visit_change change;
};

/* For http_options: made and ended on the worker's own thread. */
struct worker *worker_new(struct collector *collector, struct loop *loop, unsigned index);
void worker_free(struct worker *worker);

/* Whether a site that is not in the list is not counted: not before Redis has told its own. */
bool worker_knows_sites(const struct worker *worker);

/* Whether the request comes through one of the operator's own fronts. */
bool worker_peer_is_trusted(const struct worker *worker, const struct http_request *req);

/* The fixed answers to beacons. Opted out and counted are the same bytes. */
extern const struct http_reply WORKER_COUNTED;  /* 204 */
extern const struct http_reply WORKER_ACCEPTED; /* 202 */

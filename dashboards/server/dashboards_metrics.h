#pragma once

/* What the dashboards tell of themselves: their counters and gauges, and their checks. Lists only.
 */

#include "common/health.h"
#include "common/metrics.h"

#define DASHBOARDS_QUERIES "footfall_dashboards_queries_total"
#define DASHBOARDS_QUERIES_HELP "Questions over HTTP by answer and by what became of them."

#define DASHBOARDS_CACHE "footfall_dashboards_cache_lookups_total"
#define DASHBOARDS_CACHE_HELP                                                                      \
    "Sums of sealed days that questions looked for: kept, not kept, or kept of other records."

/* X(enum, type, name, labels, help). */
#define DASHBOARDS_METRICS(X)                                                                      \
    X(ANSWERED, COUNTER, DASHBOARDS_QUERIES, "answer=\"200\",outcome=\"answered\"",                \
      DASHBOARDS_QUERIES_HELP)                                                                     \
    X(REFUSED, COUNTER, DASHBOARDS_QUERIES, "answer=\"400\",outcome=\"refused\"",                  \
      DASHBOARDS_QUERIES_HELP)                                                                     \
    X(UNKNOWN_SITE, COUNTER, DASHBOARDS_QUERIES, "answer=\"404\",outcome=\"unknown_site\"",        \
      DASHBOARDS_QUERIES_HELP)                                                                     \
    X(FAILED, COUNTER, DASHBOARDS_QUERIES, "answer=\"503\",outcome=\"store_away\"",                \
      DASHBOARDS_QUERIES_HELP)                                                                     \
    X(BUSY, COUNTER, DASHBOARDS_QUERIES, "answer=\"503\",outcome=\"busy\"",                        \
      DASHBOARDS_QUERIES_HELP)                                                                     \
    X(BEHIND, COUNTER, DASHBOARDS_QUERIES, "answer=\"503\",outcome=\"store_behind\"",              \
      DASHBOARDS_QUERIES_HELP)                                                                     \
    X(TOO_EARLY, COUNTER, DASHBOARDS_QUERIES, "answer=\"503\",outcome=\"no_site_list\"",           \
      DASHBOARDS_QUERIES_HELP)                                                                     \
    X(QUESTIONS, GAUGE, "footfall_dashboards_open_questions", "",                                  \
      "Questions that wait for Redis, those of live streams included.")                            \
    X(STREAMS, GAUGE, "footfall_dashboards_live_streams", "", "Live streams that are open.")       \
    X(STREAMS_REFUSED, COUNTER, "footfall_dashboards_live_streams_refused_total", "",              \
      "Live streams that were one too many.")                                                      \
    X(MESSAGES_LEFT, COUNTER, "footfall_dashboards_live_messages_left_out_total", "",              \
      "Messages of collectors that could not be read or had no room.")                             \
    X(LINK, GAUGE, "footfall_dashboards_redis_up", "", "1 while questions reach Redis.")           \
    X(CONNECTIONS, GAUGE, "footfall_dashboards_open_connections", "",                              \
      "Connections of readers that are open now.")                                                 \
    X(CONNECTIONS_ENDED, COUNTER, "footfall_dashboards_connections_ended_total", "",               \
      "Connections that were reset, since nobody read the answer or the request was too large.")   \
    X(REPLIES_REFUSED, COUNTER, "footfall_dashboards_replies_refused_total", "",                   \
      "Answers that had no room beside those that wait for their readers.")                        \
    X(CACHE_HITS, COUNTER, DASHBOARDS_CACHE, "outcome=\"hit\"", DASHBOARDS_CACHE_HELP)             \
    X(CACHE_MISSES, COUNTER, DASHBOARDS_CACHE, "outcome=\"miss\"", DASHBOARDS_CACHE_HELP)          \
    X(CACHE_OUTDATED, COUNTER, DASHBOARDS_CACHE, "outcome=\"outdated\"", DASHBOARDS_CACHE_HELP)    \
    X(CACHE_EVICTIONS, COUNTER, "footfall_dashboards_cache_evictions_total", "",                   \
      "Sums and names of sealed days that were let go to make room for others.")                   \
    X(CACHE_BYTES, GAUGE, "footfall_dashboards_cache_bytes", "",                                   \
      "Memory of what is kept of sealed days.")                                                    \
    X(SITES, GAUGE, "footfall_dashboards_sites", "", "Sites that can be looked at.")               \
    X(SITES_READ, GAUGE, "footfall_dashboards_sites_read_timestamp_seconds", "",                   \
      "When the site list was last read, since 1970.")

enum dashboards_metric {
#define X(id, type, name, labels, help) DASHBOARDS_##id,
    DASHBOARDS_METRICS(X)
#undef X
        DASHBOARDS__COUNT
};

/* X(enum, name, needed, counts, when good, when bad). */
#define DASHBOARDS_CHECKS(X)                                                                       \
    X(SITES, "sites", true, "sites", "the site list is known", "the site list was not read yet")   \
    X(REDIS, "redis", true, "", "questions reach Redis", "questions do not reach Redis")           \
    X(STORE, "store", false, "batches waiting", "the store keeps up with counting",                \
      "the store is behind with counting: questions are answered 503 until it has caught up")      \
    X(LIVE, "live", false, "", "live messages of collectors can come",                             \
      "live messages cannot come: what is not stored yet does not show")

enum dashboards_check {
#define X(id, name, needed, counts, good, bad) DASHBOARDS_CHECK_##id,
    DASHBOARDS_CHECKS(X)
#undef X
        DASHBOARDS_CHECK__COUNT
};

/* By enum dashboards_metric, and by enum dashboards_check. */
extern const struct metrics_row DASHBOARDS_METRIC_ROWS[DASHBOARDS__COUNT];
extern const struct health_row DASHBOARDS_CHECK_ROWS[DASHBOARDS_CHECK__COUNT];

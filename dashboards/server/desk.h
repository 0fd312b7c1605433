#pragma once

/* The dashboards' one worker: its links to Redis and what it knows. Everything below happens on its
 * loop's thread. */

#include "aggregator/overlay.h"
#include "aggregator/query_cache.h"
#include "aggregator/site.h"
#include "common/config.h"
#include "common/http.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/redis_link.h"

struct feed;

struct desk {
    const struct config *config;
    struct loop *loop;
    struct redis_link *link;         /* questions */
    struct redis_link *subscription; /* live messages */
    struct site_list *sites;         /* NULL until it was read */
    struct overlay *overlay;
    struct query_cache *kept; /* of sealed days */
    struct feed *feeds;       /* sites that somebody watches */
    unsigned questions;       /* under way */
    bool stopping;
    bool is_behind;               /* the store: questions are refused, see backlog.h */
    uint64_t log_entries;         /* as last told */
    bool asks_length;             /* under way */
    struct metrics_part *metrics; /* dashboards_metrics.h */
};

/* Replies with the headers that every answer of the API has; `content_type` of text only. */
void desk_reply(struct http_request *req, int status, struct str content_type, struct str body);
/* {"error":"sentence"}; 503 asks to come again after a second. */
void desk_reply_error(struct http_request *req, int status, const char *sentence);
/* 503 while the store is behind; asks to come again after BACKLOG_RETRY_S. */
void desk_reply_behind(struct http_request *req);
/* The first two for a reply that was held. */
void desk_held_reply(struct http_held *held, int status, struct str content_type, struct str body);
void desk_held_reply_error(struct http_held *held, int status, const char *sentence);

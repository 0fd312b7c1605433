#pragma once

/* What is going on at a site right now, as a stream of server-sent events: a message at once, then
 * about one a second while something changes. The dashboards' loop only. */

#include "dashboards/server/desk.h"

/* GET /api/live/{site}. */
void feed_handle(struct http_request *req, void *worker_data);
/* Every FEED_TICK_MS. */
enum { FEED_TICK_MS = 100 };
void feed_tick(struct desk *desk);
/* A collector has told something of this site: its streams hear of it at the next tick. */
void feed_nudge(struct desk *desk, struct str domain);
/* Streams that are open. */
unsigned feed_streams(const struct desk *desk);

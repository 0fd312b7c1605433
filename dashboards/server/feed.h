#pragma once

/* What is going on at a site right now, as a stream of server-sent events: a message at once, then
 * about one a second while something changes. The dashboards' loop only. */

#include "dashboards/server/desk.h"

/* GET /api/live/{site}. */
void feed_handle(struct http_request *req, void *worker_data);
/* Once a second. */
void feed_tick(struct desk *desk);

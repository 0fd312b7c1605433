#pragma once

/* One question to Redis, answered before it returns. */

#include "aggregator/query.h"
#include "aggregator/site.h"
#include "common/redis.h"

struct json_t; /* jansson */

/* Takes `question`. NULL when it is refused (*ret_status says why; nothing is printed) or when it
 * cannot be read (QUERY_OK; the sentence is printed). The caller has the reference. */
struct json_t *stats_ask(struct redis *redis, const struct site *site, struct json_t *question,
                         enum query_status *ret_status);

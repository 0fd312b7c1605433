#pragma once

/* The site list as it is in Redis, kept fresh: read when the link comes up, when a change is told
 * on the sites' channel or may have been told before that was heard, a second after a refusal
 * (Redis lets in who connects while it loads), and once a minute in any case. One loop's thread. */

#include "aggregator/site.h"
#include "common/redis_link.h"

struct site_watch;

/* `on_list` gets a reference of its own to each new list; never before the first reading. */
struct site_watch *site_watch_new(struct loop *loop, const struct redis_address *address,
                                  void (*on_list)(struct site_list *list, void *data), void *data);
void site_watch_free(struct site_watch *watch);
/* False until the list was read once. */
bool site_watch_is_ready(const struct site_watch *watch);

/* The sites of HGETALL's reply, and how many of it cannot be read or are over SITES_MAX. */
struct site_list *site_list_of_reply(const struct redis_reply *reply, size_t *ret_bad);

#pragma once

/* All that is taken from a visitor's address: country, region, and a tag. Pure; any thread. */

#include "aggregator/site.h"
#include "collector/client_address.h"
#include "collector/day_key.h"
#include "collector/region.h"

struct visitor_rules {
    enum site_preset preset; /* strict: the address is shortened before anything else */
    const struct region_database *regions; /* NULL: unknown */
    const struct day_key *key;             /* of the site's day */
};

/* Returns the tag: a keyed hash of the address's prefix and the User-Agent, for the visit table and
 * the sketches. Wipes the address. */
uint64_t visitor_read(const struct visitor_rules *rules, struct client_address *address,
                      struct str user_agent, struct region *ret_region);

#pragma once

/* What a view shows of its visit, as the values of the visit's tables. Pure. */

#include "aggregator/site.h"
#include "collector/agent.h"
#include "collector/beacon.h"
#include "collector/region.h"
#include "collector/source.h"
#include "collector/visit.h"

struct attributes_facts {
    enum site_preset preset;
    const struct beacon *beacon;
    const struct agent *agent;
    const struct region *region;
    const struct source *source;
    struct str language; /* locale.h's; empty: unknown */
};

/* The values are slices of the facts, or static. */
void attributes_describe(const struct attributes_facts *facts,
                         struct visit_attributes *ret_attributes);

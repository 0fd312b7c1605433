#pragma once

/* A day of a site that does not exist, for tests and benchmarks: visits whose pages, sources,
 * countries and the rest follow Zipf's law, counted as the collector counts them, with all crosses
 * and no thresholds. The same seed gives the same day. */

#include <stdint.h>

#include "aggregator/day.h"

struct synthetic_site {
    uint32_t pages, sources, countries;
};

/* Adds `views` page views, and the events and reports that go with them. */
void synthetic_day_fill(struct day *day, const struct synthetic_site *site, uint32_t views,
                        uint64_t seed);
/* SplitMix64: the next number of a seed. */
uint64_t synthetic_random(uint64_t *seed);

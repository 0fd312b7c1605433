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

/* The same visits one by one, for whoever counts them in another way. */
enum { SYNTHETIC_VALUE_BYTES = 80, SYNTHETIC_VIEWS_MAX = 12 };
struct synthetic_values {
    char text[TABLE__COUNT][SYNTHETIC_VALUE_BYTES];
};
/* A number of [0, 1). */
double synthetic_unit(uint64_t *seed);
/* A rank below `count` by Zipf's law. */
uint32_t synthetic_rank(uint64_t *seed, uint32_t count);
/* What a visit's first view tells, but its page. */
void synthetic_draw(struct synthetic_values *values, const struct synthetic_site *site,
                    uint64_t *seed);
void synthetic_page_name(char *text, uint32_t rank);
/* How many views a visit has. */
uint32_t synthetic_views(uint64_t *seed);

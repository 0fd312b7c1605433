#pragma once

/* A User-Agent becomes browser, system and device class by the uap-core rules through PCRE2.
 * Rules are compiled once a process (immutable, shared); each worker has a cache keyed by a keyed
 * hash (the string itself is not kept), and a budget of cold parses a second, past which the answer
 * is `(other)`. Every name comes from the rules' closed list and every version is a short number,
 * so nothing that is particular to one visitor can pass through. */

#include <stdbool.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/str.h"

struct agent {
    struct str browser;         /* "Chrome", "Firefox", "Safari", "Edge", …; "(other)" */
    struct str browser_version; /* "Chrome 120": family and major version */
    struct str os;              /* "Windows", "macOS", "iOS", "Android", "Linux", … */
    struct str os_version;      /* "Windows 10", "macOS 14": family and version */
    struct str device;          /* "Desktop", "Mobile", "Tablet", or "(other)" */
    bool is_bot;                /* then every name is "(other)" */
};

struct agent_rules; /* immutable */
/* Compiles the rules built into the executable; aborts on a broken build. */
struct agent_rules *agent_rules_new(void);
void agent_rules_free(struct agent_rules *rules);
/* A cold parse, uncached; only USER_AGENT_BYTES_MAX are looked at. Slices are static or in `text`.
 */
struct agent_text {
    char bytes[2 * AGENT_VALUE_BYTES_MAX];
};
void agent_parse(const struct agent_rules *rules, struct str user_agent, struct agent_text *text,
                 struct agent *ret_agent);

struct agent_cache; /* one thread's */
struct agent_cache *agent_cache_new(const struct agent_rules *rules);
void agent_cache_free(struct agent_cache *cache);
/* Valid until the next call. `now_ms` is monotonic, for the budget. */
const struct agent *agent_lookup(struct agent_cache *cache, struct str user_agent, int64_t now_ms);
/* How lookups were answered so far. */
struct agent_cache_counts {
    uint64_t known;       /* from the cache */
    uint64_t parsed;      /* cold */
    uint64_t over_budget; /* `(other)` for want of budget */
};
const struct agent_cache_counts *agent_cache_counts(const struct agent_cache *cache);

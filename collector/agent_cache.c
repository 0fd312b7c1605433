/* One worker's memory of User-Agents: a fixed table from a keyed hash to what the User-Agent said.
 * The text itself is not kept, and the key is random and dies with the cache, so the table cannot
 * be asked "was this browser here?" by anyone without it. Called on the beacon path; allocates
 * nothing there.
 *
 * The table is 4-way set-associative. An entry that is met again climbs one place in its set, and a
 * new one takes the last place: a flood of User-Agents that are seen once fights over the last
 * places and leaves those in daily use alone.
 *
 * A parse costs much more than a lookup, so there is a budget of them a second. Past it the answer
 * is
 * `(other)`, and "bot" by a few words alone; it is not remembered, so that the next second does
 * better. */

#include "collector/agent.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#include "collector/agent_code.h"
#include "collector/bot.h"
#include "common/limits.h"

enum {
    WAYS = 4,
    SETS = AGENT_CACHE_ENTRIES / WAYS,
};
static_assert((SETS & (SETS - 1)) == 0, "a set is the low bits of the hash");

struct entry {
    uint64_t hash; /* 0: empty */
    struct agent_code code;
};

struct agent_cache {
    struct rules_search *search;
    unsigned char key[crypto_shorthash_KEYBYTES];
    int64_t second_start_ms;
    unsigned parses; /* in that second */
    struct agent_cache_counts counts;
    struct agent_text text;
    struct agent agent;
    struct entry entries[SETS][WAYS];
};

struct agent_cache *agent_cache_new(const struct agent_rules *rules)
{
    struct agent_cache *cache = calloc(1, sizeof(*cache));
    if (cache == NULL || sodium_init() < 0)
        abort();
    cache->search = rules_search_new(agent_rules_list(rules));
    randombytes_buf(cache->key, sizeof(cache->key));
    return cache;
}

void agent_cache_free(struct agent_cache *cache)
{
    if (cache == NULL)
        return;
    rules_search_free(cache->search);
    sodium_memzero(cache, sizeof(*cache));
    free(cache);
}

const struct agent_cache_counts *agent_cache_counts(const struct agent_cache *cache)
{
    return &cache->counts;
}

static uint64_t cache_hash(const struct agent_cache *cache, struct str user_agent)
{
    unsigned char bytes[crypto_shorthash_BYTES];
    crypto_shorthash(bytes, (const unsigned char *)user_agent.ptr, user_agent.len, cache->key);
    uint64_t hash;
    static_assert(sizeof(hash) == sizeof(bytes), "a 64-bit hash");
    memcpy(&hash, bytes, sizeof(hash));
    return hash == 0 ? 1 : hash;
}

/* True while the second has parses left; takes one. */
static bool cache_spend_parse(struct agent_cache *cache, int64_t now_ms)
{
    if (now_ms - cache->second_start_ms >= 1000) {
        cache->second_start_ms = now_ms;
        cache->parses = 0;
    }
    if (cache->parses >= AGENT_COLD_PER_S_MAX) {
        cache->counts.over_budget++;
        return false;
    }
    cache->parses++;
    cache->counts.parsed++;
    return true;
}

static const struct agent_code *cache_find(struct entry set[WAYS], uint64_t hash)
{
    for (size_t way = 0; way < WAYS; way++) {
        if (set[way].hash != hash)
            continue;
        if (way == 0)
            return &set[0].code;
        struct entry found = set[way];
        set[way] = set[way - 1];
        set[way - 1] = found;
        return &set[way - 1].code;
    }
    return NULL;
}

static void cache_insert(struct entry set[WAYS], uint64_t hash, const struct agent_code *code)
{
    size_t way = 0;
    while (way < WAYS - 1 && set[way].hash != 0)
        way++;
    set[way] = (struct entry){hash, *code};
}

const struct agent *agent_lookup(struct agent_cache *cache, struct str user_agent, int64_t now_ms)
{
    user_agent = str_prefix(user_agent, USER_AGENT_BYTES_MAX);
    uint64_t hash = cache_hash(cache, user_agent);
    struct entry *set = cache->entries[hash & (SETS - 1)];
    const struct agent_code *code = cache_find(set, hash);
    struct agent_code fresh = {0};
    cache->counts.known += code != NULL;
    if (code == NULL) {
        if (cache_spend_parse(cache, now_ms)) {
            agent_classify(cache->search, user_agent, &fresh);
            cache_insert(set, hash, &fresh);
        } else {
            fresh.is_bot = bot_by_words(user_agent);
        }
        code = &fresh;
    }
    agent_spell(code, &cache->text, &cache->agent);
    return &cache->agent;
}

/* A hash table of entries that also stand in a ring by their last use. An entry is a sum or a
 * month's names; which of them, its key says.
 *
 *   ring ─▶ used last ⇄ … ⇄ used longest ago ─▶ ring         buckets[hash] ─▶ entry ─▶ entry
 *
 * Whether a sum still holds is for the question to find out, by its units' stamps: Redis is asked
 * for the counts of open days anyway, and four bytes a unit in the same step cost next to nothing.
 * A message at each close was rejected, since a lost one would show yesterday's numbers for ever.
 *
 * Used by query_read.c, for the dashboards' loop and the command line. */

#include "aggregator/query_cache.h"

#include <assert.h>
#include <stdlib.h>

#include "common/hash.h"

enum { CACHE_BUCKETS = 1024 };

struct entry {
    struct entry *newer, *older; /* in the ring */
    struct entry *next;          /* in the bucket */
    struct query_sum *sum;       /* or NULL */
    struct record_names *names;  /* or NULL */
    size_t bytes, key_len;
    char key[];
};

struct query_cache {
    struct entry *buckets[CACHE_BUCKETS];
    struct entry *newest, *oldest;
    size_t bytes_max;
    struct query_cache_figures figures;
    struct record_reader *reader;
};

static void *zeroed(size_t bytes)
{
    void *ptr = calloc(1, bytes);
    if (ptr == NULL)
        abort();
    return ptr;
}

/* --- Sums ------------------------------------------------------------------------------------- */

struct query_sum *query_sum_new(size_t table_count)
{
    struct query_sum *sum = zeroed(sizeof(*sum));
    assert(table_count <= QUERY_TABLES_MAX);
    sum->table_count = table_count;
    sum->refs = 1;
    for (size_t t = 0; t < table_count; t++)
        query_rows_init(&sum->rows[t], QUERY_GROUPS_MAX);
    return sum;
}

void query_sum_unref(struct query_sum *sum)
{
    if (sum == NULL || --sum->refs > 0)
        return;
    for (size_t t = 0; t < sum->table_count; t++)
        query_rows_done(&sum->rows[t]);
    free(sum->units);
    free(sum);
}

struct query_unit *query_sum_add_unit(struct query_sum *sum, uint32_t date)
{
    if (sum->unit_count == sum->unit_capacity) {
        sum->unit_capacity = sum->unit_capacity == 0 ? 1 : 2 * sum->unit_capacity;
        sum->units = reallocarray(sum->units, sum->unit_capacity, sizeof(*sum->units));
        if (sum->units == NULL)
            abort();
    }
    struct query_unit *unit = &sum->units[sum->unit_count++];
    *unit = (struct query_unit){.date = date};
    return unit;
}

static size_t sum_bytes(const struct query_sum *sum)
{
    size_t bytes = sizeof(*sum) + sum->unit_capacity * sizeof(*sum->units);
    for (size_t t = 0; t < sum->table_count; t++)
        bytes += query_rows_bytes(&sum->rows[t]);
    return bytes;
}

static size_t names_bytes(const struct record_names *names)
{
    /* Each with its slots: four, for the table is between a quarter and half full. */
    return sizeof(*names) + names->names.text.capacity +
           names->names.count * 2 * (sizeof(struct day_name) + 4 * sizeof(uint32_t)) +
           names->place_capacity * sizeof(*names->places);
}

/* --- Entries ------------------------------------------------------------------------------------
 */

static size_t bucket_of(struct str key)
{
    return hash_str(key) % CACHE_BUCKETS;
}

static struct entry **find(struct query_cache *cache, struct str key)
{
    struct entry **link = &cache->buckets[bucket_of(key)];
    while (*link != NULL && !str_eq((struct str){(*link)->key, (*link)->key_len}, key))
        link = &(*link)->next;
    return link;
}

static void leave_ring(struct query_cache *cache, struct entry *entry)
{
    *(entry->newer == NULL ? &cache->newest : &entry->newer->older) = entry->older;
    *(entry->older == NULL ? &cache->oldest : &entry->older->newer) = entry->newer;
}

static void enter_ring(struct query_cache *cache, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = cache->newest;
    *(cache->newest == NULL ? &cache->oldest : &cache->newest->newer) = entry;
    cache->newest = entry;
}

static void drop(struct query_cache *cache, struct entry **link)
{
    struct entry *entry = *link;
    *link = entry->next;
    leave_ring(cache, entry);
    cache->figures.bytes -= entry->bytes;
    query_sum_unref(entry->sum);
    if (entry->names != NULL)
        record_names_done(entry->names);
    free(entry->names);
    free(entry);
}

void query_cache_drop(struct query_cache *cache, struct str key)
{
    struct entry **link = find(cache, key);
    if (*link != NULL)
        drop(cache, link);
}

/* Counts what an entry has grown to, and makes room; the entry itself stays. */
static void weigh(struct query_cache *cache, struct entry *entry)
{
    size_t bytes = sizeof(*entry) + entry->key_len +
                   (entry->sum == NULL ? 0 : sum_bytes(entry->sum)) +
                   (entry->names == NULL ? 0 : names_bytes(entry->names));
    cache->figures.bytes += bytes - entry->bytes;
    entry->bytes = bytes;
    for (; cache->figures.bytes > cache->bytes_max && cache->oldest != entry;
         cache->figures.evicted++)
        query_cache_drop(cache, (struct str){cache->oldest->key, cache->oldest->key_len});
}

static struct entry *add(struct query_cache *cache, struct str key)
{
    struct entry *entry = zeroed(sizeof(*entry) + key.len);
    size_t bucket = bucket_of(key);
    memcpy(entry->key, key.ptr, key.len);
    entry->key_len = key.len;
    entry->next = cache->buckets[bucket];
    cache->buckets[bucket] = entry;
    enter_ring(cache, entry);
    return entry;
}

static struct entry *use(struct query_cache *cache, struct str key)
{
    struct entry *entry = *find(cache, key);
    if (entry != NULL) {
        leave_ring(cache, entry);
        enter_ring(cache, entry);
    }
    return entry;
}

/* --- Public -------------------------------------------------------------------------------------
 */

struct query_cache *query_cache_new(size_t bytes_max)
{
    struct query_cache *cache = zeroed(sizeof(*cache));
    cache->bytes_max = bytes_max;
    cache->reader = record_reader_new();
    return cache;
}

void query_cache_free(struct query_cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < CACHE_BUCKETS; i++)
        while (cache->buckets[i] != NULL)
            drop(cache, &cache->buckets[i]);
    record_reader_free(cache->reader);
    free(cache);
}

struct record_reader *query_cache_reader(const struct query_cache *cache)
{
    return cache->reader;
}

struct query_cache_figures query_cache_figures(const struct query_cache *cache)
{
    return cache->figures;
}

void query_cache_note(struct query_cache *cache, enum query_cache_outcome outcome)
{
    assert(outcome < QUERY_CACHE_OUTCOME__COUNT);
    cache->figures.outcomes[outcome]++;
}

struct query_sum *query_cache_sum(struct query_cache *cache, struct str key)
{
    struct entry *entry = use(cache, key);
    if (entry == NULL)
        return NULL;
    entry->sum->refs++;
    return entry->sum;
}

void query_cache_put_sum(struct query_cache *cache, struct str key, struct query_sum *sum)
{
    query_cache_drop(cache, key);
    struct entry *entry = add(cache, key);
    entry->sum = sum;
    sum->refs++;
    weigh(cache, entry);
}

struct record_names *query_cache_names(struct query_cache *cache, struct str key)
{
    struct entry *entry = use(cache, key);
    if (entry == NULL) {
        entry = add(cache, key);
        entry->names = zeroed(sizeof(*entry->names));
        record_names_init(entry->names);
    }
    weigh(cache, entry); /* they were perhaps read on since */
    return entry->names;
}

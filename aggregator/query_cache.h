#pragma once

/* What questions have decoded of sealed days and may want again: sums of runs of dates, and the
 * names of months. Bounded by QUERY_CACHE_BYTES_MAX; what was used longest ago goes first. One
 * thread; running out of memory aborts. */

#include "aggregator/query_plan.h"
#include "aggregator/query_rows.h"
#include "aggregator/record.h"

/* A sealed day or month that a sum was made of, and its stamp; an absent record has none. A record
 * that is sealed again, one that appears, and one that goes all show in this. */
struct query_unit {
    uint32_t date; /* yyyymm00: the month's record */
    bool is_there;
    char stamp[RECORD_STAMP_BYTES];
};

/* The rows of a run of dates: by value, or by both values of a cross as in its hash at rest. */
struct query_sum {
    struct query_rows rows[QUERY_TABLES_MAX];
    size_t table_count;
    uint32_t first_date; /* that held anything; 0: none did */
    struct query_unit *units;
    uint32_t unit_count;
    /* private */
    uint32_t unit_capacity, refs;
};

struct query_cache;

/* What became of looking for a sum: what is kept holds, there is none, or a record has changed. */
enum query_cache_outcome {
    QUERY_CACHE_HIT,
    QUERY_CACHE_MISS,
    QUERY_CACHE_OUTDATED,
    QUERY_CACHE_OUTCOME__COUNT
};

struct query_cache_figures {
    uint64_t outcomes[QUERY_CACHE_OUTCOME__COUNT];
    uint64_t evicted; /* sums and names that made room for others */
    size_t bytes;
};

struct query_cache *query_cache_new(size_t bytes_max);
void query_cache_free(struct query_cache *cache);
struct query_cache_figures query_cache_figures(const struct query_cache *cache);

/* Whoever makes it has a reference. A sum that is kept does not change any more. */
struct query_sum *query_sum_new(size_t table_count);
void query_sum_unref(struct query_sum *sum);
struct query_unit *query_sum_add_unit(struct query_sum *sum, uint32_t date);

/* A reference to what is kept under `key`; NULL when nothing is. */
struct query_sum *query_cache_sum(struct query_cache *cache, struct str key);
/* Only whoever has asked for the stamps of its units knows. */
void query_cache_note(struct query_cache *cache, enum query_cache_outcome outcome);
/* Keeps `sum` with a reference of its own, in the place of what stood there. */
void query_cache_put_sum(struct query_cache *cache, struct str key, struct query_sum *sum);

/* The names of a site's month, empty when they are not kept; until the next call of this or of a
 * put. They may be read on. */
struct record_names *query_cache_names(struct query_cache *cache, struct str key);
void query_cache_drop(struct query_cache *cache, struct str key);
/* For decoding what is to be kept: one for all, since its memory is large. */
struct record_reader *query_cache_reader(const struct query_cache *cache);

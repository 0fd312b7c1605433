/* Open visits in a sharded table in memory.
 *
 *   shard = low bits of the tag
 *     buckets[tag] ─▶ visit ─▶ visit …            found by tag
 *     newest ◀─▶ … ◀─▶ oldest                      by last sign: idle ones go from the old end
 *
 * Example. A visitor reads "/a", ninety seconds later "/b", and leaves:
 *   sign 1 (view "/a"): is_new, is_bounce; visits +1, bounces +1, entry and exit page "/a" +1
 *   sign 2 (view "/b"): ends_bounce, seconds 90, leaves "/a": bounces -1, duration +90, exit page
 *                       "/a" -1 and "/b" +1
 * Nothing happens when the visit ends: its figures are right at any moment.
 *
 * A visit remembers hashes of the last VISIT_SEEN_MAX pages and events that it met, and of events
 * on a page, so that a page's visits are counted once each; who meets more and comes back counts
 * again. A report of
 * engaged time can arrive after the next page's view (browsers send it while they leave), so the
 * view before is remembered as well. */

#include "collector/visit.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/hash.h"

/* What was reported for one view of a page. */
struct page_view {
    uint32_t page_hash;
    bool engaged;
    int8_t scroll_percent; /* deepest reported; -1: none */
};

struct visit {
    uint64_t tag;
    int64_t last_ms;
    uint32_t bucket_next, older, newer; /* indexes; 0: none */
    uint32_t site;
    uint32_t date;
    uint8_t start_hour;
    bool is_bounce;
    bool has_view; /* a page view, and not an event only */
    uint8_t seen_next;
    uint32_t seen[VISIT_SEEN_MAX];
    struct page_view views[2]; /* now, and before */
    char *bytes;               /* lengths and values: see pack_attributes() */
    uint32_t bytes_len;
    uint16_t page_len;
    char *page; /* the exit page */
};

struct shard {
    pthread_mutex_t lock;
    struct visit *visits; /* [1..visits_max] */
    uint32_t *buckets;
    uint32_t free_head, newest, oldest, count;
    uint32_t used; /* places above it were never touched */
    size_t bytes;
    uint64_t evicted;
};

struct visit_table {
    uint32_t shard_visits_max;
    uint32_t bucket_mask;
    size_t shard_bytes_max;
    struct shard shards[VISIT_SHARDS];
};

/* Each length stands before the values; only the VISIT tables have one. */
enum { PACKED_HEAD_BYTES = TABLE__COUNT * sizeof(uint16_t) };

static uint32_t *bucket_of(const struct visit_table *table, struct shard *shard, uint64_t tag)
{
    return &shard->buckets[(tag / VISIT_SHARDS) & table->bucket_mask];
}

/* --- Attributes as bytes --------------------------------------------------------------------- */

static char *pack_attributes(const struct visit_attributes *attributes, uint32_t *ret_len)
{
    uint16_t lens[TABLE__COUNT];
    size_t len = PACKED_HEAD_BYTES;
    for (int t = 0; t < TABLE__COUNT; t++) {
        assert(attributes->values[t].len <= VALUE_BYTES_MAX);
        lens[t] = (uint16_t)attributes->values[t].len;
        len += lens[t];
    }
    char *bytes = malloc(len);
    if (bytes == NULL)
        abort();
    memcpy(bytes, lens, sizeof(lens));
    size_t at = PACKED_HEAD_BYTES;
    for (int t = 0; t < TABLE__COUNT; t++) {
        if (lens[t] > 0)
            memcpy(bytes + at, attributes->values[t].ptr, lens[t]);
        at += lens[t];
    }
    *ret_len = (uint32_t)len;
    return bytes;
}

/* Copies the values to the change's bytes, since the visit may be gone after the lock. */
static size_t unpack_attributes(const struct visit *visit, struct visit_change *change)
{
    uint16_t lens[TABLE__COUNT];
    memcpy(lens, visit->bytes, sizeof(lens));
    size_t len = visit->bytes_len - PACKED_HEAD_BYTES;
    assert(len <= sizeof(change->bytes));
    memcpy(change->bytes, visit->bytes + PACKED_HEAD_BYTES, len);
    size_t at = 0;
    for (int t = 0; t < TABLE__COUNT; t++) {
        change->attributes.values[t] = (struct str){change->bytes + at, lens[t]};
        at += lens[t];
    }
    return at;
}

/* --- A shard's lists ------------------------------------------------------------------------- */

static void unlink_age(struct shard *shard, uint32_t index)
{
    struct visit *visit = &shard->visits[index];
    if (visit->newer != 0)
        shard->visits[visit->newer].older = visit->older;
    else
        shard->newest = visit->older;
    if (visit->older != 0)
        shard->visits[visit->older].newer = visit->newer;
    else
        shard->oldest = visit->newer;
}

static void link_newest(struct shard *shard, uint32_t index)
{
    struct visit *visit = &shard->visits[index];
    visit->newer = 0;
    visit->older = shard->newest;
    if (shard->newest != 0)
        shard->visits[shard->newest].newer = index;
    else
        shard->oldest = index;
    shard->newest = index;
}

static void drop_visit(struct visit_table *table, struct shard *shard, uint32_t index)
{
    struct visit *visit = &shard->visits[index];
    uint32_t *link = bucket_of(table, shard, visit->tag);
    while (*link != index)
        link = &shard->visits[*link].bucket_next;
    *link = visit->bucket_next;
    unlink_age(shard, index);
    shard->bytes -= visit->bytes_len + visit->page_len;
    free(visit->bytes);
    free(visit->page);
    explicit_bzero(visit, sizeof(*visit));
    visit->bucket_next = shard->free_head;
    shard->free_head = index;
    shard->count--;
}

static bool is_idle(const struct visit *visit, int64_t now_ms)
{
    return now_ms - visit->last_ms > VISIT_IDLE_S * INT64_C(1000);
}

static uint32_t find_visit(struct visit_table *table, struct shard *shard,
                           const struct visit_sign *sign)
{
    uint32_t index = *bucket_of(table, shard, sign->tag);
    while (index != 0 && shard->visits[index].tag != sign->tag)
        index = shard->visits[index].bucket_next;
    if (index != 0 &&
        (is_idle(&shard->visits[index], sign->now_ms) || shard->visits[index].date != sign->date)) {
        drop_visit(table, shard, index);
        return 0;
    }
    return index;
}

static uint32_t take_place(const struct visit_table *table, struct shard *shard)
{
    if (shard->free_head == 0) {
        assert(shard->used < table->shard_visits_max);
        return ++shard->used;
    }
    uint32_t index = shard->free_head;
    shard->free_head = shard->visits[index].bucket_next;
    return index;
}

static uint32_t make_visit(struct visit_table *table, struct shard *shard,
                           const struct visit_sign *sign)
{
    while (shard->oldest != 0 &&
           (shard->count == table->shard_visits_max || shard->bytes > table->shard_bytes_max ||
            is_idle(&shard->visits[shard->oldest], sign->now_ms))) {
        shard->evicted += !is_idle(&shard->visits[shard->oldest], sign->now_ms);
        drop_visit(table, shard, shard->oldest);
    }
    uint32_t index = take_place(table, shard);
    struct visit *visit = &shard->visits[index];
    uint32_t *bucket = bucket_of(table, shard, sign->tag);
    *visit = (struct visit){.tag = sign->tag,
                            .last_ms = sign->now_ms,
                            .bucket_next = *bucket,
                            .site = sign->site,
                            .date = sign->date,
                            .start_hour = sign->hour,
                            .is_bounce = sign->kind == BEACON_PAGEVIEW || sign->is_passive,
                            .views = {{.scroll_percent = -1}, {.scroll_percent = -1}}};
    visit->bytes = pack_attributes(sign->attributes, &visit->bytes_len);
    *bucket = index;
    link_newest(shard, index);
    shard->bytes += visit->bytes_len;
    shard->count++;
    return index;
}

/* --- What a sign changes --------------------------------------------------------------------- */

/* True when it was not met yet; remembers it. */
static bool meet(struct visit *visit, uint32_t hash)
{
    hash |= hash == 0; /* zero marks a free place */
    for (size_t i = 0; i < VISIT_SEEN_MAX; i++)
        if (visit->seen[i] == hash)
            return false;
    visit->seen[visit->seen_next] = hash;
    visit->seen_next = (uint8_t)((visit->seen_next + 1) % VISIT_SEEN_MAX);
    return true;
}

/* A second view, or something that the visitor did. */
static bool ends_bounce(const struct visit *visit, const struct visit_sign *sign)
{
    return sign->kind == BEACON_PAGEVIEW ? visit->has_view
                                         : sign->kind == BEACON_EVENT && !sign->is_passive;
}

static void note_report(struct visit *visit, const struct visit_sign *sign, uint32_t page_hash,
                        struct visit_change *change)
{
    struct page_view fresh = {.page_hash = page_hash, .scroll_percent = -1};
    struct page_view *view = visit->views[0].page_hash == page_hash   ? &visit->views[0]
                             : visit->views[1].page_hash == page_hash ? &visit->views[1]
                                                                      : &fresh;
    if (sign->has_engagement) {
        change->engages_page = !view->engaged;
        view->engaged = true;
    }
    if (sign->scroll_percent > view->scroll_percent) {
        change->scrolls_page = view->scroll_percent < 0;
        change->scroll_more =
            sign->scroll_percent - (view->scroll_percent < 0 ? 0 : view->scroll_percent);
        view->scroll_percent = (int8_t)sign->scroll_percent;
    }
}

static void note_view(struct shard *shard, struct visit *visit, const struct visit_sign *sign,
                      uint32_t page_hash, struct visit_change *change)
{
    visit->views[1] = visit->views[0];
    visit->views[0] = (struct page_view){.page_hash = page_hash, .scroll_percent = -1};
    change->page_is_new = meet(visit, page_hash);
    bool same =
        visit->page != NULL && str_eq((struct str){visit->page, visit->page_len}, sign->page);
    change->leaves = visit->page != NULL && !same;
    if (same)
        return;
    char *page = malloc(sign->page.len + 1);
    if (page == NULL)
        abort();
    memcpy(page, sign->page.ptr, sign->page.len);
    shard->bytes = shard->bytes - visit->page_len + sign->page.len;
    free(visit->page);
    visit->page = page;
    visit->page_len = (uint16_t)sign->page.len;
}

static void apply_sign(struct shard *shard, uint32_t index, const struct visit_sign *sign,
                       struct visit_change *change)
{
    struct visit *visit = &shard->visits[index];
    uint32_t page_hash = (uint32_t)hash_str(sign->page);
    size_t used = unpack_attributes(visit, change);
    change->start_hour = visit->start_hour;
    /* Threads may come in another order than they have read the clock. */
    int64_t since_ms = sign->now_ms - visit->last_ms;
    change->seconds = since_ms < 0 ? 0 : (uint32_t)(since_ms / 1000);
    /* Whole seconds are handed out; the rest waits for the next sign. */
    visit->last_ms += (int64_t)change->seconds * 1000;
    if (visit->page_len > 0)
        memcpy(change->bytes + used, visit->page, visit->page_len);
    change->exit_page = (struct str){change->bytes + used, visit->page_len};
    change->is_bounce = change->is_new && visit->is_bounce;
    change->ends_bounce = !change->is_new && visit->is_bounce && ends_bounce(visit, sign);
    if (change->ends_bounce)
        visit->is_bounce = false;
    visit->has_view |= sign->kind == BEACON_PAGEVIEW;
    if (sign->kind == BEACON_PAGEVIEW || change->is_new)
        note_view(shard, visit, sign, page_hash, change);
    if (sign->kind == BEACON_EVENT) {
        uint32_t event_hash = (uint32_t)hash_tagged(TABLE_EVENT, sign->event);
        change->event_is_new = meet(visit, event_hash);
        change->event_on_page_is_new = meet(visit, event_hash ^ page_hash);
    }
    note_report(visit, sign, page_hash, change);
    unlink_age(shard, index);
    link_newest(shard, index);
}

/* A report without a visit (the table has lost it, or it is too late) starts none. */
static void change_without_visit(const struct visit_sign *sign, struct visit_change *change)
{
    change->engages_page = sign->has_engagement;
    change->scrolls_page = sign->scroll_percent >= 0;
    change->scroll_more = sign->scroll_percent < 0 ? 0 : sign->scroll_percent;
    change->start_hour = sign->hour;
}

void visit_table_sign(struct visit_table *table, const struct visit_sign *sign,
                      struct visit_change *ret_change)
{
    /* The bytes at the end are large and written before they are read. */
    memset(ret_change, 0, offsetof(struct visit_change, bytes));
    struct shard *shard = &table->shards[sign->tag % VISIT_SHARDS];
    pthread_mutex_lock(&shard->lock);
    uint32_t index = find_visit(table, shard, sign);
    if (index == 0 && sign->kind != BEACON_ENGAGEMENT) {
        index = make_visit(table, shard, sign);
        ret_change->is_new = true;
    }
    if (index != 0)
        apply_sign(shard, index, sign, ret_change);
    else
        change_without_visit(sign, ret_change);
    pthread_mutex_unlock(&shard->lock);
}

void visit_table_now(struct visit_table *table, int64_t now_ms,
                     void (*fn)(uint32_t site, struct str page, void *data), void *data)
{
    for (size_t s = 0; s < VISIT_SHARDS; s++) {
        struct shard *shard = &table->shards[s];
        pthread_mutex_lock(&shard->lock);
        for (uint32_t i = shard->newest; i != 0; i = shard->visits[i].older) {
            const struct visit *visit = &shard->visits[i];
            if (now_ms - visit->last_ms > VISIT_NOW_S * INT64_C(1000))
                break; /* from here on they are older */
            fn(visit->site, (struct str){visit->page, visit->page_len}, data);
        }
        pthread_mutex_unlock(&shard->lock);
    }
}

void visit_table_forget_idle(struct visit_table *table, int64_t now_ms)
{
    for (size_t s = 0; s < VISIT_SHARDS; s++) {
        struct shard *shard = &table->shards[s];
        pthread_mutex_lock(&shard->lock);
        while (shard->oldest != 0 && is_idle(&shard->visits[shard->oldest], now_ms))
            drop_visit(table, shard, shard->oldest);
        pthread_mutex_unlock(&shard->lock);
    }
}

uint32_t visit_table_count(struct visit_table *table)
{
    uint32_t count = 0;
    for (size_t s = 0; s < VISIT_SHARDS; s++) {
        pthread_mutex_lock(&table->shards[s].lock);
        count += table->shards[s].count;
        pthread_mutex_unlock(&table->shards[s].lock);
    }
    return count;
}

uint64_t visit_table_evicted(struct visit_table *table)
{
    uint64_t evicted = 0;
    for (size_t s = 0; s < VISIT_SHARDS; s++) {
        pthread_mutex_lock(&table->shards[s].lock);
        evicted += table->shards[s].evicted;
        pthread_mutex_unlock(&table->shards[s].lock);
    }
    return evicted;
}

/* --- Life ------------------------------------------------------------------------------------ */

static void shard_init(struct visit_table *table, struct shard *shard)
{
    pthread_mutex_init(&shard->lock, NULL);
    shard->visits = calloc((size_t)table->shard_visits_max + 1, sizeof(*shard->visits));
    shard->buckets = calloc((size_t)table->bucket_mask + 1, sizeof(*shard->buckets));
    if (shard->visits == NULL || shard->buckets == NULL)
        abort();
}

struct visit_table *visit_table_new(uint32_t visits_max, size_t bytes_max)
{
    assert(visits_max >= VISIT_SHARDS);
    struct visit_table *table = calloc(1, sizeof(*table));
    if (table == NULL)
        abort();
    table->shard_visits_max = visits_max / VISIT_SHARDS;
    table->shard_bytes_max = bytes_max / VISIT_SHARDS;
    uint32_t buckets = 1;
    while (buckets < table->shard_visits_max)
        buckets *= 2;
    table->bucket_mask = buckets - 1;
    for (size_t s = 0; s < VISIT_SHARDS; s++)
        shard_init(table, &table->shards[s]);
    return table;
}

void visit_table_free(struct visit_table *table)
{
    if (table == NULL)
        return;
    for (size_t s = 0; s < VISIT_SHARDS; s++) {
        struct shard *shard = &table->shards[s];
        while (shard->oldest != 0)
            drop_visit(table, shard, shard->oldest);
        free(shard->visits);
        free(shard->buckets);
        pthread_mutex_destroy(&shard->lock);
    }
    free(table);
}

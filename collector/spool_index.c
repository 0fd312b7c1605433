/* The spool's segments, sorted by writer and first number, and the ways in which one leaves: all of
 * it is in the log, or it goes to quarantine. Linear searches will do: there are a handful of
 * segments, and each search stands beside a write or a read of the disk. */

#include "collector/spool_index.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

static int compare(const struct spool_segment *a, const struct spool_segment *b)
{
    if (a->writer != b->writer)
        return a->writer < b->writer ? -1 : 1;
    return (a->first > b->first) - (a->first < b->first);
}

void spool_index_insert(struct spool_store *store, struct spool_segment *segment)
{
    if (store->count == store->capacity) {
        store->capacity = store->capacity == 0 ? 16 : 2 * store->capacity;
        store->segments =
            reallocarray(store->segments, store->capacity, sizeof(struct spool_segment *));
        if (store->segments == NULL)
            abort();
    }
    size_t at = store->count++;
    for (; at > 0 && compare(store->segments[at - 1], segment) > 0; at--)
        store->segments[at] = store->segments[at - 1];
    store->segments[at] = segment;
    store->state.bytes += segment->bytes;
}

void spool_index_drop(struct spool_store *store, struct spool_segment *segment)
{
    size_t at = 0;
    while (store->segments[at] != segment)
        at++;
    store->count--;
    for (; at < store->count; at++)
        store->segments[at] = store->segments[at + 1];
    store->state.bytes -= segment->bytes;
    spool_segment_free(segment);
}

size_t spool_index_find(const struct spool_store *store, uint64_t writer)
{
    size_t at = 0;
    while (at < store->count && store->segments[at]->writer < writer)
        at++;
    return at < store->count && store->segments[at]->writer == writer ? at : store->count;
}

void spool_index_cut(struct spool_store *store, struct spool_segment *segment, uint64_t last,
                     uint64_t bytes)
{
    store->state.bytes -= segment->bytes - bytes;
    if (spool_segment_cut(segment, &store->folders, last, bytes) != 0)
        store->state.failures++;
}

bool spool_index_quarantine(struct spool_store *store, struct spool_segment *segment,
                            const char *why)
{
    char name[SPOOL_NAME_BYTES];
    spool_name_format(name, segment->writer, segment->first, segment->is_heir);
    int rc = spool_segment_quarantine(segment, &store->folders);
    if (rc != 0) {
        if (store->state.failures++ == 0)
            log_error("spool: %s is %s, and cannot be moved to quarantine (%s)", name, why,
                      strerror(-rc));
        return false;
    }
    log_error("spool: %s is %s: moved to quarantine", name, why);
    store->state.quarantined++;
    store->state.bytes += segment->bytes;
    spool_index_drop(store, segment);
    return true;
}

void spool_index_damaged(struct spool_segment *segment, uint64_t last)
{
    char name[SPOOL_NAME_BYTES];
    spool_name_format(name, segment->writer, segment->first, segment->is_heir);
    log_error("spool: %s is damaged: %" PRIu64
              " batches in front are replayed, what follows is not",
              name, last + 1 - segment->first);
    spool_segment_close(segment);
    spool_segment_end(segment, last);
    segment->is_damaged = true;
}

void spool_index_remove_done(struct spool_store *store)
{
    bool removed = false;
    for (size_t at = store->count; at-- > 0;) {
        struct spool_segment *segment = store->segments[at];
        if (segment->forgotten < segment->last)
            continue;
        if (segment->is_damaged) {
            if (!spool_index_quarantine(store, segment, "damaged"))
                continue; /* tried again */
        } else if (spool_segment_unlink(segment, &store->folders) == 0) {
            spool_index_drop(store, segment);
            removed = true;
        }
    }
    /* A file that a power cut brings back is replayed, and the log answers DUP. */
    if (removed && fsync(store->folders.spool) != 0)
        store->state.failures++;
}

bool spool_segment_is_old(const struct spool_store *store, const struct spool_segment *segment)
{
    return clock_wall_ms() - segment->created_ms > store->options.age_max_ms;
}

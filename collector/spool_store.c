/* The spool's folder, as sorted segments.
 *
 *   DIR/spool/1122334455667788-9.seg      batches 9 ... 31 of a writer that is gone
 *   DIR/spool/1122334455667788-40.seg     32 ... 39 went to the log directly, or are damaged
 *   DIR/spool/99aabbccddeeff00-1.seg      a worker of this process: open, takes 5 next
 *   DIR/spool/quarantine/                 what is not replayed, for somebody to look at
 *
 * Appending: what waits of one writer is one write and one fdatasync at the end of its open
 * segment. A number that does not follow the segment's last begins a new one, as does a segment
 * that is large or an hour old. A failure kills the segment: what was durable in it stays and is
 * replayed, what was in the failed write is told to be not durable, and the next batches go to a
 * new file.
 *
 * Gaps. The log takes the numbers of a writer in order and answers GAP to one whose predecessor it
 * does not have: so nothing from that number on is in the log under this name, and it is safe to
 * send it under another. That happens when a segment in front was damaged or too old, or when the
 * log has lost the writer's row. Each segment then goes its own way:
 *
 *   GAP at another record than the segment's first: its records are read again from the first on,
 *   which the log answers with DUP up to where it really stands.
 *   GAP at the first: the file is renamed to .heir, and from then on, in this process and the next,
 *   each of its records is number 1 of a writer of its own, spool_heir(writer, number).
 *
 * Example: 20 to 31 of the first file above are damaged and in quarantine. 9 to 19 are replayed; 40
 * gets GAP, and 40, 41 ... become number 1 of heir(1122334455667788, 40), of heir(..., 41) and so
 * on. A crash after the third of them sends them all again: the log answers DUP three times and
 * takes the rest. The file's name has to be on disk before the first of them leaves: had the next
 * process tried the old name again, a log that has taken 20 to 39 in the meantime (from a file that
 * could not be read at first, or that somebody repaired) would count 40 twice.
 *
 * One heir for a whole segment would need fewer rows in the log, but a failed write can leave a
 * batch in a file that cannot be cut any more while its writer, who was told so, sends it from
 * memory: the name has to follow from the batch, wherever it stands. */

#include "collector/spool_store.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/spool_index.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"

/* --- Segments -------------------------------------------------------------------------------- */

static bool is_of(const struct spool_store *store, size_t at, uint64_t writer)
{
    return at < store->count && store->segments[at]->writer == writer;
}

/* The segment with this durable number, or NULL. */
static struct spool_segment *find_number(const struct spool_store *store, uint64_t writer,
                                         uint64_t number)
{
    for (size_t at = spool_index_find(store, writer); is_of(store, at, writer); at++) {
        struct spool_segment *segment = store->segments[at];
        if (number >= segment->first && number <= segment->last)
            return segment;
    }
    return NULL;
}

static struct spool_segment *find_open(const struct spool_store *store, uint64_t writer)
{
    for (size_t at = spool_index_find(store, writer); is_of(store, at, writer); at++)
        if (store->segments[at]->is_open)
            return store->segments[at];
    return NULL;
}

/* --- Appending ------------------------------------------------------------------------------- */

/* What is to be written at once to the end of one segment. */
struct group {
    struct spool_segment *segment; /* NULL: none is open */
    struct spool_item *items;
    size_t count;
};

static void note_success(struct spool_store *store)
{
    if (store->state.not_durable_since_ms != 0)
        log_info("spool: the disk takes batches again");
    store->state.not_durable_since_ms = 0;
    store->failures_in_a_row = 0;
}

static void note_failure(struct spool_store *store, int rc)
{
    store->state.failures++;
    if (store->failures_in_a_row++ == 0)
        store->failing_since_ms = clock_wall_ms();
    store->retry_at_ms = clock_mono_ms() + SPOOL_RETRY_MS;
    if (store->failures_in_a_row == 2) {
        store->state.not_durable_since_ms = store->failing_since_ms;
        log_error("spool: the disk does not take batches (%s); they stay in memory", strerror(-rc));
    }
}

static void settle_group(struct group *group, enum spool_append result)
{
    for (struct spool_item *item = group->items; item != NULL; item = item->next)
        item->result = result;
    group->items = NULL;
    group->count = 0;
}

/* A segment without a durable record goes, file and all. */
static void close_segment(struct spool_store *store, struct spool_segment *segment)
{
    spool_segment_close(segment);
    if (segment->bytes > 0)
        return;
    if (spool_segment_unlink(segment, &store->folders) != 0)
        store->state.failures++;
    spool_index_drop(store, segment);
}

/* False when the group is not durable; the segment is dead then. */
static bool flush(struct spool_store *store, struct group *group)
{
    if (group->count == 0)
        return true;
    struct spool_segment *segment = group->segment;
    int rc = spool_segment_append(segment, &store->folders, buf_str(&store->group),
                                  segment->last + group->count);
    if (rc == 0) {
        store->state.bytes += store->group.len;
        note_success(store);
    } else {
        note_failure(store, rc);
        close_segment(store, segment);
        group->segment = NULL;
    }
    settle_group(group, rc == 0 ? SPOOL_DURABLE : SPOOL_FAILED);
    buf_reset(&store->group);
    return rc == 0;
}

static bool follows(const struct spool_store *store, const struct group *group,
                    const struct spool_item *item, size_t bytes)
{
    const struct spool_segment *segment = group->segment;
    return item->number == segment->last + group->count + 1 &&
           segment->bytes + store->group.len + bytes <= store->options.segment_bytes_max &&
           clock_wall_ms() - segment->created_ms < SPOOL_SEGMENT_SPAN_MS;
}

static bool start_segment(struct spool_store *store, struct group *group,
                          const struct spool_item *item)
{
    struct spool_segment *segment = spool_segment_new(item->writer, item->number);
    segment->created_ms = clock_wall_ms();
    int rc = spool_segment_create(segment, &store->folders);
    if (rc != 0) {
        note_failure(store, rc);
        spool_segment_free(segment);
        return false;
    }
    spool_index_insert(store, segment);
    group->segment = segment;
    spool_header_encode(&store->group, item->writer, item->number, segment->created_ms);
    return true;
}

/* Puts the item into the group, which is written first where it does not fit. */
static enum spool_append add(struct spool_store *store, struct group *group,
                             struct spool_item *item)
{
    size_t bytes = SPOOL_RECORD_FIXED_BYTES + item->payload.len;
    bool starts = group->segment == NULL || !follows(store, group, item, bytes);
    if ((starts || store->group.len + bytes > SPOOL_GROUP_BYTES_MAX) && !flush(store, group))
        return SPOOL_FAILED;
    if (find_number(store, item->writer, item->number) != NULL)
        return SPOOL_DURABLE; /* told to be so before; its writer did not hear of it */
    size_t more = bytes + (starts ? SPOOL_HEADER_BYTES : 0);
    if (store->state.bytes + store->group.len + more > store->options.bytes_max ||
        (starts && store->count >= SPOOL_SEGMENTS_MAX))
        return SPOOL_NO_ROOM;
    if (starts) {
        if (group->segment != NULL)
            spool_segment_close(group->segment);
        if (!start_segment(store, group, item))
            return SPOOL_FAILED;
    }
    spool_record_encode(&store->group, item->writer, item->number, item->payload);
    item->next = group->items;
    group->items = item;
    group->count++;
    return SPOOL_DURABLE;
}

/* All items of the first one's writer. */
static void append_writer(struct spool_store *store, struct spool_item *const *items, size_t count)
{
    uint64_t writer = items[0]->writer;
    struct group group = {.segment = find_open(store, writer)};
    enum spool_append result = SPOOL_DURABLE;
    for (size_t i = 0; i < count; i++) {
        if (items[i]->writer != writer)
            continue;
        if (result == SPOOL_DURABLE)
            result = add(store, &group, items[i]);
        items[i]->result = result;
    }
    (void)flush(store, &group);
    buf_reset(&store->group);
}

void spool_store_append(struct spool_store *store, struct spool_item *const *items, size_t count)
{
    bool is_blocked =
        store->state.not_durable_since_ms != 0 && clock_mono_ms() < store->retry_at_ms;
    for (size_t i = 0; i < count; i++)
        items[i]->result = is_blocked ? SPOOL_FAILED : SPOOL_APPEND__COUNT;
    for (size_t i = 0; i < count; i++)
        if (items[i]->result == SPOOL_APPEND__COUNT)
            append_writer(store, items + i, count - i);
}

/* --- Replay ---------------------------------------------------------------------------------- */

static struct spool_segment *first_waiting(const struct spool_store *store, uint64_t writer)
{
    for (size_t at = spool_index_find(store, writer); is_of(store, at, writer); at++)
        if (store->segments[at]->forgotten < store->segments[at]->last)
            return store->segments[at];
    return NULL;
}

static enum spool_read read_next(struct spool_store *store, struct spool_segment *segment,
                                 struct spool_record *ret_record)
{
    uint64_t number = segment->forgotten + 1;
    if (segment->wants_heir && spool_segment_bequeath(segment, &store->folders) != 0) {
        store->state.failures++;
        return SPOOL_UNREADABLE;
    }
    segment->wants_heir = false;
    struct spool_record record = {.writer = segment->writer, .number = number};
    record.as_writer = segment->is_heir ? spool_heir(segment->writer, number) : segment->writer;
    record.as_number = segment->is_heir ? 1 : number;
    buf_init(&record.payload, SPOOL_PAYLOAD_BYTES_MAX);
    int rc = spool_segment_read(segment, &store->folders, number, &record.payload);
    if (rc == 0) {
        *ret_record = record;
        return SPOOL_RECORD;
    }
    buf_done(&record.payload);
    if (rc != -EBADMSG) {
        store->state.failures++;
        return SPOOL_UNREADABLE;
    }
    spool_index_damaged(segment, segment->at_number - 1);
    return SPOOL_READ__COUNT;
}

enum spool_read spool_store_read(struct spool_store *store, uint64_t writer,
                                 struct spool_record *ret_record)
{
    enum spool_read result = SPOOL_READ__COUNT;
    struct spool_segment *segment;
    while (result == SPOOL_READ__COUNT && (segment = first_waiting(store, writer)) != NULL) {
        if (!spool_segment_is_old(store, segment))
            result = read_next(store, segment, ret_record);
        else if (!spool_index_quarantine(store, segment, "older than what may be replayed"))
            result = SPOOL_UNREADABLE;
    }
    spool_index_remove_done(store);
    return result == SPOOL_READ__COUNT ? SPOOL_EMPTY : result;
}

void spool_store_forget(struct spool_store *store, uint64_t writer, uint64_t number)
{
    for (size_t at = spool_index_find(store, writer); is_of(store, at, writer); at++) {
        struct spool_segment *segment = store->segments[at];
        uint64_t up_to = number < segment->last ? number : segment->last;
        if (up_to > segment->forgotten)
            segment->forgotten = up_to;
    }
    spool_index_remove_done(store);
}

void spool_store_gap(struct spool_store *store, uint64_t writer, uint64_t number)
{
    struct spool_segment *segment = find_number(store, writer, number);
    if (segment == NULL)
        return;
    if (number == segment->first && !segment->is_heir)
        segment->wants_heir = true;
    segment->forgotten = segment->first - 1;
}

/* --- What it holds --------------------------------------------------------------------------- */

size_t spool_store_writers(const struct spool_store *store, struct spool_writer **ret_writers)
{
    struct spool_writer *writers = calloc(store->count + 1, sizeof(*writers));
    if (writers == NULL)
        abort();
    size_t count = 0;
    for (size_t at = 0; at < store->count; at++) {
        const struct spool_segment *segment = store->segments[at];
        if (segment->forgotten >= segment->last)
            continue;
        if (count == 0 || writers[count - 1].writer != segment->writer)
            writers[count++] =
                (struct spool_writer){.writer = segment->writer, .first = segment->forgotten + 1};
        writers[count - 1].last = segment->last;
    }
    *ret_writers = writers;
    return count;
}

void spool_store_state(const struct spool_store *store, struct spool_state *ret_state)
{
    struct spool_state state = store->state;
    state.bytes_max = store->options.bytes_max;
    state.segments = (uint32_t)store->count;
    for (size_t at = 0; at < store->count; at++) {
        const struct spool_segment *segment = store->segments[at];
        state.quarantined += segment->is_damaged;
        if (segment->forgotten >= segment->last)
            continue;
        state.records += segment->last - segment->forgotten;
        if (state.oldest_ms == 0 || segment->created_ms < state.oldest_ms)
            state.oldest_ms = segment->created_ms;
    }
    *ret_state = state;
}

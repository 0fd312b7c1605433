/* A worker's parts of each site, for the live messages: batches that are not applied yet, as far as
 * it knows, and what is open. Called once a second by the writer's owner. */

#include "collector/live_parts.h"

#include <stdlib.h>

#include "aggregator/batch.h"
#include "common/limits.h"

/* The newest batches with something of this desk: they are the likeliest not to be applied. The
 * last place is the open part's. */
struct newest {
    const struct sealed *batches[LIVE_PARTS_MAX - 1];
    size_t count;
};

static void find_newest(const struct sealed *first, uint32_t desk, struct newest *newest)
{
    const size_t places = ARRAY_LEN(newest->batches);
    for (const struct sealed *batch = first; batch != NULL; batch = batch->next) {
        if (batch->is_with_spool || !sealed_has(batch, desk))
            continue;
        if (newest->count == places)
            memmove(&newest->batches[0], &newest->batches[1],
                    --newest->count * sizeof(newest->batches[0]));
        newest->batches[newest->count++] = batch;
    }
}

static uint32_t count_open(const struct desk *desk)
{
    uint32_t count = 0;
    for (size_t d = 0; d < DESK_DAYS; d++)
        count += desk->days[d].section != NULL;
    return count;
}

static void append_open(struct buf *out, struct desk *desk)
{
    batch_begin(out, count_open(desk));
    for (size_t d = 0; d < DESK_DAYS; d++)
        if (desk->days[d].section != NULL)
            batch_append_section(out, desk->days[d].section);
    batch_end(out);
}

struct parts {
    struct live_part parts[LIVE_PARTS_MAX];
    struct buf payloads[LIVE_PARTS_MAX];
    size_t count;
};

static void collect_parts(const struct live_source *source, uint32_t number, struct parts *parts)
{
    struct desk *desk = source->desks->desks[number];
    struct newest newest = {.count = 0};
    find_newest(source->recent, number, &newest);
    find_newest(source->waiting, number, &newest);
    parts->count = 0;
    for (size_t i = 0; i < newest.count; i++) {
        struct buf *payload = &parts->payloads[parts->count];
        buf_init(payload, LIVE_MESSAGE_BYTES_MAX);
        sealed_append_part(newest.batches[i], number, payload);
        parts->parts[parts->count++] = (struct live_part){.number = newest.batches[i]->number};
    }
    if (count_open(desk) > 0) {
        struct buf *payload = &parts->payloads[parts->count];
        buf_init(payload, LIVE_MESSAGE_BYTES_MAX);
        append_open(payload, desk);
        /* Whatever seals it will have a higher number. */
        parts->parts[parts->count++] = (struct live_part){.after = source->last_number};
    }
}

static void mark_desk(uint32_t desk, void *data)
{
    bool *marked = data;
    marked[desk] = true;
}

void live_parts_each(const struct live_source *source,
                     void (*fn)(struct str site, const struct live_part *parts, size_t count,
                                void *data),
                     void *data)
{
    const struct desk_table *desks = source->desks;
    bool *in_batch = calloc(desks->count + 1, sizeof(*in_batch));
    if (in_batch == NULL)
        abort();
    for (const struct sealed *batch = source->recent; batch != NULL; batch = batch->next)
        sealed_each_desk(batch, mark_desk, in_batch);
    for (const struct sealed *batch = source->waiting; batch != NULL; batch = batch->next)
        sealed_each_desk(batch, mark_desk, in_batch);
    for (size_t i = 0; i < desks->count; i++) {
        struct parts parts;
        size_t whole = 0;
        if (!in_batch[i] && count_open(desks->desks[i]) == 0)
            continue;
        collect_parts(source, (uint32_t)i, &parts);
        for (size_t p = 0; p < parts.count; p++) {
            parts.parts[p].payload = buf_str(&parts.payloads[p]);
            /* A part too large to tell shows when it is applied. */
            if (!parts.payloads[p].overflow)
                parts.parts[whole++] = parts.parts[p];
        }
        fn(desks->desks[i]->site, parts.parts, whole, data);
        for (size_t p = 0; p < parts.count; p++)
            buf_done(&parts.payloads[p]);
    }
    free(in_batch);
}

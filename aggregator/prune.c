/* Tells `prune` (functions.lua) what is old, and where to go on.
 *
 * A row's time is the later of its writer's clock and the log's when its last batch came; it is old
 * by both Redis's clock and this process's. So of the three clocks, one that is wrong can keep a
 * row for longer, and cannot take it early: early would be a batch that counts twice, since a batch
 * whose writer has no row can be sent again under another name. */

#include "aggregator/prune.h"

#include <inttypes.h>
#include <stdio.h>

#include "aggregator/model.h"
#include "common/clock.h"
#include "common/limits.h"

enum { KEY_BYTES_MAX = 64 };
static const char DOING[] = "pruning";

void prune_reset(struct prune *prune, int64_t mono_ms)
{
    *prune = (struct prune){.due_ms = mono_ms + PRUNE_EVERY_MS, .scan = "0"};
}

static struct redis_reply *call(const struct prune *prune, struct redis *redis, uint32_t shard)
{
    char now[24], rows_kept[24], entries_kept[24];
    struct buf writers, quarantine;
    (void)snprintf(now, sizeof(now), "%" PRId64, clock_wall_ms());
    (void)snprintf(rows_kept, sizeof(rows_kept), "%" PRId64, (int64_t)WRITER_ROW_KEPT_MS);
    (void)snprintf(entries_kept, sizeof(entries_kept), "%" PRId64, (int64_t)QUARANTINE_KEPT_MS);
    buf_init(&writers, KEY_BYTES_MAX);
    buf_init(&quarantine, KEY_BYTES_MAX);
    model_key_writers(&writers, shard);
    model_key_quarantine(&quarantine, shard);
    struct redis_reply *reply =
        redis_do(redis, STR_LIT("FCALL"), STR_LIT("prune"), STR_LIT("2"), buf_str(&writers),
                 buf_str(&quarantine), str_from(prune->scan), str_from(now), str_from(rows_kept),
                 str_from(entries_kept));
    buf_done(&writers);
    buf_done(&quarantine);
    return reply;
}

bool prune_step(struct prune *prune, struct redis *redis, uint32_t shard, int64_t mono_ms,
                struct prune_counts *ret_counts, struct trouble *ret_trouble)
{
    *ret_counts = (struct prune_counts){0};
    if (mono_ms < prune->due_ms)
        return true;
    struct redis_reply *reply = trouble_check(ret_trouble, DOING, redis, call(prune, redis, shard));
    if (reply == NULL)
        return false;
    bool good = redis_reply_count(reply) == 3;
    if (good) {
        struct str scan = redis_reply_str(redis_reply_at(reply, 0));
        ret_counts->rows = (uint64_t)redis_reply_integer(redis_reply_at(reply, 1));
        ret_counts->entries = (uint64_t)redis_reply_integer(redis_reply_at(reply, 2));
        (void)snprintf(prune->scan, sizeof(prune->scan), "%.*s", STR_ARG(scan));
        if (str_eq(scan, STR_LIT("0")))
            prune->due_ms = mono_ms + PRUNE_EVERY_MS;
    }
    redis_reply_free(reply);
    return good || trouble_set(ret_trouble, DOING, STR_LIT("what it answers makes no sense"));
}

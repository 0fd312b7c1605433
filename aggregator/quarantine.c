/* The calls of `quarantine` and `retry` (functions.lua, whose head says what they do), and reading
 * what is there. One entry a call: a payload may be a megabyte. */

#include "aggregator/quarantine.h"

#include <inttypes.h>
#include <stdio.h>

#include "aggregator/model.h"

enum { KEY_BYTES_MAX = 64 };

struct keys {
    struct buf cursor, log, quarantine;
};

static void keys_init(struct keys *keys, uint32_t shard)
{
    buf_init(&keys->cursor, KEY_BYTES_MAX);
    buf_init(&keys->log, KEY_BYTES_MAX);
    buf_init(&keys->quarantine, KEY_BYTES_MAX);
    model_key_cursor(&keys->cursor, shard);
    model_key_log(&keys->log, shard);
    model_key_quarantine(&keys->quarantine, shard);
}

static void keys_done(struct keys *keys)
{
    buf_done(&keys->cursor);
    buf_done(&keys->log);
    buf_done(&keys->quarantine);
}

enum quarantine_status quarantine_put(struct redis *redis, uint32_t shard, struct str cursor,
                                      struct str id, const char *why, struct trouble *ret_trouble)
{
    char doing[LOG_ENTRY_ID_BYTES + 64], kept[24];
    struct keys keys;
    (void)snprintf(doing, sizeof(doing), "putting entry %.*s into quarantine", STR_ARG(id));
    (void)snprintf(kept, sizeof(kept), "%" PRId64, (int64_t)QUARANTINE_KEPT_MS);
    keys_init(&keys, shard);
    struct redis_reply *reply = redis_do(
        redis, STR_LIT("FCALL"), STR_LIT("quarantine"), STR_LIT("3"), buf_str(&keys.cursor),
        buf_str(&keys.log), buf_str(&keys.quarantine), cursor, id, str_from(why), str_from(kept));
    keys_done(&keys);
    reply = trouble_check(ret_trouble, doing, redis, reply);
    if (reply == NULL)
        return QUARANTINE_TROUBLE;
    bool done = redis_reply_is(reply, "OK");
    redis_reply_free(reply);
    return done ? QUARANTINE_DONE : QUARANTINE_MOVED;
}

bool quarantine_count(struct redis *redis, uint32_t shard, uint64_t *ret_count,
                      struct trouble *ret_trouble)
{
    struct keys keys;
    keys_init(&keys, shard);
    struct redis_reply *reply =
        trouble_check(ret_trouble, "looking at the quarantine", redis,
                      redis_do(redis, STR_LIT("XLEN"), buf_str(&keys.quarantine)));
    keys_done(&keys);
    if (reply == NULL)
        return false;
    *ret_count = (uint64_t)redis_reply_integer(reply);
    redis_reply_free(reply);
    return true;
}

/* {e id, r why, w writer, n number, p payload} or {e id, r why, f fields}. */
static void take_fields(const struct redis_reply *fields, struct quarantine_entry *entry)
{
    for (size_t i = 0; i + 1 < redis_reply_count(fields); i += 2) {
        struct str value = redis_reply_str(redis_reply_at(fields, i + 1));
        if (redis_reply_is(redis_reply_at(fields, i), "e"))
            entry->entry = value;
        else if (redis_reply_is(redis_reply_at(fields, i), "r"))
            entry->why = value;
        else if (redis_reply_is(redis_reply_at(fields, i), "p")) {
            entry->payload = value;
            entry->is_batch = true;
        }
    }
}

struct redis_reply *quarantine_next(struct redis *redis, uint32_t shard, struct str after,
                                    bool *ret_has_entry, struct quarantine_entry *ret_entry,
                                    struct trouble *ret_trouble)
{
    char from[LOG_ENTRY_ID_BYTES + 1];
    struct keys keys;
    (void)snprintf(from, sizeof(from), "(%.*s", STR_ARG(after));
    keys_init(&keys, shard);
    struct redis_reply *reply =
        trouble_check(ret_trouble, "looking at the quarantine", redis,
                      redis_do(redis, STR_LIT("XRANGE"), buf_str(&keys.quarantine), str_from(from),
                               STR_LIT("+"), STR_LIT("COUNT"), STR_LIT("1")));
    keys_done(&keys);
    if (reply == NULL)
        return NULL;
    *ret_has_entry = redis_reply_count(reply) == 1;
    if (*ret_has_entry) {
        const struct redis_reply *entry = redis_reply_at(reply, 0);
        *ret_entry = (struct quarantine_entry){.id = redis_reply_str(redis_reply_at(entry, 0))};
        take_fields(redis_reply_at(entry, 1), ret_entry);
    }
    return reply;
}

enum quarantine_retried quarantine_retry(struct redis *redis, uint32_t shard, struct str id,
                                         struct trouble *ret_trouble)
{
    struct keys keys;
    keys_init(&keys, shard);
    struct redis_reply *reply =
        trouble_check(ret_trouble, "putting an entry back into the log", redis,
                      redis_do(redis, STR_LIT("FCALL"), STR_LIT("retry"), STR_LIT("2"),
                               buf_str(&keys.quarantine), buf_str(&keys.log), id));
    keys_done(&keys);
    if (reply == NULL)
        return QUARANTINE_REFUSED;
    enum quarantine_retried retried = redis_reply_is(reply, "OK")     ? QUARANTINE_RETRIED
                                      : redis_reply_is(reply, "GONE") ? QUARANTINE_GONE
                                                                      : QUARANTINE_NO_BATCH;
    redis_reply_free(reply);
    return retried;
}

bool quarantine_discard(struct redis *redis, uint32_t shard, struct str id,
                        struct trouble *ret_trouble)
{
    struct keys keys;
    keys_init(&keys, shard);
    struct redis_reply *reply =
        trouble_check(ret_trouble, "discarding an entry", redis,
                      redis_do(redis, STR_LIT("XDEL"), buf_str(&keys.quarantine), id));
    keys_done(&keys);
    bool good = reply != NULL;
    redis_reply_free(reply);
    return good;
}

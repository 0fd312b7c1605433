/* Keys of a site, found by their common beginning and deleted one by one.
 *
 * Open days go first: a close that is under way finds its day gone and writes nothing. Keys are
 * gone through twice: the sum of a month may have been written while its days were there still, and
 * SCAN need not tell of a key that comes meanwhile; once the days are gone none is written. A whole
 * month at a time, because the days of a month share a list of names, and a list that lost some of
 * its days would still tell their names. */

#include "cli/site_erase.h"

#include <stdio.h>

#include "aggregator/model.h"

enum { KEY_BYTES_MAX = 1024, SCAN_COUNT = 500, SCAN_ROUNDS_MAX = 10000000, CURSOR_BYTES = 32 };

struct erasing {
    struct redis *redis;
    struct str domain;
    uint32_t before;
    size_t keys;
    char *error;
    size_t error_bytes;
};

static bool good(const struct erasing *erasing, struct redis_reply *reply)
{
    bool is_good = reply != NULL && redis_reply_type(reply) != REDIS_TYPE_ERROR;
    if (reply == NULL)
        snprintf(erasing->error, erasing->error_bytes, "Redis went away: %s.",
                 redis_error(erasing->redis));
    else if (!is_good)
        snprintf(erasing->error, erasing->error_bytes, "Redis refuses: %.*s.",
                 STR_ARG(redis_reply_str(reply)));
    return is_good;
}

static bool done(const struct erasing *erasing, struct redis_reply *reply)
{
    bool is_good = good(erasing, reply);
    redis_reply_free(reply);
    return is_good;
}

/* --- Open days -------------------------------------------------------------------------------- */

static bool close_nothing(struct erasing *erasing, struct str key, const struct redis_reply *fields)
{
    bool is_good = true;
    for (size_t i = 0; i + 1 < redis_reply_count(fields) && is_good; i += 2) {
        struct str field = redis_reply_str(redis_reply_at(fields, i)), site;
        uint32_t date;
        if (model_open_field_parse(field, &site, &date) && str_eq(site, erasing->domain) &&
            (erasing->before == 0 || date < erasing->before))
            is_good = done(erasing, redis_do(erasing->redis, STR_LIT("HDEL"), key, field));
    }
    return is_good;
}

static bool forget_open_days(struct erasing *erasing)
{
    struct buf key;
    buf_init(&key, KEY_BYTES_MAX);
    model_key_open(&key, model_shard(erasing->domain));
    struct redis_reply *reply = redis_do(erasing->redis, STR_LIT("HGETALL"), buf_str(&key));
    bool is_good = good(erasing, reply) && close_nothing(erasing, buf_str(&key), reply);
    redis_reply_free(reply);
    buf_done(&key);
    return is_good;
}

/* --- Keys ------------------------------------------------------------------------------------- */

static bool is_meant(const struct erasing *erasing, struct str key)
{
    uint32_t date;
    return erasing->before == 0 || (model_key_date(key, &date) && date < erasing->before);
}

static bool delete_found(struct erasing *erasing, const struct redis_reply *found)
{
    for (size_t i = 0; i < redis_reply_count(found); i++) {
        struct str key = redis_reply_str(redis_reply_at(found, i));
        if (!is_meant(erasing, key))
            continue;
        if (!done(erasing, redis_do(erasing->redis, STR_LIT("DEL"), key)))
            return false;
        erasing->keys++;
    }
    return true;
}

/* Domains hold no character that a pattern gives a meaning to. */
static bool delete_keys(struct erasing *erasing)
{
    struct buf pattern;
    char cursor[CURSOR_BYTES] = "0", count[16];
    bool is_good = true, more = true;
    snprintf(count, sizeof(count), "%d", SCAN_COUNT);
    buf_init(&pattern, KEY_BYTES_MAX);
    model_key_site_prefix(&pattern, erasing->domain);
    buf_append_byte(&pattern, '*');
    for (int round = 0; is_good && more && round < SCAN_ROUNDS_MAX; round++) {
        struct redis_reply *reply =
            redis_do(erasing->redis, STR_LIT("SCAN"), str_from(cursor), STR_LIT("MATCH"),
                     buf_str(&pattern), STR_LIT("COUNT"), str_from(count));
        is_good = good(erasing, reply) && delete_found(erasing, redis_reply_at(reply, 1));
        snprintf(cursor, sizeof(cursor), "%.*s",
                 STR_ARG(redis_reply_str(redis_reply_at(reply, 0))));
        more = cursor[0] != '\0' && strcmp(cursor, "0") != 0;
        redis_reply_free(reply);
    }
    buf_done(&pattern);
    return is_good;
}

/* Where there is a journal. One that is being written already began before the last key went, and
 * Redis puts ours behind it or `serve` does within the hour. */
static void rewrite_journal(struct erasing *erasing)
{
    struct redis_reply *reply =
        redis_do(erasing->redis, STR_LIT("CONFIG"), STR_LIT("GET"), STR_LIT("appendonly"));
    bool has_journal = reply != NULL && redis_reply_is(redis_reply_at(reply, 1), "yes");
    redis_reply_free(reply);
    if (has_journal)
        redis_reply_free(redis_do(erasing->redis, STR_LIT("BGREWRITEAOF")));
}

bool site_erase(struct redis *redis, struct str domain, uint32_t before, size_t *ret_keys,
                char *error, size_t error_bytes)
{
    struct erasing erasing = {.redis = redis,
                              .domain = domain,
                              .before = before,
                              .error = error,
                              .error_bytes = error_bytes};
    if (!forget_open_days(&erasing) || !delete_keys(&erasing) || !delete_keys(&erasing))
        return false;
    rewrite_journal(&erasing);
    *ret_keys = erasing.keys;
    return true;
}

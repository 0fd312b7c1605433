/* Strings by ranges, and what has members by steps, so that no answer is large. Lists, sets and
 * sorted sets are in no inventory: whoever finds one wants to know what is in it. */

#include "cli/audit_values.h"

#include <stdio.h>
#include <string.h>

enum { STRING_BYTES = 1024 * 1024, STEP_COUNT = 200, STEPS_MAX = 1000 * 1000, AT_BYTES = 64 };

/* All strings in a reply, which nests as deep as a stream's entries: three arrays. */
static void search_reply(struct audit_search *search, const struct redis_reply *reply)
{
    enum { DEPTH = 4 };
    const struct redis_reply *at[DEPTH] = {reply};
    size_t next[DEPTH] = {0};
    int depth = 0;
    audit_search_bytes(search, redis_reply_str(reply), 0);
    while (depth >= 0) {
        if (next[depth] >= redis_reply_count(at[depth])) {
            depth--;
            continue;
        }
        const struct redis_reply *item = redis_reply_at(at[depth], next[depth]++);
        audit_search_bytes(search, redis_reply_str(item), 0);
        if (depth + 1 < DEPTH) {
            at[++depth] = item;
            next[depth] = 0;
        }
    }
}

/* By ranges that overlap by the longest needle. */
static bool search_string(struct audit_search *search, struct redis *redis, struct str key)
{
    size_t overlap = audit_search_longest(search);
    for (uint64_t at = 0, len = STRING_BYTES; len == STRING_BYTES;) {
        char from[AT_BYTES], to[AT_BYTES];
        size_t before = at == 0 ? 0 : overlap < at ? overlap : (size_t)at;
        snprintf(from, sizeof(from), "%llu", (unsigned long long)(at - before));
        snprintf(to, sizeof(to), "%llu", (unsigned long long)(at + STRING_BYTES - 1));
        struct redis_reply *reply =
            redis_do(redis, STR_LIT("GETRANGE"), key, str_from(from), str_from(to));
        if (reply == NULL)
            return false;
        struct str bytes = redis_reply_str(reply);
        len = bytes.len > before ? bytes.len - before : 0;
        if (len > 0)
            audit_search_bytes(search, bytes, before);
        at += len;
        redis_reply_free(reply);
    }
    return true;
}

/* HSCAN, SSCAN, ZSCAN. */
static bool search_members(struct audit_search *search, struct redis *redis, struct str key,
                           const char *command)
{
    char cursor[AT_BYTES] = "0", count[16];
    snprintf(count, sizeof(count), "%d", STEP_COUNT);
    for (int step = 0; step < STEPS_MAX; step++) {
        struct redis_reply *reply = redis_do(redis, str_from(command), key, str_from(cursor),
                                             STR_LIT("COUNT"), str_from(count));
        if (reply == NULL)
            return false;
        search_reply(search, redis_reply_at(reply, 1));
        struct str next = redis_reply_str(redis_reply_at(reply, 0));
        bool is_end = redis_reply_count(reply) != 2 || str_eq(next, STR_LIT("0"));
        snprintf(cursor, sizeof(cursor), "%.*s", STR_ARG(next));
        redis_reply_free(reply);
        if (is_end)
            return true;
    }
    return true;
}

static bool search_list(struct audit_search *search, struct redis *redis, struct str key)
{
    for (int step = 0; step < STEPS_MAX; step++) {
        char from[AT_BYTES], to[AT_BYTES];
        snprintf(from, sizeof(from), "%d", step * STEP_COUNT);
        snprintf(to, sizeof(to), "%d", (step + 1) * STEP_COUNT - 1);
        struct redis_reply *reply =
            redis_do(redis, STR_LIT("LRANGE"), key, str_from(from), str_from(to));
        if (reply == NULL)
            return false;
        bool is_end = redis_reply_count(reply) < STEP_COUNT;
        search_reply(search, reply);
        redis_reply_free(reply);
        if (is_end)
            return true;
    }
    return true;
}

static bool search_stream(struct audit_search *search, struct redis *redis, struct str key)
{
    char from[AT_BYTES] = "-", count[16];
    snprintf(count, sizeof(count), "%d", STEP_COUNT);
    for (int step = 0; step < STEPS_MAX; step++) {
        struct redis_reply *reply = redis_do(redis, STR_LIT("XRANGE"), key, str_from(from),
                                             STR_LIT("+"), STR_LIT("COUNT"), str_from(count));
        if (reply == NULL)
            return false;
        size_t got = redis_reply_count(reply);
        search_reply(search, reply);
        struct str last =
            redis_reply_str(redis_reply_at(redis_reply_at(reply, got == 0 ? 0 : got - 1), 0));
        snprintf(from, sizeof(from), "(%.*s", STR_ARG(str_prefix(last, sizeof(from) - 2)));
        redis_reply_free(reply);
        if (got < STEP_COUNT)
            return true;
    }
    return true;
}

bool audit_values(struct audit_search *search, struct redis *redis, struct str key)
{
    struct redis_reply *type = redis_do(redis, STR_LIT("TYPE"), key);
    bool good = type != NULL;
    if (redis_reply_is(type, "string"))
        good = search_string(search, redis, key);
    else if (redis_reply_is(type, "hash"))
        good = search_members(search, redis, key, "HSCAN");
    else if (redis_reply_is(type, "set"))
        good = search_members(search, redis, key, "SSCAN");
    else if (redis_reply_is(type, "zset"))
        good = search_members(search, redis, key, "ZSCAN");
    else if (redis_reply_is(type, "list"))
        good = search_list(search, redis, key);
    else if (redis_reply_is(type, "stream"))
        good = search_stream(search, redis, key);
    redis_reply_free(type);
    return good;
}

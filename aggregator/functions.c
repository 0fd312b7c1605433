/* Brings the function library to the server, so that a deployment needs no step for it. Called by
 * the aggregator whenever it connects, and by set-up code and tests. */

#include "aggregator/functions.h"

#include <stdio.h>

#include "embedded/functions_lua.h"

static struct str library_code(void)
{
    return (struct str){(const char *)functions_lua_bytes, functions_lua_len};
}

/* True when FUNCTION LIST … WITHCODE tells of this very code. The code is a member, by name, of the
 * one library's flat list. */
static bool holds_library(const struct redis_reply *list)
{
    if (redis_reply_count(list) != 1)
        return false;
    const struct redis_reply *library = redis_reply_at(list, 0);
    for (size_t i = 0; i + 1 < redis_reply_count(library); i += 2)
        if (redis_reply_is(redis_reply_at(library, i), "library_code"))
            return str_eq(redis_reply_str(redis_reply_at(library, i + 1)), library_code());
    return false;
}

static struct redis_reply *list_library(struct redis *redis)
{
    return redis_do(redis, STR_LIT("FUNCTION"), STR_LIT("LIST"), STR_LIT("LIBRARYNAME"),
                    STR_LIT("footfall"), STR_LIT("WITHCODE"));
}

enum functions_state functions_look(struct redis *redis)
{
    struct redis_reply *reply = list_library(redis);
    enum functions_state state = FUNCTIONS_UNKNOWN;
    if (reply != NULL && redis_reply_type(reply) == REDIS_TYPE_ARRAY)
        state = redis_reply_count(reply) == 0 ? FUNCTIONS_ABSENT
                : holds_library(reply)        ? FUNCTIONS_OURS
                                              : FUNCTIONS_OTHER;
    redis_reply_free(reply);
    return state;
}

bool functions_load(struct redis *redis, char *error, size_t error_bytes)
{
    struct redis_reply *reply = list_library(redis);
    if (reply != NULL && !holds_library(reply)) {
        redis_reply_free(reply);
        reply = redis_do(redis, STR_LIT("FUNCTION"), STR_LIT("LOAD"), STR_LIT("REPLACE"),
                         library_code());
    }
    if (reply == NULL) {
        (void)snprintf(error, error_bytes, "%s", redis_error(redis));
        return false;
    }
    bool good = redis_reply_type(reply) != REDIS_TYPE_ERROR;
    if (!good)
        (void)snprintf(error, error_bytes, "%.*s", STR_ARG(redis_reply_str(reply)));
    redis_reply_free(reply);
    return good;
}

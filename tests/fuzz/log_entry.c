/* Entries of the log: a reply of any shape is an entry with numbers within their bounds, or none.
 *
 * An input is a tree: a byte for the kind, then a string, or how many children follow. */

#include "tests/fuzz/fuzz.h"

#include "aggregator/log_entry.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>

enum { DEPTH_MAX = 4, CHILDREN_MAX = 8 };

static const int KINDS[] = {REDIS_REPLY_STRING,  REDIS_REPLY_ARRAY, REDIS_REPLY_NIL,
                            REDIS_REPLY_INTEGER, REDIS_REPLY_ERROR, REDIS_REPLY_STATUS};

static redisReply *make_reply(struct str *rest, unsigned depth)
{
    redisReply *reply = calloc(1, sizeof(*reply));
    assert(reply != NULL);
    reply->type = KINDS[fuzz_take_byte(rest) % ARRAY_LEN(KINDS)];
    if (reply->type == REDIS_REPLY_ARRAY) {
        reply->elements = depth == 0 ? 0 : fuzz_take_byte(rest) % CHILDREN_MAX;
        reply->element = calloc(reply->elements + 1, sizeof(redisReply *));
        for (size_t i = 0; i < reply->elements; i++)
            reply->element[i] = make_reply(rest, depth - 1);
    } else if (reply->type == REDIS_REPLY_INTEGER) {
        reply->integer = (long long)fuzz_take_number(rest, 8);
    } else if (reply->type != REDIS_REPLY_NIL) {
        size_t bytes = fuzz_take_byte(rest);
        struct str text = fuzz_take_bytes(rest, bytes);
        reply->len = text.len;
        reply->str = malloc(text.len + 1);
        assert(reply->str != NULL);
        if (text.len > 0)
            memcpy(reply->str, text.ptr, text.len);
        reply->str[text.len] = '\0';
    }
    return reply;
}

static void free_reply(redisReply *reply)
{
    for (size_t i = 0; i < reply->elements; i++)
        free_reply(reply->element[i]);
    free(reply->element);
    free(reply->str);
    free(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str rest = {(const char *)data, len};
    redisReply *reply = make_reply(&rest, DEPTH_MAX);
    struct log_entry entry;
    uint64_t ms, seq;
    bool good = log_entry_parse((const struct redis_reply *)(const void *)reply, &entry);
    assert(!good || entry.number < UINT64_C(1) << 53);
    if (log_entry_id_parse(entry.id, &ms, &seq))
        assert(entry.id.len >= 3 && entry.id.len <= 33);
    free_reply(reply);
    return 0;
}

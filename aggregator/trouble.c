/* Tells Redis's refusals apart by how they begin. Called by whatever of the aggregator asks Redis.
 * Pure but for freeing replies. */

#include "aggregator/trouble.h"

#include <assert.h>
#include <stdio.h>

static const struct {
    const char *sentence, *words;
    bool lasts;
} ROWS[TROUBLE__COUNT] = {
#define X(id, sentence, words, lasts) [TROUBLE_##id] = {sentence, words, lasts},
    TROUBLES(X)
#undef X
};

static enum trouble_kind by_start(struct str sentence)
{
    for (int kind = 0; kind < TROUBLE_OTHER; kind++)
        if (str_starts_with(sentence, str_from(ROWS[kind].sentence)))
            return (enum trouble_kind)kind;
    return TROUBLE_OTHER;
}

enum trouble_kind trouble_kind_of(struct str sentence)
{
    enum trouble_kind kind = by_start(sentence);
    for (size_t i = sentence.len; i > 1 && kind == TROUBLE_OTHER; i--)
        if (sentence.ptr[i - 2] == ':' && sentence.ptr[i - 1] == ' ')
            return by_start(str_from_at(sentence, i));
    return kind;
}

const char *trouble_words(enum trouble_kind kind)
{
    assert(kind < TROUBLE__COUNT);
    return ROWS[kind].words;
}

bool trouble_lasts(enum trouble_kind kind)
{
    assert(kind < TROUBLE__COUNT);
    return ROWS[kind].lasts;
}

bool trouble_set(struct trouble *trouble, const char *doing, struct str said)
{
    trouble->kind = trouble_kind_of(said);
    trouble->is_lost = false;
    (void)snprintf(trouble->doing, sizeof(trouble->doing), "%s", doing);
    (void)snprintf(trouble->said, sizeof(trouble->said), "%.*s", STR_ARG(said));
    return false;
}

struct redis_reply *trouble_check(struct trouble *trouble, const char *doing,
                                  const struct redis *redis, struct redis_reply *reply)
{
    if (reply == NULL) {
        (void)trouble_set(trouble, doing, str_from(redis_error(redis)));
        trouble->is_lost = true;
        return NULL;
    }
    if (redis_reply_type(reply) != REDIS_TYPE_ERROR)
        return reply;
    (void)trouble_set(trouble, doing, redis_reply_str(reply));
    redis_reply_free(reply);
    return NULL;
}

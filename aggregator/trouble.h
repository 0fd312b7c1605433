#pragma once

/* What it means that Redis does not do what the aggregator asks: a refusal that lasts because of
 * what is in an entry or beside it, or one that passes. Whatever is not known to last passes: it
 * is waited for, and no entry is blamed for it. */

#include "common/macros.h"
#include "common/redis.h"

/* X(enum, how Redis's sentence begins, what follows "nothing is applied", lasts because of what is
 * applied). TROUBLE_OTHER fits any sentence. */
#define TROUBLES(X)                                                                                \
    X(LOADING, "LOADING", "Redis is loading its files", false)                                     \
    X(MEMORY, "OOM", "Redis has no memory left", false)                                            \
    X(DISK, "MISCONF", "Redis cannot write its files", false)                                      \
    X(READ_ONLY, "READONLY", "Redis is read-only, a replica", false)                               \
    X(MASTER, "MASTERDOWN", "Redis is a replica whose master is away", false)                      \
    X(REPLICAS, "NOREPLICAS", "Redis has fewer replicas than it wants", false)                     \
    X(BUSY, "BUSY", "Redis is busy with a script", false)                                          \
    X(RIGHTS, "NOPERM", "the aggregator's user lacks a right", false)                              \
    X(PASSWORD, "NOAUTH", "Redis wants a password", false)                                         \
    X(LOGIN, "user or password refused", "Redis refuses the user or the password", false)          \
    X(CLUSTER, "CLUSTERDOWN", "the cluster of Redis is down", false)                               \
    X(ELSEWHERE, "MOVED ", "this Redis does not hold the counts; name their primary", false)       \
    X(FUNCTION, "ERR Function not found", "the functions are not loaded", false)                   \
    X(SILENT, "Resource temporarily unavailable", "Redis does not answer in time", false)          \
    X(FULL, "FULL", "the quarantine is full", false)                                               \
    X(KEY_TYPE, "BADTYPE", "a key holds another type", true)                                       \
    X(KEY_TYPE_READ, "WRONGTYPE", "a key holds another type", true)                                \
    X(FIELD, "BADFIELD", "a stored count is no number, or would leave its range", true)            \
    X(SKETCH, "BADSKETCH", "a stored sketch is corrupt", true)                                     \
    X(ARGUMENT, "BADARG", "the functions do not take it", true)                                    \
    X(OTHER, "", "Redis cannot be reached, or refuses", false)

enum trouble_kind {
#define X(id, sentence, words, lasts) TROUBLE_##id,
    TROUBLES(X)
#undef X
        TROUBLE__COUNT
};

/* What was being done, and what was said. `said` is Redis's sentence or hiredis's. */
struct trouble {
    enum trouble_kind kind;
    bool is_lost; /* the connection is dead, and the outcome unknown */
    char doing[400];
    char said[200];
};

/* By how the sentence, or what stands behind its last colon, begins. */
enum trouble_kind trouble_kind_of(struct str sentence);
const char *trouble_words(enum trouble_kind kind);
bool trouble_lasts(enum trouble_kind kind);

/* Fills in all of it, cut to its room. Returns false, for `return trouble_set(…)`. */
bool trouble_set(struct trouble *trouble, const char *doing, struct str said);
/* The reply, when it is one and no error. Else NULL with the trouble told; an error is freed. */
struct redis_reply *trouble_check(struct trouble *trouble, const char *doing,
                                  const struct redis *redis, struct redis_reply *reply);

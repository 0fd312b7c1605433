#pragma once

/* What a plan needs from Redis, step by step: sealed days by their records, open ones by their
 * counters, and both where a late batch opened a day again. Each step's commands belong into one
 * MULTI … EXEC. Does no I/O; one thread. */

#include "aggregator/query_cache.h"
#include "aggregator/query_live.h"

struct query_read;

/* `overlay`, what collectors have told, may be NULL. All of them must outlive the read. Prepares
 * the first step. */
struct query_read *query_read_new(const struct query_plan *plan, struct query_cache *cache,
                                  const struct overlay *overlay, struct query_answer *answer);
void query_read_free(struct query_read *read);
/* QUERY_STEP_BYTES unless told otherwise, for tests of questions that take many steps. */
void query_read_set_step_bytes(struct query_read *read, size_t bytes);

/* The commands of the step; none for a plan without a date. They live until the take. */
const struct query_commands *query_read_commands(const struct query_read *read);

enum query_read_status {
    QUERY_READ_OK,     /* the answer has all of it */
    QUERY_READ_AGAIN,  /* there is another step */
    QUERY_READ_FAILED, /* not what these commands are answered with, or a damaged record */
    QUERY_READ_FULL,   /* QUERY_TOO_MANY_GROUPS */
    QUERY_READ_MONTHS, /* QUERY_MONTHS_ONLY */
};
/* Takes what EXEC has answered; once a step. */
MUST_CHECK enum query_read_status query_read_take(struct query_read *read,
                                                  const struct redis_reply *exec);

#pragma once

/* One question on its way through Redis to its answer. The dashboards' loop only. */

#include "aggregator/query.h"
#include "dashboards/server/desk.h"

struct query_answer;

enum question_outcome {
    QUESTION_ANSWERED,
    QUESTION_REFUSED, /* by the plan; says why in `status` */
    QUESTION_FAILED,  /* Redis is away, or answers what it should not */
    QUESTION_BUSY,    /* QUESTIONS_MAX are under way */
};

/* `answer` is there for QUESTION_ANSWERED, until this returns; else NULL. */
typedef void (*question_fn)(enum question_outcome outcome, enum query_status status,
                            struct query_answer *answer, void *data);

/* Takes `query`. `fn` is called exactly once, perhaps before this returns. `wanted` may be NULL;
 * when it says false the rest is not read, and the outcome is QUESTION_FAILED. */
void question_ask(struct desk *desk, const struct query *query, const struct site *site,
                  bool (*wanted)(void *data), question_fn fn, void *data);

#pragma once

/* Beacons whose reply waits for their batch. Each is in a chain, of its section and later of its
 * batch, and, while it may still get a late answer, in its worker's line by age. One thread. */

#include <stdint.h>

#include "common/http.h"

struct held;

struct held_line {
    struct held *eldest, *youngest;
    struct held *spare; /* memory of answered ones */
    size_t count;       /* in chains */
};

/* Holds the reply of `req` and puts it in front of the chain. False when HELD_REPLIES_MAX wait. */
MUST_CHECK bool held_add(struct held_line *line, struct held **chain, struct http_request *req,
                         int64_t now_ms);
/* Moves all of `from` to `to`. */
void held_move(struct held **from, struct held **to);
/* Answers who has waited since before `before_ms`; they stay in their chains. */
void held_answer_late(struct held_line *line, int64_t before_ms, const struct http_reply *reply);
/* Answers and frees a chain; who was answered late gets nothing more. */
void held_answer_chain(struct held_line *line, struct held *chain, const struct http_reply *reply);
/* Frees a chain without an answer. */
void held_free_chain(struct held *chain);
void held_line_done(struct held_line *line);

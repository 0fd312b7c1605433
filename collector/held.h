#pragma once

/* Beacons whose reply waits for their batch. Each is in a chain, of its section and later of its
 * batch, and in its worker's line by age, until it is answered: then it is in neither. One thread.
 */

#include <stdint.h>

#include "common/http.h"

struct held;

/* Ends in itself, so that one may leave without knowing whose chain it is in. */
struct held_link {
    struct held_link *prev, *next;
};

struct held_chain {
    struct held_link ends; /* stays where it is once initialised */
};

struct held_line {
    struct held *eldest, *youngest;
    struct held *spare; /* memory of answered ones */
    size_t count;
};

void held_chain_init(struct held_chain *chain);
bool held_chain_is_empty(const struct held_chain *chain);
/* Since when its eldest waits; `now_ms` when nobody does. */
int64_t held_chain_since_ms(const struct held_chain *chain, int64_t now_ms);
/* Holds the reply of `req` and puts it into the chain. False when HELD_REPLIES_MAX wait. */
MUST_CHECK bool held_add(struct held_line *line, struct held_chain *chain, struct http_request *req,
                         int64_t now_ms);
/* Moves all of `from` to `to`. */
void held_move(struct held_chain *from, struct held_chain *to);
/* Answers who has waited since before `before_ms`; how many that were. */
size_t held_answer_late(struct held_line *line, int64_t before_ms, const struct http_reply *reply);
/* Answers all of a chain; how many that were. */
size_t held_answer_chain(struct held_line *line, struct held_chain *chain,
                         const struct http_reply *reply);
/* Every one must have been answered. */
void held_line_done(struct held_line *line);

/* Beacons whose reply waits.
 *
 *   line    eldest ⇄ … ⇄ youngest            who is to be answered late
 *              │            │
 *   chains  section or batch ⇄ … ⇄ itself    who is to be answered by whose commit
 *
 * An answer only writes to the socket; what follows from it runs in a later turn of the loop, so
 * nothing comes back in here while a chain is walked. Called by the writer. */

#include "collector/held.h"

#include <assert.h>
#include <stdlib.h>

#include "common/limits.h"

struct held {
    struct held_link link; /* of the chain */
    struct held *older, *younger;
    struct http_held reply;
    int64_t since_ms;
};

static struct held *held_of(struct held_link *link)
{
    return CONTAINER_OF(struct held, link, link);
}

static void leave(struct held_line *line, struct held *held)
{
    if (held->older != NULL)
        held->older->younger = held->younger;
    else
        line->eldest = held->younger;
    if (held->younger != NULL)
        held->younger->older = held->older;
    else
        line->youngest = held->older;
    held->link.prev->next = held->link.next;
    held->link.next->prev = held->link.prev;
    held->younger = line->spare;
    line->spare = held;
    line->count--;
}

static void answer(struct held_line *line, struct held *held, const struct http_reply *reply)
{
    http_held_reply(&held->reply, reply);
    leave(line, held);
}

static struct held *take_spare(struct held_line *line)
{
    struct held *held = line->spare;
    if (held != NULL)
        line->spare = held->younger;
    else if ((held = malloc(sizeof(*held))) == NULL)
        abort();
    return held;
}

void held_chain_init(struct held_chain *chain)
{
    chain->ends = (struct held_link){&chain->ends, &chain->ends};
}

bool held_chain_is_empty(const struct held_chain *chain)
{
    return chain->ends.next == &chain->ends;
}

int64_t held_chain_since_ms(const struct held_chain *chain, int64_t now_ms)
{
    return held_chain_is_empty(chain) ? now_ms : held_of(chain->ends.next)->since_ms;
}

bool held_add(struct held_line *line, struct held_chain *chain, struct http_request *req,
              int64_t now_ms)
{
    if (line->count >= HELD_REPLIES_MAX)
        return false;
    struct held *held = take_spare(line);
    *held = (struct held){
        .link = {chain->ends.prev, &chain->ends}, .older = line->youngest, .since_ms = now_ms};
    chain->ends.prev->next = &held->link;
    chain->ends.prev = &held->link;
    if (line->youngest != NULL)
        line->youngest->younger = held;
    else
        line->eldest = held;
    line->youngest = held;
    line->count++;
    http_request_hold(req, &held->reply);
    return true;
}

void held_move(struct held_chain *from, struct held_chain *to)
{
    if (held_chain_is_empty(from))
        return;
    from->ends.next->prev = to->ends.prev;
    to->ends.prev->next = from->ends.next;
    from->ends.prev->next = &to->ends;
    to->ends.prev = from->ends.prev;
    held_chain_init(from);
}

size_t held_answer_late(struct held_line *line, int64_t before_ms, const struct http_reply *reply)
{
    size_t before = line->count;
    while (line->eldest != NULL && line->eldest->since_ms <= before_ms)
        answer(line, line->eldest, reply);
    return before - line->count;
}

size_t held_answer_chain(struct held_line *line, struct held_chain *chain,
                         const struct http_reply *reply)
{
    size_t before = line->count;
    while (!held_chain_is_empty(chain))
        answer(line, held_of(chain->ends.next), reply);
    return before - line->count;
}

void held_line_done(struct held_line *line)
{
    assert(line->count == 0);
    while (line->spare != NULL) {
        struct held *held = line->spare;
        line->spare = held->younger;
        free(held);
    }
    *line = (struct held_line){0};
}

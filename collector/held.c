/* Beacons whose reply waits. */

#include "collector/held.h"

#include <stdlib.h>

#include "common/limits.h"

struct held {
    struct http_held reply;
    struct held *next;            /* of the chain */
    struct held *older, *younger; /* of the line, while in_line */
    int64_t since_ms;
    bool in_line;
};

static void leave_line(struct held_line *line, struct held *held)
{
    if (!held->in_line)
        return;
    if (held->older != NULL)
        held->older->younger = held->younger;
    else
        line->eldest = held->younger;
    if (held->younger != NULL)
        held->younger->older = held->older;
    else
        line->youngest = held->older;
    held->in_line = false;
}

static void join_line(struct held_line *line, struct held *held)
{
    held->older = line->youngest;
    held->younger = NULL;
    if (line->youngest != NULL)
        line->youngest->younger = held;
    else
        line->eldest = held;
    line->youngest = held;
    held->in_line = true;
}

bool held_add(struct held_line *line, struct held **chain, struct http_request *req, int64_t now_ms)
{
    if (line->count >= HELD_REPLIES_MAX)
        return false;
    struct held *held = line->spare;
    if (held != NULL)
        line->spare = held->next;
    else if ((held = malloc(sizeof(*held))) == NULL)
        abort();
    *held = (struct held){.since_ms = now_ms, .next = *chain};
    *chain = held;
    line->count++;
    http_request_hold(req, &held->reply);
    join_line(line, held);
    return true;
}

void held_move(struct held **from, struct held **to)
{
    struct held **end = from;
    while (*end != NULL)
        end = &(*end)->next;
    *end = *to;
    *to = *from;
    *from = NULL;
}

void held_answer_late(struct held_line *line, int64_t before_ms, const struct http_reply *reply)
{
    while (line->eldest != NULL && line->eldest->since_ms <= before_ms) {
        struct held *held = line->eldest;
        leave_line(line, held);
        http_held_reply(&held->reply, reply);
    }
}

void held_answer_chain(struct held_line *line, struct held *chain, const struct http_reply *reply)
{
    while (chain != NULL) {
        struct held *held = chain;
        chain = held->next;
        leave_line(line, held);
        http_held_reply(&held->reply, reply);
        held->next = line->spare;
        line->spare = held;
        line->count--;
    }
}

void held_free_chain(struct held *chain)
{
    while (chain != NULL) {
        struct held *next = chain->next;
        free(chain);
        chain = next;
    }
}

void held_line_done(struct held_line *line)
{
    held_free_chain(line->spare);
    *line = (struct held_line){0};
}

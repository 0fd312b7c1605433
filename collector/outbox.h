#pragma once

/* Sealed batches on their way to the log: directly while it takes them in time, else through the
 * spool. Durable is what the log has, or the disk. One worker's thread; no lock.
 *
 * Batches leave in the order of their numbers. What an earlier process left in the spool is brought
 * to the log beside them, under its own names. */

#include <stdint.h>

#include "collector/append.h"
#include "collector/sealed.h"
#include "collector/spool.h"

struct outbox;

struct outbox_options {
    struct loop *loop;
    struct redis_link *link; /* freed before the outbox */
    struct spool *spool;     /* outlives the outbox; NULL: what the log does not take waits here */
    unsigned index, workers; /* which of the writers that the spool was left with are this one's */
    uint32_t slow_ms;        /* what has waited so long for the log goes to the spool as well */
    /* The batch is durable; whoever waits for it is to be answered, and nothing else done. */
    void (*on_durable)(struct sealed *batch, void *data);
    void *data;
};

struct outbox *outbox_new(const struct outbox_options *options);
/* Nobody may wait for a batch any more. */
void outbox_free(struct outbox *outbox);

/* A batch that is sealed now would leave at once. */
bool outbox_wants(const struct outbox *outbox);
/* The number that the next batch gets. */
uint64_t outbox_next_number(const struct outbox *outbox);
/* Takes the batch, which bears that number. */
void outbox_push(struct outbox *outbox, struct sealed *batch);
/* Sends what can be sent. After each turn of the loop, and each few milliseconds. */
void outbox_turn(struct outbox *outbox);

/* All that was pushed is durable. */
bool outbox_is_empty(const struct outbox *outbox);
/* Memory of what is not. */
size_t outbox_bytes(const struct outbox *outbox);

enum outbox_state {
    OUTBOX_DIRECT,   /* the log takes batches */
    OUTBOX_SPOOLING, /* it does not, or has to be told what is in the spool first; the spool does */
    OUTBOX_STUCK,    /* neither does: batches wait in memory */
};

enum outbox_state outbox_state(const struct outbox *outbox);

/* For the live messages: this writer's name in the log, what is not durable yet, and what has
 * become so under this name lately, each oldest first. A batch may have no payload at present. */
uint64_t outbox_id(const struct outbox *outbox);
const struct sealed *outbox_waiting(const struct outbox *outbox);
const struct sealed *outbox_recent(const struct outbox *outbox);

struct outbox_counts {
    uint64_t sealed;       /* batches that were pushed */
    uint64_t acknowledged; /* that the log has taken from here */
    uint64_t spooled;      /* that the spool has taken */
    uint64_t replayed;     /* that the log has taken from the spool */
    uint64_t sent_again;   /* since no answer came, or another one */
    uint64_t gaps;         /* the log has lost its place */
    uint64_t refusals;     /* answers of the log that it does not take a batch */
    uint64_t queued;       /* now */
    uint64_t queued_bytes; /* likewise */
};
void outbox_counts(const struct outbox *outbox, struct outbox_counts *ret_counts);

#pragma once

/* The log from the cursor on: what was read and folded, and is not applied yet. Waits for Redis.
 *
 * An entry that cannot be folded stops the folding before it: nothing of it is in the ledger, and
 * those before it can be applied. When there are none, it is the log's first. */

#include "aggregator/ledger.h"
#include "aggregator/log_entry.h"
#include "aggregator/trouble.h"

struct log_tail {
    uint32_t shard;
    struct buf key;
    struct ledger ledger;
    struct log_entry_id last; /* folded, or the cursor */
    struct redis_reply *read; /* what was read after `last`, or NULL */
    size_t read_at;           /* how many entries of it are folded */
    struct redis_reply *open; /* the open days, for folding ahead; NULL: they are asked for */
    size_t entries, bytes;    /* folded and not applied */
    size_t entries_max;       /* how many one apply may take */
    bool is_full;             /* no more may be folded before the next apply */
    int64_t oldest_ms;        /* when the first entry came that waits, by Redis's clock; 0: none */
    bool is_stuck;            /* at the entry after `last`: */
    struct log_entry_id stuck_at;
    char why[QUARANTINE_REASON_BYTES_MAX];
};

void log_tail_init(struct log_tail *tail, uint32_t shard);
void log_tail_done(struct log_tail *tail);
/* Forgets what is folded; what follows is read after `cursor`. */
void log_tail_begin(struct log_tail *tail, const struct log_entry_id *cursor);
/* What was folded is in a call: the ledger knows it as at rest, and what follows is folded for the
 * next one. If it is not applied after all, log_tail_begin() forgets both. */
void log_tail_sent(struct log_tail *tail);

/* Before a call is sent: reads what log_tail_fold_ahead() folds, and what it has to know. False
 * with the trouble. */
MUST_CHECK bool log_tail_look_ahead(struct log_tail *tail, struct redis *redis,
                                    struct trouble *ret_trouble);
/* While Redis works on the call: folds of what was read as much as there is room for, up to an
 * entry for which something would have to be loaded. False with the trouble. */
MUST_CHECK bool log_tail_fold_ahead(struct log_tail *tail, struct trouble *ret_trouble);

/* Folds what an earlier read has left, or reads, which waits for an entry when `wait`. `*ret_count`
 * is how many there were. False with the trouble: forget all, since part of an entry may be folded.
 */
MUST_CHECK bool log_tail_read(struct log_tail *tail, struct redis *redis, bool wait,
                              size_t *ret_count, struct trouble *ret_trouble);

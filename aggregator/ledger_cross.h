#pragma once

/* The crosses of a ledger's day: which cells are known, whose number is capped, and what is pending
 * of them. Sides are indexes of the day's rows. For the ledger. */

#include "aggregator/cross_table.h"

struct ledger_cross {
    bool is_loaded;
    uint32_t cells;   /* distinct ones but "(other)" */
    uint32_t pending; /* the last cell that became so: index + 1; 0: none */
};

struct ledger_crosses {
    struct ledger_cross of[CROSS__COUNT];
    struct cross_table table; /* sums: pending */
    /* private */
    uint32_t *next; /* of each cell: see ledger_cross.c */
    uint32_t capacity;
};

/* All zero is empty. */
void ledger_crosses_done(struct ledger_crosses *crosses);
size_t ledger_crosses_bytes(const struct ledger_crosses *crosses);

/* The index of the cell that counts for this key: that of "(other)" when the cross is full. Makes
 * it when absent. */
uint32_t ledger_crosses_cell(struct ledger_crosses *crosses, uint64_t key);
bool ledger_crosses_is_pending(const struct ledger_crosses *crosses, uint32_t index);
void ledger_crosses_add(struct ledger_crosses *crosses, uint32_t index, int64_t views,
                        int64_t visits);
/* The cells of a cross that are pending: start with *cursor = crosses->of[cross].pending; NULL at
 * the end. */
const struct cross_cell *ledger_crosses_next(const struct ledger_crosses *crosses,
                                             uint32_t *cursor);
/* Everything pending is at rest now. */
void ledger_crosses_applied(struct ledger_crosses *crosses);

/* Cells of crosses in the ledger: a table of cells, and for each cross a list of those that are
 * pending.
 *
 *   of[cross].pending ─▶ cell 7 ─▶ cell 3      next[7] = 3 + 1, next[3] = LAST, others 0
 *
 * A cross of which CROSS_CELLS_MAX cells are known counts new ones in its cell "(other)". The
 * thread is the ledger's. */

#include "aggregator/ledger_cross.h"

#include <assert.h>
#include <stdlib.h>

#include "common/limits.h"

static const uint32_t LAST = UINT32_MAX;

void ledger_crosses_done(struct ledger_crosses *crosses)
{
    cross_table_done(&crosses->table);
    free(crosses->next);
    *crosses = (struct ledger_crosses){0};
}

size_t ledger_crosses_bytes(const struct ledger_crosses *crosses)
{
    return cross_table_bytes(&crosses->table) + crosses->capacity * sizeof(*crosses->next);
}

static void make_room(struct ledger_crosses *crosses)
{
    uint32_t capacity = crosses->table.capacity;
    if (crosses->capacity == capacity)
        return;
    crosses->next = reallocarray(crosses->next, capacity, sizeof(*crosses->next));
    if (crosses->next == NULL)
        abort();
    memset(crosses->next + crosses->capacity, 0,
           (capacity - crosses->capacity) * sizeof(*crosses->next));
    crosses->capacity = capacity;
}

uint32_t ledger_crosses_cell(struct ledger_crosses *crosses, uint64_t key)
{
    struct ledger_cross *of = &crosses->of[cross_of(key)];
    uint64_t other = cross_key_other(cross_of(key));
    struct cross_cell *cell = cross_table_find(&crosses->table, key);
    if (cell == NULL && key != other && of->cells == CROSS_CELLS_MAX)
        key = other;
    else if (cell == NULL && key != other)
        of->cells++;
    if (cell == NULL)
        cell = cross_table_at(&crosses->table, key);
    make_room(crosses);
    return (uint32_t)(cell - crosses->table.cells);
}

bool ledger_crosses_is_pending(const struct ledger_crosses *crosses, uint32_t index)
{
    assert(index < crosses->table.count);
    return crosses->next[index] != 0;
}

void ledger_crosses_add(struct ledger_crosses *crosses, uint32_t index, int64_t views,
                        int64_t visits)
{
    assert(index < crosses->table.count);
    struct cross_cell *cell = &crosses->table.cells[index];
    struct ledger_cross *of = &crosses->of[cross_of(cell->key)];
    if (crosses->next[index] == 0) {
        crosses->next[index] = of->pending == 0 ? LAST : of->pending;
        of->pending = index + 1;
    }
    cell->views += views;
    cell->visits += visits;
}

const struct cross_cell *ledger_crosses_next(const struct ledger_crosses *crosses, uint32_t *cursor)
{
    if (*cursor == 0)
        return NULL;
    uint32_t index = *cursor - 1, next = crosses->next[index];
    *cursor = next == LAST ? 0 : next;
    return &crosses->table.cells[index];
}

void ledger_crosses_applied(struct ledger_crosses *crosses)
{
    for (int c = 0; c < CROSS__COUNT; c++) {
        while (crosses->of[c].pending != 0) {
            uint32_t index = crosses->of[c].pending - 1, next = crosses->next[index];
            crosses->of[c].pending = next == LAST ? 0 : next;
            crosses->next[index] = 0;
            crosses->table.cells[index].views = crosses->table.cells[index].visits = 0;
        }
    }
}

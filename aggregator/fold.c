/* Folds what one batch says of one site's day into the ledger, where caps are enforced: a value
 * that its table has no room for counts under MODEL_OTHER with all its sums and registers, and in
 * crosses as that value, so that totals stay exact. Called by the aggregator, entry by entry in the
 * log's order. Pure. */

#include "aggregator/fold.h"

#include <stdlib.h>

static_assert(TABLE__COUNT <= 32 && CROSS__COUNT <= 64, "a set of tables or crosses is a word");

static uint64_t crosses_of(const struct section *section)
{
    uint64_t crosses = 0;
    for (uint32_t i = 0; i < section->crosses.count; i++)
        crosses |= UINT64_C(1) << cross_of(section->crosses.cells[i].key);
    return crosses;
}

uint32_t fold_missing_tables(const struct section *section, const struct ledger_day *day)
{
    uint32_t needed = 0, missing = 0;
    uint64_t crosses = crosses_of(section);
    for (uint32_t i = 0; i < section->cell_count; i++)
        needed |= UINT32_C(1) << section->cells[i].table;
    for (int c = 0; c < CROSS__COUNT; c++)
        if ((crosses >> c & 1) != 0)
            needed |= UINT32_C(1) << model_cross_left((enum cross)c) |
                      UINT32_C(1) << model_cross_right((enum cross)c);
    for (int t = 0; t < TABLE__COUNT; t++)
        if (!day->tables[t].is_loaded)
            missing |= UINT32_C(1) << t & needed;
    return missing;
}

uint64_t fold_missing_crosses(const struct section *section, const struct ledger_day *day)
{
    uint64_t missing = crosses_of(section);
    for (int c = 0; c < CROSS__COUNT; c++)
        if (day->crosses.of[c].is_loaded)
            missing &= ~(UINT64_C(1) << c);
    return missing;
}

static uint32_t row_or_other(const uint32_t *row_of, uint32_t cell)
{
    return cell == CROSS_OTHER ? CROSS_OTHER : row_of[cell];
}

static void fold_crosses(const struct section *section, const uint32_t *row_of,
                         struct ledger_day *day)
{
    for (uint32_t i = 0; i < section->crosses.count; i++) {
        const struct cross_cell *cell = &section->crosses.cells[i];
        uint64_t key = cross_key(cross_of(cell->key), row_or_other(row_of, cross_left(cell->key)),
                                 row_or_other(row_of, cross_right(cell->key)));
        ledger_cross(day, key, cell->views, cell->visits);
    }
}

void fold_section(const struct section *section, uint64_t writer, uint64_t number,
                  struct ledger_day *day)
{
    /* Registers name cells by index, and a row's place may change while rows are added. */
    uint32_t *row_of = calloc((size_t)section->cell_count + 1, sizeof(*row_of));
    if (row_of == NULL)
        abort();
    for (uint32_t i = 0; i < section->cell_count; i++) {
        const struct cell *cell = &section->cells[i];
        struct ledger_row *row =
            ledger_row(day, (enum table)cell->table, section_value(section, cell));
        ledger_add(day, row, cell->sums);
        row_of[i] = (uint32_t)(row - day->rows);
    }
    for (uint32_t i = 0; i < section->register_count; i++) {
        const struct section_register *reg = &section->registers[i];
        ledger_add_register(day, &day->rows[row_of[reg->cell]],
                            (struct sketch_register){reg->index, reg->rank});
    }
    fold_crosses(section, row_of, day);
    free(row_of);
    ledger_mark(day, writer, number);
}

/* Folds what one batch says of one site's day into the ledger, where caps are enforced: a value
 * that its table has no room for counts under MODEL_OTHER with all its sums and registers, so that
 * totals stay exact. Called by the aggregator, entry by entry in the log's order. Pure. */

#include "aggregator/fold.h"

#include <stdlib.h>

static_assert(TABLE__COUNT <= 32, "a set of tables is a word");

uint32_t fold_missing_tables(const struct section *section, const struct ledger_day *day)
{
    uint32_t missing = 0;
    for (uint32_t i = 0; i < section->cell_count; i++)
        if (!day->tables[section->cells[i].table].is_loaded)
            missing |= UINT32_C(1) << section->cells[i].table;
    return missing;
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
    free(row_of);
    ledger_mark(day, writer, number);
}

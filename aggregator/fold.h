#pragma once

/* A batch's sections into the ledger. Pure. */

#include "aggregator/batch.h"
#include "aggregator/ledger.h"

/* Bits 1 << enum table of the tables that this section needs and the day has not loaded yet, those
 * of its crosses included. */
uint32_t fold_missing_tables(const struct section *section, const struct ledger_day *day);
/* Bits 1 << enum cross, likewise: to be loaded after the tables. */
uint64_t fold_missing_crosses(const struct section *section, const struct ledger_day *day);
/* Adds the section's sums and registers to the day, whose tables and crosses are loaded, and the
 * writer's mark. The section is one batch's, `number` of `writer`. */
void fold_section(const struct section *section, uint64_t writer, uint64_t number,
                  struct ledger_day *day);

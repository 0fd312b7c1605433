#pragma once

/* Cells of a cross on their way to rows of the side that is asked. Pure; the question's thread. */

#include "aggregator/overlay.h"
#include "aggregator/query_answer.h"

struct query_cross {
    const struct query_plan *plan; /* is_crossed */
    struct query_rows *rows;       /* by the values of plan->table */
    struct query_answer *answer;   /* is told when the cross was cut */
};

/* A field of the cross's hash, with what it counts. What is not well formed is passed over. */
void query_cross_add_field(const struct query_cross *to, struct str field, struct str counts);
/* A row whose key is such a field. */
void query_cross_add_row(const struct query_cross *to, struct str pair, const int64_t *sums);
/* A cell that is not stored yet; for overlay_day_each_cell(). */
void query_cross_add_cell(const struct overlay_cell *cell, void *query_cross);

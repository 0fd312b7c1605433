/* One filter narrows another dimension: of each cell of their cross the filtered side is looked at,
 * and what is left adds to the row of the other side. For pages from NL:
 *
 *   /a US NL 5:3   /a US BE 2:2   /b US NL 1:1   (other) 3:3  ─▶  rows /a 5, /b 1; the cross was
 * cut
 *
 * Used by query_read.c. */

#include "aggregator/query_cross.h"

/* False when filters do not leave the cell's other value. */
static bool asked_value(const struct query_plan *plan, struct str left, struct str right,
                        struct str *ret_value)
{
    bool is_left = model_cross_left(plan->cross) == plan->table;
    if (!query_plan_narrows_to(plan, is_left ? right : left))
        return false;
    *ret_value = is_left ? left : right;
    return true;
}

void query_cross_add_field(const struct query_cross *to, struct str field, struct str counts)
{
    int64_t sums[METRIC__COUNT] = {0};
    if (field.len <= CROSS_VALUE_BYTES_MAX &&
        model_cross_counts(counts, &sums[model_cross_views(to->plan->cross)], &sums[METRIC_VISITS]))
        query_cross_add_row(to, field, sums);
}

void query_cross_add_row(const struct query_cross *to, struct str pair, const int64_t *sums)
{
    struct str value;
    size_t at = str_find(pair, MODEL_CROSS_SEPARATOR);
    if (at == pair.len) {
        query_answer_note_cut(to->answer);
        return;
    }
    if (!asked_value(to->plan, str_prefix(pair, at), str_from_at(pair, at + 1), &value))
        return;
    struct query_row *row = query_rows_at(to->rows, value);
    for (int m = 0; row != NULL && m < METRIC__COUNT; m++)
        row->sums[m] += sums[m];
}

void query_cross_add_cell(const struct overlay_cell *cell, void *query_cross)
{
    const struct query_cross *to = query_cross;
    struct str value;
    if (cell->is_other) {
        query_answer_note_cut(to->answer);
        return;
    }
    if (!asked_value(to->plan, cell->left, cell->right, &value))
        return;
    struct query_row *row = query_rows_at(to->rows, value);
    if (row == NULL)
        return;
    row->sums[model_cross_views(to->plan->cross)] += cell->views;
    row->sums[METRIC_VISITS] += cell->visits;
}

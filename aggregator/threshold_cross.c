/* Which cells of a cross may be shown.
 *
 *            NL   DE   FR  | row        Known are the rows' and columns' sums (the tables) and the
 *   /a       40    ?    ?  |  47        cells shown, so also what is hidden in each row and column:
 *   /b       12    ?    ?  |  19        7 and 7 in the rows, 8 and 6 in the columns.
 *   column   52    8    6  |  66
 *
 * A cell x under k in row i and column j can be empty when x may be moved along a rectangle: from x
 * to another column of its row, and the same amount of another row's hidden cells back into j. The
 * hidden amount that can take part is all that is hidden (T), but what is in row i, what is in
 * columns where row i's cell is shown (A together), and the same for j (B):
 *
 *   T >= A + B   with   A = hidden in row i + hidden in the columns of the cells shown in row i
 *                       B = hidden in column j + hidden in the rows of the cells shown in column j
 *
 * is enough for any x. It is looked at for views, of which every cross's rows and columns are
 * known, and for visits where both tables are of the visit. Where it does not hold, the smallest
 * cell shown in that row or column is hidden too, else the smallest of all, and everything is
 * looked at again: at most as often as there are cells. When nothing is shown the tables stand
 * alone, and what they say by themselves is no cross's doing. */

#include "aggregator/threshold.h"

#include <assert.h>
#include <stdlib.h>

enum side { LEFT, RIGHT, SIDE__COUNT };
enum measure { VIEWS, VISITS, MEASURE__COUNT };

/* What can be known of one row or column. */
struct line {
    int64_t hidden[MEASURE__COUNT];
    int64_t out_of_reach[MEASURE__COUNT]; /* A or B */
    uint32_t smallest;                    /* cell shown: index + 1 */
    bool is_done;                         /* has lost one in this pass */
};

struct review {
    const struct day *day;
    const struct day_cross *cross;
    enum table tables[SIDE__COUNT];
    enum metric metrics[MEASURE__COUNT];
    int measures;
    struct line *lines[SIDE__COUNT]; /* by name */
    uint32_t line_counts[SIDE__COUNT];
    int64_t hidden[MEASURE__COUNT]; /* T */
    bool *hide;
};

static uint32_t name_of(const struct day_cell *cell, int side)
{
    return side == LEFT ? cell->left : cell->right;
}

static int64_t amount_of(const struct day_cell *cell, int measure)
{
    return measure == VIEWS ? cell->views : cell->visits;
}

static void review_start(struct review *review, const struct day *day, enum cross cross)
{
    enum table left = model_cross_left(cross), right = model_cross_right(cross);
    bool both = model_table_is_visit(left) && model_table_is_visit(right);
    *review = (struct review){.day = day,
                              .cross = &day->crosses[cross],
                              .tables = {left, right},
                              .metrics = {model_cross_views(cross), METRIC_VISITS},
                              .measures = both ? MEASURE__COUNT : VISITS};
    review->hide = calloc((size_t)review->cross->count + 1, sizeof(*review->hide));
    for (int side = 0; side < SIDE__COUNT; side++) {
        review->line_counts[side] = day_names_count(day->names, review->tables[side]);
        review->lines[side] =
            calloc((size_t)review->line_counts[side] + 1, sizeof(*review->lines[side]));
        if (review->lines[side] == NULL || review->hide == NULL)
            abort();
    }
}

static void review_stop(struct review *review)
{
    free(review->lines[LEFT]);
    free(review->lines[RIGHT]);
    free(review->hide);
}

/* --- What anybody can work out --------------------------------------------------------------- */

static int64_t at_least_zero(int64_t value)
{
    return value < 0 ? 0 : value;
}

/* The lines' own sums without the cells shown. */
static void find_hidden(struct review *review)
{
    const struct day_row *total =
        review->day->tables[TABLE_TOTAL].count == 0 ? NULL : review->day->tables[TABLE_TOTAL].rows;
    for (int m = 0; m < review->measures; m++)
        review->hidden[m] = total == NULL ? 0 : total->sums[review->metrics[m]];
    for (int side = 0; side < SIDE__COUNT; side++) {
        memset(review->lines[side], 0, review->line_counts[side] * sizeof(*review->lines[side]));
        const struct day_table *table = &review->day->tables[review->tables[side]];
        for (uint32_t i = 0; i < table->count; i++)
            for (int m = 0; m < review->measures; m++)
                review->lines[side][table->rows[i].name].hidden[m] =
                    table->rows[i].sums[review->metrics[m]];
    }
    for (uint32_t i = 0; i < review->cross->count; i++) {
        const struct day_cell *cell = &review->cross->cells[i];
        for (int m = 0; m < review->measures && !review->hide[i]; m++) {
            review->hidden[m] -= amount_of(cell, m);
            for (int side = 0; side < SIDE__COUNT; side++)
                review->lines[side][name_of(cell, side)].hidden[m] -= amount_of(cell, m);
        }
    }
}

static bool is_smaller(const struct review *review, uint32_t cell, uint32_t than)
{
    return than == 0 || review->cross->cells[cell].visits < review->cross->cells[than - 1].visits;
}

/* A, B and the smallest cell of each line; the smallest of all is returned, 0 when none is shown.
 */
static uint32_t find_reach(struct review *review)
{
    uint32_t smallest = 0;
    for (int side = 0; side < SIDE__COUNT; side++)
        for (uint32_t n = 0; n < review->line_counts[side]; n++)
            for (int m = 0; m < review->measures; m++) {
                struct line *line = &review->lines[side][n];
                line->hidden[m] = at_least_zero(line->hidden[m]);
                line->out_of_reach[m] = line->hidden[m];
            }
    for (uint32_t i = 0; i < review->cross->count; i++) {
        const struct day_cell *cell = &review->cross->cells[i];
        struct line *left = &review->lines[LEFT][cell->left];
        struct line *right = &review->lines[RIGHT][cell->right];
        if (review->hide[i])
            continue;
        for (int m = 0; m < review->measures; m++) {
            left->out_of_reach[m] += right->hidden[m];
            right->out_of_reach[m] += left->hidden[m];
        }
        left->smallest = is_smaller(review, i, left->smallest) ? i + 1 : left->smallest;
        right->smallest = is_smaller(review, i, right->smallest) ? i + 1 : right->smallest;
        smallest = is_smaller(review, i, smallest) ? i + 1 : smallest;
    }
    return smallest;
}

/* --- Hiding more ----------------------------------------------------------------------------- */

static bool can_be_empty(const struct review *review, const struct line *left,
                         const struct line *right)
{
    for (int m = 0; m < review->measures; m++)
        if (review->hidden[m] < left->out_of_reach[m] + right->out_of_reach[m])
            return false;
    return true;
}

/* Hides one cell more for each row and column that needs it; false when none does, or none is left.
 */
static bool hide_more(struct review *review, uint32_t k, uint32_t smallest)
{
    bool any = false;
    for (uint32_t i = 0; i < review->cross->count && smallest != 0; i++) {
        const struct day_cell *cell = &review->cross->cells[i];
        struct line *left = &review->lines[LEFT][cell->left];
        struct line *right = &review->lines[RIGHT][cell->right];
        if (cell->visits >= (int64_t)k || (cell->views == 0 && cell->visits == 0) ||
            left->is_done || right->is_done || can_be_empty(review, left, right))
            continue;
        uint32_t next = left->smallest;
        if (right->smallest != 0 && (next == 0 || is_smaller(review, right->smallest - 1, next)))
            next = right->smallest;
        next = next == 0 ? smallest : next;
        review->hide[next - 1] = true;
        left->is_done = right->is_done = true;
        any = true;
    }
    return any;
}

static void hide_cells(struct day *day, enum cross cross, uint32_t k)
{
    struct review review;
    uint32_t smallest;
    review_start(&review, day, cross);
    for (uint32_t i = 0; i < review.cross->count; i++)
        review.hide[i] = review.cross->cells[i].visits < (int64_t)k;
    do {
        find_hidden(&review);
        smallest = find_reach(&review);
    } while (hide_more(&review, k, smallest));
    day_cross_hide(&day->crosses[cross], review.hide);
    review_stop(&review);
}

void threshold_hide_cells(struct day *day, uint32_t k)
{
    for (int c = 0; c < CROSS__COUNT; c++)
        hide_cells(day, (enum cross)c, k);
}

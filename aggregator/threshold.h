#pragma once

/* What a closed day may tell of few people. Pure: a day's numbers become coarser, none is lost.
 *
 * k is the least number of people that a cell tells of. A table's row is measured by its visitors
 * where they are known, else by its visits, else by what was viewed; a cross's cell by its visits.
 *
 * A number that is left out must not follow from those that are left in: see each function. */

#include "aggregator/day.h"
#include "aggregator/site.h"

struct thresholds {
    uint32_t k;       /* at most 65,535 */
    uint32_t applied; /* DAY_... bits: what is to be done */
};

struct thresholds thresholds_of_preset(enum site_preset preset);

/* All of it in the right order, the caps as well; day.k and day.applied tell of it afterwards. */
void threshold_apply(struct day *day, const struct thresholds *thresholds);

/* Rows past their table's cap a day fold into "(other)", the smallest first; cells past their
 * cross's cap are hidden. Of equals the first by value goes, here and in what comes after it, so
 * that what is left does not tell in which order anything came. */
void threshold_fold_caps(struct day *day);

/* Countries under k fold into "(other)", and their regions into the regions' "(other)". When that
 * would be one country, or fewer than k people together, the next smallest folds as well: the sum
 * is there to be seen. Only when no country is left may "(other)" be smaller. */
void threshold_fold_countries(struct day *day, uint32_t k);

/* Regions under k fold into "XX-(other)" of their country, by the same rule within each country. */
void threshold_fold_regions(struct day *day, uint32_t k);

/* Cells under k are hidden. What is known of them are the tables' own rows: whoever takes the cells
 * that are shown away from a row has the sum of its hidden cells. Further cells are hidden until
 * each hidden cell could be empty for all that these sums say. With a single hidden cell in a row,
 * for example, the sum would be that cell. */
void threshold_hide_cells(struct day *day, uint32_t k);

/* Every sum to the nearest ten, halves away from zero; rows in which no view, visit or event
 * remains go, so that not even their names tell of anybody. The total stays, and what was not
 * counted (drops), which tells of nobody who was. */
void threshold_round(struct day *day);

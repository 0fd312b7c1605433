/* What few people must not be told of: k - 1, k and k + 1, and whether what is left out follows
 * from what is left in. The solver here does not know how cells are chosen: it has the sums of rows
 * and columns and the cells shown, and finds by maximum flow how small and how large a hidden cell
 * can be. */

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "aggregator/threshold.h"
#include "synthetic_day.h"

enum { K = 5 };

struct sample {
    struct day_names names;
    struct day day;
};

static void sample_init(struct sample *sample)
{
    day_names_init(&sample->names);
    day_init(&sample->day, 20261123, &sample->names);
}

static void sample_done(struct sample *sample)
{
    day_done(&sample->day);
    day_names_done(&sample->names);
}

static void put(struct sample *sample, enum table table, const char *value, int64_t visits)
{
    struct day_row *row = day_row(&sample->day, table, str_from(value));
    row->sums[METRIC_VISITS] += visits;
    row->sums[METRIC_PAGEVIEWS] += 2 * visits;
}

/* -1 when there is no such row. */
static int64_t visits_of(struct sample *sample, enum table table, const char *value)
{
    uint32_t name;
    const struct day_row *row = NULL;
    if (day_names_find(&sample->names, table, str_from(value), &name))
        row = day_row_find(&sample->day, table, name);
    return row == NULL ? -1 : row->sums[METRIC_VISITS];
}

static int64_t table_sum(const struct day *day, enum table table, enum metric metric)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < day->tables[table].count; i++)
        sum += day->tables[table].rows[i].sums[metric];
    return sum;
}

/* --- Regions and countries ------------------------------------------------------------------- */

static void a_region_under_k_folds_into_its_country(void **state)
{
    (void)state;
    for (int64_t small = K - 1; small <= K + 1; small++) {
        struct sample sample;
        sample_init(&sample);
        put(&sample, TABLE_REGION, "NL-NH", small);
        put(&sample, TABLE_REGION, "NL-UT", K - 1);
        put(&sample, TABLE_REGION, "NL-ZH", K - 2);
        put(&sample, TABLE_REGION, "NL-GE", 100);
        put(&sample, TABLE_REGION, "DE-BE", 7);
        threshold_fold_regions(&sample.day, K);
        bool folds = small < K;
        assert_int_equal(visits_of(&sample, TABLE_REGION, "NL-NH"), folds ? -1 : small);
        assert_int_equal(visits_of(&sample, TABLE_REGION, "NL-(other)"),
                         2 * K - 3 + (folds ? small : 0));
        assert_int_equal(visits_of(&sample, TABLE_REGION, "NL-GE"), 100);
        assert_int_equal(visits_of(&sample, TABLE_REGION, "DE-BE"), 7);
        sample_done(&sample);
    }
}

static void a_single_small_region_takes_the_next_with_it(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    put(&sample, TABLE_REGION, "NL-NH", 1);
    put(&sample, TABLE_REGION, "NL-UT", 30);
    put(&sample, TABLE_REGION, "NL-GE", 100);
    threshold_fold_regions(&sample.day, K);
    assert_int_equal(visits_of(&sample, TABLE_REGION, "NL-(other)"), 31);
    assert_int_equal(visits_of(&sample, TABLE_REGION, "NL-GE"), 100);
    /* What comes later may join them, one by one. */
    put(&sample, TABLE_REGION, "NL-DR", 1);
    threshold_fold_regions(&sample.day, K);
    assert_int_equal(visits_of(&sample, TABLE_REGION, "NL-(other)"), 32);
    assert_int_equal(visits_of(&sample, TABLE_REGION, "NL-GE"), 100);
    sample_done(&sample);
}

static void two_that_are_too_few_together_take_a_third(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    put(&sample, TABLE_REGION, "NL-NH", 1);
    put(&sample, TABLE_REGION, "NL-UT", 2);
    put(&sample, TABLE_REGION, "NL-GE", 40);
    threshold_fold_regions(&sample.day, K);
    assert_int_equal(visits_of(&sample, TABLE_REGION, "NL-(other)"), 43);
    assert_int_equal(sample.day.tables[TABLE_REGION].count, 1);
    sample_done(&sample);
}

static void visitors_count_where_they_are_known(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    put(&sample, TABLE_REGION, "NL-NH", 100);
    put(&sample, TABLE_REGION, "NL-UT", 100);
    day_row(&sample.day, TABLE_REGION, STR_LIT("NL-NH"))->sums[METRIC_VISITORS] = K - 1;
    day_row(&sample.day, TABLE_REGION, STR_LIT("NL-UT"))->sums[METRIC_VISITORS] = K;
    threshold_fold_regions(&sample.day, K);
    assert_int_equal(visits_of(&sample, TABLE_REGION, "NL-(other)"), 200);
    sample_done(&sample);
}

static void a_country_under_k_takes_its_regions_along(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    put(&sample, TABLE_COUNTRY, "NL", 50);
    put(&sample, TABLE_COUNTRY, "FJ", K - 1);
    put(&sample, TABLE_COUNTRY, "TV", K - 2);
    put(&sample, TABLE_COUNTRY, "MT", K);
    put(&sample, TABLE_REGION, "NL-NH", 50);
    put(&sample, TABLE_REGION, "FJ-1", K - 1);
    put(&sample, TABLE_REGION, "MT-1", K);
    uint32_t fiji, malta, page;
    assert_true(day_names_find(&sample.names, TABLE_COUNTRY, STR_LIT("FJ"), &fiji));
    assert_true(day_names_find(&sample.names, TABLE_COUNTRY, STR_LIT("MT"), &malta));
    assert_true(day_names_add(&sample.names, TABLE_PAGE, STR_LIT("/a"), &page));
    day_cell_add(&sample.day, CROSS_PAGE_COUNTRY, &(struct day_cell){page, fiji, 40, 20});
    day_cell_add(&sample.day, CROSS_PAGE_COUNTRY, &(struct day_cell){page, malta, 10, 5});
    threshold_fold_countries(&sample.day, K);
    assert_null(day_cell_find(&sample.day, CROSS_PAGE_COUNTRY, page, fiji));
    assert_non_null(day_cell_find(&sample.day, CROSS_PAGE_COUNTRY, page, malta));
    assert_int_equal(sample.day.crosses[CROSS_PAGE_COUNTRY].hidden_views, 40);
    assert_int_equal(visits_of(&sample, TABLE_COUNTRY, "(other)"), 2 * K - 3);
    assert_int_equal(visits_of(&sample, TABLE_COUNTRY, "FJ"), -1);
    assert_int_equal(visits_of(&sample, TABLE_COUNTRY, "MT"), K);
    assert_int_equal(visits_of(&sample, TABLE_REGION, "FJ-1"), -1);
    assert_int_equal(visits_of(&sample, TABLE_REGION, "(other)"), K - 1);
    assert_int_equal(visits_of(&sample, TABLE_REGION, "MT-1"), K);
    sample_done(&sample);
}

/* Whatever folds, at least two are in it and k of them, or nothing else is left; and all adds up.
 */
static void folding_hides_enough_and_loses_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct sample sample;
        uint64_t random = seed;
        size_t rows = 1 + synthetic_random(&random) % 6;
        char text[32];
        sample_init(&sample);
        for (size_t i = 0; i < rows; i++) {
            snprintf(text, sizeof(text), "NL-%zu", i);
            put(&sample, TABLE_REGION, text, 1 + (int64_t)(synthetic_random(&random) % (2 * K)));
        }
        int64_t before = table_sum(&sample.day, TABLE_REGION, METRIC_VISITS);
        threshold_fold_regions(&sample.day, K);
        int64_t other = visits_of(&sample, TABLE_REGION, "NL-(other)");
        size_t left = sample.day.tables[TABLE_REGION].count, folded = rows + 1 - left;
        assert_true(table_sum(&sample.day, TABLE_REGION, METRIC_VISITS) == before);
        assert_true(other == -1 || left == 1 || (folded >= 2 && other >= K));
        for (uint32_t i = 0; i < left; i++)
            assert_true(sample.day.tables[TABLE_REGION].rows[i].sums[METRIC_VISITS] >= K ||
                        left == 1);
        sample_done(&sample);
    }
}

/* --- Caps and rounding ----------------------------------------------------------------------- */

static void rows_past_the_cap_fold_the_smallest_first(void **state)
{
    (void)state;
    const uint32_t cap = model_table_cap(TABLE_DEVICE);
    for (uint32_t rows = cap - 1; rows <= cap + 1; rows++) {
        struct sample sample;
        char text[16];
        sample_init(&sample);
        for (uint32_t i = 0; i < rows; i++) {
            snprintf(text, sizeof(text), "%u", i);
            put(&sample, TABLE_DEVICE, text, 10 + i);
        }
        threshold_fold_caps(&sample.day);
        assert_int_equal(visits_of(&sample, TABLE_DEVICE, "(other)"), rows > cap ? 10 : -1);
        assert_int_equal(visits_of(&sample, TABLE_DEVICE, "0"), rows > cap ? -1 : 10);
        assert_int_equal(visits_of(&sample, TABLE_DEVICE, "1"), 11);
        sample_done(&sample);
    }
}

static void cells_past_the_cap_are_hidden_the_smallest_first(void **state)
{
    (void)state;
    const uint32_t cap = model_cross_sealed_cap(CROSS_OS_EVENT);
    for (uint32_t cells = cap - 1; cells <= cap + 1; cells++) {
        struct sample sample;
        char text[16];
        uint32_t name, event;
        sample_init(&sample);
        assert_true(day_names_add(&sample.names, TABLE_EVENT, STR_LIT("buy"), &event));
        for (uint32_t i = 0; i < cells; i++) {
            snprintf(text, sizeof(text), "%u", i);
            assert_true(day_names_add(&sample.names, TABLE_OS, str_from(text), &name));
            day_cell_add(&sample.day, CROSS_OS_EVENT, &(struct day_cell){name, event, 20, 10 + i});
        }
        threshold_fold_caps(&sample.day);
        const struct day_cross *cross = &sample.day.crosses[CROSS_OS_EVENT];
        assert_int_equal(cross->count, cells > cap ? cap : cells);
        assert_int_equal(cross->hidden_visits, cells > cap ? 10 : 0);
        sample_done(&sample);
    }
}

static void sums_are_rounded_to_ten(void **state)
{
    (void)state;
    static const int64_t CASES[][2] = {{4, 0},  {5, 10},   {14, 10},   {15, 20}, {16, 20},
                                       {-4, 0}, {-5, -10}, {-15, -20}, {0, 0},   {1000, 1000}};
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct sample sample;
        sample_init(&sample);
        struct day_row *row = day_row(&sample.day, TABLE_PAGE, STR_LIT("/a"));
        row->sums[METRIC_EVENTS] = CASES[i][0];
        row->sums[METRIC_VISITS] = 50;
        threshold_round(&sample.day);
        assert_true(sample.day.tables[TABLE_PAGE].rows[0].sums[METRIC_EVENTS] == CASES[i][1]);
        sample_done(&sample);
    }
}

static void a_row_that_rounds_to_nothing_goes(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    put(&sample, TABLE_PAGE, "/secret", 2);
    put(&sample, TABLE_PAGE, "/known", 3);
    put(&sample, TABLE_TOTAL, "", 1);
    day_row(&sample.day, TABLE_PAGE, STR_LIT("/secret"))->sums[METRIC_ENGAGED_SECONDS] = 500;
    day_row(&sample.day, TABLE_DROPS, STR_LIT("bot"))->sums[METRIC_EVENTS] = 3;
    threshold_round(&sample.day);
    assert_int_equal(visits_of(&sample, TABLE_PAGE, "/secret"), -1);
    assert_int_equal(visits_of(&sample, TABLE_PAGE, "/known"), 0);
    assert_int_equal(visits_of(&sample, TABLE_TOTAL, ""), 0);
    assert_int_equal(table_sum(&sample.day, TABLE_DROPS, METRIC_EVENTS), 3);
    sample_done(&sample);
}

/* --- A solver -------------------------------------------------------------------------------- */

enum { LINES_MAX = 24, NODES = 2 * LINES_MAX + 2, SOURCE = 2 * LINES_MAX, SINK };

/* A cross of views as anybody sees it. The last row and column have what is in no other. */
struct seen {
    int rows, columns;
    int64_t row[LINES_MAX], column[LINES_MAX]; /* hidden in each */
    bool shown[LINES_MAX][LINES_MAX];
    int64_t truth[LINES_MAX][LINES_MAX];
    bool is_small[LINES_MAX][LINES_MAX]; /* under k, and not zero */
};

static int64_t capacity[NODES][NODES];

static bool augment(int64_t *ret_flow)
{
    int before[NODES], queue[NODES], head = 0, tail = 0;
    for (int i = 0; i < NODES; i++)
        before[i] = -1;
    before[SOURCE] = SOURCE;
    queue[tail++] = SOURCE;
    while (head < tail && before[SINK] < 0) {
        int from = queue[head++];
        for (int to = 0; to < NODES; to++)
            if (before[to] < 0 && capacity[from][to] > 0) {
                before[to] = from;
                queue[tail++] = to;
            }
    }
    if (before[SINK] < 0)
        return false;
    int64_t more = INT64_MAX;
    for (int to = SINK; to != SOURCE; to = before[to])
        more = capacity[before[to]][to] < more ? capacity[before[to]][to] : more;
    for (int to = SINK; to != SOURCE; to = before[to]) {
        capacity[before[to]][to] -= more;
        capacity[to][before[to]] += more;
    }
    *ret_flow += more;
    return true;
}

/* What fits into the hidden cells when (i, j) holds `amount`; less than all: it cannot. */
static bool can_hold(const struct seen *seen, int i, int j, int64_t amount)
{
    int64_t all = -amount, flow = 0;
    memset(capacity, 0, sizeof(capacity));
    for (int r = 0; r < seen->rows; r++) {
        capacity[SOURCE][r] = seen->row[r] - (r == i ? amount : 0);
        all += seen->row[r];
        for (int c = 0; c < seen->columns; c++)
            if (!seen->shown[r][c] && !(r == i && c == j))
                capacity[r][LINES_MAX + c] = INT64_MAX / 4;
    }
    for (int c = 0; c < seen->columns; c++)
        capacity[LINES_MAX + c][SINK] = seen->column[c] - (c == j ? amount : 0);
    if (capacity[SOURCE][i] < 0 || capacity[LINES_MAX + j][SINK] < 0)
        return false;
    while (augment(&flow))
        continue;
    return flow == all;
}

static void look_at(const struct day *day, enum cross cross, const struct day_cross *truth,
                    struct seen *ret_seen)
{
    static struct seen seen;
    enum table tables[] = {model_cross_left(cross), model_cross_right(cross)};
    enum metric metric = model_cross_views(cross);
    int64_t total = day->tables[TABLE_TOTAL].rows[0].sums[metric];
    memset(&seen, 0, sizeof(seen));
    seen.rows = (int)day_names_count(day->names, tables[0]) + 1;
    seen.columns = (int)day_names_count(day->names, tables[1]) + 1;
    assert_true(seen.rows <= LINES_MAX && seen.columns <= LINES_MAX);
    seen.row[seen.rows - 1] = total - table_sum(day, tables[0], metric);
    seen.column[seen.columns - 1] = total - table_sum(day, tables[1], metric);
    for (uint32_t i = 0; i < day->tables[tables[0]].count; i++)
        seen.row[day->tables[tables[0]].rows[i].name] = day->tables[tables[0]].rows[i].sums[metric];
    for (uint32_t i = 0; i < day->tables[tables[1]].count; i++)
        seen.column[day->tables[tables[1]].rows[i].name] =
            day->tables[tables[1]].rows[i].sums[metric];
    for (uint32_t i = 0; i < day->crosses[cross].count; i++) {
        const struct day_cell *cell = &day->crosses[cross].cells[i];
        seen.shown[cell->left][cell->right] = true;
        seen.row[cell->left] -= cell->views;
        seen.column[cell->right] -= cell->views;
    }
    for (uint32_t i = 0; i < truth->count; i++) {
        const struct day_cell *cell = &truth->cells[i];
        seen.truth[cell->left][cell->right] = cell->views;
        seen.is_small[cell->left][cell->right] = cell->views > 0 && cell->visits < K;
    }
    *ret_seen = seen;
}

struct findings {
    uint32_t hidden, shown, emptied;
};

/* Each cell under k could be empty, and could hold as much as k, or all of its row or column. */
static void check_cross(const struct day *day, enum cross cross, const struct day_cross *truth,
                        struct findings *findings)
{
    struct seen seen;
    look_at(day, cross, truth, &seen);
    findings->shown += day->crosses[cross].count;
    findings->emptied += day->crosses[cross].count == 0 && truth->count > 0;
    for (int i = 0; i < seen.rows && day->crosses[cross].count > 0; i++) {
        for (int j = 0; j < seen.columns; j++) {
            int64_t most = seen.row[i] < seen.column[j] ? seen.row[i] : seen.column[j];
            assert_false(seen.shown[i][j] && seen.is_small[i][j]);
            if (!seen.is_small[i][j])
                continue;
            findings->hidden++;
            assert_true(can_hold(&seen, i, j, seen.truth[i][j]));
            assert_true(can_hold(&seen, i, j, 0));
            assert_true(can_hold(&seen, i, j, most < K ? most : K));
        }
    }
}

static void copy_crosses(const struct day *day, struct day *copy)
{
    day_init(copy, day->date, day->names);
    day_merge(copy, day);
}

static void no_hidden_cell_follows_from_what_is_shown(void **state)
{
    (void)state;
    struct findings findings = {0};
    for (uint64_t seed = 1; seed <= 40; seed++) {
        const struct synthetic_site site = {
            .pages = 4 + seed % 16, .sources = 3 + seed % 7, .countries = 2 + seed % 11};
        struct sample sample;
        struct day truth;
        sample_init(&sample);
        synthetic_day_fill(&sample.day, &site, (uint32_t)(20 << seed % 7), seed);
        copy_crosses(&sample.day, &truth);
        threshold_hide_cells(&sample.day, K);
        for (int c = 0; c < CROSS__COUNT; c++)
            check_cross(&sample.day, (enum cross)c, &truth.crosses[c], &findings);
        day_done(&truth);
        sample_done(&sample);
    }
    /* The test has looked at something, and not everything is hidden. */
    print_message("hidden %u, shown %u, crosses emptied %u\n", findings.hidden, findings.shown,
                  findings.emptied);
    assert_true(findings.hidden > 3000 && findings.shown > 3000);
}

/* A cell alone in its row: what the row has beside the cells shown would be that cell. */
static void a_single_hidden_cell_takes_another_with_it(void **state)
{
    (void)state;
    static const struct {
        const char *country, *device;
        int64_t visits;
    } CELLS[] = {{"NL", "desktop", 40}, {"NL", "mobile", 30}, {"NL", "tablet", K - 1},
                 {"DE", "desktop", 50}, {"DE", "mobile", 20}, {"DE", "tablet", 9},
                 {"FR", "desktop", 30}, {"FR", "mobile", 25}, {"FR", "tablet", 8}};
    struct sample sample;
    uint32_t left, right;
    sample_init(&sample);
    for (size_t i = 0; i < ARRAY_LEN(CELLS); i++) {
        put(&sample, TABLE_TOTAL, "", CELLS[i].visits);
        put(&sample, TABLE_COUNTRY, CELLS[i].country, CELLS[i].visits);
        put(&sample, TABLE_DEVICE, CELLS[i].device, CELLS[i].visits);
        assert_true(
            day_names_find(&sample.names, TABLE_COUNTRY, str_from(CELLS[i].country), &left));
        assert_true(day_names_find(&sample.names, TABLE_DEVICE, str_from(CELLS[i].device), &right));
        day_cell_add(&sample.day, CROSS_COUNTRY_DEVICE,
                     &(struct day_cell){left, right, 2 * CELLS[i].visits, CELLS[i].visits});
    }
    threshold_hide_cells(&sample.day, K);
    const struct day_cross *cross = &sample.day.crosses[CROSS_COUNTRY_DEVICE];
    /* A rectangle of four at the least. */
    assert_true(cross->count <= 5 && cross->count > 0);
    assert_true(cross->hidden_visits >= K - 1 + 8);
    assert_null(day_cell_find(&sample.day, CROSS_COUNTRY_DEVICE, 0, 2));
    sample_done(&sample);
}

static void a_cell_is_hidden_under_k_only(void **state)
{
    (void)state;
    for (int64_t visits = K - 1; visits <= K + 1; visits++) {
        struct sample sample;
        uint32_t names[3][2];
        sample_init(&sample);
        /* Much is hidden elsewhere, so that nothing has to follow. */
        static const char *const OSES[] = {"a", "b", "c"}, *const GOALS[] = {"x", "y"};
        for (int i = 0; i < 3; i++)
            assert_true(day_names_add(&sample.names, TABLE_OS, str_from(OSES[i]), &names[i][0]));
        for (int i = 0; i < 2; i++)
            assert_true(
                day_names_add(&sample.names, TABLE_EVENT, str_from(GOALS[i]), &names[i][1]));
        day_row(&sample.day, TABLE_TOTAL, STR_EMPTY)->sums[METRIC_EVENTS] = 1000;
        day_row(&sample.day, TABLE_OS, STR_LIT("a"))->sums[METRIC_EVENTS] = 20;
        day_row(&sample.day, TABLE_EVENT, STR_LIT("x"))->sums[METRIC_EVENTS] = 20;
        day_cell_add(&sample.day, CROSS_OS_EVENT,
                     &(struct day_cell){names[0][0], names[0][1], 10, visits});
        threshold_hide_cells(&sample.day, K);
        assert_int_equal(sample.day.crosses[CROSS_OS_EVENT].count, visits >= K);
        sample_done(&sample);
    }
}

/* --- Presets --------------------------------------------------------------------------------- */

static void presets_do_what_they_say(void **state)
{
    (void)state;
    static const struct synthetic_site site = {.pages = 50, .sources = 20, .countries = 20};
    static const enum site_preset PRESETS[] = {SITE_STANDARD, SITE_STRICT};
    for (size_t i = 0; i < ARRAY_LEN(PRESETS); i++) {
        struct thresholds thresholds = thresholds_of_preset(PRESETS[i]);
        struct sample sample;
        uint32_t cells = 0;
        sample_init(&sample);
        synthetic_day_fill(&sample.day, &site, 3000, 5);
        threshold_apply(&sample.day, &thresholds);
        for (int c = 0; c < CROSS__COUNT; c++)
            cells += sample.day.crosses[c].count;
        bool strict = PRESETS[i] == SITE_STRICT;
        assert_int_equal(sample.day.k, strict ? THRESHOLD_K_STRICT : THRESHOLD_K_STANDARD);
        assert_int_equal(sample.day.applied, thresholds.applied);
        assert_true(strict ? cells == 0 : cells > 0);
        for (uint32_t r = 0; r < sample.day.tables[TABLE_COUNTRY].count; r++) {
            int64_t visits = sample.day.tables[TABLE_COUNTRY].rows[r].sums[METRIC_VISITS];
            assert_true(!strict || (visits % 10 == 0 && visits >= 10));
        }
        sample_done(&sample);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_region_under_k_folds_into_its_country),
        cmocka_unit_test(a_single_small_region_takes_the_next_with_it),
        cmocka_unit_test(two_that_are_too_few_together_take_a_third),
        cmocka_unit_test(visitors_count_where_they_are_known),
        cmocka_unit_test(a_country_under_k_takes_its_regions_along),
        cmocka_unit_test(folding_hides_enough_and_loses_nothing),
        cmocka_unit_test(rows_past_the_cap_fold_the_smallest_first),
        cmocka_unit_test(cells_past_the_cap_are_hidden_the_smallest_first),
        cmocka_unit_test(sums_are_rounded_to_ten),
        cmocka_unit_test(a_row_that_rounds_to_nothing_goes),
        cmocka_unit_test(no_hidden_cell_follows_from_what_is_shown),
        cmocka_unit_test(a_single_hidden_cell_takes_another_with_it),
        cmocka_unit_test(a_cell_is_hidden_under_k_only),
        cmocka_unit_test(presets_do_what_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

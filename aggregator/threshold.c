/* Thresholds of a day's tables, and the order of all of them; those of crosses are in
 * threshold_cross.c. Called when a day is sealed. */

#include "aggregator/threshold.h"

#include <assert.h>
#include <stdlib.h>

static const struct str OTHER = STR_LIT(MODEL_OTHER);

enum { COUNTRY_LETTERS = 2, ROUNDED_TO = 10 };

struct thresholds thresholds_of_preset(enum site_preset preset)
{
    switch (preset) {
    case SITE_STRICT:
        return (struct thresholds){THRESHOLD_K_STRICT, DAY_REGIONS_FOLDED | DAY_COUNTRIES_FOLDED |
                                                           DAY_UNCROSSED | DAY_ROUNDED};
    case SITE_STANDARD:
        break;
    }
    return (struct thresholds){THRESHOLD_K_STANDARD, DAY_REGIONS_FOLDED | DAY_CELLS_HIDDEN};
}

static int64_t people(const struct day_row *row)
{
    if (row->sums[METRIC_VISITORS] > 0)
        return row->sums[METRIC_VISITORS];
    if (row->sums[METRIC_VISITS] > 0)
        return row->sums[METRIC_VISITS];
    return row->sums[METRIC_PAGEVIEWS] + row->sums[METRIC_EVENTS];
}

/* --- Folding --------------------------------------------------------------------------------- */

/* Rows by index, the smallest first. */
struct order {
    int64_t weight;
    uint32_t index;
};

static int compare_order(const void *left, const void *right)
{
    const struct order *a = left, *b = right;
    if (a->weight != b->weight)
        return a->weight < b->weight ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* A list of rows that are to fold, and how far it has come. */
struct folding {
    const struct day *day;
    enum table table;
    struct order *order;
    size_t count;
    bool *fold;
};

static void folding_start(struct folding *folding, const struct day *day, enum table table)
{
    size_t rows = day->tables[table].count;
    *folding = (struct folding){.day = day,
                                .table = table,
                                .order = calloc(rows + 1, sizeof(*folding->order)),
                                .fold = calloc(rows + 1, sizeof(*folding->fold))};
    if (folding->order == NULL || folding->fold == NULL)
        abort();
}

static void folding_stop(struct folding *folding)
{
    free(folding->order);
    free(folding->fold);
}

static void folding_add(struct folding *folding, uint32_t index, int64_t weight)
{
    folding->order[folding->count++] = (struct order){weight, index};
}

static struct str value_of(const struct folding *folding, uint32_t index)
{
    const struct day_row *row = &folding->day->tables[folding->table].rows[index];
    return day_names_at(folding->day->names, folding->table, row->name);
}

/* Marks those under k, and more until they are k together, which takes two at the least. `rest` is
 * the row that they fold into, NULL when there is none yet: what is in it already mixes with them.
 */
static void choose_small(struct folding *folding, uint32_t k, const struct day_row *rest)
{
    int64_t sum = rest == NULL ? 0 : people(rest);
    qsort(folding->order, folding->count, sizeof(*folding->order), compare_order);
    if (folding->count == 0 || folding->order[0].weight >= (int64_t)k)
        return;
    for (size_t i = 0; i < folding->count; i++) {
        if (folding->order[i].weight >= (int64_t)k && sum >= (int64_t)k)
            return;
        folding->fold[folding->order[i].index] = true;
        sum += folding->order[i].weight;
    }
}

/* Adds the marked rows to that of `value` and takes them out. */
static void fold_into(struct day *day, enum table table, const bool *fold, struct str value)
{
    struct day_table *rows = &day->tables[table];
    uint32_t count = rows->count;
    for (uint32_t i = 0; i < count; i++) {
        if (!fold[i])
            continue;
        struct day_row *to = day_row(day, table, value);
        assert(to != &rows->rows[i]);
        for (int m = 0; m < METRIC__COUNT; m++)
            day_sum_add(&to->sums[m], rows->rows[i].sums[m]);
    }
    bool *drop = calloc((size_t)rows->count + 1, sizeof(*drop));
    if (drop == NULL)
        abort();
    memcpy(drop, fold, count * sizeof(*drop));
    day_table_drop(rows, drop);
    free(drop);
}

static const struct day_row *row_of(const struct day *day, enum table table, struct str value)
{
    uint32_t name;
    return day_names_find(day->names, table, value, &name) ? day_row_find(day, table, name) : NULL;
}

/* --- Caps ------------------------------------------------------------------------------------ */

static void fold_table_cap(struct day *day, enum table table)
{
    struct folding folding;
    struct day_table *rows = &day->tables[table];
    uint32_t cap = model_table_cap(table);
    if (rows->count <= cap)
        return;
    folding_start(&folding, day, table);
    for (uint32_t i = 0; i < rows->count; i++) {
        const int64_t *sums = rows->rows[i].sums;
        if (!str_eq(value_of(&folding, i), OTHER))
            folding_add(&folding, i,
                        sums[METRIC_PAGEVIEWS] + sums[METRIC_VISITS] + sums[METRIC_EVENTS]);
    }
    qsort(folding.order, folding.count, sizeof(*folding.order), compare_order);
    for (size_t i = 0; i + cap < folding.count; i++)
        folding.fold[folding.order[i].index] = true;
    if (folding.count > cap)
        fold_into(day, table, folding.fold, OTHER);
    folding_stop(&folding);
}

static void hide_cross_cap(struct day_cross *cross, uint32_t cap)
{
    if (cross->count <= cap)
        return;
    struct order *order = calloc(cross->count, sizeof(*order));
    bool *hide = calloc(cross->count, sizeof(*hide));
    if (order == NULL || hide == NULL)
        abort();
    for (uint32_t i = 0; i < cross->count; i++)
        order[i] = (struct order){cross->cells[i].visits, i};
    qsort(order, cross->count, sizeof(*order), compare_order);
    for (uint32_t i = 0; i + cap < cross->count; i++)
        hide[order[i].index] = true;
    day_cross_hide(cross, hide);
    free(order);
    free(hide);
}

void threshold_fold_caps(struct day *day)
{
    day_sort(day);
    for (int t = 0; t < TABLE__COUNT; t++)
        fold_table_cap(day, (enum table)t);
    for (int c = 0; c < CROSS__COUNT; c++)
        hide_cross_cap(&day->crosses[c], model_cross_sealed_cap((enum cross)c));
}

/* --- Countries and regions ------------------------------------------------------------------- */

/* "NL" of "NL-NH", and nothing of "(unknown)" and "(other)". */
static struct str country_of(struct str region)
{
    return region.len > COUNTRY_LETTERS && region.ptr[COUNTRY_LETTERS] == '-'
               ? str_prefix(region, COUNTRY_LETTERS)
               : STR_EMPTY;
}

static void fold_regions_of(struct day *day, struct str country)
{
    struct folding folding;
    bool any = false;
    folding_start(&folding, day, TABLE_REGION);
    for (uint32_t i = 0; i < day->tables[TABLE_REGION].count; i++) {
        folding.fold[i] = str_eq(country_of(value_of(&folding, i)), country);
        any |= folding.fold[i];
    }
    if (any)
        fold_into(day, TABLE_REGION, folding.fold, OTHER);
    folding_stop(&folding);
}

static void hide_cells_of(struct day *day, enum table table, uint32_t name)
{
    for (int c = 0; c < CROSS__COUNT; c++) {
        struct day_cross *cross = &day->crosses[c];
        bool is_left = model_cross_left((enum cross)c) == table;
        if (!is_left && model_cross_right((enum cross)c) != table)
            continue;
        bool *hide = calloc((size_t)cross->count + 1, sizeof(*hide));
        if (hide == NULL)
            abort();
        for (uint32_t i = 0; i < cross->count; i++)
            hide[i] = (is_left ? cross->cells[i].left : cross->cells[i].right) == name;
        day_cross_hide(cross, hide);
        free(hide);
    }
}

void threshold_fold_countries(struct day *day, uint32_t k)
{
    struct folding folding;
    const struct day_table *rows = &day->tables[TABLE_COUNTRY];
    bool any = false;
    folding_start(&folding, day, TABLE_COUNTRY);
    for (uint32_t i = 0; i < rows->count; i++)
        if (!str_eq(value_of(&folding, i), OTHER))
            folding_add(&folding, i, people(&rows->rows[i]));
    choose_small(&folding, k, row_of(day, TABLE_COUNTRY, OTHER));
    for (uint32_t i = 0; i < rows->count; i++) {
        if (!folding.fold[i])
            continue;
        /* A copy: names may move when "(other)" is added. */
        char letters[COUNTRY_LETTERS];
        struct str country = value_of(&folding, i);
        if (country.len == COUNTRY_LETTERS) {
            memcpy(letters, country.ptr, COUNTRY_LETTERS);
            fold_regions_of(day, (struct str){letters, COUNTRY_LETTERS});
        }
        hide_cells_of(day, TABLE_COUNTRY, rows->rows[i].name);
        any = true;
    }
    if (any)
        fold_into(day, TABLE_COUNTRY, folding.fold, OTHER);
    folding_stop(&folding);
}

/* The regions of the country of row `first`, which none before it belongs to. */
static void fold_country(struct day *day, struct str country, uint32_t k)
{
    struct folding folding;
    char text[VALUE_BYTES_MAX];
    struct str rest = {text, COUNTRY_LETTERS + 1 + OTHER.len};
    const struct day_table *rows = &day->tables[TABLE_REGION];
    memcpy(text, country.ptr, COUNTRY_LETTERS);
    text[COUNTRY_LETTERS] = '-';
    memcpy(text + COUNTRY_LETTERS + 1, OTHER.ptr, OTHER.len);
    country = str_prefix(rest, COUNTRY_LETTERS);

    folding_start(&folding, day, TABLE_REGION);
    for (uint32_t i = 0; i < rows->count; i++) {
        struct str region = value_of(&folding, i);
        if (str_eq(country_of(region), country) && !str_eq(region, rest))
            folding_add(&folding, i, people(&rows->rows[i]));
    }
    choose_small(&folding, k, row_of(day, TABLE_REGION, rest));
    if (folding.count > 0 && folding.fold[folding.order[0].index])
        fold_into(day, TABLE_REGION, folding.fold, rest);
    folding_stop(&folding);
}

void threshold_fold_regions(struct day *day, uint32_t k)
{
    struct day_table *rows = &day->tables[TABLE_REGION];
    enum { LETTERS = 26 * 26 };
    bool seen[LETTERS] = {false};
    for (uint32_t i = 0; i < rows->count; i++) {
        struct str country = country_of(day_names_at(day->names, TABLE_REGION, rows->rows[i].name));
        if (country.len == COUNTRY_LETTERS && country.ptr[0] >= 'A' && country.ptr[0] <= 'Z' &&
            country.ptr[1] >= 'A' && country.ptr[1] <= 'Z')
            seen[(country.ptr[0] - 'A') * 26 + country.ptr[1] - 'A'] = true;
    }
    for (int i = 0; i < LETTERS; i++) {
        const char letters[COUNTRY_LETTERS] = {(char)('A' + i / 26), (char)('A' + i % 26)};
        if (seen[i])
            fold_country(day, (struct str){letters, COUNTRY_LETTERS}, k);
    }
}

/* --- Rounding -------------------------------------------------------------------------------- */

static int64_t rounded(int64_t sum)
{
    int64_t half = sum < 0 ? -(ROUNDED_TO / 2) : ROUNDED_TO / 2;
    return (sum + half) / ROUNDED_TO * ROUNDED_TO;
}

void threshold_round(struct day *day)
{
    for (int t = 0; t < TABLE__COUNT; t++) {
        struct day_table *table = &day->tables[t];
        bool *drop = calloc((size_t)table->count + 1, sizeof(*drop));
        if (drop == NULL)
            abort();
        for (uint32_t i = 0; i < table->count && t != TABLE_DROPS; i++) {
            int64_t *sums = table->rows[i].sums;
            for (int m = 0; m < METRIC__COUNT; m++)
                sums[m] = rounded(sums[m]);
            drop[i] = t != TABLE_TOTAL && sums[METRIC_PAGEVIEWS] == 0 && sums[METRIC_VISITS] == 0 &&
                      sums[METRIC_EVENTS] == 0;
        }
        day_table_drop(table, drop);
        free(drop);
    }
}

/* --- All of it ------------------------------------------------------------------------------- */

static void forget_crosses(struct day *day)
{
    for (int c = 0; c < CROSS__COUNT; c++) {
        struct day_cross *cross = &day->crosses[c];
        bool *hide = calloc((size_t)cross->count + 1, sizeof(*hide));
        if (hide == NULL)
            abort();
        memset(hide, true, cross->count);
        day_cross_hide(cross, hide);
        cross->hidden_views = cross->hidden_visits = 0;
        free(hide);
    }
}

void threshold_apply(struct day *day, const struct thresholds *thresholds)
{
    assert(thresholds->k <= UINT16_MAX);
    if (thresholds->applied & DAY_UNCROSSED)
        forget_crosses(day);
    threshold_fold_caps(day);
    if (thresholds->applied & DAY_COUNTRIES_FOLDED)
        threshold_fold_countries(day, thresholds->k);
    if (thresholds->applied & DAY_REGIONS_FOLDED)
        threshold_fold_regions(day, thresholds->k);
    if (thresholds->applied & DAY_CELLS_HIDDEN)
        threshold_hide_cells(day, thresholds->k);
    if (thresholds->applied & DAY_ROUNDED)
        threshold_round(day);
    day->applied |= thresholds->applied;
    day->k = thresholds->k > day->k ? thresholds->k : day->k;
}

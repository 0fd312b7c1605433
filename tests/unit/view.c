/* A view's increments: a walk of one visitor, cell by cell, and that sums of any walk add up. */

#include "collector/view.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/test.h"

static const uint32_t DATE = 20261123;
static const struct day_key KEY = {.visit = {1}, .sketch = {2}};
static struct visit_change change;

struct walk {
    struct visit_table *table;
    struct section *section;
    struct visit_attributes attributes;
    unsigned folded;
};

static void walk_init(struct walk *walk)
{
    walk->folded = 0;
    walk->table = visit_table_new(VISIT_SHARDS * 16, 1 << 20);
    walk->section = section_new(SECTION_CELLS_MAX);
    section_reset(walk->section, STR_LIT("example.com"), DATE);
}

static void walk_done(struct walk *walk)
{
    visit_table_free(walk->table);
    section_free(walk->section);
}

struct step {
    uint64_t tag;
    int64_t at_ms;
    const char *page;
    const char *source;
    enum beacon_kind kind;
    const char *event;
    uint32_t engaged_ms;
    uint8_t hour;
};

static void walk_step(struct walk *walk, const struct step *step)
{
    const struct beacon_prop props[] = {{STR_LIT("plan"), STR_LIT("pro")}};
    memset(&walk->attributes, 0, sizeof(walk->attributes));
    walk->attributes.values[TABLE_ENTRY_PAGE] = str_from(step->page);
    walk->attributes.values[TABLE_SOURCE] = str_from(step->source);
    struct str page = str_from(step->page), event = str_from(step->event ? step->event : "");
    if (walk->section->folds_detail && step->kind != BEACON_ENGAGEMENT)
        walk->folded += view_fold_detail(walk->section, &walk->attributes, &page, &event);
    visit_table_sign(walk->table,
                     &(struct visit_sign){.tag = step->tag,
                                          .date = DATE,
                                          .hour = step->hour,
                                          .now_ms = step->at_ms,
                                          .kind = step->kind,
                                          .page = page,
                                          .event = event,
                                          .scroll_percent = -1,
                                          .has_engagement = step->engaged_ms > 0,
                                          .attributes = &walk->attributes},
                     &change);
    view_count(walk->section, &KEY,
               &(struct view){.kind = step->kind,
                              .hour = step->hour,
                              .tag = step->tag,
                              .page = page,
                              .event = event,
                              .props = props,
                              .prop_count = step->kind == BEACON_EVENT ? 1 : 0,
                              .engaged_ms = step->engaged_ms,
                              .visit = &change,
                              .attributes = &change.attributes});
}

static int64_t sum(const struct walk *walk, enum table table, const char *value, enum metric metric)
{
    return section_cell(walk->section, table, str_from(value))->sums[metric];
}

static int64_t table_sum(const struct walk *walk, enum table table, enum metric metric)
{
    int64_t total = 0;
    for (uint32_t i = 0; i < walk->section->cell_count; i++)
        if (walk->section->cells[i].table == table)
            total += walk->section->cells[i].sums[metric];
    return total;
}

static uint32_t registers_of(const struct walk *walk, enum table table, const char *value)
{
    struct cell *cell = section_cell(walk->section, table, str_from(value));
    uint32_t count = 0;
    section_sort_registers(walk->section);
    for (uint32_t i = 0; i < walk->section->register_count; i++)
        count += walk->section->registers[i].cell == (uint32_t)(cell - walk->section->cells);
    return count;
}

static void one_visit_of_two_pages(void **state)
{
    (void)state;
    struct walk walk;
    walk_init(&walk);
    walk_step(&walk, &(struct step){1, 0, "/a", "Google", BEACON_PAGEVIEW, NULL, 0, 9});
    assert_int_equal(sum(&walk, TABLE_TOTAL, "", METRIC_BOUNCES), 1);
    assert_int_equal(sum(&walk, TABLE_EXIT_PAGE, "/a", METRIC_VISITS), 1);
    walk_step(&walk, &(struct step){1, 90000, "/b", "Bing", BEACON_PAGEVIEW, NULL, 0, 10});
    assert_int_equal(sum(&walk, TABLE_TOTAL, "", METRIC_PAGEVIEWS), 2);
    assert_int_equal(sum(&walk, TABLE_TOTAL, "", METRIC_VISITS), 1);
    assert_int_equal(sum(&walk, TABLE_TOTAL, "", METRIC_BOUNCES), 0);
    assert_int_equal(sum(&walk, TABLE_TOTAL, "", METRIC_VISIT_SECONDS), 90);
    assert_int_equal(sum(&walk, TABLE_SOURCE, "Google", METRIC_PAGEVIEWS), 2);
    assert_int_equal(sum(&walk, TABLE_SOURCE, "Bing", METRIC_PAGEVIEWS), 0);
    assert_int_equal(sum(&walk, TABLE_ENTRY_PAGE, "/a", METRIC_VISIT_SECONDS), 90);
    assert_int_equal(sum(&walk, TABLE_EXIT_PAGE, "/a", METRIC_VISITS), 0);
    assert_int_equal(sum(&walk, TABLE_EXIT_PAGE, "/b", METRIC_VISITS), 1);
    assert_int_equal(sum(&walk, TABLE_TIME, "09", METRIC_VISIT_SECONDS), 90);
    assert_int_equal(sum(&walk, TABLE_TIME, "10", METRIC_PAGEVIEWS), 1);
    assert_int_equal(sum(&walk, TABLE_TIME, "10", METRIC_VISITS), 0);
    assert_int_equal(registers_of(&walk, TABLE_TOTAL, ""), 1);
    assert_int_equal(registers_of(&walk, TABLE_PAGE, "/b"), 1);
    walk_done(&walk);
}

static void events_and_properties(void **state)
{
    (void)state;
    struct walk walk;
    walk_init(&walk);
    walk_step(&walk, &(struct step){1, 0, "/a", "Google", BEACON_PAGEVIEW, NULL, 0, 9});
    for (int i = 0; i < 2; i++)
        walk_step(&walk, &(struct step){1, 1000, "/a", "x", BEACON_EVENT, "signup", 0, 9});
    assert_int_equal(sum(&walk, TABLE_EVENT, "signup", METRIC_EVENTS), 2);
    assert_int_equal(sum(&walk, TABLE_EVENT, "signup", METRIC_VISITS), 1);
    assert_int_equal(sum(&walk, TABLE_EVENT, "signup", METRIC_PAGEVIEWS), 0);
    assert_int_equal(sum(&walk, TABLE_PROP, "signup\x1fplan\x1fpro", METRIC_EVENTS), 2);
    assert_int_equal(sum(&walk, TABLE_TOTAL, "", METRIC_EVENTS), 2);
    assert_int_equal(sum(&walk, TABLE_TOTAL, "", METRIC_BOUNCES), 0);
    assert_int_equal(registers_of(&walk, TABLE_EVENT, "signup"), 1);
    walk_done(&walk);
}

static void engaged_time_goes_to_its_page(void **state)
{
    (void)state;
    struct walk walk;
    walk_init(&walk);
    walk_step(&walk, &(struct step){1, 0, "/a", "Google", BEACON_PAGEVIEW, NULL, 0, 9});
    walk_step(&walk, &(struct step){1, 9000, "/a", "x", BEACON_ENGAGEMENT, NULL, 8600, 9});
    walk_step(&walk, &(struct step){1, 12000, "/a", "x", BEACON_ENGAGEMENT, NULL, 2400, 9});
    assert_int_equal(sum(&walk, TABLE_PAGE, "/a", METRIC_ENGAGED_SECONDS), 11);
    assert_int_equal(sum(&walk, TABLE_PAGE, "/a", METRIC_ENGAGED_VIEWS), 1);
    assert_int_equal(sum(&walk, TABLE_PAGE, "/a", METRIC_PAGEVIEWS), 1);
    assert_int_equal(sum(&walk, TABLE_TOTAL, "", METRIC_VISIT_SECONDS), 12);
    assert_int_equal(sum(&walk, TABLE_TOTAL, "", METRIC_BOUNCES), 1);
    walk_done(&walk);
}

/* Ten reports of one reader are one person's row, not a mix. */
static void reports_do_not_fill_the_mix(void **state)
{
    (void)state;
    struct walk walk;
    walk_init(&walk);
    walk_step(&walk, &(struct step){1, 0, "/a", "Google", BEACON_PAGEVIEW, NULL, 0, 9});
    walk_step(&walk, &(struct step){1, 1000, "/a", "x", BEACON_EVENT, "signup", 0, 9});
    for (int i = 2; i < 12; i++)
        walk_step(&walk, &(struct step){1, i * 1000, "/a", "x", BEACON_ENGAGEMENT, NULL, 1000, 9});
    assert_int_equal(walk.section->views, 2);
    walk_done(&walk);
}

/* Each table of visits adds up to the total, each visit leaves once, and nothing is below zero. */
static void assert_tables_add_up(const struct walk *walk)
{
    const enum table TABLES[] = {TABLE_TIME, TABLE_ENTRY_PAGE, TABLE_SOURCE};
    const enum metric METRICS[] = {METRIC_VISITS, METRIC_BOUNCES, METRIC_VISIT_SECONDS,
                                   METRIC_PAGEVIEWS, METRIC_EVENTS};
    for (size_t t = 0; t < ARRAY_LEN(TABLES); t++)
        for (size_t m = 0; m < ARRAY_LEN(METRICS); m++)
            assert_int_equal(table_sum(walk, TABLES[t], METRICS[m]),
                             sum(walk, TABLE_TOTAL, "", METRICS[m]));
    assert_int_equal(table_sum(walk, TABLE_EXIT_PAGE, METRIC_VISITS),
                     sum(walk, TABLE_TOTAL, "", METRIC_VISITS));
    assert_int_equal(table_sum(walk, TABLE_PAGE, METRIC_PAGEVIEWS),
                     sum(walk, TABLE_TOTAL, "", METRIC_PAGEVIEWS));
    for (uint32_t i = 0; i < walk->section->cell_count; i++)
        assert_true(walk->section->cells[i].sums[METRIC_BOUNCES] >= 0 &&
                    walk->section->cells[i].sums[METRIC_VISITS] >= 0);
}

/* Whatever people do. */
static void walk_at_random(struct walk *walk, unsigned seed)
{
    static const char *const PAGES[] = {"/", "/a", "/b", "/c"};
    static const char *const SOURCES[] = {"Google", "Bing", "Direct / None"};
    srandom(seed);
    for (int64_t i = 0; i < 5000; i++) {
        long kind = random() % 10;
        walk_step(walk, &(struct step){.tag = (uint64_t)(random() % 60) * 977,
                                       .at_ms = i * 20000,
                                       .page = PAGES[random() % 4],
                                       .source = SOURCES[random() % 3],
                                       .kind = kind < 7   ? BEACON_PAGEVIEW
                                               : kind < 9 ? BEACON_ENGAGEMENT
                                                          : BEACON_EVENT,
                                       .event = random() % 2 ? "signup" : "play",
                                       .engaged_ms = kind == 7 ? 3000 : 0,
                                       .hour = (uint8_t)(i / 250)});
    }
}

static void tables_add_up_after_a_random_walk(void **state)
{
    (void)state;
    struct walk walk;
    walk_init(&walk);
    walk_at_random(&walk, 7);
    assert_tables_add_up(&walk);
    assert_true(sum(&walk, TABLE_TOTAL, "", METRIC_VISITS) > 60);
    assert_in_range(registers_of(&walk, TABLE_TOTAL, ""), 58, 60);
    walk_done(&walk);
}

/* One visitor looks around until the section is no longer a small one. */
static void walk_around(struct walk *walk)
{
    for (int i = 0; walk->section->cell_count < 32; i++) {
        char page[24];
        snprintf(page, sizeof(page), "/around/%d", i);
        walk_step(walk, &(struct step){99, 0, page, "Google", BEACON_PAGEVIEW, NULL, 0, 9});
    }
}

static void a_small_section_keeps_its_detail(void **state)
{
    (void)state;
    struct walk walk;
    walk_init(&walk);
    walk.section->folds_detail = true;
    walk_step(&walk, &(struct step){1, 0, "/a", "Google", BEACON_PAGEVIEW, NULL, 0, 9});
    assert_int_equal(walk.folded, 0);
    assert_int_equal(sum(&walk, TABLE_PAGE, "/a", METRIC_PAGEVIEWS), 1);
    walk_around(&walk);
    assert_int_equal(walk.folded, 0);
    walk_step(&walk, &(struct step){2, 0, "/b", "Google", BEACON_PAGEVIEW, NULL, 0, 9});
    assert_int_equal(walk.folded, 1);
    walk_done(&walk);
}

static void short_of_memory_new_detail_counts_under_other(void **state)
{
    (void)state;
    struct walk walk;
    walk_init(&walk);
    walk_step(&walk, &(struct step){1, 0, "/a", "Google", BEACON_PAGEVIEW, NULL, 0, 9});
    walk_around(&walk);
    walk.section->folds_detail = true;
    walk_step(&walk, &(struct step){2, 0, "/a", "Google", BEACON_PAGEVIEW, NULL, 0, 9});
    assert_int_equal(walk.folded, 0);
    walk_step(&walk, &(struct step){3, 0, "/new", "Bing", BEACON_PAGEVIEW, NULL, 0, 10});
    walk_step(&walk, &(struct step){3, 1000, "/new", "x", BEACON_EVENT, "signup", 0, 10});
    assert_int_equal(walk.folded, 2);
    assert_int_equal(sum(&walk, TABLE_PAGE, "/a", METRIC_PAGEVIEWS), 2);
    assert_int_equal(sum(&walk, TABLE_PAGE, MODEL_OTHER, METRIC_PAGEVIEWS), 1);
    assert_int_equal(sum(&walk, TABLE_SOURCE, MODEL_OTHER, METRIC_PAGEVIEWS), 1);
    assert_int_equal(sum(&walk, TABLE_EVENT, MODEL_OTHER, METRIC_EVENTS), 1);
    assert_int_equal(sum(&walk, TABLE_PROP, MODEL_OTHER, METRIC_EVENTS), 1);
    /* Small tables are kept whole. */
    assert_int_equal(sum(&walk, TABLE_TIME, "10", METRIC_PAGEVIEWS), 1);
    assert_null(section_find(walk.section, TABLE_PAGE, STR_LIT("/new")));
    assert_tables_add_up(&walk);
    walk_done(&walk);
}

/* Memory that comes and goes: a visit takes back what it has added where it has added it. */
static void tables_add_up_however_often_memory_is_short(void **state)
{
    (void)state;
    struct walk walk;
    walk_init(&walk);
    srandom(11);
    for (int64_t i = 0; i < 5000; i++) {
        char page[16], source[16];
        long kind = random() % 10;
        snprintf(page, sizeof(page), "/%ld", random() % 1000);
        snprintf(source, sizeof(source), "s%ld", random() % 300);
        walk.section->folds_detail = i / 100 % 2 == 1;
        walk_step(&walk, &(struct step){.tag = (uint64_t)(random() % 60) * 977,
                                        .at_ms = i * 20000,
                                        .page = page,
                                        .source = source,
                                        .kind = kind < 8 ? BEACON_PAGEVIEW : BEACON_EVENT,
                                        .event = page,
                                        .hour = (uint8_t)(i / 250)});
    }
    assert_true(walk.folded > 500);
    assert_tables_add_up(&walk);
    walk_done(&walk);
}

static void made_up_values_take_no_cells_while_memory_is_short(void **state)
{
    enum { VIEWS = 10000 };
    (void)state;
    struct walk walk;
    walk_init(&walk);
    walk_around(&walk);
    uint32_t cells = walk.section->cell_count;
    walk.section->folds_detail = true;
    for (uint64_t i = 0; i < VIEWS; i++) {
        char word[16];
        snprintf(word, sizeof(word), "/%d", (int)i);
        walk_step(&walk, &(struct step){i * 977, 0, word, word, BEACON_EVENT, word, 0, 9});
    }
    assert_int_equal(walk.folded, VIEWS);
    /* At most one more of each table. */
    assert_true(walk.section->cell_count <= cells + TABLE__COUNT);
    assert_int_equal(sum(&walk, TABLE_EVENT, MODEL_OTHER, METRIC_EVENTS), VIEWS);
    assert_tables_add_up(&walk);
    walk_done(&walk);
}

static void without_visits_views_and_visitors_are_counted(void **state)
{
    (void)state;
    struct walk walk;
    walk_init(&walk);
    struct visit_attributes attributes = {0};
    attributes.values[TABLE_SOURCE] = STR_LIT("Google");
    for (int i = 0; i < 2; i++)
        view_count(walk.section, &KEY,
                   &(struct view){.kind = BEACON_PAGEVIEW,
                                  .tag = 5,
                                  .page = STR_LIT("/a"),
                                  .attributes = &attributes});
    assert_int_equal(sum(&walk, TABLE_TOTAL, "", METRIC_PAGEVIEWS), 2);
    assert_int_equal(sum(&walk, TABLE_TOTAL, "", METRIC_VISITS), 0);
    assert_int_equal(sum(&walk, TABLE_SOURCE, "Google", METRIC_PAGEVIEWS), 2);
    assert_int_equal(registers_of(&walk, TABLE_TOTAL, ""), 1);
    assert_int_equal(table_sum(&walk, TABLE_EXIT_PAGE, METRIC_VISITS), 0);
    assert_int_equal(walk.section->crosses.count, 0);
    walk_done(&walk);
}

/* --- Crosses ---------------------------------------------------------------------------------- */

static const struct cross_cell NOTHING;

static const struct cross_cell *crossed(const struct walk *walk, enum cross cross, const char *left,
                                        const char *right)
{
    const struct section *section = walk->section;
    struct cell *cell = section_cell(walk->section, model_cross_left(cross), str_from(left));
    uint32_t left_index = (uint32_t)(cell - section->cells);
    cell = section_cell(walk->section, model_cross_right(cross), str_from(right));
    const struct cross_cell *found = cross_table_find(
        &section->crosses, cross_key(cross, left_index, (uint32_t)(cell - section->cells)));
    return found == NULL ? &NOTHING : found;
}

#define ASSERT_CROSSED(cross, left, right, views_, visits_)                                        \
    do {                                                                                           \
        assert_int_equal(crossed(&walk, cross, left, right)->views, views_);                       \
        assert_int_equal(crossed(&walk, cross, left, right)->visits, visits_);                     \
    } while (0)

static void a_view_counts_with_its_page_and_its_visits_first_attributes(void **state)
{
    (void)state;
    struct walk walk;
    walk_init(&walk);
    walk_step(&walk, &(struct step){1, 0, "/a", "Google", BEACON_PAGEVIEW, NULL, 0, 9});
    walk_step(&walk, &(struct step){1, 1000, "/b", "Bing", BEACON_PAGEVIEW, NULL, 0, 9});
    walk_step(&walk, &(struct step){1, 2000, "/b", "Bing", BEACON_PAGEVIEW, NULL, 0, 9});
    walk_step(&walk, &(struct step){1, 3000, "/b", "Bing", BEACON_ENGAGEMENT, NULL, 900, 9});
    walk_step(&walk, &(struct step){2, 4000, "/b", "Google", BEACON_PAGEVIEW, NULL, 0, 9});
    ASSERT_CROSSED(CROSS_PAGE_SOURCE, "/a", "Google", 1, 1);
    ASSERT_CROSSED(CROSS_PAGE_SOURCE, "/b", "Google", 3, 2);
    ASSERT_CROSSED(CROSS_PAGE_SOURCE, "/b", "Bing", 0, 0);
    ASSERT_CROSSED(CROSS_PAGE_ENTRY_PAGE, "/b", "/a", 2, 1);
    ASSERT_CROSSED(CROSS_PAGE_ENTRY_PAGE, "/b", "/b", 1, 1);
    ASSERT_CROSSED(CROSS_ENTRY_PAGE_SOURCE, "/a", "Google", 3, 1);
    ASSERT_CROSSED(CROSS_ENTRY_PAGE_SOURCE, "/b", "Google", 1, 1);
    /* /a and /b with Google, /a with /a, /b with /a and /b, and the entry pages with Google. */
    assert_int_equal(walk.section->crosses.count, 7);
    walk_done(&walk);
}

static void an_event_counts_once_a_visit_for_each_pair(void **state)
{
    (void)state;
    struct walk walk;
    walk_init(&walk);
    walk_step(&walk, &(struct step){1, 0, "/a", "Google", BEACON_PAGEVIEW, NULL, 0, 9});
    walk_step(&walk, &(struct step){1, 1000, "/a", "", BEACON_EVENT, "signup", 0, 9});
    walk_step(&walk, &(struct step){1, 2000, "/a", "", BEACON_EVENT, "signup", 0, 9});
    walk_step(&walk, &(struct step){1, 3000, "/b", "", BEACON_EVENT, "signup", 0, 9});
    walk_step(&walk, &(struct step){1, 4000, "/b", "", BEACON_EVENT, "play", 0, 9});
    ASSERT_CROSSED(CROSS_PAGE_EVENT, "/a", "signup", 2, 1);
    ASSERT_CROSSED(CROSS_PAGE_EVENT, "/b", "signup", 1, 1);
    ASSERT_CROSSED(CROSS_PAGE_EVENT, "/b", "play", 1, 1);
    ASSERT_CROSSED(CROSS_SOURCE_EVENT, "Google", "signup", 3, 1);
    ASSERT_CROSSED(CROSS_ENTRY_PAGE_EVENT, "/a", "play", 1, 1);
    /* Events are no page views. */
    ASSERT_CROSSED(CROSS_PAGE_SOURCE, "/a", "Google", 1, 1);
    ASSERT_CROSSED(CROSS_PAGE_SOURCE, "/b", "Google", 0, 0);
    walk_done(&walk);
}

/* Sums over one side of a cross, by the cell of the other. */
static void assert_cross_adds_up(const struct walk *walk, enum cross cross, bool by_left,
                                 bool visits_too)
{
    const struct section *section = walk->section;
    enum table table = by_left ? model_cross_left(cross) : model_cross_right(cross);
    enum metric metric = model_cross_views(cross);
    for (uint32_t i = 0; i < section->cell_count; i++) {
        int64_t views = 0, visits = 0;
        if (section->cells[i].table != table)
            continue;
        for (uint32_t c = 0; c < section->crosses.count; c++) {
            const struct cross_cell *cell = &section->crosses.cells[c];
            if (cross_of(cell->key) != cross ||
                (by_left ? cross_left(cell->key) : cross_right(cell->key)) != i)
                continue;
            views += cell->views;
            visits += cell->visits;
        }
        assert_int_equal(views, section->cells[i].sums[metric]);
        if (visits_too)
            assert_int_equal(visits, section->cells[i].sums[METRIC_VISITS]);
    }
}

static void crosses_add_up_to_their_tables(void **state)
{
    (void)state;
    struct walk walk;
    walk_init(&walk);
    walk_at_random(&walk, 11);
    /* Each page's and each event's visits have one source and one entry page. */
    assert_cross_adds_up(&walk, CROSS_PAGE_SOURCE, true, true);
    assert_cross_adds_up(&walk, CROSS_PAGE_ENTRY_PAGE, true, true);
    assert_cross_adds_up(&walk, CROSS_SOURCE_EVENT, false, true);
    assert_cross_adds_up(&walk, CROSS_ENTRY_PAGE_SOURCE, true, true);
    assert_cross_adds_up(&walk, CROSS_ENTRY_PAGE_SOURCE, false, true);
    /* A visit has several pages. */
    assert_cross_adds_up(&walk, CROSS_PAGE_SOURCE, false, false);
    assert_cross_adds_up(&walk, CROSS_PAGE_EVENT, true, false);
    assert_cross_adds_up(&walk, CROSS_PAGE_EVENT, false, false);
    walk_done(&walk);
}

static void crosses_stop_before_the_tables_do(void **state)
{
    (void)state;
    struct walk walk;
    walk_init(&walk);
    for (uint32_t i = 0; i < SECTION_CELLS_MAX; i++)
        section_cross(walk.section, cross_key(CROSS_OS_EVENT, i, i), 1, 1);
    walk_step(&walk, &(struct step){1, 0, "/a", "Google", BEACON_PAGEVIEW, NULL, 0, 9});
    walk_step(&walk, &(struct step){2, 0, "/b", "Bing", BEACON_PAGEVIEW, NULL, 0, 9});
    assert_int_equal(sum(&walk, TABLE_PAGE, "/a", METRIC_PAGEVIEWS), 1);
    assert_int_equal(sum(&walk, TABLE_PAGE, "/b", METRIC_VISITS), 1);
    const struct cross_cell *other =
        cross_table_find(&walk.section->crosses, cross_key_other(CROSS_PAGE_SOURCE));
    assert_int_equal(other->views, 2);
    assert_int_equal(other->visits, 2);
    ASSERT_CROSSED(CROSS_PAGE_SOURCE, "/a", "Google", 0, 0);
    walk_done(&walk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_visit_of_two_pages),
        cmocka_unit_test(events_and_properties),
        cmocka_unit_test(engaged_time_goes_to_its_page),
        cmocka_unit_test(reports_do_not_fill_the_mix),
        cmocka_unit_test(tables_add_up_after_a_random_walk),
        cmocka_unit_test(a_small_section_keeps_its_detail),
        cmocka_unit_test(short_of_memory_new_detail_counts_under_other),
        cmocka_unit_test(tables_add_up_however_often_memory_is_short),
        cmocka_unit_test(made_up_values_take_no_cells_while_memory_is_short),
        cmocka_unit_test(a_view_counts_with_its_page_and_its_visits_first_attributes),
        cmocka_unit_test(an_event_counts_once_a_visit_for_each_pair),
        cmocka_unit_test(crosses_add_up_to_their_tables),
        cmocka_unit_test(crosses_stop_before_the_tables_do),
        cmocka_unit_test(without_visits_views_and_visitors_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

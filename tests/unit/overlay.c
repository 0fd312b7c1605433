/* What is not applied yet, laid over what is stored: each part shows exactly while it is not in the
 * store, and visitors in both are counted once. */

#include "aggregator/overlay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregator/batch.h"
#include "tests/test.h"

static const uint32_t TODAY = 20261123;
static const uint8_t DAY_KEY[SKETCH_KEY_BYTES] = {1, 2, 3};

static struct sketch_register register_of(enum table table, struct str value, uint64_t tag)
{
    uint8_t key[SKETCH_KEY_BYTES];
    sketch_cell_key(DAY_KEY, table, value, key);
    return sketch_register_of(key, tag);
}

static void count(struct section *section, enum table table, struct str value, uint64_t tag)
{
    struct cell *cell = section_cell(section, table, value);
    assert_non_null(cell);
    cell->sums[METRIC_PAGEVIEWS]++;
    cell->sums[METRIC_VISITS]++;
    section_add_register(section, cell, register_of(table, value, tag));
}

/* A batch payload of one view of `page` by each tag from..to. */
static void payload_of(struct buf *out, struct str site, uint32_t date, struct str page,
                       uint64_t from, uint64_t to)
{
    struct section *section = section_new(100);
    section_reset(section, site, date);
    for (uint64_t tag = from; tag <= to; tag++) {
        count(section, TABLE_TOTAL, STR_EMPTY, tag);
        count(section, TABLE_PAGE, page, tag);
    }
    buf_init(out, 1000000);
    batch_begin(out, 1);
    batch_append_section(out, section);
    batch_end(out);
    section_free(section);
}

struct told {
    uint64_t writer, number, after;
    const char *page;
    uint64_t from, to; /* visitors */
    uint32_t date;     /* 0: today */
};

static bool put(struct overlay *overlay, struct str site, const struct told *told,
                size_t part_count, int64_t mono_ms)
{
    struct live_message message = {.writer = told->writer, .site = site, .part_count = part_count};
    struct buf payloads[LIVE_PARTS_MAX], out;
    for (size_t i = 0; i < part_count; i++) {
        payload_of(&payloads[i], site, told[i].date == 0 ? TODAY : told[i].date,
                   str_from(told[i].page), told[i].from, told[i].to);
        message.parts[i] = (struct live_part){told[i].number, told[i].after, buf_str(&payloads[i])};
    }
    buf_init(&out, 10000000);
    live_encode(&out, &message);
    bool kept = overlay_put(overlay, buf_str(&out), mono_ms);
    buf_done(&out);
    for (size_t i = 0; i < part_count; i++)
        buf_done(&payloads[i]);
    return kept;
}

static const struct str SITE = {"example.com", 11};

static void mark(struct overlay_day *day, uint64_t writer, uint64_t number)
{
    char field[32], text[32];
    (void)snprintf(field, sizeof(field), "@%016" PRIx64, writer);
    (void)snprintf(text, sizeof(text), "%" PRIu64, number);
    overlay_day_mark(day, str_from(field), str_from(text));
}

static struct overlay_day *day_of(const struct overlay *overlay, uint32_t date)
{
    return overlay_day_new(overlay, &(struct overlay_wanted){SITE, date, .crosses = true});
}

/* Page views of the total that show over a store that has none, at these marks of writer 7 and 8.
 */
static int64_t shown(const struct overlay *overlay, uint64_t mark_7, uint64_t mark_8)
{
    struct query_rows rows;
    struct overlay_day *day = day_of(overlay, TODAY);
    if (day == NULL)
        return 0;
    query_rows_init(&rows, 1000);
    if (mark_7 > 0)
        mark(day, 7, mark_7);
    if (mark_8 > 0)
        mark(day, 8, mark_8);
    overlay_day_add(day, TABLE_TOTAL, NULL, 0, &rows);
    const struct query_row *row = query_rows_find(&rows, STR_EMPTY);
    int64_t views = row == NULL ? 0 : row->sums[METRIC_PAGEVIEWS];
    query_rows_done(&rows);
    overlay_day_free(day);
    return views;
}

static void a_part_shows_while_its_batch_is_not_applied(void **state)
{
    /* 1 view in batch 17, 2 in batch 18, 4 open. */
    static const struct told PARTS[] = {
        {7, 17, 0, "/", 1, 1, 0}, {7, 18, 0, "/", 1, 2, 0}, {7, 0, 18, "/", 1, 4, 0}};
    static const struct {
        uint64_t mark;
        int64_t views;
    } CASES[] = {
        {0, 7},
        {16, 7},
        {17, 6},
        {18, 4}, /* the open part is not in 18 */
        {19, 0}, /* it has become 19 */
        {UINT64_MAX / 100, 0},
    };
    (void)state;
    struct overlay *overlay = overlay_new();
    assert_true(put(overlay, SITE, PARTS, 3, 0));
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
        if (shown(overlay, CASES[i].mark, 0) != CASES[i].views)
            fail_msg("mark %" PRIu64 ": %" PRId64, CASES[i].mark, shown(overlay, CASES[i].mark, 0));
    overlay_free(overlay);
}

static void marks_are_each_writers_own(void **state)
{
    static const struct told SEVEN[] = {{7, 1, 0, "/", 1, 1, 0}};
    static const struct told EIGHT[] = {{8, 1, 0, "/", 1, 2, 0}};
    (void)state;
    struct overlay *overlay = overlay_new();
    assert_true(put(overlay, SITE, SEVEN, 1, 0));
    assert_true(put(overlay, SITE, EIGHT, 1, 0));
    assert_int_equal(shown(overlay, 0, 0), 3);
    assert_int_equal(shown(overlay, 1, 0), 2);
    assert_int_equal(shown(overlay, 0, 1), 1);
    assert_int_equal(shown(overlay, 1, 1), 0);
    overlay_free(overlay);
}

static void the_last_message_of_a_writer_counts(void **state)
{
    static const struct told FIRST[] = {{7, 0, 0, "/", 1, 5, 0}};
    static const struct told SECOND[] = {{7, 0, 0, "/", 1, 6, 0}};
    (void)state;
    struct overlay *overlay = overlay_new();
    assert_true(put(overlay, SITE, FIRST, 1, 0));
    assert_true(put(overlay, SITE, SECOND, 1, 0));
    assert_int_equal(shown(overlay, 0, 0), 6);
    /* Another site of the same writer has its own. */
    assert_true(put(overlay, STR_LIT("other.org"), FIRST, 1, 0));
    assert_int_equal(shown(overlay, 0, 0), 6);
    overlay_free(overlay);
}

static void another_day_does_not_show(void **state)
{
    static const struct told PARTS[] = {{7, 3, 0, "/", 1, 5, 20261122}};
    (void)state;
    struct overlay *overlay = overlay_new();
    assert_true(put(overlay, SITE, PARTS, 1, 0));
    assert_null(day_of(overlay, TODAY));
    struct overlay_day *yesterday = day_of(overlay, 20261122);
    assert_non_null(yesterday);
    overlay_day_free(yesterday);
    overlay_free(overlay);
}

static void messages_expire_below_at_and_above(void **state)
{
    static const struct told PARTS[] = {{7, 3, 0, "/", 1, 5, 0}};
    (void)state;
    for (int64_t over = -1; over <= 1; over++) {
        struct overlay *overlay = overlay_new();
        assert_true(put(overlay, SITE, PARTS, 1, 1000));
        overlay_expire(overlay, 1000 + OVERLAY_EXPIRY_MS + over);
        assert_int_equal(shown(overlay, 0, 0), over > 0 ? 0 : 5);
        overlay_free(overlay);
    }
}

static void a_damaged_message_is_refused_and_a_damaged_part_is_left_out(void **state)
{
    struct live_message message = {
        .writer = 7, .site = SITE, .parts = {{1, 0, STR_LIT("FB?")}}, .part_count = 1};
    struct buf out;
    (void)state;
    struct overlay *overlay = overlay_new();
    assert_false(overlay_put(overlay, STR_LIT("FL\x01garbage"), 0));
    buf_init(&out, 1000);
    live_encode(&out, &message);
    assert_true(overlay_put(overlay, buf_str(&out), 0));
    assert_null(day_of(overlay, TODAY));
    buf_done(&out);
    overlay_free(overlay);
}

/* The HYLL string that the store has of visitors from..to of a cell. */
static void stored_sketch(struct buf *out, enum table table, struct str value, uint64_t from,
                          uint64_t to)
{
    struct sketch_register registers[1000];
    size_t n = 0;
    for (uint64_t tag = from; tag <= to; tag++)
        registers[n++] = register_of(table, value, tag);
    buf_init(out, 100000);
    sketch_encode(out, registers, n);
}

static void a_visitor_of_store_and_part_is_counted_once(void **state)
{
    /* Stored: visitors 1 to 300. Not applied: 201 to 400, twice over. */
    static const struct told PARTS[] = {{7, 0, 4, "/", 201, 400, 0}, {7, 4, 0, "/", 201, 400, 0}};
    static const struct {
        enum table table;
        struct str value;
    } CELLS[] = {{TABLE_TOTAL, {"", 0}}, {TABLE_PAGE, {"/", 1}}};
    (void)state;
    struct overlay *overlay = overlay_new();
    assert_true(put(overlay, SITE, PARTS, 2, 0));
    for (size_t i = 0; i < ARRAY_LEN(CELLS); i++) {
        struct str values[OVERLAY_SKETCHES_MAX];
        struct buf sketch;
        struct query_rows rows;
        struct overlay_day *day = day_of(overlay, TODAY);
        assert_int_equal(overlay_day_values(day, CELLS[i].table, values), 1);
        assert_true(str_eq(values[0], CELLS[i].value));
        stored_sketch(&sketch, CELLS[i].table, CELLS[i].value, 1, 300);
        query_rows_init(&rows, 10);
        struct query_row *row = query_rows_at(&rows, CELLS[i].value);
        row->sums[METRIC_VISITORS] = 300;
        row->sums[METRIC_PAGEVIEWS] = 300;
        row->has_visitors = true;
        struct str sketches[] = {buf_str(&sketch)};
        mark(day, 7, 3);
        overlay_day_add(day, CELLS[i].table, sketches, 1, &rows);
        assert_int_equal(row->sums[METRIC_PAGEVIEWS], 700);
        assert_in_range(row->sums[METRIC_VISITORS], 392, 408);
        query_rows_done(&rows);
        overlay_day_free(day);
        buf_done(&sketch);
    }
    overlay_free(overlay);
}

static void a_first_visitor_needs_no_stored_sketch(void **state)
{
    static const struct told PARTS[] = {{7, 0, 0, "/new", 1, 3, 0}};
    struct str nothing[] = {STR_EMPTY};
    struct query_rows rows;
    (void)state;
    struct overlay *overlay = overlay_new();
    assert_true(put(overlay, SITE, PARTS, 1, 0));
    struct overlay_day *day = day_of(overlay, TODAY);
    query_rows_init(&rows, 10);
    overlay_day_add(day, TABLE_PAGE, nothing, 1, &rows);
    const struct query_row *row = query_rows_find(&rows, STR_LIT("/new"));
    assert_non_null(row);
    assert_true(row->has_visitors);
    assert_int_equal(row->sums[METRIC_VISITORS], 3);
    query_rows_done(&rows);
    overlay_day_free(day);
    overlay_free(overlay);
}

/* --- Crosses ---------------------------------------------------------------------------------- */

/* A section in which "/a" and "NL" have other indexes than in the next. */
static void crossed_payload(struct buf *out, bool is_other_order, int64_t views)
{
    struct section *section = section_new(100);
    section_reset(section, SITE, TODAY);
    if (is_other_order)
        (void)section_cell(section, TABLE_COUNTRY, STR_LIT("BE"));
    uint32_t page = (uint32_t)(section_cell(section, TABLE_PAGE, STR_LIT("/a")) - section->cells);
    uint32_t nl = (uint32_t)(section_cell(section, TABLE_COUNTRY, STR_LIT("NL")) - section->cells);
    section_cross(section, cross_key(CROSS_PAGE_COUNTRY, page, nl), views, 1);
    section_cross(section, cross_key_other(CROSS_PAGE_COUNTRY), 1, 1);
    section_cross(section, cross_key_other(CROSS_PAGE_OS), 50, 50);
    buf_init(out, BATCH_BYTES_MAX);
    batch_begin(out, 1);
    batch_append_section(out, section);
    batch_end(out);
    section_free(section);
}

struct seen_cells {
    int64_t views, visits, other;
};

static void see_cell(const struct overlay_cell *cell, void *data)
{
    struct seen_cells *seen = data;
    if (cell->is_other) {
        seen->other += cell->views;
        return;
    }
    assert_true(str_eq(cell->left, STR_LIT("/a")) && str_eq(cell->right, STR_LIT("NL")));
    seen->views += cell->views;
    seen->visits += cell->visits;
}

static void crosses_show_by_the_same_rule(void **state)
{
    (void)state;
    struct buf first, second, out;
    crossed_payload(&first, false, 5);
    crossed_payload(&second, true, 20);
    struct live_message message = {
        .writer = 7,
        .site = SITE,
        .parts = {{1, 0, buf_str(&first)}, {0, 1, buf_str(&second)}},
        .part_count = 2,
    };
    struct overlay *overlay = overlay_new();
    buf_init(&out, 100000);
    live_encode(&out, &message);
    assert_true(overlay_put(overlay, buf_str(&out), 0));
    for (uint64_t mark_7 = 0; mark_7 <= 2; mark_7++) {
        struct seen_cells seen = {0};
        struct overlay_day *day = day_of(overlay, TODAY);
        mark(day, 7, mark_7);
        overlay_day_each_cell(day, CROSS_PAGE_COUNTRY, see_cell, &seen);
        assert_int_equal(seen.views, mark_7 == 0 ? 25 : mark_7 == 1 ? 20 : 0);
        assert_int_equal(seen.visits, mark_7 == 0 ? 2 : mark_7 == 1 ? 1 : 0);
        assert_int_equal(seen.other, seen.visits);
        overlay_day_free(day);
    }
    struct seen_cells seen = {0};
    struct overlay_day *day =
        overlay_day_new(overlay, &(struct overlay_wanted){SITE, TODAY, .crosses = false});
    overlay_day_each_cell(day, CROSS_PAGE_COUNTRY, see_cell, &seen);
    assert_int_equal(seen.views, 0);
    overlay_day_free(day);
    overlay_free(overlay);
    buf_done(&first);
    buf_done(&second);
    buf_done(&out);
}

static void marks_that_are_none_are_passed_over(void **state)
{
    static const struct told PARTS[] = {{7, 1, 0, "/", 1, 5, 0}};
    static const char *const FIELDS[][2] = {
        {"@0000000000000007x", "9"},
        {"@000000000000007", "9"},
        {"x0000000000000007", "9"},
        {"@000000000000000G", "9"},
        {"@0000000000000007", "-1"},
        {"@0000000000000007", ""},
        {"@0000000000000007", "99999999999999999999999"},
    };
    (void)state;
    struct overlay *overlay = overlay_new();
    assert_true(put(overlay, SITE, PARTS, 1, 0));
    struct overlay_day *day = day_of(overlay, TODAY);
    struct query_rows rows;
    for (size_t i = 0; i < ARRAY_LEN(FIELDS); i++)
        overlay_day_mark(day, str_from(FIELDS[i][0]), str_from(FIELDS[i][1]));
    query_rows_init(&rows, 10);
    overlay_day_add(day, TABLE_TOTAL, NULL, 0, &rows);
    assert_int_equal(rows.rows[0].sums[METRIC_PAGEVIEWS], 5);
    query_rows_done(&rows);
    overlay_day_free(day);
    overlay_free(overlay);
}

static bool put_now(struct overlay *overlay, uint64_t writer, uint32_t active, uint32_t views,
                    const char *first, const char *second)
{
    struct live_message message = {
        .writer = writer,
        .site = SITE,
        .has_now = true,
        .now = {.active_visits = active,
                .pages = {{str_from(first), active}, {str_from(second), 1}},
                .page_count = 2}};
    struct buf out;
    message.now.views_by_minute[0] = views;
    message.now.views_by_minute[LIVE_MINUTES - 1] = 1;
    buf_init(&out, 10000);
    live_encode(&out, &message);
    bool kept = overlay_put(overlay, buf_str(&out), 0);
    buf_done(&out);
    return kept;
}

static void now_is_the_sum_over_writers(void **state)
{
    struct live_now now;
    (void)state;
    struct overlay *overlay = overlay_new();
    assert_true(put_now(overlay, 7, 3, 10, "/", "/b"));
    assert_true(put_now(overlay, 8, 5, 20, "/a", "/"));
    overlay_now(overlay, SITE, &now);
    assert_int_equal(now.active_visits, 8);
    assert_int_equal(now.views_by_minute[0], 30);
    assert_int_equal(now.views_by_minute[LIVE_MINUTES - 1], 2);
    assert_int_equal(now.page_count, 3);
    assert_true(str_eq(now.pages[0].path, STR_LIT("/a")));
    assert_int_equal(now.pages[1].visits, 4);
    assert_true(str_eq(now.pages[2].path, STR_LIT("/b")));
    overlay_now(overlay, STR_LIT("other.org"), &now);
    assert_int_equal(now.active_visits, 0);
    overlay_free(overlay);
}

static void sketches_below_at_and_above_the_cap(void **state)
{
    (void)state;
    for (uint32_t cells = OVERLAY_SKETCHES_MAX - 1; cells <= OVERLAY_SKETCHES_MAX + 1; cells++) {
        struct section *section = section_new(1000);
        struct str values[OVERLAY_SKETCHES_MAX];
        struct buf payload, out;
        section_reset(section, SITE, TODAY);
        for (uint32_t i = 0; i < cells; i++) {
            char page[16];
            int len = snprintf(page, sizeof(page), "/%u", i);
            count(section, TABLE_PAGE, (struct str){page, (size_t)len}, i);
        }
        buf_init(&payload, 1000000);
        batch_begin(&payload, 1);
        batch_append_section(&payload, section);
        batch_end(&payload);
        struct live_message message = {.writer = 7,
                                       .site = SITE,
                                       .parts = {{.after = 1, .payload = buf_str(&payload)}},
                                       .part_count = 1};
        buf_init(&out, 1000000);
        live_encode(&out, &message);
        struct overlay *overlay = overlay_new();
        assert_true(overlay_put(overlay, buf_str(&out), 0));
        struct overlay_day *day = day_of(overlay, TODAY);
        size_t wanted = overlay_day_values(day, TABLE_PAGE, values);
        assert_int_equal(wanted, cells < OVERLAY_SKETCHES_MAX ? cells : OVERLAY_SKETCHES_MAX);
        overlay_day_free(day);
        overlay_free(overlay);
        section_free(section);
        buf_done(&payload);
        buf_done(&out);
    }
}

static void memory_below_and_above_the_cap(void **state)
{
    /* Messages of nearly the largest size: some thirty fit. */
    enum { PARTS = 8, PART_BYTES = LIVE_MESSAGE_BYTES_MAX - 100 };
    size_t kept = 0;
    struct buf out;
    (void)state;
    char *bytes = calloc(1, PART_BYTES);
    assert_non_null(bytes);
    struct overlay *overlay = overlay_new();
    buf_init(&out, LIVE_BYTES_MAX);
    for (uint64_t writer = 1; writer <= 40; writer++) {
        struct live_message message = {.writer = writer, .site = SITE, .part_count = PARTS};
        for (size_t i = 0; i < PARTS; i++)
            message.parts[i] = (struct live_part){.after = 1, .payload = {bytes, PART_BYTES}};
        buf_reset(&out);
        live_encode(&out, &message);
        kept += overlay_put(overlay, buf_str(&out), 0);
    }
    assert_true(kept * PARTS * PART_BYTES <= OVERLAY_BYTES_MAX);
    assert_true((kept + 1) * PARTS * LIVE_MESSAGE_BYTES_MAX > OVERLAY_BYTES_MAX);
    overlay_expire(overlay, OVERLAY_EXPIRY_MS + 1);
    assert_true(overlay_put(overlay, buf_str(&out), 0));
    buf_done(&out);
    free(bytes);
    overlay_free(overlay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_shows_while_its_batch_is_not_applied),
        cmocka_unit_test(marks_are_each_writers_own),
        cmocka_unit_test(the_last_message_of_a_writer_counts),
        cmocka_unit_test(another_day_does_not_show),
        cmocka_unit_test(messages_expire_below_at_and_above),
        cmocka_unit_test(a_damaged_message_is_refused_and_a_damaged_part_is_left_out),
        cmocka_unit_test(a_visitor_of_store_and_part_is_counted_once),
        cmocka_unit_test(a_first_visitor_needs_no_stored_sketch),
        cmocka_unit_test(crosses_show_by_the_same_rule),
        cmocka_unit_test(marks_that_are_none_are_passed_over),
        cmocka_unit_test(now_is_the_sum_over_writers),
        cmocka_unit_test(sketches_below_at_and_above_the_cap),
        cmocka_unit_test(memory_below_and_above_the_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

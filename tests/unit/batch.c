/* Sections and batches: counting, folding, and that no damaged payload is folded. */

#include "aggregator/batch.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/test.h"

static const uint32_t DATE = 20261123;

static void add(struct section *section, enum table table, const char *value, enum metric metric,
                int64_t delta)
{
    struct cell *cell = section_cell(section, table, str_from(value));
    assert_non_null(cell);
    cell->sums[metric] += delta;
}

static int64_t sum(struct section *section, enum table table, const char *value, enum metric metric)
{
    return section_cell(section, table, str_from(value))->sums[metric];
}

static struct section *sample_section(void)
{
    struct section *section = section_new(1000);
    section_reset(section, STR_LIT("example.com"), DATE);
    section->views = 2;
    add(section, TABLE_TOTAL, "", METRIC_PAGEVIEWS, 2);
    add(section, TABLE_PAGE, "/a", METRIC_PAGEVIEWS, 2);
    add(section, TABLE_TOTAL, "", METRIC_BOUNCES, -1);
    struct cell *page = section_cell(section, TABLE_PAGE, STR_LIT("/a"));
    section_add_register(section, page, (struct sketch_register){16383, 51});
    section_add_register(section, page, (struct sketch_register){0, 1});
    section_add_register(section, page, (struct sketch_register){0, 7});
    return section;
}

static void encode(struct buf *out, struct section *section)
{
    buf_init(out, BATCH_BYTES_MAX);
    batch_begin(out, 1);
    batch_append_section(out, section);
    batch_end(out);
    assert_false(out->overflow);
}

static uint32_t index_of(struct section *section, enum table table, const char *value)
{
    return (uint32_t)(section_cell(section, table, str_from(value)) - section->cells);
}

static void cross(struct section *section, enum cross cross, const char *left, const char *right,
                  int64_t views, int64_t visits)
{
    uint32_t sides[] = {index_of(section, model_cross_left(cross), left),
                        index_of(section, model_cross_right(cross), right)};
    section_cross(section, cross_key(cross, sides[0], sides[1]), views, visits);
}

/* NULL when there is none. */
static const struct cross_cell *crossed(struct section *section, enum cross cross, const char *left,
                                        const char *right)
{
    uint32_t sides[] = {index_of(section, model_cross_left(cross), left),
                        index_of(section, model_cross_right(cross), right)};
    return cross_table_find(&section->crosses, cross_key(cross, sides[0], sides[1]));
}

static struct section *crossed_section(void)
{
    struct section *section = sample_section();
    add(section, TABLE_COUNTRY, "NL", METRIC_PAGEVIEWS, 1);
    add(section, TABLE_COUNTRY, "BE", METRIC_PAGEVIEWS, 1);
    add(section, TABLE_EVENT, "signup", METRIC_EVENTS, 300);
    cross(section, CROSS_PAGE_COUNTRY, "/a", "NL", 1, 1);
    cross(section, CROSS_PAGE_COUNTRY, "/a", "BE", 1, 0);
    cross(section, CROSS_PAGE_EVENT, "/a", "signup", 300, 1);
    section_cross(section, cross_key_other(CROSS_COUNTRY_EVENT), 7, 5);
    return section;
}

static void many_cells_are_found_again(void **state)
{
    (void)state;
    struct section *section = section_new(5000);
    section_reset(section, STR_LIT("example.com"), DATE);
    char value[32];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 5000; i++) {
            snprintf(value, sizeof(value), "/page/%d", i);
            add(section, i % 2 ? TABLE_PAGE : TABLE_ENTRY_PAGE, value, METRIC_PAGEVIEWS, 1);
        }
    assert_int_equal(section->cell_count, 5000);
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(section->cells[i].sums[METRIC_PAGEVIEWS], 2);
    assert_null(section_cell(section, TABLE_PAGE, STR_LIT("/one-more")));
    assert_non_null(section_cell(section, TABLE_PAGE, STR_LIT("/page/1")));
    section_free(section);
}

static void many_crosses_are_found_again(void **state)
{
    (void)state;
    struct section *section = section_new(SECTION_CELLS_MAX);
    section_reset(section, STR_LIT("example.com"), DATE);
    for (int round = 0; round < 3; round++)
        for (uint32_t i = 0; i < SECTION_CELLS_MAX; i++)
            section_cross(section,
                          cross_key((enum cross)(i % CROSS__COUNT), i, SECTION_CELLS_MAX - 1 - i),
                          1, i);
    assert_int_equal(section->crosses.count, SECTION_CELLS_MAX);
    for (uint32_t i = 0; i < SECTION_CELLS_MAX; i++) {
        const struct cross_cell *cell = &section->crosses.cells[i];
        assert_int_equal(cross_of(cell->key), i % CROSS__COUNT);
        assert_int_equal(cross_left(cell->key), i);
        assert_int_equal(cross_right(cell->key), SECTION_CELLS_MAX - 1 - i);
        assert_int_equal(cell->views, 3);
        assert_int_equal(cell->visits, 3 * i);
    }
    section_reset(section, STR_LIT("example.com"), DATE);
    assert_int_equal(section->crosses.count, 0);
    assert_null(cross_table_find(&section->crosses, cross_key(0, 0, SECTION_CELLS_MAX - 1)));
    section_free(section);
}

static void crosses_past_the_room_of_a_section_are_other(void **state)
{
    (void)state;
    enum { ROOM = 100 };
    struct section *section = section_new(ROOM);
    section_reset(section, STR_LIT("example.com"), DATE);
    for (uint32_t i = 0; i < ROOM + 5; i++)
        section_cross(section, cross_key(CROSS_PAGE_OS, i, i), 2, 1);
    section_cross(section, cross_key(CROSS_PAGE_OS, 0, 0), 2, 1); /* it is there */
    section_cross(section, cross_key(CROSS_OS_EVENT, 0, 0), 1, 1);
    const struct cross_cell *other =
        cross_table_find(&section->crosses, cross_key_other(CROSS_PAGE_OS));
    assert_int_equal(section->crosses.count, ROOM + 2);
    assert_int_equal(other->views, 10);
    assert_int_equal(other->visits, 5);
    assert_int_equal(section->crosses.cells[0].views, 4);
    assert_non_null(cross_table_find(&section->crosses, cross_key_other(CROSS_OS_EVENT)));
    assert_null(cross_table_find(&section->crosses, cross_key(CROSS_PAGE_OS, ROOM, ROOM)));
    section_free(section);
}

/* The writer decides by this bound what leaves together; a payload past BATCH_BYTES_MAX would be
 * refused for ever. Every cell here is as dear as a cell can be. */
static void no_section_takes_more_than_its_bound(void **state)
{
    (void)state;
    char value[VALUE_BYTES_MAX];
    memset(value, 'v', sizeof(value));
    for (int cells = 0; cells <= 400; cells += 100) {
        struct section *section = section_new(1000);
        section_reset(section, STR_LIT("example.com"), DATE);
        section->views = UINT32_MAX;
        for (int i = 0; i < cells; i++) {
            memcpy(value, &i, sizeof(i));
            struct cell *cell =
                section_cell(section, TABLE_PAGE, (struct str){value, sizeof(value)});
            for (int m = 0; m < SECTION_SUMS; m++)
                cell->sums[m] = -(INT64_C(1) << 40);
            for (uint16_t r = 0; r < 20; r++)
                section_add_register(section, cell, (struct sketch_register){r, 1});
        }
        struct buf bytes;
        size_t bound = batch_section_bytes_max(section) + BATCH_ENDS_BYTES_MAX;
        encode(&bytes, section);
        assert_true(bytes.len <= bound);
        /* It is a bound, not a guess: what it has too much is small. */
        assert_true(bound - bytes.len <= 300 + 3 * (size_t)cells);
        buf_done(&bytes);
        section_free(section);
    }
}

/* The dearest are alone in their cross. */
static void no_cross_takes_more_than_its_bound(void **state)
{
    (void)state;
    struct section *section = section_new(SECTION_CELLS_MAX);
    section_reset(section, STR_LIT("example.com"), DATE);
    char value[16];
    for (int i = 0; i < SECTION_CELLS_MAX; i++) {
        snprintf(value, sizeof(value), "/%d", i);
        add(section, TABLE_PAGE, value, METRIC_PAGEVIEWS, 1);
    }
    struct buf without, with;
    size_t bound_without = batch_section_bytes_max(section);
    encode(&without, section);
    for (uint32_t c = 0; c < CROSS__COUNT; c++)
        section_cross(section, cross_key((enum cross)c, c, c + CROSS__COUNT), INT64_C(1) << 40,
                      INT64_C(1) << 40);
    size_t more = batch_section_bytes_max(section) - bound_without;
    encode(&with, section);
    /* One in sixty-four of the cells' numbers is shorter. */
    assert_in_range(with.len - without.len, more - CROSS__COUNT / 2, more);
    buf_done(&without);
    buf_done(&with);
    section_free(section);
}

static void a_section_forgets_its_keys(void **state)
{
    (void)state;
    struct section *section = sample_section();
    struct cell *cell = section_cell(section, TABLE_PAGE, STR_LIT("/a"));
    memset(cell->key, 7, sizeof(cell->key));
    cell->has_key = true;
    section_forget_keys(section);
    assert_false(cell->has_key);
    for (size_t i = 0; i < sizeof(cell->key); i++)
        assert_int_equal(cell->key[i], 0);
    section_free(section);
}

static void a_reset_section_is_empty(void **state)
{
    (void)state;
    struct section *section = sample_section();
    section_reset(section, STR_LIT("other.example"), DATE + 1);
    assert_int_equal(section->cell_count, 0);
    assert_int_equal(section->register_count, 0);
    assert_int_equal(sum(section, TABLE_PAGE, "/a", METRIC_PAGEVIEWS), 0);
    section_free(section);
}

static void a_batch_comes_back_as_it_was(void **state)
{
    (void)state;
    struct section *section = sample_section();
    struct buf bytes;
    encode(&bytes, section);
    struct day_set set;
    day_set_init(&set, 1000);
    assert_int_equal(batch_fold(buf_str(&bytes), &set), BATCH_OK);
    assert_int_equal(batch_fold(buf_str(&bytes), &set), BATCH_OK);
    assert_int_equal(set.count, 1);
    struct section *folded = day_set_section(&set, STR_LIT("example.com"), DATE);
    assert_int_equal(folded->views, 4);
    assert_int_equal(sum(folded, TABLE_PAGE, "/a", METRIC_PAGEVIEWS), 4);
    assert_int_equal(sum(folded, TABLE_TOTAL, "", METRIC_BOUNCES), -2);
    section_sort_registers(folded);
    assert_int_equal(folded->register_count, 2);
    assert_int_equal(folded->registers[0].index, 0);
    assert_int_equal(folded->registers[0].rank, 7);
    assert_int_equal(folded->registers[1].index, 16383);
    assert_int_equal(folded->registers[1].rank, 51);
    day_set_done(&set);
    buf_done(&bytes);
    section_free(section);
}

static void crosses_come_back_as_they_were(void **state)
{
    (void)state;
    struct section *section = crossed_section();
    struct buf bytes;
    encode(&bytes, section);
    struct day_set set;
    day_set_init(&set, 1000);
    assert_int_equal(batch_fold(buf_str(&bytes), &set), BATCH_OK);
    assert_int_equal(batch_fold(buf_str(&bytes), &set), BATCH_OK);
    struct section *folded = day_set_section(&set, STR_LIT("example.com"), DATE);
    assert_int_equal(folded->crosses.count, 4);
    assert_int_equal(crossed(folded, CROSS_PAGE_COUNTRY, "/a", "NL")->views, 2);
    assert_int_equal(crossed(folded, CROSS_PAGE_COUNTRY, "/a", "NL")->visits, 2);
    assert_int_equal(crossed(folded, CROSS_PAGE_COUNTRY, "/a", "BE")->views, 2);
    assert_int_equal(crossed(folded, CROSS_PAGE_COUNTRY, "/a", "BE")->visits, 0);
    assert_int_equal(crossed(folded, CROSS_PAGE_EVENT, "/a", "signup")->views, 600);
    const struct cross_cell *other =
        cross_table_find(&folded->crosses, cross_key_other(CROSS_COUNTRY_EVENT));
    assert_int_equal(other->views, 14);
    assert_int_equal(other->visits, 10);
    day_set_done(&set);
    buf_done(&bytes);
    section_free(section);
}

/* What a set has no room for is less detail, not a refusal. */
static void a_set_counts_crosses_past_its_room_under_other(void **state)
{
    (void)state;
    struct section *section = section_new(1000);
    section_reset(section, STR_LIT("example.com"), DATE);
    char value[16];
    for (int i = 0; i < 4; i++) {
        snprintf(value, sizeof(value), "/%d", i);
        add(section, TABLE_PAGE, value, METRIC_PAGEVIEWS, 1);
        add(section, TABLE_OS, value, METRIC_PAGEVIEWS, 1);
    }
    for (uint32_t i = 0; i < 16; i++)
        section_cross(section, cross_key(CROSS_PAGE_OS, i / 4 * 2, i % 4 * 2 + 1), 1, 1);
    struct buf bytes;
    encode(&bytes, section);
    struct day_set set;
    day_set_init(&set, 8);
    assert_int_equal(batch_fold(buf_str(&bytes), &set), BATCH_OK);
    const struct cross_table *crosses = &set.sections[0]->crosses;
    assert_int_equal(crosses->count, 9);
    assert_int_equal(cross_table_find(crosses, cross_key_other(CROSS_PAGE_OS))->views, 8);
    day_set_done(&set);
    buf_done(&bytes);
    section_free(section);
}

static void any_flipped_bit_or_cut_is_refused(void **state)
{
    (void)state;
    struct section *section = crossed_section();
    struct buf bytes;
    encode(&bytes, section);
    struct day_set set;
    day_set_init(&set, 1000);
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_not_equal(batch_fold((struct str){bytes.ptr, len}, &set), BATCH_OK);
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        bytes.ptr[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_not_equal(batch_fold(buf_str(&bytes), &set), BATCH_OK);
        bytes.ptr[bit / 8] ^= (char)(1 << bit % 8);
    }
    assert_int_equal(set.count, 0);
    assert_int_equal(batch_fold(buf_str(&bytes), &set), BATCH_OK);
    day_set_done(&set);
    buf_done(&bytes);
    section_free(section);
}

/* Payloads with a right checksum and a wrong content: a hostile or broken writer. */
static void bad_content_is_named(void **state)
{
    (void)state;
    static const struct {
        struct str body;
        enum batch_status status;
    } CASES[] = {
        {STR_LIT("FB\x01\x00"), BATCH_OK},
        {STR_LIT("FX\x01\x00"), BATCH_BAD_MAGIC},
        {STR_LIT("FB\x02\x00"), BATCH_OK},
        {STR_LIT("FB\x00\x00"), BATCH_BAD_VERSION},
        {STR_LIT("FB\x03\x00"), BATCH_BAD_VERSION},
        {STR_LIT("FB\x01\x00\x00"), BATCH_TRAILING_BYTES},
        {STR_LIT("FB\x01\x01\x03"), BATCH_TRUNCATED},
        {STR_LIT("FB\x01\x01\x01_\x83\xd2\xd4\x09\x00\x00"), BATCH_BAD_SITE},
        {STR_LIT("FB\x01\x01\x01x\x01\x00\x00"), BATCH_BAD_DATE},
        {STR_LIT("FB\x01\x01\x01x\x83\xd2\xd4\x09\x00\x01\x63\x00\x00\x00"), BATCH_BAD_TABLE},
        {STR_LIT("FB\x01\x01\x01x\x83\xd2\xd4\x09\x00\x01\x00\x00\x80\x04\x00"), BATCH_BAD_METRIC},
        {STR_LIT("FB\x01\x01\x01x\x83\xd2\xd4\x09\x00\x01\x00\x00\x00\x01\xff\x3f\x34"),
         BATCH_BAD_REGISTER},
        {STR_LIT("FB\x01\x01\x01x\x83\xd2\xd4\x09\x00\x01\x00\x00\x00\x01\x00\x40\x01"),
         BATCH_BAD_REGISTER},
        {STR_LIT("FB\x01\x01\x01x\x83\xd2\xd4\x09\x00\x01\x00\x00\x00\x01\xff\x3f\x33"), BATCH_OK},
        {STR_LIT("FB\x01\x01\x01x\x83\xd2\xd4\x09\x00\x05\x00\x00\x00\x00\x00\x00\x00"),
         BATCH_TRUNCATED},
#define CROSSED "FB\x02\x01\x01x\x83\xd2\xd4\x09\x00\x02\x0d\x00\x00\x00\x02\x00\x00\x00"
        {STR_LIT(CROSSED "\x00"), BATCH_OK},
        {STR_LIT(CROSSED), BATCH_TRUNCATED},
        {STR_LIT(CROSSED "\x01"), BATCH_TRUNCATED},
        {STR_LIT(CROSSED "\x01\x04"), BATCH_TRUNCATED},
        {STR_LIT(CROSSED "\x01\x04\x01\x02\x01\x01\x00"), BATCH_OK},
        {STR_LIT(CROSSED "\x01\x04\x01\x00\x00\x01\x00"), BATCH_OK},
        {STR_LIT(CROSSED "\x01\x04\x01\x01\x02\x01\x00"), BATCH_BAD_CROSS}, /* wrong tables */
        {STR_LIT(CROSSED "\x01\x00\x01\x02\x01\x01\x00"), BATCH_BAD_CROSS}, /* likewise */
        {STR_LIT(CROSSED "\x01\x04\x01\x02\x00\x01\x00"), BATCH_BAD_CROSS}, /* half "(other)" */
        {STR_LIT(CROSSED "\x01\x04\x01\x03\x01\x01\x00"), BATCH_BAD_CROSS}, /* no such cell */
        {STR_LIT(CROSSED "\x01\x04\x01\x02\x01\x01"), BATCH_BAD_CROSS},     /* cut */
        {STR_LIT(CROSSED "\x01\x2d\x00"), BATCH_BAD_CROSS},                 /* CROSS__COUNT */
        {STR_LIT(CROSSED "\x01\x2c\x00"), BATCH_OK},                        /* the last */
        {STR_LIT(CROSSED "\x02\x04\x00\x05\x00"), BATCH_OK},
        {STR_LIT(CROSSED "\x02\x04\x00\x04\x00"), BATCH_BAD_CROSS}, /* twice */
        {STR_LIT(CROSSED "\x02\x05\x00\x04\x00"), BATCH_BAD_CROSS}, /* not in order */
        {STR_LIT(CROSSED "\x01\x04\x01\x02\x01\x81\x80\x80\x80\x80\x20\x00"), BATCH_BAD_CROSS},
        {STR_LIT(CROSSED "\x01\x04\x01\x02\x01\x80\x80\x80\x80\x80\x20\x00"), BATCH_OK},
#undef CROSSED
    };
    assert_int_equal(CROSS__COUNT, 0x2d);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct buf bytes;
        buf_init(&bytes, 1000);
        buf_append_str(&bytes, CASES[i].body);
        batch_end(&bytes);
        struct day_set set;
        day_set_init(&set, 10);
        enum batch_status status = batch_fold(buf_str(&bytes), &set);
        if (status != CASES[i].status)
            fail_msg("case %zu: %s", i, batch_status_name(status));
        day_set_done(&set);
        buf_done(&bytes);
    }
}

static void a_full_set_refuses_and_keeps_its_sums(void **state)
{
    (void)state;
    struct section *section = sample_section();
    struct buf bytes;
    encode(&bytes, section);
    for (uint32_t room = 1; room <= 3; room++) {
        struct day_set set;
        day_set_init(&set, room);
        assert_int_equal(batch_fold(buf_str(&bytes), &set),
                         room < 2 ? BATCH_TOO_MANY_CELLS : BATCH_OK);
        day_set_done(&set);
    }
    buf_done(&bytes);
    section_free(section);
}

/* A batch of sections of eight bytes each, of as many dates. */
static enum batch_status fold_small_sections(uint32_t count, struct day_set *set)
{
    struct buf bytes;
    buf_init(&bytes, BATCH_BYTES_MAX);
    buf_append(&bytes, "FB\1", 3);
    buf_append_varint(&bytes, count);
    for (uint32_t i = 0; i < count; i++) {
        buf_append(&bytes, "\1a", 2);
        buf_append_varint(&bytes, 20000101 + i % 28 + i / 28 % 12 * 100 + i / 336 * 10000);
        buf_append(&bytes, "\0\0", 2);
    }
    batch_end(&bytes);
    day_set_init(set, 10);
    enum batch_status status = batch_fold(buf_str(&bytes), set);
    buf_done(&bytes);
    return status;
}

/* One megabyte of empty sections kept the aggregator busy for half a minute. */
static void the_sections_of_a_batch_are_bounded(void **state)
{
    static const struct {
        uint32_t count;
        enum batch_status status;
    } CASES[] = {
        {BATCH_SECTIONS_MAX - 1, BATCH_OK},
        {BATCH_SECTIONS_MAX, BATCH_OK},
        {BATCH_SECTIONS_MAX + 1, BATCH_TOO_MANY_SECTIONS},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct day_set set;
        assert_int_equal(fold_small_sections(CASES[i].count, &set), CASES[i].status);
        assert_int_equal(set.count, CASES[i].status == BATCH_OK ? CASES[i].count : 0);
        day_set_done(&set);
    }
}

/* One view's values stand first in each table when it arrives first; the payload must not tell. */
static void the_order_of_arrival_is_not_in_the_payload(void **state)
{
    (void)state;
    int first_is_first = 0;
    enum { ROUNDS = 200, VALUES = 8 };
    for (int round = 0; round < ROUNDS; round++) {
        struct section *section = section_new(1000);
        section_reset(section, STR_LIT("example.com"), DATE);
        char value[32];
        for (int i = 0; i < VALUES; i++) {
            snprintf(value, sizeof(value), "/%d-%d", round, i);
            add(section, TABLE_PAGE, value, METRIC_PAGEVIEWS, 1);
        }
        uint32_t *order = section_shuffled(section);
        first_is_first += order[0] == 0;
        free(order);
        section_free(section);
    }
    /* A fair order has it first in one of eight: 25 of 200, give or take. */
    assert_in_range(first_is_first, 5, 60);
}

/* Many tables of a process have one key, so the keys differ here. */
static void the_order_of_crosses_is_not_in_the_payload(void **state)
{
    (void)state;
    int first_is_first = 0;
    enum { ROUNDS = 200, CELLS = 8 };
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct cross_table table = {0};
        uint32_t first[CROSS__COUNT + 1];
        for (uint32_t i = 0; i < CELLS; i++)
            (void)cross_table_at(&table, cross_key(CROSS_PAGE_OS, round * CELLS + i, i));
        uint32_t *order = cross_table_order(&table, first);
        assert_int_equal(first[CROSS_PAGE_OS], 0);
        assert_int_equal(first[CROSS_PAGE_OS + 1], CELLS);
        first_is_first += order[0] == 0;
        free(order);
        cross_table_done(&table);
    }
    assert_in_range(first_is_first, 1, 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_cells_are_found_again),
        cmocka_unit_test(many_crosses_are_found_again),
        cmocka_unit_test(crosses_past_the_room_of_a_section_are_other),
        cmocka_unit_test(a_reset_section_is_empty),
        cmocka_unit_test(a_section_forgets_its_keys),
        cmocka_unit_test(no_section_takes_more_than_its_bound),
        cmocka_unit_test(no_cross_takes_more_than_its_bound),
        cmocka_unit_test(a_batch_comes_back_as_it_was),
        cmocka_unit_test(crosses_come_back_as_they_were),
        cmocka_unit_test(a_set_counts_crosses_past_its_room_under_other),
        cmocka_unit_test(any_flipped_bit_or_cut_is_refused),
        cmocka_unit_test(bad_content_is_named),
        cmocka_unit_test(a_full_set_refuses_and_keeps_its_sums),
        cmocka_unit_test(the_sections_of_a_batch_are_bounded),
        cmocka_unit_test(the_order_of_arrival_is_not_in_the_payload),
        cmocka_unit_test(the_order_of_crosses_is_not_in_the_payload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

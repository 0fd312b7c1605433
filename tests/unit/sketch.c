/* Sketches: registers, both encodings, corrupt strings, estimates without a Redis. */

#include "aggregator/sketch.h"

#include <sodium.h>
#include <stdlib.h>

#include "tests/test.h"

static const uint8_t DAY_KEY[SKETCH_KEY_BYTES] = "0123456789abcde";

static bool decode(const struct buf *hyll, uint8_t dense[SKETCH_REGISTERS])
{
    memset(dense, 0, SKETCH_REGISTERS);
    return sketch_decode(buf_str(hyll), dense);
}

static void one_register_is_the_documented_string(void **state)
{
    (void)state;
    static const char EXPECTED[] = "HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x04\x88\x7f\xf9";
    struct sketch_register registers[] = {{5, 3}};
    struct buf out;
    buf_init(&out, 1000);
    sketch_encode(&out, registers, 1);
    assert_int_equal(out.len, sizeof(EXPECTED) - 1);
    assert_memory_equal(out.ptr, EXPECTED, out.len);
    buf_done(&out);
}

static void every_index_and_rank_survives_both_encodings(void **state)
{
    (void)state;
    static const uint16_t INDEXES[] = {0, 1, 63, 64, 65, 8191, 16319, 16320, 16382, 16383};
    uint8_t dense[SKETCH_REGISTERS];
    for (size_t i = 0; i < ARRAY_LEN(INDEXES); i++)
        for (uint8_t rank = 1; rank <= SKETCH_RANK_MAX; rank++) {
            struct sketch_register registers[] = {{INDEXES[i], rank}};
            struct buf out;
            buf_init(&out, SKETCH_DENSE_BYTES);
            sketch_encode(&out, registers, 1);
            assert_int_equal(out.ptr[4], rank > 32 ? 0 : 1);
            assert_true(decode(&out, dense));
            for (unsigned at = 0; at < SKETCH_REGISTERS; at++)
                assert_int_equal(dense[at], at == INDEXES[i] ? rank : 0);
            buf_done(&out);
        }
}

static void any_order_with_duplicates_keeps_the_highest_rank(void **state)
{
    (void)state;
    struct sketch_register registers[] = {{9, 2}, {7, 4}, {9, 5}, {8, 4}, {9, 1}, {6, 4}, {7, 4}};
    uint8_t dense[SKETCH_REGISTERS];
    struct buf out;
    buf_init(&out, 1000);
    sketch_encode(&out, registers, ARRAY_LEN(registers));
    assert_true(decode(&out, dense));
    assert_int_equal(dense[6], 4);
    assert_int_equal(dense[7], 4);
    assert_int_equal(dense[8], 4);
    assert_int_equal(dense[9], 5);
    assert_int_equal(sketch_estimate(dense), 4);
    buf_done(&out);
}

static void decoding_keeps_what_is_higher(void **state)
{
    (void)state;
    struct sketch_register registers[] = {{1, 10}, {2, 10}};
    uint8_t dense[SKETCH_REGISTERS] = {[1] = 9, [2] = 11};
    struct buf out;
    buf_init(&out, 1000);
    sketch_encode(&out, registers, ARRAY_LEN(registers));
    assert_true(sketch_decode(buf_str(&out), dense));
    assert_int_equal(dense[1], 10);
    assert_int_equal(dense[2], 11);
    buf_done(&out);
}

static void many_registers_are_never_longer_than_dense(void **state)
{
    (void)state;
    struct sketch_register *registers = calloc(SKETCH_REGISTERS, sizeof(*registers));
    uint8_t dense[SKETCH_REGISTERS];
    for (unsigned count = 0; count <= SKETCH_REGISTERS; count += 512) {
        for (unsigned i = 0; i < count; i++)
            registers[i] = (struct sketch_register){(uint16_t)i, (uint8_t)(1 + i % 20)};
        struct buf out;
        buf_init(&out, SKETCH_DENSE_BYTES);
        sketch_encode(&out, registers, count);
        assert_false(out.overflow);
        assert_true(decode(&out, dense));
        for (unsigned i = 0; i < SKETCH_REGISTERS; i++)
            assert_int_equal(dense[i], i < count ? 1 + i % 20 : 0);
        buf_done(&out);
    }
    free(registers);
}

#define HEAD(encoding) "HYLL" encoding "\0\0\0\0\0\0\0\0\0\0\x80"

static void corrupt_strings_are_refused(void **state)
{
    (void)state;
    static const struct str BAD[] = {
        STR_LIT(""),
        STR_LIT("HYLL\x01\0\0\0\0\0\0\0\0\0\0"),
        STR_LIT("HYLX\x01\0\0\0\0\0\0\0\0\0\0\x80\x7f\xff"),
        STR_LIT(HEAD("\x02") "\x7f\xff"),
        STR_LIT(HEAD("\0") "\x7f\xff"),
        STR_LIT(HEAD("\x01")),
        STR_LIT(HEAD("\x01") "\x7f\xfe"),         /* a register short */
        STR_LIT(HEAD("\x01") "\x7f\xff\x80"),     /* one too many */
        STR_LIT(HEAD("\x01") "\x7f\xfe\x81"),     /* a run over the end */
        STR_LIT(HEAD("\x01") "\x7f\xff\x7f\xff"), /* twice */
        STR_LIT(HEAD("\x01") "\x7f\xfe\x40"),     /* half a run */
    };
    uint8_t dense[SKETCH_REGISTERS] = {[3] = 7}, before[SKETCH_REGISTERS];
    memcpy(before, dense, sizeof(dense));
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        assert_false(sketch_decode(BAD[i], dense));
        assert_memory_equal(dense, before, sizeof(dense));
    }
    assert_true(sketch_decode(STR_LIT(HEAD("\x01") "\x7f\xff"), dense));
    assert_memory_equal(dense, before, sizeof(dense));
}

static void dense_strings_must_have_the_length_and_ranks_to_51(void **state)
{
    (void)state;
    for (int rank = 50; rank <= 63; rank++) {
        char hyll[SKETCH_DENSE_BYTES + 1] = HEAD("\0");
        uint8_t dense[SKETCH_REGISTERS] = {0};
        hyll[SKETCH_DENSE_BYTES - 1] = (char)(rank << 2); /* the last register */
        assert_int_equal(sketch_decode((struct str){hyll, SKETCH_DENSE_BYTES}, dense), rank <= 51);
        assert_int_equal(dense[SKETCH_REGISTERS - 1], rank <= 51 ? rank : 0);
        assert_false(sketch_decode((struct str){hyll, SKETCH_DENSE_BYTES - 1}, dense));
        assert_false(sketch_decode((struct str){hyll, SKETCH_DENSE_BYTES + 1}, dense));
    }
}

static void registers_are_spread_like_a_hash(void **state)
{
    (void)state;
    enum { TAGS = 100000 };
    uint8_t key[SKETCH_KEY_BYTES], dense[SKETCH_REGISTERS] = {0};
    unsigned with_rank_1 = 0;
    sketch_cell_key(DAY_KEY, TABLE_PAGE, STR_LIT("/a"), key);
    for (uint64_t tag = 0; tag < TAGS; tag++) {
        struct sketch_register reg = sketch_register_of(key, tag);
        assert_in_range(reg.index, 0, SKETCH_REGISTERS - 1);
        assert_in_range(reg.rank, 1, SKETCH_RANK_MAX);
        with_rank_1 += reg.rank == 1;
        if (reg.rank > dense[reg.index])
            dense[reg.index] = reg.rank;
    }
    assert_in_range(with_rank_1, TAGS / 2 - 1000, TAGS / 2 + 1000);
    assert_in_range(sketch_estimate(dense), TAGS * 97 / 100, TAGS * 103 / 100);
}

static void sorted_registers_have_the_estimate_of_all(void **state)
{
    (void)state;
    struct sketch_register registers[3000];
    uint8_t key[SKETCH_KEY_BYTES];
    sketch_cell_key(DAY_KEY, TABLE_PAGE, STR_LIT("/a"), key);
    for (size_t tags = 0; tags <= ARRAY_LEN(registers); tags += tags < 10 ? 1 : 299) {
        uint8_t dense[SKETCH_REGISTERS] = {0};
        for (size_t i = 0; i < tags; i++) {
            registers[i] = sketch_register_of(key, i);
            if (registers[i].rank > dense[registers[i].index])
                dense[registers[i].index] = registers[i].rank;
        }
        size_t count = sketch_sort(registers, tags);
        assert_int_equal(sketch_estimate_of(registers, count), sketch_estimate(dense));
    }
    struct sketch_register absurd[SKETCH_REGISTERS];
    for (size_t i = 0; i < SKETCH_REGISTERS; i++)
        absurd[i] = (struct sketch_register){(uint16_t)i, SKETCH_RANK_MAX};
    assert_int_equal(sketch_estimate_of(absurd, SKETCH_REGISTERS), 9007199254740992);
}

/* The privacy of sketches: without its key a cell's registers say nothing about another cell's. */
static void the_same_visitors_do_not_match_in_two_cells(void **state)
{
    (void)state;
    enum { VISITORS = 20000 };
    static const struct {
        enum table table;
        struct str value;
    } OTHERS[] = {{TABLE_PAGE, STR_LIT("/b")}, {TABLE_ENTRY_PAGE, STR_LIT("/a")}};
    uint8_t key_a[SKETCH_KEY_BYTES], key_b[SKETCH_KEY_BYTES];
    sketch_cell_key(DAY_KEY, TABLE_PAGE, STR_LIT("/a"), key_a);
    for (size_t i = 0; i < ARRAY_LEN(OTHERS); i++) {
        unsigned same = 0;
        sketch_cell_key(DAY_KEY, OTHERS[i].table, OTHERS[i].value, key_b);
        for (uint64_t tag = 0; tag < VISITORS; tag++) {
            struct sketch_register a = sketch_register_of(key_a, tag);
            struct sketch_register b = sketch_register_of(key_b, tag);
            same += a.index == b.index;
        }
        /* Chance gives 20000 / 16384. */
        assert_in_range(same, 0, 10);
    }
}

static void a_cell_key_depends_on_the_day_the_table_and_the_value(void **state)
{
    (void)state;
    static const uint8_t OTHER_DAY[SKETCH_KEY_BYTES] = "0123456789abcdf";
    uint8_t key[SKETCH_KEY_BYTES], other[SKETCH_KEY_BYTES];
    sketch_cell_key(DAY_KEY, TABLE_PAGE, STR_LIT("/a"), key);
    sketch_cell_key(DAY_KEY, TABLE_PAGE, STR_LIT("/a"), other);
    assert_memory_equal(key, other, sizeof(key));
    sketch_cell_key(OTHER_DAY, TABLE_PAGE, STR_LIT("/a"), other);
    assert_memory_not_equal(key, other, sizeof(key));
    sketch_cell_key(DAY_KEY, TABLE_EXIT_PAGE, STR_LIT("/a"), other);
    assert_memory_not_equal(key, other, sizeof(key));
    sketch_cell_key(DAY_KEY, TABLE_PAGE, STR_EMPTY, other);
    assert_memory_not_equal(key, other, sizeof(key));
}

static void an_absurd_sketch_has_a_finite_estimate(void **state)
{
    (void)state;
    uint8_t dense[SKETCH_REGISTERS];
    memset(dense, SKETCH_RANK_MAX, sizeof(dense));
    assert_int_equal(sketch_estimate(dense), 9007199254740992);
    memset(dense, 0, sizeof(dense));
    assert_int_equal(sketch_estimate(dense), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_register_is_the_documented_string),
        cmocka_unit_test(every_index_and_rank_survives_both_encodings),
        cmocka_unit_test(any_order_with_duplicates_keeps_the_highest_rank),
        cmocka_unit_test(decoding_keeps_what_is_higher),
        cmocka_unit_test(many_registers_are_never_longer_than_dense),
        cmocka_unit_test(corrupt_strings_are_refused),
        cmocka_unit_test(dense_strings_must_have_the_length_and_ranks_to_51),
        cmocka_unit_test(registers_are_spread_like_a_hash),
        cmocka_unit_test(the_same_visitors_do_not_match_in_two_cells),
        cmocka_unit_test(a_cell_key_depends_on_the_day_the_table_and_the_value),
        cmocka_unit_test(an_absurd_sketch_has_a_finite_estimate),
        cmocka_unit_test(sorted_registers_have_the_estimate_of_all),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}

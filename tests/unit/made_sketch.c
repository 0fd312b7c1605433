/* Sketches for a number: the estimate is that number, and sketches of two cells add up. */

#include "aggregator/made_sketch.h"
#include "tests/test.h"

static struct sketch_register registers[SKETCH_REGISTERS];

static void cell_key(uint8_t key[SKETCH_KEY_BYTES], uint8_t seed)
{
    uint8_t batch_key[SKETCH_KEY_BYTES] = {seed};
    sketch_cell_key(batch_key, TABLE_PAGE, STR_LIT("/a"), key);
}

static void add(struct made_sketch *made, uint64_t visitors, uint8_t seed,
                uint8_t dense[SKETCH_REGISTERS])
{
    uint8_t key[SKETCH_KEY_BYTES], met[SKETCH_REGISTERS] = {0};
    cell_key(key, seed);
    size_t count = made_sketch_registers(made, visitors, key, registers);
    for (size_t i = 0; i < count; i++) {
        struct sketch_register reg = registers[i];
        assert_true(reg.index < SKETCH_REGISTERS && reg.rank >= 1 && reg.rank <= SKETCH_RANK_MAX);
        assert_false(met[reg.index]++);
        if (reg.rank > dense[reg.index])
            dense[reg.index] = reg.rank;
    }
}

static uint64_t estimate(struct made_sketch *made, uint64_t visitors, uint8_t seed)
{
    uint8_t dense[SKETCH_REGISTERS] = {0};
    add(made, visitors, seed, dense);
    return sketch_estimate(dense);
}

static void few_visitors_are_exact(void **state)
{
    struct made_sketch *made = made_sketch_new();
    unsigned exact = 0, tried = 0;
    (void)state;
    assert_true(estimate(made, 0, 1) == 0);
    for (uint64_t visitors = 1; visitors <= 4096; visitors += visitors < 200 ? 1 : 19) {
        uint64_t found = estimate(made, visitors, (uint8_t)visitors);
        /* A register of a high rank may pass over a number, rarely two. */
        assert_in_range(found, visitors, visitors + 2);
        exact += found == visitors;
        tried++;
        if (visitors <= 100)
            assert_true(found == visitors);
    }
    assert_true(exact > tried * 8 / 10);
    made_sketch_free(made);
}

static void many_visitors_are_near(void **state)
{
    static const uint64_t NUMBERS[] = {4097,    10000,     54321,
                                       1000000, 999999999, MADE_SKETCH_VISITORS_MAX};
    struct made_sketch *made = made_sketch_new();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(NUMBERS); i++)
        assert_in_range(estimate(made, NUMBERS[i], 1), NUMBERS[i] - NUMBERS[i] / 500,
                        NUMBERS[i] + NUMBERS[i] / 500);
    assert_true(estimate(made, UINT64_MAX, 1) == estimate(made, MADE_SKETCH_VISITORS_MAX, 1));
    made_sketch_free(made);
}

static void visitors_of_two_batches_add_up(void **state)
{
    static const uint64_t NUMBERS[] = {1, 20, 1000, 20000};
    struct made_sketch *made = made_sketch_new();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(NUMBERS); i++) {
        uint8_t dense[SKETCH_REGISTERS] = {0};
        add(made, NUMBERS[i], 1, dense);
        add(made, NUMBERS[i], 2, dense);
        uint64_t both = 2 * NUMBERS[i];
        assert_in_range(sketch_estimate(dense), both - both / 25, both + both / 25);
    }
    made_sketch_free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_visitors_are_exact),
        cmocka_unit_test(many_visitors_are_near),
        cmocka_unit_test(visitors_of_two_batches_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

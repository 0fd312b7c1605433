/* Known registers: what raises a sketch and what does not, at every size. */

#include "aggregator/register_set.h"

#include <sodium.h>

#include "tests/test.h"

static void only_what_is_higher_raises(void **state)
{
    (void)state;
    struct register_set set = {0};
    assert_true(register_set_raise(&set, (struct sketch_register){7, 3}));
    assert_false(register_set_raise(&set, (struct sketch_register){7, 3}));
    assert_false(register_set_raise(&set, (struct sketch_register){7, 2}));
    assert_true(register_set_raise(&set, (struct sketch_register){7, 4}));
    assert_true(register_set_raise(&set, (struct sketch_register){0, 1}));
    assert_int_equal(set.count, 2);
    register_set_done(&set);
    assert_int_equal(register_set_bytes(&set), 0);
}

static void it_agrees_with_an_array_through_every_size(void **state)
{
    (void)state;
    static uint8_t ranks[SKETCH_REGISTERS];
    struct register_set set = {0};
    uint32_t count = 0;
    /* So many that a register which is never drawn is a matter of one in millions. */
    for (int i = 0; i < 400000; i++) {
        struct sketch_register reg = {(uint16_t)randombytes_uniform(SKETCH_REGISTERS),
                                      (uint8_t)(1 + randombytes_uniform(SKETCH_RANK_MAX))};
        count += ranks[reg.index] == 0;
        assert_int_equal(register_set_raise(&set, reg), reg.rank > ranks[reg.index]);
        if (reg.rank > ranks[reg.index])
            ranks[reg.index] = reg.rank;
        assert_int_equal(set.count, count);
        assert_true(register_set_bytes(&set) <= SKETCH_REGISTERS);
    }
    assert_int_equal(count, SKETCH_REGISTERS);
    register_set_done(&set);
}

static void neighbours_do_not_hide_each_other(void **state)
{
    (void)state;
    struct register_set set = {0};
    /* All want the first slots of a small table. */
    for (uint16_t i = 0; i < 1024; i++)
        assert_true(register_set_raise(&set, (struct sketch_register){(uint16_t)(i * 16), 1}));
    for (uint16_t i = 0; i < 1024; i++)
        assert_false(register_set_raise(&set, (struct sketch_register){(uint16_t)(i * 16), 1}));
    register_set_done(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_higher_raises),
        cmocka_unit_test(it_agrees_with_an_array_through_every_size),
        cmocka_unit_test(neighbours_do_not_hide_each_other),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}

/* Slices: numbers in digits, at their bounds. */

#include "tests/test.h"

#include "common/macros.h"
#include "common/str.h"

static void digits_up_to_the_largest_are_a_number(void **state)
{
    static const struct {
        struct str text;
        uint64_t max;
        bool is_number;
        uint64_t number;
    } CASES[] = {
        {STR_LIT("0"), 0, true, 0},
        {STR_LIT("1"), 0, false, 0},
        {STR_LIT("007"), 7, true, 7},
        {STR_LIT("65534"), 65535, true, 65534},
        {STR_LIT("65535"), 65535, true, 65535},
        {STR_LIT("65536"), 65535, false, 0},
        {STR_LIT("18446744073709551614"), UINT64_MAX, true, UINT64_MAX - 1},
        {STR_LIT("18446744073709551615"), UINT64_MAX, true, UINT64_MAX},
        {STR_LIT("18446744073709551616"), UINT64_MAX, false, 0},
        {STR_LIT("99999999999999999999"), UINT64_MAX, false, 0},
        {STR_LIT("9"), 5, false, 0},
        {STR_LIT(""), 9, false, 0},
        {STR_LIT("-1"), 9, false, 0},
        {STR_LIT("+1"), 9, false, 0},
        {STR_LIT(" 1"), 9, false, 0},
        {STR_LIT("1 "), 9, false, 0},
        {STR_LIT("1/"), 9, false, 0},
        {STR_LIT("1:"), 9, false, 0},
        {STR_LIT("1\0"), 99, false, 0},
        {STR_LIT("\xff"), UINT64_MAX, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        uint64_t number = 77;
        if (str_to_uint(CASES[i].text, CASES[i].max, &number) != CASES[i].is_number)
            fail_msg("\"%.*s\" up to %llu", STR_ARG(CASES[i].text),
                     (unsigned long long)CASES[i].max);
        if (CASES[i].is_number)
            assert_true(number == CASES[i].number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(digits_up_to_the_largest_are_a_number)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

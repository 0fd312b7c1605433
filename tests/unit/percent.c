/* Percent-decoding of URLs and forms. */

#include "common/percent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void decodes_or_refuses(void **state)
{
    (void)state;
    static const struct {
        struct str raw;
        enum percent_plus plus;
        bool good;
        struct str decoded;
    } rows[] = {
        {STR_LIT(""), PERCENT_PLUS_IS_PLUS, true, STR_LIT("")},
        {STR_LIT("a+b%20c"), PERCENT_PLUS_IS_SPACE, true, STR_LIT("a b c")},
        {STR_LIT("a+b%20c"), PERCENT_PLUS_IS_PLUS, true, STR_LIT("a+b c")},
        {STR_LIT("%2B"), PERCENT_PLUS_IS_SPACE, true, STR_LIT("+")},
        {STR_LIT("%c3%A9"), PERCENT_PLUS_IS_PLUS, true, STR_LIT("\xc3\xa9")},
        {STR_LIT("%00x"), PERCENT_PLUS_IS_PLUS, true, STR_LIT("\0x")},
        {STR_LIT("%2541"), PERCENT_PLUS_IS_PLUS, true, STR_LIT("%41")},
        {STR_LIT("%"), PERCENT_PLUS_IS_PLUS, false, STR_EMPTY},
        {STR_LIT("a%4"), PERCENT_PLUS_IS_PLUS, false, STR_EMPTY},
        {STR_LIT("%4g"), PERCENT_PLUS_IS_PLUS, false, STR_EMPTY},
        {{"a%41", 3}, PERCENT_PLUS_IS_PLUS, false, STR_EMPTY}, /* the slice ends before the 1 */
        {STR_LIT("%g4"), PERCENT_PLUS_IS_PLUS, false, STR_EMPTY},
        {STR_LIT("% 4"), PERCENT_PLUS_IS_PLUS, false, STR_EMPTY},
        {STR_LIT("%%41"), PERCENT_PLUS_IS_PLUS, false, STR_EMPTY},
        {STR_LIT("%@1"), PERCENT_PLUS_IS_PLUS, false, STR_EMPTY},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[16];
        struct str decoded = STR_LIT("untouched");
        bool good = percent_decode(rows[i].raw, rows[i].plus, out, &decoded);
        struct str expected = rows[i].good ? rows[i].decoded : STR_LIT("untouched");
        if (good != rows[i].good || !str_eq(decoded, expected))
            fail_msg("row %zu", i);
    }
}

static void decodes_in_place(void **state)
{
    (void)state;
    char bytes[] = "%41+%42";
    struct str decoded;
    assert_true(percent_decode(str_from(bytes), PERCENT_PLUS_IS_SPACE, bytes, &decoded));
    assert_true(str_eq(decoded, STR_LIT("A B")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_or_refuses),
        cmocka_unit_test(decodes_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

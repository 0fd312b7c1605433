/* What counts as text, and where it is cut. */

#include "common/utf8.h"

#include "common/macros.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void text_is_valid_utf8_without_controls(void **state)
{
    (void)state;
    static const struct {
        struct str bytes;
        bool is_text;
    } rows[] = {
        {STR_LIT(""), true},
        {STR_LIT("plain ~"), true},
        {STR_LIT("caf\xc3\xa9"), true},
        {STR_LIT("\xe2\x80\xa6 \xf0\x9f\x98\x80"), true},
        {STR_LIT("\xc2\xa0"), true}, /* the first after the controls */
        {STR_LIT("a\0b"), false},
        {STR_LIT("\x1f"), false},
        {STR_LIT("\x7f"), false},
        {STR_LIT("a\n"), false},
        {STR_LIT("\xc2\x80"), false},
        {STR_LIT("\xc2\x9f"), false},
        {STR_LIT("\xe9"), false},             /* Latin-1 */
        {STR_LIT("\xc3"), false},             /* cut short */
        {STR_LIT("\xc0\xaf"), false},         /* overlong */
        {STR_LIT("\xed\xa0\x80"), false},     /* a surrogate */
        {STR_LIT("\xf4\x90\x80\x80"), false}, /* past U+10FFFF */
        {STR_LIT("\xc3\xa9\x80"), false},     /* a continuation too many */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (utf8_is_text(rows[i].bytes) != rows[i].is_text)
            fail_msg("row %zu", i);
}

static void a_cut_keeps_whole_characters(void **state)
{
    (void)state;
    struct str s = STR_LIT("a\xc3\xa9\xf0\x9f\x98\x80z"); /* 1 + 2 + 4 + 1 bytes */
    static const size_t len_of_cut[] = {0, 1, 1, 3, 3, 3, 3, 7, 8, 8};
    for (size_t max = 0; max < ARRAY_LEN(len_of_cut); max++)
        assert_int_equal(utf8_cut(s, max).len, len_of_cut[max]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_valid_utf8_without_controls),
        cmocka_unit_test(a_cut_keeps_whole_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

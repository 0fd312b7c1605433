/* Language and screen: the table of what becomes what, and each bucket's edge. */

#include "collector/locale.h"

#include "common/macros.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void language_is_the_first_primary_subtag(void **state)
{
    (void)state;
    static const struct {
        const char *header, *language;
    } rows[] = {
        {"", ""},
        {" \t", ""},
        {"en", "en"},
        {"en-US,en;q=0.9", "en"},
        {"pt-BR,pt;q=0.8", "pt"},
        {"PT_br", "pt"},
        {" de-CH , en", "de"},
        {"nl;q=0.5", "nl"},
        {"fil-PH", "fil"},
        {"*", "(other)"},
        {"e", "(other)"},
        {"engl", "(other)"},
        {"en1", "(other)"},
        {"en\x01", "(other)"},
        {"\xc3\xa9\xc3\xa9", "(other)"},
        {",en", "(other)"},
        {"x-klingon", "(other)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[4];
        struct str got = locale_language(str_from(rows[i].header), out);
        if (!str_eq(got, str_from(rows[i].language)))
            fail_msg("\"%s\": \"%.*s\"", rows[i].header, STR_ARG(got));
    }
}

static void a_nul_after_the_language_is_not_its_end(void **state)
{
    (void)state;
    char out[4];
    assert_true(str_eq(locale_language(STR_LIT("en\0x"), out), STR_LIT("(other)")));
}

static void screen_below_at_and_above_each_edge(void **state)
{
    (void)state;
    static const struct {
        uint32_t px;
        const char *screen;
    } rows[] = {
        {0, ""},          {1, "Mobile"},     {575, "Mobile"},   {576, "Tablet"},
        {577, "Tablet"},  {991, "Tablet"},   {992, "Laptop"},   {993, "Laptop"},
        {1439, "Laptop"}, {1440, "Desktop"}, {1441, "Desktop"}, {UINT32_MAX, "Desktop"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_true(str_eq(locale_screen(rows[i].px), str_from(rows[i].screen)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(language_is_the_first_primary_subtag),
        cmocka_unit_test(a_nul_after_the_language_is_not_its_end),
        cmocka_unit_test(screen_below_at_and_above_each_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The ordered rules: the first match decides, the filter never changes that, and slow texts are
 * given up. */

#include "collector/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/macros.h"

static const struct rule_literal LITERALS[] = {
    {"fox/", 4, 0},
    {"chrome", 6, 2},
    {"safari", 6, 3},
    {"aaa", 3, 0},
};
static const struct rule LIST[] = {
    {"(Fox)/(\\d+)", 0, 1, 0},    {"(chrome)(?:/(\\d+)|)", 1, 1, RULE_CASELESS},
    {"Safari", 2, 1, RULE_PLAIN}, {"safari", 2, 1, RULE_PLAIN | RULE_CASELESS},
    {"^.{3}$", 0, 0, 0},          {"^(?:a+)+$", 3, 1, 0},
};

static int set_up(void **state)
{
    struct rules *rules = rules_new(LIST, ARRAY_LEN(LIST), LITERALS);
    *state = rules;
    return 0;
}

static int tear_down(void **state)
{
    rules_free(*state);
    return 0;
}

static void first_match_in_order_decides(void **state)
{
    static const struct {
        const char *text;
        size_t from;
        int found;
    } cases[] = {
        {"Fox/12 Chrome/7 Safari", 0, 0},
        {"Fox/12 Chrome/7 Safari", 1, 1},
        {"Fox/12 Chrome/7 Safari", 2, 2},
        {"Fox/12 Chrome/7 Safari", 3, 3},
        {"fox/12", 0, RULES_NONE}, /* the literal stands there, in another case */
        {"a CHROME", 0, 1},
        {"a SAFARI", 0, 3},
        {"xyz", 0, 4}, /* a rule without literals */
        {"wxyz", 0, RULES_NONE},
        {"Fox/", 0, RULES_NONE},
        {"", 0, RULES_NONE},
        {"ab", 0, RULES_NONE},
    };
    struct rules_search *search = rules_search_new(*state);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        rules_search_start(search, str_from(cases[i].text));
        assert_int_equal(rules_search_first(search, cases[i].from, 5), cases[i].found);
        rules_search_start(search, str_from(cases[i].text));
        assert_int_equal(rules_search_first_unfiltered(search, cases[i].from, 5), cases[i].found);
    }
    rules_search_free(search);
}

static void groups_are_what_the_last_match_captured(void **state)
{
    struct rules_search *search = rules_search_new(*state);
    rules_search_start(search, STR_LIT("My Fox/12"));
    assert_int_equal(rules_search_first(search, 0, 5), 0);
    assert_true(str_eq(rules_search_group(search, 0), STR_LIT("Fox/12")));
    assert_true(str_eq(rules_search_group(search, 2), STR_LIT("12")));
    assert_int_equal(rules_search_group(search, 3).len, 0);
    rules_search_start(search, STR_LIT("Chrome"));
    assert_int_equal(rules_search_first(search, 0, 5), 1);
    assert_int_equal(rules_search_group(search, 2).len, 0);
    assert_int_equal(rules_search_group(search, 99).len, 0);
    rules_search_free(search);
}

/* The literal, and the three bytes that it is filed under, at the very ends of a text. */
static void literals_are_found_at_both_ends(void **state)
{
    struct rules_search *search = rules_search_new(*state);
    rules_search_start(search, STR_LIT("chrome and more"));
    assert_int_equal(rules_search_first(search, 0, 4), 1);
    rules_search_start(search, STR_LIT("more and chrome"));
    assert_int_equal(rules_search_first(search, 0, 4), 1);
    rules_search_start(search, STR_LIT("more and chrom"));
    assert_int_equal(rules_search_first(search, 0, 4), RULES_NONE);
    rules_search_start(search, STR_LIT("rome and more"));
    assert_int_equal(rules_search_first(search, 0, 4), RULES_NONE);
    rules_search_free(search);
}

static void nothing_of_the_text_is_left_at_the_end(void **state)
{
    struct rules_search *search = rules_search_new(*state);
    char text[] = "Fox/12";
    rules_search_start(search, (struct str){text, sizeof(text) - 1});
    assert_int_equal(rules_search_first(search, 0, 1), 0);
    rules_search_end(search);
    assert_int_equal(rules_search_group(search, 1).len, 0);
    assert_int_equal(rules_search_first_unfiltered(search, 0, 4), RULES_NONE);
    rules_search_free(search);
}

static void text_is_cut_at_its_cap(void **state)
{
    struct rules_search *search = rules_search_new(*state);
    char text[USER_AGENT_BYTES_MAX + 1];
    for (size_t end = USER_AGENT_BYTES_MAX - 1; end <= USER_AGENT_BYTES_MAX + 1; end++) {
        memset(text, ' ', sizeof(text));
        memcpy(text + end - 6, "Safari", 6);
        rules_search_start(search, (struct str){text, sizeof(text)});
        int found = rules_search_first(search, 0, 4);
        assert_int_equal(found, end <= USER_AGENT_BYTES_MAX ? 2 : RULES_NONE);
    }
    rules_search_free(search);
}

static void catastrophic_backtracking_is_given_up(void **state)
{
    struct rules_search *search = rules_search_new(*state);
    char text[USER_AGENT_BYTES_MAX];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '!';
    rules_search_start(search, (struct str){text, sizeof(text)});
    assert_int_equal(rules_search_first(search, 5, 6), RULES_OVER_LIMIT);
    rules_search_start(search, STR_LIT("aaaa"));
    assert_int_equal(rules_search_first(search, 5, 6), 5);
    rules_search_free(search);
}

static void number_of_expressions_run_below_at_and_above_the_cap(void **state)
{
    (void)state;
    enum { COUNT = RULES_RUNS_MAX + 1 };
    struct rule list[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        list[i] = (struct rule){"^never$", 0, 0, 0};
    struct rules *rules = rules_new(list, COUNT, LITERALS);
    struct rules_search *search = rules_search_new(rules);
    for (size_t count = RULES_RUNS_MAX - 1; count <= RULES_RUNS_MAX + 1; count++) {
        rules_search_start(search, STR_LIT("something"));
        assert_int_equal(rules_search_first(search, 0, count),
                         count <= RULES_RUNS_MAX ? RULES_NONE : RULES_OVER_LIMIT);
    }
    rules_search_free(search);
    rules_free(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_match_in_order_decides),
        cmocka_unit_test(groups_are_what_the_last_match_captured),
        cmocka_unit_test(literals_are_found_at_both_ends),
        cmocka_unit_test(nothing_of_the_text_is_left_at_the_end),
        cmocka_unit_test(text_is_cut_at_its_cap),
        cmocka_unit_test(catastrophic_backtracking_is_given_up),
        cmocka_unit_test(number_of_expressions_run_below_at_and_above_the_cap),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

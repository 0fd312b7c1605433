/* Prefetch headers, and the quick look for bots that are not parsed. */

#include "collector/bot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/macros.h"

static const struct agent PERSON = {.is_bot = false}, BOT = {.is_bot = true};

static void header_values_that_ask_ahead(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool ahead;
    } cases[] = {
        {"prefetch", true},
        {"prefetch;prerender", true},
        {"Prefetch", true},
        {"PREFETCH ; prerender", true},
        {"preview", true},
        {"prerender", true},
        {"prefetch;anonymous-client-ip", true},
        {"other, prefetch", true},
        {"\"prefetch\"", true},
        {"", false},
        {"navigate", false},
        {"prefetched", false},
        {"no-prefetch", false},
        {" ;,", false},
        {"pre fetch", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str value = str_from(cases[i].value);
        enum bot want = cases[i].ahead ? BOT_PREFETCH : BOT_NONE;
        assert_int_equal(bot_check(&(struct bot_headers){.sec_purpose = value}, &PERSON), want);
        assert_int_equal(bot_check(&(struct bot_headers){.purpose = value}, &PERSON), want);
        assert_int_equal(bot_check(&(struct bot_headers){.x_moz = value}, &PERSON), want);
        assert_int_equal(bot_check(&(struct bot_headers){.x_purpose = value}, &PERSON), want);
    }
}

static void user_agent_counts_where_no_header_speaks(void **state)
{
    (void)state;
    const struct bot_headers none = {0};
    assert_int_equal(bot_check(&none, &PERSON), BOT_NONE);
    assert_int_equal(bot_check(&none, &BOT), BOT_USER_AGENT);
    assert_int_equal(bot_check(&(struct bot_headers){.purpose = STR_LIT("prefetch")}, &BOT),
                     BOT_PREFETCH);
}

static void few_words_tell_most_bots_and_no_person(void **state)
{
    (void)state;
    static const struct {
        const char *user_agent;
        bool bot;
    } cases[] = {
        {"", true},
        {"123456789", true},
        {"1234567890", false},
        {"curl/8.5.0 x", true},
        {"Googlebot/2.1 ...", true},
        {"Mozilla/5.0 (X11) HEADLESSCHROME/1", true},
        {"Mozilla/5.0 (compatible; x; +HTTP://example.com)", true},
        {"Mozilla/5.0 (Linux; Android 11; CUBOT NOTE 20) Chrome/131.0.0.0 Mobile", false},
        {"Mozilla/5.0 (Linux; Android 11; CUBOT) Chrome/131.0.0.0 Mobile", false},
        {"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(bot_by_words(str_from(cases[i].user_agent)), cases[i].bot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_values_that_ask_ahead),
        cmocka_unit_test(user_agent_counts_where_no_header_speaks),
        cmocka_unit_test(few_words_tell_most_bots_and_no_person),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

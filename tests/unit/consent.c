/* Consent: which headers refuse, which do not, and that doubt refuses. */

#include "collector/consent.h"

#include "common/limits.h"
#include "common/macros.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static enum consent check_cookie(struct str cookie)
{
    struct consent_headers headers = {
        .cookies = {cookie}, .cookie_count = 1, .honour_gpc = true, .honour_dnt = true};
    return consent_check(&headers);
}

static void without_headers_a_visitor_is_counted(void **state)
{
    (void)state;
    struct consent_headers headers = {.honour_gpc = true, .honour_dnt = true};
    assert_int_equal(consent_check(&headers), CONSENT_COUNT);
}

static void any_value_but_zero_is_a_refusal(void **state)
{
    (void)state;
    static const struct {
        struct str cookie;
        enum consent consent;
    } rows[] = {
        {STR_LIT("footfall_optout=1"), CONSENT_COOKIE},
        {STR_LIT("footfall_optout=0"), CONSENT_COUNT},
        {STR_LIT("footfall_optout="), CONSENT_COOKIE},
        {STR_LIT("footfall_optout"), CONSENT_COOKIE},
        {STR_LIT("footfall_optout=00"), CONSENT_COOKIE},
        {STR_LIT("footfall_optout=false"), CONSENT_COOKIE},
        {STR_LIT("footfall_optout=0=0"), CONSENT_COOKIE},
        {STR_LIT("footfall_optout=\"1\""), CONSENT_COOKIE},
        {STR_LIT("footfall_optout=\"0\""), CONSENT_COUNT},
        {STR_LIT("footfall_optout=\" 0 \""), CONSENT_COUNT},
        {STR_LIT("footfall_optout=\"0"), CONSENT_COOKIE},
        {STR_LIT("footfall_optout=\""), CONSENT_COOKIE},
        {STR_LIT("  footfall_optout = 1 "), CONSENT_COOKIE},
        {STR_LIT("a=b; footfall_optout=1; c=d"), CONSENT_COOKIE},
        {STR_LIT("a=b;footfall_optout=1"), CONSENT_COOKIE},
        {STR_LIT("a=b;\tfootfall_optout=1"), CONSENT_COOKIE},
        {STR_LIT(";;footfall_optout=1;"), CONSENT_COOKIE},
        {STR_LIT("footfall_optout=0; footfall_optout=1"), CONSENT_COOKIE},
        {STR_LIT("footfall_optout=1; footfall_optout=0"), CONSENT_COOKIE},
        {STR_LIT("footfall_optout=0; footfall_optout=0"), CONSENT_COUNT},
        {STR_LIT("footfall_optout=\xff"), CONSENT_COOKIE},
        {STR_LIT("xfootfall_optout=1"), CONSENT_COUNT},
        {STR_LIT("footfall_optout2=1"), CONSENT_COUNT},
        {STR_LIT("a=footfall_optout=1"), CONSENT_COUNT},
        {STR_LIT("FOOTFALL_OPTOUT=1"), CONSENT_COUNT}, /* cookie names keep their case */
        {STR_LIT("caf\xc3\xa9=1"), CONSENT_COUNT},
        {STR_LIT(""), CONSENT_COUNT},
        {STR_LIT("="), CONSENT_COUNT},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (check_cookie(rows[i].cookie) != rows[i].consent)
            fail_msg("row %zu: %.*s", i, STR_ARG(rows[i].cookie));
}

static void a_cookie_header_with_control_bytes_is_unreadable(void **state)
{
    (void)state;
    assert_int_equal(check_cookie(STR_LIT("a=b\0; footfall_optout=0")), CONSENT_UNREADABLE);
    assert_int_equal(check_cookie(STR_LIT("a=\x01")), CONSENT_UNREADABLE);
    assert_int_equal(check_cookie(STR_LIT("a=\r\n")), CONSENT_UNREADABLE);
    assert_int_equal(check_cookie(STR_LIT("a=\x7f")), CONSENT_UNREADABLE);
    assert_int_equal(check_cookie(STR_LIT("a=\t")), CONSENT_COUNT);
}

static void the_opt_out_is_found_in_any_cookie_header(void **state)
{
    (void)state;
    struct consent_headers headers = {
        .cookies = {STR_LIT("a=b"), STR_LIT("footfall_optout=0"), STR_LIT("footfall_optout=1")},
        .cookie_count = 3};
    assert_int_equal(consent_check(&headers), CONSENT_COOKIE);
    headers.cookie_count = 2;
    assert_int_equal(consent_check(&headers), CONSENT_COUNT);
}

static void cookies_below_at_and_above_the_size_cap(void **state)
{
    (void)state;
    static char bytes[COOKIE_BYTES_MAX + 1];
    memset(bytes, 'a', sizeof(bytes));
    for (size_t len = COOKIE_BYTES_MAX - 1; len <= COOKIE_BYTES_MAX + 1; len++) {
        enum consent expected = len > COOKIE_BYTES_MAX ? CONSENT_UNREADABLE : CONSENT_COUNT;
        assert_int_equal(check_cookie((struct str){bytes, len}), expected);
        /* The cap holds for all headers together. */
        struct consent_headers headers = {.cookies = {{bytes, 100}, {bytes, len - 100}},
                                          .cookie_count = 2};
        assert_int_equal(consent_check(&headers), expected);
    }
}

static void headers_below_at_and_above_the_number_kept(void **state)
{
    (void)state;
    for (size_t count = CONSENT_HEADERS_MAX - 1; count <= CONSENT_HEADERS_MAX + 1; count++) {
        bool over = count > CONSENT_HEADERS_MAX;
        struct consent_headers cookies = {.cookie_count = count};
        assert_int_equal(consent_check(&cookies), over ? CONSENT_UNREADABLE : CONSENT_COUNT);
        struct consent_headers gpc = {.gpc_count = count, .honour_gpc = true};
        assert_int_equal(consent_check(&gpc), over ? CONSENT_GPC : CONSENT_COUNT);
        struct consent_headers dnt = {.dnt_count = count, .honour_dnt = true};
        assert_int_equal(consent_check(&dnt), over ? CONSENT_DNT : CONSENT_COUNT);
    }
}

static void gpc_and_dnt_refuse_when_one_header_is_exactly_one(void **state)
{
    (void)state;
    static const struct {
        struct str values[2];
        size_t count;
        bool refuses;
    } rows[] = {
        {{STR_LIT("1")}, 1, true},
        {{STR_LIT(" 1")}, 1, true},
        {{STR_LIT("1\t ")}, 1, true},
        {{STR_LIT("0"), STR_LIT("1")}, 2, true},
        {{STR_LIT("1"), STR_LIT("1")}, 2, true},
        {{STR_LIT("1"), STR_LIT("junk")}, 2, true},
        {{STR_LIT("0")}, 1, false},
        {{STR_LIT("")}, 1, false},
        {{STR_LIT("true")}, 1, false},
        {{STR_LIT("1,1")}, 1, false},
        {{STR_LIT("\"1\"")}, 1, false},
        {{STR_LIT("11")}, 1, false},
        {{STR_LIT("?1")}, 1, false},
        {{STR_LIT("1\0")}, 1, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct consent_headers gpc = {.gpc = {rows[i].values[0], rows[i].values[1]},
                                      .gpc_count = rows[i].count,
                                      .honour_gpc = true};
        struct consent_headers dnt = {.dnt = {rows[i].values[0], rows[i].values[1]},
                                      .dnt_count = rows[i].count,
                                      .honour_dnt = true};
        if (consent_check(&gpc) != (rows[i].refuses ? CONSENT_GPC : CONSENT_COUNT) ||
            consent_check(&dnt) != (rows[i].refuses ? CONSENT_DNT : CONSENT_COUNT))
            fail_msg("row %zu", i);
        gpc.honour_gpc = false;
        dnt.honour_dnt = false;
        assert_int_equal(consent_check(&gpc), CONSENT_COUNT);
        assert_int_equal(consent_check(&dnt), CONSENT_COUNT);
    }
}

static void the_plainest_reason_is_named(void **state)
{
    (void)state;
    struct consent_headers headers = {.cookies = {STR_LIT("footfall_optout=1")},
                                      .cookie_count = 1,
                                      .gpc = {STR_LIT("1")},
                                      .gpc_count = 1,
                                      .dnt = {STR_LIT("1")},
                                      .dnt_count = 1,
                                      .honour_gpc = true,
                                      .honour_dnt = true};
    assert_string_equal(consent_name(consent_check(&headers)), "cookie");
    headers.cookies[0] = STR_LIT("\x01");
    assert_string_equal(consent_name(consent_check(&headers)), "gpc");
    headers.gpc_count = 0;
    assert_string_equal(consent_name(consent_check(&headers)), "dnt");
    headers.dnt_count = 0;
    assert_string_equal(consent_name(consent_check(&headers)), "unreadable");
    headers.cookie_count = 0;
    assert_null(consent_name(consent_check(&headers)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_headers_a_visitor_is_counted),
        cmocka_unit_test(any_value_but_zero_is_a_refusal),
        cmocka_unit_test(a_cookie_header_with_control_bytes_is_unreadable),
        cmocka_unit_test(the_opt_out_is_found_in_any_cookie_header),
        cmocka_unit_test(cookies_below_at_and_above_the_size_cap),
        cmocka_unit_test(headers_below_at_and_above_the_number_kept),
        cmocka_unit_test(gpc_and_dnt_refuse_when_one_header_is_exactly_one),
        cmocka_unit_test(the_plainest_reason_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

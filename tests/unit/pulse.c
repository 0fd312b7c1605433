/* The pulse: sites by number, page views by minute for the last half hour. */

#include "collector/pulse.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/test.h"

enum { MINUTE_MS = 60000 };
static const int64_t NOON_MS = INT64_C(1795435200000);

static void sites_keep_their_number(void **state)
{
    (void)state;
    struct pulse *pulse = pulse_new();
    uint32_t a = pulse_site(pulse, STR_LIT("a.example"));
    uint32_t b = pulse_site(pulse, STR_LIT("b.example"));
    assert_int_not_equal(a, b);
    assert_int_equal(pulse_site(pulse, STR_LIT("a.example")), a);
    assert_true(str_eq(pulse_domain(pulse, b), STR_LIT("b.example")));
    pulse_free(pulse);
}

static void past_the_cap_a_site_has_none_and_is_ignored(void **state)
{
    (void)state;
    struct pulse *pulse = pulse_new();
    char domain[32];
    for (int i = 0; i < SITES_MAX + 1; i++) {
        snprintf(domain, sizeof(domain), "s%d.example", i);
        uint32_t site = pulse_site(pulse, str_from(domain));
        assert_int_equal(site == PULSE_NONE, i >= SITES_MAX);
    }
    for (int i = 0; i < SITES_MAX; i += 7) {
        snprintf(domain, sizeof(domain), "s%d.example", i);
        assert_int_equal(pulse_site(pulse, str_from(domain)), i);
    }
    pulse_view(pulse, PULSE_NONE, NOON_MS);
    pulse_free(pulse);
}

static void minutes_pass_and_are_forgotten(void **state)
{
    (void)state;
    struct pulse *pulse = pulse_new();
    uint32_t views[LIVE_MINUTES], site = pulse_site(pulse, STR_LIT("a.example"));
    pulse_view(pulse, site, NOON_MS);
    pulse_view(pulse, site, NOON_MS + MINUTE_MS - 1);
    pulse_view(pulse, site, NOON_MS + MINUTE_MS);
    pulse_minutes(pulse, site, NOON_MS + MINUTE_MS, views);
    assert_int_equal(views[0], 1);
    assert_int_equal(views[1], 2);
    pulse_minutes(pulse, site, NOON_MS + (LIVE_MINUTES - 1) * MINUTE_MS, views);
    assert_int_equal(views[LIVE_MINUTES - 1], 2);
    pulse_minutes(pulse, site, NOON_MS + LIVE_MINUTES * MINUTE_MS, views);
    assert_int_equal(views[LIVE_MINUTES - 1], 1);
    /* The ring comes round: an old minute's place is taken over, not added to. */
    pulse_view(pulse, site, NOON_MS + 32 * MINUTE_MS);
    pulse_minutes(pulse, site, NOON_MS + 32 * MINUTE_MS, views);
    assert_int_equal(views[0], 1);
    pulse_free(pulse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sites_keep_their_number),
        cmocka_unit_test(past_the_cap_a_site_has_none_and_is_ignored),
        cmocka_unit_test(minutes_pass_and_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

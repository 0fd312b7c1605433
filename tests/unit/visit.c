/* Visits: what each sign of a visitor changes, and the bounds of the table. */

#include "collector/visit.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/test.h"

static const uint32_t DATE = 20261123;
static struct visit_change change;
static struct visit_attributes attributes;

static struct visit_table *new_table(void)
{
    return visit_table_new(VISIT_SHARDS * 4, 1 << 20);
}

static struct visit_sign sign_of(uint64_t tag, int64_t now_ms, const char *page)
{
    attributes = (struct visit_attributes){0};
    attributes.values[TABLE_ENTRY_PAGE] = str_from(page);
    attributes.values[TABLE_SOURCE] = STR_LIT("Google");
    return (struct visit_sign){.tag = tag,
                               .site = 0,
                               .date = DATE,
                               .hour = 10,
                               .now_ms = now_ms,
                               .kind = BEACON_PAGEVIEW,
                               .page = str_from(page),
                               .scroll_percent = -1,
                               .attributes = &attributes};
}

static void view(struct visit_table *table, uint64_t tag, int64_t now_ms, const char *page)
{
    struct visit_sign sign = sign_of(tag, now_ms, page);
    visit_table_sign(table, &sign, &change);
}

static void report(struct visit_table *table, uint64_t tag, int64_t now_ms, const char *page,
                   int scroll_percent)
{
    struct visit_sign sign = sign_of(tag, now_ms, page);
    sign.kind = BEACON_ENGAGEMENT;
    sign.has_engagement = true;
    sign.scroll_percent = scroll_percent;
    visit_table_sign(table, &sign, &change);
}

static void a_first_view_starts_a_bounce(void **state)
{
    (void)state;
    struct visit_table *table = new_table();
    view(table, 1, 0, "/a");
    assert_true(change.is_new && change.is_bounce && change.page_is_new);
    assert_false(change.ends_bounce || change.leaves);
    assert_int_equal(change.seconds, 0);
    visit_table_free(table);
}

static void a_second_view_ends_the_bounce_and_moves_the_exit(void **state)
{
    (void)state;
    struct visit_table *table = new_table();
    view(table, 1, 0, "/a");
    view(table, 1, 90000, "/b");
    assert_true(change.ends_bounce && change.leaves && change.page_is_new);
    assert_false(change.is_new);
    assert_int_equal(change.seconds, 90);
    assert_true(str_eq(change.exit_page, STR_LIT("/a")));
    assert_true(str_eq(change.attributes.values[TABLE_ENTRY_PAGE], STR_LIT("/a")));
    view(table, 1, 91000, "/b");
    assert_false(change.ends_bounce || change.leaves || change.page_is_new);
    view(table, 1, 92000, "/a");
    assert_true(change.leaves);
    assert_false(change.page_is_new);
    visit_table_free(table);
}

static void first_attributes_stay(void **state)
{
    (void)state;
    struct visit_table *table = new_table();
    view(table, 1, 0, "/a");
    struct visit_sign sign = sign_of(1, 1000, "/b");
    attributes.values[TABLE_SOURCE] = STR_LIT("Bing");
    visit_table_sign(table, &sign, &change);
    assert_true(str_eq(change.attributes.values[TABLE_SOURCE], STR_LIT("Google")));
    visit_table_free(table);
}

static void thirty_idle_minutes_end_it(void **state)
{
    (void)state;
    const int64_t idle_ms = VISIT_IDLE_S * INT64_C(1000);
    for (int64_t more = -1; more <= 1; more++) {
        struct visit_table *table = new_table();
        view(table, 1, 5000, "/a");
        view(table, 1, 5000 + idle_ms + more, "/b");
        assert_int_equal(change.is_new, more > 0);
        visit_table_free(table);
    }
}

static void midnight_ends_it(void **state)
{
    (void)state;
    struct visit_table *table = new_table();
    view(table, 1, 0, "/a");
    struct visit_sign sign = sign_of(1, 1000, "/b");
    sign.date = DATE + 1;
    visit_table_sign(table, &sign, &change);
    assert_true(change.is_new);
    visit_table_free(table);
}

static void parts_of_seconds_are_not_lost(void **state)
{
    (void)state;
    struct visit_table *table = new_table();
    uint32_t seconds = 0;
    for (int64_t ms = 0; ms <= 9000; ms += 900) {
        view(table, 1, ms, "/a");
        seconds += change.seconds;
    }
    assert_int_equal(seconds, 9);
    visit_table_free(table);
}

static void an_event_ends_a_bounce_and_is_met_once(void **state)
{
    (void)state;
    struct visit_table *table = new_table();
    view(table, 1, 0, "/a");
    struct visit_sign sign = sign_of(1, 1000, "/a");
    sign.kind = BEACON_EVENT;
    sign.event = STR_LIT("signup");
    visit_table_sign(table, &sign, &change);
    assert_true(change.ends_bounce && change.event_is_new);
    assert_false(change.page_is_new || change.leaves);
    visit_table_sign(table, &sign, &change);
    assert_false(change.ends_bounce || change.event_is_new);
    visit_table_free(table);
}

static void event(struct visit_table *table, int64_t now_ms, bool is_passive)
{
    struct visit_sign sign = sign_of(1, now_ms, "/a");
    sign.kind = BEACON_EVENT;
    sign.event = STR_LIT("autoplay");
    sign.is_passive = is_passive;
    visit_table_sign(table, &sign, &change);
}

static void an_event_that_nobody_did_ends_no_bounce(void **state)
{
    (void)state;
    struct visit_table *table = new_table();
    view(table, 1, 0, "/a");
    event(table, 1000, true);
    assert_true(change.event_is_new);
    assert_false(change.ends_bounce);
    event(table, 2000, false);
    assert_true(change.ends_bounce);
    visit_table_free(table);
}

/* The view that follows is the first: the visit is a bounce until there is a second. */
static void a_visit_may_start_with_an_event_that_nobody_did(void **state)
{
    (void)state;
    struct visit_table *table = new_table();
    event(table, 0, true);
    assert_true(change.is_new && change.is_bounce);
    view(table, 1, 1000, "/a");
    assert_false(change.ends_bounce);
    view(table, 1, 2000, "/a");
    assert_true(change.ends_bounce);
    visit_table_free(table);
}

static void a_visit_that_starts_with_an_event_is_no_bounce(void **state)
{
    (void)state;
    struct visit_table *table = new_table();
    event(table, 0, false);
    assert_true(change.is_new);
    assert_false(change.is_bounce);
    view(table, 1, 1000, "/a");
    assert_false(change.ends_bounce);
    visit_table_free(table);
}

static void a_report_extends_but_neither_starts_nor_ends_a_bounce(void **state)
{
    (void)state;
    struct visit_table *table = new_table();
    report(table, 1, 0, "/a", 50);
    assert_false(change.is_new);
    assert_true(change.engages_page);
    assert_int_equal(visit_table_count(table), 0);
    view(table, 1, 0, "/a");
    report(table, 1, 30000, "/a", 50);
    assert_false(change.ends_bounce);
    assert_int_equal(change.seconds, 30);
    visit_table_free(table);
}

static void scroll_is_counted_as_the_deepest_of_a_view(void **state)
{
    (void)state;
    struct visit_table *table = new_table();
    view(table, 1, 0, "/a");
    report(table, 1, 1000, "/a", 40);
    assert_true(change.scrolls_page && change.engages_page);
    assert_int_equal(change.scroll_more, 40);
    report(table, 1, 2000, "/a", 70);
    assert_false(change.scrolls_page || change.engages_page);
    assert_int_equal(change.scroll_more, 30);
    report(table, 1, 3000, "/a", 10);
    assert_int_equal(change.scroll_more, 0);
    /* A browser sends the last report of a page after the next page's view. */
    view(table, 1, 4000, "/b");
    report(table, 1, 4001, "/a", 90);
    assert_false(change.scrolls_page || change.engages_page);
    assert_int_equal(change.scroll_more, 20);
    report(table, 1, 4002, "/b", 100);
    assert_true(change.scrolls_page);
    assert_int_equal(change.scroll_more, 100);
    visit_table_free(table);
}

static void count_now(uint32_t site, struct str page, void *data)
{
    (void)site;
    (void)page;
    ++*(int *)data;
}

static void here_now_is_five_minutes(void **state)
{
    (void)state;
    for (int64_t more = -1; more <= 1; more++) {
        struct visit_table *table = new_table();
        int now = 0;
        view(table, 1, 1000, "/a");
        visit_table_now(table, 1000 + VISIT_NOW_S * 1000 + more, count_now, &now);
        assert_int_equal(now, more <= 0);
        visit_table_free(table);
    }
}

static void a_full_table_drops_the_oldest(void **state)
{
    (void)state;
    struct visit_table *table = visit_table_new(VISIT_SHARDS * 2, 1 << 20);
    /* All of one shard. */
    view(table, 1 * VISIT_SHARDS, 1000, "/a");
    view(table, 2 * VISIT_SHARDS, 2000, "/a");
    view(table, 1 * VISIT_SHARDS, 3000, "/b");
    view(table, 3 * VISIT_SHARDS, 4000, "/a");
    assert_int_equal(visit_table_count(table), 2);
    assert_int_equal(visit_table_evicted(table), 1);
    view(table, 1 * VISIT_SHARDS, 5000, "/c");
    assert_false(change.is_new);
    view(table, 2 * VISIT_SHARDS, 6000, "/a");
    assert_true(change.is_new);
    assert_int_equal(visit_table_evicted(table), 2);
    /* Who is idle goes without being counted. */
    view(table, 4 * VISIT_SHARDS, 6000 + VISIT_IDLE_S * 1000 + 1000, "/a");
    assert_int_equal(visit_table_evicted(table), 2);
    visit_table_free(table);
}

static void bytes_are_bounded_too(void **state)
{
    (void)state;
    struct visit_table *table = visit_table_new(VISIT_SHARDS * 1000, VISIT_SHARDS * 2000);
    for (uint64_t i = 1; i <= 500; i++)
        view(table, i * VISIT_SHARDS, (int64_t)i, "/a-page-of-some-length");
    assert_in_range(visit_table_count(table), 1, 40);
    visit_table_free(table);
}

/* The largest attributes fit where a change is told. */
static void the_largest_visit_comes_back_whole(void **state)
{
    (void)state;
    static char large[VALUE_BYTES_MAX + 1];
    memset(large, 'x', VALUE_BYTES_MAX);
    struct visit_table *table = new_table();
    struct visit_sign sign = sign_of(1, 0, large);
    for (int t = 0; t < TABLE__COUNT; t++)
        attributes.values[t] = (struct str){large, VALUE_BYTES_MAX};
    visit_table_sign(table, &sign, &change);
    view(table, 1, 1, "/b");
    assert_int_equal(change.attributes.values[TABLE_DROPS].len, VALUE_BYTES_MAX);
    assert_true(str_eq(change.exit_page, (struct str){large, VALUE_BYTES_MAX}));
    visit_table_free(table);
}

/* Threads read the clock before they take the lock, and may take it in another order. */
static void a_sign_from_just_before_the_last_adds_no_time(void **state)
{
    (void)state;
    struct visit_table *table = new_table();
    view(table, 1, 10000, "/a");
    view(table, 1, 20000, "/b");
    view(table, 1, 17000, "/c");
    assert_int_equal(change.seconds, 0);
    view(table, 1, 21000, "/d");
    assert_int_equal(change.seconds, 1);
    visit_table_free(table);
}

static void idle_visits_are_forgotten_without_another_sign(void **state)
{
    (void)state;
    const int64_t idle_ms = VISIT_IDLE_S * INT64_C(1000);
    struct visit_table *table = new_table();
    view(table, 1, 0, "/a");
    view(table, 2, 1000, "/a");
    visit_table_forget_idle(table, idle_ms);
    assert_int_equal(visit_table_count(table), 2);
    visit_table_forget_idle(table, idle_ms + 1);
    assert_int_equal(visit_table_count(table), 1);
    visit_table_forget_idle(table, idle_ms + 1001);
    assert_int_equal(visit_table_count(table), 0);
    view(table, 1, idle_ms + 1001, "/a");
    assert_true(change.is_new);
    visit_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_view_starts_a_bounce),
        cmocka_unit_test(a_second_view_ends_the_bounce_and_moves_the_exit),
        cmocka_unit_test(first_attributes_stay),
        cmocka_unit_test(thirty_idle_minutes_end_it),
        cmocka_unit_test(midnight_ends_it),
        cmocka_unit_test(parts_of_seconds_are_not_lost),
        cmocka_unit_test(an_event_ends_a_bounce_and_is_met_once),
        cmocka_unit_test(an_event_that_nobody_did_ends_no_bounce),
        cmocka_unit_test(a_visit_may_start_with_an_event_that_nobody_did),
        cmocka_unit_test(a_visit_that_starts_with_an_event_is_no_bounce),
        cmocka_unit_test(a_report_extends_but_neither_starts_nor_ends_a_bounce),
        cmocka_unit_test(scroll_is_counted_as_the_deepest_of_a_view),
        cmocka_unit_test(here_now_is_five_minutes),
        cmocka_unit_test(a_full_table_drops_the_oldest),
        cmocka_unit_test(bytes_are_bounded_too),
        cmocka_unit_test(the_largest_visit_comes_back_whole),
        cmocka_unit_test(a_sign_from_just_before_the_last_adds_no_time),
        cmocka_unit_test(idle_visits_are_forgotten_without_another_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

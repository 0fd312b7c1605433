/* The writer against a Redis that loses replies, refuses, forgets and goes away: what is counted is
 * in the log exactly once, and no sooner than the mixing rule allows. Without a spool, so that what
 * the log does not take stays in memory; writer_spool.c has the same with one. */

#include "tests/test.h"

#include "writer_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "aggregator/batch.h"
#include "common/clock.h"
#include "common/limits.h"

/* Every page once, none twice, none missing. */
static void assert_counted_once(struct fixture *fixture, int views)
{
    assert_int_equal(fixture_counted(fixture), views);
}

static void a_view_is_sealed_at_the_mixing_number_and_not_before(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    fixture_start(&fixture, 10, 3600);
    fixture_await(&fixture, OUTBOX_DIRECT);
    for (int i = 0; i < 9; i++)
        assert_true(fixture_count_view(&fixture, 3 * i));
    fixture_turns(&fixture, 40);
    assert_int_equal(fake_redis_count(fixture.redis), 0);
    assert_true(fixture_count_view(&fixture, 27));
    fixture_await_batches(&fixture, 1);
    assert_counted_once(&fixture, 10);
    fixture_end(&fixture);
}

static void a_lone_view_is_sealed_when_it_is_old_enough(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    fixture_start(&fixture, 10, 1);
    fixture_await(&fixture, OUTBOX_DIRECT);
    int64_t began_ms = clock_mono_ms();
    assert_true(fixture_count_view(&fixture, 1));
    fixture_turns(&fixture, 40);
    size_t batches = fake_redis_count(fixture.redis);
    if (clock_mono_ms() - began_ms < 1000) /* it is not old enough, however slow the machine is */
        assert_int_equal(batches, 0);
    for (int i = 0; i < FIXTURE_PATIENCE_TURNS && fake_redis_count(fixture.redis) == 0; i++)
        fixture_turns(&fixture, 1);
    assert_counted_once(&fixture, 1);
    fixture_end(&fixture);
}

static void lost_replies_are_settled_by_the_same_number(void **state)
{
    (void)state;
    struct fixture fixture = {.random_seed = 20261123};
    fixture_start(&fixture, 1, 60);
    for (int i = 0; i < 600; i++) {
        assert_true(fixture_count_view(&fixture, i));
        fixture_turns(&fixture, i % 3);
    }
    assert_true(fixture_drain(&fixture));
    assert_counted_once(&fixture, 600);
    struct writer_counts counts = fixture_counts(&fixture);
    assert_int_equal(counts.outbox.acknowledged, counts.outbox.sealed);
    assert_in_range(counts.outbox.sent_again, 1, 10000);
    assert_int_equal(counts.outbox.refusals + counts.outbox.gaps, 0);
    assert_int_equal(counts.open_sections + counts.outbox.queued + counts.outbox.queued_bytes, 0);
    fixture_end(&fixture);
}

static void a_refused_batch_is_sent_again(void **state)
{
    (void)state;
    enum fault script[] = {FAULT_ERROR, FAULT_ERROR};
    struct fixture fixture = {.script = script, .script_len = ARRAY_LEN(script)};
    fixture_start(&fixture, 1, 60);
    assert_true(fixture_count_view(&fixture, 1));
    assert_true(fixture_drain(&fixture));
    assert_counted_once(&fixture, 1);
    struct writer_counts counts = fixture_counts(&fixture);
    assert_int_equal(counts.outbox.refusals, 2);
    assert_int_equal(counts.outbox.sent_again, 2);
    assert_int_equal(counts.outbox.acknowledged, 1);
    fixture_end(&fixture);
}

/* A store restored from old data knows less than was acknowledged; the rest goes on, once. */
static void a_store_that_forgot_the_writer_gets_a_new_name(void **state)
{
    (void)state;
    enum fault script[] = {FAULT_NONE, FAULT_NONE, FAULT_FORGET, FAULT_NONE};
    struct fixture fixture = {.script = script, .script_len = ARRAY_LEN(script)};
    fixture_start(&fixture, 1, 60);
    fixture_await(&fixture, OUTBOX_DIRECT);
    uint64_t name = writer_id(fixture.writer);
    for (int i = 0; i < 4; i++) {
        assert_true(fixture_count_view(&fixture, i));
        assert_true(fixture_drain(&fixture));
    }
    assert_int_not_equal(writer_id(fixture.writer), name);
    assert_counted_once(&fixture, 4);
    assert_int_equal(fixture_counts(&fixture).outbox.gaps, 1);
    fixture_end(&fixture);
}

static void while_redis_is_away_counting_goes_on(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    fixture_start(&fixture, 1, 60);
    fixture_await(&fixture, OUTBOX_DIRECT);
    fake_redis_pause(fixture.redis);
    for (int i = 0; i < 20000; i++) {
        assert_true(fixture_count_view(&fixture, i));
        if (i % 100 == 0)
            fixture_turns(&fixture, 1);
    }
    fake_redis_resume(fixture.redis);
    assert_true(fixture_drain(&fixture));
    assert_counted_once(&fixture, 20000);
    fixture_end(&fixture);
}

static void what_may_wait_is_bounded(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    fixture_start(&fixture, 1, 60);
    fake_redis_pause(fixture.redis);
    int taken = 0;
    while (taken < 2000000 && fixture_count_view(&fixture, taken))
        taken++;
    /* Far more than the mixing number, and an end. */
    assert_in_range(taken, 100000, 1900000);
    fake_redis_resume(fixture.redis);
    assert_true(fixture_drain(&fixture));
    assert_counted_once(&fixture, taken);
    fixture_end(&fixture);
}

/* Yesterday's last view stays in its mix, whatever comes after midnight, and a clock that steps
 * back finds it again. */
static void midnight_seals_nothing_that_is_not_mixed(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    fixture_start(&fixture, 10, 3600);
    fixture_await(&fixture, OUTBOX_DIRECT);
    assert_true(fixture_count_page(&fixture, "a.example", FIXTURE_DATE, "/last"));
    assert_true(fixture_count_page(&fixture, "a.example", FIXTURE_DATE + 1, "/first"));
    assert_true(fixture_count_page(&fixture, "a.example", FIXTURE_DATE, "/back"));
    assert_true(fixture_count_page(&fixture, "a.example", FIXTURE_DATE + 1, "/forth"));
    fixture_turns(&fixture, 40);
    assert_int_equal(fake_redis_count(fixture.redis), 0);
    for (int i = 0; i < 8; i++) {
        char page[16];
        snprintf(page, sizeof(page), "/%d", i);
        assert_true(fixture_count_page(&fixture, "a.example", FIXTURE_DATE + 1, page));
    }
    fixture_await_batches(&fixture, 1);
    assert_true(fixture_drain(&fixture));
    assert_int_equal(fake_redis_count(fixture.redis), 2);
    assert_counted_once(&fixture, 12);
    fixture_end(&fixture);
}

/* A third date has no place: the eldest section leaves first. */
static void a_third_day_seals_the_first(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    fixture_start(&fixture, 10, 3600);
    fixture_await(&fixture, OUTBOX_DIRECT);
    for (uint32_t day = 0; day < 4; day++)
        assert_true(fixture_count_page(&fixture, "a.example", FIXTURE_DATE + day, "/a"));
    fixture_await_batches(&fixture, 2);
    assert_true(fixture_drain(&fixture));
    assert_counted_once(&fixture, 4);
    fixture_end(&fixture);
}

/* Fills a site's section as far as one goes without being sealed. */
static int fill_site(struct fixture *fixture, int site)
{
    char domain[32], page[32];
    int taken = 0;
    snprintf(domain, sizeof(domain), "s%d.example", site);
    for (int i = 0; i < SECTION_CELLS_MAX / 2; i++) {
        snprintf(page, sizeof(page), "/%d", i);
        if (!fixture_count_page(fixture, domain, FIXTURE_DATE, page))
            return taken;
        taken++;
    }
    return taken;
}

static int64_t count_drops(struct fixture *fixture, const char *site)
{
    struct day_set set;
    fake_redis_pause(fixture->redis);
    day_set_init(&set, 16 * APPLY_CELLS_MAX);
    for (size_t i = 0; i < fake_redis_count(fixture->redis); i++)
        assert_int_equal(batch_fold(fake_redis_payload(fixture->redis, i), &set), BATCH_OK);
    struct section *section = day_set_section(&set, str_from(site), FIXTURE_DATE);
    int64_t drops = section_cell(section, TABLE_DROPS, STR_LIT("no_room"))->sums[METRIC_EVENTS];
    day_set_done(&set);
    fake_redis_resume(fixture->redis);
    return drops;
}

static void open_sections_are_bounded_and_who_is_shed_is_counted(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    fixture_start(&fixture, 1, 60);
    fake_redis_pause(fixture.redis);
    int site = 0;
    while (site < 2000 && fill_site(&fixture, site) == SECTION_CELLS_MAX / 2)
        site++;
    assert_in_range(site, 50, 1000);
    uint64_t shed = fixture_counts(&fixture).shed;
    assert_int_equal(fixture_counts(&fixture).open_sections, site + 1);
    for (int i = 0; i < 7; i++)
        assert_false(fixture_count_page(&fixture, "quiet.example", FIXTURE_DATE, "/"));
    assert_int_equal(fixture_counts(&fixture).shed, shed + 7);
    fake_redis_resume(fixture.redis);
    assert_true(fixture_drain(&fixture));
    assert_true(fixture_count_page(&fixture, "quiet.example", FIXTURE_DATE, "/"));
    assert_true(fixture_drain(&fixture));
    assert_int_equal(count_drops(&fixture, "quiet.example"), 7);
    fixture_end(&fixture);
}

struct told {
    uint64_t sealed_number, open_after;
    int sealed, open;
};

static void on_live(struct str site, const struct live_part *parts, size_t count, void *data)
{
    struct told *told = data;
    assert_true(str_eq(site, STR_LIT("a.example")));
    for (size_t i = 0; i < count; i++) {
        struct day_set set;
        day_set_init(&set, SECTION_CELLS_MAX);
        assert_int_equal(batch_fold(parts[i].payload, &set), BATCH_OK);
        day_set_done(&set);
        if (parts[i].number != 0) {
            told->sealed++;
            told->sealed_number = parts[i].number;
        } else {
            told->open++;
            told->open_after = parts[i].after;
        }
    }
}

static void live_parts_name_the_batches(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct told told = {0};
    fixture_start(&fixture, 10, 3600);
    fixture_await(&fixture, OUTBOX_DIRECT);
    for (int i = 0; i < 9; i++)
        assert_true(fixture_count_view(&fixture, 3 * i));
    writer_each_live(fixture.writer, on_live, &told);
    assert_int_equal(told.open, 1);
    assert_int_equal(told.open_after, 0);
    assert_int_equal(told.sealed, 0);
    assert_true(fixture_count_view(&fixture, 27));
    fixture_turns(&fixture, 40);
    assert_true(fixture_count_view(&fixture, 30));
    told = (struct told){0};
    writer_each_live(fixture.writer, on_live, &told);
    assert_int_equal(told.sealed, 1);
    assert_int_equal(told.sealed_number, 1);
    assert_int_equal(told.open, 1);
    assert_int_equal(told.open_after, 1);
    fixture_end(&fixture);
}

static void on_live_numbers(struct str site, const struct live_part *parts, size_t count,
                            void *data)
{
    struct told *told = data;
    (void)site;
    for (size_t i = 0; i < count; i++)
        if (parts[i].number > told->sealed_number)
            told->sealed_number = parts[i].number;
    told->sealed += (int)count;
}

/* More batches than a message has parts: the newest are the likeliest not to be applied. */
static void live_tells_the_newest_batches(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    fixture_start(&fixture, 1, 60);
    fixture_await(&fixture, OUTBOX_DIRECT);
    for (int i = 0; i < 3 * LIVE_PARTS_MAX; i++) {
        assert_true(fixture_count_view(&fixture, 3 * i));
        assert_true(fixture_drain(&fixture));
    }
    struct told told = {0};
    writer_each_live(fixture.writer, on_live_numbers, &told);
    assert_int_equal(told.sealed_number, 3 * LIVE_PARTS_MAX);
    assert_in_range(told.sealed, 1, LIVE_PARTS_MAX);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_is_sealed_at_the_mixing_number_and_not_before),
        cmocka_unit_test(a_lone_view_is_sealed_when_it_is_old_enough),
        cmocka_unit_test(lost_replies_are_settled_by_the_same_number),
        cmocka_unit_test(a_refused_batch_is_sent_again),
        cmocka_unit_test(a_store_that_forgot_the_writer_gets_a_new_name),
        cmocka_unit_test(while_redis_is_away_counting_goes_on),
        cmocka_unit_test(what_may_wait_is_bounded),
        cmocka_unit_test(midnight_seals_nothing_that_is_not_mixed),
        cmocka_unit_test(a_third_day_seals_the_first),
        cmocka_unit_test(open_sections_are_bounded_and_who_is_shed_is_counted),
        cmocka_unit_test(live_parts_name_the_batches),
        cmocka_unit_test(live_tells_the_newest_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

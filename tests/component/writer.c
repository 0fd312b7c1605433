/* The writer against a Redis that loses replies, refuses, forgets and goes away: what is counted is
 * in the log exactly once, and no sooner than the mixing rule allows. */

#include "collector/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "aggregator/batch.h"
#include "common/clock.h"
#include "common/limits.h"
#include "fake_redis.h"
#include "tests/test.h"

static const uint32_t DATE = 20261123;
enum { TURN_MS = 5, PATIENCE_TURNS = 4000 };

struct fixture {
    struct loop *loop;
    struct day_keys *day_keys;
    struct fake_redis *redis;
    struct writer *writer;
    enum fault *script; /* in turn; then none */
    size_t script_len, script_at;
    unsigned random_seed; /* not 0: random faults instead */
};

static enum fault next_fault(void *data)
{
    struct fixture *fixture = data;
    if (fixture->random_seed != 0) {
        int dice = rand_r(&fixture->random_seed) % 10;
        return dice < 2 ? FAULT_CUT_BEFORE : dice < 4 ? FAULT_CUT_AFTER : FAULT_NONE;
    }
    return fixture->script_at < fixture->script_len ? fixture->script[fixture->script_at++]
                                                    : FAULT_NONE;
}

static void start(struct fixture *fixture, uint32_t mix_views, uint32_t mix_seconds)
{
    fixture->loop = loop_new();
    fixture->day_keys = day_keys_open(-1);
    fixture->redis = fake_redis_start(next_fault, fixture);
    struct writer_options options = {.loop = fixture->loop,
                                     .day_keys = fixture->day_keys,
                                     .mix_views = mix_views,
                                     .mix_seconds = mix_seconds,
                                     .ack_wait_ms = 100};
    snprintf(options.redis.socket_path, sizeof(options.redis.socket_path), "%s",
             fake_redis_path(fixture->redis));
    fixture->writer = writer_new(&options);
}

static void end(struct fixture *fixture)
{
    writer_free(fixture->writer);
    loop_free(fixture->loop);
    day_keys_close(fixture->day_keys);
    fake_redis_stop(fixture->redis);
}

static void turns(struct fixture *fixture, int count)
{
    for (int i = 0; i < count; i++) {
        loop_turn(fixture->loop, TURN_MS);
        writer_turn(fixture->writer);
    }
}

static bool drain(struct fixture *fixture)
{
    for (int i = 0; i < PATIENCE_TURNS; i++) {
        loop_turn(fixture->loop, TURN_MS);
        if (writer_drain(fixture->writer))
            return true;
    }
    return false;
}

static void wait_until_up(struct fixture *fixture)
{
    for (int i = 0; i < PATIENCE_TURNS && !writer_is_up(fixture->writer); i++)
        loop_turn(fixture->loop, TURN_MS);
    assert_true(writer_is_up(fixture->writer));
}

static struct writer_counts counts_of(const struct fixture *fixture)
{
    struct writer_counts counts;
    writer_counts(fixture->writer, &counts);
    return counts;
}

/* A view of a page of its own, on one of three sites. */
static bool count_view(struct fixture *fixture, int number)
{
    static const char *const SITES[] = {"a.example", "b.example", "c.example"};
    struct writer_section open;
    char page[32];
    if (!writer_open(fixture->writer, str_from(SITES[number % 3]), DATE, &open))
        return false;
    snprintf(page, sizeof(page), "/%d", number);
    section_cell(open.section, TABLE_PAGE, str_from(page))->sums[METRIC_PAGEVIEWS]++;
    open.section->views++;
    return true;
}

/* Every page once, none twice, none missing. */
static void assert_counted_once(struct fixture *fixture, int views)
{
    struct day_set set;
    int64_t counted = 0;
    fake_redis_pause(fixture->redis);
    day_set_init(&set, 16 * APPLY_CELLS_MAX);
    for (size_t i = 0; i < fake_redis_count(fixture->redis); i++)
        assert_int_equal(batch_fold(fake_redis_payload(fixture->redis, i), &set), BATCH_OK);
    for (size_t s = 0; s < set.count; s++)
        for (uint32_t c = 0; c < set.sections[s]->cell_count; c++) {
            assert_int_equal(set.sections[s]->cells[c].sums[METRIC_PAGEVIEWS], 1);
            counted++;
        }
    assert_int_equal(counted, views);
    day_set_done(&set);
}

static void a_view_is_sealed_at_the_mixing_number_and_not_before(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    start(&fixture, 10, 3600);
    wait_until_up(&fixture);
    for (int i = 0; i < 9; i++)
        assert_true(count_view(&fixture, 3 * i));
    turns(&fixture, 40);
    assert_int_equal(fake_redis_count(fixture.redis), 0);
    assert_true(count_view(&fixture, 27));
    turns(&fixture, 40);
    assert_int_equal(fake_redis_count(fixture.redis), 1);
    assert_counted_once(&fixture, 10);
    end(&fixture);
}

static void a_lone_view_is_sealed_when_it_is_old_enough(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    start(&fixture, 10, 1);
    wait_until_up(&fixture);
    assert_true(count_view(&fixture, 1));
    turns(&fixture, 40);
    assert_int_equal(fake_redis_count(fixture.redis), 0);
    for (int i = 0; i < PATIENCE_TURNS && fake_redis_count(fixture.redis) == 0; i++)
        turns(&fixture, 1);
    assert_counted_once(&fixture, 1);
    end(&fixture);
}

static void lost_replies_are_settled_by_the_same_number(void **state)
{
    (void)state;
    struct fixture fixture = {.random_seed = 20261123};
    start(&fixture, 1, 60);
    for (int i = 0; i < 600; i++) {
        assert_true(count_view(&fixture, i));
        turns(&fixture, i % 3);
    }
    assert_true(drain(&fixture));
    assert_counted_once(&fixture, 600);
    struct writer_counts counts = counts_of(&fixture);
    assert_int_equal(counts.batches_acknowledged, counts.batches_sealed);
    assert_in_range(counts.batches_sent_again, 1, 10000);
    assert_int_equal(counts.refusals + counts.gaps, 0);
    assert_int_equal(counts.open_sections + counts.queued_batches + counts.queued_bytes, 0);
    end(&fixture);
}

static void a_refused_batch_is_sent_again(void **state)
{
    (void)state;
    enum fault script[] = {FAULT_ERROR, FAULT_ERROR};
    struct fixture fixture = {.script = script, .script_len = ARRAY_LEN(script)};
    start(&fixture, 1, 60);
    assert_true(count_view(&fixture, 1));
    assert_true(drain(&fixture));
    assert_counted_once(&fixture, 1);
    struct writer_counts counts = counts_of(&fixture);
    assert_int_equal(counts.refusals, 2);
    assert_int_equal(counts.batches_sent_again, 2);
    assert_int_equal(counts.batches_acknowledged, 1);
    end(&fixture);
}

/* A store restored from old data knows less than was acknowledged; the rest goes on, once. */
static void a_store_that_forgot_the_writer_gets_a_new_name(void **state)
{
    (void)state;
    enum fault script[] = {FAULT_NONE, FAULT_NONE, FAULT_FORGET, FAULT_NONE};
    struct fixture fixture = {.script = script, .script_len = ARRAY_LEN(script)};
    start(&fixture, 1, 60);
    wait_until_up(&fixture);
    uint64_t name = writer_id(fixture.writer);
    for (int i = 0; i < 4; i++) {
        assert_true(count_view(&fixture, i));
        turns(&fixture, 100);
    }
    assert_true(drain(&fixture));
    assert_int_not_equal(writer_id(fixture.writer), name);
    assert_counted_once(&fixture, 4);
    assert_int_equal(counts_of(&fixture).gaps, 1);
    end(&fixture);
}

static void while_redis_is_away_counting_goes_on(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    start(&fixture, 1, 60);
    wait_until_up(&fixture);
    fake_redis_pause(fixture.redis);
    for (int i = 0; i < 20000; i++) {
        assert_true(count_view(&fixture, i));
        if (i % 100 == 0)
            turns(&fixture, 1);
    }
    fake_redis_resume(fixture.redis);
    assert_true(drain(&fixture));
    assert_counted_once(&fixture, 20000);
    end(&fixture);
}

static void what_may_wait_is_bounded(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    start(&fixture, 1, 60);
    fake_redis_pause(fixture.redis);
    int taken = 0;
    while (taken < 2000000 && count_view(&fixture, taken))
        taken++;
    /* Far more than the mixing number, and an end. */
    assert_in_range(taken, 100000, 1900000);
    fake_redis_resume(fixture.redis);
    assert_true(drain(&fixture));
    assert_counted_once(&fixture, taken);
    end(&fixture);
}

static bool count_page(struct fixture *fixture, const char *site, uint32_t date, const char *page)
{
    struct writer_section open;
    if (!writer_open(fixture->writer, str_from(site), date, &open))
        return false;
    section_cell(open.section, TABLE_PAGE, str_from(page))->sums[METRIC_PAGEVIEWS]++;
    open.section->views++;
    return true;
}

/* Yesterday's last view stays in its mix, whatever comes after midnight, and a clock that steps
 * back finds it again. */
static void midnight_seals_nothing_that_is_not_mixed(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    start(&fixture, 10, 3600);
    wait_until_up(&fixture);
    assert_true(count_page(&fixture, "a.example", DATE, "/last"));
    assert_true(count_page(&fixture, "a.example", DATE + 1, "/first"));
    assert_true(count_page(&fixture, "a.example", DATE, "/back"));
    assert_true(count_page(&fixture, "a.example", DATE + 1, "/forth"));
    turns(&fixture, 40);
    assert_int_equal(fake_redis_count(fixture.redis), 0);
    for (int i = 0; i < 8; i++) {
        char page[16];
        snprintf(page, sizeof(page), "/%d", i);
        assert_true(count_page(&fixture, "a.example", DATE + 1, page));
    }
    turns(&fixture, 40);
    assert_int_equal(fake_redis_count(fixture.redis), 1);
    assert_true(drain(&fixture));
    assert_int_equal(fake_redis_count(fixture.redis), 2);
    assert_counted_once(&fixture, 12);
    end(&fixture);
}

/* A third date has no place: the eldest section leaves first. */
static void a_third_day_seals_the_first(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    start(&fixture, 10, 3600);
    wait_until_up(&fixture);
    for (uint32_t day = 0; day < 4; day++)
        assert_true(count_page(&fixture, "a.example", DATE + day, "/a"));
    turns(&fixture, 100);
    assert_int_equal(fake_redis_count(fixture.redis), 2);
    assert_true(drain(&fixture));
    assert_counted_once(&fixture, 4);
    end(&fixture);
}

/* Fills a site's section as far as one goes without being sealed. */
static int fill_site(struct fixture *fixture, int site)
{
    char domain[32], page[32];
    int taken = 0;
    snprintf(domain, sizeof(domain), "s%d.example", site);
    for (int i = 0; i < SECTION_CELLS_MAX / 2; i++) {
        snprintf(page, sizeof(page), "/%d", i);
        if (!count_page(fixture, domain, DATE, page))
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
    struct section *section = day_set_section(&set, str_from(site), DATE);
    int64_t drops = section_cell(section, TABLE_DROPS, STR_LIT("no_room"))->sums[METRIC_EVENTS];
    day_set_done(&set);
    fake_redis_resume(fixture->redis);
    return drops;
}

static void open_sections_are_bounded_and_who_is_shed_is_counted(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    start(&fixture, 1, 60);
    fake_redis_pause(fixture.redis);
    int site = 0;
    while (site < 2000 && fill_site(&fixture, site) == SECTION_CELLS_MAX / 2)
        site++;
    assert_in_range(site, 50, 1000);
    uint64_t shed = counts_of(&fixture).shed;
    assert_int_equal(counts_of(&fixture).open_sections, site + 1);
    for (int i = 0; i < 7; i++)
        assert_false(count_page(&fixture, "quiet.example", DATE, "/"));
    assert_int_equal(counts_of(&fixture).shed, shed + 7);
    fake_redis_resume(fixture.redis);
    assert_true(drain(&fixture));
    assert_true(count_page(&fixture, "quiet.example", DATE, "/"));
    assert_true(drain(&fixture));
    assert_int_equal(count_drops(&fixture, "quiet.example"), 7);
    end(&fixture);
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
    start(&fixture, 10, 3600);
    wait_until_up(&fixture);
    for (int i = 0; i < 9; i++)
        assert_true(count_view(&fixture, 3 * i));
    writer_each_live(fixture.writer, on_live, &told);
    assert_int_equal(told.open, 1);
    assert_int_equal(told.open_after, 0);
    assert_int_equal(told.sealed, 0);
    assert_true(count_view(&fixture, 27));
    turns(&fixture, 40);
    assert_true(count_view(&fixture, 30));
    told = (struct told){0};
    writer_each_live(fixture.writer, on_live, &told);
    assert_int_equal(told.sealed, 1);
    assert_int_equal(told.sealed_number, 1);
    assert_int_equal(told.open, 1);
    assert_int_equal(told.open_after, 1);
    end(&fixture);
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
    start(&fixture, 1, 60);
    wait_until_up(&fixture);
    for (int i = 0; i < 3 * LIVE_PARTS_MAX; i++) {
        assert_true(count_view(&fixture, 3 * i));
        assert_true(drain(&fixture));
    }
    struct told told = {0};
    writer_each_live(fixture.writer, on_live_numbers, &told);
    assert_int_equal(told.sealed_number, 3 * LIVE_PARTS_MAX);
    assert_in_range(told.sealed, 1, LIVE_PARTS_MAX);
    end(&fixture);
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

/* What the tests of the writer share. */

#include "tests/test.h"

#include "writer_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregator/batch.h"
#include "common/limits.h"

const uint32_t FIXTURE_DATE = 20261123;

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

static void begin_process(struct fixture *fixture)
{
    char error[256] = "";
    fixture->loop = loop_new();
    fixture->day_keys = day_keys_open(-1);
    if (fixture->folder != NULL) {
        fixture->spool = spool_new(&(struct spool_options){.folder = fixture->folder,
                                                           .bytes_max = fixture->spool_bytes_max},
                                   error, sizeof(error));
        assert_string_equal(error, "");
    }
    struct writer_options options = {.loop = fixture->loop,
                                     .day_keys = fixture->day_keys,
                                     .spool = fixture->spool,
                                     .workers = 1,
                                     .mix_views = fixture->mix_views,
                                     .mix_seconds = fixture->mix_seconds,
                                     .ack_wait_ms =
                                         fixture->ack_wait_ms == 0 ? 100 : fixture->ack_wait_ms};
    snprintf(options.redis.socket_path, sizeof(options.redis.socket_path), "%s",
             fake_redis_path(fixture->redis));
    fixture->writer = writer_new(&options);
}

static void end_process(struct fixture *fixture)
{
    writer_free(fixture->writer);
    loop_free(fixture->loop);
    spool_free(fixture->spool);
    day_keys_close(fixture->day_keys);
}

void fixture_start(struct fixture *fixture, uint32_t mix_views, uint32_t mix_seconds)
{
    (void)signal(SIGPIPE, SIG_IGN); /* as the server does */
    fixture->mix_views = mix_views;
    fixture->mix_seconds = mix_seconds;
    fixture->redis = fake_redis_start(next_fault, fixture);
    begin_process(fixture);
}

void fixture_end(struct fixture *fixture)
{
    end_process(fixture);
    fake_redis_stop(fixture->redis);
}

void fixture_die(struct fixture *fixture)
{
    end_process(fixture);
    begin_process(fixture);
}

void fixture_turns(struct fixture *fixture, int count)
{
    for (int i = 0; i < count; i++) {
        loop_turn(fixture->loop, FIXTURE_TURN_MS);
        writer_turn(fixture->writer);
    }
}

bool fixture_drain(struct fixture *fixture)
{
    for (int i = 0; i < FIXTURE_PATIENCE_TURNS; i++) {
        loop_turn(fixture->loop, FIXTURE_TURN_MS);
        if (writer_drain(fixture->writer))
            return true;
    }
    return false;
}

void fixture_await(struct fixture *fixture, enum outbox_state state)
{
    for (int i = 0; i < FIXTURE_PATIENCE_TURNS; i++) {
        if (writer_state(fixture->writer) == state)
            return;
        fixture_turns(fixture, 1);
    }
    fail_msg("the outbox stays in state %d", (int)writer_state(fixture->writer));
}

void fixture_await_batches(struct fixture *fixture, size_t batches)
{
    for (int i = 0; i < FIXTURE_PATIENCE_TURNS && fake_redis_count(fixture->redis) < batches; i++)
        fixture_turns(fixture, 1);
    fixture_turns(fixture, 10);
    assert_int_equal(fake_redis_count(fixture->redis), batches);
}

struct writer_counts fixture_counts(const struct fixture *fixture)
{
    struct writer_counts counts;
    writer_counts(fixture->writer, &counts);
    return counts;
}

bool fixture_count_page(struct fixture *fixture, const char *site, uint32_t date, const char *page)
{
    struct writer_section open;
    if (!writer_open(fixture->writer, str_from(site), date, &open))
        return false;
    section_cell(open.section, TABLE_PAGE, str_from(page))->sums[METRIC_PAGEVIEWS]++;
    open.section->views++;
    return true;
}

bool fixture_count_view(struct fixture *fixture, int number)
{
    static const char *const SITES[] = {"a.example", "b.example", "c.example"};
    char page[32];
    snprintf(page, sizeof(page), "/%d", number);
    return fixture_count_page(fixture, SITES[number % 3], FIXTURE_DATE, page);
}

int64_t fixture_counted(struct fixture *fixture)
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
    day_set_done(&set);
    fake_redis_resume(fixture->redis);
    return counted;
}

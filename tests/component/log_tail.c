/* How much of a long log one apply takes, from a real Redis. */

#include "aggregator/log_tail.h"

#include <stdio.h>

#include "aggregator/batch.h"
#include "aggregator/functions.h"
#include "common/limits.h"
#include "redis_server.h"
#include "tests/test.h"

#define S(text) STR_LIT(text)

/* Below the cap of pages, with those of three entries. */
enum { PAGES_A_DAY = 600 };

static struct redis_server server;
static struct redis *redis;

static int start(void **state)
{
    char error[200];
    (void)state;
    redis_server_start(&server, NULL);
    redis = redis_server_connect(&server);
    return functions_load(redis, error, sizeof(error)) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    redis_free(redis);
    redis_server_stop(&server);
    return 0;
}

/* A day's rows: so many pages, and pairs of the first ones with a country. */
static void append_day(struct buf *payload, unsigned number, uint32_t date, unsigned pages,
                       unsigned pairs)
{
    struct section *section = section_new(SECTION_CELLS_MAX);
    char text[32];
    section_reset(section, S("a.example"), date);
    for (unsigned i = 0; i < pages; i++) {
        snprintf(text, sizeof(text), "/%u/%u", number, i);
        section_cell(section, TABLE_PAGE, str_from(text))->sums[METRIC_PAGEVIEWS] = 1;
    }
    if (pairs > 0) {
        struct cell *cell = section_cell(section, TABLE_COUNTRY, S("NL"));
        uint32_t country = (uint32_t)(cell - section->cells);
        cell->sums[METRIC_PAGEVIEWS] = pairs;
        for (uint32_t i = 0; i < pairs; i++)
            section_cross(section, cross_key(CROSS_PAGE_COUNTRY, i, country), 1, 1);
    }
    batch_append_section(payload, section);
    section_free(section);
}

/* An entry with so many pages, PAGES_A_DAY of each day; the first day also has pairs. */
static void append(unsigned number, unsigned pages, unsigned pairs)
{
    struct buf payload;
    char digits[16];
    buf_init(&payload, BATCH_BYTES_MAX);
    batch_begin(&payload, (pages + PAGES_A_DAY - 1) / PAGES_A_DAY);
    for (uint32_t day = 0; pages > 0; day++) {
        unsigned some = pages < PAGES_A_DAY ? pages : PAGES_A_DAY;
        append_day(&payload, number, 20261101 + day, some, day == 0 ? pairs : 0);
        pages -= some;
    }
    batch_end(&payload);
    snprintf(digits, sizeof(digits), "%u", number);
    struct redis_reply *reply =
        redis_do(redis, S("FCALL"), S("append"), S("2"), S("ff:{0}:log"), S("ff:{0}:writers"),
                 S("00f1e2d3c4b5a697"), str_from(digits), buf_str(&payload), S("1795400000000"));
    assert_true(redis_reply_is(reply, "OK"));
    redis_reply_free(reply);
    buf_done(&payload);
}

/* How many of the entries are folded until the apply takes no more. */
static size_t folded(struct log_tail *tail)
{
    struct log_entry_id cursor;
    struct trouble trouble;
    size_t count = 0;
    assert_true(log_entry_id_set(&cursor, S("0-0")));
    log_tail_begin(tail, &cursor);
    do {
        if (!log_tail_read(tail, redis, false, &count, &trouble))
            fail_msg("%s: %s", trouble.doing, trouble.said);
    } while (count > 0 && !tail->is_full);
    return tail->entries;
}

static void an_apply_takes_no_entry_more_when_it_has_enough_rows(void **state)
{
    (void)state;
    enum { HALF = APPLY_PENDING_MAX / 2 };
    static const struct {
        unsigned pages, pairs;
        size_t entries;
    } SECOND[] = {
        {HALF - 1, 0, 3},
        {HALF, 0, 2},
        {HALF + 1, 0, 2},
        /* The country's row counts, and its pairs. */
        {HALF - 400, 398, 3},
        {HALF - 400, 399, 2},
        {HALF - 400, 400, 2},
    };
    struct log_tail tail;
    log_tail_init(&tail, 0);
    for (size_t i = 0; i < ARRAY_LEN(SECOND); i++) {
        redis_reply_free(redis_do(redis, S("FLUSHALL")));
        append(1, HALF, 0);
        append(2, SECOND[i].pages, SECOND[i].pairs);
        append(3, 1, 0);
        append(4, APPLY_PENDING_MAX - 1, 0); /* one entry may be as large as it is */
        assert_int_equal(folded(&tail), SECOND[i].entries);
        assert_true(tail.is_full);
        log_tail_sent(&tail);
        assert_int_equal(tail.ledger.load.cells, 0);
        assert_false(tail.is_full);
    }
    log_tail_done(&tail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_apply_takes_no_entry_more_when_it_has_enough_rows),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

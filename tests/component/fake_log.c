/* The log's `append`, in memory. */

#include "tests/test.h"

#include "fake_log.h"

/* Writers are random numbers, or few. */
static size_t find_row(const struct fake_log *log, uint64_t writer)
{
    size_t at = writer % FAKE_LOG_ROWS;
    for (size_t tries = 0; log->rows[at].last != 0 && log->rows[at].writer != writer; tries++) {
        assert_true(tries < FAKE_LOG_ROWS);
        at = (at + 1) % FAKE_LOG_ROWS;
    }
    return at;
}

enum fake_log_answer fake_log_append(struct fake_log *log, uint64_t writer, uint64_t number,
                                     struct str payload)
{
    size_t at = find_row(log, writer);
    uint64_t last = log->rows[at].last;
    if (number <= last)
        return FAKE_LOG_DUP;
    if (number > last + 1)
        return FAKE_LOG_GAP;
    log->counted[fake_log_id(payload)]++;
    log->rows[at].writer = writer;
    log->rows[at].last = number;
    return FAKE_LOG_OK;
}

uint64_t fake_log_last(const struct fake_log *log, uint64_t writer)
{
    return log->rows[find_row(log, writer)].last;
}

void fake_log_payload(uint32_t id, char *ret_payload, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ret_payload[i] = (char)(i < 4 ? id >> 8 * i : id + i);
}

uint32_t fake_log_id(struct str payload)
{
    uint32_t id = 0;
    assert_true(payload.len >= 4);
    for (size_t i = 4; i-- > 0;)
        id = id << 8 | (uint8_t)payload.ptr[i];
    for (size_t i = 4; i < payload.len; i++)
        assert_int_equal((uint8_t)payload.ptr[i], (uint8_t)(id + i));
    assert_true(id < FAKE_LOG_BATCHES);
    return id;
}

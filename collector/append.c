/* The call of `append`, and what its answers mean. For the outbox and for the replay. */

#include "collector/append.h"

#include <inttypes.h>
#include <stdio.h>

#include "aggregator/model.h"
#include "common/clock.h"

enum { WRITER_DIGITS = 16, NUMBER_BYTES = 24, KEY_BYTES = 64 };

bool append_send(struct redis_link *link, uint64_t writer, uint64_t number, struct str payload,
                 redis_link_fn fn, void *data)
{
    char id[WRITER_DIGITS + 1], digits[NUMBER_BYTES], now[NUMBER_BYTES];
    struct buf keys[2];
    snprintf(id, sizeof(id), "%016" PRIx64, writer);
    snprintf(digits, sizeof(digits), "%" PRIu64, number);
    snprintf(now, sizeof(now), "%" PRId64, clock_wall_ms());
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        buf_init(&keys[i], KEY_BYTES);
    model_key_log(&keys[0], 0);
    model_key_writers(&keys[1], 0);
    const struct str argv[] = {
        STR_LIT("FCALL"), STR_LIT("append"), STR_LIT("2"), buf_str(&keys[0]), buf_str(&keys[1]),
        str_from(id),     str_from(digits),  payload,      str_from(now),
    };
    bool is_sent = redis_link_send(link, ARRAY_LEN(argv), argv, fn, data);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        buf_done(&keys[i]);
    return is_sent;
}

enum append_result append_result_of(const struct redis_reply *reply)
{
    if (reply == NULL)
        return APPEND_UNKNOWN;
    if (redis_reply_is(reply, "OK") || redis_reply_is(reply, "DUP"))
        return APPEND_TAKEN;
    return redis_reply_is(reply, "GAP") ? APPEND_GAP : APPEND_REFUSED;
}

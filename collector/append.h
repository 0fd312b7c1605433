#pragma once

/* One batch, offered to the log: the function `append` of aggregator/functions.lua. */

#include <stdint.h>

#include "common/redis_link.h"

/* False when the link is down: fn is not called. The payload is copied. */
MUST_CHECK bool append_send(struct redis_link *link, uint64_t writer, uint64_t number,
                            struct str payload, redis_link_fn fn, void *data);

enum append_result {
    APPEND_TAKEN,   /* it is in the log, from now on or since before */
    APPEND_GAP,     /* the log does not have what comes before it */
    APPEND_REFUSED, /* nothing is changed; the reply's text says why */
    APPEND_UNKNOWN, /* no reply: it may be in the log, or not */
};

enum append_result append_result_of(const struct redis_reply *reply);

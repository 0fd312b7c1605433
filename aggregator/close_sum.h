#pragma once

/* Sees to it that a month that is over has its sum (month_sum.h), when it is worth while. Belongs
 * to the aggregator's one thread, between two closes; waits for Redis. */

#include <stdint.h>

#include "aggregator/trouble.h"

enum close_sum_outcome {
    CLOSE_SUM_NONE,   /* no table of the month is large enough: there is none now */
    CLOSE_SUM_HOLDS,  /* the one that is there is right */
    CLOSE_SUM_MADE,   /* it was written */
    CLOSE_SUM_MOVED,  /* a day changed meanwhile, or was erased: nothing was written */
    CLOSE_SUM_FAILED, /* it cannot be made: *ret_why, in words that hold no value */
};

/* Of a month, yyyymm. False with the trouble when the connection is lost. */
MUST_CHECK bool close_sum(struct redis *redis, struct str site, uint32_t month,
                          enum close_sum_outcome *ret_outcome, const char **ret_why,
                          struct trouble *ret_trouble);

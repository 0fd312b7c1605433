#pragma once

/* The inside of a loop, for the three files that know libh2o: loop.c, http.c, redis_link.c. */

#include <h2o.h>

#include "common/loop.h"

struct loop {
    h2o_evloop_t *h2o;
    h2o_multithread_queue_t *queue;
    h2o_multithread_receiver_t receiver;
    struct loop_timer *timers;
    struct loop_timer *next_timer; /* while timers run: the one to look at next */
};

#pragma once

/* The inside of a loop, for the three files that know libh2o: loop.c, http.c, redis_link.c. */

#include <h2o.h>
#include <pthread.h>

#include "common/loop.h"

struct loop {
    h2o_evloop_t *h2o; /* NULL once ended */
    pthread_mutex_t lock;
    struct loop_message *first, **last; /* under the lock, as is `ended` */
    bool ended;
    int event_fd;
    struct loop_watch *wake;
    struct loop_timer *timers;
    struct loop_timer *next_timer; /* while timers run: the one to look at next */
};

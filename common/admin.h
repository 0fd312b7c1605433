#pragma once

/* What a role tells its operator over HTTP, on a listener of its own with a thread of its own:
 *
 *   GET /metrics   counters and gauges, for Prometheus
 *   GET /healthz   200 while every thread of the process turns, else 503
 *   GET /readyz    200 when every needed check is good, else 503; names every check in words
 *
 * Never on a listener that visitors or readers reach. It only reads atomics, so it answers whatever
 * else the process does, and slows nothing down. */

#include "common/health.h"
#include "common/macros.h"
#include "common/metrics.h"

struct admin;

struct admin_options {
    const char *listen; /* "127.0.0.1:9091", "unix:PATH"; NULL: none */
    const char *role;   /* for the metric footfall_build_info */
    const struct metrics *metrics;
    const struct health *health;
};

/* False with a sentence when it cannot listen. Without a listener there is no admin, and NULL is
 * good. */
MUST_CHECK bool admin_start(const struct admin_options *options, struct admin **ret_admin,
                            char *error, size_t error_bytes);
void admin_stop(struct admin *admin);
/* The bound port; 0 for a Unix socket. */
uint16_t admin_port(const struct admin *admin);

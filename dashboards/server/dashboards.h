#pragma once

/* The dashboards as a process: query API, live streams and pages behind one listener of their own,
 * until SIGTERM or SIGINT. */

#include "common/config.h"
#include "common/http.h"

/* 0 after a clean stop, 1 with a logged sentence when it cannot start. */
int dashboards_run(const struct config *config);

/* The same in parts, for a process that stops it by itself. NULL with a sentence in `error`. */
struct dashboards;
MUST_CHECK struct dashboards *dashboards_new(const struct config *config,
                                             const struct redis_address *redis, char *error,
                                             size_t error_bytes);
/* Its server: for the port and to stop it. */
struct http_server *dashboards_server(struct dashboards *dashboards);
/* Until it is stopped. */
void dashboards_serve(struct dashboards *dashboards);
void dashboards_free(struct dashboards *dashboards);

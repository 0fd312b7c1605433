#pragma once

/* A read's steps over the waiting client. The caller's thread. */

#include "aggregator/query_read.h"

/* One step: MULTI, its commands, EXEC. QUERY_READ_FAILED as well when the connection died. */
enum query_read_status query_ask_step(struct redis *redis, struct query_read *read);
/* All of them: anything but QUERY_READ_AGAIN. */
enum query_read_status query_ask_all(struct redis *redis, struct query_read *read);

#pragma once

/* The collector as a process: workers behind one listener, until SIGTERM or SIGINT. */

#include "common/config.h"

/* The descriptor of the memory that keeps the days' keys over a restart, in the environment; the
 * supervisor sets it for the collector alone. */
#define COLLECT_DAY_KEYS_VARIABLE "FOOTFALL_DAY_KEYS_FD"

/* 0 after a clean stop, 1 with a logged sentence when it cannot start. */
int collect_run(const struct config *config);

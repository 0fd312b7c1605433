#pragma once

/* The part of `footfall check` that looks at Redis: its version, its settings, what each role may
 * do there, the functions, and how far the log is behind. */

#include "cli/findings.h"
#include "common/config.h"

void check_redis(struct findings *findings, const struct config *config);

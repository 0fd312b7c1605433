#pragma once

/* What each role may do to the machine, and what the private Redis may. */

#include <stdbool.h>
#include <stddef.h>

#include "common/config.h"
#include "common/macros.h"

enum sandbox_role { SANDBOX_COLLECT, SANDBOX_AGGREGATE, SANDBOX_DASHBOARDS, SANDBOX__COUNT };

/* False in builds with a sanitizer: nothing below closes anything there. */
bool sandbox_is_built(void);

/* What this kernel can close; "" when it can all, else a sentence for the operator. */
enum { SANDBOX_SENTENCE_BYTES = 256 };
void sandbox_gaps(char sentence[static SANDBOX_SENTENCE_BYTES]);

/* For good: closes files, ports and system calls that `role` has no use for. Before any thread
 * exists, and after the configuration and the role's secret are read, which are closed then. Where
 * the kernel lacks something it is left open (sandbox_gaps); false, with a sentence, where the
 * kernel could and does not. */
MUST_CHECK bool sandbox_enter(enum sandbox_role role, const struct config *config, char *error,
                              size_t error_bytes);

/* The same for the private Redis, before exec, in its folder DATA/redis: `program` is what may be
 * run. */
MUST_CHECK bool sandbox_enter_redis(const char *program, char *error, size_t error_bytes);

#pragma once

/* One question to an admin listener (common/admin.h), as `footfall check` asks it. Waits. */

#include "common/buf.h"
#include "common/macros.h"

/* GET path at "127.0.0.1:9091" or "unix:PATH". The answer's body is appended to `body`. False, with
 * a sentence, when nobody answers within seconds. */
MUST_CHECK bool probe_get(const char *address, const char *path, int *ret_status, struct buf *body,
                          char *error, size_t error_bytes);

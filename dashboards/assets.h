#pragma once

/* The dashboard's pages, built into the executable: from a request's path to bytes. Pure and
 * thread-safe; everything it gives is static. */

#include <stdbool.h>

#include "common/macros.h"
#include "common/str.h"

struct asset {
    struct str bytes;
    struct str gzip; /* the same bytes, compressed */
    struct str content_type;
    struct str etag; /* weak, quotes included: one for both encodings */
};

/* To go with every asset: nothing inline, nothing from elsewhere, no framing. */
#define ASSETS_CSP                                                                                 \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "              \
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
/* Asked for again each time, and answered 304 as long as it is the same build. */
#define ASSETS_CACHE_CONTROL "no-cache"

/* `path` without query. "/" and "/{site}" are the page itself, which finds out the rest; its parts
 * are under /assets/. False for anything else. */
MUST_CHECK bool assets_find(struct str path, struct asset *ret_asset);

#pragma once

/* The demo site: a few pages that are counted, built into the executable. Pure and thread-safe;
 * everything it gives is static. */

#include "collector/asset.h"
#include "common/macros.h"

enum demo_result {
    DEMO_FOUND,
    DEMO_IS_FOLDER, /* "/demo": its pages are below "/demo/" */
    DEMO_NOT_FOUND,
};

/* `path` without query. Every path below /demo/shelf/ is the same page: a single-page application
 * that reads the rest itself. */
MUST_CHECK enum demo_result demo_find(struct str path, struct asset *ret_asset);

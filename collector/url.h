#pragma once

/* An absolute http(s) URL, taken apart. Pure. */

#include "common/limits.h"
#include "common/macros.h"
#include "common/str.h"

/* Slices of the parsed text, case and percent-encoding as they stand there. */
struct url {
    struct str host;  /* without user, port and a root's trailing dot; IPv6 keeps its brackets */
    struct str path;  /* from the first slash; may be empty */
    struct str query; /* between '?' and '#', without them; may be empty */
};

/* False for another scheme, a host that is none or over HOST_BYTES_MAX, or a wrong port. */
MUST_CHECK bool url_split(struct str text, struct url *ret_url);

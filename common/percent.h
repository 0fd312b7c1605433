#pragma once

/* Percent-decoding of URLs and forms. Pure. */

#include "common/macros.h"
#include "common/str.h"

enum percent_plus { PERCENT_PLUS_IS_PLUS, PERCENT_PLUS_IS_SPACE };

/* Decodes into `out`, which has raw.len bytes and may be raw's own memory. False, with `out` in an
 * unknown state, when a '%' is not followed by two hexadecimal digits. */
MUST_CHECK bool percent_decode(struct str raw, enum percent_plus plus, char *out,
                               struct str *ret_decoded);

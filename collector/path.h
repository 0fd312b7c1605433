#pragma once

/* A page's path as it is stored: decoded, without query and fragment, capped, valid UTF-8, without
 * what looks like a person or a secret. Pure. */

#include <stddef.h>

#include "common/limits.h"
#include "common/macros.h"
#include "common/str.h"

/* What stands for a person or a secret wherever one was found. */
#define PATH_PRIVATE ":id"

/* Normalises a URL's raw (percent-encoded) path into `out` (PATH_BYTES_MAX bytes):
 * query and fragment cut, percent-decoding, "." and ".." and doubled slashes resolved, trailing
 * white space and a trailing slash (but of "/") kept off, at most PATH_BYTES_MAX bytes cut at a
 * character's boundary; a segment that path_looks_private() becomes ":id". `raw` may lack the
 * leading slash. False for percent-garbage, invalid UTF-8, NUL or another control character, and
 * for a raw path over BEACON_URL_BYTES_MAX. */
MUST_CHECK bool path_normalise(struct str raw, char out[PATH_BYTES_MAX], struct str *ret_path);

/* Whether a decoded segment, or another short value, looks like an e-mail address, a number of six
 * digits or more, a UUID, or a token (hex or base64-like): see path.c for the rule. */
bool path_looks_private(struct str text);
/* Only the e-mail part of that rule, for values in which numbers and codes are expected. */
bool path_holds_email(struct str text);

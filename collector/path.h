#pragma once

/* A page's path as it is stored: decoded, without query and fragment, capped, valid UTF-8, without
 * what looks like a person or a secret. Pure. */

#include <stddef.h>

#include "common/limits.h"
#include "common/macros.h"
#include "common/str.h"

/* Normalises a URL's raw (percent-encoded) path into `out` (PATH_BYTES_MAX bytes):
 * query and fragment cut, percent-decoding, "." and ".." and doubled slashes resolved, trailing
 * white space and a trailing slash (but of "/") kept off, at most PATH_BYTES_MAX bytes cut at a
 * character's boundary; a segment that looks like an e-mail address, a number of six digits or
 * more, a UUID, or a token (hex or base64-like, see path.c for the rule) becomes ":id".
 * False for percent-garbage, invalid UTF-8, NUL or another control character. */
MUST_CHECK bool path_normalise(struct str raw, char out[PATH_BYTES_MAX], struct str *ret_path);

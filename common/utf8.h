#pragma once

/* Text that came from outside: whether it may be stored and shown, and where it may be cut. Pure.
 */

#include "common/str.h"

/* Valid UTF-8 without NUL or another control character (U+0000..1F, U+007F..9F). */
bool utf8_is_text(struct str s);
/* At most `bytes_max` bytes of valid UTF-8, ending between characters. */
struct str utf8_cut(struct str s, size_t bytes_max);

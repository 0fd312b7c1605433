#pragma once

/* A browser's language and screen, coarse. Pure. */

#include <stdint.h>

#include "common/str.h"

/* The first language of Accept-Language as "en", "pt-BR" → "pt": the primary subtag in lower case,
 * two or three letters, or "(other)"; empty header: empty. `out` has 4 bytes. */
struct str locale_language(struct str accept_language, char out[4]);
/* "Mobile" < 576, "Tablet" < 992, "Laptop" < 1440, "Desktop" from there: Plausible's buckets;
 * 0: empty. Static text. */
struct str locale_screen(uint32_t viewport_px);

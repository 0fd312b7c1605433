#pragma once

/* Deleting what is kept of a site: for `footfall site remove` and `footfall erase`. */

#include <stdint.h>

#include "common/redis.h"

/* Deletes every key of the site, or with `before`, the first date of a month, what is of earlier
 * months; and has Redis's journal written anew, so that no byte of it stays there. The site stays
 * in the list. `ret_keys` counts the keys. False with a sentence. */
MUST_CHECK bool site_erase(struct redis *redis, struct str domain, uint32_t before,
                           size_t *ret_keys, char *error, size_t error_bytes);

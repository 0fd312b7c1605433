#pragma once

/* What the private Redis's last words mean for the operator. */

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

/* `data` is the struct redis_keeper, `said` what Redis has logged since its start. False when it
 * says nothing that is known. For struct child_options. */
bool redis_trouble_explain(void *data, struct str said, char *ret_sentence, size_t sentence_bytes);

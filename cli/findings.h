#pragma once

/* What `footfall check` finds, one line each: good, a note, a warning, or trouble. Trouble keeps
 * something from working or weakens a promise, and is exit code 1. */

#include <stdbool.h>

#include "common/macros.h"

struct findings {
    bool trouble;
};

void findings_good(const char *fmt, ...) PRINTF_LIKE(1, 2);
void findings_note(const char *fmt, ...) PRINTF_LIKE(1, 2);
void findings_warning(const char *fmt, ...) PRINTF_LIKE(1, 2);
void findings_trouble(struct findings *findings, const char *fmt, ...) PRINTF_LIKE(2, 3);

#pragma once

/* What an import tells on the way and at its end. */

#include <stdbool.h>

#include "collector/import.h"

/* A bar on a terminal, a line now and then elsewhere; on standard error. */
struct import_progress {
    const char *name, *unit;
    bool is_terminal, is_shown;
    int64_t began_ms, shown_ms;
};

void import_progress_begin(struct import_progress *progress, const char *name, const char *unit);
void import_progress_show(struct import_progress *progress, uint64_t read,
                          const struct log_input *input);
/* Takes the bar away. */
void import_progress_end(struct import_progress *progress);

/* What has become of a log that was read to its end; on standard output. */
void import_summary(const char *name, const struct import *import);

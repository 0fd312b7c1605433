#pragma once

/* The operator's log: one line a decision, never a line a request, never a byte of a visitor.
 * A line is `2026-11-23T10:00:00.000Z collect warn: text`. Thread-safe. Leaf code does not log. */

#include "common/macros.h"

enum log_level { LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* Sets the role's name. Lines go to a private copy of standard error. */
void log_init(const char *role);
/* Points standard error itself at /dev/null: libraries that print there can carry request bytes
 * (libh2o prints paths), and only this module's lines are known not to. */
void log_silence_stderr(void);

void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)

#pragma once

/* Time, so that tests can move it. Wall time serves buckets (hours, days); intervals are
 * monotonic. Thread-safe; a fake is set before any thread starts. */

#include <stdint.h>

/* Milliseconds since 1970-01-01T00:00:00Z. */
int64_t clock_wall_ms(void);
/* Milliseconds since some fixed moment; never goes back. */
int64_t clock_mono_ms(void);

/* From now on both clocks stand still at these values. */
void clock_fake_set(int64_t wall_ms, int64_t mono_ms);
/* Both fake clocks go forward. */
void clock_fake_advance(int64_t ms);

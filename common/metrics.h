#pragma once

/* What a process counts of itself, told in Prometheus's text format (0.0.4).
 *
 * A role lists its rows in an X-macro: X(enum, type, name, labels, help); rows of one name stand
 * together. Each thread that counts has a part of its own which it alone writes, so counting is a
 * plain addition without a lock; a reader on any thread adds the parts up.
 *
 * Totals of the process only: labels are constants of the list, and neither a site nor a byte of a
 * visitor can be one. And nothing that a beacon of somebody who refused does may move a row, not
 * even a total of refusals, since what is counted of people is what they agreed to. So there are no
 * rows for requests, accepted connections or bytes. */

#include <stdatomic.h>
#include <stdint.h>

#include "common/buf.h"

enum metrics_type {
    METRICS_COUNTER,
    METRICS_GAUGE,
    METRICS_COUNTER_MS, /* counted in milliseconds, told in seconds */
    METRICS_GAUGE_MS,
};

struct metrics_row {
    enum metrics_type type;
    const char *name;
    const char *labels; /* `answer="204"`, or empty */
    const char *help;   /* one sentence without quotes and backslashes */
};
/* For a list's array: METRICS_ROW as X. */
#define METRICS_ROW(id, type, name, labels, help) {METRICS_##type, name, labels, help},

struct metrics_part {
    atomic_ullong values[1]; /* as many as rows */
};

struct metrics;

/* `rows` outlive it. */
struct metrics *metrics_new(const struct metrics_row *rows, size_t row_count, unsigned parts);
void metrics_free(struct metrics *metrics);
/* For the one thread that writes it. */
struct metrics_part *metrics_part(struct metrics *metrics, unsigned index);

static inline void metrics_set(struct metrics_part *part, unsigned row, uint64_t value)
{
    atomic_store_explicit(&part->values[row], value, memory_order_relaxed);
}

static inline void metrics_add(struct metrics_part *part, unsigned row, uint64_t more)
{
    uint64_t value = atomic_load_explicit(&part->values[row], memory_order_relaxed);
    atomic_store_explicit(&part->values[row], value + more, memory_order_relaxed);
}

/* Of all parts. */
uint64_t metrics_value(const struct metrics *metrics, unsigned row);
void metrics_render(const struct metrics *metrics, struct buf *out);
/* The process's own: time, memory, descriptors, under the names that Prometheus's clients use. */
void metrics_render_process(struct buf *out);
/* The rows as a Markdown table, for docs/operations.md. */
void metrics_describe(const struct metrics_row *rows, size_t row_count, struct buf *out);

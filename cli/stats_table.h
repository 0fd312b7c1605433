#pragma once

/* Answers of the query as text for a terminal. Pure. Values come from strangers: control characters
 * never reach the terminal. */

#include "common/buf.h"

struct json_t; /* jansson */

struct stats_style {
    bool utf8;      /* blocks and letters beyond ASCII */
    unsigned width; /* columns of the terminal */
};

/* The only row as names above figures, and what they have changed when that was asked. */
void stats_append_headline(struct buf *out, const struct json_t *answer,
                           const struct stats_style *style);
/* The first metric over time as one line of blocks, with its first and last label; nothing for
 * fewer than two buckets. `answer` has time labels. */
void stats_append_sparkline(struct buf *out, const struct json_t *answer,
                            const struct stats_style *style);
/* Rows with a bar of the first metric. */
void stats_append_rows(struct buf *out, const char *title, const struct json_t *answer,
                       const struct stats_style *style);

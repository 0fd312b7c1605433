#pragma once

/* How a process is, in words: named checks, each good or bad since a time. A role lists its checks
 * in an X-macro, X(enum, name, needed, counts, good, bad), and the threads that know set
 * them, each in its own part, about once a second. Any thread reads.
 *
 * Ready: every needed check is good. Alive: every thread has given a sign lately. */

#include <stdint.h>

#include "common/buf.h"

struct health_row {
    const char *name;
    bool needed; /* not ready while it is bad */
    const char
        *counts; /* what the check's number counts, such as "entries behind"; "": it has none */
    const char *good; /* a sentence without quotes and backslashes */
    const char *bad;
};
/* For a list's array: HEALTH_ROW as X. */
#define HEALTH_ROW(id, name, needed, counts, good, bad) {name, needed, counts, good, bad},

struct health;

/* `rows` outlive it. At first nothing is known, which is bad. */
struct health *health_new(const struct health_row *rows, size_t row_count, unsigned parts);
void health_free(struct health *health);

/* By the part's thread. A check that no part has set is bad, else it is good when it is good in
 * all parts that have set it; numbers are added up. */
void health_set(struct health *health, unsigned part, unsigned row, bool good, uint64_t number);
/* What `bad` means just now: constant words that follow it, or NULL. By the part's thread. */
void health_explain(struct health *health, unsigned part, unsigned row, const char *why);
/* The part's thread is not stuck. */
void health_beat(struct health *health, unsigned part);

bool health_is_ready(const struct health *health);
/* False when a thread has given no sign for HEALTH_BEAT_MS_MAX. */
bool health_is_alive(const struct health *health);
/* {"status":"ready","checks":[{"name":…,"ok":…,"needed":…,"since":…,"detail":…},…]} */
void health_render(const struct health *health, struct buf *out);

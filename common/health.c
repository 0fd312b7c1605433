/* The state of checks, and its words.
 *
 * One word holds a part's state of a check and since when, so that no lock is needed and no reader
 * sees half of a change: milliseconds since 1970 times two, plus one when good; 0: never set. */

#include "common/health.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"
#include "common/limits.h"

struct check {
    atomic_ullong state;
    atomic_ullong number;
    _Atomic(const char *) why;
};

struct health {
    const struct health_row *rows;
    size_t row_count;
    unsigned part_count;
    int64_t started_ms;
    struct check *checks;  /* by part, then by row */
    atomic_llong *beat_ms; /* by part; monotonic */
};

/* A check over all parts. */
struct summary {
    bool good;
    int64_t since_ms;
    uint64_t number;
    const char *why; /* of the first part that is bad and says why; else NULL */
};

struct health *health_new(const struct health_row *rows, size_t row_count, unsigned parts)
{
    struct health *health = calloc(1, sizeof(*health));
    if (health == NULL)
        abort();
    *health = (struct health){.rows = rows,
                              .row_count = row_count,
                              .part_count = parts,
                              .started_ms = clock_wall_ms(),
                              .checks = calloc(parts * row_count, sizeof(*health->checks)),
                              .beat_ms = calloc(parts, sizeof(*health->beat_ms))};
    if (health->checks == NULL || health->beat_ms == NULL)
        abort();
    for (unsigned i = 0; i < parts; i++)
        health_beat(health, i);
    return health;
}

void health_free(struct health *health)
{
    if (health == NULL)
        return;
    free(health->checks);
    free(health->beat_ms);
    free(health);
}

void health_set(struct health *health, unsigned part, unsigned row, bool good, uint64_t number)
{
    assert(part < health->part_count && row < health->row_count);
    struct check *check = &health->checks[part * health->row_count + row];
    uint64_t state = atomic_load_explicit(&check->state, memory_order_relaxed);
    if (state == 0 || (state & 1) != good)
        atomic_store_explicit(&check->state, (uint64_t)clock_wall_ms() * 2 + good,
                              memory_order_relaxed);
    atomic_store_explicit(&check->number, number, memory_order_relaxed);
}

void health_explain(struct health *health, unsigned part, unsigned row, const char *why)
{
    assert(part < health->part_count && row < health->row_count);
    atomic_store_explicit(&health->checks[part * health->row_count + row].why, why,
                          memory_order_release);
}

void health_beat(struct health *health, unsigned part)
{
    assert(part < health->part_count);
    atomic_store_explicit(&health->beat_ms[part], clock_mono_ms(), memory_order_relaxed);
}

static struct summary summarise(const struct health *health, unsigned row)
{
    struct summary all = {.good = true};
    bool known = false;
    for (unsigned part = 0; part < health->part_count; part++) {
        struct check *check = &health->checks[part * health->row_count + row];
        uint64_t state = atomic_load_explicit(&check->state, memory_order_relaxed);
        int64_t since_ms = (int64_t)(state / 2);
        bool good = (state & 1) != 0;
        if (state == 0)
            continue;
        all.number += atomic_load_explicit(&check->number, memory_order_relaxed);
        if (!good && all.why == NULL)
            all.why = atomic_load_explicit(&check->why, memory_order_acquire);
        /* Good since the last became good, bad since the first became bad. */
        if (!known || (all.good && !good) ||
            (good == all.good && (since_ms > all.since_ms) == good))
            all.since_ms = since_ms;
        all.good = all.good && good;
        known = true;
    }
    return known ? all : (struct summary){.since_ms = health->started_ms};
}

bool health_is_ready(const struct health *health)
{
    for (unsigned row = 0; row < health->row_count; row++)
        if (health->rows[row].needed && !summarise(health, row).good)
            return false;
    return true;
}

bool health_is_alive(const struct health *health)
{
    int64_t now_ms = clock_mono_ms();
    for (unsigned part = 0; part < health->part_count; part++)
        if (now_ms - atomic_load_explicit(&health->beat_ms[part], memory_order_relaxed) >
            HEALTH_BEAT_MS_MAX)
            return false;
    return true;
}

static void append_check(const struct health *health, unsigned row, struct buf *out)
{
    const struct health_row *words = &health->rows[row];
    struct summary summary = summarise(health, row);
    time_t since_s = (time_t)(summary.since_ms / 1000);
    struct tm utc;
    char since[32];
    gmtime_r(&since_s, &utc);
    (void)strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &utc);
    buf_printf(out, "%s{\"name\":\"%s\",\"ok\":%s,\"needed\":%s,\"since\":\"%s\",\"detail\":\"%s",
               row == 0 ? "" : ",", words->name, summary.good ? "true" : "false",
               words->needed ? "true" : "false", since, summary.good ? words->good : words->bad);
    if (!summary.good && summary.why != NULL)
        buf_printf(out, ": %s", summary.why);
    if (words->counts[0] != '\0')
        buf_printf(out, " (%s: %" PRIu64 ")", words->counts, summary.number);
    buf_printf(out, "\"}");
}

void health_render(const struct health *health, struct buf *out)
{
    buf_printf(out, "{\"status\":\"%s\",\"checks\":[",
               health_is_ready(health) ? "ready" : "not ready");
    for (unsigned row = 0; row < health->row_count; row++)
        append_check(health, row, out);
    buf_printf(out, "]}\n");
}

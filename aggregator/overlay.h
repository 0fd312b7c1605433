#pragma once

/* What collectors have counted and the store does not hold yet, laid over what is stored.
 *
 * The memory keeps the last live message of each writer and site. For a question about a day, the
 * parts that were held when it was sent are laid over the counters that come back, by the rule of
 * live.h, against the marks that were read in one snapshot with the counters; so nothing shows
 * twice. Pure but for the clock handed in; one thread. */

#include <stdint.h>

#include "aggregator/live.h"
#include "aggregator/query_rows.h"
#include "common/macros.h"

struct overlay;

struct overlay *overlay_new(void);
void overlay_free(struct overlay *overlay);
/* Keeps a message in the place of the last one of its writer and site. False for a malformed one,
 * and when OVERLAY_BYTES_MAX are held (the last one is then forgotten). */
MUST_CHECK bool overlay_put(struct overlay *overlay, struct str bytes, int64_t mono_ms);
/* Forgets what was received more than OVERLAY_EXPIRY_MS ago. */
void overlay_expire(struct overlay *overlay, int64_t mono_ms);
/* Who is here now, all writers together; slices live until the next put or expire. */
void overlay_now(const struct overlay *overlay, struct str site, struct live_now *ret_now);

/* --- A day's parts, while its counters are read ------------------------------------------------
 */
struct overlay_day;

struct overlay_wanted {
    struct str site;
    uint32_t date;
    bool crosses; /* they are most of what is told, and few questions need them */
};

/* NULL when nothing is held of this day. Independent of the memory from here on. */
struct overlay_day *overlay_day_new(const struct overlay *overlay,
                                    const struct overlay_wanted *wanted);
void overlay_day_free(struct overlay_day *day);
/* The values of this table whose sketches (`seen`) are to be read with the counters: at most
 * OVERLAY_SKETCHES_MAX. The slices live as long as the day. */
size_t overlay_day_values(const struct overlay_day *day, enum table table,
                          struct str ret_values[OVERLAY_SKETCHES_MAX]);
/* A field of the TOTAL hash as it was read; all of them before the first overlay_day_add(). */
void overlay_day_mark(struct overlay_day *day, struct str field, struct str number);
/* Adds what is not stored to `rows`, the counters of one table. `sketches` are those of
 * overlay_day_values(), in its order; empty where there is none at rest. */
void overlay_day_add(struct overlay_day *day, enum table table, const struct str *sketches,
                     size_t sketch_count, struct query_rows *rows);

/* A cell of a cross that is not stored, by its values; of CROSS_OTHER none. */
struct overlay_cell {
    struct str left, right;
    bool is_other;
    int64_t views, visits;
};
/* Calls fn for each of them. */
void overlay_day_each_cell(struct overlay_day *day, enum cross cross,
                           void (*fn)(const struct overlay_cell *cell, void *data), void *data);

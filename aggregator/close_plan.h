#pragma once

/* Which open days are over, and which of them can be closed now. Pure: it is told what is open and
 * what time it is, and touches no store. One thread; running out of memory aborts.
 *
 * A look is begin, see each field, settle each site, and then next until there is none. */

#include <stdint.h>

#include "aggregator/log_entry.h"
#include "aggregator/site.h"

struct close_day {
    struct str site; /* owned */
    uint32_t date;
    struct log_entry_id mark;    /* the entry that changed it last */
    int64_t quiet_since_ms;      /* monotonic: `mark` is the same since then */
    int64_t not_before_ms;       /* monotonic; after what could not be read */
    bool is_told;                /* that it could not be read */
    bool may_be_over;            /* it is over in some zone: its site's settings say the rest */
    const struct site *settings; /* NULL: they are not known */
    bool is_forgotten;           /* its site is not in the list */
    bool is_closed;              /* since the look */
};

struct close_plan {
    struct close_day *days; /* sorted by site and date after close_plan_settled() */
    size_t count, capacity;
    struct close_day *before; /* of the last look */
    size_t before_count;
    struct site **sites; /* owned: the settings of the days */
    size_t site_count, site_capacity;
    size_t next;
};

void close_plan_init(struct close_plan *plan);
void close_plan_done(struct close_plan *plan);

void close_plan_begin(struct close_plan *plan);
/* A field of the open days. One that is no day, or past CLOSE_DAYS_MAX, is passed over. */
void close_plan_see(struct close_plan *plan, struct str field, struct str mark, int64_t wall_ms,
                    int64_t mono_ms);
/* All fields were seen. */
void close_plan_seen(struct close_plan *plan);

/* The days are in the order of their sites: settings are asked for by runs. The end of the run that
 * begins at `from`. */
size_t close_plan_run(const struct close_plan *plan, size_t from);
/* True when a day of the run may be over. Of others it matters only whether the list has the site:
 * its settings need not be read. */
bool close_plan_may_be_over(const struct close_plan *plan, size_t from);
/* The settings of a run's site, which the plan takes; NULL when the list does not have it. A run
 * that is not settled, for settings that cannot be read, waits. */
void close_plan_settle(struct close_plan *plan, size_t from, struct site *settings);

/* The next day that can be closed, or forgotten, now; NULL when there is none until the next look.
 * Valid until then. */
struct close_day *close_plan_next(struct close_plan *plan, int64_t wall_ms, int64_t mono_ms);
/* The moment from which a site's day may be closed. */
int64_t close_plan_due_ms(const struct site *settings, uint32_t date);
/* Whether a month (yyyymm) of a day's site, the day's own or the one before, is over and has no
 * open day left, but those that could not be read. */
bool close_plan_month_is_done(const struct close_plan *plan, const struct close_day *day,
                              uint32_t month, int64_t wall_ms);
/* How many days could not be read. */
size_t close_plan_stuck(const struct close_plan *plan);

#pragma once

/* Open visits, in memory only: what makes entry, exit, bounce and duration right as increments.
 *
 * A visit is found by a tag, a keyed hash that dies with the site's day; it is forgotten after
 * VISIT_IDLE_S without a sign, at the site's midnight (the tag changes), or as the oldest when the
 * table is full. A lost visit costs one extra visit, nothing more. Thread-safe: sharded, one short
 * lock a shard. */

#include <stdint.h>

#include "aggregator/model.h"
#include "collector/beacon.h"
#include "common/limits.h"
#include "common/str.h"

/* What a visit keeps of its first view: the values of the VISIT tables, by table. Absent: empty. */
struct visit_attributes {
    struct str values[TABLE__COUNT];
};

struct visit_sign {
    uint64_t tag;
    uint32_t site; /* pulse.h's number */
    uint32_t date;
    uint8_t hour;   /* local */
    int64_t now_ms; /* monotonic */
    enum beacon_kind kind;
    struct str page;                           /* of the view, event or report */
    struct str event;                          /* for BEACON_EVENT */
    int scroll_percent;                        /* -1: not said */
    bool has_engagement;                       /* it reports engaged time */
    bool is_passive;                           /* an event that nobody did */
    const struct visit_attributes *attributes; /* as seen by this sign */
};

/* What the sign changes. Slices point into `bytes`. */
struct visit_change {
    bool is_new;                        /* the visit starts with it */
    bool ends_bounce;                   /* it was a bounce until now */
    bool is_bounce;                     /* it is new and a bounce so far */
    bool page_is_new;                   /* the page was not met in this visit */
    bool event_is_new;                  /* likewise the event */
    bool event_on_page_is_new;          /* likewise the event on this page */
    bool engages_page;                  /* the first report of time for this view of the page */
    bool scrolls_page;                  /* the first report of depth for this view of the page */
    int scroll_more;                    /* percent deeper than reported for this view of the page */
    uint32_t seconds;                   /* since its last sign */
    uint8_t start_hour;                 /* local hour of its first view */
    bool leaves;                        /* the exit page moves away from exit_page */
    struct str exit_page;               /* until now */
    struct visit_attributes attributes; /* of the visit's first view */
    char bytes[(TABLE__COUNT + 1) * VALUE_BYTES_MAX];
};

struct visit_table;

struct visit_table *visit_table_new(uint32_t visits_max, size_t bytes_max);
void visit_table_free(struct visit_table *table);
void visit_table_sign(struct visit_table *table, const struct visit_sign *sign,
                      struct visit_change *ret_change);

/* Calls fn for every visit with a sign within VISIT_NOW_S, under its shard's short lock: fn copies
 * what it wants and takes no other lock. */
void visit_table_now(struct visit_table *table, int64_t now_ms,
                     void (*fn)(uint32_t site, struct str page, void *data), void *data);
/* Forgets the visits that are idle for too long; a new visit does so for its own shard only. */
void visit_table_forget_idle(struct visit_table *table, int64_t now_ms);
uint32_t visit_table_count(struct visit_table *table);
/* Visits that were forgotten, while they were not idle, because there was no room. */
uint64_t visit_table_evicted(struct visit_table *table);

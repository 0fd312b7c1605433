#pragma once

/* A site's place at one worker: its open sections with the keys of their days, and the replies that
 * wait for them. For the writer; one thread.
 *
 * A desk has room for two days, so that midnight seals nothing before it is mixed: yesterday's
 * section stays open until it is ripe, and is found again should the clock step back. Desks stay
 * for good: there are as many as sites that were ever met. */

#include <stdint.h>

#include "aggregator/section.h"
#include "collector/day_key.h"
#include "collector/held.h"

struct desk_day {
    uint32_t date; /* 0: none yet */
    uint32_t desk; /* the desk's number */
    bool has_key;
    struct day_key key;
    struct section *section; /* NULL: nothing is open */
    int64_t opened_ms, used_ms;
    size_t bytes; /* of the section's memory, as last accounted for */
    struct held_chain held;
};

enum { DESK_DAYS = 2 };

struct desk {
    struct str site; /* owned */
    struct desk_day days[DESK_DAYS];
    unsigned current; /* the day of the last view */
    uint32_t shed;    /* beacons that found no room and are not counted as such yet */
    bool touched;     /* in the writer's list of desks to look at */
};

struct desk_table {
    struct desk **desks; /* by number */
    size_t count;
    size_t open_bytes; /* memory of all open sections */
    /* private */
    struct day_keys *day_keys;
    size_t capacity, slot_mask;
    uint32_t *slots; /* hash of the site → number + 1 */
    struct section *spare;
};

/* `day_keys` outlives the table. */
void desk_table_init(struct desk_table *table, struct day_keys *day_keys);
/* Nobody may wait any more. */
void desk_table_done(struct desk_table *table);
/* NULL when absent. */
struct desk *desk_table_find(const struct desk_table *table, struct str site);
/* Made when absent. */
struct desk *desk_table_get(struct desk_table *table, struct str site);

/* The place for this date; it holds another date, and maybe a section of it, when the date is new.
 */
struct desk_day *desk_day_of(struct desk *desk, uint32_t date);
/* Makes the day current, its section open and its key known. The place is of this date, or has no
 * section. */
void desk_open(struct desk_table *table, struct desk *desk, struct desk_day *day, uint32_t date,
               int64_t now_ms);
/* Takes what the section has grown since the last time into `open_bytes`. */
void desk_account(struct desk_table *table, struct desk_day *day);
/* Empties and closes the section. */
void desk_close(struct desk_table *table, struct desk_day *day);
/* Wipes the day's key and what was made from it, until the next view. */
void desk_forget_key(struct desk_day *day);

#pragma once

/* One site's one day (or month) in memory: tables of rows and crosses of two tables, as the close
 * seals them and as they are read back. Filled from live counters or from records; one thread;
 * running out of memory aborts. */

#include <stdint.h>

#include "aggregator/day_names.h"

struct day_row {
    uint32_t name; /* of the day's names */
    int64_t sums[METRIC__COUNT];
};

struct day_table {
    struct day_row *rows;
    uint32_t count;
    /* private */
    uint32_t capacity, by_name_count;
    uint32_t *by_name; /* index of the row + 1 */
};

struct day_cell {
    uint32_t left, right; /* names */
    int64_t views, visits;
};

struct day_cross {
    struct day_cell *cells;
    uint32_t count;
    /* What is in no cell: it is known only as part of the tables' own rows. */
    int64_t hidden_views, hidden_visits;
    /* private */
    uint32_t capacity, slot_mask;
    uint32_t *slots;
};

/* What was done to a day's numbers: bits of day.applied. */
enum {
    DAY_CELLS_HIDDEN = 1,   /* cells of crosses under k */
    DAY_REGIONS_FOLDED = 2, /* regions under k, into their country */
    DAY_COUNTRIES_FOLDED = 4,
    DAY_ROUNDED = 8,    /* to the nearest ten */
    DAY_UNCROSSED = 16, /* the preset keeps no crosses */
    DAY__APPLIED_ALL = 31,
};

struct day {
    uint32_t date;    /* yyyymmdd; yyyymm00 for a month */
    uint32_t applied; /* bits */
    uint32_t k;       /* of the thresholds applied; 0 when none were */
    char timezone[DAY_TIMEZONE_BYTES_MAX];
    struct day_names *names; /* not owned; others may use them as well */
    struct day_table tables[TABLE__COUNT];
    struct day_cross crosses[CROSS__COUNT];
};

/* A day, or a month when its last two digits are zero. */
bool day_date_valid(uint32_t date);

void day_init(struct day *day, uint32_t date, struct day_names *names);
void day_done(struct day *day);
/* Empties the day: date, flags, rows and cells; its names stay. */
void day_reset(struct day *day, uint32_t date);
/* False for a name that is too long. */
MUST_CHECK bool day_set_timezone(struct day *day, struct str timezone);

/* The row of a value, made when absent; that of "(other)" when there is no room for its name.
 * Valid until the next row of this table is made. */
struct day_row *day_row(struct day *day, enum table table, struct str value);
struct day_row *day_row_named(struct day *day, enum table table, uint32_t name);
/* NULL when there is none. */
const struct day_row *day_row_find(const struct day *day, enum table table, uint32_t name);
/* Adds to a sum, which stays within DAY_SUM_MAX of zero. */
static inline void day_sum_add(int64_t *sum, int64_t more)
{
    int64_t total;
    if (__builtin_add_overflow(*sum, more, &total))
        total = more < 0 ? -DAY_SUM_MAX : DAY_SUM_MAX;
    *sum = total > DAY_SUM_MAX ? DAY_SUM_MAX : total < -DAY_SUM_MAX ? -DAY_SUM_MAX : total;
}

/* True when all its sums are zero: it says nothing. */
bool day_row_is_empty(const struct day_row *row);
/* Takes out the rows for which `drop` says so by index. */
void day_table_drop(struct day_table *table, const bool *drop);

/* Adds to a cell, made when absent; to what is hidden when there are DAY_CELLS_MAX. */
void day_cell_add(struct day *day, enum cross cross, const struct day_cell *cell);
/* NULL when there is none. */
const struct day_cell *day_cell_find(const struct day *day, enum cross cross, uint32_t left,
                                     uint32_t right);
/* Hides the cells for which `hide` says so by index. */
void day_cross_hide(struct day_cross *cross, const bool *hide);

/* Puts rows and cells into the order of their values, byte by byte: then whoever takes one after
 * the other, or the first of equals, does not depend on how they came. */
void day_sort(struct day *day);

/* Adds all of `from` but empty rows: sums and visitors add up, flags join, the larger k stays. The
 * names may be the same or others. For a late batch's part of a day, and for the days of a month.
 * Thresholds are not applied again: that is for whoever seals. */
void day_merge(struct day *into, const struct day *from);

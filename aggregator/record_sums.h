#pragma once

/* A table of many records of a month added up: a column of sums a metric, by the numbers of the
 * month's names. One thread; running out of memory aborts. */

#include "aggregator/record_part.h"

enum { RECORD_SUMS_RECORDS_MAX = 64 };

struct record_sums {
    struct record_wanted wanted;
    int64_t *columns[METRIC__COUNT]; /* of the wanted metrics: wanted.names sums; else NULL */
    uint32_t added;                  /* records, at most RECORD_SUMS_RECORDS_MAX */
};

void record_sums_init(struct record_sums *sums, struct record_wanted wanted);
void record_sums_done(struct record_sums *sums);
/* To zeros. */
void record_sums_reset(struct record_sums *sums);
/* The sums of a name, those that are not wanted 0, each within DAY_SUM_MAX of zero; false when all
 * are zero. */
bool record_sums_at(const struct record_sums *sums, uint32_t name, int64_t ret_sums[METRIC__COUNT]);

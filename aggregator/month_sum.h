#pragma once

/* The sum of a month's sealed days: what its large tables add up to, at rest beside the days, so
 * that a question about a year reads twelve records of them and not 365. Pure; one thread.
 *
 *     0  124  the stamp of the record of each day, from the first on; zeros: there is none
 *   124    n  a record (record.h) of the date yyyymm00, with the names of the month
 *
 * A sum is made of what is at rest and says of which records: it holds if and only if their stamps
 * are the ones that the month's days have now. Whoever seals a day again, or removes one, need not
 * know of it; a sum that does not hold, or is damaged, is not used. What was folded into the
 * month's own record is not in it and adds up with it.
 *
 * Its record has whole parts, those of which the days have MONTH_SUM_PART_BYTES_MIN and more, of
 * the tables' metrics MONTH_SUM_METRICS alone; no crosses. A part that it lacks, and any other
 * metric, is read from the days.
 *
 * Example: of November 2026 with one sealed day, the 23rd, the stamp of whose record is 98 2f a3
 * 17: 88 zeros, these four bytes, 32 zeros, and "FFdy" and so on of the date 20261100. */

#include "aggregator/record.h"

enum {
    MONTH_SUM_DAYS = 31,
    MONTH_SUM_STAMPS_BYTES = MONTH_SUM_DAYS * RECORD_STAMP_BYTES,
    /* Stamps and the record's header are no longer: for GETRANGE. */
    MONTH_SUM_HEAD_BYTES_MAX = MONTH_SUM_STAMPS_BYTES + RECORD_HEADER_BYTES_MAX,
};
/* What panels and most questions ask of large tables. The rest, seconds and percents and how many
 * views they are of, would double a sum. */
#define MONTH_SUM_METRICS                                                                          \
    (1u << METRIC_PAGEVIEWS | 1u << METRIC_VISITS | 1u << METRIC_VISITORS | 1u << METRIC_EVENTS |  \
     1u << METRIC_BOUNCES)

/* Those of the days' records; all zeros at first. */
struct month_stamps {
    char bytes[MONTH_SUM_STAMPS_BYTES];
};
/* From a day's record, or at least its header. */
void month_stamps_note(struct month_stamps *stamps, uint32_t date, struct str header);

/* --- Reading ---------------------------------------------------------------------------------- */

/* Opens a sum, from its first MONTH_SUM_HEAD_BYTES_MAX or more, that is of a month (yyyymm00) and
 * of days with these stamps. Its parts are found by record_find_part(), MONTH_SUM_STAMPS_BYTES
 * further on, and read like any record's. False when it is of no use. */
MUST_CHECK bool month_sum_open(struct str head, uint32_t month, const struct month_stamps *stamps,
                               struct record *ret_record);
/* Whether these metrics of a table are in it, for all of its days. */
bool month_sum_has(const struct record *sum, enum table table, uint32_t metrics);

/* --- Making ----------------------------------------------------------------------------------- */

struct month_sum {
    uint32_t month;        /* yyyymm00 */
    size_t part_bytes_min; /* MONTH_SUM_PART_BYTES_MIN, unless told otherwise: for tests */
    struct month_stamps stamps;
    struct record days[MONTH_SUM_DAYS]; /* of date 0: there is none */
    struct record_names names;
    /* private */
    struct record_sums sums[TABLE__COUNT];
    struct record_reader *reader; /* NULL until there are names */
};

/* In this order: init, see the headers of the month's days, and when it has a part, take names and
 * then its parts of all days, and seal. Anything but RECORD_OK: no sum can be made. */
void month_sum_init(struct month_sum *sum, uint32_t month);
void month_sum_done(struct month_sum *sum);
MUST_CHECK enum record_status month_sum_see_day(struct month_sum *sum, uint32_t date,
                                                struct str header);
/* Whether it is worth while to sum up a part, below RECORD_PARTS. */
bool month_sum_has_part(const struct month_sum *sum, uint32_t part);
MUST_CHECK enum record_status month_sum_take_names(struct month_sum *sum, struct str bytes);
/* A part of a day that has it. */
MUST_CHECK enum record_status month_sum_take_part(struct month_sum *sum, size_t day, uint32_t part,
                                                  struct str bytes);
/* Appends the sum. False, and nothing is, when no part of it has so few rows that a record has room
 * for them. */
MUST_CHECK bool month_sum_seal(struct month_sum *sum, struct buf *out);

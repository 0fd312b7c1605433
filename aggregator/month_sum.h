#pragma once

/* A month's sealed days added up: what makes a question about years quick.
 *
 * It stands in the month's key while its days are there, as a record of date yyyymm00 with the
 * total, what was not counted, and the tables that are large; without crosses. Whoever closes the
 * last day of a month, or one of its days again, makes it anew and writes it in the same step as
 * the day's record: a question takes it for the sum of all of them, and its stamp for the sign that
 * none of them has changed. Any change of a day shows in the total. Pure; one thread. */

#include "aggregator/record.h"

struct month_sum {
    struct day day;
    /* private */
    struct record_names *names;
    struct record_reader *reader;
    uint64_t rows[TABLE__COUNT]; /* of all days together */
};

/* `date` is any of the month; `names` are its, with those of all its days. */
void month_sum_init(struct month_sum *sum, uint32_t date, struct record_names *names);
void month_sum_done(struct month_sum *sum);
/* Adds a day's record. Anything but RECORD_OK leaves a part of it. */
MUST_CHECK enum record_status month_sum_add(struct month_sum *sum, struct str record);
/* Appends the month's record, which needs no names that are not at rest. Once. */
void month_sum_seal(struct month_sum *sum, struct buf *out);

/* Columns of sums. A year of a large table is most of a million rows, and a question looks at three
 * or four metrics of them: column by column they add up several times as fast as rows of all
 * metrics that are found one by one, as in a day. Filled by record_part_read.c for query_sealed.c.
 */

#include "aggregator/record_sums.h"

#include <stdlib.h>

static_assert(RECORD_SUMS_RECORDS_MAX > 31 + 1, "a month's days and its own record");
static_assert(2 * DAY_SUM_MAX <= INT64_MAX / RECORD_SUMS_RECORDS_MAX,
              "sums need no look at overflow");

void record_sums_init(struct record_sums *sums, struct record_wanted wanted)
{
    *sums = (struct record_sums){.wanted = wanted};
    for (int m = 0; m < METRIC__COUNT; m++) {
        if ((wanted.metrics >> m & 1) == 0)
            continue;
        sums->columns[m] = calloc((size_t)wanted.names + 1, sizeof(*sums->columns[m]));
        if (sums->columns[m] == NULL)
            abort();
    }
}

void record_sums_done(struct record_sums *sums)
{
    for (int m = 0; m < METRIC__COUNT; m++)
        free(sums->columns[m]);
    *sums = (struct record_sums){0};
}

void record_sums_reset(struct record_sums *sums)
{
    for (int m = 0; m < METRIC__COUNT; m++)
        if (sums->columns[m] != NULL)
            memset(sums->columns[m], 0, sums->wanted.names * sizeof(*sums->columns[m]));
    sums->added = 0;
}

bool record_sums_at(const struct record_sums *sums, uint32_t name, int64_t ret_sums[METRIC__COUNT])
{
    bool any = false;
    for (int m = 0; m < METRIC__COUNT; m++) {
        ret_sums[m] = 0;
        if (sums->columns[m] != NULL)
            day_sum_add(&ret_sums[m], sums->columns[m][name]);
        any |= ret_sums[m] != 0;
    }
    return any;
}

#pragma once

/* A month's sealed days on their way into sums: which records and parts are needed, and what they
 * hold. Does no I/O; used by query_read.c alone. */

#include "aggregator/query_answer.h"
#include "aggregator/query_cache.h"
#include "aggregator/query_commands.h"
#include "common/redis.h"

/* A GETRANGE of the record of a date, or with yyyymm00 of a month. */
void query_sealed_add_range(struct query_commands *commands, const struct site *site, uint32_t date,
                            size_t first, size_t last);
/* What stands in a record's header; an empty one means that there is no record. False when it is
 * damaged or another date's. */
MUST_CHECK bool query_sealed_open(struct str header, uint32_t date, struct query_unit *ret_seen,
                                  struct record *ret_record);
/* Whether a record still has the stamp that it had. */
bool query_unit_is(const struct query_unit *unit, struct str stamp);

/* The metrics that must be read to answer a plan: bits, 1 << METRIC_.... */
uint32_t query_sealed_metrics(const struct query_plan *plan);
/* False: QUERY_TOO_MANY_GROUPS. */
MUST_CHECK bool query_sealed_answer(const struct query_plan *plan, const struct query_sum *sum,
                                    struct query_answer *answer);

struct query_sealed;

struct query_sealed_month {
    uint32_t date;               /* yyyymm00 */
    bool has_days;               /* any record of a day */
    struct query_unit seen;      /* its own record */
    const struct record *record; /* of what was folded into it, which is asked for whole; or NULL */
    bool may_have_sum;           /* it is asked for whole, and over: its sum is looked for */
};

struct query_sealed *query_sealed_new(const struct query_plan *plan, struct query_cache *cache,
                                      const struct query_sealed_month *month);
void query_sealed_free(struct query_sealed *sealed);
/* Dates in order. Their rows will be added to `sum`, which is one for all when the month's own
 * record is used. */
void query_sealed_add_date(struct query_sealed *sealed, uint32_t date, struct query_sum *sum);

enum query_sealed_status {
    QUERY_SEALED_OK,
    QUERY_SEALED_DAMAGED,
    QUERY_SEALED_ANEW, /* it was sealed again in between, or a part or its sum is damaged */
    QUERY_SEALED_FULL, /* QUERY_TOO_MANY_GROUPS */
};

/* Add what is needed, perhaps nothing; the takes are told how many replies of others come first.
 * Parts are asked for after the headers; returns their bytes. */
void query_sealed_add_headers(struct query_sealed *sealed, struct query_commands *commands);
MUST_CHECK enum query_sealed_status query_sealed_take_headers(struct query_sealed *sealed,
                                                              const struct redis_reply *exec,
                                                              size_t first);
size_t query_sealed_add_parts(struct query_sealed *sealed, struct query_commands *commands);
MUST_CHECK enum query_sealed_status
query_sealed_take_parts(struct query_sealed *sealed, const struct redis_reply *exec, size_t first);
/* Notes in the sums what they were made of. */
void query_sealed_end(struct query_sealed *sealed);
/* What was seen of a date's record; false when it was not looked at. */
bool query_sealed_seen(const struct query_sealed *sealed, uint32_t date,
                       struct query_unit *ret_seen);

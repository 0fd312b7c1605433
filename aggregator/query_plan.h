#pragma once

/* What must be read to answer a query: which days, which tables, which buckets. Pure. */

#include <stdint.h>

#include "aggregator/query.h"
#include "aggregator/site.h"
#include "common/macros.h"

enum { QUERY_TABLES_MAX = 2, QUERY_LABEL_BYTES = 24, QUERY_MOMENT_BYTES = 32 };

/* Days, first to last; hours of the first and the last where `hourly` (period 24h). */
struct query_span {
    uint32_t first, last;
    bool hourly;
    uint8_t first_hour, last_hour;
};

struct query_plan {
    const struct query *query; /* both must outlive the plan */
    const struct site *site;
    uint32_t today;
    enum query_time time; /* never QUERY_AUTO */
    enum table table;     /* whose rows are asked */
    struct str prop_key;  /* of TABLE_PROP */
    bool is_crossed;      /* its rows are cells of `cross`, for what filters leave of `narrow` */
    enum cross cross;
    enum table narrow;
    /* What must be read of each date; tables[0] is `table`, or stands for `cross`. */
    enum table tables[QUERY_TABLES_MAX];
    size_t table_count;
    struct query_span spans[2]; /* asked, compared with */
    size_t span_count;
};

MUST_CHECK enum query_status query_plan_make(const struct query *query, const struct site *site,
                                             int64_t now_ms, struct query_plan *ret_plan);
/* The dates to read, each once, none in the future: start with *cursor = 0; false at the end. */
bool query_plan_next_date(const struct query_plan *plan, uint32_t *cursor, uint32_t *ret_date);
/* What has no row of its own, visits without a value and what caps have cut off a cross, is what
 * the sum of all is more than the rows: the total, or of a cross what filters leave of `narrow`. */
bool query_plan_has_rest(const struct query_plan *plan);

/* --- Rows (query_match.c) -----------------------------------------------------------------------
 */

/* False when the stored value `whole` of plan->table is not asked for; otherwise what its row is
 * called in the answer. */
MUST_CHECK bool query_plan_row(const struct query_plan *plan, struct str whole,
                               struct str *ret_label);
/* Whether the filters leave this value of plan->narrow. */
bool query_plan_narrows_to(const struct query_plan *plan, struct str value);
/* What has no row is called: visits without a value as Plausible does, else MODEL_OTHER. */
struct str query_plan_rest_name(const struct query_plan *plan);

/* --- Buckets (query_span.c) ---------------------------------------------------------------------
 */

/* Buckets count from 0 at the span's first. `hour` is for QUERY_HOUR only. */
uint32_t query_span_bucket(const struct query_span *span, enum query_time time, uint32_t date,
                           unsigned hour);
uint32_t query_span_buckets(const struct query_span *span, enum query_time time);
/* False for an hour that this zone's clock skips on that date. "2026-11-23 14:00:00",
 * "2026-11-23"; weeks by their Monday, a first week by the span's first day. */
MUST_CHECK bool query_span_label(const struct query_span *span, enum query_time time,
                                 const struct time_zone *zone, uint32_t bucket,
                                 char ret_label[QUERY_LABEL_BYTES]);
/* The span's first or last second, "2026-11-23T00:00:00+01:00". */
void query_span_moment(const struct query_span *span, const struct time_zone *zone, bool last,
                       char ret_text[QUERY_MOMENT_BYTES]);

#pragma once

/* The answer to a query, gathered day by day: rows go in, JSON comes out. Pure; one thread. */

#include "aggregator/query_plan.h"
#include "aggregator/query_rows.h"
#include "common/macros.h"

struct json_t; /* jansson */
struct query_answer;

struct query_answer *query_answer_new(const struct query_plan *plan);
void query_answer_free(struct query_answer *answer);
/* As it was made. */
void query_answer_reset(struct query_answer *answer);
/* What a (date, table) of the plan holds, in any order; in parts when it is in two places, and for
 * many dates of the same buckets at once, as the first of them. False when the answer has
 * QUERY_GROUPS_MAX rows: QUERY_TOO_MANY_GROUPS. */
MUST_CHECK bool query_answer_add(struct query_answer *answer, uint32_t date, enum table table,
                                 const struct query_rows *rows);
/* Some cells of a cross were counted under "(other)". */
void query_answer_note_cut(struct query_answer *answer);
bool query_answer_is_cut(const struct query_answer *answer);
/* The whole answer: results, meta, query. The caller has the reference. */
struct json_t *query_answer_json(struct query_answer *answer);
/* The same as text, appended to `out`. Of many rows much quicker. */
void query_answer_print(struct query_answer *answer, struct buf *out);

/* --- For query_json.c ---------------------------------------------------------------------------
 */

/* One row of the answer. A metric that is not known is NAN. */
struct query_result {
    uint32_t bucket;
    struct str value;
    double metrics[QUERY_METRIC__COUNT]; /* in the order asked */
};

const struct query_plan *query_answer_plan(const struct query_answer *answer);
/* The rows of the asked span, ordered; *ret_count of them. Once. Lives as long as the answer. */
const struct query_result *query_answer_results(struct query_answer *answer, size_t *ret_count);
/* All rows of the compared span, ordered alike. Once. */
const struct query_result *query_answer_compared(struct query_answer *answer, size_t *ret_count);
/* The compared span's figures for the same value and the same place in time; zeros where it has
 * none. */
void query_answer_counterpart(const struct query_answer *answer, const struct query_result *result,
                              struct query_result *ret_compared);
/* The asked span; "all" begins with the first date that held anything. */
struct query_span query_answer_span(const struct query_answer *answer);

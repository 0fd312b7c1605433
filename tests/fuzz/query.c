/* Any bytes as a question: it is refused with a sentence, or planned and answered over no rows and
 * over a row of each table. */

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "aggregator/query_answer.h"
#include "aggregator/query_cross.h"
#include "tests/fuzz/fuzz.h"

/* 2026-11-23T12:30:00Z */
static const int64_t NOW_MS = 1795437000000;

static void answer(const struct query_plan *plan)
{
    struct query_answer *gathered = query_answer_new(plan);
    uint32_t cursor = 0, date;
    while (query_plan_next_date(plan, &cursor, &date)) {
        assert(date <= plan->today);
        if (cursor % 16 != 1)
            continue; /* most days are empty; five years are slow */
        for (size_t t = 0; t < plan->table_count; t++) {
            struct query_rows rows;
            query_rows_init(&rows, 4);
            query_rows_add_field(&rows, STR_LIT("v09"), STR_LIT("3"));
            query_rows_add_field(&rows, STR_LIT("usignup\x1fplan\x1fpro"), STR_LIT("2"));
            query_rows_add_field(&rows, STR_LIT("sNL-NH"), STR_LIT("-1"));
            const struct query_cross to = {plan, &rows, gathered};
            if (plan->is_crossed) {
                query_cross_add_field(&to, STR_LIT("/a\x1fNL"), STR_LIT("3:2"));
                query_cross_add_field(&to, STR_LIT("(other)"), STR_LIT("0:1"));
                query_cross_add_field(&to, STR_EMPTY, STR_LIT("1"));
            }
            assert(query_answer_add(gathered, date, plan->tables[t], &rows));
            query_rows_done(&rows);
        }
    }
    json_t *root = query_answer_json(gathered);
    char *text = json_dumps(root, JSON_COMPACT);
    assert(text != NULL);
    free(text);
    json_decref(root);
    query_answer_free(gathered);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct site *site;
    struct query query;
    struct query_plan plan;
    char error[200];
    if (site == NULL)
        site = site_parse(STR_LIT("example.com"), STR_LIT("{\"timezone\":\"Europe/Amsterdam\"}"),
                          error, sizeof(error));
    assert(site != NULL);
    enum query_status status = query_parse((struct str){(const char *)data, len}, &query);
    assert(query_status_sentence(status) != NULL);
    if (status != QUERY_OK)
        return 0;
    if (query_plan_make(&query, site, NOW_MS, &plan) == QUERY_OK)
        answer(&plan);
    query_done(&query);
    return 0;
}

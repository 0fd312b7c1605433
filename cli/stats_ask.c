/* A question asked over the waiting client: a step after the other, each in one MULTI. Collectors
 * tell nothing here, so what is not applied yet is not in the answer. Used by `footfall stats`. */

#include "cli/stats_ask.h"

#include <jansson.h>
#include <stdlib.h>

#include "aggregator/query_ask.h"
#include "cli/command.h"
#include "common/clock.h"

/* --- Asking -------------------------------------------------------------------------------------
 */

static bool read_all(struct redis *redis, const struct query_plan *plan,
                     struct query_answer *answer)
{
    struct query_cache *cache = query_cache_new(QUERY_CACHE_BYTES_MAX);
    struct query_read *read = query_read_new(plan, cache, NULL, answer);
    enum query_read_status status = query_ask_all(redis, read);
    query_read_free(read);
    query_cache_free(cache);
    if (status == QUERY_READ_FAILED)
        (void)command_fail("the counts cannot be read from Redis.");
    else if (status != QUERY_READ_OK)
        (void)command_fail(query_status_sentence(status == QUERY_READ_FULL ? QUERY_TOO_MANY_GROUPS
                                                                           : QUERY_MONTHS_ONLY));
    return status == QUERY_READ_OK;
}

json_t *stats_ask(struct redis *redis, const struct site *site, json_t *question,
                  enum query_status *ret_status)
{
    struct query query;
    struct query_plan plan;
    json_t *root = NULL;
    char *text = json_dumps(question, JSON_COMPACT);
    json_decref(question);
    if (text == NULL)
        abort();
    *ret_status = query_parse(str_from(text), &query);
    free(text);
    if (*ret_status != QUERY_OK)
        return NULL;
    *ret_status = query_plan_make(&query, site, clock_wall_ms(), &plan);
    if (*ret_status == QUERY_OK) {
        struct query_answer *answer = query_answer_new(&plan);
        if (read_all(redis, &plan, answer))
            root = query_answer_json(answer);
        query_answer_free(answer);
    }
    query_done(&query);
    return root;
}

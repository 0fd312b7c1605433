/* A question asked over the waiting client: a date after the other, each in one MULTI. Collectors
 * tell nothing here, so what is not applied yet is not in the answer. Used by `footfall stats`. */

#include "cli/stats_ask.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregator/query_read.h"
#include "common/clock.h"

static void complain(const char *sentence)
{
    fprintf(stderr, "footfall: %s\n", sentence);
}

/* --- Asking -------------------------------------------------------------------------------------
 */

/* MULTI, the commands of one date, EXEC. */
static bool read_date(struct redis *redis, struct query_read *read, struct query_answer *answer,
                      enum query_read_status *ret_status)
{
    size_t count = query_read_count(read) + 2;
    struct str(*args)[QUERY_READ_ARGS] = calloc(count, sizeof(*args));
    size_t *argc = calloc(count, sizeof(*argc));
    const struct str **argv = calloc(count, sizeof(*argv));
    struct redis_reply **replies = calloc(count, sizeof(*replies));
    if (args == NULL || argc == NULL || argv == NULL || replies == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        argc[i] = i == 0 || i == count - 1 ? 1 : QUERY_READ_ARGS;
        argv[i] = args[i];
        if (argc[i] == QUERY_READ_ARGS)
            query_read_command(read, i - 1, args[i]);
    }
    args[0][0] = STR_LIT("MULTI");
    args[count - 1][0] = STR_LIT("EXEC");
    bool good = redis_pipeline(redis, count, argc, argv, replies);
    if (good)
        *ret_status = query_read_take(read, replies[count - 1], answer);
    for (size_t i = 0; good && i < count; i++)
        redis_reply_free(replies[i]);
    free(args);
    free(argc);
    free(argv);
    free(replies);
    return good;
}

static bool read_all(struct redis *redis, const struct query_plan *plan,
                     struct query_answer *answer)
{
    uint32_t cursor = 0, date;
    while (query_plan_next_date(plan, &cursor, &date)) {
        enum query_read_status status = QUERY_READ_FAILED;
        struct query_read *read = query_read_new(plan, date, NULL);
        bool good = read_date(redis, read, answer, &status);
        query_read_free(read);
        if (!good || status == QUERY_READ_FAILED) {
            complain("the counts cannot be read from Redis.");
            return false;
        }
        if (status == QUERY_READ_FULL) {
            complain(query_status_sentence(QUERY_TOO_MANY_GROUPS));
            return false;
        }
    }
    return true;
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

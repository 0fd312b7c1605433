/* A question asked over the waiting client: a step after the other, each in one MULTI. Collectors
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

/* MULTI, the commands of one step, EXEC; false when the connection died. */
static bool read_step(struct redis *redis, struct query_read *read,
                      enum query_read_status *ret_status)
{
    const struct query_commands *commands = query_read_commands(read);
    size_t count = commands->count + 2;
    struct str(*args)[QUERY_COMMAND_ARGS_MAX] = calloc(count, sizeof(*args));
    size_t *argc = calloc(count, sizeof(*argc));
    const struct str **argv = calloc(count, sizeof(*argv));
    struct redis_reply **replies = calloc(count, sizeof(*replies));
    if (args == NULL || argc == NULL || argv == NULL || replies == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        bool is_command = i > 0 && i < count - 1;
        argc[i] = is_command ? query_commands_at(commands, i - 1, args[i]) : 1;
        argv[i] = args[i];
    }
    args[0][0] = STR_LIT("MULTI");
    args[count - 1][0] = STR_LIT("EXEC");
    bool good = redis_pipeline(redis, count, argc, argv, replies);
    if (good)
        *ret_status = query_read_take(read, replies[count - 1]);
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
    struct query_cache *cache = query_cache_new(QUERY_CACHE_BYTES_MAX);
    struct query_read *read = query_read_new(plan, cache, NULL, answer);
    enum query_read_status status = QUERY_READ_AGAIN;
    while (status == QUERY_READ_AGAIN)
        if (!read_step(redis, read, &status))
            status = QUERY_READ_FAILED;
    query_read_free(read);
    query_cache_free(cache);
    if (status == QUERY_READ_FAILED)
        complain("the counts cannot be read from Redis.");
    else if (status != QUERY_READ_OK)
        complain(query_status_sentence(status == QUERY_READ_FULL ? QUERY_TOO_MANY_GROUPS
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

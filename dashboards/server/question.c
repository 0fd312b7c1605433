/* Questions. Each step of one is a MULTI … EXEC of its own: one snapshot a step is all that a right
 * answer needs, and Redis is held up for one open day's hashes only.
 *
 *   plan ─▶ MULTI  commands of the step  EXEC ─▶ next step … ─▶ rows of the answer ─▶ JSON
 *
 * What was told by collectors is taken when a date's commands are sent. */

#include "dashboards/server/question.h"

#include <assert.h>
#include <stdlib.h>

#include "aggregator/query_read.h"
#include "common/clock.h"

static const unsigned QUESTION_MAGIC = 0x51554553;

struct question {
    unsigned magic;
    struct desk *desk;
    struct query query;
    struct query_plan plan;
    struct query_answer *answer;
    struct query_read *read;
    struct site_list *sites; /* keeps the site */
    enum question_outcome outcome;
    enum query_status status;
    bool (*wanted)(void *data);
    question_fn fn;
    void *data;
};

static void finish(struct question *question)
{
    struct desk *desk = question->desk;
    bool answered = question->outcome == QUESTION_ANSWERED;
    desk->questions--;
    question->fn(question->outcome, question->status, answered ? question->answer : NULL,
                 question->data);
    query_read_free(question->read);
    query_answer_free(question->answer);
    query_done(&question->query);
    site_list_unref(question->sites);
    question->magic = 0;
    free(question);
}

static void end(struct question *question, enum question_outcome outcome, enum query_status status)
{
    question->outcome = outcome;
    question->status = status;
    finish(question);
}

static void on_queued(const struct redis_reply *reply, void *data)
{
    /* What was not queued fails the EXEC. */
    (void)reply;
    (void)data;
}

static void send_step(struct question *question);

static void on_exec(const struct redis_reply *reply, void *data)
{
    struct question *question = data;
    assert(question->magic == QUESTION_MAGIC);
    overlay_expire(question->desk->overlay, clock_mono_ms());
    enum query_read_status status =
        reply == NULL ? QUERY_READ_FAILED : query_read_take(question->read, reply);
    switch (status) {
    case QUERY_READ_AGAIN:
        send_step(question);
        break;
    case QUERY_READ_OK:
        end(question, QUESTION_ANSWERED, QUERY_OK);
        break;
    case QUERY_READ_FAILED:
        end(question, QUESTION_FAILED, QUERY_OK);
        break;
    case QUERY_READ_FULL:
        end(question, QUESTION_REFUSED, QUERY_TOO_MANY_GROUPS);
        break;
    case QUERY_READ_MONTHS:
        end(question, QUESTION_REFUSED, QUERY_MONTHS_ONLY);
        break;
    }
}

/* False when nothing was sent that would be answered by on_exec. */
static bool send_commands(struct question *question)
{
    struct redis_link *link = question->desk->link;
    const struct query_commands *commands = query_read_commands(question->read);
    struct str multi[] = {STR_LIT("MULTI")}, exec[] = {STR_LIT("EXEC")};
    bool sent = redis_link_send(link, 1, multi, on_queued, NULL);
    for (size_t i = 0; sent && i < commands->count; i++) {
        struct str args[QUERY_COMMAND_ARGS_MAX];
        size_t argc = query_commands_at(commands, i, args);
        sent = redis_link_send(link, argc, args, on_queued, NULL);
    }
    return sent && redis_link_send(link, 1, exec, on_exec, question);
}

static void send_step(struct question *question)
{
    bool unwanted = question->wanted != NULL && !question->wanted(question->data);
    if (unwanted || !send_commands(question))
        end(question, QUESTION_FAILED, QUERY_OK);
}

void question_ask(struct desk *desk, const struct query *query, const struct site *site,
                  bool (*wanted)(void *data), question_fn fn, void *data)
{
    struct question *question = calloc(1, sizeof(*question));
    if (question == NULL)
        abort();
    *question = (struct question){.magic = QUESTION_MAGIC,
                                  .desk = desk,
                                  .query = *query,
                                  .sites = site_list_ref(desk->sites),
                                  .wanted = wanted,
                                  .fn = fn,
                                  .data = data};
    desk->questions++;
    enum query_status status =
        query_plan_make(&question->query, site, clock_wall_ms(), &question->plan);
    if (desk->questions > QUESTIONS_MAX || desk->stopping) {
        end(question, QUESTION_BUSY, QUERY_OK);
    } else if (status != QUERY_OK) {
        end(question, QUESTION_REFUSED, status);
    } else {
        question->answer = query_answer_new(&question->plan);
        question->read =
            query_read_new(&question->plan, desk->kept, desk->overlay, question->answer);
        send_step(question);
    }
}

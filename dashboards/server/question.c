/* Questions. A few days of each are under way at a time, each in a MULTI … EXEC of its own: one
 * snapshot a day is all that a right answer needs, and Redis is held up for one day's hashes only.
 *
 *   plan's dates ─▶ MULTI  HGETALL…  GET…  EXEC ─▶ rows of the answer ─▶ next date … ─▶ JSON
 *
 * What was told by collectors is taken when a date's commands are sent. */

#include "dashboards/server/question.h"

#include <assert.h>
#include <jansson.h>
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
    struct site_list *sites; /* keeps the site */
    uint32_t cursor;         /* of query_plan_next_date() */
    bool all_sent;
    unsigned days; /* under way */
    enum question_outcome outcome;
    enum query_status status;
    bool (*wanted)(void *data);
    question_fn fn;
    void *data;
};

/* One day under way. */
struct day {
    struct question *question;
    struct query_read *read;
};

static void finish(struct question *question)
{
    struct desk *desk = question->desk;
    json_t *answer = NULL;
    desk->questions--;
    if (question->outcome == QUESTION_ANSWERED)
        answer = query_answer_json(question->answer);
    question->fn(question->outcome, question->status, answer, question->data);
    query_answer_free(question->answer);
    query_done(&question->query);
    site_list_unref(question->sites);
    question->magic = 0;
    free(question);
}

static void fail(struct question *question, enum question_outcome outcome, enum query_status status)
{
    question->all_sent = true;
    question->outcome = outcome;
    question->status = status;
}

static void send_days(struct question *question);

static void on_queued(const struct redis_reply *reply, void *data)
{
    /* What was not queued fails the EXEC. */
    (void)reply;
    (void)data;
}

static void on_exec(const struct redis_reply *reply, void *data)
{
    struct day *day = data;
    struct question *question = day->question;
    assert(question->magic == QUESTION_MAGIC);
    enum query_read_status status =
        reply == NULL ? QUERY_READ_FAILED : query_read_take(day->read, reply, question->answer);
    query_read_free(day->read);
    free(day);
    question->days--;
    if (status == QUERY_READ_FAILED)
        fail(question, QUESTION_FAILED, QUERY_OK);
    else if (status == QUERY_READ_FULL)
        fail(question, QUESTION_REFUSED, QUERY_TOO_MANY_GROUPS);
    send_days(question);
}

/* False when nothing was sent that would be answered by on_exec. */
static bool send_day(struct question *question, struct day *day)
{
    struct redis_link *link = question->desk->link;
    struct str multi[] = {STR_LIT("MULTI")}, exec[] = {STR_LIT("EXEC")};
    bool sent = redis_link_send(link, 1, multi, on_queued, NULL);
    for (size_t i = 0; sent && i < query_read_count(day->read); i++) {
        struct str args[QUERY_READ_ARGS];
        query_read_command(day->read, i, args);
        sent = redis_link_send(link, QUERY_READ_ARGS, args, on_queued, NULL);
    }
    return sent && redis_link_send(link, 1, exec, on_exec, day);
}

static void send_days(struct question *question)
{
    struct desk *desk = question->desk;
    uint32_t date;
    while (!question->all_sent && question->days < QUESTION_DAYS_MAX) {
        if (!query_plan_next_date(&question->plan, &question->cursor, &date)) {
            question->all_sent = true;
            break;
        }
        struct day *day = malloc(sizeof(*day));
        if (day == NULL)
            abort();
        overlay_expire(desk->overlay, clock_mono_ms());
        day->question = question;
        const struct overlay_wanted wanted = {question->plan.site->domain, date,
                                              .crosses = question->plan.is_crossed};
        day->read = query_read_new(&question->plan, date, overlay_day_new(desk->overlay, &wanted));
        question->days++;
        bool unwanted = question->wanted != NULL && !question->wanted(question->data);
        if (unwanted || !send_day(question, day)) {
            question->days--;
            query_read_free(day->read);
            free(day);
            fail(question, QUESTION_FAILED, QUERY_OK);
        }
    }
    if (question->all_sent && question->days == 0)
        finish(question);
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
        question->outcome = QUESTION_BUSY;
        finish(question);
    } else if (status != QUERY_OK) {
        question->outcome = QUESTION_REFUSED;
        question->status = status;
        finish(question);
    } else {
        question->answer = query_answer_new(&question->plan);
        send_days(question);
    }
}

/* What is open of one date: the plan's tables, the marks in the total, and the sketches of cells of
 * which something is not applied yet. For a plan of the tables page and entry_page, with something
 * open on "/a":
 *
 *   HGETALL …:page   HGETALL …:entry_page   HGETALL …:total   GET …seen…:page:/a   GET
 * …entry_page:/a
 *
 * Of a plan with a cross, page under a filter on country:
 *
 *   HGETALL …:page*country   HGETALL …:country   HGETALL …:total
 *
 * Used by query_read.c. */

#include "aggregator/query_live.h"

#include <assert.h>
#include <stdlib.h>

#include "aggregator/query_cross.h"

enum { NO_TOTAL = QUERY_TABLES_MAX + 1 };

struct query_live {
    const struct query_plan *plan;
    uint32_t date;
    struct overlay_day *day;  /* or NULL */
    size_t hash_count, total; /* commands that read hashes; which of them reads the total */
    size_t sketch_counts[QUERY_TABLES_MAX];
    size_t count;
};

static void end_command(struct query_live *live, struct query_commands *commands)
{
    query_commands_end_arg(commands);
    live->count++;
}

static void add_hash(struct query_live *live, enum table table, struct query_commands *commands)
{
    if (table == TABLE_TOTAL)
        live->total = live->count;
    query_commands_add(commands, STR_LIT("HGETALL"));
    model_key_live(query_commands_arg(commands), live->plan->site->domain, live->date, table);
    end_command(live, commands);
    live->hash_count++;
}

static void add_cross(struct query_live *live, struct query_commands *commands)
{
    const struct query_plan *plan = live->plan;
    query_commands_add(commands, STR_LIT("HGETALL"));
    model_key_cross(query_commands_arg(commands), plan->site->domain, live->date, plan->cross);
    end_command(live, commands);
    live->hash_count++;
}

static bool is_cross(const struct query_plan *plan, size_t t)
{
    return plan->is_crossed && t == 0;
}

static void add_sketches(struct query_live *live, size_t t, struct query_commands *commands)
{
    struct str values[OVERLAY_SKETCHES_MAX];
    enum table table = live->plan->tables[t];
    live->sketch_counts[t] = overlay_day_values(live->day, table, values);
    for (size_t i = 0; i < live->sketch_counts[t]; i++) {
        query_commands_add(commands, STR_LIT("GET"));
        model_key_seen(query_commands_arg(commands), live->plan->site->domain, live->date, table,
                       values[i]);
        end_command(live, commands);
    }
}

struct query_live *query_live_new(const struct query_plan *plan, uint32_t date,
                                  struct overlay_day *day, struct query_commands *commands)
{
    struct query_live *live = calloc(1, sizeof(*live));
    if (live == NULL)
        abort();
    *live = (struct query_live){.plan = plan, .date = date, .day = day, .total = NO_TOTAL};
    for (size_t t = 0; t < plan->table_count; t++) {
        if (is_cross(plan, t))
            add_cross(live, commands);
        else
            add_hash(live, plan->tables[t], commands);
    }
    if (day == NULL)
        return live;
    if (live->total == NO_TOTAL)
        add_hash(live, TABLE_TOTAL, commands);
    /* By a cross no visitors are asked. */
    for (size_t t = 0; t < plan->table_count && !plan->is_crossed; t++)
        add_sketches(live, t, commands);
    return live;
}

void query_live_free(struct query_live *live)
{
    if (live == NULL)
        return;
    overlay_day_free(live->day);
    free(live);
}

static bool replies_fit(const struct query_live *live, const struct redis_reply *exec)
{
    if (redis_reply_type(exec) != REDIS_TYPE_ARRAY || redis_reply_count(exec) < live->count)
        return false;
    for (size_t i = 0; i < live->count; i++) {
        const struct redis_reply *reply = redis_reply_at(exec, i);
        enum redis_type type = redis_reply_type(reply);
        bool fits = i < live->hash_count
                        ? type == REDIS_TYPE_ARRAY && redis_reply_count(reply) % 2 == 0
                        : type == REDIS_TYPE_STRING || type == REDIS_TYPE_NIL;
        if (!fits)
            return false;
    }
    return true;
}

static void take_marks(struct query_live *live, const struct redis_reply *total)
{
    for (size_t i = 0; i + 1 < redis_reply_count(total); i += 2)
        overlay_day_mark(live->day, redis_reply_str(redis_reply_at(total, i)),
                         redis_reply_str(redis_reply_at(total, i + 1)));
}

static bool take_cross(struct query_live *live, const struct redis_reply *hash,
                       struct query_answer *answer)
{
    const struct query_plan *plan = live->plan;
    struct query_rows rows;
    query_rows_init(&rows, model_table_cap(plan->table) + 1 + SECTION_CELLS_MAX);
    struct query_cross narrowing = {plan, &rows, answer};
    for (size_t i = 0; i + 1 < redis_reply_count(hash); i += 2)
        query_cross_add_field(&narrowing, redis_reply_str(redis_reply_at(hash, i)),
                              redis_reply_str(redis_reply_at(hash, i + 1)));
    if (live->day != NULL)
        overlay_day_each_cell(live->day, plan->cross, query_cross_add_cell, &narrowing);
    bool added = query_answer_add(answer, live->date, plan->table, &rows);
    query_rows_done(&rows);
    return added;
}

static bool take_table(struct query_live *live, size_t t, const struct redis_reply *exec,
                       struct query_answer *answer)
{
    enum table table = live->plan->tables[t];
    const struct redis_reply *hash = redis_reply_at(exec, t);
    struct query_rows rows;
    if (is_cross(live->plan, t))
        return take_cross(live, hash, answer);
    /* What is open may have values that the day's cap will fold into "(other)". */
    query_rows_init(&rows, model_table_cap(table) + 1 + SECTION_CELLS_MAX);
    for (size_t i = 0; i + 1 < redis_reply_count(hash); i += 2)
        query_rows_add_field(&rows, redis_reply_str(redis_reply_at(hash, i)),
                             redis_reply_str(redis_reply_at(hash, i + 1)));
    if (live->day != NULL) {
        struct str sketches[OVERLAY_SKETCHES_MAX];
        size_t first = live->hash_count;
        for (size_t before = 0; before < t; before++)
            first += live->sketch_counts[before];
        for (size_t i = 0; i < live->sketch_counts[t]; i++)
            sketches[i] = redis_reply_str(redis_reply_at(exec, first + i));
        overlay_day_add(live->day, table, sketches, live->sketch_counts[t], &rows);
    }
    bool added = query_answer_add(answer, live->date, table, &rows);
    query_rows_done(&rows);
    return added;
}

enum query_live_status query_live_take(struct query_live *live, const struct redis_reply *exec,
                                       struct query_answer *answer)
{
    if (!replies_fit(live, exec))
        return QUERY_LIVE_FAILED;
    if (live->day != NULL)
        take_marks(live, redis_reply_at(exec, live->total));
    for (size_t t = 0; t < live->plan->table_count; t++)
        if (!take_table(live, t, exec, answer))
            return QUERY_LIVE_FULL;
    return QUERY_LIVE_OK;
}

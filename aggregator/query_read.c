/* What is read of one date: the plan's tables, the marks in the total, and the sketches of cells of
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
 * Used by the dashboards over their asynchronous link, and by the command line, which has no live
 * messages, over the waiting one. */

#include "aggregator/query_read.h"

#include <assert.h>
#include <stdlib.h>

#include "aggregator/query_cross.h"

enum {
    READ_KEY_BYTES_MAX = VALUE_BYTES_MAX + HOST_BYTES_MAX + 64,
    READ_HASHES_MAX = QUERY_TABLES_MAX + 1,
    READ_COMMANDS_MAX = READ_HASHES_MAX + QUERY_TABLES_MAX * OVERLAY_SKETCHES_MAX,
};

struct query_read {
    const struct query_plan *plan;
    uint32_t date;
    struct overlay_day *day;  /* or NULL */
    size_t hash_count, total; /* commands that read hashes; which of them reads the total */
    size_t sketch_counts[QUERY_TABLES_MAX];
    size_t count;
    size_t key_ends[READ_COMMANDS_MAX]; /* in `keys` */
    struct buf keys;
};

static void end_key(struct query_read *read)
{
    assert(read->count < READ_COMMANDS_MAX && !read->keys.overflow);
    read->key_ends[read->count++] = read->keys.len;
}

static void end_hash(struct query_read *read)
{
    end_key(read);
    read->hash_count++;
}

static void add_hash(struct query_read *read, enum table table)
{
    if (table == TABLE_TOTAL)
        read->total = read->count;
    model_key_live(&read->keys, read->plan->site->domain, read->date, table);
    end_hash(read);
}

static bool is_cross(const struct query_plan *plan, size_t t)
{
    return plan->is_crossed && t == 0;
}

static void add_sketches(struct query_read *read, size_t t)
{
    struct str values[OVERLAY_SKETCHES_MAX];
    enum table table = read->plan->tables[t];
    read->sketch_counts[t] = overlay_day_values(read->day, table, values);
    for (size_t i = 0; i < read->sketch_counts[t]; i++) {
        model_key_seen(&read->keys, read->plan->site->domain, read->date, table, values[i]);
        end_key(read);
    }
}

struct query_read *query_read_new(const struct query_plan *plan, uint32_t date,
                                  struct overlay_day *day)
{
    struct query_read *read = calloc(1, sizeof(*read));
    if (read == NULL)
        abort();
    *read = (struct query_read){.plan = plan, .date = date, .day = day, .total = READ_COMMANDS_MAX};
    buf_init(&read->keys, (size_t)READ_COMMANDS_MAX * READ_KEY_BYTES_MAX);
    for (size_t t = 0; t < plan->table_count; t++) {
        if (is_cross(plan, t)) {
            model_key_cross(&read->keys, plan->site->domain, date, plan->cross);
            end_hash(read);
        } else {
            add_hash(read, plan->tables[t]);
        }
    }
    if (day == NULL)
        return read;
    if (read->total == READ_COMMANDS_MAX)
        add_hash(read, TABLE_TOTAL);
    /* By a cross no visitors are asked. */
    for (size_t t = 0; t < plan->table_count && !plan->is_crossed; t++)
        add_sketches(read, t);
    return read;
}

void query_read_free(struct query_read *read)
{
    if (read == NULL)
        return;
    overlay_day_free(read->day);
    buf_done(&read->keys);
    free(read);
}

size_t query_read_count(const struct query_read *read)
{
    return read->count;
}

void query_read_command(const struct query_read *read, size_t index,
                        struct str ret_args[QUERY_READ_ARGS])
{
    assert(index < read->count);
    size_t from = index == 0 ? 0 : read->key_ends[index - 1];
    ret_args[0] = index < read->hash_count ? STR_LIT("HGETALL") : STR_LIT("GET");
    ret_args[1] = (struct str){read->keys.ptr + from, read->key_ends[index] - from};
}

static bool replies_fit(const struct query_read *read, const struct redis_reply *exec)
{
    if (redis_reply_type(exec) != REDIS_TYPE_ARRAY || redis_reply_count(exec) != read->count)
        return false;
    for (size_t i = 0; i < read->count; i++) {
        const struct redis_reply *reply = redis_reply_at(exec, i);
        enum redis_type type = redis_reply_type(reply);
        bool fits = i < read->hash_count
                        ? type == REDIS_TYPE_ARRAY && redis_reply_count(reply) % 2 == 0
                        : type == REDIS_TYPE_STRING || type == REDIS_TYPE_NIL;
        if (!fits)
            return false;
    }
    return true;
}

static void take_marks(struct query_read *read, const struct redis_reply *total)
{
    for (size_t i = 0; i + 1 < redis_reply_count(total); i += 2)
        overlay_day_mark(read->day, redis_reply_str(redis_reply_at(total, i)),
                         redis_reply_str(redis_reply_at(total, i + 1)));
}

static bool take_cross(struct query_read *read, const struct redis_reply *hash,
                       struct query_answer *answer)
{
    const struct query_plan *plan = read->plan;
    struct query_rows rows;
    query_rows_init(&rows, model_table_cap(plan->table) + 1 + SECTION_CELLS_MAX);
    struct query_cross narrowing = {plan, &rows, answer};
    for (size_t i = 0; i + 1 < redis_reply_count(hash); i += 2)
        query_cross_add_field(&narrowing, redis_reply_str(redis_reply_at(hash, i)),
                              redis_reply_str(redis_reply_at(hash, i + 1)));
    if (read->day != NULL)
        overlay_day_each_cell(read->day, plan->cross, query_cross_add_cell, &narrowing);
    bool added = query_answer_add(answer, read->date, plan->table, &rows);
    query_rows_done(&rows);
    return added;
}

static bool take_table(struct query_read *read, size_t t, const struct redis_reply *exec,
                       struct query_answer *answer)
{
    enum table table = read->plan->tables[t];
    const struct redis_reply *hash = redis_reply_at(exec, t);
    struct query_rows rows;
    if (is_cross(read->plan, t))
        return take_cross(read, hash, answer);
    /* What is open may have values that the day's cap will fold into "(other)". */
    query_rows_init(&rows, model_table_cap(table) + 1 + SECTION_CELLS_MAX);
    for (size_t i = 0; i + 1 < redis_reply_count(hash); i += 2)
        query_rows_add_field(&rows, redis_reply_str(redis_reply_at(hash, i)),
                             redis_reply_str(redis_reply_at(hash, i + 1)));
    if (read->day != NULL) {
        struct str sketches[OVERLAY_SKETCHES_MAX];
        size_t first = read->hash_count;
        for (size_t before = 0; before < t; before++)
            first += read->sketch_counts[before];
        for (size_t i = 0; i < read->sketch_counts[t]; i++)
            sketches[i] = redis_reply_str(redis_reply_at(exec, first + i));
        overlay_day_add(read->day, table, sketches, read->sketch_counts[t], &rows);
    }
    bool added = query_answer_add(answer, read->date, table, &rows);
    query_rows_done(&rows);
    return added;
}

enum query_read_status query_read_take(struct query_read *read, const struct redis_reply *exec,
                                       struct query_answer *answer)
{
    if (!replies_fit(read, exec))
        return QUERY_READ_FAILED;
    if (read->day != NULL)
        take_marks(read, redis_reply_at(exec, read->total));
    for (size_t t = 0; t < read->plan->table_count; t++)
        if (!take_table(read, t, exec, answer))
            return QUERY_READ_FULL;
    return QUERY_READ_OK;
}

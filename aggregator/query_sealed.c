/* One month of a question: the parts of its days' records and of its own, which holds the days that
 * were folded into it and no other, so that all of them add up. What the sum of the month has of
 * its days (month_sum.h) is read from it and not from them.
 *
 *   headers of days ─▶ names (what is not kept of them) and parts ─▶ a day with the month's names
 *                                                                     ─▶ rows of the run's sum
 *
 * Within a month rows add up by the numbers of their names; texts are met once a run and month.
 * Metrics that nobody asks for are not decoded. */

#include "aggregator/query_sealed.h"

#include <assert.h>
#include <stdlib.h>

#include "aggregator/month_sum.h"
#include "aggregator/query_cross.h"

struct sealed_date {
    uint32_t date;
    struct query_sum *sum;
    struct query_unit seen;
    struct record record; /* when seen.is_there */
};

struct query_sealed {
    const struct query_plan *plan;
    struct query_cache *cache;
    struct query_sealed_month month;
    bool asks_names;
    uint32_t names_from; /* where what is asked of them begins */
    size_t date_count;
    struct sealed_date dates[MONTH_SUM_DAYS];
    bool has_sum; /* one that holds for the dates as they were seen */
    struct record sum;
    struct record_reader *reader; /* the cache's */
    /* What was decoded and is in no sum yet: a cross as cells of `day`, tables in `sums`. */
    struct day day;
    struct record_sums sums[QUERY_TABLES_MAX];
};

/* --- Records ------------------------------------------------------------------------------------
 */

void query_sealed_add_range(struct query_commands *commands, const struct site *site, uint32_t date,
                            size_t first, size_t last)
{
    query_commands_add(commands, STR_LIT("GETRANGE"));
    if (date % 100 == 0)
        model_key_month(query_commands_arg(commands), site->domain, date);
    else
        model_key_day(query_commands_arg(commands), site->domain, date);
    query_commands_end_arg(commands);
    query_commands_range(commands, first, (int64_t)last);
}

bool query_sealed_open(struct str header, uint32_t date, struct query_unit *ret_seen,
                       struct record *ret_record)
{
    struct query_unit seen = {.date = date, .is_there = header.len > 0};
    if (seen.is_there) {
        if (record_open(header, ret_record) != RECORD_OK || ret_record->date != date)
            return false;
        memcpy(seen.stamp, header.ptr + RECORD_STAMP_AT, RECORD_STAMP_BYTES);
    }
    *ret_seen = seen;
    return true;
}

bool query_unit_is(const struct query_unit *unit, struct str stamp)
{
    return unit->is_there ? str_eq(stamp, (struct str){unit->stamp, RECORD_STAMP_BYTES})
                          : stamp.len == 0;
}

/* --- Into the answer ----------------------------------------------------------------------------
 */

uint32_t query_sealed_metrics(const struct query_plan *plan)
{
    static const uint32_t METRICS_OF[QUERY_METRIC__COUNT] = {
        [QUERY_VISITORS] = 1u << METRIC_VISITORS,
        [QUERY_BOUNCE_RATE] = 1u << METRIC_BOUNCES,
        [QUERY_VISIT_DURATION] = 1u << METRIC_VISIT_SECONDS,
        [QUERY_TIME_ON_PAGE] = 1u << METRIC_ENGAGED_SECONDS | 1u << METRIC_ENGAGED_VIEWS,
        [QUERY_SCROLL_DEPTH] = 1u << METRIC_SCROLL_PERCENT | 1u << METRIC_SCROLL_VIEWS,
    };
    /* Without these nobody knows whether there is a row at all. */
    uint32_t metrics = 1u << METRIC_PAGEVIEWS | 1u << METRIC_VISITS | 1u << METRIC_EVENTS;
    for (size_t i = 0; i < plan->query->metric_count; i++)
        metrics |= METRICS_OF[plan->query->metrics[i]];
    return metrics;
}

static bool is_cross(const struct query_plan *plan, size_t t)
{
    return plan->is_crossed && t == 0;
}

static bool answer_cross(const struct query_plan *plan, const struct query_sum *sum,
                         struct query_answer *answer)
{
    const struct query_rows *pairs = &sum->rows[0];
    struct query_rows rows;
    query_rows_init(&rows, QUERY_GROUPS_MAX);
    const struct query_cross narrowing = {plan, &rows, answer};
    for (uint32_t i = 0; i < pairs->count; i++)
        query_cross_add_row(&narrowing, query_rows_key(pairs, &pairs->rows[i]),
                            pairs->rows[i].sums);
    bool added = query_answer_add(answer, sum->first_date, plan->table, &rows);
    query_rows_done(&rows);
    return added;
}

bool query_sealed_answer(const struct query_plan *plan, const struct query_sum *sum,
                         struct query_answer *answer)
{
    bool added = true;
    for (size_t t = 0; added && sum->first_date != 0 && t < plan->table_count; t++)
        added = is_cross(plan, t)
                    ? answer_cross(plan, sum, answer)
                    : query_answer_add(answer, sum->first_date, plan->tables[t], &sum->rows[t]);
    return added;
}

/* --- Making -------------------------------------------------------------------------------------
 */

static uint32_t part_of(const struct query_plan *plan, size_t t)
{
    return is_cross(plan, t) ? record_part_of_cross(plan->cross)
                             : record_part_of_table(plan->tables[t]);
}

struct query_sealed *query_sealed_new(const struct query_plan *plan, struct query_cache *cache,
                                      const struct query_sealed_month *month)
{
    struct query_sealed *sealed = calloc(1, sizeof(*sealed));
    if (sealed == NULL)
        abort();
    sealed->plan = plan;
    sealed->cache = cache;
    sealed->month = *month;
    sealed->reader = query_cache_reader(cache);
    return sealed;
}

void query_sealed_free(struct query_sealed *sealed)
{
    free(sealed);
}

void query_sealed_add_date(struct query_sealed *sealed, uint32_t date, struct query_sum *sum)
{
    assert(sealed->date_count < ARRAY_LEN(sealed->dates));
    struct sealed_date *next = &sealed->dates[sealed->date_count++];
    next->date = next->seen.date = date;
    next->sum = sum;
}

/* Of the sum of the month. */
static void add_sum_range(const struct query_sealed *sealed, struct query_commands *commands,
                          size_t first, size_t last)
{
    query_commands_add(commands, STR_LIT("GETRANGE"));
    model_key_sum(query_commands_arg(commands), sealed->plan->site->domain, sealed->month.date);
    query_commands_end_arg(commands);
    query_commands_range(commands, first, (int64_t)last);
}

static bool asks_sum(const struct query_sealed *sealed)
{
    return sealed->month.may_have_sum &&
           (query_sealed_metrics(sealed->plan) & ~MONTH_SUM_METRICS) == 0;
}

void query_sealed_add_headers(struct query_sealed *sealed, struct query_commands *commands)
{
    for (size_t d = 0; sealed->month.has_days && d < sealed->date_count; d++)
        query_sealed_add_range(commands, sealed->plan->site, sealed->dates[d].date, 0,
                               RECORD_HEADER_BYTES_MAX - 1);
    if (asks_sum(sealed))
        add_sum_range(sealed, commands, 0, MONTH_SUM_HEAD_BYTES_MAX - 1);
}

enum query_sealed_status query_sealed_take_headers(struct query_sealed *sealed,
                                                   const struct redis_reply *exec, size_t first)
{
    struct month_stamps stamps = {{0}};
    for (size_t d = 0; sealed->month.has_days && d < sealed->date_count; d++) {
        struct sealed_date *date = &sealed->dates[d];
        struct str header = redis_reply_str(redis_reply_at(exec, first + d));
        if (!query_sealed_open(header, date->date, &date->seen, &date->record))
            return QUERY_SEALED_DAMAGED;
        if (date->seen.is_there)
            month_stamps_note(&stamps, date->date, header);
    }
    if (asks_sum(sealed)) {
        struct str head = redis_reply_str(redis_reply_at(exec, first + sealed->date_count));
        sealed->has_sum = month_sum_open(head, sealed->month.date, &stamps, &sealed->sum);
    }
    return QUERY_SEALED_OK;
}

/* --- Parts --------------------------------------------------------------------------------------
 */

static struct record_names *names_of(struct query_sealed *sealed, bool drop)
{
    struct buf key;
    buf_init(&key, 2 * HOST_BYTES_MAX);
    buf_printf(&key, "names:%.*s:%u", STR_ARG(sealed->plan->site->domain), sealed->month.date);
    if (drop)
        query_cache_drop(sealed->cache, buf_str(&key));
    struct record_names *names = drop ? NULL : query_cache_names(sealed->cache, buf_str(&key));
    buf_done(&key);
    return names;
}

/* Whether the names are those that all records were sealed with. */
static bool names_hold(const struct query_sealed *sealed, const struct record_names *names)
{
    const struct record *month = sealed->month.record;
    const struct record *sum = sealed->has_sum ? &sealed->sum : NULL;
    bool hold = (month == NULL || record_names_hold(names, month->names_end, month->names_crc)) &&
                (sum == NULL || record_names_hold(names, sum->names_end, sum->names_crc));
    for (size_t d = 0; hold && d < sealed->date_count; d++) {
        const struct sealed_date *date = &sealed->dates[d];
        hold = !date->seen.is_there ||
               record_names_hold(names, date->record.names_end, date->record.names_crc);
    }
    return hold;
}

/* A record and what is read of it: the next part of the plan's tables. */
struct cursor {
    size_t record; /* 0: the month's, else a date's number + 1; behind these the sum */
    size_t t;
};

static bool is_of_sum(const struct query_sealed *sealed, const struct cursor *cursor)
{
    return cursor->record > sealed->date_count;
}

/* What the sum has is not read from the dates. */
static bool is_read(const struct query_sealed *sealed, const struct cursor *cursor)
{
    const struct query_plan *plan = sealed->plan;
    bool in_sum = sealed->has_sum && !is_cross(plan, cursor->t) &&
                  month_sum_has(&sealed->sum, plan->tables[cursor->t], query_sealed_metrics(plan));
    return cursor->record == 0 || is_of_sum(sealed, cursor) == in_sum;
}

static const struct record *record_at(const struct query_sealed *sealed, size_t number)
{
    if (number == 0)
        return sealed->month.record;
    if (number > sealed->date_count)
        return sealed->has_sum ? &sealed->sum : NULL;
    const struct sealed_date *date = &sealed->dates[number - 1];
    return date->seen.is_there ? &date->record : NULL;
}

/* The first for what is of the whole month. */
static struct sealed_date *date_of(struct query_sealed *sealed, const struct cursor *cursor)
{
    bool is_of_month = cursor->record == 0 || is_of_sum(sealed, cursor);
    return &sealed->dates[is_of_month ? 0 : cursor->record - 1];
}

/* The next part to be read; false at the end. Both the commands and their replies go by this. */
static bool next_part(const struct query_sealed *sealed, struct cursor *cursor, size_t *ret_at,
                      size_t *ret_len)
{
    for (; cursor->record <= sealed->date_count + 1; cursor->record++, cursor->t = 0) {
        const struct record *record = record_at(sealed, cursor->record);
        for (; record != NULL && cursor->t < sealed->plan->table_count; cursor->t++)
            if (is_read(sealed, cursor) &&
                record_find_part(record, part_of(sealed->plan, cursor->t), ret_at, ret_len))
                return true;
    }
    return false;
}

/* Where the names ended when the last of the records was sealed. */
static uint32_t names_end(const struct query_sealed *sealed)
{
    uint32_t end = 0;
    for (size_t r = 0; r <= sealed->date_count + 1; r++) {
        const struct record *record = record_at(sealed, r);
        end = record != NULL && record->names_end > end ? record->names_end : end;
    }
    return end;
}

size_t query_sealed_add_parts(struct query_sealed *sealed, struct query_commands *commands)
{
    struct cursor cursor = {0};
    const struct record_names *names = names_of(sealed, false);
    const struct site *site = sealed->plan->site;
    size_t at, len, bytes = 0;
    sealed->asks_names = !names_hold(sealed, names);
    if (sealed->asks_names) {
        query_commands_add(commands, STR_LIT("GETRANGE"));
        model_key_names(query_commands_arg(commands), site->domain, sealed->month.date);
        query_commands_end_arg(commands);
        sealed->names_from = names->end;
        query_commands_range(commands, names->end, -1);
        bytes = names_end(sealed) > names->end ? names_end(sealed) - names->end : 0;
    }
    for (; next_part(sealed, &cursor, &at, &len); cursor.t++, bytes += len) {
        uint32_t date = date_of(sealed, &cursor)->date;
        if (is_of_sum(sealed, &cursor))
            add_sum_range(sealed, commands, MONTH_SUM_STAMPS_BYTES + at,
                          MONTH_SUM_STAMPS_BYTES + at + len - 1);
        else
            query_sealed_add_range(commands, site, cursor.record == 0 ? sealed->month.date : date,
                                   at, at + len - 1);
    }
    return bytes;
}

static void add_row(struct query_rows *rows, struct str key, const int64_t *sums, bool *is_full)
{
    struct query_row *row = query_rows_at(rows, key);
    if (row == NULL) {
        *is_full = true;
        return;
    }
    for (int m = 0; m < METRIC__COUNT; m++)
        row->sums[m] += sums[m];
}

static void add_table(const struct day_names *names, const struct record_sums *sums,
                      struct query_rows *rows, bool *is_full)
{
    enum table table = sums->wanted.table;
    int64_t row[METRIC__COUNT];
    for (uint32_t name = 0; name < sums->wanted.names; name++)
        if (record_sums_at(sums, name, row))
            add_row(rows, day_names_at(names, table, name), row, is_full);
    /* Whoever counts visitors at all counts them in each row. */
    for (uint32_t i = 0; i < rows->count; i++)
        rows->rows[i].has_visitors = table != TABLE_EXIT_PAGE && table != TABLE_DROPS;
}

static void add_cross(const struct day *day, enum cross number, struct query_rows *rows,
                      bool *is_full)
{
    const struct day_cross *cross = &day->crosses[number];
    enum metric views = model_cross_views(number);
    char key[CROSS_VALUE_BYTES_MAX];
    for (uint32_t i = 0; i < cross->count; i++) {
        const struct day_cell *cell = &cross->cells[i];
        struct str left = day_names_at(day->names, model_cross_left(number), cell->left);
        struct str right = day_names_at(day->names, model_cross_right(number), cell->right);
        int64_t sums[METRIC__COUNT] = {[METRIC_VISITS] = cell->visits};
        sums[views] = cell->views;
        memcpy(key, left.ptr, left.len);
        key[left.len] = MODEL_CROSS_SEPARATOR;
        memcpy(key + left.len + 1, right.ptr, right.len);
        add_row(rows, (struct str){key, left.len + 1 + right.len}, sums, is_full);
    }
    int64_t hidden[METRIC__COUNT] = {[METRIC_VISITS] = cross->hidden_visits};
    hidden[views] = cross->hidden_views;
    if (cross->hidden_views != 0 || cross->hidden_visits != 0)
        add_row(rows, STR_LIT(MODEL_OTHER), hidden, is_full);
}

/* Adds what was decoded to the sum, and goes on from zeros. */
static bool flush(struct query_sealed *sealed, struct query_sum *sum)
{
    const struct query_plan *plan = sealed->plan;
    bool is_full = false;
    for (size_t t = 0; t < plan->table_count; t++) {
        if (is_cross(plan, t)) {
            add_cross(&sealed->day, plan->cross, &sum->rows[t], &is_full);
            day_reset(&sealed->day, sealed->month.date);
        } else {
            add_table(sealed->day.names, &sealed->sums[t], &sum->rows[t], &is_full);
            record_sums_reset(&sealed->sums[t]);
        }
    }
    return !is_full;
}

static enum query_sealed_status read_names(struct query_sealed *sealed,
                                           const struct redis_reply *reply)
{
    struct record_names *names = names_of(sealed, false);
    /* Whoever asked in the same step, or another question meanwhile, may have read them. */
    if (names_hold(sealed, names))
        return QUERY_SEALED_OK;
    if (names->end != sealed->names_from || !record_names_read(names, redis_reply_str(reply)) ||
        !names_hold(sealed, names)) {
        /* What was kept may be of names that were made anew. */
        (void)names_of(sealed, true);
        return QUERY_SEALED_ANEW;
    }
    return QUERY_SEALED_OK;
}

static bool read_part(struct query_sealed *sealed, const struct cursor *cursor, struct str part)
{
    const struct query_plan *plan = sealed->plan;
    const struct record *record = record_at(sealed, cursor->record);
    enum record_status status =
        is_cross(plan, cursor->t)
            ? record_read_cross(sealed->reader, record, part, plan->cross, &sealed->day)
            : record_sum_table(sealed->reader, record, part, &sealed->sums[cursor->t]);
    return status == RECORD_OK;
}

static void note_first(struct query_sum *sum, uint32_t date)
{
    if (sum->first_date == 0 || date < sum->first_date)
        sum->first_date = date;
}

static enum query_sealed_status read_parts(struct query_sealed *sealed,
                                           const struct redis_reply *exec, size_t first)
{
    struct cursor cursor = {0};
    struct query_sum *sum = NULL;
    size_t reply = first, at, len;
    for (; next_part(sealed, &cursor, &at, &len); cursor.t++, reply++) {
        struct sealed_date *date = date_of(sealed, &cursor);
        if (sum != NULL && sum != date->sum && !flush(sealed, sum))
            return QUERY_SEALED_FULL;
        sum = date->sum;
        if (!read_part(sealed, &cursor, redis_reply_str(redis_reply_at(exec, reply))))
            return QUERY_SEALED_ANEW;
        note_first(sum, date->date);
    }
    return sum == NULL || flush(sealed, sum) ? QUERY_SEALED_OK : QUERY_SEALED_FULL;
}

static void begin_decoding(struct query_sealed *sealed)
{
    const struct query_plan *plan = sealed->plan;
    struct day_names *names = &names_of(sealed, false)->names;
    day_init(&sealed->day, sealed->month.date, names);
    for (size_t t = 0; t < plan->table_count; t++) {
        const struct record_wanted wanted = {plan->tables[t], query_sealed_metrics(plan),
                                             day_names_count(names, plan->tables[t])};
        if (!is_cross(plan, t))
            record_sums_init(&sealed->sums[t], wanted);
    }
}

static void end_decoding(struct query_sealed *sealed)
{
    day_done(&sealed->day);
    for (size_t t = 0; t < sealed->plan->table_count; t++)
        record_sums_done(&sealed->sums[t]);
}

enum query_sealed_status query_sealed_take_parts(struct query_sealed *sealed,
                                                 const struct redis_reply *exec, size_t first)
{
    enum query_sealed_status status =
        sealed->asks_names ? read_names(sealed, redis_reply_at(exec, first++)) : QUERY_SEALED_OK;
    if (status != QUERY_SEALED_OK)
        return status;
    begin_decoding(sealed);
    status = read_parts(sealed, exec, first);
    end_decoding(sealed);
    return status;
}

/* --- What was seen ------------------------------------------------------------------------------
 */

bool query_sealed_seen(const struct query_sealed *sealed, uint32_t date,
                       struct query_unit *ret_seen)
{
    for (size_t d = 0; d < sealed->date_count; d++) {
        if (sealed->dates[d].date == date) {
            *ret_seen = sealed->dates[d].seen;
            return true;
        }
    }
    return false;
}

void query_sealed_end(struct query_sealed *sealed)
{
    const struct query_sum *last = NULL;
    /* The month first, then its days: query_read.c tells by it which of them there were. */
    bool has_month = sealed->month.seen.is_there || !sealed->month.has_days;
    for (size_t d = 0; d < sealed->date_count; d++) {
        struct sealed_date *date = &sealed->dates[d];
        if (has_month && date->sum != last)
            *query_sum_add_unit(date->sum, sealed->month.date) = sealed->month.seen;
        if (sealed->month.has_days)
            *query_sum_add_unit(date->sum, date->date) = date->seen;
        last = date->sum;
    }
}

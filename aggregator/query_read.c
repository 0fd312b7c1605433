/* From a plan's dates to rows of its answer.
 *
 *   runs     dates in a row that count in the same buckets: their sums can be added up before they
 *            are looked at, and be kept (query_cache)
 *   months   share names, and may have a record of their own, of the days that were folded into it
 *
 *   LOOK ─▶ what is open, which records there are, stamps of kept sums
 *     ├─▶ HEADERS ─▶ PARTS   of months of which a run is not kept, a few at once ─▶ sums
 *     └─▶ LIVE               of each open day: counters, sketches, marks, and the stamps once more
 *
 * Twelve months by page, nothing kept, on 26 November: LOOK; HEADERS of all days and months' sums;
 * PARTS, a page part of each sum, or of each day where there is none, and the months' names, in one
 * step or up to twelve; LIVE of the 25th and the 26th. The same again: LOOK, with a stamp for each
 * day; LIVE twice.
 *
 * An open day is in its record up to the last close, and in its counters from then on. A close
 * between two steps would move counts from what is read last to what was read first; the stamps in
 * LIVE's step tell, and all is read anew. */

#include "aggregator/query_read.h"

#include <assert.h>
#include <stdlib.h>

#include "aggregator/query_cross.h"
#include "aggregator/query_sealed.h"
#include "aggregator/retention.h"

struct run {
    uint32_t first, last; /* dates */
    struct query_sum *sum;
    size_t first_at; /* its first date's place */
    bool is_kept;    /* the sum is the cache's; else it is being made */
    size_t unit_at;  /* LOOK's first command about it */
};

struct read_date {
    uint32_t date;
    uint32_t run, month;
    bool is_known; /* `seen` is what was read */
    struct query_unit seen;
};

struct month {
    uint32_t date;       /* yyyymm00 */
    size_t first, count; /* of the read's dates */
    bool is_whole;       /* all its days, in one run */
    bool is_open;        /* perhaps: one of its days was when LOOK was answered */
    bool has_days;
    struct query_unit seen;
    struct record record;        /* when seen.is_there */
    struct query_sealed *sealed; /* of HEADERS and PARTS; NULL when all its runs are kept */
    size_t reply_at;             /* the first of its replies */
};

enum step { STEP_LOOK, STEP_HEADERS, STEP_PARTS, STEP_LIVE, STEP_DONE };

struct query_read {
    const struct query_plan *plan;
    struct query_cache *cache;
    const struct overlay *overlay;
    struct query_answer *answer;
    enum step step;
    unsigned tries;
    bool without_sums; /* begun anew: one that is damaged may be why */
    struct read_date *dates;
    struct run *runs;
    struct month *months;
    size_t date_count, run_count, month_count;
    size_t at;         /* first month of PARTS, date of LIVE */
    size_t end;        /* month behind those of PARTS */
    size_t step_bytes; /* of PARTS */
    struct query_live *live;
    struct query_commands commands;
};

/* --- Dates, runs, months ------------------------------------------------------------------------
 */

/* The bucket of a date in each span; -1 where it is in none. Of the last 24 hours a date tells
 * which hours count, so that each is by itself. */
static void buckets_of(const struct query_plan *plan, uint32_t date, int64_t ret_buckets[2])
{
    for (size_t s = 0; s < 2; s++) {
        const struct query_span *span = &plan->spans[s];
        ret_buckets[s] = -1;
        if (s < plan->span_count && date >= span->first && date <= span->last)
            ret_buckets[s] =
                span->hourly ? date : query_span_bucket(span, plan->time, date, span->first_hour);
    }
}

static bool continues_run(const struct query_plan *plan, uint32_t before, uint32_t date)
{
    int64_t left[2], right[2];
    buckets_of(plan, before, left);
    buckets_of(plan, date, right);
    return date_add_days(before, 1) == date && memcmp(left, right, sizeof(left)) == 0;
}

/* Whether a run has all of the month's days up to today. */
static bool run_covers(const struct query_read *read, const struct run *run, uint32_t month)
{
    uint32_t end = month_last_day(month / 100);
    end = end < read->plan->today ? end : read->plan->today;
    return run->first <= month + 1 && run->last >= end;
}

static void add_date(struct query_read *read, uint32_t date)
{
    struct run *run = read->run_count == 0 ? NULL : &read->runs[read->run_count - 1];
    struct month *month = read->month_count == 0 ? NULL : &read->months[read->month_count - 1];
    bool next_to = run != NULL && date_add_days(run->last, 1) == date;
    if (run == NULL || !continues_run(read->plan, run->last, date))
        read->runs[read->run_count++] =
            (struct run){.first = date, .last = date, .first_at = read->date_count};
    else
        run->last = date;
    if (month == NULL || !next_to || month->date != date / 100 * 100)
        read->months[read->month_count++] =
            (struct month){.date = date / 100 * 100, .first = read->date_count};
    read->months[read->month_count - 1].count++;
    read->dates[read->date_count++] = (struct read_date){.date = date,
                                                         .run = (uint32_t)read->run_count - 1,
                                                         .month = (uint32_t)read->month_count - 1};
}

static void *list_of(size_t count, size_t size)
{
    void *list = calloc(count + 1, size);
    if (list == NULL)
        abort();
    return list;
}

static void list_dates(struct query_read *read)
{
    uint32_t cursor = 0, date;
    size_t count = 0;
    while (query_plan_next_date(read->plan, &cursor, &date))
        count++;
    read->dates = list_of(count, sizeof(*read->dates));
    read->runs = list_of(count, sizeof(*read->runs));
    read->months = list_of(count, sizeof(*read->months));
    for (cursor = 0; query_plan_next_date(read->plan, &cursor, &date);)
        add_date(read, date);
    for (size_t m = 0; m < read->month_count; m++) {
        struct month *month = &read->months[m];
        month->is_whole = run_covers(read, &read->runs[read->dates[month->first].run], month->date);
    }
}

/* --- LOOK ---------------------------------------------------------------------------------------
 */

enum { LOOK_COMMANDS_A_MONTH = 3 };

static void append_sum_key(const struct query_read *read, const struct run *run, struct buf *out)
{
    const struct query_plan *plan = read->plan;
    buf_printf(out, "sum:%.*s:%u:%u:%x", STR_ARG(plan->site->domain), run->first, run->last,
               query_sealed_metrics(plan));
    for (size_t t = 0; t < plan->table_count; t++)
        buf_printf(out, ":%d", (int)plan->tables[t]);
    if (plan->is_crossed)
        buf_printf(out, "*%d", (int)plan->cross);
}

/* A GETRANGE of a record's first bytes, or of its stamp. */
static void add_range(struct query_read *read, uint32_t date, bool stamp_only)
{
    size_t first = stamp_only ? RECORD_STAMP_AT : 0;
    size_t bytes = stamp_only ? RECORD_STAMP_BYTES : RECORD_HEADER_BYTES_MAX;
    query_sealed_add_range(&read->commands, read->plan->site, date, first, first + bytes - 1);
}

static void look_at_month(struct query_read *read, const struct month *month)
{
    struct str site = read->plan->site->domain;
    /* The total is there for whatever is counted of a day, but for what was not counted. */
    enum table counted = read->plan->table == TABLE_DROPS ? TABLE_DROPS : TABLE_TOTAL;
    query_commands_add(&read->commands, STR_LIT("EXISTS"));
    for (size_t i = 0; i < month->count; i++) {
        model_key_live(query_commands_arg(&read->commands), site,
                       read->dates[month->first + i].date, counted);
        query_commands_end_arg(&read->commands);
    }
    query_commands_add(&read->commands, STR_LIT("EXISTS"));
    for (uint32_t date = month->date + 1; date <= month_last_day(month->date / 100); date++) {
        model_key_day(query_commands_arg(&read->commands), site, date);
        query_commands_end_arg(&read->commands);
    }
    add_range(read, month->date, false);
}

static void begin_look(struct query_read *read)
{
    read->step = STEP_LOOK;
    query_commands_reset(&read->commands);
    for (size_t m = 0; m < read->month_count; m++)
        look_at_month(read, &read->months[m]);
    for (size_t r = 0; r < read->run_count; r++) {
        struct run *run = &read->runs[r];
        struct buf key;
        buf_init(&key, 2 * HOST_BYTES_MAX);
        append_sum_key(read, run, &key);
        run->sum = query_cache_sum(read->cache, buf_str(&key));
        buf_done(&key);
        run->unit_at = read->commands.count;
        for (uint32_t u = 0; run->sum != NULL && u < run->sum->unit_count; u++)
            add_range(read, run->sum->units[u].date, true);
    }
}

static bool take_month(struct query_read *read, size_t m, const struct redis_reply *exec)
{
    struct month *month = &read->months[m];
    const struct redis_reply *open = redis_reply_at(exec, LOOK_COMMANDS_A_MONTH * m);
    const struct redis_reply *days = redis_reply_at(exec, LOOK_COMMANDS_A_MONTH * m + 1);
    struct str header = redis_reply_str(redis_reply_at(exec, LOOK_COMMANDS_A_MONTH * m + 2));
    if (redis_reply_type(open) != REDIS_TYPE_INTEGER ||
        redis_reply_type(days) != REDIS_TYPE_INTEGER)
        return false;
    month->is_open = redis_reply_integer(open) > 0;
    month->has_days = redis_reply_integer(days) > 0;
    return query_sealed_open(header, month->date, &month->seen, &month->record);
}

/* Days were folded into this month, and it is not the whole of it that is asked. */
static bool is_cut(const struct month *month)
{
    return month->seen.is_there && !month->is_whole;
}

/* The month that a unit of a run is in, or is. */
static const struct month *month_of(const struct query_read *read, const struct run *run,
                                    uint32_t date)
{
    const struct month *month = &read->months[read->dates[run->first_at].month];
    while (month->date != date / 100 * 100)
        month++;
    return month;
}

/* A month that had no days stands in the sum as its own record, there or not, with none behind it.
 */
static bool unit_holds(const struct query_read *read, const struct run *run, uint32_t u,
                       struct str stamp)
{
    const struct query_unit *unit = &run->sum->units[u];
    bool is_month = unit->date % 100 == 0;
    bool had_days =
        u + 1 < run->sum->unit_count && unit[1].date / 100 == unit->date / 100 && is_month;
    if (is_month && !had_days && month_of(read, run, unit->date)->has_days)
        return false;
    return query_unit_is(unit, stamp);
}

static void check_kept(struct query_read *read, struct run *run, const struct redis_reply *exec)
{
    bool is_there = run->sum != NULL, holds = is_there;
    for (uint32_t u = 0; holds && u < run->sum->unit_count; u++)
        holds = unit_holds(read, run, u, redis_reply_str(redis_reply_at(exec, run->unit_at + u)));
    query_cache_note(read->cache, holds      ? QUERY_CACHE_HIT
                                  : is_there ? QUERY_CACHE_OUTDATED
                                             : QUERY_CACHE_MISS);
    if (!holds) {
        query_sum_unref(run->sum);
        run->sum = query_sum_new(read->plan->table_count);
        return;
    }
    run->is_kept = true;
    struct read_date *date = &read->dates[run->first_at];
    for (uint32_t u = 0; u < run->sum->unit_count; u++) {
        const struct query_unit *unit = &run->sum->units[u];
        for (; unit->date % 100 != 0 && date->date < unit->date; date++)
            ;
        if (unit->date % 100 != 0) {
            date->is_known = true;
            date->seen = *unit;
        }
    }
}

static enum query_read_status take_look(struct query_read *read, const struct redis_reply *exec)
{
    for (size_t m = 0; m < read->month_count; m++) {
        if (!take_month(read, m, exec))
            return QUERY_READ_FAILED;
        if (is_cut(&read->months[m]))
            return QUERY_READ_MONTHS;
    }
    for (size_t r = 0; r < read->run_count; r++) {
        check_kept(read, &read->runs[r], exec);
        if (read->runs[r].is_kept &&
            !query_sealed_answer(read->plan, read->runs[r].sum, read->answer))
            return QUERY_READ_FULL;
    }
    read->at = 0;
    return QUERY_READ_AGAIN;
}

/* --- HEADERS and PARTS --------------------------------------------------------------------------
 */

/* Hands the dates of a month that are not kept to query_sealed.c. */
static void begin_month(struct query_read *read, struct month *month)
{
    const struct query_sealed_month of = {
        .date = month->date,
        .has_days = month->has_days,
        .seen = month->seen,
        .record = month->seen.is_there ? &month->record : NULL,
        .may_have_sum = month->is_whole && month->has_days && !read->without_sums &&
                        month_last_day(month->date / 100) < read->plan->today,
    };
    month->sealed = query_sealed_new(read->plan, read->cache, &of);
    for (size_t i = 0; i < month->count; i++) {
        const struct read_date *date = &read->dates[month->first + i];
        if (!read->runs[date->run].is_kept)
            query_sealed_add_date(month->sealed, date->date, read->runs[date->run].sum);
    }
}

static bool needs_month(const struct query_read *read, const struct month *month)
{
    for (size_t i = 0; i < month->count; i++)
        if (!read->runs[read->dates[month->first + i].run].is_kept)
            return true;
    return false;
}

static enum query_read_status end_runs(struct query_read *read)
{
    for (size_t r = 0; r < read->run_count; r++) {
        struct run *run = &read->runs[r];
        struct buf key;
        if (run->is_kept)
            continue;
        if (!query_sealed_answer(read->plan, run->sum, read->answer))
            return QUERY_READ_FULL;
        buf_init(&key, 2 * HOST_BYTES_MAX);
        append_sum_key(read, run, &key);
        query_cache_put_sum(read->cache, buf_str(&key), run->sum);
        buf_done(&key);
        run->is_kept = true;
    }
    return QUERY_READ_AGAIN;
}

static void note_seen(struct query_read *read, const struct month *month)
{
    for (size_t i = 0; i < month->count; i++) {
        struct read_date *date = &read->dates[month->first + i];
        if (!date->is_known)
            date->is_known = query_sealed_seen(month->sealed, date->date, &date->seen);
    }
}

/* --- LIVE ---------------------------------------------------------------------------------------
 */

/* A day before yesterday is open only when LOOK has found it so; the last two may be counted in
 * collectors alone. */
static bool is_open(const struct query_read *read, const struct read_date *date)
{
    return date->date >= date_add_days(read->plan->today, -1) || read->months[date->month].is_open;
}

static void begin_live(struct query_read *read)
{
    const struct query_plan *plan = read->plan;
    const struct read_date *date = &read->dates[read->at];
    const struct overlay_wanted wanted = {plan->site->domain, date->date,
                                          .crosses = plan->is_crossed};
    struct overlay_day *day =
        read->overlay == NULL ? NULL : overlay_day_new(read->overlay, &wanted);
    query_commands_reset(&read->commands);
    read->live = query_live_new(plan, date->date, day, &read->commands);
    add_range(read, date->date, true);
    add_range(read, read->months[date->month].date, true);
    read->step = STEP_LIVE;
}

static enum query_read_status take_live(struct query_read *read, const struct redis_reply *exec)
{
    const struct read_date *date = &read->dates[read->at];
    size_t stamps = read->commands.count - 2;
    struct str day = redis_reply_str(redis_reply_at(exec, stamps));
    struct str month = redis_reply_str(redis_reply_at(exec, stamps + 1));
    if ((date->is_known && !query_unit_is(&date->seen, day)) ||
        !query_unit_is(&read->months[date->month].seen, month))
        return QUERY_READ_AGAIN;
    enum query_live_status status = query_live_take(read->live, exec, read->answer);
    query_live_free(read->live);
    read->live = NULL;
    read->at++;
    return status == QUERY_LIVE_OK     ? QUERY_READ_OK
           : status == QUERY_LIVE_FULL ? QUERY_READ_FULL
                                       : QUERY_READ_FAILED;
}

/* --- Steps --------------------------------------------------------------------------------------
 */

static void forget(struct query_read *read)
{
    for (size_t r = 0; r < read->run_count; r++) {
        query_sum_unref(read->runs[r].sum);
        read->runs[r].sum = NULL;
        read->runs[r].is_kept = false;
    }
    for (size_t i = 0; i < read->date_count; i++)
        read->dates[i].is_known = false;
    for (size_t m = 0; m < read->month_count; m++) {
        query_sealed_free(read->months[m].sealed);
        read->months[m].sealed = NULL;
    }
    query_live_free(read->live);
    read->live = NULL;
}

static enum query_read_status begin_anew(struct query_read *read)
{
    if (++read->tries >= QUERY_TRIES_MAX)
        return QUERY_READ_FAILED;
    read->without_sums = true;
    forget(read);
    query_answer_reset(read->answer);
    begin_look(read);
    return QUERY_READ_AGAIN;
}

static enum query_read_status next_live(struct query_read *read)
{
    while (read->at < read->date_count && !is_open(read, &read->dates[read->at]))
        read->at++;
    if (read->at == read->date_count) {
        read->step = STEP_DONE;
        return QUERY_READ_OK;
    }
    begin_live(read);
    return QUERY_READ_AGAIN;
}

static enum query_read_status next_parts(struct query_read *read);

static bool begin_headers(struct query_read *read)
{
    query_commands_reset(&read->commands);
    read->step = STEP_HEADERS;
    for (size_t m = 0; m < read->month_count; m++) {
        struct month *month = &read->months[m];
        if (!needs_month(read, month))
            continue;
        begin_month(read, month);
        month->reply_at = read->commands.count;
        query_sealed_add_headers(month->sealed, &read->commands);
    }
    return read->commands.count > 0;
}

static enum query_read_status status_of(enum query_sealed_status status)
{
    return status == QUERY_SEALED_FULL ? QUERY_READ_FULL : QUERY_READ_FAILED;
}

static enum query_read_status take_headers(struct query_read *read, const struct redis_reply *exec)
{
    for (size_t m = 0; m < read->month_count; m++) {
        struct month *month = &read->months[m];
        if (month->sealed == NULL)
            continue;
        enum query_sealed_status status =
            query_sealed_take_headers(month->sealed, exec, month->reply_at);
        if (status != QUERY_SEALED_OK)
            return status_of(status);
    }
    return next_parts(read);
}

/* Asks for the parts of further months. False when there are none to ask for. */
static bool begin_parts(struct query_read *read)
{
    size_t bytes = 0;
    query_commands_reset(&read->commands);
    read->step = STEP_PARTS;
    for (read->end = read->at; read->end < read->month_count && bytes < read->step_bytes;
         read->end++) {
        struct month *month = &read->months[read->end];
        month->reply_at = read->commands.count;
        if (month->sealed != NULL)
            bytes += query_sealed_add_parts(month->sealed, &read->commands);
    }
    return read->commands.count > 0;
}

static void end_month(struct query_read *read, struct month *month)
{
    query_sealed_end(month->sealed);
    note_seen(read, month);
    query_sealed_free(month->sealed);
    month->sealed = NULL;
}

static enum query_read_status take_parts(struct query_read *read, const struct redis_reply *exec)
{
    for (; read->at < read->end; read->at++) {
        struct month *month = &read->months[read->at];
        if (month->sealed == NULL)
            continue;
        enum query_sealed_status status =
            query_sealed_take_parts(month->sealed, exec, month->reply_at);
        if (status == QUERY_SEALED_ANEW)
            return begin_anew(read);
        if (status != QUERY_SEALED_OK)
            return status_of(status);
        end_month(read, month);
    }
    return next_parts(read);
}

/* The step after HEADERS, or after some months' PARTS. */
static enum query_read_status next_parts(struct query_read *read)
{
    if (begin_parts(read))
        return QUERY_READ_AGAIN;
    for (; read->at < read->month_count; read->at++)
        if (read->months[read->at].sealed != NULL)
            end_month(read, &read->months[read->at]);
    enum query_read_status status = end_runs(read);
    read->at = 0;
    return status == QUERY_READ_AGAIN ? next_live(read) : status;
}

enum query_read_status query_read_take(struct query_read *read, const struct redis_reply *exec)
{
    enum query_read_status status;
    if (redis_reply_type(exec) != REDIS_TYPE_ARRAY ||
        redis_reply_count(exec) != read->commands.count)
        return QUERY_READ_FAILED;
    switch (read->step) {
    case STEP_LOOK:
        status = take_look(read, exec);
        if (status != QUERY_READ_AGAIN || begin_headers(read))
            return status;
        return next_parts(read);
    case STEP_HEADERS:
        return take_headers(read, exec);
    case STEP_PARTS:
        return take_parts(read, exec);
    case STEP_LIVE:
        status = take_live(read, exec);
        if (status == QUERY_READ_AGAIN)
            return begin_anew(read);
        return status == QUERY_READ_OK ? next_live(read) : status;
    case STEP_DONE:
        break;
    }
    return QUERY_READ_FAILED;
}

const struct query_commands *query_read_commands(const struct query_read *read)
{
    return &read->commands;
}

struct query_read *query_read_new(const struct query_plan *plan, struct query_cache *cache,
                                  const struct overlay *overlay, struct query_answer *answer)
{
    struct query_read *read = calloc(1, sizeof(*read));
    if (read == NULL)
        abort();
    *read = (struct query_read){.plan = plan, .cache = cache, .overlay = overlay, .answer = answer};
    read->step_bytes = QUERY_STEP_BYTES;
    query_commands_init(&read->commands);
    list_dates(read);
    begin_look(read);
    return read;
}

void query_read_set_step_bytes(struct query_read *read, size_t bytes)
{
    assert(bytes > 0);
    read->step_bytes = bytes;
}

void query_read_free(struct query_read *read)
{
    if (read == NULL)
        return;
    forget(read);
    query_commands_done(&read->commands);
    free(read->dates);
    free(read->runs);
    free(read->months);
    free(read);
}

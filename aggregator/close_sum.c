/* One look tells whether anything is to be done, which is mostly not so:
 *
 *   WATCH all days, GETRANGE of each day's header, PEXPIRETIME of each day, the sum's head
 *        │ no part is large: UNLINK, if there is one
 *        │ the sum has these days' stamps: it holds
 *        ▼
 *   GET names, GETRANGE of each day's large parts ─▶ month_sum_seal ─▶ MULTI, SET, EXEC
 *
 * To be right a sum needs no transaction, since it says which records it is the sum of. But it must
 * tell of no day that is gone: it leaves with the first of its days, and is not written when a day
 * was erased while it was made.
 *
 * Called by the close alone (close.c). */

#include "aggregator/close_sum.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregator/month_sum.h"
#include "aggregator/query_commands.h"

enum {
    DAYS = MONTH_SUM_DAYS,
    /* Replies of the look. */
    HEADERS_AT = 2,
    EXPIRIES_AT = HEADERS_AT + DAYS,
    SUM_AT = EXPIRIES_AT + DAYS,
    KEY_BYTES_MAX = 400,
    NUMBER_BYTES = 24,
};
static const char DOING[] = "adding up the days of a month";

/* A month on its way. */
struct summing {
    struct redis *redis;
    struct str site;
    struct month_sum sum;
    struct query_commands commands;
    struct redis_reply **replies; /* of the commands */
    size_t reply_count;
    int64_t expiry_ms; /* the earliest of its days */
    const char *why;   /* it cannot be made; NULL: nothing is in the way */
    struct trouble *trouble;
};

/* --- Redis ------------------------------------------------------------------------------------ */

static void forget_replies(struct summing *summing)
{
    for (size_t i = 0; i < summing->reply_count; i++)
        redis_reply_free(summing->replies[i]);
    free(summing->replies);
    summing->replies = NULL;
    summing->reply_count = 0;
}

/* Keeps the replies. A refusal is told as why there is no sum. False when the connection is lost.
 */
static bool exchange(struct summing *summing, size_t count, const size_t *argc,
                     const struct str *const *argv)
{
    forget_replies(summing);
    summing->replies = calloc(count, sizeof(struct redis_reply *));
    if (summing->replies == NULL)
        abort();
    if (!redis_pipeline(summing->redis, count, argc, argv, summing->replies)) {
        (void)trouble_check(summing->trouble, DOING, summing->redis, NULL);
        return false;
    }
    summing->reply_count = count;
    for (size_t i = 0; i < count; i++) {
        if (redis_reply_type(summing->replies[i]) != REDIS_TYPE_ERROR)
            continue;
        (void)trouble_set(summing->trouble, DOING, redis_reply_str(summing->replies[i]));
        summing->why = trouble_words(summing->trouble->kind);
    }
    return true;
}

/* Sends what was gathered. */
static bool ask(struct summing *summing)
{
    const struct query_commands *commands = &summing->commands;
    size_t count = commands->count;
    struct str(*args)[QUERY_COMMAND_ARGS_MAX] = calloc(count, sizeof(*args));
    size_t *argc = calloc(count, sizeof(*argc));
    const struct str **argv = calloc(count, sizeof(*argv));
    if (args == NULL || argc == NULL || argv == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        argc[i] = query_commands_at(commands, i, args[i]);
        argv[i] = args[i];
    }
    bool good = exchange(summing, count, argc, argv);
    free(args);
    free(argc);
    free(argv);
    return good;
}

typedef void (*key_fn)(struct buf *out, struct str site, uint32_t date);

static void add_key(struct summing *summing, const char *verb, key_fn key_of, uint32_t date)
{
    query_commands_add(&summing->commands, str_from(verb));
    key_of(query_commands_arg(&summing->commands), summing->site, date);
    query_commands_end_arg(&summing->commands);
}

static void add_range(struct summing *summing, key_fn key_of, uint32_t date, size_t first,
                      size_t len)
{
    add_key(summing, "GETRANGE", key_of, date);
    query_commands_range(&summing->commands, first, (int64_t)(first + len) - 1);
}

/* --- Looking ---------------------------------------------------------------------------------- */

/* Days, whether they take place or not. What was watched for a sum that was not written is not any
 * more. */
static void add_look(struct summing *summing)
{
    uint32_t month = summing->sum.month;
    query_commands_reset(&summing->commands);
    query_commands_add(&summing->commands, STR_LIT("UNWATCH"));
    query_commands_add(&summing->commands, STR_LIT("WATCH"));
    for (uint32_t d = 1; d <= DAYS; d++) {
        model_key_day(query_commands_arg(&summing->commands), summing->site, month + d);
        query_commands_end_arg(&summing->commands);
    }
    for (uint32_t d = 1; d <= DAYS; d++)
        add_range(summing, model_key_day, month + d, 0, RECORD_HEADER_BYTES_MAX);
    for (uint32_t d = 1; d <= DAYS; d++)
        add_key(summing, "PEXPIRETIME", model_key_day, month + d);
    add_range(summing, model_key_sum, month, 0, MONTH_SUM_HEAD_BYTES_MAX);
}

static void note(struct summing *summing, enum record_status status)
{
    if (status != RECORD_OK && summing->why == NULL)
        summing->why = record_status_text(status);
}

static void take_look(struct summing *summing)
{
    summing->expiry_ms = INT64_MAX;
    for (uint32_t d = 0; d < DAYS && summing->why == NULL; d++) {
        struct str header = redis_reply_str(summing->replies[HEADERS_AT + d]);
        int64_t expiry_ms = redis_reply_integer(summing->replies[EXPIRIES_AT + d]);
        if (header.len > 0)
            note(summing, month_sum_see_day(&summing->sum, summing->sum.month + d + 1, header));
        if (expiry_ms > 0 && expiry_ms < summing->expiry_ms)
            summing->expiry_ms = expiry_ms;
    }
}

/* What the day of the first expiry has told must not stay longer, so there has to be one. */
static bool may_stay(struct summing *summing)
{
    if (summing->expiry_ms == INT64_MAX)
        summing->why = "its days have no expiry";
    return summing->why == NULL;
}

static bool is_worth_while(const struct summing *summing)
{
    bool is_worth = false;
    for (uint32_t part = 0; part < RECORD_PARTS; part++)
        is_worth |= month_sum_has_part(&summing->sum, part);
    return is_worth;
}

/* --- Making ----------------------------------------------------------------------------------- */

/* The next part of a day that is to be read; false at the end. Commands and replies go by this. */
static bool next_part(const struct month_sum *sum, size_t *day, uint32_t *part, size_t *ret_at,
                      size_t *ret_len)
{
    for (; *day < DAYS; ++*day, *part = 0)
        for (; sum->days[*day].date != 0 && *part < RECORD_PARTS; ++*part)
            if (month_sum_has_part(sum, *part) &&
                record_find_part(&sum->days[*day], *part, ret_at, ret_len))
                return true;
    return false;
}

static void add_parts(struct summing *summing)
{
    size_t day = 0, at, len;
    uint32_t part = 0;
    query_commands_reset(&summing->commands);
    add_key(summing, "GET", model_key_names, summing->sum.month);
    for (; next_part(&summing->sum, &day, &part, &at, &len); part++)
        add_range(summing, model_key_day, summing->sum.days[day].date, at, len);
}

static void take_parts(struct summing *summing)
{
    struct month_sum *sum = &summing->sum;
    size_t day = 0, reply = 1, at, len;
    uint32_t part = 0;
    note(summing, month_sum_take_names(sum, redis_reply_str(summing->replies[0])));
    for (; summing->why == NULL && next_part(sum, &day, &part, &at, &len); part++)
        note(summing,
             month_sum_take_part(sum, day, part, redis_reply_str(summing->replies[reply++])));
}

static bool remove_sum(struct summing *summing)
{
    query_commands_reset(&summing->commands);
    add_key(summing, "UNLINK", model_key_sum, summing->sum.month);
    return ask(summing);
}

static bool store(struct summing *summing, struct str bytes, bool *ret_moved)
{
    struct str words[5] = {STR_LIT("SET"), [2] = bytes, [3] = STR_LIT("PXAT")};
    const struct str multi = STR_LIT("MULTI"), exec = STR_LIT("EXEC");
    const struct str *argv[] = {&multi, words, &exec};
    const size_t argc[] = {1, 5, 1};
    char expiry[NUMBER_BYTES];
    struct buf key;
    buf_init(&key, KEY_BYTES_MAX);
    model_key_sum(&key, summing->site, summing->sum.month);
    words[1] = buf_str(&key);
    (void)snprintf(expiry, sizeof(expiry), "%" PRId64, summing->expiry_ms);
    words[4] = str_from(expiry);
    bool good = exchange(summing, ARRAY_LEN(argv), argc, argv);
    *ret_moved = good && redis_reply_count(summing->replies[ARRAY_LEN(argv) - 1]) == 0;
    buf_done(&key);
    return good;
}

/* Reads, adds up and writes. */
static bool make(struct summing *summing, enum close_sum_outcome *ret_outcome)
{
    struct buf bytes;
    if (!may_stay(summing))
        return true;
    add_parts(summing);
    if (!ask(summing))
        return false;
    if (summing->why == NULL)
        take_parts(summing);
    if (summing->why != NULL)
        return true;
    buf_init(&bytes, CLOSE_RECORD_BYTES_MAX);
    bool is_made = month_sum_seal(&summing->sum, &bytes), is_moved = false;
    bool good = is_made ? store(summing, buf_str(&bytes), &is_moved) : remove_sum(summing);
    buf_done(&bytes);
    *ret_outcome = is_moved ? CLOSE_SUM_MOVED : is_made ? CLOSE_SUM_MADE : CLOSE_SUM_NONE;
    return good;
}

static bool look_and_make(struct summing *summing, enum close_sum_outcome *ret_outcome)
{
    struct record record;
    add_look(summing);
    if (!ask(summing))
        return false;
    struct str head = redis_reply_str(summing->replies[SUM_AT]);
    if (summing->why == NULL)
        take_look(summing);
    if (summing->why != NULL)
        return true;
    if (!is_worth_while(summing)) {
        *ret_outcome = CLOSE_SUM_NONE;
        return head.len == 0 || remove_sum(summing);
    }
    *ret_outcome = CLOSE_SUM_HOLDS;
    return month_sum_open(head, summing->sum.month, &summing->sum.stamps, &record) ||
           make(summing, ret_outcome);
}

bool close_sum(struct redis *redis, struct str site, uint32_t month,
               enum close_sum_outcome *ret_outcome, const char **ret_why,
               struct trouble *ret_trouble)
{
    struct summing summing = {.redis = redis, .site = site, .trouble = ret_trouble};
    enum close_sum_outcome outcome = CLOSE_SUM_FAILED;
    month_sum_init(&summing.sum, month * 100);
    query_commands_init(&summing.commands);
    bool good = look_and_make(&summing, &outcome);
    *ret_outcome = summing.why == NULL ? outcome : CLOSE_SUM_FAILED;
    *ret_why = summing.why;
    forget_replies(&summing);
    query_commands_done(&summing.commands);
    month_sum_done(&summing.sum);
    return good;
}

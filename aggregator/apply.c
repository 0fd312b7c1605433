/* Builds the arguments of `apply`: for each day with something pending, one live hash a table with
 * its increments and marks, one sketch a row whose registers rose, and one live hash a cross; and
 * last the days themselves, which are open from then on.
 * Called by the aggregator with a ledger that holds the entries after the cursor. Pure: no I/O, no
 * clock.
 *
 * The arguments' layout and an example stand at the head of functions.lua. Sums of zero are left
 * out; a hash with neither increments nor marks too, unless a sketch sets its visitors. */

#include "aggregator/apply.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#include "common/config_value.h"
#include "common/timezone.h"

enum { DAY_MS = 24 * 60 * 60 * 1000, HOUR_MS = 60 * 60 * 1000, UNIX_EPOCH = 19700101 };
/* The keys before the first hash: cursor, log and scratch. The arguments before those of the first
 * hash: from, to, and the two counts. Those of a hash before its fields, and which of them. */
enum { HEAD_KEYS = 3, HEAD_ARGS = 4, CALL_ARGS = 3, HASH_ARGS = 5 };
enum { HASH_SUMS = 1, HASH_RAISED, HASH_SKETCHES };

/* --- Expiry ----------------------------------------------------------------------------------- */

static int64_t date_end_ms(uint32_t date)
{
    return (date_diff_days(date, UNIX_EPOCH) + INT64_C(1)) * DAY_MS;
}

int64_t apply_live_expiry_ms(uint32_t date, int64_t now_ms)
{
    int64_t end_ms = date_end_ms(date);
    return (end_ms > now_ms ? end_ms : now_ms) + (int64_t)LIVE_KEPT_DAYS * DAY_MS;
}

int64_t apply_seen_expiry_ms(uint32_t date, int64_t now_ms)
{
    int64_t after_the_day = date_end_ms(date) + (int64_t)SEEN_KEPT_HOURS * HOUR_MS;
    int64_t after_the_batch = now_ms + (int64_t)SEEN_LATE_KEPT_HOURS * HOUR_MS;
    return after_the_day > after_the_batch ? after_the_day : after_the_batch;
}

/* --- Lists of arguments ------------------------------------------------------------------------
 */

static void list_append(struct apply_list *list, struct apply_arg arg)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 256 : 2 * list->capacity;
        list->items = reallocarray(list->items, list->capacity, sizeof(*list->items));
        if (list->items == NULL)
            abort();
    }
    list->items[list->count++] = arg;
}

/* Everything appended to the bytes since `at` becomes one argument. */
static void end_arg(struct apply_call *call, struct apply_list *list, size_t at)
{
    list_append(list, (struct apply_arg){at, call->bytes.len - at});
}

static void append_text(struct apply_call *call, struct apply_list *list, struct str text)
{
    size_t at = call->bytes.len;
    buf_append_str(&call->bytes, text);
    end_arg(call, list, at);
}

/* A number's digits; printf is slow for what a busy call holds by the thousand. */
static void append_digits(struct apply_call *call, int64_t number)
{
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        digits[--at] = '-';
    buf_append(&call->bytes, digits + at, sizeof(digits) - at);
}

static void append_number(struct apply_call *call, struct apply_list *list, int64_t number)
{
    size_t at = call->bytes.len;
    append_digits(call, number);
    end_arg(call, list, at);
}

void apply_call_init(struct apply_call *call)
{
    *call = (struct apply_call){0};
    buf_init(&call->bytes, APPLY_CALL_BYTES_MAX);
}

void apply_call_done(struct apply_call *call)
{
    buf_done(&call->bytes);
    free(call->live_keys.items);
    free(call->seen_keys.items);
    free(call->live_args.items);
    free(call->seen_args.items);
    free(call->days.items);
    free(call->argv);
    *call = (struct apply_call){0};
}

/* --- What is pending ---------------------------------------------------------------------------
 */

/* A field of a live hash, and its number. */
static void append_value(struct apply_call *call, enum metric metric, struct str value,
                         int64_t number)
{
    size_t at = call->bytes.len;
    buf_append_byte(&call->bytes, (uint8_t)model_metric_letter(metric));
    buf_append_str(&call->bytes, value);
    end_arg(call, &call->live_args, at);
    append_number(call, &call->live_args, number);
}

static size_t append_increments(struct apply_call *call, const struct ledger_day *day,
                                const struct ledger_row *row)
{
    struct str value = ledger_value(day, row);
    size_t count = 0;
    for (int m = 0; m < SECTION_SUMS; m++) {
        if (row->sums[m] == 0)
            continue;
        append_value(call, (enum metric)m, value, row->sums[m]);
        count++;
    }
    return count;
}

static void append_marks(struct apply_call *call, const struct ledger_day *day)
{
    for (uint32_t i = 0; i < day->mark_count; i++) {
        size_t at = call->bytes.len;
        buf_append_byte(&call->bytes, MODEL_APPLIED_MARK);
        buf_printf(&call->bytes, "%016" PRIx64, day->marks[i].writer);
        end_arg(call, &call->live_args, at);
        append_number(call, &call->live_args, (int64_t)day->marks[i].number);
    }
}

/* A sketch, and in the hash what it estimates by itself: what it does when none is at rest. */
static void append_sketch(struct apply_call *call, const struct ledger_day *day,
                          struct ledger_row *row)
{
    size_t at = call->bytes.len;
    model_key_seen(&call->bytes, day->site, day->date, (enum table)row->table,
                   ledger_value(day, row));
    end_arg(call, &call->seen_keys, at);
    at = call->bytes.len;
    row->fresh_count = (uint32_t)sketch_sort(row->fresh, row->fresh_count);
    if (!row->is_dense && row->known.count >= SKETCH_DENSE_FROM) {
        sketch_encode_dense(&call->bytes, row->fresh, row->fresh_count);
        row->is_dense = true;
    } else {
        sketch_encode(&call->bytes, row->fresh, row->fresh_count);
    }
    end_arg(call, &call->seen_args, at);
    append_value(call, METRIC_VISITORS, ledger_value(day, row),
                 (int64_t)sketch_estimate_of(row->fresh, row->fresh_count));
}

/* Begins a live hash of a day: its key and HASH_ARGS. Returns where these are. */
static size_t begin_hash(struct apply_call *call, const struct ledger_day *day, size_t key_at,
                         int64_t now_ms)
{
    size_t at = call->live_args.count;
    end_arg(call, &call->live_keys, key_at);
    append_number(call, &call->live_args, apply_live_expiry_ms(day->date, now_ms));
    for (int i = HASH_SUMS; i <= HASH_SKETCHES; i++)
        append_number(call, &call->live_args, 0);
    append_number(call, &call->live_args, apply_seen_expiry_ms(day->date, now_ms));
    return at;
}

/* Sets one of the counts, now that it is known. */
static void set_count(struct apply_call *call, size_t at, size_t count)
{
    append_number(call, &call->live_args, (int64_t)count);
    call->live_args.items[at] = call->live_args.items[--call->live_args.count];
}

/* One table of a day: its live hash, and the sketches of its rows. */
static void append_table(struct apply_call *call, const struct ledger_day *day, enum table table,
                         int64_t now_ms)
{
    bool has_marks = table == TABLE_TOTAL && day->mark_count > 0, has_rows = false;
    for (uint32_t p = 0; p < day->pending_count && !has_rows; p++)
        has_rows = day->rows[day->pending[p]].table == table;
    if (!has_rows && !has_marks)
        return;
    size_t key_at = call->bytes.len, increments = 0, sketches = call->seen_keys.count;
    model_key_live(&call->bytes, day->site, day->date, table);
    size_t hash_at = begin_hash(call, day, key_at, now_ms);
    for (uint32_t p = 0; p < day->pending_count; p++)
        if (day->rows[day->pending[p]].table == table)
            increments += append_increments(call, day, &day->rows[day->pending[p]]);
    if (has_marks)
        append_marks(call, day);
    for (uint32_t p = 0; p < day->pending_count; p++) {
        struct ledger_row *row = &day->rows[day->pending[p]];
        if (row->table == table && row->fresh_count > 0)
            append_sketch(call, day, row);
    }
    sketches = call->seen_keys.count - sketches;
    set_count(call, hash_at + HASH_SUMS, increments);
    set_count(call, hash_at + HASH_RAISED, sketches + (has_marks ? day->mark_count : 0));
    set_count(call, hash_at + HASH_SKETCHES, sketches);
}

static void append_cell(struct apply_call *call, const struct ledger_day *day,
                        const struct cross_cell *cell)
{
    size_t at = call->bytes.len;
    ledger_cross_value(day, cell->key, &call->bytes);
    end_arg(call, &call->live_args, at);
    at = call->bytes.len;
    append_digits(call, cell->views);
    buf_append_byte(&call->bytes, ':');
    append_digits(call, cell->visits);
    end_arg(call, &call->live_args, at);
}

/* One cross of a day: its live hash. */
static void append_cross(struct apply_call *call, const struct ledger_day *day, enum cross cross,
                         int64_t now_ms)
{
    const struct ledger_crosses *crosses = &day->crosses;
    uint32_t cursor = crosses->of[cross].pending;
    const struct cross_cell *cell;
    if (cursor == 0)
        return;
    size_t key_at = call->bytes.len, increments = 0;
    model_key_cross(&call->bytes, day->site, day->date, cross);
    size_t hash_at = begin_hash(call, day, key_at, now_ms);
    for (; (cell = ledger_crosses_next(crosses, &cursor)) != NULL; increments++)
        append_cell(call, day, cell);
    set_count(call, hash_at + HASH_SUMS, increments);
}

/* --- The call ----------------------------------------------------------------------------------
 */

static void reset(struct apply_call *call)
{
    buf_reset(&call->bytes);
    call->live_keys.count = call->seen_keys.count = 0;
    call->live_args.count = call->seen_args.count = call->days.count = 0;
    call->argc = 0;
}

static void append_day(struct apply_call *call, const struct ledger_day *day, int64_t now_ms)
{
    for (int t = 0; t < TABLE__COUNT; t++)
        append_table(call, day, (enum table)t, now_ms);
    for (int c = 0; c < CROSS__COUNT; c++)
        append_cross(call, day, (enum cross)c, now_ms);
    size_t at = call->bytes.len;
    model_open_field(&call->bytes, day->site, day->date);
    end_arg(call, &call->days, at);
}

/* The keys before the live hashes, and the one behind the sketches. */
static void append_shard_keys(struct apply_call *call, uint32_t shard, struct apply_list *head,
                              struct apply_list *open)
{
    size_t at = call->bytes.len;
    model_key_cursor(&call->bytes, shard);
    end_arg(call, head, at);
    at = call->bytes.len;
    model_key_log(&call->bytes, shard);
    end_arg(call, head, at);
    at = call->bytes.len;
    model_key_scratch(&call->bytes, shard);
    end_arg(call, head, at);
    at = call->bytes.len;
    if (call->days.count > 0) {
        model_key_open(&call->bytes, shard);
        end_arg(call, open, at);
    }
}

static void push(struct apply_call *call, struct str arg)
{
    call->argv[call->argc++] = arg;
}

static void push_list(struct apply_call *call, const struct apply_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        push(call, (struct str){call->bytes.ptr + list->items[i].at, list->items[i].len});
}

void apply_call_build(struct apply_call *call, uint32_t shard, struct ledger *ledger,
                      struct str from, struct str to, int64_t now_ms)
{
    struct apply_list head = {0}, open = {0}, counts = {0};
    reset(call);
    for (uint32_t i = 0; i < ledger->count; i++)
        if (ledger_day_is_pending(ledger->days[i]))
            append_day(call, ledger->days[i], now_ms);
    append_shard_keys(call, shard, &head, &open);
    append_text(call, &counts, from);
    append_text(call, &counts, to);
    size_t keys = HEAD_KEYS + call->live_keys.count + call->seen_keys.count + open.count;
    append_number(call, &counts, (int64_t)keys);
    append_number(call, &counts, (int64_t)call->live_keys.count);
    append_number(call, &counts, (int64_t)call->seen_keys.count);
    /* APPLY_CALL_BYTES_MAX is derived from what one apply may fold. */
    assert(!call->bytes.overflow);

    size_t argc = CALL_ARGS + keys + HEAD_ARGS + call->live_args.count + call->seen_args.count +
                  call->days.count;
    if (argc > call->argv_capacity) {
        call->argv = reallocarray(call->argv, argc, sizeof(*call->argv));
        if (call->argv == NULL)
            abort();
        call->argv_capacity = argc;
    }
    push(call, STR_LIT("FCALL"));
    push(call, STR_LIT("apply"));
    push_list(call, &(struct apply_list){.items = counts.items + 2, .count = 1});
    push_list(call, &head);
    push_list(call, &call->live_keys);
    push_list(call, &call->seen_keys);
    push_list(call, &open);
    push_list(call, &(struct apply_list){.items = counts.items, .count = 2});
    push_list(call, &(struct apply_list){.items = counts.items + 3, .count = 2});
    push_list(call, &call->live_args);
    push_list(call, &call->seen_args);
    push_list(call, &call->days);
    assert(call->argc == argc);
    free(head.items);
    free(open.items);
    free(counts.items);
}

/* --- What a refusal is about -------------------------------------------------------------------
 */

static struct str live_key(const struct apply_call *call, size_t index)
{
    if (index >= call->live_keys.count)
        return STR_EMPTY;
    const struct apply_arg *arg = &call->live_keys.items[index];
    return (struct str){call->bytes.ptr + arg->at, arg->len};
}

/* An argument of ours that is a small number. */
static size_t number_at(const struct apply_call *call, const struct apply_list *list, size_t index)
{
    size_t number = 0;
    const struct apply_arg *arg = &list->items[index];
    for (size_t i = 0; i < arg->len; i++)
        number = number * 10 + (size_t)(call->bytes.ptr[arg->at + i] - '0');
    return number;
}

/* How many arguments a hash has whose first is live_args[at]. */
static size_t hash_args(const struct apply_call *call, size_t at)
{
    return HASH_ARGS + 2 * (number_at(call, &call->live_args, at + HASH_SUMS) +
                            number_at(call, &call->live_args, at + HASH_RAISED));
}

/* The hash of a sketch: sketches come hash by hash. */
static struct str sketch_hash(const struct apply_call *call, size_t index)
{
    size_t at = 0, sketches = 0;
    for (size_t i = 0; i < call->live_keys.count; i++) {
        sketches += number_at(call, &call->live_args, at + HASH_SKETCHES);
        if (index < sketches)
            return live_key(call, i);
        at += hash_args(call, at);
    }
    return STR_EMPTY;
}

/* By number of key: the head's, hashes, sketches. */
static struct str hash_of_key(const struct apply_call *call, size_t number)
{
    if (number <= HEAD_KEYS)
        return STR_EMPTY;
    size_t index = number - HEAD_KEYS - 1;
    if (index < call->live_keys.count)
        return live_key(call, index);
    return sketch_hash(call, index - call->live_keys.count);
}

/* By number of argument: the head's, the hashes', and the sketches'. */
static struct str hash_of_arg(const struct apply_call *call, size_t number)
{
    if (number <= HEAD_ARGS)
        return STR_EMPTY;
    size_t index = number - HEAD_ARGS - 1, at = 0;
    for (size_t i = 0; i < call->live_keys.count; i++) {
        at += hash_args(call, at);
        if (index < at)
            return live_key(call, i);
    }
    return sketch_hash(call, index - at);
}

struct str apply_call_culprit(const struct apply_call *call, struct str error)
{
    size_t space = str_find(error, ' ');
    struct str digits = str_from_at(error, space < error.len ? space + 1 : space);
    bool is_key = str_eq(str_prefix(error, space), STR_LIT("BADTYPE"));
    unsigned number;
    if (str_starts_with(digits, STR_LIT("-"))) {
        is_key = true;
        digits = str_from_at(digits, 1);
    }
    if (!value_uint(digits, UINT_MAX, &number))
        return STR_EMPTY;
    return is_key ? hash_of_key(call, number) : hash_of_arg(call, number);
}

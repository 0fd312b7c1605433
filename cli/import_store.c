/* Batches of an import enter the log by the function `import` (functions.lua), each with the row
 * that says what it covers, in one step. An outcome that is not known is settled by sending the
 * same batch again, for as long as it takes.
 *
 * The log in Redis must not become a second copy of years of logs: batches that the aggregator has
 * not worked off are remembered by their entries' ids, and past IMPORT_AHEAD_BYTES_MAX of them the
 * next one waits until the cursor has passed the first. */

#include "cli/import_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aggregator/functions.h"
#include "aggregator/log_entry.h"
#include "aggregator/model.h"
#include "common/clock.h"

enum { KEY_BYTES_MAX = 1024, NUMBER_BYTES = 24, RETRY_MS = 100, SENTENCE_BYTES = 512 };

struct ahead {
    uint64_t ms, seq; /* the entry's id */
    size_t bytes;
};

/* A batch that is to be sent. */
struct waiting {
    struct import_row row;
    struct buf payload;
};

struct import_store {
    struct redis_address address;
    struct redis *redis; /* NULL: gone */
    struct str site;
    const volatile int *stop;
    struct buf log_key, imports_key, cursor_key;
    size_t waiting_count, waiting_bytes;
    size_t group; /* so many go together */
    struct waiting waiting[IMPORT_GROUP_MAX];
    uint64_t lines;
    size_t ahead_bytes, ahead_first, ahead_count;
    struct ahead ahead[IMPORT_AHEAD_BATCHES_MAX]; /* a ring */
};

/* --- Life ------------------------------------------------------------------------------------- */

/* The aggregator loads the functions; another version's have another idea of an import. */
static bool has_functions(struct redis *redis, char *error, size_t error_bytes)
{
    enum functions_state state = functions_look(redis);
    if (state == FUNCTIONS_ABSENT)
        return functions_load(redis, error, error_bytes);
    if (state != FUNCTIONS_OURS)
        snprintf(error, error_bytes,
                 "Redis has the functions of another version: start Footfall anew first.");
    return state == FUNCTIONS_OURS;
}

struct import_store *import_store_open(const struct redis_address *address, struct str site,
                                       const volatile int *stop, char *error, size_t error_bytes)
{
    struct import_store *store = calloc(1, sizeof(*store));
    if (store == NULL)
        abort();
    store->address = *address;
    store->site = site;
    store->stop = stop;
    store->group = IMPORT_GROUP_FIRST;
    buf_init(&store->log_key, KEY_BYTES_MAX);
    buf_init(&store->imports_key, KEY_BYTES_MAX);
    buf_init(&store->cursor_key, KEY_BYTES_MAX);
    model_key_log(&store->log_key, model_shard(site));
    model_key_imports(&store->imports_key, site);
    model_key_cursor(&store->cursor_key, model_shard(site));
    for (size_t i = 0; i < IMPORT_GROUP_MAX; i++)
        buf_init(&store->waiting[i].payload, BATCH_BYTES_MAX);
    store->redis = redis_connect(address, error, error_bytes);
    if (store->redis != NULL && has_functions(store->redis, error, error_bytes))
        return store;
    import_store_close(store);
    return NULL;
}

void import_store_close(struct import_store *store)
{
    if (store == NULL)
        return;
    redis_free(store->redis);
    buf_done(&store->log_key);
    buf_done(&store->imports_key);
    buf_done(&store->cursor_key);
    for (size_t i = 0; i < IMPORT_GROUP_MAX; i++)
        buf_done(&store->waiting[i].payload);
    explicit_bzero(&store->address, sizeof(store->address));
    free(store);
}

/* --- Rows ------------------------------------------------------------------------------------- */

static bool parse_rows(const struct redis_reply *reply, struct import_row *rows)
{
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2)
        if (!import_row_parse(redis_reply_str(redis_reply_at(reply, i)),
                              redis_reply_str(redis_reply_at(reply, i + 1)), &rows[i / 2]))
            return false;
    return true;
}

bool import_store_rows(struct import_store *store, struct import_row **ret_rows, size_t *ret_count,
                       char *error, size_t error_bytes)
{
    struct redis_reply *reply =
        redis_do(store->redis, STR_LIT("HGETALL"), buf_str(&store->imports_key));
    if (reply == NULL || redis_reply_type(reply) != REDIS_TYPE_ARRAY) {
        snprintf(error, error_bytes, "Redis does not tell of earlier imports.");
        redis_reply_free(reply);
        return false;
    }
    store->lines = 0;
    size_t count = redis_reply_count(reply) / 2;
    struct import_row *rows = calloc(count + 1, sizeof(*rows));
    if (rows == NULL)
        abort();
    bool good = parse_rows(reply, rows);
    redis_reply_free(reply);
    if (!good) {
        snprintf(error, error_bytes,
                 "a row of the site's imports cannot be read: without it, "
                 "something might be counted twice.");
        free(rows);
        return false;
    }
    *ret_rows = rows;
    *ret_count = count;
    return true;
}

/* --- Waiting ---------------------------------------------------------------------------------- */

/* What is waited for; a sentence says so once, when nothing has moved for a while. */
struct patience {
    int64_t since_ms;
    bool is_told;
};

static void wait_a_moment(struct patience *patience, const char *sentence)
{
    const struct timespec moment = {.tv_nsec = RETRY_MS * 1000000L};
    int64_t now_ms = clock_mono_ms();
    if (patience->since_ms == 0)
        patience->since_ms = now_ms;
    if (!patience->is_told && now_ms - patience->since_ms >= IMPORT_STUCK_MS) {
        fprintf(stderr, "\nfootfall: %s\n", sentence);
        patience->is_told = true;
    }
    nanosleep(&moment, NULL);
}

/* False when Redis is away; the next call tries again to reach it. */
static bool is_connected(struct import_store *store)
{
    char error[SENTENCE_BYTES];
    if (store->redis == NULL)
        store->redis = redis_connect(&store->address, error, sizeof(error));
    return store->redis != NULL;
}

static void disconnect(struct import_store *store)
{
    redis_free(store->redis);
    store->redis = NULL;
}

/* Forgets the entries up to the cursor; true when there were any. */
static bool forget_applied(struct import_store *store)
{
    uint64_t ms, seq;
    size_t before = store->ahead_count;
    if (!is_connected(store))
        return false;
    struct redis_reply *reply = redis_do(store->redis, STR_LIT("GET"), buf_str(&store->cursor_key));
    if (reply == NULL)
        disconnect(store);
    if (reply != NULL && log_entry_id_parse(redis_reply_str(reply), &ms, &seq)) {
        while (store->ahead_count > 0) {
            const struct ahead *first = &store->ahead[store->ahead_first];
            if (first->ms > ms || (first->ms == ms && first->seq > seq))
                break;
            store->ahead_bytes -= first->bytes;
            store->ahead_first = (store->ahead_first + 1) % IMPORT_AHEAD_BATCHES_MAX;
            store->ahead_count--;
        }
    }
    redis_reply_free(reply);
    return store->ahead_count < before;
}

/* False when it is to stop. */
static bool wait_for_room(struct import_store *store, size_t bytes)
{
    struct patience patience = {0};
    while (store->ahead_count + store->waiting_count > IMPORT_AHEAD_BATCHES_MAX ||
           store->ahead_bytes + bytes > IMPORT_AHEAD_BYTES_MAX) {
        if (*store->stop)
            return false;
        if (forget_applied(store))
            patience = (struct patience){0};
        else
            wait_a_moment(&patience, "the log is not worked off: is the aggregator running? The "
                                     "import goes on as soon as it is.");
    }
    return true;
}

/* --- Batches ---------------------------------------------------------------------------------- */

enum { CALL_ARGS = 9 };

/* One call's arguments, with the text of its numbers. */
struct call {
    struct str argv[CALL_ARGS];
    char id[IMPORT_ID_DIGITS + 1], number[NUMBER_BYTES], covers[IMPORT_COVERS_BYTES];
};

static void make_call(const struct import_store *store, const struct waiting *batch,
                      struct call *call)
{
    import_row_id(batch->row.id, call->id);
    import_row_covers(&batch->row, call->covers);
    snprintf(call->number, sizeof(call->number), "%" PRIu64, batch->row.number);
    const struct str argv[CALL_ARGS] = {
        STR_LIT("FCALL"),
        STR_LIT("import"),
        STR_LIT("2"),
        buf_str(&store->log_key),
        buf_str(&store->imports_key),
        str_from(call->id),
        str_from(call->number),
        buf_str(&batch->payload),
        str_from(call->covers),
    };
    memcpy(call->argv, argv, sizeof(argv));
}

/* MULTI, a call a batch, EXEC: Redis syncs its journal once for all of them. */
enum { GROUP_COMMANDS_MAX = IMPORT_GROUP_MAX + 2 };

/* All that waits. False when no reply came. */
static bool send_all(struct import_store *store, struct redis_reply *replies[GROUP_COMMANDS_MAX])
{
    static const struct str MULTI = STR_LIT("MULTI"), EXEC = STR_LIT("EXEC");
    struct call calls[IMPORT_GROUP_MAX];
    size_t argc[GROUP_COMMANDS_MAX] = {1}, count = store->waiting_count;
    const struct str *argv[GROUP_COMMANDS_MAX] = {&MULTI};
    if (!is_connected(store))
        return false;
    for (size_t i = 0; i < count; i++) {
        make_call(store, &store->waiting[i], &calls[i]);
        argc[i + 1] = CALL_ARGS;
        argv[i + 1] = calls[i].argv;
    }
    argc[count + 1] = 1;
    argv[count + 1] = &EXEC;
    bool good = redis_pipeline(store->redis, count + 2, argc, argv, replies);
    if (!good)
        disconnect(store);
    return good;
}

/* What became of a batch: why it, or the whole, was refused; else what the function says. */
static const struct redis_reply *answer_to(struct redis_reply *const *replies, size_t count,
                                           size_t index)
{
    const struct redis_reply *queued = replies[index + 1], *exec = replies[count + 1];
    if (redis_reply_type(queued) == REDIS_TYPE_ERROR)
        return queued;
    return redis_reply_type(exec) == REDIS_TYPE_ARRAY ? redis_reply_at(exec, index) : exec;
}

static void remember(struct import_store *store, struct str id, const struct waiting *batch)
{
    struct ahead ahead = {.bytes = batch->payload.len};
    store->lines = batch->row.lines;
    if (!log_entry_id_parse(id, &ahead.ms, &ahead.seq))
        return;
    store->ahead[(store->ahead_first + store->ahead_count++) % IMPORT_AHEAD_BATCHES_MAX] = ahead;
    store->ahead_bytes += ahead.bytes;
}

enum settled { SETTLED_STORED, SETTLED_REFUSED, SETTLED_NOT };

static enum settled settle(const struct redis_reply *reply, char *error, size_t error_bytes)
{
    struct str text = redis_reply_str(reply);
    const char *why = NULL;
    if (redis_reply_is(reply, "OTHER"))
        why = "the same log is imported by another process.";
    else if (redis_reply_type(reply) == REDIS_TYPE_STRING)
        return SETTLED_STORED;
    else if (str_eq(text, STR_LIT("FULLROWS")))
        why = "the site has imported as many logs as it can remember.";
    else if (str_starts_with(text, STR_LIT("BAD")) || str_starts_with(text, STR_LIT("NOPERM")))
        why = "Redis does not take what is imported; `footfall check` may tell why.";
    /* "FULL" and what a Redis says that is loading or out of memory pass. */
    if (why == NULL)
        return SETTLED_NOT;
    snprintf(error, error_bytes, "%s", why);
    return SETTLED_REFUSED;
}

/* Takes the first `count` batches off; their memory goes to the end of the line. */
static void forget_waiting(struct import_store *store, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        store->waiting_bytes -= store->waiting[i].payload.len;
        buf_reset(&store->waiting[i].payload);
    }
    store->waiting_count -= count;
    for (size_t i = 0; i < store->waiting_count; i++) {
        struct waiting first = store->waiting[i];
        store->waiting[i] = store->waiting[i + count];
        store->waiting[i + count] = first;
    }
}

/* Sends once. Replies behind the first that settles nothing say nothing. */
static enum settled try_once(struct import_store *store, char *error, size_t error_bytes)
{
    struct redis_reply *replies[GROUP_COMMANDS_MAX];
    enum settled settled = SETTLED_STORED;
    size_t count = store->waiting_count, stored = 0;
    if (!send_all(store, replies))
        return SETTLED_NOT;
    for (size_t i = 0; i < count && settled == SETTLED_STORED; i++) {
        const struct redis_reply *answer = answer_to(replies, count, i);
        settled = settle(answer, error, error_bytes);
        if (settled == SETTLED_STORED) {
            remember(store, redis_reply_str(answer), &store->waiting[i]);
            stored++;
        }
    }
    for (size_t i = 0; i < count + 2; i++)
        redis_reply_free(replies[i]);
    forget_waiting(store, stored);
    return settled;
}

enum import_put import_store_flush(struct import_store *store, char *error, size_t error_bytes)
{
    struct patience patience = {0};
    if (!wait_for_room(store, store->waiting_bytes))
        return IMPORT_STOPPED;
    while (store->waiting_count > 0) {
        switch (try_once(store, error, error_bytes)) {
        case SETTLED_STORED:
            break;
        case SETTLED_REFUSED:
            return IMPORT_REFUSED;
        case SETTLED_NOT:
            if (*store->stop)
                return IMPORT_STOPPED;
            wait_a_moment(&patience, "Redis does not take what is imported at present. The import "
                                     "goes on as soon as it does.");
        }
    }
    return IMPORT_STORED;
}

enum import_put import_store_put(struct import_store *store, const struct import_batch *batch,
                                 char *error, size_t error_bytes)
{
    struct waiting *waiting = &store->waiting[store->waiting_count++];
    waiting->row = batch->row;
    buf_append_str(&waiting->payload, batch->payload);
    store->waiting_bytes += batch->payload.len;
    if (store->waiting_count < store->group && store->waiting_bytes < IMPORT_GROUP_BYTES_MAX)
        return IMPORT_STORED;
    store->group = 2 * store->group < IMPORT_GROUP_MAX ? 2 * store->group : IMPORT_GROUP_MAX;
    return import_store_flush(store, error, error_bytes);
}

uint64_t import_store_lines(const struct import_store *store)
{
    return store->lines;
}

/* Where a sealed batch goes.
 *
 *               log in time ──────────────────────────────▶ FCALL append ──▶ log
 *   queue ──┤                                                     ▲
 *               log away, slow, refusing, or behind the spool     │ replay, record by record
 *                                                  └──▶ spool ────┘
 *
 * The queue holds consecutive numbers of one writer. It is sent from its front only, and only while
 * nothing of this writer is in the spool; it is spooled from its front as well, all of it at once.
 * So the spool holds what comes before the queue, and the log gets every number in order. While the
 * spool is in use batches gather for a moment before they go there: fewer and larger records, which
 * the log takes from the spool faster than new ones come.
 *
 * Example: batch 7 is in flight when Redis stops to answer. After slow_ms 7 goes to the spool too,
 * with what has gathered since as 8; both are synced and their beacons answered 204. 9 … 40 follow.
 * Redis answers again: it did take 7, which is forgotten in the spool; 8 … 40 are replayed, with 41
 * and 42 behind them that came meanwhile; 43 is sent directly.
 *
 * Names. A number belongs to a batch for ever: an unknown outcome is settled by sending it again,
 * which `append` answers with DUP. After GAP the log has nothing from that number on. A batch that
 * was never handed to the spool then goes on under a new name of the writer, and so does all behind
 * it. One that was handed over may stand on the disk even when that failed, and the next process
 * would find it there; so it goes on as its heir, whose name both know. */

#include "collector/outbox.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#include "aggregator/live.h"
#include "collector/replay.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"

enum { OUTBOX_RECENT_MS = 2000 }; /* acknowledged batches that live messages may repeat */

struct outbox {
    struct outbox_options options;
    struct spool_port *port; /* NULL without a spool */
    uint64_t id;
    uint64_t last_number;
    struct sealed *first, *last;
    size_t bytes;
    struct {
        bool is_under_way;
        uint64_t number;
        struct sealed *batch; /* NULL: it has become durable in the spool meanwhile */
    } flight;
    size_t appends; /* batches of the queue that the spool's thread has */
    unsigned spool_failures;
    int64_t spool_at_ms; /* not before it */
    struct replay *own;  /* NULL without a spool */
    struct replay **left;
    size_t left_count, left_at; /* one at a time */
    bool is_refused;            /* said once */
    int64_t retry_at_ms;
    struct sealed *recent, *recent_last;
    size_t recent_count;
    struct outbox_counts counts; /* without what is now */
};

/* --- Where to -------------------------------------------------------------------------------- */

static bool is_slow(const struct outbox *outbox, int64_t now_ms)
{
    return outbox->first != NULL && now_ms - outbox->first->since_ms >= outbox->options.slow_ms;
}

/* There is a spool, and it is not to be left alone after a failure. */
static bool is_spool_due(const struct outbox *outbox, int64_t now_ms)
{
    return outbox->port != NULL && (outbox->spool_failures == 0 || now_ms >= outbox->spool_at_ms);
}

/* The log is what a batch should go to. */
static bool is_direct(const struct outbox *outbox, int64_t now_ms)
{
    return redis_link_is_up(outbox->options.link) && now_ms >= outbox->retry_at_ms &&
           (outbox->own == NULL || replay_is_done(outbox->own)) &&
           !(is_slow(outbox, now_ms) && is_spool_due(outbox, now_ms));
}

/* The front of the queue may be sent, if there is one. */
static bool can_send(const struct outbox *outbox, int64_t now_ms)
{
    return is_direct(outbox, now_ms) && !outbox->flight.is_under_way && outbox->appends == 0;
}

static bool can_spool(const struct outbox *outbox, int64_t now_ms)
{
    return outbox->port != NULL && !is_direct(outbox, now_ms) && outbox->appends == 0 &&
           now_ms >= outbox->spool_at_ms;
}

bool outbox_wants(const struct outbox *outbox)
{
    int64_t now_ms = clock_mono_ms();
    if (can_send(outbox, now_ms))
        return outbox->first == NULL;
    return can_spool(outbox, now_ms) && outbox->bytes < SPOOL_GROUP_BYTES_MAX &&
           (outbox->spool_failures == 0 || outbox->first == NULL);
}

/* --- What has become durable ----------------------------------------------------------------- */

static void forget_recent(struct outbox *outbox, int64_t now_ms)
{
    while (outbox->recent != NULL &&
           (outbox->recent_count > LIVE_PARTS_MAX ||
            now_ms - outbox->recent->acknowledged_ms > OUTBOX_RECENT_MS)) {
        struct sealed *batch = outbox->recent;
        outbox->recent = batch->next;
        if (outbox->recent == NULL)
            outbox->recent_last = NULL;
        outbox->recent_count--;
        sealed_free(batch);
    }
}

static void keep_recent(struct outbox *outbox, struct sealed *batch)
{
    batch->acknowledged_ms = clock_mono_ms();
    if (outbox->recent_last != NULL)
        outbox->recent_last->next = batch;
    else
        outbox->recent = batch;
    outbox->recent_last = batch;
    outbox->recent_count++;
    forget_recent(outbox, batch->acknowledged_ms);
}

static struct sealed *pop(struct outbox *outbox)
{
    struct sealed *batch = outbox->first;
    outbox->first = batch->next;
    if (outbox->first == NULL)
        outbox->last = NULL;
    outbox->bytes -= batch->payload.len;
    batch->next = NULL;
    return batch;
}

/* The log has it; it is the front of the queue, and here with its payload. */
static void end_taken(struct outbox *outbox)
{
    struct sealed *batch = pop(outbox);
    outbox->counts.acknowledged++;
    if (batch->was_spooled)
        spool_forget(outbox->port, outbox->id, batch->number);
    outbox->options.on_durable(batch, outbox->options.data);
    if (batch->is_heir)
        sealed_free(batch); /* live messages name the writer */
    else
        keep_recent(outbox, batch);
}

/* --- The spool ------------------------------------------------------------------------------- */

static void note_spool_failure(struct outbox *outbox)
{
    /* A failure kills a file, and the next one may well be good. */
    bool is_first = outbox->spool_failures++ == 0;
    outbox->spool_at_ms = clock_mono_ms() + (is_first ? SPOOL_GATHER_MS : SPOOL_RETRY_MS);
}

static void on_spooled(enum spool_append result, struct spool_batch *handed, void *data)
{
    struct sealed *batch = data;
    struct outbox *outbox = batch->outbox;
    assert(batch->magic == SEALED_MAGIC && outbox->appends > 0);
    outbox->appends--;
    batch->is_with_spool = false;
    batch->payload = handed->payload;
    handed->payload = (struct buf){0};
    if (batch->is_taken) {
        assert(batch == outbox->first);
        end_taken(outbox);
    } else if (result == SPOOL_DURABLE) {
        assert(batch == outbox->first);
        outbox->spool_failures = 0;
        outbox->counts.spooled++;
        if (outbox->flight.batch == batch)
            outbox->flight.batch = NULL;
        replay_wake(outbox->own);
        outbox->options.on_durable(pop(outbox), outbox->options.data);
        sealed_free(batch);
    } else if (outbox->appends == 0) {
        note_spool_failure(outbox); /* of the last one, so that a group counts once */
    }
}

/* All of the queue as one group: of what the spool does not take, nothing that follows is taken. */
static void spool_queue(struct outbox *outbox, int64_t now_ms)
{
    size_t count = 0;
    for (const struct sealed *batch = outbox->first; batch != NULL; batch = batch->next)
        count++;
    struct spool_batch *handed = reallocarray(NULL, count, sizeof(*handed));
    void **batches = reallocarray(NULL, count, sizeof(void *));
    if (handed == NULL || batches == NULL)
        abort();
    for (struct sealed *batch = outbox->first; batch != NULL; batch = batch->next) {
        handed[outbox->appends] = (struct spool_batch){outbox->id, batch->number, batch->payload};
        batches[outbox->appends++] = batch;
        batch->payload = (struct buf){0}; /* it comes back, and is counted in `bytes` meanwhile */
        batch->is_with_spool = batch->was_spooled = true;
    }
    spool_append_group(outbox->port, handed, batches, count, on_spooled);
    outbox->spool_at_ms = now_ms + SPOOL_GATHER_MS;
    free(handed);
    free(batches);
}

/* --- The log --------------------------------------------------------------------------------- */

static void note_answer(struct outbox *outbox, enum append_result result,
                        const struct redis_reply *reply)
{
    if (result == APPEND_TAKEN && outbox->is_refused) {
        log_info("the log takes batches again");
        outbox->is_refused = false;
    }
    if (result == APPEND_GAP)
        outbox->counts.gaps++;
    if (result != APPEND_REFUSED)
        return;
    outbox->counts.refusals++;
    outbox->retry_at_ms = clock_mono_ms() + WRITER_RETRY_MS;
    /* The text is Redis's own: a code and words, never an argument of ours. */
    struct str why = str_prefix(redis_reply_str(reply), 60);
    if (!outbox->is_refused)
        log_warn("the log refuses batches (%.*s); they wait for it", STR_ARG(why));
    outbox->is_refused = true;
}

static void on_replayed(enum append_result result, const struct redis_reply *reply, void *data)
{
    struct outbox *outbox = data;
    outbox->counts.replayed += result == APPEND_TAKEN;
    note_answer(outbox, result, reply);
}

static struct replay *replay_start(struct outbox *outbox, uint64_t writer)
{
    return replay_new(outbox->port, outbox->options.link, writer, on_replayed, outbox);
}

static void start_over(struct outbox *outbox)
{
    log_error("the log has lost this writer's place; what is not acknowledged goes on under a new "
              "name");
    randombytes_buf(&outbox->id, sizeof(outbox->id));
    outbox->last_number = 0;
    for (struct sealed *batch = outbox->first; batch != NULL; batch = batch->next) {
        assert(!batch->was_spooled);
        batch->number = ++outbox->last_number;
    }
    if (outbox->own != NULL) {
        assert(replay_is_done(outbox->own));
        replay_free(outbox->own);
        outbox->own = replay_start(outbox, outbox->id);
    }
    /* Live messages name the writer: what was acknowledged under the old name is not of the new. */
    sealed_free_list(outbox->recent);
    outbox->recent = outbox->recent_last = NULL;
    outbox->recent_count = 0;
}

static void on_appended(const struct redis_reply *reply, void *data)
{
    struct outbox *outbox = data;
    struct sealed *batch = outbox->flight.batch;
    enum append_result result = append_result_of(reply);
    outbox->flight.is_under_way = false;
    outbox->flight.batch = NULL;
    note_answer(outbox, result, reply);
    if (result == APPEND_TAKEN && batch == NULL) {
        spool_forget(outbox->port, outbox->id, outbox->flight.number);
    } else if (result == APPEND_TAKEN && batch->is_with_spool) {
        batch->is_taken = true;
        outbox->options.on_durable(batch, outbox->options.data);
    } else if (result == APPEND_TAKEN) {
        end_taken(outbox);
    } else if (result == APPEND_GAP && batch != NULL && !batch->is_with_spool) {
        /* What the spool has is sent again by the replay, which then sees for itself. */
        if (batch->was_spooled)
            batch->is_heir = true;
        else
            start_over(outbox);
    }
}

static void send_first(struct outbox *outbox)
{
    struct sealed *batch = outbox->first;
    uint64_t writer = batch->is_heir ? spool_heir(outbox->id, batch->number) : outbox->id;
    if (!append_send(outbox->options.link, writer, batch->is_heir ? 1 : batch->number,
                     buf_str(&batch->payload), on_appended, outbox))
        return;
    outbox->flight.is_under_way = true;
    outbox->flight.number = batch->number;
    outbox->flight.batch = batch;
    outbox->counts.sent_again += batch->was_sent;
    batch->was_sent = true;
}

/* --- For the writer -------------------------------------------------------------------------- */

static void take_what_was_left(struct outbox *outbox)
{
    const struct spool_writer *writers;
    size_t count = spool_left(outbox->options.spool, &writers);
    outbox->left = calloc(count / outbox->options.workers + 1, sizeof(struct replay *));
    if (outbox->left == NULL)
        abort();
    for (size_t i = outbox->options.index; i < count; i += outbox->options.workers)
        outbox->left[outbox->left_count++] = replay_start(outbox, writers[i].writer);
}

static void free_left(struct outbox *outbox)
{
    for (size_t i = 0; i < outbox->left_count; i++)
        replay_free(outbox->left[i]);
    outbox->left_count = 0;
}

struct outbox *outbox_new(const struct outbox_options *options)
{
    struct outbox *outbox = calloc(1, sizeof(*outbox));
    if (outbox == NULL || sodium_init() < 0)
        abort();
    outbox->options = *options;
    randombytes_buf(&outbox->id, sizeof(outbox->id));
    if (options->spool != NULL) {
        outbox->port = spool_port_new(options->spool, options->loop);
        outbox->own = replay_start(outbox, outbox->id);
        take_what_was_left(outbox);
    }
    return outbox;
}

void outbox_free(struct outbox *outbox)
{
    if (outbox == NULL)
        return;
    spool_port_free(outbox->port);
    free_left(outbox);
    replay_free(outbox->own);
    free(outbox->left);
    sealed_free_list(outbox->first);
    sealed_free_list(outbox->recent);
    free(outbox);
}

uint64_t outbox_next_number(const struct outbox *outbox)
{
    return outbox->last_number + 1;
}

void outbox_push(struct outbox *outbox, struct sealed *batch)
{
    assert(batch->number == outbox->last_number + 1);
    outbox->last_number++;
    batch->outbox = outbox;
    if (outbox->last != NULL)
        outbox->last->next = batch;
    else
        outbox->first = batch;
    outbox->last = batch;
    outbox->bytes += batch->payload.len;
    outbox->counts.sealed++;
}

/* One at a time; one that has to wait lets the others pass. */
static void turn_left(struct outbox *outbox, int64_t now_ms)
{
    bool is_all_done = true;
    for (size_t i = 0; i < outbox->left_count; i++) {
        size_t at = (outbox->left_at + i) % outbox->left_count;
        struct replay *replay = outbox->left[at];
        is_all_done = is_all_done && replay_is_done(replay);
        if (replay_is_done(replay) || replay_is_resting(replay, now_ms))
            continue;
        replay_turn(replay, now_ms);
        outbox->left_at = at;
        return;
    }
    if (is_all_done)
        free_left(outbox);
}

void outbox_turn(struct outbox *outbox)
{
    int64_t now_ms = clock_mono_ms();
    forget_recent(outbox, now_ms);
    if (outbox->own != NULL)
        replay_turn(outbox->own, now_ms);
    turn_left(outbox, now_ms);
    if (outbox->first == NULL)
        return;
    if (can_send(outbox, now_ms))
        send_first(outbox);
    else if (can_spool(outbox, now_ms))
        spool_queue(outbox, now_ms);
}

bool outbox_is_empty(const struct outbox *outbox)
{
    return outbox->first == NULL;
}

size_t outbox_bytes(const struct outbox *outbox)
{
    return outbox->bytes;
}

enum outbox_state outbox_state(const struct outbox *outbox)
{
    int64_t now_ms = clock_mono_ms();
    if (is_direct(outbox, now_ms) && !is_slow(outbox, now_ms) && !outbox->is_refused)
        return OUTBOX_DIRECT;
    return outbox->port != NULL && outbox->spool_failures == 0 ? OUTBOX_SPOOLING : OUTBOX_STUCK;
}

uint64_t outbox_id(const struct outbox *outbox)
{
    return outbox->id;
}

const struct sealed *outbox_waiting(const struct outbox *outbox)
{
    return outbox->first;
}

const struct sealed *outbox_recent(const struct outbox *outbox)
{
    return outbox->recent;
}

void outbox_counts(const struct outbox *outbox, struct outbox_counts *ret_counts)
{
    struct outbox_counts counts = outbox->counts;
    for (const struct sealed *batch = outbox->first; batch != NULL; batch = batch->next)
        counts.queued++;
    counts.queued_bytes = outbox->bytes;
    *ret_counts = counts;
}

/* A worker's way to the log.
 *
 *   writer_open(site)          seal                       FCALL append            commit
 *   desk: open section ──ripe──▶ batch 17 (queue) ──────▶ batch 17 in flight ──▶ recent (for live)
 *     held replies ────────────▶ its held replies ──────────────────────────────▶ 204 each
 *          └── older than ack_wait_ms: 202
 *
 * A desk (desk.h) is one site's place at this worker. Example with mix_views 1 and a busy Redis:
 * batch 17 is in flight with one view; 180 views gather in the open sections during its round trip;
 * when it is acknowledged they leave together as batch 18.
 *
 * While Redis is away ripe sections stay open and go on counting, which takes next to no memory,
 * until they are nearly full; only then are they sealed into the queue. Queue and open sections are
 * bounded; past that beacons are shed, and counted as such with the next one that finds room. A
 * number belongs to a batch for ever: an unknown outcome is settled by sending the same number
 * again (append answers DUP). If Redis has lost this writer's row (GAP), nothing of what is
 * unacknowledged is there, and the writer starts over under a new name from 1. */

#include "collector/writer.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregator/batch.h"
#include "collector/desk.h"
#include "collector/held.h"
#include "collector/sealed.h"
#include "collector/view.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"

enum {
    WRITER_TICK_MS = 20,     /* the grain of ack_wait_ms */
    WRITER_SCAN_MS = 1000,   /* the grain of mix_seconds */
    WRITER_RETRY_MS = 200,   /* after an error reply */
    WRITER_RECENT_MS = 2000, /* acknowledged batches that live messages may repeat */
    WRITER_ID_DIGITS = 16,
    DESK_KEY_IDLE_MS = 120000, /* a day's key is asked for anew after this without a view */
    SECTIONS_A_BATCH_MAX = 256,
};
/* A section this large is sealed whatever its age. */
static const size_t SECTION_SEAL_BYTES = BATCH_BYTES_MAX / 2;
static_assert((size_t)VIEW_CELLS_MAX *
                      (VALUE_BYTES_MAX + BATCH_CELL_BYTES_MAX + 2 * BATCH_REGISTER_BYTES) <
                  BATCH_BYTES_MAX / 2 - BATCH_ENDS_BYTES_MAX,
              "a section that is not to be sealed yet takes one more view");
static_assert(VIEW_CELLS_MAX < SECTION_CELLS_MAX / 2, "likewise in cells");

struct writer {
    struct writer_options options;
    struct redis_link *link;
    struct loop_timer *tick;
    uint64_t id;
    uint64_t last_number;
    struct desk_table desks;
    struct desk **touched; /* may be ripe */
    size_t touched_count, touched_capacity;
    int64_t scan_at_ms;
    struct sealed *first, *last; /* batches, oldest first; the first may be in flight */
    size_t queue_bytes;
    bool in_flight;
    bool draining; /* everything is ripe */
    bool refused;  /* said once */
    int64_t retry_at_ms;
    struct sealed *recent, *recent_last;
    size_t recent_count;
    struct held_line held;
    size_t publishing, publish_bytes; /* live messages without a reply */
    struct writer_counts counts;      /* without what is now */
};

static void seal_and_send(struct writer *writer);

/* --- Sealing --------------------------------------------------------------------------------- */

static bool is_nearly_full(const struct section *section)
{
    return section->cell_count > SECTION_CELLS_MAX - 2 * VIEW_CELLS_MAX ||
           batch_section_bytes_max(section) > SECTION_SEAL_BYTES;
}

static bool is_ripe(const struct writer *writer, const struct desk_day *day, int64_t now_ms)
{
    if (day->section == NULL)
        return false;
    /* Where nothing is mixed, a report that waits for its reply is as good as a view. */
    bool waited_for = writer->options.mix_views <= 1 && !held_chain_is_empty(&day->held);
    return writer->draining || waited_for || day->section->views >= writer->options.mix_views ||
           now_ms - day->opened_ms >= (int64_t)writer->options.mix_seconds * 1000 ||
           is_nearly_full(day->section);
}

static void seal(struct writer *writer, struct desk_day *const *days, size_t count)
{
    struct sealed *batch = sealed_new(++writer->last_number, count);
    for (size_t i = 0; i < count; i++) {
        sealed_add(batch, days[i]->section, days[i]->desk);
        held_move(&days[i]->held, &batch->held);
        desk_close(&writer->desks, days[i]);
    }
    sealed_finish(batch);
    if (writer->last != NULL)
        writer->last->next = batch;
    else
        writer->first = batch;
    writer->last = batch;
    writer->queue_bytes += batch->payload.len;
    writer->counts.batches_sealed++;
}

static void touch(struct writer *writer, struct desk *desk)
{
    if (desk->touched)
        return;
    desk->touched = true;
    if (writer->touched_count == writer->touched_capacity) {
        writer->touched_capacity =
            writer->touched_capacity == 0 ? 16 : 2 * writer->touched_capacity;
        writer->touched =
            reallocarray(writer->touched, writer->touched_capacity, sizeof(struct desk *));
        if (writer->touched == NULL)
            abort();
    }
    writer->touched[writer->touched_count++] = desk;
}

/* What is to leave together. */
struct choice {
    struct desk_day *days[SECTIONS_A_BATCH_MAX];
    size_t count, bytes;
};

/* False when the desk has a ripe section that this batch has no room for. */
static bool choose_ripe(const struct writer *writer, struct desk *desk, int64_t now_ms,
                        struct choice *choice)
{
    for (size_t d = 0; d < DESK_DAYS; d++) {
        struct desk_day *day = &desk->days[d];
        if (!is_ripe(writer, day, now_ms))
            continue;
        size_t bytes = batch_section_bytes_max(day->section);
        if (choice->count == SECTIONS_A_BATCH_MAX ||
            choice->bytes + bytes > BATCH_BYTES_MAX - BATCH_ENDS_BYTES_MAX)
            return false;
        choice->days[choice->count++] = day;
        choice->bytes += bytes;
    }
    return true;
}

/* Seals what is ripe of the touched desks into one batch. Desks that are not ripe leave the list
 * until their next view, or until age makes them ripe. */
static void seal_touched(struct writer *writer)
{
    struct choice choice;
    choice.count = choice.bytes = 0;
    size_t kept = 0;
    int64_t now_ms = clock_mono_ms();
    for (size_t i = 0; i < writer->touched_count; i++) {
        struct desk *desk = writer->touched[i];
        desk->touched = !choose_ripe(writer, desk, now_ms, &choice);
        if (desk->touched)
            writer->touched[kept++] = desk; /* in the next batch */
    }
    writer->touched_count = kept;
    if (choice.count > 0)
        seal(writer, choice.days, choice.count);
}

/* Age makes sections ripe, and a day without views for a while forgets its key. */
static void scan_desks(struct writer *writer, int64_t now_ms)
{
    for (size_t i = 0; i < writer->desks.count; i++) {
        struct desk *desk = writer->desks.desks[i];
        for (size_t d = 0; d < DESK_DAYS; d++) {
            if (is_ripe(writer, &desk->days[d], now_ms))
                touch(writer, desk);
            if (now_ms - desk->days[d].used_ms > DESK_KEY_IDLE_MS)
                desk_forget_key(&desk->days[d]);
        }
    }
}

/* --- Sending --------------------------------------------------------------------------------- */

static void forget_recent(struct writer *writer, int64_t now_ms)
{
    while (writer->recent != NULL &&
           (writer->recent_count > LIVE_PARTS_MAX ||
            now_ms - writer->recent->acknowledged_ms > WRITER_RECENT_MS)) {
        struct sealed *batch = writer->recent;
        writer->recent = batch->next;
        if (writer->recent == NULL)
            writer->recent_last = NULL;
        writer->recent_count--;
        sealed_free(batch);
    }
}

static void acknowledge_first(struct writer *writer)
{
    struct sealed *batch = writer->first;
    writer->first = batch->next;
    if (writer->first == NULL)
        writer->last = NULL;
    writer->queue_bytes -= batch->payload.len;
    writer->counts.batches_acknowledged++;
    writer->counts.answered_durable +=
        held_answer_chain(&writer->held, &batch->held, writer->options.reply_durable);
    batch->next = NULL;
    batch->acknowledged_ms = clock_mono_ms();
    if (writer->recent_last != NULL)
        writer->recent_last->next = batch;
    else
        writer->recent = batch;
    writer->recent_last = batch;
    writer->recent_count++;
    forget_recent(writer, batch->acknowledged_ms);
}

static void start_over(struct writer *writer)
{
    log_error("the log has lost this writer's place; what is not acknowledged goes on under a new "
              "name");
    randombytes_buf(&writer->id, sizeof(writer->id));
    writer->last_number = 0;
    for (struct sealed *batch = writer->first; batch != NULL; batch = batch->next)
        batch->number = ++writer->last_number;
    /* Live messages name the writer: what was acknowledged under the old name is not of the new. */
    sealed_free_list(writer->recent);
    writer->recent = writer->recent_last = NULL;
    writer->recent_count = 0;
}

static void note_refusal(struct writer *writer, const struct redis_reply *reply)
{
    /* The text is Redis's own: a code and words, never an argument of ours. */
    struct str why = str_prefix(redis_reply_str(reply), 60);
    writer->counts.refusals++;
    if (!writer->refused)
        log_warn("the log refuses batches (%.*s); holding on to them", STR_ARG(why));
    writer->refused = true;
}

static void on_appended(const struct redis_reply *reply, void *data)
{
    struct writer *writer = data;
    writer->in_flight = false;
    if (reply == NULL)
        return; /* outcome unknown: the same number again when the link is back */
    if (redis_reply_is(reply, "OK") || redis_reply_is(reply, "DUP")) {
        if (writer->refused)
            log_info("the log takes batches again");
        writer->refused = false;
        acknowledge_first(writer);
        seal_and_send(writer);
        return;
    }
    if (redis_reply_is(reply, "GAP")) {
        writer->counts.gaps++;
        start_over(writer);
    } else {
        note_refusal(writer, reply);
    }
    writer->retry_at_ms = clock_mono_ms() + WRITER_RETRY_MS;
}

static void send_first(struct writer *writer)
{
    char id[WRITER_ID_DIGITS + 1], number[24], now[24];
    struct sealed *batch = writer->first;
    struct buf keys[2];
    snprintf(id, sizeof(id), "%016" PRIx64, writer->id);
    snprintf(number, sizeof(number), "%" PRIu64, batch->number);
    snprintf(now, sizeof(now), "%" PRId64, clock_wall_ms());
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        buf_init(&keys[i], 64);
    model_key_log(&keys[0], 0);
    model_key_writers(&keys[1], 0);
    const struct str argv[] = {
        STR_LIT("FCALL"),  STR_LIT("append"),        STR_LIT("2"),
        buf_str(&keys[0]), buf_str(&keys[1]),        str_from(id),
        str_from(number),  buf_str(&batch->payload), str_from(now),
    };
    writer->in_flight = redis_link_send(writer->link, ARRAY_LEN(argv), argv, on_appended, writer);
    writer->counts.batches_sent_again += writer->in_flight && batch->was_sent;
    batch->was_sent = batch->was_sent || writer->in_flight;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        buf_done(&keys[i]);
}

static void seal_and_send(struct writer *writer)
{
    if (writer->in_flight)
        return;
    bool can_send = redis_link_is_up(writer->link) && clock_mono_ms() >= writer->retry_at_ms;
    if (can_send && writer->first == NULL)
        seal_touched(writer);
    if (can_send && writer->first != NULL)
        send_first(writer);
}

/* --- For the worker -------------------------------------------------------------------------- */

static void on_tick(void *data)
{
    struct writer *writer = data;
    int64_t now_ms = clock_mono_ms();
    writer->counts.answered_accepted += held_answer_late(
        &writer->held, now_ms - writer->options.ack_wait_ms, writer->options.reply_accepted);
    forget_recent(writer, now_ms);
    if (now_ms >= writer->scan_at_ms) {
        scan_desks(writer, now_ms);
        writer->scan_at_ms = now_ms + WRITER_SCAN_MS;
    }
    seal_and_send(writer);
}

struct writer *writer_new(const struct writer_options *options)
{
    struct writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL || sodium_init() < 0)
        abort();
    writer->options = *options;
    randombytes_buf(&writer->id, sizeof(writer->id));
    desk_table_init(&writer->desks, options->day_keys);
    writer->link = redis_link_new(options->loop, &options->redis, &(struct redis_link_events){0});
    writer->tick = loop_timer_new(options->loop, WRITER_TICK_MS, on_tick, writer);
    return writer;
}

void writer_free(struct writer *writer)
{
    if (writer == NULL)
        return;
    loop_timer_free(writer->tick);
    redis_link_free(writer->link);
    (void)held_answer_late(&writer->held, INT64_MAX, writer->options.reply_accepted);
    sealed_free_list(writer->first);
    sealed_free_list(writer->recent);
    desk_table_done(&writer->desks);
    held_line_done(&writer->held);
    free(writer->touched);
    free(writer);
}

/* Seals what stands in the way of a view of this date, and sees to the bounds. False: full. */
static bool make_room(struct writer *writer, struct desk_day *day, uint32_t date)
{
    desk_account(&writer->desks, day);
    if (day->section != NULL && (day->date != date || is_nearly_full(day->section))) {
        if (writer->queue_bytes + batch_section_bytes_max(day->section) > WRITER_QUEUE_BYTES_MAX)
            return false;
        seal(writer, &day, 1);
    }
    return writer->desks.open_bytes <= WRITER_OPEN_BYTES_MAX;
}

bool writer_open(struct writer *writer, struct str site, uint32_t date,
                 struct writer_section *ret_section)
{
    struct desk *desk = desk_table_get(&writer->desks, site);
    struct desk_day *day = desk_day_of(desk, date);
    if (!make_room(writer, day, date)) {
        desk->shed++;
        writer->counts.shed++;
        return false;
    }
    desk_open(&writer->desks, desk, day, date, clock_mono_ms());
    if (desk->shed > 0)
        view_count_drops(day->section, DROP_NO_ROOM, desk->shed);
    desk->shed = 0;
    touch(writer, desk);
    *ret_section = (struct writer_section){day->section, &day->key};
    return true;
}

void writer_hold(struct writer *writer, struct str site, struct http_request *req)
{
    struct desk *desk = desk_table_find(&writer->desks, site);
    assert(desk != NULL && desk->days[desk->current].section != NULL);
    if (!held_add(&writer->held, &desk->days[desk->current].held, req, clock_mono_ms())) {
        writer->counts.answered_accepted++;
        http_reply(req, writer->options.reply_accepted);
    }
}

void writer_turn(struct writer *writer)
{
    seal_and_send(writer);
}

static bool is_anything_open(const struct writer *writer)
{
    for (size_t i = 0; i < writer->desks.count; i++)
        for (size_t d = 0; d < DESK_DAYS; d++)
            if (writer->desks.desks[i]->days[d].section != NULL)
                return true;
    return false;
}

bool writer_drain(struct writer *writer)
{
    writer->draining = true;
    scan_desks(writer, clock_mono_ms());
    seal_and_send(writer);
    return writer->first == NULL && !is_anything_open(writer);
}

bool writer_is_up(const struct writer *writer)
{
    return redis_link_is_up(writer->link) && !writer->refused;
}

bool writer_is_connected(const struct writer *writer)
{
    return redis_link_is_up(writer->link);
}

void writer_counts(const struct writer *writer, struct writer_counts *ret_counts)
{
    struct writer_counts counts = writer->counts;
    counts.held = writer->held.count;
    counts.open_bytes = writer->desks.open_bytes;
    counts.queued_bytes = writer->queue_bytes;
    for (size_t i = 0; i < writer->desks.count; i++)
        for (size_t d = 0; d < DESK_DAYS; d++)
            counts.open_sections += writer->desks.desks[i]->days[d].section != NULL;
    for (const struct sealed *batch = writer->first; batch != NULL; batch = batch->next)
        counts.queued_batches++;
    *ret_counts = counts;
}

/* --- Live ------------------------------------------------------------------------------------ */

static void on_published(const struct redis_reply *reply, void *data)
{
    struct writer *writer = data;
    (void)reply;
    if (--writer->publishing == 0)
        writer->publish_bytes = 0;
}

void writer_publish(struct writer *writer, struct str channel, struct str message)
{
    const struct str argv[] = {STR_LIT("PUBLISH"), channel, message};
    /* Whoever is not told now is told in a second, or when it is applied. */
    if (writer->publish_bytes + message.len > WRITER_PUBLISH_BYTES_MAX ||
        !redis_link_send(writer->link, ARRAY_LEN(argv), argv, on_published, writer))
        return;
    writer->publishing++;
    writer->publish_bytes += message.len;
}

uint64_t writer_id(const struct writer *writer)
{
    return writer->id;
}

/* The newest batches with something of this desk: they are the likeliest not to be applied. The
 * last place is the open part's. */
struct newest {
    const struct sealed *batches[LIVE_PARTS_MAX - 1];
    size_t count;
};

static void find_newest(const struct sealed *first, uint32_t desk, struct newest *newest)
{
    const size_t places = ARRAY_LEN(newest->batches);
    for (const struct sealed *batch = first; batch != NULL; batch = batch->next) {
        if (!sealed_has(batch, desk))
            continue;
        if (newest->count == places)
            memmove(&newest->batches[0], &newest->batches[1],
                    --newest->count * sizeof(newest->batches[0]));
        newest->batches[newest->count++] = batch;
    }
}

static uint32_t count_open(const struct desk *desk)
{
    uint32_t count = 0;
    for (size_t d = 0; d < DESK_DAYS; d++)
        count += desk->days[d].section != NULL;
    return count;
}

static void append_open(struct buf *out, struct desk *desk)
{
    batch_begin(out, count_open(desk));
    for (size_t d = 0; d < DESK_DAYS; d++)
        if (desk->days[d].section != NULL)
            batch_append_section(out, desk->days[d].section);
    batch_end(out);
}

struct parts {
    struct live_part parts[LIVE_PARTS_MAX];
    struct buf payloads[LIVE_PARTS_MAX];
    size_t count;
};

static void collect_parts(const struct writer *writer, uint32_t number, struct parts *parts)
{
    struct desk *desk = writer->desks.desks[number];
    struct newest newest = {.count = 0};
    find_newest(writer->recent, number, &newest);
    find_newest(writer->first, number, &newest);
    parts->count = 0;
    for (size_t i = 0; i < newest.count; i++) {
        struct buf *payload = &parts->payloads[parts->count];
        buf_init(payload, LIVE_MESSAGE_BYTES_MAX);
        sealed_append_part(newest.batches[i], number, payload);
        parts->parts[parts->count++] = (struct live_part){.number = newest.batches[i]->number};
    }
    if (count_open(desk) > 0) {
        struct buf *payload = &parts->payloads[parts->count];
        buf_init(payload, LIVE_MESSAGE_BYTES_MAX);
        append_open(payload, desk);
        /* Whatever seals it will have a higher number. */
        parts->parts[parts->count++] = (struct live_part){.after = writer->last_number};
    }
}

static void mark_desk(uint32_t desk, void *data)
{
    bool *marked = data;
    marked[desk] = true;
}

void writer_each_live(struct writer *writer,
                      void (*fn)(struct str site, const struct live_part *parts, size_t count,
                                 void *data),
                      void *data)
{
    bool *in_batch = calloc(writer->desks.count + 1, sizeof(*in_batch));
    if (in_batch == NULL)
        abort();
    for (const struct sealed *batch = writer->recent; batch != NULL; batch = batch->next)
        sealed_each_desk(batch, mark_desk, in_batch);
    for (const struct sealed *batch = writer->first; batch != NULL; batch = batch->next)
        sealed_each_desk(batch, mark_desk, in_batch);
    for (size_t i = 0; i < writer->desks.count; i++) {
        struct parts parts;
        size_t whole = 0;
        if (!in_batch[i] && count_open(writer->desks.desks[i]) == 0)
            continue;
        collect_parts(writer, (uint32_t)i, &parts);
        for (size_t p = 0; p < parts.count; p++) {
            parts.parts[p].payload = buf_str(&parts.payloads[p]);
            /* A part too large to tell shows when it is applied. */
            if (!parts.payloads[p].overflow)
                parts.parts[whole++] = parts.parts[p];
        }
        fn(writer->desks.desks[i]->site, parts.parts, whole, data);
        for (size_t p = 0; p < parts.count; p++)
            buf_done(&parts.payloads[p]);
    }
    free(in_batch);
}

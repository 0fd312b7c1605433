/* A worker's way to the log.
 *
 *   writer_open(site)          seal                outbox ──▶ log, or spool        durable
 *   desk: open section ──ripe──▶ batch 17 (queue) ─────────────────────────────▶ recent (for live)
 *     held replies ────────────▶ its held replies ──────────────────────────────▶ 204 each
 *          └── older than ack_wait_ms: 202
 *
 * A desk (desk.h) is one site's place at this worker. Example with mix_views 1 and a busy Redis:
 * batch 17 is in flight with one view; 180 views gather in the open sections during its round trip;
 * when it is acknowledged they leave together as batch 18.
 *
 * Where neither log nor spool takes batches ripe sections stay open and go on counting, which takes
 * next to no memory, until they are nearly full; only then are they sealed into the queue. Queue
 * and open sections are bounded; past that beacons are shed, and counted as such with the next one
 * that finds room. */

#include "collector/writer.h"

#include <assert.h>
#include <stdlib.h>

#include "aggregator/batch.h"
#include "collector/desk.h"
#include "collector/held.h"
#include "collector/live_parts.h"
#include "collector/sealed.h"
#include "collector/view.h"
#include "common/clock.h"
#include "common/limits.h"

enum {
    WRITER_TICK_MS = 20,       /* the grain of ack_wait_ms */
    WRITER_SCAN_MS = 1000,     /* the grain of mix_seconds */
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
    struct outbox *outbox;
    struct loop_timer *tick;
    struct desk_table desks;
    struct desk **touched; /* may be ripe */
    size_t touched_count, touched_capacity;
    int64_t scan_at_ms;
    bool draining; /* everything is ripe */
    struct held_line held;
    size_t publishing, publish_bytes; /* live messages without a reply */
    struct writer_counts counts;      /* without what is now, and the outbox's */
};

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

/* Since when somebody waits for what is sealed now. A section that is mixed is not to leave before
 * that, so its time begins here. */
static int64_t waited_since_ms(const struct writer *writer, const struct desk_day *day,
                               int64_t now_ms)
{
    return writer->options.mix_views <= 1 ? held_chain_since_ms(&day->held, now_ms) : now_ms;
}

static void seal(struct writer *writer, struct desk_day *const *days, size_t count)
{
    struct sealed *batch = sealed_new(outbox_next_number(writer->outbox), count);
    int64_t now_ms = clock_mono_ms();
    batch->since_ms = now_ms;
    for (size_t i = 0; i < count; i++) {
        int64_t since_ms = waited_since_ms(writer, days[i], now_ms);
        if (since_ms < batch->since_ms)
            batch->since_ms = since_ms;
        sealed_add(batch, days[i]->section, days[i]->desk);
        held_move(&days[i]->held, &batch->held);
        desk_close(&writer->desks, days[i]);
    }
    sealed_finish(batch);
    outbox_push(writer->outbox, batch);
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

/* Seals what is ripe of the touched desks into one batch; false when nothing is. Desks that are not
 * ripe leave the list until their next view, or until age makes them ripe. */
static bool seal_touched(struct writer *writer)
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
    return choice.count > 0;
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

static void seal_and_send(struct writer *writer)
{
    while (outbox_wants(writer->outbox) && seal_touched(writer))
        ;
    outbox_turn(writer->outbox);
}

static void on_durable(struct sealed *batch, void *data)
{
    struct writer *writer = data;
    writer->counts.answered_durable +=
        held_answer_chain(&writer->held, &batch->held, writer->options.reply_durable);
}

/* --- For the worker -------------------------------------------------------------------------- */

static void on_tick(void *data)
{
    struct writer *writer = data;
    int64_t now_ms = clock_mono_ms();
    writer->counts.answered_accepted += held_answer_late(
        &writer->held, now_ms - writer->options.ack_wait_ms, writer->options.reply_accepted);
    if (now_ms >= writer->scan_at_ms) {
        scan_desks(writer, now_ms);
        writer->scan_at_ms = now_ms + WRITER_SCAN_MS;
    }
    seal_and_send(writer);
}

/* Late enough that an ordinary sync of Redis is waited for, and early enough that the spool's is
 * done before the beacons are answered. */
static uint32_t slow_ms(uint32_t ack_wait_ms)
{
    uint32_t half_ms = ack_wait_ms / 2;
    if (half_ms < LOG_SLOW_MS_MIN)
        return LOG_SLOW_MS_MIN;
    return half_ms > LOG_SLOW_MS_MAX ? LOG_SLOW_MS_MAX : half_ms;
}

struct writer *writer_new(const struct writer_options *options)
{
    struct writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL)
        abort();
    writer->options = *options;
    desk_table_init(&writer->desks, options->day_keys);
    writer->link = redis_link_new(options->loop, &options->redis, &(struct redis_link_events){0});
    writer->outbox = outbox_new(&(struct outbox_options){
        .loop = options->loop,
        .link = writer->link,
        .spool = options->spool,
        .index = options->index,
        .workers = options->workers,
        .slow_ms = slow_ms(options->ack_wait_ms),
        .on_durable = on_durable,
        .data = writer,
    });
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
    outbox_free(writer->outbox);
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
        if (outbox_bytes(writer->outbox) + batch_section_bytes_max(day->section) >
            WRITER_QUEUE_BYTES_MAX)
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
    day->section->folds_detail = writer->desks.open_bytes > WRITER_DETAIL_BYTES_MAX;
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
    return outbox_is_empty(writer->outbox) && !is_anything_open(writer);
}

enum outbox_state writer_state(const struct writer *writer)
{
    return outbox_state(writer->outbox);
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
    outbox_counts(writer->outbox, &counts.outbox);
    for (size_t i = 0; i < writer->desks.count; i++)
        for (size_t d = 0; d < DESK_DAYS; d++)
            counts.open_sections += writer->desks.desks[i]->days[d].section != NULL;
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
    return outbox_id(writer->outbox);
}

void writer_each_live(struct writer *writer,
                      void (*fn)(struct str site, const struct live_part *parts, size_t count,
                                 void *data),
                      void *data)
{
    const struct live_source source = {
        .desks = &writer->desks,
        .recent = outbox_recent(writer->outbox),
        .waiting = outbox_waiting(writer->outbox),
        .last_number = outbox_next_number(writer->outbox) - 1,
    };
    live_parts_each(&source, fn, data);
}

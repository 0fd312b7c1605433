/* A worker's way to the log.
 *
 *   writer_open(site)          seal                       FCALL append            commit
 *   desk: open section ──ripe──▶ batch 17 (queue) ──────▶ batch 17 in flight ──▶ recent (for live)
 *     held replies ────────────▶ its held replies ──────────────────────────────▶ 204 each
 *          └── older than ack_wait_ms: 202
 *
 * A desk is one site's place at this worker: its open section, the key of its day, and the replies
 * that wait for it. Example with mix_views 1 and a busy Redis: batch 17 is in flight with one
 * view; 180 views gather in the open sections during its round trip; when it is acknowledged they
 * leave together as batch 18.
 *
 * While Redis is away ripe sections stay open and go on counting, which takes next to no memory,
 * until they are nearly full; only then are they sealed into the queue, which is bounded. A number
 * belongs to a batch for ever: an unknown outcome is settled by sending the same number again
 * (append answers DUP). If Redis has lost this writer's row (GAP), nothing of what is
 * unacknowledged is there, and the writer starts over under a new name from 1. */

#include "collector/writer.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregator/batch.h"
#include "collector/held.h"
#include "collector/sealed.h"
#include "collector/view.h"
#include "common/clock.h"
#include "common/hash.h"
#include "common/limits.h"
#include "common/log.h"

enum {
    WRITER_TICK_MS = 20,     /* the grain of ack_wait_ms */
    WRITER_SCAN_MS = 1000,   /* the grain of mix_seconds */
    WRITER_RETRY_MS = 200,   /* after an error reply */
    WRITER_RECENT_MS = 2000, /* acknowledged batches that live messages may repeat */
    WRITER_ID_DIGITS = 16,
    DESKS_FIRST = 16,
    DESK_KEY_IDLE_MS = 120000,
};
/* A section this large is sealed whatever its age. */
static const size_t SECTION_SEAL_BYTES = BATCH_BYTES_MAX / 2;
/* What one view can add to a section: its cells' values and their fixed parts. */
enum { CELL_FIXED_BYTES = 40, REGISTER_BYTES = 3 };
static_assert((size_t)VIEW_CELLS_MAX * (VALUE_BYTES_MAX + CELL_FIXED_BYTES) < BATCH_BYTES_MAX / 2,
              "a section that is not to be sealed yet takes one more view");
static_assert(VIEW_CELLS_MAX < SECTION_CELLS_MAX / 2, "likewise in cells");

struct desk {
    struct str site; /* owned */
    uint32_t date;
    struct day_key key;
    struct section *section; /* NULL: nothing is open */
    int64_t opened_ms;
    bool touched; /* in the writer's list of desks to look at */
    struct held *held;
    uint64_t last_number; /* of the last sealed batch with this site */
};

struct writer {
    struct writer_options options;
    struct redis_link *link;
    struct loop_timer *tick;
    uint64_t id;
    uint64_t last_number;
    struct desk **desks;
    size_t desk_count, desk_capacity;
    uint32_t *slots; /* hash of the site → desk + 1 */
    size_t slot_mask;
    struct desk **touched; /* may be ripe; as many places as desks */
    size_t touched_count;
    int64_t scan_at_ms;
    struct section *spare;       /* one empty section, so that a quiet desk does not allocate */
    struct sealed *first, *last; /* batches, oldest first; the first may be in flight */
    size_t queue_bytes;
    bool in_flight;
    bool refused; /* said once */
    int64_t retry_at_ms;
    struct sealed *recent, *recent_last;
    size_t recent_count;
    struct held_line held;
};

static void seal_and_send(struct writer *writer, bool everything);

/* --- Desks ----------------------------------------------------------------------------------- */

static void place_desk(struct writer *writer, size_t index)
{
    size_t slot = hash_str(writer->desks[index]->site) & writer->slot_mask;
    while (writer->slots[slot] != 0)
        slot = (slot + 1) & writer->slot_mask;
    writer->slots[slot] = (uint32_t)index + 1;
}

static void grow_desks(struct writer *writer)
{
    writer->desk_capacity = writer->desk_capacity == 0 ? DESKS_FIRST : 2 * writer->desk_capacity;
    writer->desks = reallocarray(writer->desks, writer->desk_capacity, sizeof(struct desk *));
    writer->touched = reallocarray(writer->touched, writer->desk_capacity, sizeof(struct desk *));
    free(writer->slots);
    writer->slots = calloc(2 * writer->desk_capacity, sizeof(*writer->slots));
    if (writer->desks == NULL || writer->touched == NULL || writer->slots == NULL)
        abort();
    writer->slot_mask = 2 * writer->desk_capacity - 1;
    for (size_t i = 0; i < writer->desk_count; i++)
        place_desk(writer, i);
}

static struct desk *find_desk(const struct writer *writer, struct str site)
{
    size_t slot = hash_str(site) & writer->slot_mask;
    for (; writer->slots[slot] != 0; slot = (slot + 1) & writer->slot_mask) {
        struct desk *desk = writer->desks[writer->slots[slot] - 1];
        if (str_eq(desk->site, site))
            return desk;
    }
    return NULL;
}

static struct desk *make_desk(struct writer *writer, struct str site)
{
    if (writer->desk_count == writer->desk_capacity)
        grow_desks(writer);
    struct desk *desk = calloc(1, sizeof(*desk));
    char *copy = strndup(site.ptr, site.len);
    if (desk == NULL || copy == NULL)
        abort();
    desk->site = (struct str){copy, site.len};
    writer->desks[writer->desk_count] = desk;
    place_desk(writer, writer->desk_count++);
    return desk;
}

static size_t section_bytes(const struct section *section)
{
    return section->bytes.len + (size_t)section->cell_count * CELL_FIXED_BYTES +
           (size_t)section->register_count * REGISTER_BYTES;
}

static bool is_nearly_full(const struct section *section)
{
    return section->cell_count > SECTION_CELLS_MAX - 2 * VIEW_CELLS_MAX ||
           section_bytes(section) > SECTION_SEAL_BYTES;
}

static bool is_ripe(const struct writer *writer, const struct desk *desk, int64_t now_ms)
{
    return desk->section->views >= writer->options.mix_views ||
           now_ms - desk->opened_ms >= (int64_t)writer->options.mix_seconds * 1000 ||
           is_nearly_full(desk->section);
}

/* --- Sealing --------------------------------------------------------------------------------- */

static void close_section(struct writer *writer, struct desk *desk)
{
    section_reset(desk->section, STR_EMPTY, 0);
    if (writer->spare == NULL)
        writer->spare = desk->section;
    else
        section_free(desk->section);
    desk->section = NULL;
}

static void seal(struct writer *writer, struct desk *const *desks, size_t count)
{
    struct sealed *batch = sealed_new(++writer->last_number, count);
    for (size_t i = 0; i < count; i++) {
        sealed_add(batch, desks[i]->section);
        held_move(&desks[i]->held, &batch->held);
        close_section(writer, desks[i]);
        desks[i]->last_number = batch->number;
    }
    sealed_finish(batch);
    if (writer->last != NULL)
        writer->last->next = batch;
    else
        writer->first = batch;
    writer->last = batch;
    writer->queue_bytes += batch->payload.len;
}

static void touch(struct writer *writer, struct desk *desk)
{
    if (desk->touched)
        return;
    desk->touched = true;
    writer->touched[writer->touched_count++] = desk;
}

/* Seals what is ripe, or all of it, of the touched desks into one batch. Desks that are not ripe
 * leave the list until their next view, or until age makes them ripe. */
static void seal_touched(struct writer *writer, bool everything)
{
    enum { DESKS_A_BATCH = 256 };
    struct desk *chosen[DESKS_A_BATCH];
    size_t count = 0, kept = 0, bytes = 0;
    int64_t now_ms = clock_mono_ms();
    for (size_t i = 0; i < writer->touched_count; i++) {
        struct desk *desk = writer->touched[i];
        bool ripe = desk->section != NULL && (everything || is_ripe(writer, desk, now_ms));
        size_t more = ripe ? section_bytes(desk->section) : 0;
        if (ripe && (count == DESKS_A_BATCH || (count > 0 && bytes + more > BATCH_BYTES_MAX))) {
            writer->touched[kept++] = desk; /* in the next batch */
            continue;
        }
        desk->touched = false;
        bytes += more;
        if (ripe)
            chosen[count++] = desk;
    }
    writer->touched_count = kept;
    if (count > 0)
        seal(writer, chosen, count);
}

/* Age makes sections ripe, and a desk without one for a while forgets its day's key. */
static void scan_desks(struct writer *writer, int64_t now_ms)
{
    for (size_t i = 0; i < writer->desk_count; i++) {
        struct desk *desk = writer->desks[i];
        if (desk->section != NULL && is_ripe(writer, desk, now_ms)) {
            touch(writer, desk);
        } else if (desk->section == NULL && desk->date != 0 &&
                   now_ms - desk->opened_ms > DESK_KEY_IDLE_MS) {
            explicit_bzero(&desk->key, sizeof(desk->key));
            desk->date = 0;
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
    held_answer_chain(&writer->held, batch->held, writer->options.reply_durable);
    batch->held = NULL;
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
    for (size_t i = 0; i < writer->desk_count; i++)
        writer->desks[i]->last_number = 0;
    /* Live messages name the writer: what was acknowledged under the old name is not of the new. */
    sealed_free_list(writer->recent);
    writer->recent = writer->recent_last = NULL;
    writer->recent_count = 0;
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
        seal_and_send(writer, false);
        return;
    }
    if (redis_reply_is(reply, "GAP"))
        start_over(writer);
    else if (!writer->refused) {
        /* The text is Redis's own: a code and words, never an argument of ours. */
        struct str why = str_prefix(redis_reply_str(reply), 60);
        log_warn("the log refuses batches (%.*s); holding on to them", STR_ARG(why));
        writer->refused = true;
    }
    writer->retry_at_ms = clock_mono_ms() + WRITER_RETRY_MS;
}

static void send_first(struct writer *writer)
{
    char id[WRITER_ID_DIGITS + 1], number[24], now[24];
    const struct sealed *batch = writer->first;
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
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        buf_done(&keys[i]);
}

static void seal_and_send(struct writer *writer, bool everything)
{
    if (writer->in_flight)
        return;
    bool can_send = redis_link_is_up(writer->link) && clock_mono_ms() >= writer->retry_at_ms;
    if (everything || (can_send && writer->first == NULL))
        seal_touched(writer, everything);
    if (can_send && writer->first != NULL)
        send_first(writer);
}

/* --- For the worker -------------------------------------------------------------------------- */

static void on_tick(void *data)
{
    struct writer *writer = data;
    int64_t now_ms = clock_mono_ms();
    held_answer_late(&writer->held, now_ms - writer->options.ack_wait_ms,
                     writer->options.reply_accepted);
    forget_recent(writer, now_ms);
    if (now_ms >= writer->scan_at_ms) {
        scan_desks(writer, now_ms);
        writer->scan_at_ms = now_ms + WRITER_SCAN_MS;
    }
    seal_and_send(writer, false);
}

struct writer *writer_new(const struct writer_options *options)
{
    struct writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL || sodium_init() < 0)
        abort();
    writer->options = *options;
    randombytes_buf(&writer->id, sizeof(writer->id));
    grow_desks(writer);
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
    held_answer_late(&writer->held, INT64_MAX, writer->options.reply_accepted);
    for (size_t i = 0; i < writer->desk_count; i++) {
        struct desk *desk = writer->desks[i];
        section_free(desk->section);
        held_free_chain(desk->held);
        free((void *)(uintptr_t)desk->site.ptr);
        explicit_bzero(desk, sizeof(*desk));
        free(desk);
    }
    held_line_done(&writer->held);
    sealed_free_list(writer->first);
    sealed_free_list(writer->recent);
    section_free(writer->spare);
    free(writer->desks);
    free(writer->touched);
    free(writer->slots);
    free(writer);
}

static void open_section(struct writer *writer, struct desk *desk, uint32_t date)
{
    if (desk->date != date) {
        day_keys_get(writer->options.day_keys, desk->site, date, &desk->key);
        desk->date = date;
    }
    desk->section = writer->spare != NULL ? writer->spare : section_new(SECTION_CELLS_MAX);
    writer->spare = NULL;
    section_reset(desk->section, desk->site, date);
    desk->opened_ms = clock_mono_ms();
}

bool writer_open(struct writer *writer, struct str site, uint32_t date,
                 struct writer_section *ret_section)
{
    struct desk *desk = find_desk(writer, site);
    if (desk == NULL)
        desk = make_desk(writer, site);
    if (desk->section != NULL && (desk->date != date || is_nearly_full(desk->section))) {
        if (writer->queue_bytes + section_bytes(desk->section) > WRITER_QUEUE_BYTES_MAX)
            return false;
        seal(writer, &desk, 1);
    }
    if (desk->section == NULL)
        open_section(writer, desk, date);
    touch(writer, desk);
    *ret_section = (struct writer_section){desk->section, &desk->key};
    return true;
}

void writer_hold(struct writer *writer, struct str site, struct http_request *req)
{
    struct desk *desk = find_desk(writer, site);
    assert(desk != NULL && desk->section != NULL);
    if (!held_add(&writer->held, &desk->held, req, clock_mono_ms()))
        http_reply(req, writer->options.reply_accepted);
}

void writer_turn(struct writer *writer)
{
    seal_and_send(writer, false);
}

bool writer_drain(struct writer *writer)
{
    for (size_t i = 0; i < writer->desk_count; i++)
        if (writer->desks[i]->section != NULL)
            touch(writer, writer->desks[i]);
    seal_and_send(writer, true);
    if (writer->first != NULL)
        return false;
    for (size_t i = 0; i < writer->desk_count; i++)
        if (writer->desks[i]->section != NULL)
            return false;
    return true;
}

bool writer_is_up(const struct writer *writer)
{
    return redis_link_is_up(writer->link) && !writer->refused;
}

/* --- Live ------------------------------------------------------------------------------------ */

static void on_published(const struct redis_reply *reply, void *data)
{
    (void)reply;
    (void)data;
}

void writer_publish(struct writer *writer, struct str channel, struct str message)
{
    const struct str argv[] = {STR_LIT("PUBLISH"), channel, message};
    if (!redis_link_send(writer->link, ARRAY_LEN(argv), argv, on_published, NULL))
        return; /* nobody to tell: the next second's message says it again */
}

uint64_t writer_id(const struct writer *writer)
{
    return writer->id;
}

static void add_part(struct live_part *parts, struct buf *payloads, size_t *count,
                     const struct sealed *batch, struct str site)
{
    /* The open part needs the last place. */
    if (*count < LIVE_PARTS_MAX - 1 && sealed_part(batch, site, &payloads[*count])) {
        parts[*count] = (struct live_part){.number = batch->number};
        ++*count;
    }
}

static size_t collect_parts(struct writer *writer, struct desk *desk, struct live_part *parts,
                            struct buf *payloads)
{
    size_t count = 0;
    for (struct sealed *batch = writer->recent; batch != NULL; batch = batch->next)
        add_part(parts, payloads, &count, batch, desk->site);
    for (struct sealed *batch = writer->first; batch != NULL; batch = batch->next)
        add_part(parts, payloads, &count, batch, desk->site);
    if (desk->section != NULL) {
        buf_init(&payloads[count], LIVE_MESSAGE_BYTES_MAX);
        batch_begin(&payloads[count], 1);
        batch_append_section(&payloads[count], desk->section);
        batch_end(&payloads[count]);
        parts[count++] = (struct live_part){.after = desk->last_number};
    }
    return count;
}

void writer_each_live(struct writer *writer,
                      void (*fn)(struct str site, const struct live_part *parts, size_t count,
                                 void *data),
                      void *data)
{
    for (size_t i = 0; i < writer->desk_count; i++) {
        struct live_part parts[LIVE_PARTS_MAX];
        struct buf payloads[LIVE_PARTS_MAX];
        size_t count = collect_parts(writer, writer->desks[i], parts, payloads), whole = 0;
        for (size_t p = 0; p < count; p++) {
            parts[p].payload = buf_str(&payloads[p]);
            /* A part too large to tell shows when it is applied. */
            if (!payloads[p].overflow)
                parts[whole++] = parts[p];
        }
        if (count > 0)
            fn(writer->desks[i]->site, parts, whole, data);
        for (size_t p = 0; p < count; p++)
            buf_done(&payloads[p]);
    }
}

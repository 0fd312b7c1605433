/* One writer's way out of the spool.
 *
 *   DUE ──▶ READING ──record──▶ SENDING, as the record says ──▶ OK, DUP: forget it; DUE
 *    ▲         │                                            ├─▶ GAP: tell the spool, which may give
 *    │         └─ nothing left ─▶ DONE                      │   it another name; DUE
 *    └───────────── woken ─────────┘                        └─▶ refused, no reply: DUE, later
 *
 * The record is not kept over a failure: reading it again is what the spool asks for, since its
 * name in the log may have changed. Called by the outbox. */

#include "collector/replay.h"

#include <assert.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/limits.h"

enum replay_state { REPLAY_DUE, REPLAY_READING, REPLAY_SENDING, REPLAY_DONE };

static const uint32_t REPLAY_MAGIC = 0x7265706c;

struct replay {
    uint32_t magic;
    enum replay_state state;
    struct spool_port *port;
    struct redis_link *link;
    uint64_t writer;
    uint64_t number; /* of the record in SENDING, in the spool */
    int64_t retry_at_ms;
    replay_fn on_answer;
    void *data;
};

static void read_next(struct replay *replay);

static void wait_ms(struct replay *replay, int64_t ms)
{
    replay->state = REPLAY_DUE;
    replay->retry_at_ms = clock_mono_ms() + ms;
}

static void on_sent(const struct redis_reply *reply, void *data)
{
    struct replay *replay = data;
    enum append_result result = append_result_of(reply);
    assert(replay->magic == REPLAY_MAGIC && replay->state == REPLAY_SENDING);
    replay->state = REPLAY_DUE;
    switch (result) {
    case APPEND_TAKEN:
        spool_forget(replay->port, replay->writer, replay->number);
        break;
    case APPEND_GAP:
        spool_gap(replay->port, replay->writer, replay->number);
        break;
    case APPEND_REFUSED:
        wait_ms(replay, WRITER_RETRY_MS);
        break;
    case APPEND_UNKNOWN:
        break; /* the link is down; when it is up again */
    }
    replay->on_answer(result, reply, replay->data);
    if (result == APPEND_TAKEN || result == APPEND_GAP)
        read_next(replay);
}

static void on_read(enum spool_read result, struct spool_record *record, void *data)
{
    struct replay *replay = data;
    assert(replay->magic == REPLAY_MAGIC && replay->state == REPLAY_READING);
    replay->state = REPLAY_DUE;
    if (result == SPOOL_EMPTY)
        replay->state = REPLAY_DONE;
    if (result == SPOOL_UNREADABLE)
        wait_ms(replay, SPOOL_RETRY_MS);
    if (result != SPOOL_RECORD)
        return;
    replay->number = record->number;
    if (append_send(replay->link, record->as_writer, record->as_number, buf_str(&record->payload),
                    on_sent, replay))
        replay->state = REPLAY_SENDING;
}

static void read_next(struct replay *replay)
{
    replay->state = REPLAY_READING;
    spool_read(replay->port, replay->writer, on_read, replay);
}

struct replay *replay_new(struct spool_port *port, struct redis_link *link, uint64_t writer,
                          replay_fn on_answer, void *data)
{
    struct replay *replay = calloc(1, sizeof(*replay));
    if (replay == NULL)
        abort();
    *replay = (struct replay){
        .magic = REPLAY_MAGIC,
        .port = port,
        .link = link,
        .writer = writer,
        .on_answer = on_answer,
        .data = data,
    };
    return replay;
}

void replay_free(struct replay *replay)
{
    if (replay == NULL)
        return;
    replay->magic = 0;
    free(replay);
}

void replay_turn(struct replay *replay, int64_t now_ms)
{
    if (replay->state == REPLAY_DUE && now_ms >= replay->retry_at_ms &&
        redis_link_is_up(replay->link))
        read_next(replay);
}

void replay_wake(struct replay *replay)
{
    /* A read that is under way began after that append, and finds it. */
    if (replay->state == REPLAY_DONE)
        replay->state = REPLAY_DUE;
}

bool replay_is_resting(const struct replay *replay, int64_t now_ms)
{
    return replay->state == REPLAY_DUE && now_ms < replay->retry_at_ms;
}

bool replay_is_done(const struct replay *replay)
{
    return replay->state == REPLAY_DONE;
}

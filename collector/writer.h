#pragma once

/* A worker's way to the log: open sections, batches, and the replies that wait for them.
 *
 * Sections ripen (mix.views counted, or mix.seconds old, or nearly full), are sealed into a batch
 * with the writer's next number, and leave for the log or the spool (outbox.h) one batch at a time;
 * the next leaves when the previous is durable, so batches grow with load. One worker's thread; no
 * lock. */

#include <stdint.h>

#include "aggregator/live.h"
#include "aggregator/section.h"
#include "collector/day_key.h"
#include "collector/outbox.h"
#include "common/http.h"
#include "common/redis_link.h"

struct writer;

struct writer_options {
    struct loop *loop;
    struct redis_address redis;
    struct day_keys *day_keys; /* outlives the writer */
    struct spool *spool;       /* likewise; NULL: what the log does not take waits in memory */
    unsigned index, workers;   /* this worker of how many */
    uint32_t mix_views;
    uint32_t mix_seconds;
    uint32_t ack_wait_ms;
    /* The final answers to held beacons: durable, or accepted into the mixing window. */
    const struct http_reply *reply_durable;  /* 204 */
    const struct http_reply *reply_accepted; /* 202 */
};

struct writer *writer_new(const struct writer_options *options);
void writer_free(struct writer *writer);

/* An open section, with its day's key. */
struct writer_section {
    struct section *section;
    const struct day_key *key;
};

/* The open section of a site's day, with room for one view. False: everything is full because
 * neither Redis nor the spool has taken any for too long; the beacon is shed. Valid until the next
 * call. */
MUST_CHECK bool writer_open(struct writer *writer, struct str site, uint32_t date,
                            struct writer_section *ret_section);
/* Holds the reply of a beacon that was just counted in the site's section: reply_durable when its
 * batch is durable, reply_accepted when that takes longer than ack_wait_ms. */
void writer_hold(struct writer *writer, struct str site, struct http_request *req);

/* After each turn: seals what is ripe and sends if nothing is in flight. */
void writer_turn(struct writer *writer);
/* Seals everything at once and sends on; true when all is durable. */
bool writer_drain(struct writer *writer);

enum outbox_state writer_state(const struct writer *writer);
/* False while the connection to Redis is away; when it is there the log may still refuse. */
bool writer_is_connected(const struct writer *writer);

/* What the writer has done so far, and what it holds now. */
struct writer_counts {
    struct outbox_counts outbox;
    uint64_t answered_durable, answered_accepted; /* held beacons, by answer */
    uint64_t shed;                                /* beacons that found no room */
    uint64_t held, open_sections, open_bytes;     /* now */
};
void writer_counts(const struct writer *writer, struct writer_counts *ret_counts);
/* Fire and forget; for the live messages. */
void writer_publish(struct writer *writer, struct str channel, struct str message);

/* For the live messages: the writer's number, and the parts of a site that the store may not show
 * yet. Calls fn for each site that has any; slices are valid during the call. */
uint64_t writer_id(const struct writer *writer);
void writer_each_live(struct writer *writer,
                      void (*fn)(struct str site, const struct live_part *parts, size_t count,
                                 void *data),
                      void *data);

#pragma once

/* A scripted Redis for the writer: keeps the log's rule (OK, DUP, GAP) in memory, and misbehaves as
 * told. Its own thread behind a Unix socket. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

enum fault {
    FAULT_NONE,
    FAULT_CUT_BEFORE, /* closes without applying */
    FAULT_CUT_AFTER,  /* applies, then closes without a reply */
    FAULT_ERROR,      /* an error reply, nothing applied */
    FAULT_STALL,      /* applies, and answers when nobody waits for it any more */
    FAULT_HOLD,       /* applies, and answers after fake_redis_release() */
    FAULT_FORGET,     /* forgets its writers, as a restore of old data would */
};

struct fake_redis;

/* `next_fault` decides for each append, on the server's thread. */
struct fake_redis *fake_redis_start(enum fault (*next_fault)(void *data), void *data);
void fake_redis_stop(struct fake_redis *redis);
const char *fake_redis_path(const struct fake_redis *redis);
/* How many batches the log holds, and their payloads; after fake_redis_pause(). */
size_t fake_redis_count(struct fake_redis *redis);
struct str fake_redis_payload(struct fake_redis *redis, size_t index);
/* Closes the listener and every connection; fake_redis_resume() opens it again. */
void fake_redis_pause(struct fake_redis *redis);
void fake_redis_resume(struct fake_redis *redis);
/* From now on no answer is held. */
void fake_redis_release(struct fake_redis *redis);

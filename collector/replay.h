#pragma once

/* Brings into the log what the spool holds of one writer, one record after the other, whenever the
 * link is up. One loop's thread. */

#include <stdint.h>

#include "collector/append.h"
#include "collector/spool.h"

struct replay;

/* What the log has answered to a record, for who counts and tells; not to free anything in. */
typedef void (*replay_fn)(enum append_result result, const struct redis_reply *reply, void *data);

/* Begins with the first turn. Port and link outlive every turn. */
struct replay *replay_new(struct spool_port *port, struct redis_link *link, uint64_t writer,
                          replay_fn on_answer, void *data);
/* After the link and the port are freed: until then either may call back. */
void replay_free(struct replay *replay);

/* Reads or sends what is next. */
void replay_turn(struct replay *replay, int64_t now_ms);
/* There is more in the spool: an append of this port was told durable. */
void replay_wake(struct replay *replay);
/* It waits for a while, after a refusal or since the disk does not give a record. */
bool replay_is_resting(const struct replay *replay, int64_t now_ms);
/* Nothing of the writer was in the spool, and it was not woken since. */
bool replay_is_done(const struct replay *replay);

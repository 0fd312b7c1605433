#pragma once

/* What is open of one date, as Redis commands, and their replies as rows of an answer. The commands
 * belong into one MULTI … EXEC, since the counters, the marks of what is applied and the sketches
 * must be of one moment. Does no I/O; one thread. */

#include "aggregator/overlay.h"
#include "aggregator/query_answer.h"
#include "aggregator/query_commands.h"
#include "common/redis.h"

struct query_live;

/* Takes `day`, what collectors have told of this date; it may be NULL. Adds its commands. */
struct query_live *query_live_new(const struct query_plan *plan, uint32_t date,
                                  struct overlay_day *day, struct query_commands *commands);
void query_live_free(struct query_live *live);

enum query_live_status {
    QUERY_LIVE_OK,
    QUERY_LIVE_FAILED, /* not what these commands are answered with */
    QUERY_LIVE_FULL,   /* QUERY_TOO_MANY_GROUPS */
};
/* Adds what the first commands of EXEC were answered with. Once. */
MUST_CHECK enum query_live_status query_live_take(struct query_live *live,
                                                  const struct redis_reply *exec,
                                                  struct query_answer *answer);

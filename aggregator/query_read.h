#pragma once

/* One date of a plan as Redis commands, and their replies as rows of an answer. The commands belong
 * into one MULTI … EXEC, since the counters, the marks of what is applied and the sketches must be
 * of one moment. Does no I/O; one thread. */

#include "aggregator/overlay.h"
#include "aggregator/query_answer.h"
#include "common/redis.h"

struct query_read;

/* Takes `day`, what collectors have told of this date; it may be NULL. */
struct query_read *query_read_new(const struct query_plan *plan, uint32_t date,
                                  struct overlay_day *day);
void query_read_free(struct query_read *read);

enum { QUERY_READ_ARGS = 2 };
size_t query_read_count(const struct query_read *read);
/* The slices live as long as the read. */
void query_read_command(const struct query_read *read, size_t index,
                        struct str ret_args[QUERY_READ_ARGS]);

enum query_read_status {
    QUERY_READ_OK,
    QUERY_READ_FAILED, /* not what these commands are answered with */
    QUERY_READ_FULL,   /* QUERY_TOO_MANY_GROUPS */
};
/* Adds what EXEC has answered. Once. */
MUST_CHECK enum query_read_status query_read_take(struct query_read *read,
                                                  const struct redis_reply *exec,
                                                  struct query_answer *answer);

#pragma once

/* A writer before a scripted Redis, with a spool or without, for its tests. */

#include "collector/writer.h"
#include "fake_redis.h"

struct fixture {
    struct loop *loop;
    struct day_keys *day_keys;
    struct fake_redis *redis;
    const char *folder; /* of the spool; NULL: none. Set before fixture_start() */
    uint64_t spool_bytes_max;
    uint32_t ack_wait_ms; /* 0: short */
    struct spool *spool;
    struct writer *writer;
    uint32_t mix_views, mix_seconds;
    enum fault *script; /* in turn; then none */
    size_t script_len, script_at;
    unsigned random_seed; /* not 0: random faults instead */
};

enum { FIXTURE_TURN_MS = 5, FIXTURE_PATIENCE_TURNS = 4000 };
extern const uint32_t FIXTURE_DATE;

void fixture_start(struct fixture *fixture, uint32_t mix_views, uint32_t mix_seconds);
void fixture_end(struct fixture *fixture);
/* The process dies, with what it holds in memory, and another one begins on the same folder. */
void fixture_die(struct fixture *fixture);

void fixture_turns(struct fixture *fixture, int count);
/* False when it does not end. */
bool fixture_drain(struct fixture *fixture);
/* Fails the test when it does not come to that. */
void fixture_await(struct fixture *fixture, enum outbox_state state);
/* The log comes to hold that many batches, and no more for a while. */
void fixture_await_batches(struct fixture *fixture, size_t batches);
struct writer_counts fixture_counts(const struct fixture *fixture);

/* A view of a page of its own, on one of three sites. */
bool fixture_count_view(struct fixture *fixture, int number);
bool fixture_count_page(struct fixture *fixture, const char *site, uint32_t date, const char *page);

/* How many pages the log has; fails the test when one is there twice. */
int64_t fixture_counted(struct fixture *fixture);

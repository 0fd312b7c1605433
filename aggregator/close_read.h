#pragma once

/* All that is at rest of one open day, read for its close: the live counters, which keys they and
 * their sketches have, and what was sealed of the day and its month before. Waits for Redis. */

#include "aggregator/record.h"
#include "aggregator/trouble.h"

struct key_list {
    struct buf bytes;
    size_t *ends; /* of each key in the bytes */
    size_t count, capacity;
};

struct close_reading {
    struct day day; /* the live part, with names of its own */
    struct day_names names;
    struct key_list keys; /* of the live part and its sketches */
    struct record_names month;
    struct redis_reply *names_reply, *record_reply;
    /* Why the day cannot be closed, in words that hold no value; empty: it can. */
    char damage[160];
};

void close_reading_init(struct close_reading *reading, uint32_t date);
void close_reading_done(struct close_reading *reading);
struct str key_list_at(const struct key_list *keys, size_t index);

/* False with the trouble, for what passes by itself. What does not is told as damage. The day is
 * read as it is while others may change it: whoever seals it proves that nobody did. */
MUST_CHECK bool close_read(struct close_reading *reading, struct redis *redis, struct str site,
                           struct trouble *ret_trouble);
/* Adds what was sealed before, if anything. False with the damage. */
MUST_CHECK bool close_read_sealed(struct close_reading *reading, struct record_reader *reader);

/* One field of a live hash into the day. False for what no counter is spelled like. */
bool close_read_field(struct day *day, enum table table, struct str field, struct str value);
bool close_read_cross_field(struct day *day, enum cross cross, struct str field, struct str value);

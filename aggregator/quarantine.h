#pragma once

/* Entries of the log that cannot be applied, out of its way. The aggregator puts them there, one
 * step with the cursor's move past them; the operator looks, and puts them back or discards them.
 * Waits for Redis. */

#include "aggregator/log_entry.h"
#include "aggregator/trouble.h"

enum quarantine_status {
    QUARANTINE_DONE,
    QUARANTINE_MOVED, /* somebody else has done it, or more */
    QUARANTINE_TROUBLE,
};

/* Moves the log's first entry there; `cursor` is where the cursor stands, `why` is words of at most
 * QUARANTINE_REASON_BYTES_MAX. TROUBLE_FULL when there is no room. */
enum quarantine_status quarantine_put(struct redis *redis, uint32_t shard, struct str cursor,
                                      struct str id, const char *why, struct trouble *ret_trouble);

/* How many there are; false with the trouble. */
MUST_CHECK bool quarantine_count(struct redis *redis, uint32_t shard, uint64_t *ret_count,
                                 struct trouble *ret_trouble);

/* One of them. The strings live as long as the reply. */
struct quarantine_entry {
    struct str id;    /* in the quarantine, which tells when it came there */
    struct str entry; /* its id in the log */
    struct str why;
    bool is_batch; /* as append wrote it: it has a writer, a number and a payload */
    struct str payload;
};

/* The first of them after `after` ("0-0": of all), as a reply that the caller frees. NULL with the
 * trouble; has_entry is false at the end. */
struct redis_reply *quarantine_next(struct redis *redis, uint32_t shard, struct str after,
                                    bool *ret_has_entry, struct quarantine_entry *ret_entry,
                                    struct trouble *ret_trouble);

enum quarantine_retried {
    QUARANTINE_RETRIED,
    QUARANTINE_GONE,     /* it is not there any more */
    QUARANTINE_NO_BATCH, /* it stays: nothing could come of it */
    QUARANTINE_REFUSED,  /* with the trouble */
};
/* Back into the log, once, however often it is asked. */
enum quarantine_retried quarantine_retry(struct redis *redis, uint32_t shard, struct str id,
                                         struct trouble *ret_trouble);
MUST_CHECK bool quarantine_discard(struct redis *redis, uint32_t shard, struct str id,
                                   struct trouble *ret_trouble);

#pragma once

/* The spool's folder: which batches it holds, and every change to it. No thread, no loop: all of it
 * blocks on the disk, and one thread at a time may call it (spool.c has one for that).
 *
 * Sorted by writer and first number, segments are runs of numbers that do not overlap. What is told
 * durable is in one of them until spool_store_forget(), or until it is in quarantine. */

#include <stdint.h>

#include "collector/spool_segment.h"

enum spool_append {
    SPOOL_DURABLE, /* on disk; after a restart it is replayed */
    SPOOL_NO_ROOM, /* the spool is full */
    SPOOL_FAILED,  /* the disk does not take it */
    SPOOL_APPEND__COUNT,
};

enum spool_read {
    SPOOL_RECORD,
    SPOOL_EMPTY,      /* nothing of this writer is here */
    SPOOL_UNREADABLE, /* there is something, and the disk does not give it at present */
    SPOOL_READ__COUNT,
};

struct spool_options {
    const char *folder; /* DIR/spool; made when absent, inside one that is there */
    /* 0: the bound of common/limits.h */
    uint64_t bytes_max;
    uint64_t segment_bytes_max;
    int64_t age_max_ms;
};

/* One batch to append. */
struct spool_item {
    uint64_t writer, number;
    struct str payload;
    enum spool_append result;
    struct spool_item *next; /* private */
};

struct spool_record {
    uint64_t writer, number;       /* its name here, for forgetting */
    uint64_t as_writer, as_number; /* its name in the log */
    struct buf payload;            /* the caller's */
};

/* For the health page and /metrics. Times are ms since 1970, 0 for none. */
struct spool_state {
    uint64_t bytes, bytes_max; /* with what is in quarantine */
    uint64_t records;          /* that wait for replay */
    uint32_t segments;
    int64_t oldest_ms; /* the oldest waiting record is at most an hour younger */
    int64_t not_durable_since_ms;
    uint64_t failures;    /* of writes and syncs */
    uint32_t quarantined; /* files in quarantine, or on their way there */
    uint32_t cut;         /* unfinished ends that were cut off at the start */
    uint32_t unknown;     /* files that are not the spool's, or of another version; left alone */
};

struct spool_writer {
    uint64_t writer;
    uint64_t first, last; /* there may be gaps between */
};

struct spool_store {
    struct spool_folders folders;
    struct spool_options options;
    struct spool_segment **segments; /* sorted */
    size_t count, capacity;
    struct buf group;
    struct spool_state state;
    unsigned failures_in_a_row;
    int64_t failing_since_ms, retry_at_ms;
};

/* Takes the folder for this process and reads what others left. NULL with a sentence in `error`
 * when it cannot be used, or another process has it. */
MUST_CHECK struct spool_store *spool_store_open(const struct spool_options *options, char *error,
                                                size_t error_bytes);
void spool_store_close(struct spool_store *store);

/* Writers of which records wait; the array is the caller's to free. */
size_t spool_store_writers(const struct spool_store *store, struct spool_writer **ret_writers);

/* Appends and tells the result of each; of one writer nothing is taken after what was not. */
void spool_store_append(struct spool_store *store, struct spool_item *const *items, size_t count);
/* The first record of the writer that is not forgotten. */
MUST_CHECK enum spool_read spool_store_read(struct spool_store *store, uint64_t writer,
                                            struct spool_record *ret_record);
/* Everything of the writer up to `number` is in the log. */
void spool_store_forget(struct spool_store *store, uint64_t writer, uint64_t number);
/* The log has answered GAP to this record. */
void spool_store_gap(struct spool_store *store, uint64_t writer, uint64_t number);
/* Computes what changes by itself. */
void spool_store_state(const struct spool_store *store, struct spool_state *ret_state);

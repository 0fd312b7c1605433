#pragma once

/* A sealed batch: its number, its payload, and where each desk's sections stand in it. One thread.
 */

#include <stdint.h>

#include "aggregator/section.h"
#include "collector/held.h"
#include "common/buf.h"

enum { SEALED_MAGIC = 0x7365616c };

struct outbox;

struct sealed {
    uint32_t magic;
    struct sealed *next;
    uint64_t number;
    struct buf payload;     /* empty while the spool has it */
    struct held_chain held; /* replies that wait for it */
    int64_t since_ms;       /* somebody waits for it, or it is there; monotonic */
    /* The outbox's. */
    struct outbox *outbox;
    int64_t acknowledged_ms;
    bool was_sent;      /* once already, without an answer that it is in the log */
    bool is_with_spool; /* handed over, and not back */
    bool was_spooled;   /* handed over once, whatever came of it */
    bool is_taken;      /* the log has it, while the spool's answer is still to come */
    bool is_heir;       /* goes to the log under spool_heir() of its name */
    /* private */
    struct sealed_part *parts;
    size_t part_count;
};

/* For `section_count` sections, all of which sealed_add() must add before sealed_finish(). */
struct sealed *sealed_new(uint64_t number, size_t section_count);
/* `desk`: the writer's number of the site's desk. */
void sealed_add(struct sealed *sealed, struct section *section, uint32_t desk);
/* Together the sections must fit into BATCH_BYTES_MAX: see batch_section_bytes_max(). */
void sealed_finish(struct sealed *sealed);
/* Nobody may wait for it any more. */
void sealed_free(struct sealed *sealed);
/* A whole list. */
void sealed_free_list(struct sealed *first);

bool sealed_has(const struct sealed *sealed, uint32_t desk);
/* Calls fn(desk, data) for each section's desk. */
void sealed_each_desk(const struct sealed *sealed, void (*fn)(uint32_t desk, void *data),
                      void *data);
/* A desk's sections as a payload of their own, appended to `out`. */
void sealed_append_part(const struct sealed *sealed, uint32_t desk, struct buf *out);

#pragma once

/* One file of the spool. Every call works on the disk and belongs to the spool's thread; failures
 * are -errno. */

#include <stdint.h>

#include "collector/spool_format.h"

struct spool_segment {
    uint64_t writer;
    uint64_t first, last; /* durable numbers; last is first - 1 while there is none */
    uint64_t forgotten;   /* up to this number all is in the log */
    uint64_t bytes;       /* that are durable: the header and the records up to last */
    int64_t created_ms;
    bool is_heir;    /* its records go to the log under spool_heir() */
    bool is_open;    /* takes more records */
    bool is_damaged; /* its file holds more, which is not believed: it ends in quarantine */
    bool wants_heir; /* the log has lost the writer's place in front of it */
    /* private */
    int fd;                       /* -1: not open at present */
    uint64_t at_number, at_bytes; /* where a record starts */
};

/* The folders of the spool. */
struct spool_folders {
    int spool;
    int quarantine;
};

/* A segment that holds nothing yet; spool_segment_free() closes its file. */
struct spool_segment *spool_segment_new(uint64_t writer, uint64_t first);
void spool_segment_free(struct spool_segment *segment);
/* Makes its file, empty. */
MUST_CHECK int spool_segment_create(struct spool_segment *segment,
                                    const struct spool_folders *folders);
/* Appends `bytes`, which end with record `last`, and makes them durable: one write, one fdatasync,
 * and for the first ones an fsync of the folder. After a failure the file is dead: what a second
 * fdatasync says about the same bytes is worth nothing. */
MUST_CHECK int spool_segment_append(struct spool_segment *segment,
                                    const struct spool_folders *folders, struct str bytes,
                                    uint64_t last);
/* Takes nothing more; what a failed append may have left behind is cut off as well as may be. */
void spool_segment_close(struct spool_segment *segment);
/* Reads the payload of one of its numbers; -EBADMSG when the bytes are not that record (any more):
 * the segment then stands at it, as spool_segment_cut() wants. */
MUST_CHECK int spool_segment_read(struct spool_segment *segment,
                                  const struct spool_folders *folders, uint64_t number,
                                  struct buf *payload);
/* From now on its records belong to its heir. Durable on return. */
MUST_CHECK int spool_segment_bequeath(struct spool_segment *segment,
                                      const struct spool_folders *folders);
/* Removes its file; the caller syncs the folder. */
MUST_CHECK int spool_segment_unlink(struct spool_segment *segment,
                                    const struct spool_folders *folders);

/* Ends the segment after `last`, in memory: the file stays as it is. */
void spool_segment_end(struct spool_segment *segment, uint64_t last);
/* Ends the segment after `last`, at `bytes`: in memory at once and on disk if that can be done. */
MUST_CHECK int spool_segment_cut(struct spool_segment *segment, const struct spool_folders *folders,
                                 uint64_t last, uint64_t bytes);

/* Moves its file to quarantine, under a name that is free there. */
MUST_CHECK int spool_segment_quarantine(struct spool_segment *segment,
                                        const struct spool_folders *folders);

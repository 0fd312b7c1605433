#pragma once

/* Sealed batches on disk while Redis does not take them: the promise behind a 204 then.
 *
 * One spool a process, one process a folder. All file work is done by a thread of its own, so that
 * no event loop ever waits for a disk. Worker loops talk to it through a port each, and every
 * callback runs on the port's loop. What waits together is made durable together.
 *
 * A number is never given to another payload: that is what makes it safe to send a batch again.
 * The spool bounds the disk; what is handed over and not called back for is memory, and its bound
 * is the caller's. */

#include "collector/spool_store.h"
#include "common/loop.h"

struct spool;
struct spool_port;

/* Takes the folder, reads what other processes left, starts the thread. Blocks; before any loop
 * runs. NULL with a sentence in `error`. */
MUST_CHECK struct spool *spool_new(const struct spool_options *options, char *error,
                                   size_t error_bytes);
/* Does what was asked for, then ends. Its ports and their loops are gone. */
void spool_free(struct spool *spool);

/* Writers of earlier processes whose records wait, at spool_new(); each is to be replayed by one
 * port. Valid as long as the spool. */
size_t spool_left(const struct spool *spool, const struct spool_writer **ret_writers);
/* No older than the last callback. Any thread. */
void spool_get_state(struct spool *spool, struct spool_state *ret_state);

struct spool_port *spool_port_new(struct spool *spool, struct loop *loop);
/* On the port's thread, not from a callback. No callback comes any more; what was handed over is
 * still appended. The spool outlives the loop. */
void spool_port_free(struct spool_port *port);

struct spool_batch {
    uint64_t writer, number;
    struct buf payload; /* 1 to SPOOL_PAYLOAD_BYTES_MAX bytes */
};

/* The batch comes back whatever the result: the callback may move the payload out, leaving an empty
 * buf; the rest is freed. */
typedef void (*spool_append_fn)(enum spool_append result, struct spool_batch *batch, void *data);
/* `record` is NULL unless the result is SPOOL_RECORD; its payload may be moved out likewise. */
typedef void (*spool_read_fn)(enum spool_read result, struct spool_record *record, void *data);

/* Moves the payload in. Calls back in the order of the calls of one port. After SPOOL_NO_ROOM or
 * SPOOL_FAILED none of the writer's later numbers of the same group is taken: append again, from
 * the refused number on. A batch that is in the spool already is durable. One that was told
 * SPOOL_FAILED may be found on the disk by the next process all the same: it may still be sent from
 * memory, as (writer, number), and after a GAP to that as (spool_heir(writer, number), 1), but
 * under no other name. */
void spool_append(struct spool_port *port, struct spool_batch *batch, spool_append_fn done,
                  void *data);
/* The same for several, which are of one group; `datas` are theirs, one by one. */
void spool_append_group(struct spool_port *port, struct spool_batch *batches, void *const *datas,
                        size_t count, spool_append_fn done);

/* Replay, one record after the other: read, send it as (as_writer, as_number), and
 *   OK or DUP          spool_forget() its number, read the next
 *   GAP                spool_gap() its number, read again: other records or another name may come
 *   no or other reply  read again, later: the same record
 * Everything of that writer that is not in the spool and goes in front of the record has to be in
 * the log before; once it has got a GAP no smaller number of it may ever be sent. */
void spool_read(struct spool_port *port, uint64_t writer, spool_read_fn done, void *data);
/* Everything of the writer up to `number` is in the log; also when it got there from memory. */
void spool_forget(struct spool_port *port, uint64_t writer, uint64_t number);
void spool_gap(struct spool_port *port, uint64_t writer, uint64_t number);

#pragma once

/* Calls that a machine may refuse, of which the nth fails: in this process, its libraries included.
 *
 * A program that is linked with failing.c has these calls in the place of the C library's. They do
 * what those do, until a process has called failing_subject() and a plan is set. The plan is shared
 * with the processes forked after failing_share(), so that one can set it for another. Of input and
 * output only calls on files and sockets count: a pipe or an eventfd does not break. */

#include <stdbool.h>

enum failing_kind {
    FAILING_MEMORY, /* malloc, calloc, realloc, reallocarray: there is none */
    FAILING_WRITE,  /* write, writev, pwrite, send, sendmsg: half is done, then -1 */
    FAILING_SYNC,   /* fsync, fdatasync: -1 */
    FAILING_READ,   /* read, readv, pread, recv, recvmsg: -1; of a socket, a reply is lost */
    FAILING__COUNT
};
const char *failing_kind_name(enum failing_kind kind);

enum { FAILING_NEVER = 0x7fffffff };

/* Before the first fork. */
void failing_share(void);
/* From now on calls of this process, on all its threads, count. */
void failing_subject(void);
/* The nth call (0, 1, ...) of this kind fails, and all after it when it `stays`. */
void failing_set(enum failing_kind kind, unsigned nth, bool stays);
/* No call fails any more; how many there were since failing_set(). */
unsigned failing_clear(void);

/* What a failed assertion of a subject, or of a library in it, ends with: abort() alone is what
 * running out of memory may do. */
enum { FAILING_ASSERTION_CODE = 98 };

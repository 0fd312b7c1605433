#pragma once

/* Which system calls a process may make from now on, by the kernel's seccomp. For this thread, for
 * the threads and processes that it makes, and over exec; for good. */

#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"

enum call_group {
    CALLS_BASE = 1,   /* memory, threads, clocks, reading files, what is open already */
    CALLS_SERVE = 2,  /* streams over TCP and Unix sockets */
    CALLS_NAMES = 4,  /* what asking for a host's address takes */
    CALLS_FILES = 8,  /* making, writing, syncing and removing files */
    CALLS_FORK = 16,  /* processes of its own */
    CALLS_EXEC = 32,  /* becoming another program: what runs the filter before exec needs it */
    CALLS_COPY = 128, /* files in memory, which have no name */
    CALLS_UNIX = 64   /* streams over Unix sockets alone */
};

/* Whether the kernel can. */
bool call_filter_is_possible(void);

/* Closes every call outside `groups` of CALLS_*. True also where the kernel cannot; false, with a
 * sentence, when it could and does not. */
MUST_CHECK bool call_filter_close(unsigned groups, char *error, size_t error_bytes);

#pragma once

/* Commands for Redis, gathered before they are sent. Does no I/O; one thread; running out of memory
 * aborts. */

#include <stdint.h>

#include "common/buf.h"

/* A verb and as many keys as a month has days. */
enum { QUERY_COMMAND_ARGS_MAX = 1 + 31 };

struct query_commands {
    size_t count;
    /* private */
    struct buf bytes;
    uint32_t *arg_ends, *ends; /* of each argument in `bytes`; of each command in `arg_ends` */
    size_t arg_count, arg_capacity, capacity;
};

void query_commands_init(struct query_commands *commands);
void query_commands_done(struct query_commands *commands);
void query_commands_reset(struct query_commands *commands);

/* Begins a command. */
void query_commands_add(struct query_commands *commands, struct str verb);
/* Where the next argument of the last command is written; query_commands_end_arg() ends it. */
struct buf *query_commands_arg(struct query_commands *commands);
void query_commands_end_arg(struct query_commands *commands);
/* GETRANGE's arguments after the key; `last` may be -1 for the end. */
void query_commands_range(struct query_commands *commands, size_t first, int64_t last);

/* The arguments of a command, whose slices live until the next change. Returns their number. */
size_t query_commands_at(const struct query_commands *commands, size_t index,
                         struct str ret_args[QUERY_COMMAND_ARGS_MAX]);

/* All arguments one behind the other, and where each of them and each command ends. Filled by
 * query_read.c and query_live.c, sent by the dashboards over their asynchronous link, and by the
 * command line over the waiting one. */

#include "aggregator/query_commands.h"

#include <assert.h>
#include <stdlib.h>

#include "common/limits.h"

void query_commands_init(struct query_commands *commands)
{
    *commands = (struct query_commands){0};
    buf_init(&commands->bytes, QUERY_COMMANDS_BYTES_MAX);
}

void query_commands_done(struct query_commands *commands)
{
    buf_done(&commands->bytes);
    free(commands->arg_ends);
    free(commands->ends);
    *commands = (struct query_commands){0};
}

void query_commands_reset(struct query_commands *commands)
{
    buf_reset(&commands->bytes);
    commands->arg_count = commands->count = 0;
}

static void append(uint32_t **list, size_t count, size_t *capacity, uint32_t end)
{
    if (count == *capacity) {
        *capacity = *capacity == 0 ? 64 : 2 * *capacity;
        *list = reallocarray(*list, *capacity, sizeof(**list));
        if (*list == NULL)
            abort();
    }
    (*list)[count] = end;
}

void query_commands_end_arg(struct query_commands *commands)
{
    assert(commands->count > 0 && !commands->bytes.overflow);
    append(&commands->arg_ends, commands->arg_count++, &commands->arg_capacity,
           (uint32_t)commands->bytes.len);
    commands->ends[commands->count - 1] = (uint32_t)commands->arg_count;
}

void query_commands_add(struct query_commands *commands, struct str verb)
{
    append(&commands->ends, commands->count++, &commands->capacity, 0);
    buf_append_str(&commands->bytes, verb);
    query_commands_end_arg(commands);
}

struct buf *query_commands_arg(struct query_commands *commands)
{
    return &commands->bytes;
}

void query_commands_range(struct query_commands *commands, size_t first, int64_t last)
{
    buf_append_int(&commands->bytes, (int64_t)first);
    query_commands_end_arg(commands);
    buf_append_int(&commands->bytes, last);
    query_commands_end_arg(commands);
}

size_t query_commands_at(const struct query_commands *commands, size_t index,
                         struct str ret_args[QUERY_COMMAND_ARGS_MAX])
{
    assert(index < commands->count);
    size_t from = index == 0 ? 0 : commands->ends[index - 1];
    size_t count = commands->ends[index] - from;
    assert(count <= QUERY_COMMAND_ARGS_MAX);
    for (size_t i = 0; i < count; i++) {
        size_t at = from + i == 0 ? 0 : commands->arg_ends[from + i - 1];
        ret_args[i] = (struct str){commands->bytes.ptr + at, commands->arg_ends[from + i] - at};
    }
    return count;
}

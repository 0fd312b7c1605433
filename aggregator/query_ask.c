/* Used by the command line, whose collectors tell nothing, and by whoever measures. */

#include "aggregator/query_ask.h"

#include <stdlib.h>

enum query_read_status query_ask_step(struct redis *redis, struct query_read *read)
{
    const struct query_commands *commands = query_read_commands(read);
    enum query_read_status status = QUERY_READ_FAILED;
    size_t count = commands->count + 2;
    struct str(*args)[QUERY_COMMAND_ARGS_MAX] = calloc(count, sizeof(*args));
    size_t *argc = calloc(count, sizeof(*argc));
    const struct str **argv = calloc(count, sizeof(*argv));
    struct redis_reply **replies = calloc(count, sizeof(*replies));
    if (args == NULL || argc == NULL || argv == NULL || replies == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        bool is_command = i > 0 && i < count - 1;
        argc[i] = is_command ? query_commands_at(commands, i - 1, args[i]) : 1;
        argv[i] = args[i];
    }
    args[0][0] = STR_LIT("MULTI");
    args[count - 1][0] = STR_LIT("EXEC");
    bool good = redis_pipeline(redis, count, argc, argv, replies);
    if (good)
        status = query_read_take(read, replies[count - 1]);
    for (size_t i = 0; good && i < count; i++)
        redis_reply_free(replies[i]);
    free(args);
    free(argc);
    free(argv);
    free(replies);
    return status;
}

enum query_read_status query_ask_all(struct redis *redis, struct query_read *read)
{
    enum query_read_status status = QUERY_READ_AGAIN;
    while (status == QUERY_READ_AGAIN)
        status = query_ask_step(redis, read);
    return status;
}

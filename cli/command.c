/* What the commands share. Sentences of a command go to standard error, results to standard output.
 */

#include "cli/command.h"

#include <stdio.h>

#include "common/redis.h"

enum { ERROR_BYTES = 512 };

bool command_config(const struct command_place *place, struct config *ret_config)
{
    char error[ERROR_BYTES];
    struct config config;
    if (!config_load(place->config_path, &config, error, sizeof(error))) {
        fprintf(stderr, "footfall: %s\n", error);
        return false;
    }
    if (place->data != NULL && !config_set(&config, "data", place->data, error, sizeof(error))) {
        fprintf(stderr, "footfall: --data: %s\n", error);
        config_done(&config);
        return false;
    }
    *ret_config = config;
    return true;
}

struct redis *command_redis(const struct config *config)
{
    char error[ERROR_BYTES];
    struct redis_address address;
    struct redis *redis = NULL;
    if (config_redis_address(config, "admin", &address, error, sizeof(error)))
        redis = redis_connect(&address, error, sizeof(error));
    if (redis == NULL)
        fprintf(stderr, "footfall: %s\nIs `footfall serve` running on this data folder?\n", error);
    return redis;
}

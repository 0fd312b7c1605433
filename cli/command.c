/* What the commands share. Sentences of a command go to standard error, results to standard output.
 */

#include "cli/command.h"

#include <assert.h>
#include <stdio.h>

#include "cli/port.h"
#include "cli/store.h"
#include "common/redis.h"

enum { ERROR_BYTES = 512 };
static_assert((int)COMMAND_URL_BYTES >= (int)STORE_NOTE_BYTES, "what serve wrote down fits");

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

bool command_geo_files(struct config *config)
{
    char note[STORE_NOTE_BYTES], error[ERROR_BYTES];
    if (config->geo.database.count > 0 ||
        !store_read_note(config->data, STORE_NOTE_GEO_DATABASE, note))
        return true;
    return config_set(config, "geo.database", note, error, sizeof(error));
}

void command_collector_url(const struct config *config, char url[static COMMAND_URL_BYTES])
{
    struct listen_address listen;
    char text[PORT_TEXT_BYTES] = "";
    if (config->collector.url != NULL) {
        snprintf(url, COMMAND_URL_BYTES, "%s", config->collector.url);
        return;
    }
    if (store_read_note(config->data, STORE_NOTE_COLLECTOR_URL, url) &&
        value_url_valid(str_from(url)))
        return;
    if (value_listen(str_from(config->collector.listen), &listen))
        port_format_reachable(&listen, text);
    snprintf(url, COMMAND_URL_BYTES, "http://%s", text);
}

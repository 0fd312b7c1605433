/* What the commands share. Sentences of a command go to standard error, results to standard output.
 */

#include "cli/command.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/port.h"
#include "cli/site_admin.h"
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

int command_fail(const char *sentence)
{
    fprintf(stderr, "footfall: %s\n", sentence);
    return EXIT_BAD;
}

bool command_confirmed(const char *unasked, const char *question, ...)
{
    char answer[16] = "";
    va_list arguments;
    if (!isatty(STDIN_FILENO)) {
        (void)command_fail(unasked);
        return false;
    }
    va_start(arguments, question);
    (void)vfprintf(stderr, question, arguments);
    va_end(arguments);
    fputs(" Type yes: ", stderr);
    return fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0;
}

static struct redis *connect_as_admin(const struct config *config)
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

int command_with_redis(const struct command_place *place,
                       int (*work)(struct redis *redis, struct config *config, void *args),
                       void *args)
{
    struct config config;
    if (!command_config(place, &config))
        return EXIT_BAD;
    struct redis *redis = connect_as_admin(&config);
    int code = redis == NULL ? EXIT_BAD : work(redis, &config, args);
    redis_free(redis);
    config_done(&config);
    return code;
}

int command_with_site(struct redis *redis, const char *domain,
                      int (*work)(struct redis *redis, const struct site *site, void *args),
                      void *args)
{
    char error[ERROR_BYTES];
    struct site_list *list = site_admin_list(redis, error, sizeof(error));
    if (list == NULL)
        return command_fail(error);
    const struct site *site = site_list_find(list, str_from(domain));
    int code = site != NULL ? work(redis, site, args)
                            : command_fail("there is no such site; `footfall site list` shows all, "
                                           "and `footfall site add` makes one.");
    site_list_unref(list);
    return code;
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

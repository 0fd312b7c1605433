/* Where a role finds its Redis: the configured one, or the private one below the data folder.
 * Apart from config.c so that reading a configuration needs no Redis client. */

#include "common/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/limits.h"

static bool secret_read(const char *path, char *ret_secret, size_t secret_bytes, char *error,
                        size_t error_bytes)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        snprintf(error, error_bytes, "%s cannot be read: %s.%s", path, strerror(errno),
                 errno == ENOENT ? " Has `footfall serve` run on this data folder?" : "");
        return false;
    }
    size_t len = fread(ret_secret, 1, secret_bytes - 1, file);
    fclose(file);
    while (len > 0 && ret_secret[len - 1] == '\n')
        len--;
    ret_secret[len] = '\0';
    if (len > 0)
        return true;
    snprintf(error, error_bytes, "%s is empty; remove it, and `footfall serve` makes a new one.",
             path);
    return false;
}

static bool secret_find(const struct config *config, const char *role, char *ret_secret,
                        size_t secret_bytes, char *error, size_t error_bytes)
{
    char path[CONFIG_PATH_BYTES_MAX];
    if (config->redis.secret_of != NULL && strcmp(config->redis.secret_of, role) == 0) {
        snprintf(ret_secret, secret_bytes, "%s", config->redis.secret);
        return true;
    }
    int len = snprintf(path, sizeof(path), "%s/redis/%s.secret", config->data, role);
    if (len >= 0 && (size_t)len < sizeof(path))
        return secret_read(path, ret_secret, secret_bytes, error, error_bytes);
    snprintf(error, error_bytes, "the path of the data folder is too long.");
    return false;
}

bool config_redis_remember(struct config *config, const char *role, char *error, size_t error_bytes)
{
    if (config->redis.url != NULL)
        return true;
    if (!secret_find(config, role, config->redis.secret, sizeof(config->redis.secret), error,
                     error_bytes))
        return false;
    config->redis.secret_of = role;
    return true;
}

bool config_redis_address(const struct config *config, const char *role,
                          struct redis_address *ret_address, char *error, size_t error_bytes)
{
    if (config->redis.url != NULL)
        return redis_address_parse(config->redis.url, ret_address, error, error_bytes);
    struct redis_address address = {0};
    int len = snprintf(address.socket_path, sizeof(address.socket_path), "%s/redis/redis.sock",
                       config->data);
    if (len < 0 || (size_t)len >= sizeof(address.socket_path)) {
        snprintf(error, error_bytes,
                 "the path of the data folder is too long for a socket: use a shorter one, at most "
                 "%zu bytes.",
                 sizeof(address.socket_path) - sizeof("/redis/redis.sock"));
        return false;
    }
    snprintf(address.user, sizeof(address.user), "%s", role);
    if (!secret_find(config, role, address.password, sizeof(address.password), error, error_bytes))
        return false;
    *ret_address = address;
    return true;
}

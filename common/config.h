#pragma once

/* The configuration: defaults, then a YAML file, then the environment, then the command line. One
 * table (config.c) names every key with its type, default, range and meaning; `footfall check
 * --keys` and docs/operations.md print it. Every failure is a sentence that names the key, and the
 * line where there is one; values are never repeated, since an address may hold a password. */

#include <stdint.h>

#include "common/buf.h"
#include "common/macros.h"
#include "common/redis.h"
#include "common/str.h"

enum close_after_body { CLOSE_AUTO, CLOSE_ALWAYS, CLOSE_NEVER };

enum { CONFIG_LIST_MAX = 64 };

struct config_list {
    char *items[CONFIG_LIST_MAX]; /* owned */
    size_t count;
};

struct config {
    char *data; /* data: everything at rest is below it; default "./data" */
    struct {
        char *listen;     /* collector.listen, 127.0.0.1:8080 */
        char *url;        /* collector.url: what browsers use; NULL: http:// and listen */
        unsigned workers; /* collector.workers; 0: automatic, one a CPU but one, at least one */
        char *admin;      /* collector.admin; NULL: none */
    } collector;
    struct {
        char *listen; /* dashboards.listen, 127.0.0.1:8081 */
        char *admin;  /* dashboards.admin; NULL: none */
    } dashboards;
    struct {
        char *admin; /* aggregator.admin; NULL: none */
    } aggregator;
    struct {
        unsigned views;   /* mix.views, 10 */
        unsigned seconds; /* mix.seconds, 60 */
    } mix;
    struct {
        unsigned wait_ms; /* ack.wait_ms, 100 */
    } ack;
    struct {
        unsigned bytes_max; /* spool.bytes_max */
    } spool;
    struct {
        struct config_list trusted_proxies; /* http.trusted_proxies: addresses or ranges */
        enum close_after_body close_after_body;
        unsigned connections; /* http.connections */
    } http;
    struct {
        char *url; /* redis.url; NULL: the private Redis below data */
        /* What config_redis_remember() has read, and whose it is; NULL: nobody's. */
        char secret[129];
        const char *secret_of;
    } redis;
    struct {
        struct config_list database; /* geo.database: one or more files */
    } geo;
    struct {
        bool dnt; /* privacy.dnt: DNT: 1 counts as opted out; default true */
        bool gpc; /* privacy.gpc: Sec-GPC: 1 likewise; default true */
    } privacy;
};

/* `path` NULL: defaults and environment only. False, with a sentence, for an unknown or wrong key
 * or a file that cannot be read. */
MUST_CHECK bool config_load(const char *path, struct config *ret_config, char *error,
                            size_t error_bytes);
/* The same from text that was read; `name` stands in the sentences. */
MUST_CHECK bool config_load_text(struct str yaml, const char *name, struct config *ret_config,
                                 char *error, size_t error_bytes);
/* Sets one key ("collector.listen") of a loaded configuration, as a command line option does. */
MUST_CHECK bool config_set(struct config *config, const char *key, const char *text, char *error,
                           size_t error_bytes);
void config_done(struct config *config);

/* Every key, its variable, default, range and meaning, as a Markdown table. */
void config_describe(struct buf *out);

/* The Redis of this configuration as seen by a role ("collector", "aggregator", "dashboards",
 * "admin"): redis.url, or DATA/redis/redis.sock with the role's secret in DATA/redis/ROLE.secret.
 */
MUST_CHECK bool config_redis_address(const struct config *config, const char *role,
                                     struct redis_address *ret_address, char *error,
                                     size_t error_bytes);

/* Reads the role's secret now, so that config_redis_address() opens no file for it afterwards: a
 * role closes that folder to itself. `role` must live as long as the configuration, whose owner
 * wipes `redis.secret`. Nothing to do with a redis.url. */
MUST_CHECK bool config_redis_remember(struct config *config, const char *role, char *error,
                                      size_t error_bytes);

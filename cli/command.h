#pragma once

/* What the commands share: their exit codes, the two options that all know, and the ways into
 * Redis. What goes wrong is said in a sentence on standard error. */

#include "common/config.h"

enum { EXIT_GOOD = 0, EXIT_BAD = 1, EXIT_MISUSE = 2 };

struct redis;
struct site;

/* --config FILE and --data DIR, as given. */
struct command_place {
    const char *config_path;
    const char *data;
};

/* Reads the configuration of a command; false, with the sentence printed, when it is wrong. */
MUST_CHECK bool command_config(const struct command_place *place, struct config *ret_config);
/* Says a sentence; EXIT_BAD. */
int command_fail(const char *sentence);
/* Asks a question (as printf does) on the terminal, to be answered by yes. False without it; where
 * nobody can be asked `unasked` is said. */
MUST_CHECK bool command_confirmed(const char *unasked, const char *question, ...) PRINTF_LIKE(2, 3);

/* Connects as administrator and does `work`, whose exit code it gives; EXIT_BAD without Redis. */
int command_with_redis(const struct command_place *place,
                       int (*work)(struct redis *redis, struct config *config, void *args),
                       void *args);
/* Does `work` with a site of the list, which is valid meanwhile; EXIT_BAD when it is not there. */
int command_with_site(struct redis *redis, const char *domain,
                      int (*work)(struct redis *redis, const struct site *site, void *args),
                      void *args);

/* Without a geo.database of its own, a command looks at the files that the running `serve` has.
 * False when what that noted cannot be read. */
MUST_CHECK bool command_geo_files(struct config *config);

/* What browsers reach the collector by: collector.url, else what `serve` wrote down, else where it
 * is configured to listen. */
enum { COMMAND_URL_BYTES = 4096 };
void command_collector_url(const struct config *config, char url[static COMMAND_URL_BYTES]);

/* Roles: `footfall collect --config FILE | --data DIR`. */
int command_collect(int argc, char **argv);
int command_aggregate(int argc, char **argv);
int command_dashboards(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_site(int argc, char **argv);
int command_erase(int argc, char **argv);
int command_audit(int argc, char **argv);
int command_check(int argc, char **argv);
int command_quarantine(int argc, char **argv);
int command_import(int argc, char **argv);
int command_export(int argc, char **argv);

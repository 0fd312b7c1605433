#pragma once

/* What the commands share: their exit codes, the two options that all know, and their table. */

#include "common/config.h"

enum { EXIT_GOOD = 0, EXIT_BAD = 1, EXIT_MISUSE = 2 };

struct redis;

/* --config FILE and --data DIR, as given. */
struct command_place {
    const char *config_path;
    const char *data;
};

/* Reads the configuration of a command; false, with the sentence printed, when it is wrong. */
MUST_CHECK bool command_config(const struct command_place *place, struct config *ret_config);
/* Connects as administrator; NULL, with the sentence printed. */
struct redis *command_redis(const struct config *config);

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

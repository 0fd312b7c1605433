/* `footfall check`: is everything as it should be, in plain words. The configuration and the geo
 * database here; Redis and the roles that run in files of their own. */

#include <maxminddb.h>
#include <stdio.h>
#include <string.h>

#include "cli/check_redis.h"
#include "cli/check_roles.h"
#include "cli/check_sandbox.h"
#include "cli/command_options.h"
#include "cli/findings.h"
#include "common/clock.h"
#include "common/limits.h"

enum {
    ERROR_BYTES = 512,
    KEYS_BYTES_MAX = 64 * 1024,
    DAY_S = 24 * 60 * 60,
    /* Blocks of addresses change hands: after a year one in a few is in the wrong place. */
    GEO_OLD_DAYS = 400,
};

static const char HELP[] =
    "usage: footfall check [--config FILE] [--data DIR]\n"
    "       footfall check --keys\n\n"
    "Tells whether the configuration, Redis, the roles that run here and the geo database are as\n"
    "they should be; exit code 1 when something is not. --keys lists every configuration key.\n";

/* --- Geo database ----------------------------------------------------------------------------- */

static void check_geo_file(struct findings *findings, const char *path)
{
    MMDB_s database;
    int status = MMDB_open(path, MMDB_MODE_MMAP, &database);
    if (status != MMDB_SUCCESS) {
        findings_trouble(findings, "The geo database %s cannot be read: %s.", path,
                         MMDB_strerror(status));
        return;
    }
    int64_t days = (clock_wall_ms() / 1000 - (int64_t)database.metadata.build_epoch) / DAY_S;
    const char *type = database.metadata.database_type;
    if (days > GEO_OLD_DAYS)
        findings_trouble(findings,
                         "The geo database %s (%s) is %lld days old: many addresses have moved "
                         "since; replace it.",
                         path, type, (long long)days);
    else if (days > GEO_FRESH_DAYS)
        findings_warning("The geo database %s (%s) is %lld days old: some addresses have moved "
                         "since; a newer one is worth fetching.",
                         path, type, (long long)days);
    else
        findings_good("The geo database %s (%s) is %lld days old.", path, type, (long long)days);
    MMDB_close(&database);
}

static void check_geo(struct findings *findings, const struct config *config)
{
    if (config->geo.database.count == 0)
        findings_note(
            "There is no geo database (geo.database): countries and regions stay unknown.");
    for (size_t i = 0; i < config->geo.database.count; i++)
        check_geo_file(findings, config->geo.database.items[i]);
}

/* --- The command ------------------------------------------------------------------------------ */

static int print_keys(void)
{
    struct buf keys;
    buf_init(&keys, KEYS_BYTES_MAX);
    config_describe(&keys);
    (void)fwrite(keys.ptr, 1, keys.len, stdout);
    buf_done(&keys);
    return EXIT_GOOD;
}

static int check_all(const struct command_place *place)
{
    struct findings findings = {0};
    struct config config;
    if (!command_config(place, &config))
        return EXIT_BAD;
    findings_good("The configuration is valid.");
    if (!command_geo_files(&config))
        findings_note("What `serve` noted of its geo database cannot be read.");
    /* The roles first: they are given a moment, in which the aggregator gives Redis its functions.
     */
    check_roles(&findings, &config);
    check_redis(&findings, &config);
    check_sandbox();
    check_geo(&findings, &config);
    config_done(&config);
    return findings.trouble ? EXIT_BAD : EXIT_GOOD;
}

struct check_arguments {
    struct command_place place;
    bool tells_keys;
};

static bool take_option(int option, void *data)
{
    struct check_arguments *args = data;
    (void)option;
    args->tells_keys = true;
    return true;
}

int command_check(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"keys", no_argument, NULL, 'k'},
                                            COMMAND_SHARED_OPTIONS};
    struct check_arguments args = {.tells_keys = false};
    const struct command_syntax syntax = {HELP, OPTIONS, take_option, &args.place};
    int code;
    if (!command_options(argc, argv, &syntax, &args, &code))
        return code;
    if (optind < argc)
        return command_misused(&syntax);
    return args.tells_keys ? print_keys() : check_all(&args.place);
}

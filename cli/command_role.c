/* `footfall collect`, `aggregate`, `dashboards`: a role by itself, as `serve` starts it or as an
 * operator does on a machine of its own. */

#include <stdio.h>
#include <string.h>

#include "aggregator/aggregate.h"
#include "cli/command_options.h"
#include "cli/port.h"
#include "cli/privileges.h"
#include "cli/sandbox.h"
#include "collector/collect.h"
#include "common/log.h"
#include "dashboards/server/dashboards.h"

enum { ERROR_BYTES = 512, HELP_BYTES = 512 };

/* Of the role's name. */
#define HELP                                                                                       \
    "usage: footfall %s [--config FILE] [--data DIR]\n\n"                                          \
    "Runs this role alone, with the Redis of redis.url or the one below the data folder.\n"        \
    "`footfall serve` runs all roles; `footfall check --keys` lists what a configuration may "     \
    "hold.\n"

static const struct {
    const char *user; /* in Redis */
    int (*run)(const struct config *config);
} ROLES[SANDBOX__COUNT] = {
    [SANDBOX_COLLECT] = {"collector", collect_run},
    [SANDBOX_AGGREGATE] = {"aggregator", aggregate_run},
    [SANDBOX_DASHBOARDS] = {"dashboards", dashboards_run},
};

/* Gives up what this role has no use for: powers, then, with its secret read, everything else. */
static bool close_in(enum sandbox_role role, struct config *config)
{
    char error[ERROR_BYTES], gaps[SANDBOX_SENTENCE_BYTES];
    bool low_port = (role == SANDBOX_COLLECT && port_is_low(config->collector.listen)) ||
                    (role == SANDBOX_DASHBOARDS && port_is_low(config->dashboards.listen));
    sandbox_gaps(gaps); /* afterwards the kernel does not tell any more */
    if (!privileges_drop(config->data, low_port, error, sizeof(error)) ||
        !config_redis_remember(config, ROLES[role].user, error, sizeof(error)) ||
        !sandbox_enter(role, config, error, sizeof(error))) {
        log_error("%s", error);
        return false;
    }
    if (gaps[0] != '\0')
        log_warn("%s.", gaps);
    return true;
}

/* Reads the options, then runs the role until it is told to stop. */
static int run_role(int argc, char **argv, enum sandbox_role role)
{
    static const struct option OPTIONS[] = {COMMAND_SHARED_OPTIONS};
    struct command_place place = {0};
    char help[HELP_BYTES];
    (void)snprintf(help, sizeof(help), HELP, argv[0]);
    const struct command_syntax syntax = {help, OPTIONS, NULL, &place};
    int code;
    if (!command_options(argc, argv, &syntax, NULL, &code))
        return code;
    if (optind < argc)
        return command_misused(&syntax);
    struct config config;
    if (!command_config(&place, &config))
        return EXIT_BAD;
    log_init(argv[0]);
    code = close_in(role, &config) ? ROLES[role].run(&config) : EXIT_BAD;
    explicit_bzero(config.redis.secret, sizeof(config.redis.secret));
    config_done(&config);
    return code;
}

int command_collect(int argc, char **argv)
{
    return run_role(argc, argv, SANDBOX_COLLECT);
}

int command_aggregate(int argc, char **argv)
{
    return run_role(argc, argv, SANDBOX_AGGREGATE);
}

int command_dashboards(int argc, char **argv)
{
    return run_role(argc, argv, SANDBOX_DASHBOARDS);
}

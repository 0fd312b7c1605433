/* `footfall collect`, `aggregate`, `dashboards`: a role by itself, as `serve` starts it or as an
 * operator does on a machine of its own. */

#include <getopt.h>
#include <stdio.h>

#include "aggregator/aggregate.h"
#include "cli/command.h"
#include "collector/collect.h"
#include "common/log.h"
#include "dashboards/server/dashboards.h"

/* Reads the options, then runs the role until it is told to stop. */
static int role(int argc, char **argv, int (*run)(const struct config *config))
{
    static const struct option OPTIONS[] = {
        {"data", required_argument, NULL, 'd'},
        {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct command_place place = {0};
    bool help = false, misuse = false;
    for (int option; (option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1;) {
        if (option == 'd')
            place.data = optarg;
        else if (option == 'c')
            place.config_path = optarg;
        else if (option == 'h')
            help = true;
        else
            misuse = true;
    }
    if (help || misuse || optind != argc) {
        fprintf(misuse || !help ? stderr : stdout,
                "usage: footfall %s [--config FILE] [--data DIR]\n\n"
                "Runs this role alone, with the Redis of redis.url or the one below the data "
                "folder.\n`footfall serve` runs all roles; `footfall check --keys` lists what a "
                "configuration may hold.\n",
                argv[0]);
        return help && !misuse ? EXIT_GOOD : EXIT_MISUSE;
    }
    struct config config;
    if (!command_config(&place, &config))
        return EXIT_BAD;
    log_init(argv[0]);
    int code = run(&config);
    config_done(&config);
    return code;
}

int command_collect(int argc, char **argv)
{
    return role(argc, argv, collect_run);
}

int command_aggregate(int argc, char **argv)
{
    return role(argc, argv, aggregate_run);
}

int command_dashboards(int argc, char **argv)
{
    return role(argc, argv, dashboards_run);
}

/* `footfall serve`: its options. What it does is serve.c's. */

#include <stdio.h>

#include "cli/command_options.h"
#include "cli/serve.h"

static const char HELP[] =
    "usage: footfall serve [options]\n\n"
    "Runs everything on this machine: a private Redis, the collector, the aggregator and the\n"
    "dashboards. Restarts what dies; Ctrl-C stops all in order.\n\n"
    "  --data DIR                       folder of everything that is kept (./data)\n"
    "  --collector-listen ADDR:PORT     where browsers send page views (127.0.0.1:8080)\n"
    "  --dashboards-listen ADDR:PORT    where the dashboards are (127.0.0.1:8081)\n"
    "  --config FILE                    configuration; `footfall check --keys` lists its keys\n";

struct listeners {
    const char *collector;
    const char *dashboards;
};

static bool listeners_apply(const struct listeners *listeners, struct config *config)
{
    char error[256];
    if (listeners->collector != NULL &&
        !config_set(config, "collector.listen", listeners->collector, error, sizeof(error))) {
        fprintf(stderr, "footfall: --collector-listen: %s\n", error);
        return false;
    }
    if (listeners->dashboards != NULL &&
        !config_set(config, "dashboards.listen", listeners->dashboards, error, sizeof(error))) {
        fprintf(stderr, "footfall: --dashboards-listen: %s\n", error);
        return false;
    }
    return true;
}

static bool take_option(int option, void *data)
{
    struct listeners *listeners = data;
    *(option == 'l' ? &listeners->collector : &listeners->dashboards) = optarg;
    return true;
}

int command_serve(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"collector-listen", required_argument, NULL, 'l'},
                                            {"dashboards-listen", required_argument, NULL, 'L'},
                                            COMMAND_SHARED_OPTIONS};
    struct command_place place = {0};
    struct listeners listeners = {0};
    const struct command_syntax syntax = {HELP, OPTIONS, take_option, &place};
    int code;
    if (!command_options(argc, argv, &syntax, &listeners, &code))
        return code;
    if (optind < argc)
        return command_misused(&syntax);
    struct config config;
    if (!command_config(&place, &config))
        return EXIT_BAD;
    code = EXIT_MISUSE;
    if (listeners_apply(&listeners, &config)) {
        const struct serve_options options = {.config = &config, .config_path = place.config_path};
        code = serve_run(&options);
    }
    config_done(&config);
    return code;
}

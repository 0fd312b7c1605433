/* The executable: picks the command. Every command is one row; its own options are its own file's.
 */

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/harden.h"
#include "cli/stats.h"

static const struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
} COMMANDS[] = {
    {"serve", "run everything on this machine: Redis, collector, aggregator, dashboards",
     command_serve},
    {"collect", "one role: take page views", command_collect},
    {"aggregate", "one role: fold the log into counts", command_aggregate},
    {"dashboards", "one role: answer questions and show pages", command_dashboards},
    {"site", "the sites that are counted: add, list, show, remove", command_site},
    {"erase", "delete counts of a site, all or old ones", command_erase},
    {"stats", "a site's counts, in the terminal or as JSON", stats_main},
    {"import", "page views of access logs, at the logs' own dates", command_import},
    {"export", "everything that is kept of a site, as files that other tools read", command_export},
    {"check", "is everything as it should be: configuration, Redis, geo database", command_check},
    {"audit", "what is at rest: inventory, canary search, do the counts add up", command_audit},
    {"quarantine", "what could not be counted: look, try again, discard", command_quarantine},
};

static void print_help(FILE *out)
{
    fputs("Footfall counts visits to web sites and keeps nothing about a visitor.\n\n"
          "usage: footfall COMMAND [options]\n\n",
          out);
    for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++)
        fprintf(out, "  %-12s %s\n", COMMANDS[i].name, COMMANDS[i].summary);
    fputs("\n`footfall COMMAND --help` tells its options; `footfall --version` the version.\n"
          "Exit codes: 0 good, 1 bad, 2 misuse.\n",
          out);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_MISUSE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return EXIT_GOOD;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("footfall " FOOTFALL_VERSION);
        return EXIT_GOOD;
    }
    for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++) {
        if (strcmp(argv[1], COMMANDS[i].name) != 0)
            continue;
        harden_process();
        return COMMANDS[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr, "footfall: there is no command %.32s; `footfall --help` lists them.\n",
            argv[1]);
    return EXIT_MISUSE;
}

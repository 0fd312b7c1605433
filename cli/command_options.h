#pragma once

/* A command's options, as all commands take them. */

#include <getopt.h>

#include "cli/command.h"

/* The options that a command shares with the others stand at the end of its list. */
#define COMMAND_SHARED_OPTIONS                                                                     \
    {"data", required_argument, NULL, 'd'}, {"config", required_argument, NULL, 'c'},              \
        {"help", no_argument, NULL, 'h'},                                                          \
    {                                                                                              \
        0                                                                                          \
    }

struct command_syntax {
    const char *help;
    const struct option *options;
    /* Takes one of its own, by its letter; its value is `optarg`. False: it cannot be. NULL for a
     * command that has none. */
    bool (*take)(int option, void *args);
    struct command_place *place; /* where --data and --config go */
};

/* What is no option stands from argv[optind] on. False when the command is over: *ret_code is its
 * exit code, and the help or what is wrong has been told. */
MUST_CHECK bool command_options(int argc, char **argv, const struct command_syntax *syntax,
                                void *args, int *ret_code);
/* Tells the help of a command that was misused; EXIT_MISUSE. */
int command_misused(const struct command_syntax *syntax);

/* One loop around getopt_long() for the commands. --help goes to standard output and is good; help
 * that was not asked for goes to standard error. */

#include "cli/command_options.h"

#include <stdio.h>

int command_misused(const struct command_syntax *syntax)
{
    fputs(syntax->help, stderr);
    return EXIT_MISUSE;
}

bool command_options(int argc, char **argv, const struct command_syntax *syntax, void *args,
                     int *ret_code)
{
    for (int option; (option = getopt_long(argc, argv, "h", syntax->options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(syntax->help, stdout);
            *ret_code = EXIT_GOOD;
            return false;
        }
        if (option == 'd') {
            syntax->place->data = optarg;
        } else if (option == 'c') {
            syntax->place->config_path = optarg;
        } else if (option == '?' || !syntax->take(option, args)) {
            *ret_code = command_misused(syntax);
            return false;
        }
    }
    return true;
}

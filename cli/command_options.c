/* One loop around getopt_long() for the commands. --help goes to standard output and is good; help
 * that was not asked for goes to standard error, and so does the sentence for a wrong value. */

#include "cli/command_options.h"

#include <stdio.h>

/* Of an option that is known, but not as it was given. */
static int refuse(const struct option *option)
{
    if (option->has_arg == no_argument)
        fprintf(stderr, "footfall: --%s does not go with the other options", option->name);
    else
        fprintf(stderr, "footfall: --%s does not take \"%s\"", option->name, optarg);
    fputs("; --help tells what may be given.\n", stderr);
    return EXIT_MISUSE;
}

int command_misused(const struct command_syntax *syntax)
{
    fputs(syntax->help, stderr);
    return EXIT_MISUSE;
}

bool command_options(int argc, char **argv, const struct command_syntax *syntax, void *args,
                     int *ret_code)
{
    int at = 0;
    for (int option; (option = getopt_long(argc, argv, "h", syntax->options, &at)) != -1;) {
        if (option == 'h') {
            fputs(syntax->help, stdout);
            *ret_code = EXIT_GOOD;
            return false;
        }
        if (option == 'd') {
            syntax->place->data = optarg;
        } else if (option == 'c') {
            syntax->place->config_path = optarg;
        } else if (option == '?') {
            *ret_code = command_misused(syntax);
            return false;
        } else if (!syntax->take(option, args)) {
            *ret_code = refuse(&syntax->options[at]);
            return false;
        }
    }
    return true;
}

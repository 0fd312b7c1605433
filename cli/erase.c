/* `footfall erase`: deletes counts of a site that goes on being counted. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command_options.h"
#include "cli/site_admin.h"
#include "cli/site_erase.h"
#include "common/config_value.h"
#include "common/timezone.h"

enum { ERROR_BYTES = 512, DATE_CHARACTERS = 10 };

static const char HELP[] =
    "usage: footfall erase DOMAIN [--before YYYY-MM-01] [--yes]\n\n"
    "Deletes every count of a site, or those of the months before a month. The site stays in the\n"
    "list and is counted on; `footfall site remove` takes it off the list as well. What is erased\n"
    "cannot be brought back, and leaves Redis's journal too.\n\n"
    "  --before DATE   the first day of a month: the days of a month share what they keep\n"
    "  --yes           do not ask\n"
    "  --data DIR      the data folder of `footfall serve` (./data)\n"
    "  --config FILE   configuration, for a Redis of your own\n";

struct erase_arguments {
    struct command_place place;
    const char *domain;
    const char *before_text; /* as given; or NULL */
    uint32_t before;         /* 0: everything */
    bool yes;
};

/* "2025-03-01". */
static bool read_month_start(const char *text, uint32_t *ret_date)
{
    unsigned year, month, day;
    if (strlen(text) != DATE_CHARACTERS || text[4] != '-' || text[7] != '-' ||
        !value_uint((struct str){text, 4}, 9999, &year) ||
        !value_uint((struct str){text + 5, 2}, 12, &month) ||
        !value_uint((struct str){text + 8, 2}, 31, &day))
        return false;
    *ret_date = year * 10000 + month * 100 + day;
    return day == 1 && date_valid(*ret_date);
}

static bool confirmed(const struct erase_arguments *args)
{
    static const char UNASKED[] = "`erase` deletes counts for good; say --yes to mean it.";
    if (args->yes)
        return true;
    if (args->before == 0)
        return command_confirmed(UNASKED, "Delete every count of %s?", args->domain);
    return command_confirmed(UNASKED, "Delete every count of %s before %u-%02u-01?", args->domain,
                             args->before / 10000, args->before / 100 % 100);
}

static int erase_site(struct redis *redis, const struct site *site, void *data)
{
    const struct erase_arguments *args = data;
    char error[ERROR_BYTES];
    size_t keys = 0;
    if (!site_erase(redis, site->domain, args->before, &keys, error, sizeof(error)))
        return command_fail(error);
    printf("%.*s: %zu keys removed.\n", STR_ARG(site->domain), keys);
    return EXIT_GOOD;
}

static int erase(struct redis *redis, struct config *config, void *data)
{
    const struct erase_arguments *args = data;
    (void)config;
    return command_with_site(redis, args->domain, erase_site, data);
}

static bool take_option(int option, void *data)
{
    struct erase_arguments *args = data;
    if (option == 'y')
        args->yes = true;
    else
        args->before_text = optarg;
    return true;
}

int command_erase(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"before", required_argument, NULL, 'b'},
                                            {"yes", no_argument, NULL, 'y'},
                                            COMMAND_SHARED_OPTIONS};
    struct erase_arguments args = {.before = 0};
    const struct command_syntax syntax = {HELP, OPTIONS, take_option, &args.place};
    int code;
    if (!command_options(argc, argv, &syntax, &args, &code))
        return code;
    if (argc - optind != 1)
        return command_misused(&syntax);
    if (args.before_text != NULL && !read_month_start(args.before_text, &args.before)) {
        (void)command_fail("--before takes the first day of a month, such as 2025-03-01: the days "
                           "of a month share what they keep.");
        return EXIT_MISUSE;
    }
    args.domain = argv[optind];
    return confirmed(&args) ? command_with_redis(&args.place, erase, &args) : EXIT_BAD;
}

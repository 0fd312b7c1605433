/* `footfall erase`: deletes counts of a site that goes on being counted. */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
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
    uint32_t before; /* 0: everything */
    bool yes;
};

static int complain(const char *sentence)
{
    fprintf(stderr, "footfall: %s\n", sentence);
    return EXIT_BAD;
}

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
    char answer[16] = "";
    if (args->yes)
        return true;
    if (!isatty(STDIN_FILENO)) {
        (void)complain("`erase` deletes counts for good; say --yes to mean it.");
        return false;
    }
    if (args->before == 0)
        fprintf(stderr, "Delete every count of %s? Type yes: ", args->domain);
    else
        fprintf(stderr, "Delete every count of %s before %u-%02u-01? Type yes: ", args->domain,
                args->before / 10000, args->before / 100 % 100);
    return fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0;
}

static int erase(struct redis *redis, const struct erase_arguments *args)
{
    char error[ERROR_BYTES];
    size_t keys = 0;
    struct site_list *list = site_admin_list(redis, error, sizeof(error));
    if (list == NULL)
        return complain(error);
    const struct site *site = site_list_find(list, str_from(args->domain));
    int code = EXIT_GOOD;
    if (site == NULL)
        code = complain("there is no such site; `footfall site list` shows all.");
    else if (!site_erase(redis, site->domain, args->before, &keys, error, sizeof(error)))
        code = complain(error);
    else
        printf("%.*s: %zu keys removed.\n", STR_ARG(site->domain), keys);
    site_list_unref(list);
    return code;
}

/* True to go on; else *ret_code is the exit code. */
static bool arguments_read(int argc, char **argv, struct erase_arguments *args, int *ret_code)
{
    static const struct option OPTIONS[] = {
        {"data", required_argument, NULL, 'd'},   {"config", required_argument, NULL, 'c'},
        {"before", required_argument, NULL, 'b'}, {"yes", no_argument, NULL, 'y'},
        {"help", no_argument, NULL, 'h'},         {0},
    };
    *ret_code = EXIT_MISUSE;
    for (int option; (option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1;) {
        if (option == 'd') {
            args->place.data = optarg;
        } else if (option == 'c') {
            args->place.config_path = optarg;
        } else if (option == 'y') {
            args->yes = true;
        } else if (option != 'b') {
            *ret_code = option == 'h' ? EXIT_GOOD : EXIT_MISUSE;
            return false;
        } else if (!read_month_start(optarg, &args->before)) {
            (void)complain("--before takes the first day of a month, such as 2025-03-01: the days "
                           "of a month share what they keep.");
            return false;
        }
    }
    return true;
}

int command_erase(int argc, char **argv)
{
    struct erase_arguments args = {.before = 0};
    int code;
    if (!arguments_read(argc, argv, &args, &code) || argc - optind != 1)
        return fputs(HELP, code == EXIT_GOOD ? stdout : stderr), code;
    args.domain = argv[optind];
    struct config config;
    if (!confirmed(&args) || !command_config(&args.place, &config))
        return EXIT_BAD;
    struct redis *redis = command_redis(&config);
    code = redis == NULL ? EXIT_BAD : erase(redis, &args);
    redis_free(redis);
    config_done(&config);
    return code;
}

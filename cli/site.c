/* `footfall site`: the operator's view of the site list. */

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/site_admin.h"
#include "cli/site_policy.h"
#include "common/config_value.h"

enum { ERROR_BYTES = 512 };

static const char HELP[] =
    "usage: footfall site add DOMAIN [--timezone Europe/Amsterdam] [--preset standard|strict]\n"
    "                     [--alias HOST]... [--keep-days MONTHS] [--keep-months MONTHS]\n"
    "       footfall site list [--json]\n"
    "       footfall site show DOMAIN [--json]\n"
    "       footfall site remove DOMAIN [--yes]\n\n"
    "The sites that are counted. A page view counts for the site whose domain or alias its host\n"
    "is; www.DOMAIN belongs to DOMAIN, and *.DOMAIN is an alias for any host below it.\n"
    "`add` on a site that is there changes the settings that are given. `show` tells what becomes "
    "of a\nvisitor's data, in sentences for a privacy policy. `remove` forgets all of its "
    "counts.\n\n"
    "  --keep-days     how many months numbers by day are kept (25, from when a day is closed)\n"
    "  --keep-months   how many months those by month are kept after that (60; strict: 0, none)\n"
    "  --data DIR      the data folder of `footfall serve` (./data)\n"
    "  --config FILE   configuration, for a Redis of your own\n";

struct site_arguments {
    struct command_place place;
    struct site_request request;
    const char *aliases[SITE_ALIASES_MAX];
    int keep_days, keep_months;
    bool json;
    bool yes;
};

static int complain(const char *sentence)
{
    fprintf(stderr, "footfall: %s\n", sentence);
    return EXIT_BAD;
}

static void print_snippet(const struct config *config, struct str domain)
{
    char url[COMMAND_URL_BYTES];
    command_collector_url(config, url);
    printf("<script defer src=\"%s/footfall.js\" data-site=\"%.*s\"></script>\n", url,
           STR_ARG(domain));
}

/* What the operator can publish. */
static void print_policy(const struct config *config, const struct site *site)
{
    enum { POLICY_BYTES_MAX = 16 * 1024 };
    char url[COMMAND_URL_BYTES];
    struct buf refuse, sentences;
    command_collector_url(config, url);
    buf_init(&refuse, sizeof(url) + 16);
    buf_init(&sentences, POLICY_BYTES_MAX);
    buf_printf(&refuse, "%s/opt-out", url);
    struct site_policy policy = site_policy_of(site, config->privacy.dnt, buf_str(&refuse));
    site_policy_write(&policy, &sentences);
    printf("\nFor the privacy policy:\n\n%.*s\n", STR_ARG(buf_str(&sentences)));
    buf_done(&sentences);
    buf_done(&refuse);
}

/* The site of the command line, with the list that it lives in. */
static const struct site *site_of(const struct site_list *list, const struct site_arguments *args)
{
    return site_list_find(list, str_from(args->request.domain));
}

/* --- The subcommands -------------------------------------------------------------------------- */

static int site_add(struct redis *redis, const struct config *config,
                    const struct site_arguments *args)
{
    char error[ERROR_BYTES];
    if (!site_admin_add(redis, &args->request, error, sizeof(error)))
        return complain(error);
    struct site_list *list = site_admin_list(redis, error, sizeof(error));
    if (list == NULL)
        return complain(error);
    const struct site *site = site_of(list, args);
    int code = EXIT_BAD;
    if (site != NULL) {
        fprintf(stderr, "%.*s is counted now. Put this into its pages:\n\n", STR_ARG(site->domain));
        print_snippet(config, site->domain);
        code = EXIT_GOOD;
    }
    site_list_unref(list);
    return code;
}

/* {"domain":…} and the settings as they are kept. */
static json_t *site_json(const struct site *site)
{
    char *text = site_format(site);
    json_t *settings = json_loads(text, 0, NULL);
    json_t *root = json_object();
    json_object_set_new(root, "domain", json_stringn(site->domain.ptr, site->domain.len));
    json_object_update(root, settings);
    json_decref(settings);
    free(text);
    return root;
}

static void print_json(json_t *root)
{
    (void)json_dumpf(root, stdout, JSON_INDENT(2));
    (void)putchar('\n');
    json_decref(root);
}

static int site_list_print(struct redis *redis, const struct config *config,
                           const struct site_arguments *args)
{
    (void)config;
    char error[ERROR_BYTES];
    struct site_list *list = site_admin_list(redis, error, sizeof(error));
    if (list == NULL)
        return complain(error);
    json_t *root = json_array();
    for (size_t i = 0; i < site_list_count(list); i++) {
        const struct site *site = site_list_at(list, i);
        json_array_append_new(root, site_json(site));
        if (!args->json)
            printf("%-40.*s %-20.*s %s\n", STR_ARG(site->domain), STR_ARG(site->timezone),
                   site->preset == SITE_STRICT ? "strict" : "standard");
    }
    if (args->json)
        print_json(root);
    else
        json_decref(root);
    site_list_unref(list);
    return EXIT_GOOD;
}

static int site_show(struct redis *redis, const struct config *config,
                     const struct site_arguments *args)
{
    char error[ERROR_BYTES];
    struct site_list *list = site_admin_list(redis, error, sizeof(error));
    if (list == NULL)
        return complain(error);
    const struct site *site = site_of(list, args);
    int code = EXIT_GOOD;
    if (site == NULL)
        code = complain("there is no such site; `footfall site list` shows all.");
    else
        print_json(site_json(site));
    if (site != NULL && !args->json) {
        print_policy(config, site);
        print_snippet(config, site->domain);
    }
    site_list_unref(list);
    return code;
}

static bool confirmed(const struct site_arguments *args)
{
    char answer[16] = "";
    if (args->yes)
        return true;
    if (!isatty(STDIN_FILENO)) {
        (void)complain("`site remove` forgets every count of the site; say --yes to mean it.");
        return false;
    }
    fprintf(stderr, "Forget %s and every count of it? Type yes: ", args->request.domain);
    return fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0;
}

static int site_remove(struct redis *redis, const struct config *config,
                       const struct site_arguments *args)
{
    (void)config;
    char error[ERROR_BYTES];
    size_t keys = 0;
    if (!confirmed(args))
        return EXIT_BAD;
    struct site_list *list = site_admin_list(redis, error, sizeof(error));
    if (list == NULL)
        return complain(error);
    const struct site *site = site_of(list, args);
    bool good = site != NULL && site_admin_remove(redis, site->domain, &keys, error, sizeof(error));
    int code = EXIT_GOOD;
    if (site == NULL)
        code = complain("there is no such site; `footfall site list` shows all.");
    else if (!good)
        code = complain(error);
    else
        printf("%.*s is forgotten: %zu keys removed.\n", STR_ARG(site->domain), keys);
    site_list_unref(list);
    return code;
}

static const struct {
    const char *name;
    bool wants_domain;
    int (*run)(struct redis *redis, const struct config *config, const struct site_arguments *args);
} SUBCOMMANDS[] = {
    {"add", true, site_add},
    {"list", false, site_list_print},
    {"show", true, site_show},
    {"remove", true, site_remove},
};

/* --- Options ---------------------------------------------------------------------------------- */

static bool read_months(const char *text, int *ret_months)
{
    unsigned months;
    if (!value_uint(str_from(text), KEEP_MONTHS_MAX, &months))
        return false;
    *ret_months = (int)months;
    return true;
}

/* True to go on; else *ret_code is the exit code. */
static bool arguments_read(int argc, char **argv, struct site_arguments *args, int *ret_code)
{
    static const struct option OPTIONS[] = {
        {"data", required_argument, NULL, 'd'},
        {"config", required_argument, NULL, 'c'},
        {"timezone", required_argument, NULL, 't'},
        {"preset", required_argument, NULL, 'p'},
        {"alias", required_argument, NULL, 'a'},
        {"keep-days", required_argument, NULL, 'k'},
        {"keep-months", required_argument, NULL, 'm'},
        {"json", no_argument, NULL, 'j'},
        {"yes", no_argument, NULL, 'y'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    *ret_code = EXIT_MISUSE;
    args->request.aliases = args->aliases;
    for (int option; (option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1;) {
        if (option == 'd')
            args->place.data = optarg;
        else if (option == 'c')
            args->place.config_path = optarg;
        else if (option == 't')
            args->request.timezone = optarg;
        else if (option == 'p')
            args->request.preset = optarg;
        else if (option == 'a' && args->request.alias_count < SITE_ALIASES_MAX)
            args->aliases[args->request.alias_count++] = optarg;
        else if (option == 'k' && read_months(optarg, &args->keep_days))
            args->request.keep_days = &args->keep_days;
        else if (option == 'm' && read_months(optarg, &args->keep_months))
            args->request.keep_months = &args->keep_months;
        else if (option == 'j')
            args->json = true;
        else if (option == 'y')
            args->yes = true;
        else {
            *ret_code = option == 'h' ? EXIT_GOOD : EXIT_MISUSE;
            return false;
        }
    }
    return true;
}

int command_site(int argc, char **argv)
{
    struct site_arguments args = {0};
    int code;
    if (!arguments_read(argc, argv, &args, &code) || optind >= argc)
        return fputs(HELP, code == EXIT_GOOD ? stdout : stderr), code;
    for (size_t i = 0; i < ARRAY_LEN(SUBCOMMANDS); i++) {
        if (strcmp(argv[optind], SUBCOMMANDS[i].name) != 0)
            continue;
        if (argc - optind != (SUBCOMMANDS[i].wants_domain ? 2 : 1))
            break;
        args.request.domain = SUBCOMMANDS[i].wants_domain ? argv[optind + 1] : NULL;
        struct config config;
        if (!command_config(&args.place, &config))
            return EXIT_BAD;
        struct redis *redis = command_redis(&config);
        code = redis == NULL ? EXIT_BAD : SUBCOMMANDS[i].run(redis, &config, &args);
        redis_free(redis);
        config_done(&config);
        return code;
    }
    return fputs(HELP, stderr), EXIT_MISUSE;
}

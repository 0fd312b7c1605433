/* `footfall site`: the operator's view of the site list. */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command_options.h"
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
    const struct config *config;
    size_t subcommand;
    struct site_request request;
    const char *aliases[SITE_ALIASES_MAX];
    int keep_days, keep_months;
    bool json;
    bool yes;
};

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

/* --- The subcommands -------------------------------------------------------------------------- */

static int welcome(struct redis *redis, const struct site *site, void *data)
{
    const struct site_arguments *args = data;
    (void)redis;
    fprintf(stderr, "%.*s is counted now. Put this into its pages:\n\n", STR_ARG(site->domain));
    print_snippet(args->config, site->domain);
    return EXIT_GOOD;
}

static int site_add(struct redis *redis, struct site_arguments *args)
{
    char error[ERROR_BYTES];
    if (!site_admin_add(redis, &args->request, error, sizeof(error)))
        return command_fail(error);
    return command_with_site(redis, args->request.domain, welcome, args);
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

static int site_list_print(struct redis *redis, struct site_arguments *args)
{
    char error[ERROR_BYTES];
    struct site_list *list = site_admin_list(redis, error, sizeof(error));
    if (list == NULL)
        return command_fail(error);
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

static int show(struct redis *redis, const struct site *site, void *data)
{
    const struct site_arguments *args = data;
    (void)redis;
    print_json(site_json(site));
    if (!args->json) {
        print_policy(args->config, site);
        print_snippet(args->config, site->domain);
    }
    return EXIT_GOOD;
}

static int site_show(struct redis *redis, struct site_arguments *args)
{
    return command_with_site(redis, args->request.domain, show, args);
}

static int forget(struct redis *redis, const struct site *site, void *data)
{
    (void)data;
    char error[ERROR_BYTES];
    size_t keys = 0;
    if (!site_admin_remove(redis, site->domain, &keys, error, sizeof(error)))
        return command_fail(error);
    printf("%.*s is forgotten: %zu keys removed.\n", STR_ARG(site->domain), keys);
    return EXIT_GOOD;
}

static int site_remove(struct redis *redis, struct site_arguments *args)
{
    if (!args->yes &&
        !command_confirmed("`site remove` forgets every count of the site; say --yes to mean it.",
                           "Forget %s and every count of it?", args->request.domain))
        return EXIT_BAD;
    return command_with_site(redis, args->request.domain, forget, args);
}

static const struct {
    const char *name;
    bool wants_domain;
    int (*run)(struct redis *redis, struct site_arguments *args);
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

static bool take_alias(struct site_arguments *args, const char *alias)
{
    if (args->request.alias_count == SITE_ALIASES_MAX)
        return false;
    args->aliases[args->request.alias_count++] = alias;
    return true;
}

static bool take_option(int option, void *data)
{
    struct site_arguments *args = data;
    switch (option) {
    case 't':
        args->request.timezone = optarg;
        return true;
    case 'p':
        args->request.preset = optarg;
        return true;
    case 'a':
        return take_alias(args, optarg);
    case 'k':
        args->request.keep_days = &args->keep_days;
        return read_months(optarg, &args->keep_days);
    case 'm':
        args->request.keep_months = &args->keep_months;
        return read_months(optarg, &args->keep_months);
    case 'j':
        args->json = true;
        return true;
    default:
        args->yes = true;
        return true;
    }
}

static int run(struct redis *redis, struct config *config, void *data)
{
    struct site_arguments *args = data;
    args->config = config;
    return SUBCOMMANDS[args->subcommand].run(redis, args);
}

int command_site(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"timezone", required_argument, NULL, 't'},
                                            {"preset", required_argument, NULL, 'p'},
                                            {"alias", required_argument, NULL, 'a'},
                                            {"keep-days", required_argument, NULL, 'k'},
                                            {"keep-months", required_argument, NULL, 'm'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"yes", no_argument, NULL, 'y'},
                                            COMMAND_SHARED_OPTIONS};
    struct site_arguments args = {.subcommand = 0};
    const struct command_syntax syntax = {HELP, OPTIONS, take_option, &args.place};
    int code;
    args.request.aliases = args.aliases;
    if (!command_options(argc, argv, &syntax, &args, &code))
        return code;
    const char *name = optind < argc ? argv[optind] : "";
    while (args.subcommand < ARRAY_LEN(SUBCOMMANDS) &&
           strcmp(name, SUBCOMMANDS[args.subcommand].name) != 0)
        args.subcommand++;
    if (args.subcommand == ARRAY_LEN(SUBCOMMANDS) ||
        argc - optind != (SUBCOMMANDS[args.subcommand].wants_domain ? 2 : 1))
        return command_misused(&syntax);
    args.request.domain = argv[optind + 1]; /* NULL without one */
    return command_with_redis(&args.place, run, &args);
}

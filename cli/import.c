/* `footfall import`: an access log is counted as if its page views came now, at its own dates; and
 * what other tools have counted comes in from their exports (import_table.h).
 *
 * Reading and counting are the collector's (collector/import); this is the command around them:
 * what is asked for, one log after the other, each batch into the log of Redis before the next is
 * made. It may be ended at any moment and repeated: what is stored says which lines it covers. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command_options.h"
#include "cli/import_run.h"
#include "cli/import_show.h"
#include "cli/import_store.h"
#include "cli/import_table.h"
#include "cli/site_admin.h"
#include "common/clock.h"

enum { ERROR_BYTES = 1024 };

static const char HELP[] =
    "usage: footfall import --site DOMAIN [--format FORMAT] FILE...\n\n"
    "Counts the page views of access logs at the logs' own dates. The same log may be given as\n"
    "often as you like: what was imported of it is not counted again, also when it has grown, or\n"
    "when an import was interrupted. FILE is \"-\" for standard input; gzip and zstd are told by\n"
    "the content. Nothing of a visitor is kept, as with page views that come from browsers.\n\n"
    "  --format F      auto (the default), combined, vhost_combined, or caddy;\n"
    "                  plausible: the CSV files of Plausible's export, or their folder;\n"
    "                  goatcounter: the CSV file of GoatCounter's\n"
    "  --data DIR      the data folder of `footfall serve` (./data)\n"
    "  --config FILE   configuration, for a Redis of your own\n";

struct import_arguments {
    struct command_place place;
    const char *site;
    enum access_format format;
    bool is_table; /* then it is of this format */
    enum table_format table_format;
    char *const *files;
    size_t file_count;
};

/* What all logs of one command share. */
struct importer {
    struct config *config;
    const struct import_arguments *args;
    const struct site *site;
    struct import_store *store;
    struct region_database *regions;
};

static volatile int stop_wanted;

static void on_stop_signal(int signal_number)
{
    (void)signal_number;
    stop_wanted = 1;
}

static void handle_signals(void)
{
    struct sigaction stop = {.sa_handler = on_stop_signal, .sa_flags = SA_RESTART};
    sigemptyset(&stop.sa_mask);
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGTERM, &stop, NULL);
}

/* --- One log ---------------------------------------------------------------------------------- */

static enum import_step step(void *import, struct import_batch *ret_batch)
{
    return import_step(import, ret_batch);
}

static bool cut(void *import, struct import_batch *ret_batch)
{
    return import_cut(import, ret_batch);
}

static uint64_t lines_of(const void *import)
{
    return import_counts(import)->lines;
}

static const char *error_of(const void *import)
{
    return import_error(import);
}

/* A log of which no line can be read is of another format. */
static int tell_end(const char *name, const struct import *import)
{
    const struct import_counts *counts = import_counts(import);
    import_summary(name, import);
    if (counts->lines == 0 || counts->left_out[PAGE_REQUEST_MALFORMED] < counts->lines)
        return EXIT_GOOD;
    return import_complain(name, "no line of it is in a format that Footfall reads: combined, "
                                 "vhost_combined or caddy.");
}

static int read_to_end(struct importer *importer, struct import *import, struct log_input *input,
                       const char *name)
{
    const struct import_source source = {.import = import,
                                         .name = name,
                                         .unit = "line",
                                         .step = step,
                                         .cut = cut,
                                         .read = lines_of,
                                         .error = error_of};
    return import_run(&source, importer->store, input, &stop_wanted) ? tell_end(name, import)
                                                                     : EXIT_BAD;
}

static int import_log(struct importer *importer, struct log_input *input, const char *name)
{
    char error[ERROR_BYTES];
    struct import_row *rows = NULL;
    size_t row_count = 0;
    if (!import_store_rows(importer->store, &rows, &row_count, error, sizeof(error)))
        return command_fail(error);
    struct import *import = import_new(&(struct import_options){
        .site = importer->site,
        .input = input,
        .regions = importer->regions,
        .format = importer->args->format,
        .rules = {.honour_gpc = importer->config->privacy.gpc,
                  .honour_dnt = importer->config->privacy.dnt},
        .now_ms = clock_wall_ms(),
    });
    int code = import_begin(import, rows, row_count) ? read_to_end(importer, import, input, name)
                                                     : import_complain(name, import_error(import));
    import_free(import);
    free(rows);
    return code;
}

static int import_file(struct importer *importer, const char *path)
{
    char error[ERROR_BYTES];
    if (importer->args->is_table)
        return import_table(&(struct import_table_place){importer->site, importer->store,
                                                         importer->args->table_format,
                                                         &stop_wanted},
                            path);
    struct log_input *input = log_input_open(path, error, sizeof(error));
    if (input == NULL)
        return command_fail(error);
    const char *slash = strrchr(path, '/');
    const char *name = strcmp(path, "-") == 0 ? "standard input" : slash != NULL ? slash + 1 : path;
    int code = import_log(importer, input, name);
    log_input_close(input);
    return code;
}

/* --- The command ------------------------------------------------------------------------------ */

/* Without it, countries and regions are unknown, which no later import could mend. */
static bool open_regions(struct importer *importer)
{
    char error[ERROR_BYTES];
    if (!command_geo_files(importer->config))
        return command_fail("what `serve` noted of its geo database cannot be read."), false;
    const struct config_list *files = &importer->config->geo.database;
    if (files->count == 0) {
        (void)command_fail("there is no geo database: countries and regions will be unknown.");
        return true;
    }
    importer->regions =
        region_database_open((const char *const *)files->items, files->count, error, sizeof(error));
    return importer->regions != NULL || (command_fail(error), false);
}

static int import_files(struct importer *importer)
{
    char error[ERROR_BYTES];
    struct redis_address address;
    int code = EXIT_BAD;
    if (!config_redis_address(importer->config, "admin", &address, error, sizeof(error)))
        return command_fail(error);
    importer->store =
        import_store_open(&address, importer->site->domain, &stop_wanted, error, sizeof(error));
    explicit_bzero(&address, sizeof(address));
    if (importer->store == NULL)
        return command_fail(error);
    if (importer->args->is_table || open_regions(importer)) {
        code = EXIT_GOOD;
        for (size_t i = 0; i < importer->args->file_count && code == EXIT_GOOD; i++)
            code = import_file(importer, importer->args->files[i]);
    }
    region_database_unref(importer->regions);
    import_store_close(importer->store);
    return code;
}

static int import_site(struct redis *redis, const struct site *site, void *data)
{
    struct importer *importer = data;
    (void)redis;
    importer->site = site;
    return import_files(importer);
}

static int run(struct redis *redis, struct config *config, void *data)
{
    struct importer importer = {.config = config, .args = data};
    return command_with_site(redis, importer.args->site, import_site, &importer);
}

static bool take_format(struct str name, struct import_arguments *args)
{
    args->is_table = str_eq(name, STR_LIT("plausible")) || str_eq(name, STR_LIT("goatcounter"));
    args->table_format = str_eq(name, STR_LIT("goatcounter")) ? CSV_GOATCOUNTER : CSV_PLAUSIBLE;
    return args->is_table || access_format_from_name(name, &args->format);
}

static bool take_option(int option, void *data)
{
    struct import_arguments *args = data;
    if (option == 'f')
        return take_format(str_from(optarg), args);
    args->site = optarg;
    return true;
}

int command_import(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"site", required_argument, NULL, 's'},
                                            {"format", required_argument, NULL, 'f'},
                                            COMMAND_SHARED_OPTIONS};
    struct import_arguments args = {.format = ACCESS_AUTO};
    const struct command_syntax syntax = {HELP, OPTIONS, take_option, &args.place};
    int code;
    if (!command_options(argc, argv, &syntax, &args, &code))
        return code;
    if (args.site == NULL || optind >= argc)
        return command_misused(&syntax);
    args.files = argv + optind;
    args.file_count = (size_t)(argc - optind);
    handle_signals();
    return command_with_redis(&args.place, run, &args);
}

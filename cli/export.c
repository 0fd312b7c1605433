/* `footfall export`: everything that is kept of a site, as files: Plausible's family of ten, which
 * other tools read too, or JSON lines with nothing left out. A day at a time; what collectors have
 * not stored yet, or the aggregator has not applied, is not in it. */

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aggregator/query.h"
#include "cli/command.h"
#include "cli/export_day.h"
#include "cli/export_files.h"
#include "cli/export_write.h"
#include "cli/site_admin.h"
#include "common/clock.h"

enum { ERROR_BYTES = 256, NAME_BYTES = 384, BAR_EVERY_MS = 200, BAR_CELLS = 24 };
static_assert((int)PLAUSIBLE__COUNT <= (int)EXPORT_FILES_MAX, "the family is one export");

static const char HELP[] =
    "usage: footfall export --site DOMAIN --output DIR [--format plausible|jsonl]\n"
    "                       [--from DATE] [--to DATE]\n\n"
    "Writes what is kept of a site, whole or not at all, into files that only you may read.\n\n"
    "  --format F      plausible (the default): ten CSV files that Plausible, and\n"
    "                  `footfall import`, read; jsonl: every table and cross, an object a line\n"
    "  --from, --to    dates, such as 2026-01-31; all days without\n"
    "  --data DIR      the data folder of `footfall serve` (./data)\n"
    "  --config FILE   configuration, for a Redis of your own\n";

struct export_arguments {
    struct command_place place;
    const char *site, *folder;
    bool as_jsonl;
    uint32_t range[2];
};

/* One export on its way. */
struct export
{
    const struct export_arguments *args;
    const struct site *site;
    struct redis *redis;
    struct export_files *files;
    FILE *streams[EXPORT_FILES_MAX];
    uint32_t *dates;
    size_t date_count;
    int64_t views, visits;
    uint32_t lacks; /* tables, as bits */
    bool has_crosses;
    char error[ERROR_BYTES];
};

static int complain(const char *sentence)
{
    fprintf(stderr, "footfall: %s\n", sentence);
    return EXIT_BAD;
}

/* --- Files ------------------------------------------------------------------------------------ */

static bool begin_files(struct export *export)
{
    char name[NAME_BYTES];
    uint32_t first = export->dates[0], last = export->dates[export->date_count - 1];
    size_t count = export->args->as_jsonl ? 1 : PLAUSIBLE__COUNT;
    export->files = export_files_open(export->args->folder, export->error);
    for (size_t i = 0; export->files != NULL && i < count; i++) {
        if (export->args->as_jsonl)
            snprintf(name, sizeof(name), "footfall_%.*s_%08" PRIu32 "_%08" PRIu32 ".jsonl",
                     STR_ARG(export->site->domain), first, last);
        else
            snprintf(name, sizeof(name), "%s_%08" PRIu32 "_%08" PRIu32 ".csv",
                     plausible_table_name((enum plausible_table)i), first, last);
        export->streams[i] = export_files_add(export->files, name, export->error);
        if (export->streams[i] == NULL)
            return false;
    }
    if (export->files != NULL && !export->args->as_jsonl)
        export_plausible_head(export->streams);
    return export->files != NULL;
}

/* --- Days ------------------------------------------------------------------------------------- */

static void note_day(struct export *export, const struct day *day)
{
    const struct day_table *total = &day->tables[TABLE_TOTAL];
    for (uint32_t i = 0; i < total->count; i++) {
        export->views += total->rows[i].sums[METRIC_PAGEVIEWS];
        export->visits += total->rows[i].sums[METRIC_VISITS];
    }
    export->lacks |= export_plausible_lacks(day);
    for (int c = 0; c < CROSS__COUNT; c++)
        export->has_crosses = export->has_crosses || day->crosses[c].count > 0;
}

static bool export_day(struct export *export, uint32_t date)
{
    struct day_names names;
    struct day day;
    day_names_init(&names);
    day_init(&day, date, &names);
    bool good = export_day_read(export->redis, export->site->domain, &day, export->error);
    if (good && export->args->as_jsonl)
        export_jsonl_day(export->streams[0], &day);
    else if (good)
        export_plausible_day(export->streams, export->site->domain, &day);
    if (good)
        note_day(export, &day);
    day_done(&day);
    day_names_done(&names);
    return good;
}

static void show_bar(size_t done, size_t count)
{
    char bar[BAR_CELLS + 1];
    size_t full = done * BAR_CELLS / count;
    memset(bar, '.', BAR_CELLS);
    memset(bar, '#', full);
    bar[BAR_CELLS] = '\0';
    fprintf(stderr, "\r\033[K[%s] %zu of %zu days", bar, done, count);
}

static bool export_days(struct export *export)
{
    bool is_terminal = isatty(STDERR_FILENO) == 1, is_shown = false, good = true;
    int64_t shown_ms = clock_mono_ms();
    for (size_t i = 0; good && i < export->date_count; i++) {
        good = export_day(export, export->dates[i]);
        if (!is_terminal || clock_mono_ms() - shown_ms < BAR_EVERY_MS)
            continue;
        show_bar(i + 1, export->date_count);
        is_shown = true;
        shown_ms = clock_mono_ms();
    }
    if (is_shown)
        fputs("\r\033[K", stderr);
    return good;
}

/* --- The summary ------------------------------------------------------------------------------ */

static void tell_lacks(const struct export *export)
{
    bool is_first = true;
    for (int t = 0; t < TABLE__COUNT; t++) {
        if ((export->lacks >> t & 1) == 0)
            continue;
        printf("%s%s", is_first ? "Plausible's files have no place for: " : ", ",
               t == TABLE_PROP ? "properties of events other than url and path"
                               : model_table_name((enum table)t));
        is_first = false;
    }
    if (export->has_crosses)
        printf("%s", is_first ? "Plausible's files have no place for: crosses" : ", crosses");
    if (!is_first || export->has_crosses)
        puts(". --format jsonl has them.");
}

static void tell(const struct export *export)
{
    uint32_t first = export->dates[0], last = export->dates[export->date_count - 1];
    printf("%zu day%s from %04" PRIu32 "-%02" PRIu32 "-%02" PRIu32 " to %04" PRIu32 "-%02" PRIu32
           "-%02" PRIu32 ": %" PRId64 " page views, %" PRId64 " visits, in %s.\n",
           export->date_count, export->date_count == 1 ? "" : "s", first / 10000, first / 100 % 100,
           first % 100, last / 10000, last / 100 % 100, last % 100, export->views, export->visits,
           export->args->as_jsonl ? "one file" : "ten files");
    if (!export->args->as_jsonl)
        tell_lacks(export);
}

/* --- The command ------------------------------------------------------------------------------ */

static int export_site(struct export *export)
{
    int code = EXIT_BAD;
    if (!export_dates(export->redis, export->site->domain, export->args->range, &export->dates,
                      &export->date_count, export->error))
        return complain(export->error);
    if (export->date_count == 0) {
        free(export->dates);
        return complain("nothing is kept of these days, so there is nothing to write.");
    }
    if (begin_files(export) && export_days(export) &&
        export_files_keep(export->files, export->error)) {
        tell(export);
        code = EXIT_GOOD;
    } else {
        (void)complain(export->error);
    }
    export_files_close(export->files);
    free(export->dates);
    return code;
}

static int export_all(const struct export_arguments *args)
{
    char error[ERROR_BYTES];
    struct config config;
    int code = EXIT_BAD;
    if (!command_config(&args->place, &config))
        return EXIT_BAD;
    struct export export = {.args = args, .redis = command_redis(&config)};
    struct site_list *sites =
        export.redis == NULL ? NULL : site_admin_list(export.redis, error, sizeof(error));
    if (export.redis != NULL && sites == NULL)
        (void)complain(error);
    if (sites != NULL) {
        export.site = site_list_find(sites, str_from(args->site));
        code = export.site != NULL
                   ? export_site(&export)
                   : complain("there is no such site; `footfall site list` shows all.");
    }
    site_list_unref(sites);
    redis_free(export.redis);
    config_done(&config);
    return code;
}

static bool take_date(const char *text, uint32_t *ret_date)
{
    struct query_moment moment;
    if (!query_moment_parse(str_from(text), &moment) || !moment.is_date)
        return false;
    *ret_date = moment.date;
    return true;
}

static bool take_option(int option, struct export_arguments *args)
{
    switch (option) {
    case 's':
        args->site = optarg;
        return true;
    case 'f':
        args->as_jsonl = strcmp(optarg, "jsonl") == 0;
        return args->as_jsonl || strcmp(optarg, "plausible") == 0;
    case 'F':
        return take_date(optarg, &args->range[0]);
    case 'T':
        return take_date(optarg, &args->range[1]);
    case 'o':
        args->folder = optarg;
        return true;
    case 'd':
        args->place.data = optarg;
        return true;
    case 'c':
        args->place.config_path = optarg;
        return true;
    default:
        return false;
    }
}

int command_export(int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"site", required_argument, NULL, 's'},
        {"format", required_argument, NULL, 'f'},
        {"from", required_argument, NULL, 'F'},
        {"to", required_argument, NULL, 'T'},
        {"output", required_argument, NULL, 'o'},
        {"data", required_argument, NULL, 'd'},
        {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct export_arguments args = {.range = {19700101, 99991231}};
    for (int option; (option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1;) {
        if (option == 'h')
            return fputs(HELP, stdout), EXIT_GOOD;
        if (!take_option(option, &args))
            return fputs(HELP, stderr), EXIT_MISUSE;
    }
    if (args.site == NULL || args.folder == NULL || optind < argc)
        return fputs(HELP, stderr), EXIT_MISUSE;
    return export_all(&args);
}

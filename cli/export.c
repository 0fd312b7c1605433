/* `footfall export`: everything that is kept of a site, as files: Plausible's family of ten, which
 * other tools read too, or JSON lines with nothing left out. A day at a time; what collectors have
 * not stored yet, or the aggregator has not applied, is not in it. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aggregator/query.h"
#include "cli/command_options.h"
#include "cli/export_day.h"
#include "cli/export_files.h"
#include "cli/export_write.h"
#include "cli/site_admin.h"
#include "common/clock.h"

enum { ERROR_BYTES = 256, NAME_BYTES = 384, BAR_EVERY_MS = 200, BAR_CELLS = 24 };
/* The family of days, and that of months. */
enum { OF_DAYS, OF_MONTHS, FAMILIES };
static_assert(FAMILIES * (int)PLAUSIBLE__COUNT <= (int)EXPORT_FILES_MAX, "both are one export");

static const char HELP[] =
    "usage: footfall export --site DOMAIN --output DIR [--format plausible|jsonl]\n"
    "                       [--from DATE] [--to DATE]\n\n"
    "Writes what is kept of a site, whole or not at all, into files that only you may read.\n\n"
    "  --format F      plausible (the default): ten CSV files that Plausible, and\n"
    "                  `footfall import`, read, and ten of months of which no days are kept any\n"
    "                  more; jsonl: every table and cross, an object a line\n"
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
    FILE *streams[FAMILIES][PLAUSIBLE__COUNT]; /* of JSON lines the first */
    struct export_dates dates;
    int64_t views, visits;
    uint32_t lacks; /* tables, as bits */
    bool has_crosses;
    char error[ERROR_BYTES];
};

/* --- Files ------------------------------------------------------------------------------------ */

/* The first and the last day, or month, that an export has; false when it has none. */
static bool find_ends(const struct export_dates *dates, bool of_months, uint32_t ret_ends[2])
{
    ret_ends[0] = 0;
    for (size_t i = 0; i < dates->count; i++) {
        if (export_is_month(dates->dates[i]) != of_months)
            continue;
        ret_ends[0] = ret_ends[0] == 0 ? dates->dates[i] : ret_ends[0];
        ret_ends[1] = dates->dates[i];
    }
    return ret_ends[0] != 0;
}

/* "20260131", or "202601" of a month. */
static void stamp_of(uint32_t date, char stamp[static EXPORT_DATE_BYTES])
{
    snprintf(stamp, EXPORT_DATE_BYTES, "%0*" PRIu32, export_is_month(date) ? 6 : 8,
             export_is_month(date) ? date / 100 : date);
}

/* "imported_pages_20260101_20260131.csv", "months_pages_202311_202312.csv": importers know their
 * files by the first word, and must not take a month for a day. */
static bool begin_family(struct export *export, int family)
{
    char name[NAME_BYTES], first[EXPORT_DATE_BYTES], last[EXPORT_DATE_BYTES];
    uint32_t ends[2];
    if (!find_ends(&export->dates, family == OF_MONTHS, ends))
        return true;
    stamp_of(ends[0], first);
    stamp_of(ends[1], last);
    for (size_t i = 0; i < PLAUSIBLE__COUNT; i++) {
        const char *table = plausible_table_name((enum plausible_table)i);
        snprintf(name, sizeof(name), "%s%s_%s_%s.csv", family == OF_MONTHS ? "months" : "imported",
                 strchr(table, '_'), first, last);
        export->streams[family][i] = export_files_add(export->files, name, export->error);
        if (export->streams[family][i] == NULL)
            return false;
    }
    export_plausible_head(export->streams[family]);
    return true;
}

static bool begin_lines(struct export *export)
{
    char name[NAME_BYTES], first[EXPORT_DATE_BYTES], last[EXPORT_DATE_BYTES];
    stamp_of(export->dates.dates[0], first);
    stamp_of(export->dates.dates[export->dates.count - 1], last);
    snprintf(name, sizeof(name), "footfall_%.*s_%s_%s.jsonl", STR_ARG(export->site->domain), first,
             last);
    export->streams[OF_DAYS][0] = export_files_add(export->files, name, export->error);
    return export->streams[OF_DAYS][0] != NULL;
}

static bool begin_files(struct export *export)
{
    export->files = export_files_open(export->args->folder, export->error);
    if (export->files == NULL)
        return false;
    return export->args->as_jsonl
               ? begin_lines(export)
               : begin_family(export, OF_DAYS) && begin_family(export, OF_MONTHS);
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
        export_jsonl_day(export->streams[OF_DAYS][0], &day);
    else if (good)
        export_plausible_day(export->streams[export_is_month(date) ? OF_MONTHS : OF_DAYS],
                             export->site->domain, &day);
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
    fprintf(stderr, "\r\033[K[%s] %zu of %zu", bar, done, count);
}

static bool export_days(struct export *export)
{
    bool is_terminal = isatty(STDERR_FILENO) == 1, is_shown = false, good = true;
    int64_t shown_ms = clock_mono_ms();
    for (size_t i = 0; good && i < export->dates.count; i++) {
        good = export_day(export, export->dates.dates[i]);
        if (!is_terminal || clock_mono_ms() - shown_ms < BAR_EVERY_MS)
            continue;
        show_bar(i + 1, export->dates.count);
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

/* "3 days from 2026-01-01 to 2026-01-04"; false when there are none. */
static bool tell_span(const struct export *export, bool of_months, const char *before)
{
    char first[EXPORT_DATE_BYTES], last[EXPORT_DATE_BYTES];
    uint32_t ends[2];
    size_t months = export->dates.months, count = of_months ? months : export->dates.count - months;
    if (!find_ends(&export->dates, of_months, ends))
        return false;
    export_date_text(ends[0], first);
    export_date_text(ends[1], last);
    printf("%s%zu %s%s from %s to %s", before, count, of_months ? "month" : "day",
           count == 1 ? "" : "s", first, last);
    return true;
}

static void tell(const struct export *export)
{
    bool has_days = tell_span(export, false, "");
    bool has_months = tell_span(export, true, has_days ? " and " : "");
    printf(": %" PRId64 " page views, %" PRId64 " visits, in %s.\n", export->views, export->visits,
           export->args->as_jsonl   ? "one file"
           : has_days && has_months ? "twenty files"
                                    : "ten files");
    if (export->dates.cut_months > 0)
        printf("Left out: %zu month%s whose days are gone, and which --from and --to cut.\n",
               export->dates.cut_months, export->dates.cut_months == 1 ? "" : "s");
    if (!export->args->as_jsonl)
        tell_lacks(export);
}

/* --- The command ------------------------------------------------------------------------------ */

static int export_kept(struct export *export)
{
    int code = EXIT_BAD;
    if (!export_dates_find(export->redis, export->site->domain, export->args->range, &export->dates,
                           export->error))
        return command_fail(export->error);
    if (export->dates.count == 0)
        return command_fail(
            export->dates.cut_months > 0
                ? "of these days only whole months are kept any more; give --from and "
                  "--to that hold one."
                : "nothing is kept of these days, so there is nothing to write.");
    if (begin_files(export) && export_days(export) &&
        export_files_keep(export->files, export->error)) {
        tell(export);
        code = EXIT_GOOD;
    } else {
        (void)command_fail(export->error);
    }
    export_files_close(export->files);
    export_dates_done(&export->dates);
    return code;
}

static int export_site(struct redis *redis, const struct site *site, void *data)
{
    struct export export = {.args = data, .redis = redis, .site = site};
    return export_kept(&export);
}

static int run(struct redis *redis, struct config *config, void *data)
{
    const struct export_arguments *args = data;
    (void)config;
    return command_with_site(redis, args->site, export_site, data);
}

static bool take_date(const char *text, uint32_t *ret_date)
{
    struct query_moment moment;
    if (!query_moment_parse(str_from(text), &moment) || !moment.is_date)
        return false;
    *ret_date = moment.date;
    return true;
}

static bool take_option(int option, void *data)
{
    struct export_arguments *args = data;
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
    default:
        args->folder = optarg;
        return true;
    }
}

int command_export(int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"site", required_argument, NULL, 's'},   {"format", required_argument, NULL, 'f'},
        {"from", required_argument, NULL, 'F'},   {"to", required_argument, NULL, 'T'},
        {"output", required_argument, NULL, 'o'}, COMMAND_SHARED_OPTIONS};
    struct export_arguments args = {.range = {19700101, 99991231}};
    const struct command_syntax syntax = {HELP, OPTIONS, take_option, &args.place};
    int code;
    if (!command_options(argc, argv, &syntax, &args, &code))
        return code;
    if (args.site == NULL || args.folder == NULL || optind < argc)
        return command_misused(&syntax);
    return command_with_redis(&args.place, run, &args);
}

/* `footfall stats`: asks the same questions as a dashboard, of Redis itself and with the operator's
 * rights, so that it works on a machine without a browser. A front of the query: what may be asked,
 * and what is said when not, is decided there. */

#include "cli/stats.h"

#include <jansson.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "aggregator/query_names.h"
#include "cli/command_options.h"
#include "cli/site_admin.h"
#include "cli/stats_ask.h"
#include "cli/stats_table.h"

enum {
    STATS_FILTERS_MAX = QUERY_FILTERS_MAX,
    STATS_ROWS = 20,
    STATS_WIDTH = 80,
    STATS_WIDTH_MAX = 200,
    STATS_TEXT_BYTES_MAX = 16 * 1024 * 1024,
    ERROR_BYTES = 512,
};

static const char HELP[] =
    "usage: footfall stats DOMAIN [--period 7d] [--by page] [--filter country=NL]\n"
    "                             [--compare period] [--json]\n\n"
    "  --period P      day, 24h, 7d, 28d, 30d, 91d, month, 6mo, 12mo, year, all, or two dates:\n"
    "                  2026-11-01,2026-11-23 (7d)\n"
    "  --by WHAT       page, entry_page, exit_page, source, referrer, channel, utm_source,\n"
    "                  utm_medium, utm_campaign, utm_content, utm_term, country, region, browser,\n"
    "                  browser_version, os, os_version, device, language, screen, goal,\n"
    "                  props:KEY, drop_reason, hour, day, week, month\n"
    "  --filter F      WHAT=VALUE, WHAT!=VALUE, or WHAT~PART; may stand several times\n"
    "  --compare WITH  period (the time just before) or year (the year before): what the headline\n"
    "                  has changed; each row's change with --json\n"
    "  --limit N       rows (20)\n"
    "  --json          the query API's answer\n"
    "  --data DIR      the data folder of `footfall serve` (./data)\n"
    "  --config FILE   configuration, for a Redis of your own\n";

struct stats_arguments {
    struct command_place place;
    const char *domain, *period, *by;
    const char *comparison; /* as the query API calls it; or NULL */
    const char *filters[STATS_FILTERS_MAX];
    size_t filter_count;
    unsigned limit;
    bool json;
};

/* Whom to ask. */
struct oracle {
    struct redis *redis;
    const struct site *site;
};

/* --- The question -------------------------------------------------------------------------------
 */

/* "page" → "event:page", "country" → "visit:country", "day" → "time:day". The caller frees; NULL
 * for a name that no dimension has. */
static char *dimension_name(struct str name)
{
    static const char *const PREFIXES[] = {"event:", "visit:", "time:", ""};
    for (size_t i = 0; i < ARRAY_LEN(PREFIXES); i++) {
        struct query_dimension dimension;
        enum query_time time;
        char *full = NULL;
        if (asprintf(&full, "%s%.*s", PREFIXES[i], STR_ARG(name)) < 0)
            abort();
        if (query_dimension_from_name(str_from(full), &dimension) ||
            query_time_from_name(str_from(full), &time))
            return full;
        free(full);
    }
    return NULL;
}

/* "country=NL" as ["is","visit:country",["NL"]]; NULL when it is none. */
static json_t *filter_json(struct str text)
{
    static const struct {
        struct str sign;
        const char *op;
    } SIGNS[] = {{STR_LIT("!="), "is_not"}, {STR_LIT("="), "is"}, {STR_LIT("~"), "contains"}};
    size_t at = 0, sign = 0;
    while (at < text.len && !strchr("!=~", text.ptr[at]))
        at++;
    while (sign < ARRAY_LEN(SIGNS) && !str_starts_with(str_from_at(text, at), SIGNS[sign].sign))
        sign++;
    if (sign == ARRAY_LEN(SIGNS))
        return NULL;
    char *name = dimension_name(str_prefix(text, at));
    struct str value = str_from_at(text, at + SIGNS[sign].sign.len);
    json_t *filter =
        name == NULL ? NULL
                     : json_pack("[s, s, [s#]]", SIGNS[sign].op, name, value.ptr, (int)value.len);
    free(name);
    return filter;
}

static json_t *range_json(struct str period)
{
    size_t comma = str_find(period, ',');
    struct str last = str_from_at(period, comma + 1);
    if (comma == period.len)
        return json_stringn(period.ptr, period.len);
    return json_pack("[s#, s#]", period.ptr, (int)comma, last.ptr, (int)last.len);
}

/* NULL, with the sentence printed, for a filter that is none. */
static json_t *question_json(const struct stats_arguments *args, const struct oracle *oracle,
                             const char *metrics, const char *dimension)
{
    json_t *question = json_object(), *filters = json_array();
    json_object_set_new(question, "site_id",
                        json_stringn(oracle->site->domain.ptr, oracle->site->domain.len));
    json_object_set_new(question, "metrics", json_loads(metrics, 0, NULL));
    json_object_set_new(question, "date_range", range_json(str_from(args->period)));
    if (dimension != NULL)
        json_object_set_new(question, "dimensions", json_pack("[s]", dimension));
    json_object_set_new(question, "filters", filters);
    if (args->comparison != NULL)
        json_object_set_new(question, "include",
                            json_pack("{s:{s:s}}", "comparisons", "mode", args->comparison));
    for (size_t i = 0; i < args->filter_count; i++) {
        if (json_array_append_new(filters, filter_json(str_from(args->filters[i]))) != 0) {
            (void)command_fail(
                "a filter is a dimension, then =, != or ~, then a value: country=NL; "
                "`footfall stats --help` lists the dimensions.");
            json_decref(question);
            return NULL;
        }
    }
    return question;
}

/* --- Which figures ------------------------------------------------------------------------------
 */

/* From the most to the least: the first that is kept for what is asked is shown. */
static const char *const HEADLINES[] = {
    ("[\"visitors\",\"visits\",\"pageviews\",\"views_per_visit\","
     "\"bounce_rate\",\"visit_duration\"]"),
    "[\"visits\",\"pageviews\",\"views_per_visit\",\"bounce_rate\",\"visit_duration\"]",
    "[\"visitors\",\"visits\",\"events\"]",
    "[\"pageviews\"]",
    "[\"events\"]",
    "[\"visits\"]",
};
static const char *const BREAKDOWNS[] = {
    "[\"visitors\",\"visits\",\"pageviews\",\"bounce_rate\"]",
    "[\"visitors\",\"events\"]",
    "[\"visits\",\"pageviews\"]",
    "[\"visits\",\"events\"]",
    "[\"pageviews\"]",
    "[\"events\"]",
    "[\"visits\"]",
};
static const char *const SERIES[] = {"[\"visitors\"]", "[\"visits\"]", "[\"pageviews\"]",
                                     "[\"events\"]"};

static bool depends_on_metrics(enum query_status status)
{
    return status == QUERY_ADDED_VISITORS || status == QUERY_ADDED_VISITS ||
           status == QUERY_EXIT_VISITS_ONLY || status == QUERY_GOAL_METRICS ||
           status == QUERY_PROP_METRICS || status == QUERY_DROP_METRICS ||
           status == QUERY_PAGE_METRICS || status == QUERY_CROSS_METRICS;
}

/* Asks for each list of metrics until one is kept. `more` is added to the
 * question and may be NULL. NULL with the sentence printed. */
static json_t *ask_first(const struct stats_arguments *args, const struct oracle *oracle,
                         const char *dimension, const char *const *metrics, size_t count,
                         const json_t *more)
{
    enum query_status status = QUERY_OK, first = QUERY_OK;
    for (size_t i = 0; i < count; i++) {
        json_t *question = question_json(args, oracle, metrics[i], dimension);
        if (question == NULL)
            return NULL;
        json_object_update(question, (json_t *)(uintptr_t)more);
        json_t *answer = stats_ask(oracle->redis, oracle->site, question, &status);
        if (answer != NULL || status == QUERY_OK)
            return answer;
        first = first == QUERY_OK ? status : first;
        if (!depends_on_metrics(status))
            break;
    }
    (void)command_fail(query_status_sentence(depends_on_metrics(status) ? first : status));
    return NULL;
}

/* --- Showing ------------------------------------------------------------------------------------
 */

static struct stats_style style_of_terminal(void)
{
    struct winsize size;
    struct stats_style style = {.width = STATS_WIDTH};
    (void)setlocale(LC_CTYPE, "");
    style.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        style.width = size.ws_col < STATS_WIDTH_MAX ? size.ws_col : STATS_WIDTH_MAX;
    return style;
}

static void append_title(struct buf *out, const struct oracle *oracle, const json_t *answer)
{
    const json_t *range = json_object_get(json_object_get(answer, "query"), "date_range");
    const char *first = json_string_value(json_array_get(range, 0));
    const char *last = json_string_value(json_array_get(range, 1));
    buf_printf(out, "%.*s, ", STR_ARG(oracle->site->domain));
    if (strncmp(first, last, 10) == 0)
        buf_printf(out, "%.10s\n\n", first);
    else
        buf_printf(out, "%.10s to %.10s\n\n", first, last);
}

/* A view rests in the mix for at most mix.seconds; only the dashboard sees in there. */
static void append_mix_note(struct buf *out, const json_t *answer)
{
    const json_t *views = json_array_get(json_object_get(answer, "results"), 0);
    if (json_number_value(json_array_get(json_object_get(views, "metrics"), 0)) == 0)
        buf_append_str(out,
                       STR_LIT("\n  Views of the last minute may still be mixed; the dashboard "
                               "shows them already.\n"));
}

static bool show_overview(const struct stats_arguments *args, const struct oracle *oracle,
                          struct buf *out)
{
    struct stats_style style = style_of_terminal();
    json_t *with_labels = json_pack("{s:{s:b}}", "include", "time_labels", 1);
    json_t *totals = ask_first(args, oracle, NULL, HEADLINES, ARRAY_LEN(HEADLINES), NULL);
    json_t *series = totals == NULL
                         ? NULL
                         : ask_first(args, oracle, "time", SERIES, ARRAY_LEN(SERIES), with_labels);
    if (series != NULL) {
        append_title(out, oracle, totals);
        stats_append_headline(out, totals, &style);
        buf_append_byte(out, '\n');
        stats_append_sparkline(out, series, &style);
        append_mix_note(out, totals);
    }
    json_decref(with_labels);
    json_decref(totals);
    json_decref(series);
    return series != NULL;
}

static json_t *ask_breakdown(const struct stats_arguments *args, const struct oracle *oracle)
{
    char *dimension = dimension_name(str_from(args->by));
    if (dimension == NULL) {
        (void)command_fail(query_status_sentence(QUERY_UNKNOWN_DIMENSION));
        return NULL;
    }
    json_t *page = json_pack("{s:{s:i}}", "pagination", "limit", (int)args->limit);
    bool by_time = str_starts_with(str_from(dimension), STR_LIT("time"));
    json_t *answer = ask_first(args, oracle, dimension, BREAKDOWNS, ARRAY_LEN(BREAKDOWNS),
                               by_time && args->limit == STATS_ROWS ? NULL : page);
    json_decref(page);
    free(dimension);
    return answer;
}

static bool show(const struct stats_arguments *args, const struct oracle *oracle, struct buf *out)
{
    if (args->by == NULL && !args->json)
        return show_overview(args, oracle, out);
    json_t *answer = args->by != NULL
                         ? ask_breakdown(args, oracle)
                         : ask_first(args, oracle, NULL, HEADLINES, ARRAY_LEN(HEADLINES), NULL);
    if (answer == NULL)
        return false;
    if (args->json) {
        char *text = json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(10));
        buf_printf(out, "%s\n", text);
        free(text);
    } else {
        struct stats_style style = style_of_terminal();
        append_title(out, oracle, answer);
        stats_append_rows(out, args->by, answer, &style);
    }
    json_decref(answer);
    return true;
}

/* --- Options ------------------------------------------------------------------------------------
 */

static bool parse_limit(const char *text, unsigned *ret_limit)
{
    char *end;
    unsigned long limit = strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0' || limit < 1 || limit > QUERY_ROWS_MAX)
        return false;
    *ret_limit = (unsigned)limit;
    return true;
}

static bool parse_comparison(const char *text, const char **ret_comparison)
{
    if (strcmp(text, "period") == 0)
        *ret_comparison = "previous_period";
    else if (strcmp(text, "year") == 0)
        *ret_comparison = "year_over_year";
    else
        return false;
    return true;
}

static bool take_option(int option, void *data)
{
    struct stats_arguments *args = data;
    switch (option) {
    case 'p':
        args->period = optarg;
        return true;
    case 'b':
        args->by = optarg;
        return true;
    case 'f':
        if (args->filter_count == STATS_FILTERS_MAX)
            return false;
        args->filters[args->filter_count++] = optarg;
        return true;
    case 'l':
        return parse_limit(optarg, &args->limit);
    case 'v':
        return parse_comparison(optarg, &args->comparison);
    default:
        args->json = true;
        return true;
    }
}

/* False when the command is over, with its exit code. */
static bool parse_arguments(int argc, char **argv, struct stats_arguments *args, int *ret_code)
{
    static const struct option OPTIONS[] = {{"period", required_argument, NULL, 'p'},
                                            {"by", required_argument, NULL, 'b'},
                                            {"filter", required_argument, NULL, 'f'},
                                            {"compare", required_argument, NULL, 'v'},
                                            {"limit", required_argument, NULL, 'l'},
                                            {"json", no_argument, NULL, 'j'},
                                            COMMAND_SHARED_OPTIONS};
    *args = (struct stats_arguments){.period = "7d", .limit = STATS_ROWS};
    const struct command_syntax syntax = {HELP, OPTIONS, take_option, &args->place};
    if (!command_options(argc, argv, &syntax, args, ret_code))
        return false;
    args->domain = argv[optind];
    if (optind + 1 == argc)
        return true;
    *ret_code = command_misused(&syntax);
    return false;
}

/* --- The command --------------------------------------------------------------------------------
 */

static int show_site(struct redis *redis, const struct site *site, void *data)
{
    const struct stats_arguments *args = data;
    const struct oracle oracle = {.redis = redis, .site = site};
    struct buf out;
    buf_init(&out, STATS_TEXT_BYTES_MAX);
    bool good = show(args, &oracle, &out) && !out.overflow &&
                fwrite(out.ptr, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
    buf_done(&out);
    return good ? EXIT_GOOD : EXIT_BAD;
}

static int run(struct redis *redis, struct config *config, void *data)
{
    const struct stats_arguments *args = data;
    (void)config;
    return command_with_site(redis, args->domain, show_site, data);
}

int stats_main(int argc, char **argv)
{
    struct stats_arguments args;
    int code;
    if (!parse_arguments(argc, argv, &args, &code))
        return code;
    return command_with_redis(&args.place, run, &args);
}

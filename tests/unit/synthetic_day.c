/* Visits of a made-up site, one after the other, into a day's tables and crosses. */

#include "synthetic_day.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    VALUE_BYTES = SYNTHETIC_VALUE_BYTES,
    VIEWS_A_VISIT_MAX = SYNTHETIC_VIEWS_MAX,
    CAMPAIGNS = 12,
    GOALS = 6
};

static const char *const WORDS[] = {
    "guide",   "release", "notes",  "pricing", "open",  "source", "privacy", "analytics",
    "how",     "to",      "self",   "host",    "redis", "server", "cookie",  "consent",
    "weekly",  "digest",  "change", "log",     "fast",  "small",  "team",    "winter",
    "install", "docker",  "debian", "article", "blog",  "news",   "report",  "travel"};
static const char *const CHANNELS[] = {"Direct", "Organic Search", "Referral", "Organic Social",
                                       "Email"};
static const char *const BROWSERS[] = {"Chrome", "Safari",  "Firefox",          "Edge",   "Opera",
                                       "Brave",  "Vivaldi", "Samsung Internet", "(other)"};
static const char *const SYSTEMS[] = {"Windows", "iOS",       "Android", "Mac OS X",
                                      "Linux",   "Chrome OS", "(other)"};
static const char *const DEVICES[] = {"desktop", "mobile", "tablet"};
static const char *const SCREENS[] = {"large", "small", "medium", "huge"};

uint64_t synthetic_random(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

double synthetic_unit(uint64_t *seed)
{
    return (double)(synthetic_random(seed) >> 11) / 9007199254740992.0;
}

/* A rank of 0 ... count - 1 with a weight of 1 / (rank + 1), by the inverse of its integral. */
uint32_t synthetic_rank(uint64_t *seed, uint32_t count)
{
    double x = exp(synthetic_unit(seed) * log((double)count + 1));
    uint32_t rank = (uint32_t)x - 1;
    return rank < count ? rank : count - 1;
}

#define PICK(seed, list) ((list)[synthetic_rank(seed, ARRAY_LEN(list))])

void synthetic_page_name(char *text, uint32_t rank)
{
    uint64_t seed = rank;
    const char *words[4];
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        words[i] = WORDS[synthetic_random(&seed) % ARRAY_LEN(WORDS)];
    if (rank == 0)
        snprintf(text, VALUE_BYTES, "/");
    else
        snprintf(text, VALUE_BYTES, "/%s/%u/%s-%s-%s-%u", words[0], 2015 + rank % 11, words[1],
                 words[2], words[3], rank);
}

static void source_name(char *text, size_t bytes, uint32_t rank)
{
    uint64_t seed = 1000003 + rank;
    const char *first = WORDS[synthetic_random(&seed) % ARRAY_LEN(WORDS)];
    const char *second = WORDS[synthetic_random(&seed) % ARRAY_LEN(WORDS)];
    snprintf(text, bytes, "%s-%s%u.example.%s", first, second, rank, rank % 3 == 0 ? "org" : "net");
}

void synthetic_draw(struct synthetic_values *values, const struct synthetic_site *site,
                    uint64_t *seed)
{
    char(*text)[VALUE_BYTES] = values->text;
    uint32_t source = synthetic_rank(seed, site->sources),
             country = synthetic_rank(seed, site->countries);
    const char letters[] = {(char)('A' + country / 26), (char)('A' + country % 26), '\0'};
    const char *browser = PICK(seed, BROWSERS), *system = PICK(seed, SYSTEMS);
    char host[VALUE_BYTES / 2];
    memset(values, 0, sizeof(*values));
    source_name(host, sizeof(host), source);
    snprintf(text[TABLE_TIME], VALUE_BYTES, "%02u", 23 - synthetic_rank(seed, 24));
    snprintf(text[TABLE_CHANNEL], VALUE_BYTES, "%s", CHANNELS[source % ARRAY_LEN(CHANNELS)]);
    snprintf(text[TABLE_SOURCE], VALUE_BYTES, "%s", host);
    snprintf(text[TABLE_REFERRER], VALUE_BYTES, "www.%s", host);
    snprintf(text[TABLE_COUNTRY], VALUE_BYTES, "%s", letters);
    snprintf(text[TABLE_REGION], VALUE_BYTES, "%s-%u", letters, 10 + synthetic_rank(seed, 12));
    snprintf(text[TABLE_LANGUAGE], VALUE_BYTES, "%c%c", 'a' + country % 40 / 26,
             'a' + country % 26);
    snprintf(text[TABLE_BROWSER], VALUE_BYTES, "%s", browser);
    snprintf(text[TABLE_BROWSER_VERSION], VALUE_BYTES, "%s %u", browser,
             140 - synthetic_rank(seed, 10));
    snprintf(text[TABLE_OS], VALUE_BYTES, "%s", system);
    snprintf(text[TABLE_OS_VERSION], VALUE_BYTES, "%s %u", system, 18 - synthetic_rank(seed, 6));
    snprintf(text[TABLE_DEVICE], VALUE_BYTES, "%s", PICK(seed, DEVICES));
    snprintf(text[TABLE_SCREEN], VALUE_BYTES, "%s", PICK(seed, SCREENS));
    if (synthetic_unit(seed) < 0.05) {
        snprintf(text[TABLE_UTM_SOURCE], VALUE_BYTES, "newsletter");
        snprintf(text[TABLE_UTM_MEDIUM], VALUE_BYTES, "email");
        snprintf(text[TABLE_UTM_CAMPAIGN], VALUE_BYTES, "issue-%u",
                 synthetic_rank(seed, CAMPAIGNS));
    }
}

static void add(struct day *day, enum table table, const char *value, enum metric metric,
                int64_t more)
{
    day_sum_add(&day_row(day, table, str_from(value))->sums[metric], more);
}

/* To each table of the visit and its total. */
static void add_to_visit(struct day *day, const struct synthetic_values *values, enum metric metric,
                         int64_t more)
{
    for (int t = 0; t < TABLE__COUNT; t++)
        if (model_table_is_visit((enum table)t) && (t == TABLE_TOTAL || values->text[t][0] != '\0'))
            add(day, (enum table)t, values->text[t], metric, more);
}

/* One view (or event) in each cross; `is_first` tells for each table whether the visit is new to
 * its value. */
static void add_to_crosses(struct day *day, const struct synthetic_values *values, bool page_is_new,
                           bool visit_is_new)
{
    bool is_event = values->text[TABLE_EVENT][0] != '\0';
    for (int c = 0; c < CROSS__COUNT; c++) {
        enum table left = model_cross_left((enum cross)c), right = model_cross_right((enum cross)c);
        bool of_event = left == TABLE_EVENT || right == TABLE_EVENT;
        struct day_cell cell = {.views = 1};
        if (values->text[left][0] == '\0' || values->text[right][0] == '\0' || of_event != is_event)
            continue;
        cell.visits = of_event ? 1 : left == TABLE_PAGE ? page_is_new : visit_is_new;
        if (!day_names_add(day->names, left, str_from(values->text[left]), &cell.left) ||
            !day_names_add(day->names, right, str_from(values->text[right]), &cell.right))
            abort();
        day_cell_add(day, (enum cross)c, &cell);
    }
}

static void add_event(struct day *day, struct synthetic_values *values, uint64_t *seed)
{
    snprintf(values->text[TABLE_EVENT], VALUE_BYTES, "goal %u", synthetic_rank(seed, GOALS));
    add_to_visit(day, values, METRIC_EVENTS, 1);
    add(day, TABLE_PAGE, values->text[TABLE_PAGE], METRIC_EVENTS, 1);
    add(day, TABLE_EVENT, values->text[TABLE_EVENT], METRIC_EVENTS, 1);
    add(day, TABLE_EVENT, values->text[TABLE_EVENT], METRIC_VISITS, 1);
    add(day, TABLE_EVENT, values->text[TABLE_EVENT], METRIC_VISITORS, 1);
    add_to_crosses(day, values, false, false);
    values->text[TABLE_EVENT][0] = '\0';
}

static void add_report(struct day *day, const struct synthetic_values *values, uint64_t *seed)
{
    int64_t seconds = (int64_t)(-35 * log(1 - synthetic_unit(seed))),
            percent = 20 + (int64_t)(80 * synthetic_unit(seed));
    const char *where[] = {values->text[TABLE_PAGE], "", values->text[TABLE_TIME]};
    static const enum table TABLES[] = {TABLE_PAGE, TABLE_TOTAL, TABLE_TIME};
    for (size_t i = 0; i < ARRAY_LEN(TABLES); i++) {
        add(day, TABLES[i], where[i], METRIC_ENGAGED_SECONDS, seconds);
        add(day, TABLES[i], where[i], METRIC_ENGAGED_VIEWS, 1);
        add(day, TABLES[i], where[i], METRIC_SCROLL_PERCENT, percent);
        add(day, TABLES[i], where[i], METRIC_SCROLL_VIEWS, 1);
    }
}

static void add_visit(struct day *day, const struct synthetic_site *site, uint32_t views,
                      uint64_t *seed)
{
    struct synthetic_values values;
    uint32_t ranks[VIEWS_A_VISIT_MAX];
    bool is_visitor = synthetic_unit(seed) < 0.9;
    synthetic_draw(&values, site, seed);
    for (uint32_t v = 0; v < views; v++) {
        bool page_is_new = true;
        ranks[v] = synthetic_rank(seed, site->pages);
        for (uint32_t i = 0; i < v; i++)
            page_is_new &= ranks[i] != ranks[v];
        synthetic_page_name(values.text[TABLE_PAGE], ranks[v]);
        if (v == 0)
            synthetic_page_name(values.text[TABLE_ENTRY_PAGE], ranks[v]);
        add_to_visit(day, &values, METRIC_PAGEVIEWS, 1);
        add(day, TABLE_PAGE, values.text[TABLE_PAGE], METRIC_PAGEVIEWS, 1);
        add(day, TABLE_PAGE, values.text[TABLE_PAGE], METRIC_VISITS, page_is_new);
        add(day, TABLE_PAGE, values.text[TABLE_PAGE], METRIC_VISITORS, page_is_new && is_visitor);
        add_to_crosses(day, &values, page_is_new, v == 0);
        if (synthetic_unit(seed) < 0.9)
            add_report(day, &values, seed);
        if (synthetic_unit(seed) < 0.03)
            add_event(day, &values, seed);
    }
    add_to_visit(day, &values, METRIC_VISITS, 1);
    add_to_visit(day, &values, METRIC_VISITORS, is_visitor);
    add_to_visit(day, &values, METRIC_BOUNCES, views == 1);
    if (views > 1)
        add_to_visit(day, &values, METRIC_VISIT_SECONDS,
                     (int64_t)(-40.0 * views * log(1 - synthetic_unit(seed))));
    add(day, TABLE_EXIT_PAGE, values.text[TABLE_PAGE], METRIC_VISITS, 1);
}

/* An estimate is some 0.8 % off. */
static void blur_visitors(struct day *day, uint64_t *seed)
{
    for (int t = 0; t < TABLE__COUNT; t++) {
        for (uint32_t i = 0; i < day->tables[t].count; i++) {
            int64_t *visitors = &day->tables[t].rows[i].sums[METRIC_VISITORS];
            double error =
                0.008 * (synthetic_unit(seed) + synthetic_unit(seed) + synthetic_unit(seed) - 1.5) *
                2;
            *visitors += (int64_t)round((double)*visitors * error);
        }
    }
}

uint32_t synthetic_views(uint64_t *seed)
{
    uint32_t views = 1;
    while (views < VIEWS_A_VISIT_MAX && synthetic_unit(seed) < 0.55)
        views++;
    return views;
}

void synthetic_day_fill(struct day *day, const struct synthetic_site *site, uint32_t views,
                        uint64_t seed)
{
    assert(site->countries <= 26 * 26);
    while (views > 0) {
        uint32_t more = synthetic_views(&seed);
        more = more > views ? views : more;
        add_visit(day, site, more, &seed);
        views -= more;
    }
    blur_visitors(day, &seed);
}

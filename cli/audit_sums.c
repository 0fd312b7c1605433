/* What adds up follows from how a view is counted (collector/view.c): whatever it changes of the
 * total it changes of one row in each table of visits by as much. Campaign tables have no row for
 * visits without a campaign. A page view and a report are of one page and one hour; a visit has one
 * exit page; an event one name. So it stays whatever is folded into "(other)", and after each
 * single batch, since a batch is applied in one step.
 *
 * What came from another tool's daily sums is in the total and in no hour, the hour "(other)", and
 * in such other tables as that tool has, which may tell more or less than its total. So of a day
 * with such an hour the tables hold at least what the hours do. */

#include "cli/audit_sums.h"

#include <inttypes.h>
#include <stdio.h>

enum { SENTENCE_BYTES = 200, SEALED_PART = 64 };

#define BIT(metric) (1u << METRIC_##metric)
enum {
    OF_VISIT = BIT(PAGEVIEWS) | BIT(EVENTS) | BIT(VISITS) | BIT(BOUNCES) | BIT(VISIT_SECONDS),
    OF_REPORT = BIT(ENGAGED_SECONDS) | BIT(ENGAGED_VIEWS) | BIT(SCROLL_PERCENT) | BIT(SCROLL_VIEWS),
    OF_PAGE = BIT(PAGEVIEWS) | BIT(EVENTS) | OF_REPORT,
    APPROXIMATE = BIT(VISIT_SECONDS) | BIT(ENGAGED_SECONDS) | BIT(SCROLL_PERCENT),
};

/* The metrics of a table whose rows add up to the total, or to no more than it. */
struct rule {
    uint32_t exact, at_most;
};

static struct rule rule_of(enum table table)
{
    switch (table) {
    case TABLE_TOTAL:
    case TABLE_DROPS:
    case TABLE_PROP:
        return (struct rule){0, 0};
    case TABLE_TIME:
        return (struct rule){OF_VISIT | OF_REPORT, 0};
    case TABLE_PAGE:
        return (struct rule){OF_PAGE, 0};
    case TABLE_EXIT_PAGE:
        return (struct rule){BIT(VISITS), 0};
    case TABLE_EVENT:
        return (struct rule){BIT(EVENTS), 0};
    case TABLE_UTM_SOURCE:
    case TABLE_UTM_MEDIUM:
    case TABLE_UTM_CAMPAIGN:
    case TABLE_UTM_CONTENT:
    case TABLE_UTM_TERM:
        return (struct rule){0, BIT(PAGEVIEWS) | BIT(EVENTS) | BIT(VISITS)};
    default:
        return (struct rule){OF_VISIT, 0};
    }
}

static int64_t sum_of(const struct day_table *table, int metric)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < table->count; i++)
        day_sum_add(&sum, table->rows[i].sums[metric]);
    return sum;
}

static int64_t magnitude(int64_t value)
{
    return value < 0 ? -value : value;
}

/* What a record's rounding of each row can make of their sum. */
static int64_t tolerance(const struct day_table *table, int metric, bool is_sealed)
{
    int64_t sum = 0;
    if (!is_sealed || !(APPROXIMATE >> metric & 1))
        return 0;
    for (uint32_t i = 0; i < table->count; i++)
        day_sum_add(&sum, magnitude(table->rows[i].sums[metric]) / (SEALED_PART - 1) + 1);
    return sum;
}

/* The sums of a day that are of no hour; NULL when each is of one. */
static const struct day_row *row_without_hour(const struct day *day)
{
    uint32_t name;
    const struct day_row *row = NULL;
    if (day_names_find(day->names, TABLE_TIME, STR_LIT(MODEL_OTHER), &name))
        row = day_row_find(day, TABLE_TIME, name);
    return row == NULL || day_row_is_empty(row) ? NULL : row;
}

/* The difference of a table's rows to the total is as it may be. */
static bool is_right(const struct rule *rule, int metric, int64_t more, int64_t allowed,
                     const struct day_row *without_hour)
{
    bool is_exact = rule->exact >> metric & 1, is_bounded = rule->at_most >> metric & 1;
    if (without_hour != NULL)
        return !is_exact || more >= -without_hour->sums[metric] - allowed;
    return (!is_exact || magnitude(more) <= allowed) && (!is_bounded || more <= allowed);
}

static void check_table(const struct day *day, enum table table, bool is_sealed,
                        audit_sums_breach *breach, void *data)
{
    static const char *const NAMES[METRIC__COUNT] = {
#define X(id, letter, name) [METRIC_##id] = name,
        MODEL_METRICS(X)
#undef X
    };
    const struct rule rule = rule_of(table);
    const struct day_row *without_hour = table == TABLE_TIME ? NULL : row_without_hour(day);
    for (int m = 0; m < METRIC__COUNT; m++) {
        int64_t total = sum_of(&day->tables[TABLE_TOTAL], m);
        int64_t sum = sum_of(&day->tables[table], m);
        int64_t allowed = tolerance(&day->tables[table], m, is_sealed);
        if (is_right(&rule, m, sum - total, allowed, without_hour))
            continue;
        char text[SENTENCE_BYTES];
        snprintf(text, sizeof(text), "%s of all rows of %s are %" PRId64 ", the total has %" PRId64,
                 NAMES[m], model_table_name(table), sum, total);
        breach(text, data);
    }
}

/* Views divide among the pairs, one each; a visit may have several pages and goals. */
static void check_cross(const struct day *day, enum cross cross, audit_sums_breach *breach,
                        void *data)
{
    const struct day_cross *pairs = &day->crosses[cross];
    int64_t views = pairs->hidden_views;
    int64_t total = sum_of(&day->tables[TABLE_TOTAL], (int)model_cross_views(cross));
    for (uint32_t i = 0; i < pairs->count; i++)
        day_sum_add(&views, pairs->cells[i].views);
    if (views <= total)
        return;
    char text[SENTENCE_BYTES];
    snprintf(text, sizeof(text),
             "the pairs of %s and %s tell of %" PRId64 " views or events, the total has %" PRId64,
             model_table_name(model_cross_left(cross)), model_table_name(model_cross_right(cross)),
             views, total);
    breach(text, data);
}

void audit_sums(const struct day *day, bool is_sealed, audit_sums_breach *breach, void *data)
{
    if (day->applied & DAY_ROUNDED)
        return;
    for (int t = 0; t < TABLE__COUNT; t++)
        check_table(day, (enum table)t, is_sealed, breach, data);
    for (int c = 0; c < CROSS__COUNT; c++)
        check_cross(day, (enum cross)c, breach, data);
}

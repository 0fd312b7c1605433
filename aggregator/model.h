#pragma once

/* What is counted, and how it is spelled at rest. The only place that spells a Redis key: the
 * inventory of docs/design.md in code. Pure; every function is thread-safe. */

#include <stdint.h>

#include "aggregator/model_crosses.h"
#include "common/buf.h"
#include "common/limits.h"
#include "common/str.h"

/* A date is a number, yyyymmdd, in the site's own time zone. */

/* Tables: one row a distinct value. X(enum, name at rest, distinct values a day, kind).
 * VISIT tables take the visit's first attributes and count all that the visit does;
 * VIEW tables count what happened there. Past the cap a value counts under "(other)".
 * TOTAL has one row, the empty value. TIME's value is the local hour, "00".."23".
 * PROP's value is event, US (0x1f), key, US, value. DROPS counts what was not counted, by reason.
 */
#define MODEL_TABLES(X)                                                                            \
    X(TOTAL, "total", 1, VISIT)                                                                    \
    X(TIME, "time", 24, VISIT)                                                                     \
    X(PAGE, "page", 2000, VIEW)                                                                    \
    X(ENTRY_PAGE, "entry_page", 2000, VISIT)                                                       \
    X(EXIT_PAGE, "exit_page", 2000, VIEW)                                                          \
    X(SOURCE, "source", 500, VISIT)                                                                \
    X(REFERRER, "referrer", 500, VISIT)                                                            \
    X(CHANNEL, "channel", 32, VISIT)                                                               \
    X(UTM_SOURCE, "utm_source", 200, VISIT)                                                        \
    X(UTM_MEDIUM, "utm_medium", 200, VISIT)                                                        \
    X(UTM_CAMPAIGN, "utm_campaign", 500, VISIT)                                                    \
    X(UTM_CONTENT, "utm_content", 500, VISIT)                                                      \
    X(UTM_TERM, "utm_term", 500, VISIT)                                                            \
    X(COUNTRY, "country", 260, VISIT)                                                              \
    X(REGION, "region", 2000, VISIT)                                                               \
    X(BROWSER, "browser", 100, VISIT)                                                              \
    X(BROWSER_VERSION, "browser_version", 500, VISIT)                                              \
    X(OS, "os", 100, VISIT)                                                                        \
    X(OS_VERSION, "os_version", 500, VISIT)                                                        \
    X(DEVICE, "device", 8, VISIT)                                                                  \
    X(LANGUAGE, "language", 100, VISIT)                                                            \
    X(SCREEN, "screen", 8, VISIT)                                                                  \
    X(EVENT, "event", 150, VIEW)                                                                   \
    X(PROP, "prop", 1000, VIEW)                                                                    \
    X(DROPS, "drops", 32, VIEW)

enum table {
#define X(id, name, cap, kind) TABLE_##id,
    MODEL_TABLES(X)
#undef X
        TABLE__COUNT
};

/* Metrics: X(enum, letter at rest, name). All are sums of signed increments, but VISITORS, which
 * `apply` sets to the estimate of the cell's sketch. */
#define MODEL_METRICS(X)                                                                           \
    X(PAGEVIEWS, 'v', "pageviews")                                                                 \
    X(VISITS, 's', "visits")                                                                       \
    X(BOUNCES, 'b', "bounces")                                                                     \
    X(VISIT_SECONDS, 'd', "visit_seconds")                                                         \
    X(ENGAGED_SECONDS, 'e', "engaged_seconds")                                                     \
    X(ENGAGED_VIEWS, 'n', "engaged_views")                                                         \
    X(SCROLL_PERCENT, 'p', "scroll_percent")                                                       \
    X(SCROLL_VIEWS, 'q', "scroll_views")                                                           \
    X(EVENTS, 'c', "events")                                                                       \
    X(VISITORS, 'u', "visitors")

enum metric {
#define X(id, letter, name) METRIC_##id,
    MODEL_METRICS(X)
#undef X
        METRIC__COUNT
};

/* What a value past its table's cap counts under, and a cell past its cross's. */
#define MODEL_OTHER "(other)"
/* A cross's hash has a field a cell: both values, or MODEL_OTHER, → views (or events) and visits:
 * "/a\x1fNL" → "3:2". The separator is in no value. */
#define MODEL_CROSS_SEPARATOR '\x1f'
/* In the TOTAL hash: '@' and a writer's id in hexadecimal → number of its last batch applied to
 * this site and day. Lets dashboards add what is not applied yet exactly once. */
#define MODEL_APPLIED_MARK '@'
/* The field of the open days that is no day: another value each time that a day was closed. */
#define MODEL_OPEN_CLOSED "closed"

const char *model_table_name(enum table table);
/* False for an unknown name. */
bool model_table_from_name(struct str name, enum table *ret_table);
uint32_t model_table_cap(enum table table);
bool model_table_is_visit(enum table table);
enum table model_cross_left(enum cross cross);
enum table model_cross_right(enum cross cross);
/* Cells that a sealed day keeps of it. */
uint32_t model_cross_sealed_cap(enum cross cross);
/* The cross of two tables in either order; false where there is none. */
bool model_cross_of(enum table one, enum table other, enum cross *ret_cross);
/* What a cross counts beside visits: events where goals are one side, else page views. */
enum metric model_cross_views(enum cross cross);
/* What a field of a cross's hash holds. False for what is none, or beyond 2^48. */
bool model_cross_counts(struct str text, int64_t *ret_views, int64_t *ret_visits);
char model_metric_letter(enum metric metric);
/* False for a letter that is no metric. */
bool model_metric_from_letter(char letter, enum metric *ret_metric);

/* Domains: lower-case letters, digits, dots and hyphens, a host of at most 253 bytes. */
bool model_site_valid(struct str site);
bool model_date_valid(uint32_t date);

/* The shard of a site. One shard for now: `{0}`. */
uint32_t model_shard(struct str site);

/* Keys, appended to `out`. */
void model_key_sites(struct buf *out);
void model_key_log(struct buf *out, uint32_t shard);
void model_key_writers(struct buf *out, uint32_t shard);
void model_key_cursor(struct buf *out, uint32_t shard);
/* Which days are open: field "<site>:<date>" → the entry of the log that changed that day last. */
void model_key_open(struct buf *out, uint32_t shard);
void model_open_field(struct buf *out, struct str site, uint32_t date);
/* False for what is no such field. */
bool model_open_field_parse(struct str field, struct str *ret_site, uint32_t *ret_date);
/* Entries of the log that cannot be applied. */
void model_key_quarantine(struct buf *out, uint32_t shard);
/* A key that `apply` makes and removes within its one step: never at rest, so in no inventory. */
void model_key_scratch(struct buf *out, uint32_t shard);
/* A table's counters of an open day; for TABLE_DROPS the site's `drops` key. */
void model_key_live(struct buf *out, struct str site, uint32_t date, enum table table);
/* A cross's counters of an open day: "…:page*country". */
void model_key_cross(struct buf *out, struct str site, uint32_t date, enum cross cross);
/* The sketch of one cell of an open day. */
void model_key_seen(struct buf *out, struct str site, uint32_t date, enum table table,
                    struct str value);
/* What a site remembers of the logs that were imported: import_row.h. */
void model_key_imports(struct buf *out, struct str site);
/* A sealed day (record.h); the names of all sealed days of its month, and the month that they have
 * been folded into, whose own key has the date yyyymm00 as "yyyymm". The last two take any date of
 * the month. */
void model_key_day(struct buf *out, struct str site, uint32_t date);
void model_key_names(struct buf *out, struct str site, uint32_t date);
void model_key_month(struct buf *out, struct str site, uint32_t date);
/* What a month's sealed days add up to (month_sum.h); any date of the month. */
void model_key_sum(struct buf *out, struct str site, uint32_t date);
/* Pub/sub channels (never persisted): a site's live messages; "the site list has changed". */
void model_channel_live(struct buf *out, struct str site);
void model_channel_sites(struct buf *out);

/* What every key of a site begins with. */
void model_key_site_prefix(struct buf *out, struct str site);

/* The first date that a key of a site tells of; false for one that tells of none. */
bool model_key_date(struct str key, uint32_t *ret_date);

/* Which pattern of the inventory a key belongs to, or NULL for a key that must not exist. */
const char *model_key_pattern(struct str key);

/* The inventory, for whoever compares it with what is there. */
enum model_kept {
    MODEL_KEPT,    /* has no expiry */
    MODEL_EXPIRES, /* always has one */
};
struct model_pattern {
    const char *text;
    enum model_kept kept;
    uint32_t days_max; /* of an expiry, from now; 0: the site's settings say */
};
size_t model_pattern_count(void);
const struct model_pattern *model_pattern_at(size_t index);
/* Its index; false for a key that must not exist. */
bool model_pattern_of(struct str key, size_t *ret_index);

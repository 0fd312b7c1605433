/* The inventory of what is at rest: names, caps and keys. */

#include "aggregator/model.h"

#include <assert.h>
#include <string.h>

#include "common/macros.h"

struct table_row {
    const char *name;
    uint32_t cap;
    bool is_visit;
};

enum { VISIT = 1, VIEW = 0 };

static const struct table_row TABLES[TABLE__COUNT] = {
#define X(id, name, cap, kind) [TABLE_##id] = {name, cap, kind},
    MODEL_TABLES(X)
#undef X
};

static const struct {
    enum table left, right;
    uint32_t sealed_cap;
} CROSSES[CROSS__COUNT] = {
#define X(left, right, sealed) [CROSS_##left##_##right] = {TABLE_##left, TABLE_##right, sealed},
    MODEL_CROSSES(X)
#undef X
};

static const char METRIC_LETTERS[METRIC__COUNT] = {
#define X(id, letter, name) [METRIC_##id] = letter,
    MODEL_METRICS(X)
#undef X
};

/* The inventory: what a key must look like after "ff:{n}:<site>:". */
enum { SITE_BYTES_MAX = 253, DATE_DIGITS = 8, MONTH_DIGITS = 6 };

const char *model_table_name(enum table table)
{
    assert(table < TABLE__COUNT);
    return TABLES[table].name;
}

bool model_table_from_name(struct str name, enum table *ret_table)
{
    for (int i = 0; i < TABLE__COUNT; i++) {
        if (str_eq(name, str_from(TABLES[i].name))) {
            *ret_table = (enum table)i;
            return true;
        }
    }
    return false;
}

uint32_t model_table_cap(enum table table)
{
    assert(table < TABLE__COUNT);
    return TABLES[table].cap;
}

bool model_table_is_visit(enum table table)
{
    assert(table < TABLE__COUNT);
    return TABLES[table].is_visit;
}

enum table model_cross_left(enum cross cross)
{
    assert(cross < CROSS__COUNT);
    return CROSSES[cross].left;
}

enum table model_cross_right(enum cross cross)
{
    assert(cross < CROSS__COUNT);
    return CROSSES[cross].right;
}

uint32_t model_cross_sealed_cap(enum cross cross)
{
    assert(cross < CROSS__COUNT);
    return CROSSES[cross].sealed_cap;
}

bool model_cross_of(enum table one, enum table other, enum cross *ret_cross)
{
    for (int i = 0; i < CROSS__COUNT; i++) {
        if ((CROSSES[i].left == one && CROSSES[i].right == other) ||
            (CROSSES[i].left == other && CROSSES[i].right == one)) {
            *ret_cross = (enum cross)i;
            return true;
        }
    }
    return false;
}

enum metric model_cross_views(enum cross cross)
{
    return model_cross_left(cross) == TABLE_EVENT || model_cross_right(cross) == TABLE_EVENT
               ? METRIC_EVENTS
               : METRIC_PAGEVIEWS;
}

bool model_cross_counts(struct str text, int64_t *ret_views, int64_t *ret_visits)
{
    static const uint64_t COUNT_MAX = UINT64_C(1) << 48;
    size_t at = str_find(text, ':');
    uint64_t views, visits;
    if (at == text.len || !str_to_uint(str_prefix(text, at), COUNT_MAX, &views) ||
        !str_to_uint(str_from_at(text, at + 1), COUNT_MAX, &visits))
        return false;
    *ret_views = (int64_t)views;
    *ret_visits = (int64_t)visits;
    return true;
}

char model_metric_letter(enum metric metric)
{
    assert(metric < METRIC__COUNT);
    return METRIC_LETTERS[metric];
}

bool model_metric_from_letter(char letter, enum metric *ret_metric)
{
    for (int i = 0; i < METRIC__COUNT; i++) {
        if (METRIC_LETTERS[i] == letter) {
            *ret_metric = (enum metric)i;
            return true;
        }
    }
    return false;
}

bool model_site_valid(struct str site)
{
    if (site.len == 0 || site.len > SITE_BYTES_MAX || site.ptr[0] == '.' || site.ptr[0] == '-' ||
        site.ptr[site.len - 1] == '.' || site.ptr[site.len - 1] == '-')
        return false;
    for (size_t i = 0; i < site.len; i++) {
        char c = site.ptr[i];
        bool known = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (!known || (c == '.' && site.ptr[i - 1] == '.'))
            return false;
    }
    return true;
}

bool model_date_valid(uint32_t date)
{
    static const uint8_t DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t year = date / 10000, month = date / 100 % 100, day = date % 100;
    if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= DAYS[month - 1] + (month == 2 && leap ? 1u : 0u);
}

uint32_t model_shard(struct str site)
{
    (void)site;
    return 0;
}

void model_key_sites(struct buf *out)
{
    buf_append_str(out, STR_LIT("ff:sites"));
}

void model_key_log(struct buf *out, uint32_t shard)
{
    buf_printf(out, "ff:{%u}:log", shard);
}

void model_key_writers(struct buf *out, uint32_t shard)
{
    buf_printf(out, "ff:{%u}:writers", shard);
}

void model_key_cursor(struct buf *out, uint32_t shard)
{
    buf_printf(out, "ff:{%u}:cursor", shard);
}

void model_key_open(struct buf *out, uint32_t shard)
{
    buf_printf(out, "ff:{%u}:open", shard);
}

void model_open_field(struct buf *out, struct str site, uint32_t date)
{
    buf_printf(out, "%.*s:%08u", STR_ARG(site), date);
}

void model_key_quarantine(struct buf *out, uint32_t shard)
{
    buf_printf(out, "ff:{%u}:quarantine", shard);
}

void model_key_scratch(struct buf *out, uint32_t shard)
{
    buf_printf(out, "ff:{%u}:scratch", shard);
}

void model_key_live(struct buf *out, struct str site, uint32_t date, enum table table)
{
    if (table == TABLE_DROPS)
        buf_printf(out, "ff:{%u}:%.*s:drops:%08u", model_shard(site), STR_ARG(site), date);
    else
        buf_printf(out, "ff:{%u}:%.*s:live:%08u:%s", model_shard(site), STR_ARG(site), date,
                   model_table_name(table));
}

void model_key_cross(struct buf *out, struct str site, uint32_t date, enum cross cross)
{
    buf_printf(out, "ff:{%u}:%.*s:live:%08u:%s*%s", model_shard(site), STR_ARG(site), date,
               model_table_name(model_cross_left(cross)),
               model_table_name(model_cross_right(cross)));
}

void model_key_seen(struct buf *out, struct str site, uint32_t date, enum table table,
                    struct str value)
{
    buf_printf(out, "ff:{%u}:%.*s:seen:%08u:%s:", model_shard(site), STR_ARG(site), date,
               model_table_name(table));
    buf_append_str(out, value);
}

void model_key_imports(struct buf *out, struct str site)
{
    buf_printf(out, "ff:{%u}:%.*s:imports", model_shard(site), STR_ARG(site));
}

void model_key_day(struct buf *out, struct str site, uint32_t date)
{
    buf_printf(out, "ff:{%u}:%.*s:day:%08u", model_shard(site), STR_ARG(site), date);
}

void model_key_names(struct buf *out, struct str site, uint32_t date)
{
    buf_printf(out, "ff:{%u}:%.*s:names:%06u", model_shard(site), STR_ARG(site), date / 100);
}

void model_key_month(struct buf *out, struct str site, uint32_t date)
{
    buf_printf(out, "ff:{%u}:%.*s:month:%06u", model_shard(site), STR_ARG(site), date / 100);
}

void model_key_sum(struct buf *out, struct str site, uint32_t date)
{
    buf_printf(out, "ff:{%u}:%.*s:sum:%06u", model_shard(site), STR_ARG(site), date / 100);
}

void model_key_site_prefix(struct buf *out, struct str site)
{
    buf_printf(out, "ff:{%u}:%.*s:", model_shard(site), STR_ARG(site));
}

void model_channel_live(struct buf *out, struct str site)
{
    buf_append_str(out, STR_LIT("ff:live:"));
    buf_append_str(out, site);
}

void model_channel_sites(struct buf *out)
{
    buf_append_str(out, STR_LIT("ff:sites"));
}

/* Cuts the bytes before the first `c` off *s; false when there is no `c`. */
static bool take_until(struct str *s, char c, struct str *ret_part)
{
    size_t at = str_find(*s, c);
    if (at == s->len)
        return false;
    *ret_part = str_prefix(*s, at);
    *s = str_from_at(*s, at + 1);
    return true;
}

/* `digits` of them and nothing else. */
static bool take_number(struct str s, size_t digits, uint32_t *ret_number)
{
    uint64_t number;
    if (s.len != digits || !str_to_uint(s, UINT32_MAX, &number))
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

static bool is_date(struct str s)
{
    uint32_t date;
    return take_number(s, DATE_DIGITS, &date) && model_date_valid(date);
}

bool model_open_field_parse(struct str field, struct str *ret_site, uint32_t *ret_date)
{
    struct str site;
    uint32_t date;
    if (!take_until(&field, ':', &site) || !model_site_valid(site) ||
        !take_number(field, DATE_DIGITS, &date) || !model_date_valid(date))
        return false;
    *ret_site = site;
    *ret_date = date;
    return true;
}

static bool is_month(struct str s)
{
    uint32_t month;
    return take_number(s, MONTH_DIGITS, &month) && model_date_valid(month * 100 + 1);
}

/* "page*country": in this order only. */
static bool is_cross_name(struct str name)
{
    struct str left_name;
    enum table left, right;
    enum cross cross;
    return take_until(&name, '*', &left_name) && model_table_from_name(left_name, &left) &&
           model_table_from_name(name, &right) && model_cross_of(left, right, &cross) &&
           model_cross_left(cross) == left;
}

static const char *live_key_pattern(struct str name)
{
    enum table table;
    if (is_cross_name(name))
        return "ff:{n}:<site>:live:<date>:<cross>";
    return model_table_from_name(name, &table) && table != TABLE_DROPS
               ? "ff:{n}:<site>:live:<date>:<table>"
               : NULL;
}

static const char *site_key_pattern(struct str rest)
{
    struct str site, kind, date, table_name;
    enum table table;
    if (!take_until(&rest, ':', &site) || !model_site_valid(site))
        return NULL;
    if (str_eq(rest, STR_LIT("imports")))
        return "ff:{n}:<site>:imports";
    if (!take_until(&rest, ':', &kind))
        return NULL;
    if (str_eq(kind, STR_LIT("drops")))
        return is_date(rest) ? "ff:{n}:<site>:drops:<date>" : NULL;
    if (str_eq(kind, STR_LIT("day")))
        return is_date(rest) ? "ff:{n}:<site>:day:<date>" : NULL;
    if (str_eq(kind, STR_LIT("names")))
        return is_month(rest) ? "ff:{n}:<site>:names:<yyyymm>" : NULL;
    if (str_eq(kind, STR_LIT("month")))
        return is_month(rest) ? "ff:{n}:<site>:month:<yyyymm>" : NULL;
    if (str_eq(kind, STR_LIT("sum")))
        return is_month(rest) ? "ff:{n}:<site>:sum:<yyyymm>" : NULL;
    if (!take_until(&rest, ':', &date) || !is_date(date))
        return NULL;
    if (str_eq(kind, STR_LIT("live")))
        return live_key_pattern(rest);
    if (str_eq(kind, STR_LIT("seen")))
        return take_until(&rest, ':', &table_name) && model_table_from_name(table_name, &table) &&
                       rest.len <= VALUE_BYTES_MAX
                   ? "ff:{n}:<site>:seen:<date>:<cell>"
                   : NULL;
    return NULL;
}

const char *model_key_pattern(struct str key)
{
    struct str shard;
    if (str_eq(key, STR_LIT("ff:sites")))
        return "ff:sites";
    if (!str_starts_with(key, STR_LIT("ff:{")))
        return NULL;
    key = str_from_at(key, 4);
    if (!take_until(&key, '}', &shard) || shard.len == 0 || shard.len > 5)
        return NULL;
    for (size_t i = 0; i < shard.len; i++)
        if (shard.ptr[i] < '0' || shard.ptr[i] > '9')
            return NULL;
    if (key.len == 0 || key.ptr[0] != ':')
        return NULL;
    key = str_from_at(key, 1);
    if (str_eq(key, STR_LIT("log")))
        return "ff:{n}:log";
    if (str_eq(key, STR_LIT("writers")))
        return "ff:{n}:writers";
    if (str_eq(key, STR_LIT("cursor")))
        return "ff:{n}:cursor";
    if (str_eq(key, STR_LIT("open")))
        return "ff:{n}:open";
    if (str_eq(key, STR_LIT("quarantine")))
        return "ff:{n}:quarantine";
    return site_key_pattern(key);
}

bool model_key_date(struct str key, uint32_t *ret_date)
{
    struct str part, shard, site, kind;
    uint32_t number;
    if (model_key_pattern(key) == NULL || !take_until(&key, ':', &part) ||
        !take_until(&key, ':', &shard) || !take_until(&key, ':', &site) ||
        !take_until(&key, ':', &kind))
        return false;
    part = str_prefix(key, str_find(key, ':'));
    if (take_number(part, MONTH_DIGITS, &number))
        number = number * 100 + 1;
    else if (!take_number(part, DATE_DIGITS, &number))
        return false;
    *ret_date = number;
    return model_date_valid(number);
}

/* --- The inventory ---------------------------------------------------------------------------- */

/* A day may be a day ahead of UTC, and an expiry counts from the day's end. */
enum { DAYS_AHEAD_MAX = 2, HOURS_OF_DAY = 24, LIVE_DAYS_MAX = LIVE_KEPT_DAYS + DAYS_AHEAD_MAX };
#define DAY_IN_MS (INT64_C(24) * 60 * 60 * 1000)

static const struct model_pattern PATTERNS[] = {
    {"ff:sites", MODEL_KEPT, 0},
    {"ff:{n}:log", MODEL_KEPT, 0},
    {"ff:{n}:quarantine", MODEL_EXPIRES, (uint32_t)(QUARANTINE_KEPT_MS / DAY_IN_MS) + 1},
    {"ff:{n}:writers", MODEL_KEPT, 0},
    {"ff:{n}:cursor", MODEL_KEPT, 0},
    {"ff:{n}:open", MODEL_KEPT, 0},
    {"ff:{n}:<site>:live:<date>:<table>", MODEL_EXPIRES, LIVE_DAYS_MAX},
    {"ff:{n}:<site>:live:<date>:<cross>", MODEL_EXPIRES, LIVE_DAYS_MAX},
    {"ff:{n}:<site>:seen:<date>:<cell>", MODEL_EXPIRES,
     DAYS_AHEAD_MAX + (SEEN_KEPT_HOURS + HOURS_OF_DAY - 1) / HOURS_OF_DAY},
    {"ff:{n}:<site>:drops:<date>", MODEL_EXPIRES, LIVE_DAYS_MAX},
    {"ff:{n}:<site>:imports", MODEL_KEPT, 0},
    {"ff:{n}:<site>:day:<date>", MODEL_EXPIRES, 0},
    {"ff:{n}:<site>:names:<yyyymm>", MODEL_EXPIRES, 0},
    {"ff:{n}:<site>:month:<yyyymm>", MODEL_EXPIRES, 0},
    {"ff:{n}:<site>:sum:<yyyymm>", MODEL_EXPIRES, 0},
};

size_t model_pattern_count(void)
{
    return ARRAY_LEN(PATTERNS);
}

const struct model_pattern *model_pattern_at(size_t index)
{
    assert(index < ARRAY_LEN(PATTERNS));
    return &PATTERNS[index];
}

bool model_pattern_of(struct str key, size_t *ret_index)
{
    const char *text = model_key_pattern(key);
    if (text == NULL)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(PATTERNS); i++) {
        if (strcmp(text, PATTERNS[i].text) != 0)
            continue;
        *ret_index = i;
        return true;
    }
    assert(!"every pattern of a key is in the inventory");
    return false;
}

/* Records of GoatCounter's export, a hit each, as cells: what a view would have counted, by day and
 * hour, page, referrer, browser, system, width, place and language. The day's first hit of a
 * session is a visit, with its entry page and its source; later ones move its exit page, end its
 * bounce and add their seconds, and count as page views of what the first one showed.
 *
 *   session  page  first of its page        entry  exit      page          total
 *      s1    /a        true            ─▶   /a +1  /a +1     /a v1 s1      v1 s1 b1
 *      s1    /b        true            ─▶          /b +1     /b v1 s1      v1 b-1 d12
 *                                                  /a -1
 *
 * Sessions are hashes under a key of this process, in a bounded table that a new day empties; hits
 * stand in the order of time. Whoever has no session is a visit where the flag says first visit. */

#include <assert.h>
#include <stdlib.h>

#include "aggregator/day_names.h"
#include "aggregator/query.h"
#include "cli/table_reader.h"
#include "collector/locale.h"
#include "collector/path.h"
#include "collector/source.h"
#include "common/hash.h"

enum column {
    PATH,
    EVENT,
    BROWSER,
    SYSTEM,
    SESSION,
    BOT,
    REFERRER,
    SCHEME,
    SIZE,
    LOCATION,
    LANGUAGE,
    FIRST_VISIT,
    DATE,
    COLUMN__COUNT
};
/* Later versions name the path "2Path"; the language is in no version's CSV yet. */
static const char *const NAMES[COLUMN__COUNT] = {
    [PATH] = "2Path",        [EVENT] = "Event",
    [BROWSER] = "Browser",   [SYSTEM] = "System",
    [SESSION] = "Session",   [BOT] = "Bot",
    [REFERRER] = "Referrer", [SCHEME] = "Referrer scheme",
    [SIZE] = "Screen size",  [LOCATION] = "Location",
    [LANGUAGE] = "Language", [FIRST_VISIT] = "FirstVisit",
    [DATE] = "Date",
};
static const struct str UNKNOWN = STR_LIT("(unknown)");
static const struct str OTHER = STR_LIT(MODEL_OTHER);

/* What a visit's first hit has shown: numbers of names, by table. */
static const enum table KEPT[] = {TABLE_ENTRY_PAGE, TABLE_SOURCE, TABLE_REFERRER, TABLE_CHANNEL,
                                  TABLE_UTM_CAMPAIGN};
enum { KEPT_COUNT = sizeof(KEPT) / sizeof(KEPT[0]), NO_NAME = -1, SECONDS_MAX = 30 * 60 };

struct session {
    uint64_t hash;
    uint32_t generation; /* another than the table's: free */
    int64_t last_s;
    uint32_t views, exit_page;
    int64_t kept[KEPT_COUNT]; /* NO_NAME: empty */
};

enum { SLOTS = 2 * IMPORT_SESSIONS_MAX };
static_assert((SLOTS & (SLOTS - 1)) == 0, "a slot is found by masking");

struct table_sessions {
    uint32_t date, generation, count;
    struct day_names names;
    struct session slots[SLOTS];
};

struct table_sessions *table_sessions_new(void)
{
    struct table_sessions *sessions = calloc(1, sizeof(*sessions));
    if (sessions == NULL)
        abort();
    day_names_init(&sessions->names);
    return sessions;
}

void table_sessions_free(struct table_sessions *sessions)
{
    if (sessions == NULL)
        return;
    day_names_done(&sessions->names);
    explicit_bzero(sessions, sizeof(*sessions));
    free(sessions);
}

/* --- Sessions --------------------------------------------------------------------------------- */

static void sessions_empty(struct table_sessions *sessions, uint32_t date)
{
    sessions->date = date;
    sessions->generation++;
    sessions->count = 0;
    day_names_done(&sessions->names);
    day_names_init(&sessions->names);
}

/* The slot of a hash, or a free one. */
static struct session *slot_of(struct table_sessions *sessions, uint64_t hash)
{
    size_t at = hash & (SLOTS - 1);
    while (sessions->slots[at].generation == sessions->generation &&
           sessions->slots[at].hash != hash)
        at = (at + 1) & (SLOTS - 1);
    return &sessions->slots[at];
}

/* The session of a day, made when absent: then it has no views yet. */
static struct session *session_of(struct table_sessions *sessions, struct str name, uint32_t date)
{
    uint64_t hash = hash_str(name);
    if (sessions->date != date)
        sessions_empty(sessions, date);
    struct session *session = slot_of(sessions, hash);
    if (session->generation == sessions->generation)
        return session;
    if (sessions->count == IMPORT_SESSIONS_MAX) {
        sessions_empty(sessions, date);
        session = slot_of(sessions, hash);
    }
    *session = (struct session){.hash = hash, .generation = sessions->generation};
    sessions->count++;
    return session;
}

static uint32_t name_of(struct table_sessions *sessions, enum table table, struct str value)
{
    uint32_t name = 0;
    bool has_room = day_names_add(&sessions->names, table, value, &name) ||
                    day_names_add(&sessions->names, table, OTHER, &name);
    assert(has_room); /* there always is for "(other)" */
    return name;
}

/* --- A record --------------------------------------------------------------------------------- */

struct hit {
    struct str page, event;
    struct str session;
    bool is_first;
    int64_t time_s;
    struct local_time local;
    struct str values[TABLE__COUNT]; /* of the visit's tables; empty: not there */
};

bool goatcounter_read_head(struct table_reader *reader, const struct csv_record *head)
{
    for (int c = 0; c < COLUMN__COUNT; c++) {
        reader->columns[c] = -1;
        for (size_t i = 0; i < head->count; i++)
            if (str_eq(head->fields[i], str_from(NAMES[c])))
                reader->columns[c] = (int)i;
    }
    return reader->columns[PATH] >= 0 && reader->columns[DATE] >= 0 &&
           reader->columns[FIRST_VISIT] >= 0;
}

static struct str column_of(const struct table_reader *reader, const struct csv_record *record,
                            enum column column)
{
    int at = reader->columns[column];
    return at < 0 || (size_t)at >= record->count ? STR_EMPTY : record->fields[at];
}

static bool is_true(struct str text)
{
    return str_eq(text, STR_LIT("true")) || str_eq(text, STR_LIT("1"));
}

/* Empty for one of zeros, which hits without a session have. */
static struct str session_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '0' && text.ptr[i] != '-')
            return text;
    return STR_EMPTY;
}

/* "Chrome 119.0" as a name and as that with a major version. */
static void read_versioned(struct table_row *row, struct str text, enum table name_table,
                           struct hit *hit)
{
    text = table_text(text, TAG_BYTES_MAX);
    size_t space = text.len;
    for (size_t i = 0; i + 1 < text.len; i++)
        if (text.ptr[i] == ' ' && text.ptr[i + 1] >= '0' && text.ptr[i + 1] <= '9')
            space = i;
    struct str name = str_prefix(text, space), version = str_from_at(text, space + 1);
    if (name_table == TABLE_BROWSER)
        version = str_prefix(version, str_find(version, '.'));
    hit->values[name_table] = name.len > 0 ? name : OTHER;
    hit->values[name_table + 1] = name.len == 0      ? OTHER
                                  : version.len == 0 ? name
                                                     : table_join(row, name, ' ', version);
}
static_assert(TABLE_BROWSER_VERSION == TABLE_BROWSER + 1 && TABLE_OS_VERSION == TABLE_OS + 1,
              "a version's table stands behind its name's");

static void read_source(const struct table_reader *reader, const struct csv_record *record,
                        struct table_row *row, struct hit *hit)
{
    struct source source;
    struct beacon beacon = {.kind = BEACON_PAGEVIEW};
    struct str text = table_text(column_of(reader, record, REFERRER), TAG_BYTES_MAX);
    struct str scheme = column_of(reader, record, SCHEME);
    if (str_eq(scheme, STR_LIT("h"))) {
        size_t begin = str_starts_with(text, STR_LIT("https://"))  ? 8
                       : str_starts_with(text, STR_LIT("http://")) ? 7
                                                                   : 0;
        beacon.referrer_host = table_host(row, str_from_at(text, begin));
    } else if (str_eq(scheme, STR_LIT("g"))) {
        beacon.ref = text;
    } else if (str_eq(scheme, STR_LIT("c"))) {
        beacon.ref = text;
        beacon.utm[UTM_CAMPAIGN] = text;
    }
    source_classify(&beacon, site_owns_host(reader->site, beacon.referrer_host), &source);
    hit->values[TABLE_SOURCE] = source.source;
    hit->values[TABLE_REFERRER] =
        source.referrer.len > 0 ? source.referrer : STR_LIT(SOURCE_DIRECT);
    hit->values[TABLE_CHANNEL] = source.channel;
    if (reader->site->preset != SITE_STRICT)
        hit->values[TABLE_UTM_CAMPAIGN] = beacon.utm[UTM_CAMPAIGN];
}

static uint32_t width_of(struct str size)
{
    uint32_t width = 0;
    for (size_t i = 0; i < size.len && i < 6 && size.ptr[i] >= '0' && size.ptr[i] <= '9'; i++)
        width = width * 10 + (uint32_t)(size.ptr[i] - '0');
    return width;
}

static void read_place(struct str location, struct hit *hit)
{
    location = table_text(location, TAG_BYTES_MAX);
    struct str country = str_prefix(location, str_find(location, '-'));
    hit->values[TABLE_COUNTRY] = country.len > 0 ? country : UNKNOWN;
    hit->values[TABLE_REGION] = country.len < location.len ? location : UNKNOWN;
}

static struct str or_unknown(struct str value)
{
    return value.len > 0 ? value : UNKNOWN;
}

static void describe(const struct table_reader *reader, const struct csv_record *record,
                     struct table_row *row, struct hit *hit)
{
    char hour[2] = {(char)('0' + hit->local.hour / 10), (char)('0' + hit->local.hour % 10)};
    char language[4];
    hit->values[TABLE_TIME] = table_copy(row, (struct str){hour, sizeof(hour)});
    hit->values[TABLE_ENTRY_PAGE] = hit->page;
    read_source(reader, record, row, hit);
    read_place(column_of(reader, record, LOCATION), hit);
    read_versioned(row, column_of(reader, record, BROWSER), TABLE_BROWSER, hit);
    read_versioned(row, column_of(reader, record, SYSTEM), TABLE_OS, hit);
    /* Its export does not tell. */
    hit->values[TABLE_DEVICE] = OTHER;
    hit->values[TABLE_LANGUAGE] =
        or_unknown(table_copy(row, locale_language(column_of(reader, record, LANGUAGE), language)));
    hit->values[TABLE_SCREEN] =
        or_unknown(locale_screen(width_of(column_of(reader, record, SIZE))));
}

/* --- Counting --------------------------------------------------------------------------------- */

/* What the hit changes of its visit. */
struct change {
    bool is_new;
    int bounces;
    int64_t seconds;
};

static void count_tables(struct table_row *row, const struct hit *hit, const struct change *change)
{
    for (int t = 0; t < TABLE__COUNT; t++) {
        if (!model_table_is_visit((enum table)t))
            continue;
        int64_t *sums = table_row_add(row, (enum table)t, hit->values[t]);
        if (sums == NULL)
            continue;
        sums[METRIC_PAGEVIEWS] = 1;
        sums[METRIC_VISITS] = sums[METRIC_VISITORS] = change->is_new;
        sums[METRIC_BOUNCES] = change->bounces;
        sums[METRIC_VISIT_SECONDS] = change->seconds;
    }
    int64_t *page = table_row_add(row, TABLE_PAGE, hit->page);
    page[METRIC_PAGEVIEWS] = 1;
    page[METRIC_VISITS] = page[METRIC_VISITORS] = hit->is_first;
}

static void move_exit(struct table_row *row, struct str from, struct str to)
{
    table_row_add(row, TABLE_EXIT_PAGE, to)[METRIC_VISITS] = 1;
    if (from.len > 0)
        table_row_add(row, TABLE_EXIT_PAGE, from)[METRIC_VISITS] = -1;
}

/* The first hit's attributes are the visit's; a later one takes them over. */
static void follow(struct table_sessions *sessions, struct session *session, struct hit *hit)
{
    for (int i = 0; i < KEPT_COUNT; i++) {
        struct str *value = &hit->values[KEPT[i]];
        if (session->views == 0)
            session->kept[i] =
                value->len == 0 ? NO_NAME : (int64_t)name_of(sessions, KEPT[i], *value);
        else
            *value = session->kept[i] == NO_NAME
                         ? STR_EMPTY
                         : day_names_at(&sessions->names, KEPT[i], (uint32_t)session->kept[i]);
    }
}

static void count_in_session(struct table_sessions *sessions, struct table_row *row,
                             struct hit *hit)
{
    struct session *session = session_of(sessions, hit->session, hit->local.date);
    struct change change = {.is_new = session->views == 0};
    uint32_t page = name_of(sessions, TABLE_EXIT_PAGE, hit->page);
    follow(sessions, session, hit);
    if (change.is_new) {
        change.bounces = 1;
        move_exit(row, STR_EMPTY, hit->page);
    } else {
        change.bounces = session->views == 1 ? -1 : 0;
        if (hit->time_s > session->last_s && hit->time_s - session->last_s <= SECONDS_MAX)
            change.seconds = hit->time_s - session->last_s;
        if (page != session->exit_page)
            move_exit(row, day_names_at(&sessions->names, TABLE_EXIT_PAGE, session->exit_page),
                      hit->page);
    }
    session->views++;
    session->exit_page = page;
    session->last_s = hit->time_s;
    count_tables(row, hit, &change);
}

static void count_hit(struct table_reader *reader, struct table_row *row, struct hit *hit)
{
    if (hit->event.len > 0) {
        int64_t *event = table_row_add(row, TABLE_EVENT, hit->event);
        event[METRIC_EVENTS] = 1;
        event[METRIC_VISITS] = event[METRIC_VISITORS] = hit->is_first;
        table_row_add(row, TABLE_TOTAL, STR_EMPTY)[METRIC_EVENTS] = 1;
    } else if (hit->session.len > 0) {
        count_in_session(reader->sessions, row, hit);
    } else {
        const struct change alone = {.is_new = hit->is_first, .bounces = hit->is_first};
        if (hit->is_first)
            move_exit(row, STR_EMPTY, hit->page);
        count_tables(row, hit, &alone);
    }
}

enum row_fault goatcounter_read_row(struct table_reader *reader, const struct csv_record *record,
                                    struct table_row *ret_row)
{
    struct query_moment moment;
    struct hit hit = {.time_s = 0};
    struct str path = column_of(reader, record, PATH);
    struct str bot = column_of(reader, record, BOT);
    if (record->count == 1 && record->fields[0].len == 0)
        return ROW_EMPTY;
    if (!query_moment_parse(column_of(reader, record, DATE), &moment) || moment.is_date)
        return ROW_MALFORMED;
    hit.time_s = moment.unix_s;
    hit.local = timezone_local(reader->site->zone, moment.unix_s * 1000);
    ret_row->date = hit.local.date;
    if (bot.len > 0 && !str_eq(bot, STR_LIT("0")))
        return ROW_BOT;
    if (path.len == 0)
        return ROW_EMPTY;
    hit.is_first = is_true(column_of(reader, record, FIRST_VISIT));
    hit.session = session_name(column_of(reader, record, SESSION));
    if (is_true(column_of(reader, record, EVENT))) {
        hit.event = table_text(path, TAG_BYTES_MAX);
        if (hit.event.len == 0)
            return ROW_EMPTY;
    } else {
        hit.page = table_path(ret_row, path);
        describe(reader, record, ret_row, &hit);
    }
    count_hit(reader, ret_row, &hit);
    return ROW_COUNTED;
}

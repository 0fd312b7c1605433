/* Records of Plausible's family as cells. Names of columns decide, not their order, and columns
 * that are not there count as 0: versions of the family differ.
 *
 *   "2026-01-31","Chrome","109.0",54,60,…  ─▶  browser Chrome, browser_version Chrome 109
 *
 * Values come from strangers there as here, so they pass the same rules: paths lose queries and
 * what looks like a person, referrers all but their host. */

#include "aggregator/section.h"
#include "cli/table_reader.h"
#include "collector/path.h"
#include "collector/source.h"

static const struct str UNKNOWN = STR_LIT("(unknown)");

bool plausible_read_head(struct table_reader *reader, const struct csv_record *head)
{
    size_t count, known = 0;
    const struct plausible_column *columns = plausible_columns(reader->table, &count);
    for (size_t c = 0; c < count; c++) {
        reader->columns[c] = -1;
        for (size_t i = 0; i < head->count; i++)
            if (str_eq(head->fields[i], str_from(columns[c].name)))
                reader->columns[c] = (int)i;
        known += reader->columns[c] >= 0;
    }
    /* The day and something of it. */
    return reader->columns[0] >= 0 && known >= 2;
}

static struct str column_text(const struct table_reader *reader, const struct csv_record *record,
                              size_t column)
{
    int at = reader->columns[column];
    return at < 0 || (size_t)at >= record->count ? STR_EMPTY : csv_unguard(record->fields[at]);
}

static bool read_columns(const struct table_reader *reader, const struct csv_record *record,
                         uint32_t *ret_date, struct plausible_row *ret_row)
{
    size_t count;
    const struct plausible_column *columns = plausible_columns(reader->table, &count);
    bool good = true;
    for (size_t c = 0; good && c < count; c++) {
        struct str text = column_text(reader, record, c);
        if (columns[c].kind == PLAUSIBLE_IS_DATE)
            good = table_date(text, ret_date);
        else if (columns[c].kind == PLAUSIBLE_IS_TEXT)
            ret_row->texts[columns[c].what] = text;
        else if (columns[c].kind == PLAUSIBLE_IS_NUMBER && text.len > 0)
            good = table_number(text, &ret_row->sums[columns[c].what]);
    }
    return good;
}

/* --- Cells ------------------------------------------------------------------------------------ */

static void add(struct table_row *row, enum table table, struct str value,
                const struct plausible_row *from)
{
    int64_t *sums = table_row_add(row, table, value);
    if (sums != NULL)
        memcpy(sums, from->sums, sizeof(from->sums));
}

/* What a day's total gets, and so do its hours: the family does not tell which, and "(other)" is
 * none. So hours add up to the total, and show how much of it other tables may lack. */
static void add_total(struct table_row *row, const int64_t sums[METRIC__COUNT])
{
    memcpy(table_row_add(row, TABLE_TOTAL, STR_EMPTY), sums, METRIC__COUNT * sizeof(*sums));
    int64_t *hour = table_row_add(row, TABLE_TIME, STR_LIT(MODEL_OTHER));
    memcpy(hour, sums, SECTION_SUMS * sizeof(*sums));
}

/* The channel is not in the family: it follows from the rest, as for a view. */
static void add_source(const struct table_reader *reader, struct table_row *row,
                       const struct plausible_row *from)
{
    struct source found;
    struct beacon beacon = {.kind = BEACON_PAGEVIEW};
    struct str source = table_text(from->texts[PLAUSIBLE_NAME], VALUE_BYTES_MAX);
    if (str_eq(source, STR_LIT(SOURCE_DIRECT)))
        source = STR_EMPTY;
    struct str referrer = table_host(row, from->texts[PLAUSIBLE_REFERRER]);
    for (int i = 0; i < UTM__COUNT; i++)
        beacon.utm[i] = table_text(from->texts[PLAUSIBLE_UTM_SOURCE + i], TAG_BYTES_MAX);
    beacon.referrer_host = referrer;
    if (beacon.utm[UTM_SOURCE].len == 0)
        beacon.ref = source;
    source_classify(&beacon, false, &found);
    bool is_alone = source.len > 0 && referrer.len == 0 && beacon.utm[UTM_SOURCE].len == 0;
    add(row, TABLE_SOURCE, source.len > 0 ? source : found.source, from);
    /* A source without anything else is a row of sums over its referrers. */
    if (!is_alone)
        add(row, TABLE_REFERRER, referrer.len > 0 ? referrer : STR_LIT(SOURCE_DIRECT), from);
    add(row, TABLE_CHANNEL, found.channel, from);
    for (int i = 0; i < UTM__COUNT && reader->site->preset != SITE_STRICT; i++)
        add(row, (enum table)(TABLE_UTM_SOURCE + i), beacon.utm[i], from);
}
static_assert(PLAUSIBLE_UTM_TERM - PLAUSIBLE_UTM_SOURCE == UTM__COUNT - 1,
              "the campaign's columns stand in the order of the tags");

/* "109" of "109.0": what browsers have here. */
static struct str version_text(enum plausible_table table, struct str version)
{
    version = table_text(version, TAG_BYTES_MAX);
    return table == PLAUSIBLE_BROWSERS ? str_prefix(version, str_find(version, '.')) : version;
}

static void add_versioned(struct table_row *row, enum plausible_table from_table,
                          const struct plausible_row *from)
{
    bool is_browser = from_table == PLAUSIBLE_BROWSERS;
    struct str name = table_text(from->texts[PLAUSIBLE_NAME], TAG_BYTES_MAX);
    struct str version = version_text(from_table, from->texts[PLAUSIBLE_DETAIL]);
    name = name.len == 0 ? STR_LIT(MODEL_OTHER) : plausible_name_here(from_table, name);
    add(row, is_browser ? TABLE_BROWSER : TABLE_OS, name, from);
    add(row, is_browser ? TABLE_BROWSER_VERSION : TABLE_OS_VERSION,
        version.len == 0 ? name : table_join(row, name, ' ', version), from);
}

static void add_location(struct table_row *row, const struct plausible_row *from)
{
    struct str country = table_text(from->texts[PLAUSIBLE_NAME], TAG_BYTES_MAX);
    struct str region = table_text(from->texts[PLAUSIBLE_DETAIL], TAG_BYTES_MAX);
    add(row, TABLE_COUNTRY, country.len > 0 ? country : UNKNOWN, from);
    add(row, TABLE_REGION, region.len > 0 ? region : UNKNOWN, from);
}

static void add_device(struct table_row *row, const struct plausible_row *from)
{
    struct str device = from->texts[PLAUSIBLE_NAME];
    if (str_eq(device, STR_LIT("Laptop")))
        device = STR_LIT("Desktop");
    bool is_known = str_eq(device, STR_LIT("Desktop")) || str_eq(device, STR_LIT("Mobile")) ||
                    str_eq(device, STR_LIT("Tablet"));
    add(row, TABLE_DEVICE, is_known ? device : STR_LIT(MODEL_OTHER), from);
}

/* event, US, key, US, value; what looks like a person or a secret is none of it. */
static struct str property(struct table_row *row, struct str event, struct str key,
                           struct str value)
{
    static const char SEPARATOR = 0x1f;
    if (path_looks_private(value))
        value = STR_LIT(PATH_PRIVATE);
    return table_join(row, table_join(row, event, SEPARATOR, key), SEPARATOR, value);
}

static void add_event(struct table_row *row, const struct plausible_row *from)
{
    struct str event = table_text(from->texts[PLAUSIBLE_NAME], TAG_BYTES_MAX);
    struct str url = table_text(from->texts[PLAUSIBLE_DETAIL], TAG_BYTES_MAX);
    struct str path = table_text(from->texts[PLAUSIBLE_PATH], TAG_BYTES_MAX);
    add(row, TABLE_EVENT, event, from);
    if (event.len > 0 && url.len > 0)
        add(row, TABLE_PROP, property(row, event, STR_LIT("url"), url), from);
    if (event.len > 0 && path.len > 0)
        add(row, TABLE_PROP, property(row, event, STR_LIT("path"), path), from);
    /* A day's events are those of all names; its visitors are told elsewhere. */
    add_total(row, (int64_t[METRIC__COUNT]){[METRIC_EVENTS] = from->sums[METRIC_EVENTS]});
}

static void add_exit(struct table_row *row, const struct plausible_row *from)
{
    int64_t *sums =
        from->texts[PLAUSIBLE_NAME].len == 0
            ? NULL
            : table_row_add(row, TABLE_EXIT_PAGE, table_path(row, from->texts[PLAUSIBLE_NAME]));
    if (sums != NULL)
        sums[METRIC_VISITS] = from->sums[METRIC_VISITS];
}

static void add_cells(const struct table_reader *reader, struct table_row *row,
                      const struct plausible_row *from)
{
    struct str name = from->texts[PLAUSIBLE_NAME];
    switch (reader->table) {
    case PLAUSIBLE_VISITORS:
        add_total(row, from->sums);
        break;
    case PLAUSIBLE_SOURCES:
        add_source(reader, row, from);
        break;
    case PLAUSIBLE_PAGES:
        if (name.len > 0)
            add(row, TABLE_PAGE, table_path(row, name), from);
        break;
    case PLAUSIBLE_ENTRY_PAGES:
        if (name.len > 0)
            add(row, TABLE_ENTRY_PAGE, table_path(row, name), from);
        break;
    case PLAUSIBLE_EXIT_PAGES:
        add_exit(row, from);
        break;
    case PLAUSIBLE_CUSTOM_EVENTS:
        add_event(row, from);
        break;
    case PLAUSIBLE_LOCATIONS:
        add_location(row, from);
        break;
    case PLAUSIBLE_DEVICES:
        add_device(row, from);
        break;
    case PLAUSIBLE_BROWSERS:
    case PLAUSIBLE_OPERATING_SYSTEMS:
        add_versioned(row, reader->table, from);
        break;
    case PLAUSIBLE__COUNT:
        break;
    }
}

enum row_fault plausible_read_row(struct table_reader *reader, const struct csv_record *record,
                                  struct table_row *ret_row)
{
    struct plausible_row from = {.sums = {0}};
    bool says_something = false;
    if (record->count == 1 && record->fields[0].len == 0)
        return ROW_EMPTY;
    if (!read_columns(reader, record, &ret_row->date, &from))
        return ROW_MALFORMED;
    for (int m = 0; m < METRIC__COUNT; m++)
        says_something = says_something || from.sums[m] != 0;
    if (says_something)
        add_cells(reader, ret_row, &from);
    return ret_row->count > 0 ? ROW_COUNTED : ROW_EMPTY;
}

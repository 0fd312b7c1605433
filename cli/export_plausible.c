/* A day in Plausible's family. Each file's rows add up to the day, as its readers expect:
 *
 *   country NL 10 ─┬─ region NL-NH 6 ─▶ "NL","NL-NH",…,6      browser and version, system and
 *                  └─ (no region)   4 ─▶ "NL","",…,4          version, event and property likewise
 *
 * A detail belongs to the longest name that it begins with; what no detail tells of a name is a row
 * without one. Visitors do not add up, so of those the rest is at least none. Sources stand without
 * referrer and campaign: which of them go together, Footfall does not know. */

#include <inttypes.h>
#include <stdlib.h>

#include "cli/export_day.h"
#include "cli/export_write.h"
#include "collector/source.h"
#include "common/csv.h"

enum { LINE_BYTES_MAX = 16 * VALUE_BYTES_MAX };
static const char PROP_SEPARATOR = 0x1f;

struct writer {
    FILE *const *streams;
    struct str site;
    const struct day *day;
};

/* --- Lines ------------------------------------------------------------------------------------ */

static void put(FILE *stream, struct buf *line)
{
    /* Errors are asked for at the end, of the stream. */
    (void)fwrite(line->ptr, 1, line->len, stream);
    buf_done(line);
}

void export_plausible_head(FILE *const streams[PLAUSIBLE__COUNT])
{
    for (int t = 0; t < PLAUSIBLE__COUNT; t++) {
        size_t count;
        struct buf line;
        const struct plausible_column *columns = plausible_columns((enum plausible_table)t, &count);
        buf_init(&line, LINE_BYTES_MAX);
        for (size_t i = 0; i < count; i++) {
            csv_append_text(&line, str_from(columns[i].name));
            buf_append_byte(&line, i + 1 < count ? ',' : '\n');
        }
        put(streams[t], &line);
    }
}

static void append_column(struct buf *line, const struct plausible_column *column, uint32_t date,
                          const struct plausible_row *row)
{
    char text[EXPORT_DATE_BYTES];
    int64_t number = 0;
    switch (column->kind) {
    case PLAUSIBLE_IS_DATE:
        export_date_text(date, text);
        buf_printf(line, "\"%s\"", text);
        return;
    case PLAUSIBLE_IS_TEXT:
        csv_append_text(line, row->texts[column->what]);
        return;
    case PLAUSIBLE_IS_NUMBER:
        number = row->sums[column->what];
        break;
    case PLAUSIBLE_IS_CITY:
        break;
    }
    buf_printf(line, "%" PRId64, number > 0 ? number : 0);
}

static void write_row(const struct writer *writer, enum plausible_table table,
                      const struct plausible_row *row)
{
    size_t count;
    struct buf line;
    bool says_something = false;
    const struct plausible_column *columns = plausible_columns(table, &count);
    /* Visitors alone are what estimates that do not add up leave over. */
    for (size_t i = 0; i < count; i++)
        if (columns[i].kind == PLAUSIBLE_IS_NUMBER && columns[i].what != METRIC_VISITORS)
            says_something = says_something || row->sums[columns[i].what] > 0;
    if (!says_something)
        return;
    buf_init(&line, LINE_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        append_column(&line, &columns[i], writer->day->date, row);
        buf_append_byte(&line, i + 1 < count ? ',' : '\n');
    }
    put(writer->streams[table], &line);
}

/* --- Rows ------------------------------------------------------------------------------------- */

static struct str value_at(const struct day *day, enum table table, uint32_t row)
{
    return day_names_at(day->names, table, day->tables[table].rows[row].name);
}

static struct str known(struct str value)
{
    return str_eq(value, STR_LIT("(unknown)")) || str_eq(value, STR_LIT(SOURCE_DIRECT)) ? STR_EMPTY
                                                                                        : value;
}

static void take_sums(struct plausible_row *row, const struct day_row *from)
{
    memcpy(row->sums, from->sums, sizeof(row->sums));
}

static void write_table(const struct writer *writer, enum table from, enum plausible_table to)
{
    uint32_t *order = export_sorted(writer->day, from);
    for (uint32_t i = 0; i < writer->day->tables[from].count; i++) {
        struct plausible_row row = {.sums = {0}};
        row.texts[PLAUSIBLE_NAME] = known(value_at(writer->day, from, order[i]));
        row.texts[PLAUSIBLE_HOSTNAME] = writer->site;
        take_sums(&row, &writer->day->tables[from].rows[order[i]]);
        write_row(writer, to, &row);
    }
    free(order);
}

/* --- Rows with details ------------------------------------------------------------------------ */

/* Two tables as one file: names, each with its details. */
struct pairing {
    enum plausible_table to;
    enum table names, details;
    char separator;
};

static bool begins(struct str detail, struct str name, char separator)
{
    return detail.len > name.len + 1 && str_starts_with(detail, name) &&
           detail.ptr[name.len] == separator;
}

/* For each detail its name's index, or the number of names. The caller frees. */
static uint32_t *find_owners(const struct day *day, const struct pairing *pairing)
{
    uint32_t names = day->tables[pairing->names].count;
    uint32_t details = day->tables[pairing->details].count;
    uint32_t *owners = calloc(details + 1u, sizeof(*owners));
    if (owners == NULL)
        abort();
    for (uint32_t d = 0; d < details; d++) {
        struct str detail = value_at(day, pairing->details, d);
        size_t longest = 0;
        owners[d] = names;
        for (uint32_t n = 0; n < names; n++) {
            struct str name = value_at(day, pairing->names, n);
            if (name.len < longest || !begins(detail, name, pairing->separator))
                continue;
            owners[d] = n;
            longest = name.len;
        }
    }
    return owners;
}

/* The detail alone; a region has its country in front. */
static struct str detail_text(const struct pairing *pairing, struct str detail, struct str name)
{
    return pairing->to == PLAUSIBLE_LOCATIONS ? detail : str_from_at(detail, name.len + 1);
}

static void write_pairs(const struct writer *writer, const struct pairing *pairing)
{
    const struct day *day = writer->day;
    const struct day_table *names = &day->tables[pairing->names];
    const struct day_table *details = &day->tables[pairing->details];
    uint32_t *owners = find_owners(day, pairing);
    uint32_t *name_order = export_sorted(day, pairing->names);
    uint32_t *detail_order = export_sorted(day, pairing->details);
    for (uint32_t i = 0; i < names->count; i++) {
        uint32_t n = name_order[i];
        struct str name = value_at(day, pairing->names, n);
        struct plausible_row rest = {.sums = {0}}, row;
        rest.texts[PLAUSIBLE_NAME] = plausible_name_there(pairing->to, known(name));
        take_sums(&rest, &names->rows[n]);
        for (uint32_t j = 0; j < details->count; j++) {
            uint32_t d = detail_order[j];
            if (owners[d] != n)
                continue;
            row = rest;
            row.texts[PLAUSIBLE_DETAIL] =
                detail_text(pairing, value_at(day, pairing->details, d), name);
            take_sums(&row, &details->rows[d]);
            write_row(writer, pairing->to, &row);
            for (int m = 0; m < METRIC__COUNT; m++)
                rest.sums[m] -= row.sums[m];
        }
        write_row(writer, pairing->to, &rest);
    }
    free(owners);
    free(name_order);
    free(detail_order);
}

/* --- Events ----------------------------------------------------------------------------------- */

/* Whether a property is the event's link or path: event, US, key, US, value. */
static bool take_property(struct str property, struct str event, struct plausible_row *row)
{
    if (!begins(property, event, PROP_SEPARATOR))
        return false;
    struct str rest = str_from_at(property, event.len + 1);
    struct str key = str_prefix(rest, str_find(rest, PROP_SEPARATOR));
    struct str value = str_from_at(rest, key.len + 1);
    row->texts[PLAUSIBLE_DETAIL] = row->texts[PLAUSIBLE_PATH] = STR_EMPTY;
    if (plausible_event_has_url(event) && str_eq(key, STR_LIT("url")))
        row->texts[PLAUSIBLE_DETAIL] = value;
    else if (plausible_event_has_path(event) && str_eq(key, STR_LIT("path")))
        row->texts[PLAUSIBLE_PATH] = value;
    else
        return false;
    return value.len > 0;
}

static void write_events(const struct writer *writer)
{
    const struct day *day = writer->day;
    uint32_t *events = export_sorted(day, TABLE_EVENT), *props = export_sorted(day, TABLE_PROP);
    for (uint32_t i = 0; i < day->tables[TABLE_EVENT].count; i++) {
        struct str event = value_at(day, TABLE_EVENT, events[i]);
        struct plausible_row rest = {.sums = {0}}, row;
        rest.texts[PLAUSIBLE_NAME] = event;
        take_sums(&rest, &day->tables[TABLE_EVENT].rows[events[i]]);
        row = rest;
        for (uint32_t j = 0; j < day->tables[TABLE_PROP].count; j++) {
            if (!take_property(value_at(day, TABLE_PROP, props[j]), event, &row))
                continue;
            take_sums(&row, &day->tables[TABLE_PROP].rows[props[j]]);
            write_row(writer, PLAUSIBLE_CUSTOM_EVENTS, &row);
            for (int m = 0; m < METRIC__COUNT; m++)
                rest.sums[m] -= row.sums[m];
        }
        write_row(writer, PLAUSIBLE_CUSTOM_EVENTS, &rest);
    }
    free(events);
    free(props);
}

/* --- The day ---------------------------------------------------------------------------------- */

void export_plausible_day(FILE *const streams[PLAUSIBLE__COUNT], struct str site,
                          const struct day *day)
{
    static const struct pairing PAIRINGS[] = {
        {PLAUSIBLE_LOCATIONS, TABLE_COUNTRY, TABLE_REGION, '-'},
        {PLAUSIBLE_BROWSERS, TABLE_BROWSER, TABLE_BROWSER_VERSION, ' '},
        {PLAUSIBLE_OPERATING_SYSTEMS, TABLE_OS, TABLE_OS_VERSION, ' '},
    };
    const struct writer writer = {streams, site, day};
    write_table(&writer, TABLE_TOTAL, PLAUSIBLE_VISITORS);
    write_table(&writer, TABLE_SOURCE, PLAUSIBLE_SOURCES);
    write_table(&writer, TABLE_PAGE, PLAUSIBLE_PAGES);
    write_table(&writer, TABLE_ENTRY_PAGE, PLAUSIBLE_ENTRY_PAGES);
    write_table(&writer, TABLE_EXIT_PAGE, PLAUSIBLE_EXIT_PAGES);
    write_table(&writer, TABLE_DEVICE, PLAUSIBLE_DEVICES);
    for (size_t i = 0; i < ARRAY_LEN(PAIRINGS); i++)
        write_pairs(&writer, &PAIRINGS[i]);
    write_events(&writer);
}

uint32_t export_plausible_lacks(const struct day *day)
{
    static const enum table LACKING[] = {
        TABLE_TIME,       TABLE_REFERRER,     TABLE_CHANNEL,     TABLE_UTM_SOURCE,
        TABLE_UTM_MEDIUM, TABLE_UTM_CAMPAIGN, TABLE_UTM_CONTENT, TABLE_UTM_TERM,
        TABLE_LANGUAGE,   TABLE_SCREEN,       TABLE_PROP,        TABLE_DROPS,
    };
    uint32_t lacks = 0;
    for (size_t i = 0; i < ARRAY_LEN(LACKING); i++)
        if (day->tables[LACKING[i]].count > 0)
            lacks |= UINT32_C(1) << LACKING[i];
    return lacks;
}
static_assert(TABLE__COUNT <= 32, "a bit for each table");

/* The ten tables, column by column. A page's scroll depth and time stand behind the columns that
 * every version of the family has. */

#include "cli/plausible.h"

#include <assert.h>

#define DATE "date", PLAUSIBLE_IS_DATE, 0
#define CITY "city", PLAUSIBLE_IS_CITY, 0
#define TEXT(name, text) name, PLAUSIBLE_IS_TEXT, PLAUSIBLE_##text
#define NUMBER(name, metric) name, PLAUSIBLE_IS_NUMBER, METRIC_##metric
/* What most tables end with. */
#define VISIT_NUMBERS                                                                              \
    {NUMBER("visitors", VISITORS)}, {NUMBER("visits", VISITS)},                                    \
        {NUMBER("visit_duration", VISIT_SECONDS)}, {NUMBER("bounces", BOUNCES)},                   \
    {                                                                                              \
        NUMBER("pageviews", PAGEVIEWS)                                                             \
    }

static const struct {
    const char *name;
    size_t count;
    struct plausible_column columns[PLAUSIBLE_COLUMNS_MAX];
} TABLES[PLAUSIBLE__COUNT] = {
    [PLAUSIBLE_VISITORS] = {"imported_visitors",
                            6,
                            {{DATE},
                             {NUMBER("visitors", VISITORS)},
                             {NUMBER("pageviews", PAGEVIEWS)},
                             {NUMBER("bounces", BOUNCES)},
                             {NUMBER("visits", VISITS)},
                             {NUMBER("visit_duration", VISIT_SECONDS)}}},
    [PLAUSIBLE_SOURCES] = {"imported_sources",
                           13,
                           {{DATE},
                            {TEXT("source", NAME)},
                            {TEXT("referrer", REFERRER)},
                            {TEXT("utm_source", UTM_SOURCE)},
                            {TEXT("utm_medium", UTM_MEDIUM)},
                            {TEXT("utm_campaign", UTM_CAMPAIGN)},
                            {TEXT("utm_content", UTM_CONTENT)},
                            {TEXT("utm_term", UTM_TERM)},
                            {NUMBER("pageviews", PAGEVIEWS)},
                            {NUMBER("visitors", VISITORS)},
                            {NUMBER("visits", VISITS)},
                            {NUMBER("visit_duration", VISIT_SECONDS)},
                            {NUMBER("bounces", BOUNCES)}}},
    [PLAUSIBLE_PAGES] = {"imported_pages",
                         10,
                         {{DATE},
                          {TEXT("hostname", HOSTNAME)},
                          {TEXT("page", NAME)},
                          {NUMBER("visits", VISITS)},
                          {NUMBER("visitors", VISITORS)},
                          {NUMBER("pageviews", PAGEVIEWS)},
                          {NUMBER("total_scroll_depth", SCROLL_PERCENT)},
                          {NUMBER("total_scroll_depth_visits", SCROLL_VIEWS)},
                          {NUMBER("total_time_on_page", ENGAGED_SECONDS)},
                          {NUMBER("total_time_on_page_visits", ENGAGED_VIEWS)}}},
    [PLAUSIBLE_ENTRY_PAGES] = {"imported_entry_pages",
                               7,
                               {{DATE},
                                {TEXT("entry_page", NAME)},
                                {NUMBER("visitors", VISITORS)},
                                {NUMBER("entrances", VISITS)},
                                {NUMBER("visit_duration", VISIT_SECONDS)},
                                {NUMBER("bounces", BOUNCES)},
                                {NUMBER("pageviews", PAGEVIEWS)}}},
    [PLAUSIBLE_EXIT_PAGES] = {"imported_exit_pages",
                              7,
                              {{DATE},
                               {TEXT("exit_page", NAME)},
                               {NUMBER("visitors", VISITORS)},
                               {NUMBER("visit_duration", VISIT_SECONDS)},
                               {NUMBER("exits", VISITS)},
                               {NUMBER("bounces", BOUNCES)},
                               {NUMBER("pageviews", PAGEVIEWS)}}},
    [PLAUSIBLE_CUSTOM_EVENTS] = {"imported_custom_events",
                                 6,
                                 {{DATE},
                                  {TEXT("name", NAME)},
                                  {TEXT("link_url", DETAIL)},
                                  {TEXT("path", PATH)},
                                  {NUMBER("visitors", VISITORS)},
                                  {NUMBER("events", EVENTS)}}},
    [PLAUSIBLE_LOCATIONS] =
        {"imported_locations",
         9,
         {{DATE}, {TEXT("country", NAME)}, {TEXT("region", DETAIL)}, {CITY}, VISIT_NUMBERS}},
    [PLAUSIBLE_DEVICES] = {"imported_devices", 7, {{DATE}, {TEXT("device", NAME)}, VISIT_NUMBERS}},
    [PLAUSIBLE_BROWSERS] =
        {"imported_browsers",
         8,
         {{DATE}, {TEXT("browser", NAME)}, {TEXT("browser_version", DETAIL)}, VISIT_NUMBERS}},
    [PLAUSIBLE_OPERATING_SYSTEMS] = {"imported_operating_systems",
                                     8,
                                     {{DATE},
                                      {TEXT("operating_system", NAME)},
                                      {TEXT("operating_system_version", DETAIL)},
                                      VISIT_NUMBERS}},
};

const struct plausible_column *plausible_columns(enum plausible_table table, size_t *ret_count)
{
    assert(table < PLAUSIBLE__COUNT);
    *ret_count = TABLES[table].count;
    return TABLES[table].columns;
}

const char *plausible_table_name(enum plausible_table table)
{
    assert(table < PLAUSIBLE__COUNT);
    return TABLES[table].name;
}

bool plausible_table_of_file(struct str name, enum plausible_table *ret_table)
{
    for (int t = 0; t < PLAUSIBLE__COUNT; t++) {
        struct str table = str_from(TABLES[t].name);
        char next = name.len > table.len ? name.ptr[table.len] : '\0';
        bool goes_on =
            next == '.' || (next == '_' && name.len > table.len + 1 &&
                            name.ptr[table.len + 1] >= '0' && name.ptr[table.len + 1] <= '9');
        if (str_starts_with(name, table) && (next == '\0' || goes_on)) {
            *ret_table = (enum plausible_table)t;
            return true;
        }
    }
    return false;
}

/* --- Names ------------------------------------------------------------------------------------ */

static const struct {
    enum plausible_table table;
    struct str there, here;
} NAMES[] = {
    {PLAUSIBLE_BROWSERS, STR_LIT("Microsoft Edge"), STR_LIT("Edge")},
    {PLAUSIBLE_OPERATING_SYSTEMS, STR_LIT("Mac"), STR_LIT("macOS")},
    {PLAUSIBLE_OPERATING_SYSTEMS, STR_LIT("GNU/Linux"), STR_LIT("Linux")},
};

struct str plausible_name_there(enum plausible_table table, struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        if (NAMES[i].table == table && str_eq(NAMES[i].here, name))
            return NAMES[i].there;
    return name;
}

struct str plausible_name_here(enum plausible_table table, struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        if (NAMES[i].table == table && str_eq(NAMES[i].there, name))
            return NAMES[i].here;
    return name;
}

bool plausible_event_has_url(struct str event)
{
    return str_eq(event, STR_LIT("Outbound Link: Click")) ||
           str_eq(event, STR_LIT("File Download")) || str_eq(event, STR_LIT("Cloaked Link: Click"));
}

bool plausible_event_has_path(struct str event)
{
    return str_eq(event, STR_LIT("404"));
}

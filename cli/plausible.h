#pragma once

/* The CSV family that Plausible exports and imports: ten tables of daily sums, as columns of ours.
 * Pure. Used by the export and the import, so that what one writes the other reads. */

#include "aggregator/model.h"

enum plausible_table {
    PLAUSIBLE_VISITORS,
    PLAUSIBLE_SOURCES,
    PLAUSIBLE_PAGES,
    PLAUSIBLE_ENTRY_PAGES,
    PLAUSIBLE_EXIT_PAGES,
    PLAUSIBLE_CUSTOM_EVENTS,
    PLAUSIBLE_LOCATIONS,
    PLAUSIBLE_DEVICES,
    PLAUSIBLE_BROWSERS,
    PLAUSIBLE_OPERATING_SYSTEMS,
    PLAUSIBLE__COUNT
};

/* What a row says beside its numbers. */
enum plausible_text {
    PLAUSIBLE_NAME,   /* source, page, country, device, browser, system, or event */
    PLAUSIBLE_DETAIL, /* region; version; link_url of an event */
    PLAUSIBLE_PATH,   /* of an event */
    PLAUSIBLE_REFERRER,
    PLAUSIBLE_UTM_SOURCE,
    PLAUSIBLE_UTM_MEDIUM,
    PLAUSIBLE_UTM_CAMPAIGN,
    PLAUSIBLE_UTM_CONTENT,
    PLAUSIBLE_UTM_TERM,
    PLAUSIBLE_HOSTNAME,
    PLAUSIBLE_TEXT__COUNT
};

enum plausible_kind {
    PLAUSIBLE_IS_DATE,
    PLAUSIBLE_IS_TEXT,
    PLAUSIBLE_IS_NUMBER,
    PLAUSIBLE_IS_CITY
};

struct plausible_column {
    const char *name;
    enum plausible_kind kind;
    int what; /* a plausible_text, or a metric */
};

enum { PLAUSIBLE_COLUMNS_MAX = 13 };

/* The table's columns in their order; *ret_count of them. */
const struct plausible_column *plausible_columns(enum plausible_table table, size_t *ret_count);
const char *plausible_table_name(enum plausible_table table);
/* The table of a file's name, "imported_pages_20260101_20260131.csv" or without dates. */
bool plausible_table_of_file(struct str name, enum plausible_table *ret_table);

struct plausible_row {
    struct str texts[PLAUSIBLE_TEXT__COUNT];
    int64_t sums[METRIC__COUNT];
};

/* Names of browsers and systems there and here; others are the same. Static, or `name`. */
struct str plausible_name_there(enum plausible_table table, struct str name);
struct str plausible_name_here(enum plausible_table table, struct str name);

/* Events whose property "url" is their link_url, and those whose "path" is their path. */
bool plausible_event_has_url(struct str event);
bool plausible_event_has_path(struct str event);

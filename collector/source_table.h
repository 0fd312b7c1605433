#pragma once

/* The sources that have a name, for source.c alone: two tables in ascending order of key. */

#include <stdbool.h>
#include <stddef.h>

enum source_kind {
    SOURCE_KIND_OTHER,
    SOURCE_KIND_SEARCH,
    SOURCE_KIND_SOCIAL,
    SOURCE_KIND_VIDEO,
    SOURCE_KIND_SHOPPING,
    SOURCE_KIND_EMAIL,
    SOURCE_KIND_AI,
};

struct source_row {
    const char *key;  /* a host ("google.*": under any country's suffix), or a tag; lower case */
    const char *name; /* as shown */
    enum source_kind kind;
    bool is_paid; /* the tag itself says that the visit was bought */
};

extern const struct source_row source_hosts[];
extern const size_t source_hosts_count;
extern const struct source_row source_tags[];
extern const size_t source_tags_count;

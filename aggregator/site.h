#pragma once

/* A site's settings, and the list of all sites: immutable snapshots shared by reference count.
 * Thread-safe: a snapshot never changes once made. */

#include <stdint.h>

#include "common/limits.h"
#include "common/macros.h"
#include "common/str.h"
#include "common/timezone.h"

enum site_preset { SITE_STANDARD, SITE_STRICT };

struct site {
    struct str domain;   /* also the id; NUL-terminated */
    struct str timezone; /* IANA name */
    struct time_zone *zone;
    enum site_preset preset;
    int keep_days, keep_months;           /* how many months day records and month records stay */
    struct str aliases[SITE_ALIASES_MAX]; /* hosts; "*.example.com" for any subdomain */
    size_t alias_count;
};

/* From the JSON kept in `ff:sites`: {"timezone":"Europe/Amsterdam","preset":"standard",
 * "aliases":["www.example.com"],"keep_days":25,"keep_months":60}. An absent field has its default:
 * UTC, standard, none, and what the preset keeps. NULL, with a sentence in `error` that names the
 * field and repeats no input, when it is not valid. */
MUST_CHECK struct site *site_parse(struct str domain, struct str json, char *error,
                                   size_t error_bytes);
/* The JSON of a site; the caller frees. */
char *site_format(const struct site *site);
/* NULL is allowed. */
void site_free(struct site *site);

/* True when `host` (lower case, no port) is the domain, www.domain, an alias, or under a
 * wildcard alias. */
bool site_owns_host(const struct site *site, struct str host);

struct site_list; /* reference-counted */

/* Takes sites that site_parse made, of distinct domains; `count` may be 0. One reference. */
struct site_list *site_list_new(struct site **sites, size_t count);
struct site_list *site_list_ref(struct site_list *list);
/* NULL is allowed. */
void site_list_unref(struct site_list *list);
/* By domain, case ignored; NULL when unknown. O(1). Lives as long as the list. */
const struct site *site_list_find(const struct site_list *list, struct str domain);
/* The site that owns a host, case ignored; NULL when none. A domain goes before www. of a domain,
 * that before an alias, that before a wildcard, a longer wildcard before a shorter one, and of two
 * sites with the same alias the first by name. O(labels of the host). */
const struct site *site_list_find_host(const struct site_list *list, struct str host);
/* In the order of their domains. */
size_t site_list_count(const struct site_list *list);
const struct site *site_list_at(const struct site_list *list, size_t index);

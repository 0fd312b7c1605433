#pragma once

/* Changing and reading the site list as an administrator, for `footfall site` and `serve`. */

#include "aggregator/site.h"
#include "common/redis.h"

#define SITE_ADMIN_DEMO "demo.localhost"

struct site_request {
    const char *domain;                 /* any case */
    const char *timezone;               /* NULL: as it is; UTC for a new site */
    const char *preset;                 /* NULL: as it is; standard for a new site */
    const int *keep_days, *keep_months; /* NULL: as they are; the preset's for a new site */
    const char *const *aliases;
    size_t alias_count; /* 0: as they are */
};

/* Adds a site, or changes the given settings of one that is there, and tells the collectors. False
 * with a sentence: settings that are not valid, a host that another site has, Redis away. */
MUST_CHECK bool site_admin_add(struct redis *redis, const struct site_request *request, char *error,
                               size_t error_bytes);

/* All sites by domain; unref it. NULL with a sentence. */
struct site_list *site_admin_list(struct redis *redis, char *error, size_t error_bytes);

/* Takes a site off the list and removes all that is kept of it. `ret_keys` counts the keys. False
 * with a sentence. */
MUST_CHECK bool site_admin_remove(struct redis *redis, struct str domain, size_t *ret_keys,
                                  char *error, size_t error_bytes);

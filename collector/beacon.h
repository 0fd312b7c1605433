#pragma once

/* What a page says of itself: the native beacon (form encoding) as one struct. Pure; fuzzed.
 * Allocates nothing, but for JSON when there are properties. Fields and answers: docs/design.md. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/macros.h"
#include "common/str.h"

enum beacon_kind { BEACON_PAGEVIEW, BEACON_EVENT, BEACON_ENGAGEMENT };

/* The name that marks a report of time and scroll and no view; it needs one of the two. */
#define BEACON_ENGAGEMENT_NAME "engagement"
/* The name of a page view where a client gives one; the same as no name. */
#define BEACON_PAGEVIEW_NAME "pageview"

enum utm { UTM_SOURCE, UTM_MEDIUM, UTM_CAMPAIGN, UTM_CONTENT, UTM_TERM, UTM__COUNT };

struct beacon_prop {
    struct str key, value;
};

/* Slices point into the scratch memory given to the parser. Absent is the empty slice. */
struct beacon {
    enum beacon_kind kind;
    struct str site;            /* lower case; the host of the URL where absent */
    struct str host;            /* the URL's host, lower case, without port */
    struct str path;            /* normalised (path.h): never empty, at most PATH_BYTES_MAX */
    struct str referrer_host;   /* lower case, without port and leading "www."; http(s) only */
    struct str utm[UTM__COUNT]; /* at most TAG_BYTES_MAX each; an e-mail address is ":id" */
    struct str ref;             /* ?ref= or ?source= of the URL, for the source */
    bool click_id_google;       /* gclid, gbraid, wbraid */
    bool click_id_microsoft;    /* msclkid */
    struct str event;           /* its name, for BEACON_EVENT */
    struct beacon_prop props[EVENT_PROPS_MAX]; /* scalars as text; path_looks_private(): ":id" */
    size_t prop_count;
    uint32_t viewport_px; /* 0: not said */
    uint32_t engaged_ms;  /* since the last report; at most 30 min */
    int scroll_percent;   /* 0..100; -1: not said */
};

enum beacon_status {
    BEACON_OK,
    BEACON_BAD_ENCODING, /* percent-garbage, invalid UTF-8, a NUL or another control character */
    BEACON_NO_URL,
    BEACON_BAD_URL, /* not http(s), no host, too long */
    BEACON_BAD_SITE,
    BEACON_BAD_NAME,  /* empty or too long an event name */
    BEACON_BAD_PROPS, /* not a JSON object, or too long a key or value */
    BEACON_BAD_NUMBER,
    BEACON_DUPLICATE_FIELD,
    BEACON_TOO_LARGE, /* over BEACON_BODY_BYTES_MAX; a body that large has had its 413 before */
    BEACON__COUNT,
};
/* A sentence for the 400 answer. */
const char *beacon_status_sentence(enum beacon_status status);

/* Memory for one beacon: the decoded body once, the parts taken out of its URL and properties once
 * more, and room for the path, three hosts and numbers that grow when written out. */
struct beacon_scratch {
    char bytes[2 * BEACON_BODY_BYTES_MAX + 4096];
    size_t used;
};

/* `body` is application/x-www-form-urlencoded. */
MUST_CHECK enum beacon_status beacon_parse(struct str body, struct beacon_scratch *scratch,
                                           struct beacon *ret_beacon);
/* The pixel: query string of GET /b.gif: s site, p path or URL, r referrer. */
MUST_CHECK enum beacon_status beacon_parse_pixel(struct str query, struct beacon_scratch *scratch,
                                                 struct beacon *ret_beacon);

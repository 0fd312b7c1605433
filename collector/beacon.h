#pragma once

/* What a page says of itself: any client's beacon as one struct, and the parser of the native one
 * (form encoding; compat.h has the others). Pure; fuzzed. Allocates nothing, but for JSON when
 * there are properties. Fields and answers: docs/design.md. */

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
    struct str path;            /* normalised (path.h), at most PATH_BYTES_MAX; never empty */
    struct str referrer_host;   /* lower case, without port and leading "www."; http(s) only */
    struct str utm[UTM__COUNT]; /* at most TAG_BYTES_MAX each; an e-mail address is ":id" */
    struct str ref;             /* ?ref= or ?source= of the URL, for the source */
    bool click_id_google;       /* gclid, gbraid, wbraid */
    bool click_id_microsoft;    /* msclkid */
    struct str event;           /* its name, for BEACON_EVENT */
    bool is_passive;            /* an event that nobody did: it ends no bounce */
    bool is_automated;          /* the client itself says that a machine steers it */
    struct beacon_prop props[EVENT_PROPS_MAX]; /* scalars as text; path_looks_private(): ":id" */
    size_t prop_count;
    uint32_t viewport_px; /* 0: not said */
    uint32_t engaged_ms;  /* since the last report; at most 30 min */
    int scroll_percent;   /* 0..100; -1: not said */
};

/* Why a beacon is 400. X(enum, name, sentence of the answer). */
#define BEACON_FAULTS(X)                                                                           \
    /* percent-garbage, invalid UTF-8, a NUL or another control character */                       \
    X(BAD_ENCODING, "bad_encoding",                                                                \
      "The beacon must be UTF-8 in form encoding, without control characters.")                    \
    X(NO_URL, "no_url", "The beacon lacks the page's URL.")                                        \
    X(BAD_URL, "bad_url",                                                                          \
      "The page's URL must be http or https, with a host, and at most 4096 bytes long.")           \
    X(BAD_SITE, "bad_site", "The site must be a domain name.")                                     \
    X(BAD_NAME, "bad_name", "An event's name must have 1 to 120 bytes.")                           \
    X(BAD_PROPS, "bad_props",                                                                      \
      "Properties must be a JSON object with keys and values of at most 120 bytes.")               \
    X(BAD_NUMBER, "bad_number",                                                                    \
      "Viewport width, engaged time and scroll depth must be numbers from 0 up, and an "           \
      "engagement report needs time or depth.")                                                    \
    X(DUPLICATE_FIELD, "duplicate_field", "A field of the beacon stands there twice.")             \
    X(BAD_JSON, "bad_json", "The body must be one JSON object that is not nested deeply.")         \
    X(BAD_TYPE, "bad_type",                                                                        \
      "The type must be event, identify or performance, and the payload an object.")               \
    X(BAD_WEBSITE, "bad_website",                                                                  \
      "The website must be a UUID or a domain name; links and pixels are not counted here.")       \
    X(BAD_BOT, "bad_bot", "The bot hint must be 0, or 150 and more.")                              \
    /* over BEACON_BODY_BYTES_MAX; a body that large has had its 413 before */                     \
    X(TOO_LARGE, "too_large", "The beacon must be at most 8192 bytes long.")

enum beacon_status {
    BEACON_OK,
#define X(id, name, sentence) BEACON_##id,
    BEACON_FAULTS(X)
#undef X
        BEACON__COUNT
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

#pragma once

/* Whether a visitor has refused to be counted: headers only, before anything else is read.
 * Pure; knows neither a site nor an address. */

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

#define CONSENT_COOKIE_NAME "footfall_optout"

enum consent {
    CONSENT_COUNT,     /* nothing speaks against counting */
    CONSENT_COOKIE,    /* the opt-out cookie with any value but "0" */
    CONSENT_GPC,       /* Sec-GPC: 1 */
    CONSENT_DNT,       /* DNT: 1 */
    CONSENT_UNREADABLE /* a Cookie header too large or not parsable: not counted (fail closed) */
};

enum { CONSENT_HEADERS_MAX = 16 };

struct consent_headers {
    struct str cookies[CONSENT_HEADERS_MAX]; /* every Cookie header */
    size_t cookie_count;                     /* over the maximum: unreadable */
    struct str gpc[CONSENT_HEADERS_MAX];     /* every Sec-GPC header */
    size_t gpc_count;                        /* over the maximum: a refusal, as for dnt */
    struct str dnt[CONSENT_HEADERS_MAX];
    size_t dnt_count;
    bool honour_gpc, honour_dnt; /* the operator's switches */
};

enum consent consent_check(const struct consent_headers *headers);
/* "cookie", "gpc", "dnt", "unreadable", or NULL for CONSENT_COUNT. */
const char *consent_name(enum consent consent);

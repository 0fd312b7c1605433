#pragma once

/* Which requests of an access log are page views of people. Pure. */

#include <stdbool.h>

#include "common/str.h"

/* Why a line is no page view. X(enum, name, in words). In the order in which it is asked; the first
 * that holds counts. A request of somebody who refused is among `file`: no number tells how many.
 */
#define PAGE_REQUEST_FAULTS(X)                                                                     \
    X(MALFORMED, "malformed", "lines that are not in the log's format")                            \
    X(TIME, "time", "requests dated before 1995 or in the future")                                 \
    X(HOST, "host", "requests to other hosts")                                                     \
    X(METHOD, "method", "requests other than GET")                                                 \
    X(STATUS, "status", "requests answered other than 200 or 304")                                 \
    X(FILE, "file", "files and others that are no HTML pages")                                     \
    X(URL, "url", "requests whose address is not UTF-8 or too long")                               \
    X(BOT, "bot", "page views of crawlers and tools")                                              \
    X(PREFETCH, "prefetch", "pages fetched ahead")

enum page_request {
    PAGE_REQUEST_VIEW,
#define X(id, name, meaning) PAGE_REQUEST_##id,
    PAGE_REQUEST_FAULTS(X)
#undef X
        PAGE_REQUEST__COUNT
};

const char *page_request_name(enum page_request fault);
const char *page_request_meaning(enum page_request fault);

/* By the answer's Content-Type where the log tells it; else by the path's extension: what browsers
 * load into pages, what is downloaded, and feeds are no pages, anything else is one. */
bool page_request_is_page(struct str target, struct str content_type);

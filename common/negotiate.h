#pragma once

/* The request headers that decide which form of a file is sent, or whether one is. Pure. */

#include <stdbool.h>

#include "common/str.h"

/* Whether an If-None-Match header (a list, or "*") names this ETag, quotes included. */
bool negotiate_etag_matches(struct str if_none_match, struct str etag);

/* Whether an Accept-Encoding header takes gzip: by name or by "*", and not with "q=0". */
bool negotiate_gzip(struct str accept_encoding);

#pragma once

/* The bytes of the site list's copy on disk: written, and judged. Pure.
 *
 * All of it is believed or nothing. Magic, version, length and checksum stand where they do in
 * every version; all numbers are little endian.
 *
 *   header, 32 bytes                          site, in the order of domains
 *    0  8  "FFSITES\n"                         0  2  length of the domain
 *    8  4  version, 1                          2  2  length of the settings
 *   12  4  number of sites                     4  d  domain
 *   16  8  length of all                     4+d  s  settings, as site_format() has them
 *   24  8  written, ms since 1970
 *   and at the end 4 bytes, CRC-32C of all before
 *
 * Example: written 2026-11-23T10:00:00Z, the site a.nl with the settings {}.
 *
 *   0000  46 46 53 49 54 45 53 0a  01 00 00 00 01 00 00 00   FFSITES. version 1, a site
 *   0010  2e 00 00 00 00 00 00 00  00 21 d9 07 a2 01 00 00   46 bytes, written
 *   0020  04 00 02 00 61 2e 6e 6c  7b 7d c0 be 4a 1e         4 and 2, "a.nl", "{}", CRC */

#include <stdint.h>

#include "aggregator/site.h"
#include "common/buf.h"

enum { SITE_COPY_VERSION = 1, SITE_COPY_HEADER_BYTES = 32, SITE_COPY_CRC_BYTES = 4 };

/* `out` is empty and has room for SITE_COPY_BYTES_MAX. */
void site_copy_encode(struct buf *out, const struct site_list *list, int64_t written_ms);
/* What it says of the sites, without when it was written. */
struct str site_copy_sites(struct str bytes);

enum site_copy_verdict {
    SITE_COPY_GOOD,
    SITE_COPY_DAMAGED, /* torn, changed, or never a copy */
    SITE_COPY_FOREIGN, /* whole, and of another version, or with settings not known here */
    SITE_COPY_VERDICT__COUNT,
};

/* Judges a whole file; the list is the caller's, and made only of a good one. */
MUST_CHECK enum site_copy_verdict site_copy_decode(struct str bytes, struct site_list **ret_list,
                                                   int64_t *ret_written_ms);

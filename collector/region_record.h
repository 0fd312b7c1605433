#pragma once

/* One record of a geo database becomes a region, whichever of the two schemas it is written in.
 * Pure; thread-safe. For region.c and region_check.c. */

#include <maxminddb.h>

#include "collector/region.h"

enum region_schema {
    REGION_NESTED, /* GeoIP2, GeoLite2: country.iso_code, subdivisions[0].iso_code */
    REGION_FLAT,   /* the npm databases: country_code, state1 */
    REGION_SCHEMA__COUNT,
};

/* False, with `ret_region` untouched, when the record names no country. */
MUST_CHECK bool region_record_read(const MMDB_entry_s *record, enum region_schema schema,
                                   struct region *ret_region);

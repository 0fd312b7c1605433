#pragma once

/* An address becomes a country and a region, nothing finer, by MaxMind's database format.
 * Reads GeoIP2/GeoLite2's nested schema (country.iso_code, subdivisions[0].iso_code) and the flat
 * one of the npm databases (country_code, state1). Several files may be open, the first that knows
 * the address answers. Handles are immutable and shared by reference count; a reload makes a new
 * one. */

#include "collector/client_address.h"
#include "common/macros.h"

struct region {
    char country[3]; /* ISO 3166-1 alpha-2, or "" for unknown */
    char region[64]; /* ISO 3166-2 "NL-NH", or the flat schema's name after the country: "NL-North
                        Holland"; "" for unknown */
};

struct region_database; /* reference-counted, immutable, thread-safe */

/* Opens and checks (in a child with limits) every file. NULL with a sentence, naming the file, when
 * one is missing or broken. */
MUST_CHECK struct region_database *region_database_open(const char *const *paths, size_t count,
                                                        char *error, size_t error_bytes);
struct region_database *region_database_ref(struct region_database *database);
void region_database_unref(struct region_database *database);
/* True when a file behind it was replaced (another inode, size or time). */
bool region_database_changed(const struct region_database *database);
/* Build time of the oldest file, seconds since 1970. */
uint64_t region_database_built_s(const struct region_database *database);

/* `database` may be NULL: unknown. Private and reserved addresses are unknown. */
void region_lookup(const struct region_database *database, const struct client_address *address,
                   struct region *ret_region);

#pragma once

/* An address becomes a country and a region, nothing finer, by MaxMind's database format.
 * Reads GeoIP2/GeoLite2's nested schema (country.iso_code, subdivisions[0].iso_code) and the flat
 * one of the npm databases (country_code, state1). Several files may be open, the first that knows
 * the address answers. Handles are immutable and shared by reference count; a reload makes a new
 * one.
 *
 * A file is copied into private memory when it is opened, and checked there: whoever overwrites or
 * cuts it afterwards changes nothing here. Replace a file by renaming a complete one over it. */

#include "collector/client_address.h"
#include "common/macros.h"

struct region {
    char country[3]; /* ISO 3166-1 alpha-2, or "" for unknown */
    char region[64]; /* ISO 3166-2 "NL-NH", or the flat schema's name after the country: "NL-North
                        Holland"; "" for unknown */
};

/* A database file: the city databases on npm have 17 to 71 MB each. */
#define REGION_FILE_BYTES_MAX (512 * 1024 * 1024)

struct region_database; /* reference-counted, immutable, thread-safe */

/* Copies and checks (in a child with limits) every file. NULL with a sentence, naming the file,
 * when one is missing or broken. Takes about a second for 100 MB: never on an event loop. */
MUST_CHECK struct region_database *region_database_open(const char *const *paths, size_t count,
                                                        char *error, size_t error_bytes);
struct region_database *region_database_ref(struct region_database *database);
/* NULL is allowed. */
void region_database_unref(struct region_database *database);
/* True when a file behind it was replaced (another inode, size or time). A missing file is not
 * replaced: what is open stays good. */
bool region_database_changed(const struct region_database *database);
/* Build time of the oldest file, seconds since 1970. */
uint64_t region_database_built_s(const struct region_database *database);

/* `database` may be NULL: unknown. Private and reserved addresses are unknown. */
void region_lookup(const struct region_database *database, const struct client_address *address,
                   struct region *ret_region);

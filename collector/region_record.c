/* The values that a record may hold are somebody else's: a country must be two capital letters,
 * a region's code capitals and digits, a region's name text that may be stored. What is not, is
 * unknown. Used by every worker; keeps nothing. */

#include "collector/region_record.h"

#include <stdio.h>

#include "common/utf8.h"

struct paths {
    const char *country[4];
    const char *region[4];
};

static const struct paths PATHS[REGION_SCHEMA__COUNT] = {
    [REGION_NESTED] = {{"country", "iso_code", NULL}, {"subdivisions", "0", "iso_code", NULL}},
    [REGION_FLAT] = {{"country_code", NULL}, {"state1", NULL}},
};

/* The text at a path, or the empty slice. It points into the database. */
static struct str text_at(const MMDB_entry_s *record, const char *const *path)
{
    MMDB_entry_s start = *record;
    MMDB_entry_data_s data;
    if (MMDB_aget_value(&start, &data, path) != MMDB_SUCCESS || !data.has_data ||
        data.type != MMDB_DATA_TYPE_UTF8_STRING)
        return STR_EMPTY;
    return (struct str){data.utf8_string, data.data_size};
}

/* "ZZ" is how ISO 3166-1 spells unknown. */
static bool is_country(struct str text)
{
    return text.len == 2 && text.ptr[0] >= 'A' && text.ptr[0] <= 'Z' && text.ptr[1] >= 'A' &&
           text.ptr[1] <= 'Z' && !str_eq(text, STR_LIT("ZZ"));
}

/* The part of an ISO 3166-2 code after the hyphen: up to three letters and digits. */
static bool is_subdivision_code(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            return false;
    }
    return text.len >= 1 && text.len <= 3;
}

bool region_record_read(const MMDB_entry_s *record, enum region_schema schema,
                        struct region *ret_region)
{
    struct str country = text_at(record, PATHS[schema].country);
    if (!is_country(country))
        return false;
    struct region region = {{country.ptr[0], country.ptr[1], '\0'}, ""};
    struct str name = text_at(record, PATHS[schema].region);
    bool known =
        schema == REGION_NESTED ? is_subdivision_code(name) : name.len > 0 && utf8_is_text(name);
    if (known) {
        /* The country, a hyphen and the final NUL take four bytes. */
        name = utf8_cut(name, sizeof(region.region) - 4);
        (void)snprintf(region.region, sizeof(region.region), "%s-%.*s", region.country,
                       STR_ARG(name));
    }
    *ret_region = region;
    return true;
}

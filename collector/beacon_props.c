/* The properties of an event: a JSON object of scalars, as text.
 *
 * The only part of a beacon that allocates (jansson), and only for beacons that have properties.
 * What a page may send is bounded here: at most EVENT_PROPS_MAX of them, keys and values of at most
 * TAG_BYTES_MAX; what looks like a person or a secret becomes ":id", and the address of a page or a
 * file loses its query, as a view's own does. Pure. */

#include "collector/beacon_props.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/path.h"
#include "common/utf8.h"

/* An address is scheme, host and port, and its path. */
enum { NUMBER_TEXT_BYTES = 32, ADDRESS_BYTES_MAX = HOST_BYTES_MAX + 20 + PATH_BYTES_MAX };

/* The shorter of two spellings that reads back as the same number: 0.1, not 0.10000000000000001. */
static void write_real(double value, char out[NUMBER_TEXT_BYTES])
{
    snprintf(out, NUMBER_TEXT_BYTES, "%.15g", value);
    if (strtod(out, NULL) != value)
        snprintf(out, NUMBER_TEXT_BYTES, "%.17g", value);
}

/* Empty for what is not counted: null, lists, objects. `number` is memory for numbers. */
static struct str scalar_text(const json_t *value, char number[NUMBER_TEXT_BYTES])
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return str_trim((struct str){json_string_value(value), json_string_length(value)});
    case JSON_INTEGER:
        snprintf(number, NUMBER_TEXT_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return str_from(number);
    case JSON_REAL:
        write_real(json_real_value(value), number);
        return str_from(number);
    case JSON_TRUE:
        return STR_LIT("true");
    case JSON_FALSE:
        return STR_LIT("false");
    default:
        return STR_EMPTY;
    }
}

static bool is_address(struct str text)
{
    return beacon_looks_like_url(text) || str_starts_with(text, STR_LIT("/"));
}

/* An address as a value (of a link, of a file, of a page that is not there) is cleaned as a page's
 * own is: no query, no fragment, and ":id" for what looks private in its path. */
static struct str clean_address(struct str text, char out[ADDRESS_BYTES_MAX])
{
    struct str path;
    size_t host_end = beacon_looks_like_url(text) ? str_find(text, ':') + 3 : 0;
    while (host_end < text.len && memchr("/?#", text.ptr[host_end], 3) == NULL)
        host_end++;
    if (host_end > ADDRESS_BYTES_MAX - PATH_BYTES_MAX ||
        path_holds_email(str_prefix(text, host_end)) ||
        !path_normalise(str_from_at(text, host_end), out + host_end, &path))
        return STR_LIT(PATH_PRIVATE);
    memcpy(out, text.ptr, host_end);
    return (struct str){out, host_end + path.len};
}

static struct str without_private(struct str text)
{
    return path_looks_private(text) ? STR_LIT(PATH_PRIVATE) : text;
}

/* A key or a cleaned value, cut to what is kept. */
static bool keep_text(struct str text, struct beacon_scratch *scratch, struct str *ret_copy)
{
    return beacon_copy(scratch, str_trim(utf8_cut(text, TAG_BYTES_MAX)), ret_copy);
}

/* An empty key or value is no property. */
static enum beacon_status keep_prop(struct str key, struct str value,
                                    const struct beacon_props_caps *caps,
                                    struct beacon_scratch *scratch, struct beacon *beacon)
{
    struct beacon_prop *prop = &beacon->props[beacon->prop_count];
    if (key.len == 0 || value.len == 0)
        return BEACON_OK;
    if (key.len > caps->key_bytes || value.len > caps->value_bytes || !utf8_is_text(key) ||
        !utf8_is_text(value))
        return BEACON_BAD_PROPS;
    char address[ADDRESS_BYTES_MAX];
    value = is_address(value) ? clean_address(value, address) : without_private(value);
    if (!keep_text(without_private(key), scratch, &prop->key) ||
        !keep_text(value, scratch, &prop->value))
        return BEACON_TOO_LARGE;
    beacon->prop_count++;
    return BEACON_OK;
}

enum beacon_status beacon_props_read(json_t *props, const struct beacon_props_caps *caps,
                                     struct beacon_scratch *scratch, struct beacon *beacon)
{
    enum beacon_status status = json_is_object(props) ? BEACON_OK : BEACON_BAD_PROPS;
    for (void *at = json_object_iter(props);
         at != NULL && beacon->prop_count < EVENT_PROPS_MAX && status == BEACON_OK;
         at = json_object_iter_next(props, at)) {
        char number[NUMBER_TEXT_BYTES];
        struct str key = str_trim(str_from(json_object_iter_key(at)));
        struct str value = scalar_text(json_object_iter_value(at), number);
        status = keep_prop(key, value, caps, scratch, beacon);
    }
    return status;
}

enum beacon_status beacon_props_parse(struct str json, const struct beacon_props_caps *caps,
                                      struct beacon_scratch *scratch, struct beacon *beacon)
{
    beacon->prop_count = 0;
    if (json.len == 0)
        return BEACON_OK;
    json_error_t error;
    json_t *object = json_loadb(json.ptr, json.len, 0, &error);
    if (object == NULL)
        return BEACON_BAD_PROPS;
    enum beacon_status status = beacon_props_read(object, caps, scratch, beacon);
    json_decref(object);
    return status;
}

/* The properties of an event: a JSON object of scalars, as text.
 *
 * The only part of a beacon that allocates (jansson), and only for beacons that have properties.
 * What a page may send is bounded here: at most EVENT_PROPS_MAX of them, keys and values of at most
 * TAG_BYTES_MAX; what looks like a person or a secret becomes ":id", as in a path. Pure. */

#include "collector/beacon_props.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/path.h"
#include "common/utf8.h"

enum { NUMBER_TEXT_BYTES = 32 };

char *beacon_take(struct beacon_scratch *scratch, size_t len)
{
    if (len > sizeof(scratch->bytes) - scratch->used)
        return NULL;
    char *bytes = scratch->bytes + scratch->used;
    scratch->used += len;
    return bytes;
}

bool beacon_copy(struct beacon_scratch *scratch, struct str s, struct str *ret_copy)
{
    char *bytes = beacon_take(scratch, s.len);
    if (bytes == NULL)
        return false;
    memcpy(bytes, s.ptr, s.len);
    *ret_copy = (struct str){bytes, s.len};
    return true;
}

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

static bool is_good(struct str text)
{
    return text.len <= TAG_BYTES_MAX && utf8_is_text(text);
}

static struct str without_private(struct str text)
{
    return path_looks_private(text) ? STR_LIT(PATH_PRIVATE) : text;
}

static enum beacon_status keep_props(json_t *props, struct beacon_scratch *scratch,
                                     struct beacon *beacon)
{
    enum beacon_status status = BEACON_OK;
    for (void *at = json_object_iter(props);
         at != NULL && beacon->prop_count < EVENT_PROPS_MAX && status == BEACON_OK;
         at = json_object_iter_next(props, at)) {
        char number[NUMBER_TEXT_BYTES];
        struct str key = str_trim(str_from(json_object_iter_key(at)));
        struct str value = scalar_text(json_object_iter_value(at), number);
        struct beacon_prop *prop = &beacon->props[beacon->prop_count];
        if (key.len == 0 || value.len == 0)
            continue;
        if (!is_good(key) || !is_good(value))
            status = BEACON_BAD_PROPS;
        else if (!beacon_copy(scratch, without_private(key), &prop->key) ||
                 !beacon_copy(scratch, without_private(value), &prop->value))
            status = BEACON_TOO_LARGE;
        else
            beacon->prop_count++;
    }
    return status;
}

enum beacon_status beacon_props_parse(struct str json, struct beacon_scratch *scratch,
                                      struct beacon *beacon)
{
    beacon->prop_count = 0;
    if (json.len == 0)
        return BEACON_OK;
    json_error_t error;
    json_t *object = json_loadb(json.ptr, json.len, 0, &error);
    if (object == NULL)
        return BEACON_BAD_PROPS;
    enum beacon_status status =
        json_is_object(object) ? keep_props(object, scratch, beacon) : BEACON_BAD_PROPS;
    json_decref(object);
    return status;
}

/* JSON of other tools' clients, within bounds.
 *
 * The size is the body's. The depth is counted before jansson sees the text, since jansson descends
 * into it by calling itself. A string with control characters counts as none; a NUL is refused
 * wherever it stands. Pure; any thread. */

#include "collector/compat_json.h"

#include "collector/beacon_props.h"
#include "common/utf8.h"

static bool is_shallow(struct str text)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (in_string)
            continue;
        else if ((c == '{' || c == '[') && ++depth > COMPAT_JSON_DEPTH_MAX)
            return false;
        else if ((c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return true;
}

enum beacon_status compat_json_load(struct str text, json_t **ret_object)
{
    json_error_t error;
    if (text.len > BEACON_BODY_BYTES_MAX)
        return BEACON_TOO_LARGE;
    if (!is_shallow(text))
        return BEACON_BAD_JSON;
    json_t *root = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(root)) {
        *ret_object = root;
        return BEACON_OK;
    }
    if (root != NULL) {
        json_decref(root);
        return BEACON_BAD_JSON;
    }
    switch (json_error_code(&error)) {
    case json_error_duplicate_key:
        return BEACON_DUPLICATE_FIELD;
    case json_error_null_character:
    case json_error_null_byte_in_key:
    case json_error_invalid_utf8:
        return BEACON_BAD_ENCODING;
    default:
        return BEACON_BAD_JSON;
    }
}

json_t *compat_json_member(const json_t *object, const char *name, const char *other_name)
{
    json_t *value = json_object_get(object, name);
    if (value == NULL || json_is_null(value))
        value = json_object_get(object, other_name);
    return json_is_null(value) ? NULL : value;
}

static struct str string_of(const json_t *value)
{
    if (!json_is_string(value))
        return (struct str){NULL, 0};
    return str_trim((struct str){json_string_value(value), json_string_length(value)});
}

struct str compat_json_text(const json_t *value)
{
    struct str text = string_of(value);
    return utf8_is_text(text) ? text : (struct str){NULL, 0};
}

bool compat_json_number(const json_t *value, uint64_t *ret_number)
{
    /* Both ends of what a double and a counter hold without loss. */
    static const double MAX = 9007199254740991.0;
    struct str text = compat_json_text(value);
    uint32_t number = 0;
    if (text.len > 0 && beacon_read_number(text, UINT32_MAX, &number)) {
        *ret_number = number;
        return true;
    }
    double real = json_number_value(value);
    if (!json_is_number(value) || real < 0 || real > MAX)
        return false;
    *ret_number = (uint64_t)real;
    return true;
}

static size_t count_characters(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return count;
}

enum beacon_status compat_read_event(struct str name, struct beacon_scratch *scratch,
                                     struct beacon *beacon)
{
    if (name.len == 0 || count_characters(name) > COMPAT_NAME_CHARACTERS_MAX)
        return BEACON_BAD_NAME;
    name = str_trim(utf8_cut(beacon_name_without_email(name), TAG_BYTES_MAX));
    beacon->kind = BEACON_EVENT;
    return beacon_copy(scratch, name, &beacon->event) ? BEACON_OK : BEACON_TOO_LARGE;
}

enum beacon_status compat_read_props(json_t *props, struct beacon_scratch *scratch,
                                     struct beacon *beacon)
{
    static const struct beacon_props_caps CAPS = {COMPAT_PROP_KEY_BYTES_MAX,
                                                  COMPAT_PROP_VALUE_BYTES_MAX};
    struct str text = string_of(props);
    if (props == NULL || (text.ptr != NULL && text.len == 0))
        return BEACON_OK;
    if (text.ptr == NULL)
        return beacon_props_read(props, &CAPS, scratch, beacon);
    json_t *object;
    enum beacon_status status = compat_json_load(text, &object);
    if (status != BEACON_OK)
        return status;
    status = beacon_props_read(object, &CAPS, scratch, beacon);
    json_decref(object);
    return status;
}

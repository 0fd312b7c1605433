/* Forms: strict encoding, known fields once each. Pure; any thread. */

#include "collector/beacon_form.h"

#include "common/percent.h"
#include "common/utf8.h"

/* BEACON_FIELD__COUNT for a name that is not known. */
static enum beacon_field field_of(struct str name, const char *letters)
{
    const char *at =
        name.len != 1 || *name.ptr == ' ' ? NULL : memchr(letters, *name.ptr, BEACON_FIELD__COUNT);
    return at == NULL ? BEACON_FIELD__COUNT : (enum beacon_field)(at - letters);
}

/* One "name=value". Properties may hold line breaks, and JSON has its own rules for the rest. */
static enum beacon_status form_read_pair(struct str pair, const char *letters,
                                         struct beacon_scratch *scratch, struct beacon_form *form)
{
    size_t equals = str_find(pair, '=');
    size_t used_before = scratch->used;
    char *bytes = beacon_take(scratch, pair.len);
    struct str name, value;
    if (bytes == NULL)
        return BEACON_TOO_LARGE;
    if (!percent_decode(str_prefix(pair, equals), PERCENT_PLUS_IS_SPACE, bytes, &name) ||
        !percent_decode(str_from_at(pair, equals + 1), PERCENT_PLUS_IS_SPACE, bytes + name.len,
                        &value))
        return BEACON_BAD_ENCODING;
    enum beacon_field field = field_of(name, letters);
    if (field == BEACON_FIELD__COUNT) {
        scratch->used = used_before;
        return BEACON_OK;
    }
    if (form->fields[field].ptr != NULL)
        return BEACON_DUPLICATE_FIELD;
    value = str_trim(value);
    if (!(field == BEACON_FIELD_PROPS && letters[BEACON_FIELD_PROPS] != ' ') &&
        !utf8_is_text(value))
        return BEACON_BAD_ENCODING;
    form->fields[field] = value;
    return BEACON_OK;
}

enum beacon_status beacon_form_read(struct str body, const char *letters,
                                    struct beacon_scratch *scratch, struct beacon_form *ret_form)
{
    *ret_form = (struct beacon_form){0};
    scratch->used = 0;
    if (body.len > BEACON_BODY_BYTES_MAX)
        return BEACON_TOO_LARGE;
    while (body.len > 0) {
        struct str pair = str_prefix(body, str_find(body, '&'));
        body = str_from_at(body, pair.len + 1);
        enum beacon_status status = form_read_pair(pair, letters, scratch, ret_form);
        if (status != BEACON_OK)
            return status;
    }
    return BEACON_OK;
}

#pragma once

/* Inside the beacons' parsers only: the fields of a form (application/x-www-form-urlencoded). */

#include "collector/beacon_parts.h"

enum beacon_field {
    BEACON_FIELD_SITE,
    BEACON_FIELD_URL,
    BEACON_FIELD_REFERRER,
    BEACON_FIELD_NAME,
    BEACON_FIELD_PROPS,
    BEACON_FIELD_VIEWPORT,
    BEACON_FIELD_ENGAGED,
    BEACON_FIELD_SCROLL,
    BEACON_FIELD_QUERY,
    BEACON_FIELD_BOT,
    BEACON_FIELD__COUNT
};

/* A form's known fields, decoded and trimmed. Absent ones have no ptr. */
struct beacon_form {
    struct str fields[BEACON_FIELD__COUNT];
};

/* `letters`: the names of the fields, one letter each, in the order of enum beacon_field; ' ' where
 * a form does not have one. Other fields are let go, but have to be decodable. Empties the scratch
 * and decodes into it. */
MUST_CHECK enum beacon_status beacon_form_read(struct str body, const char *letters,
                                               struct beacon_scratch *scratch,
                                               struct beacon_form *ret_form);

#pragma once

/* Inside the compatible beacons' parsers only: JSON within bounds, and what is read from it. */

#include <jansson.h>

#include "collector/beacon_parts.h"

/* One object of at most COMPAT_JSON_DEPTH_MAX levels, without a key that stands there twice. The
 * caller decrefs it. */
MUST_CHECK enum beacon_status compat_json_load(struct str text, json_t **ret_object);
/* The first of two members that is there and not null, or NULL. One name is enough. */
json_t *compat_json_member(const json_t *object, const char *name, const char *other_name);
/* A string of text (utf8.h), trimmed; ptr NULL for whatever else. It lives as long as the value. */
struct str compat_json_text(const json_t *value);
/* False for what is no number from 0 up, nor such a number as a string. A fraction is dropped. */
MUST_CHECK bool compat_json_number(const json_t *value, uint64_t *ret_number);

/* The name of an event, which is text: 1 to COMPAT_NAME_CHARACTERS_MAX characters, of which
 * TAG_BYTES_MAX bytes are kept. */
MUST_CHECK enum beacon_status compat_read_event(struct str name, struct beacon_scratch *scratch,
                                                struct beacon *beacon);
/* An object, or a string that holds one; NULL: none. */
MUST_CHECK enum beacon_status compat_read_props(json_t *props, struct beacon_scratch *scratch,
                                                struct beacon *beacon);

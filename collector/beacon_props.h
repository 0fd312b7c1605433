#pragma once

/* Inside the beacons' parsers only: the properties of an event. */

#include <jansson.h>

#include "collector/beacon_parts.h"

/* How long a key and a value may be before they are cleaned; what is longer makes the beacon 400.
 * Kept of each are TAG_BYTES_MAX: the native client is told when it sends more. */
struct beacon_props_caps {
    size_t key_bytes, value_bytes;
};

/* The properties of a JSON object, in its order, into the beacon. Empty text: none. */
MUST_CHECK enum beacon_status beacon_props_parse(struct str json,
                                                 const struct beacon_props_caps *caps,
                                                 struct beacon_scratch *scratch,
                                                 struct beacon *beacon);
/* The same of one that is parsed already. */
MUST_CHECK enum beacon_status beacon_props_read(json_t *props, const struct beacon_props_caps *caps,
                                                struct beacon_scratch *scratch,
                                                struct beacon *beacon);

#pragma once

/* Inside the beacon's parser only: its scratch memory, and the properties of an event. */

#include "collector/beacon.h"

/* `len` bytes of the scratch; NULL when it is full. */
char *beacon_take(struct beacon_scratch *scratch, size_t len);
/* A copy in the scratch. False when it is full. */
MUST_CHECK bool beacon_copy(struct beacon_scratch *scratch, struct str s, struct str *ret_copy);

/* The properties of a JSON object, in its order, into the beacon. Empty text: none. */
MUST_CHECK enum beacon_status beacon_props_parse(struct str json, struct beacon_scratch *scratch,
                                                 struct beacon *beacon);

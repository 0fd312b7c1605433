#pragma once

/* Strings that Redis packs by LZF in its snapshots and in DUMP. Pure. */

#include "common/buf.h"
#include "common/str.h"

/* Calls unpacked(text, data) for each. Any byte that could begin one is tried; what unpacks to just
 * the length that it tells is one. `room` holds one at a time. */
typedef void lzf_unpacked(struct str text, void *data);
void lzf_each(struct str bytes, struct buf *room, lzf_unpacked *unpacked, void *data);

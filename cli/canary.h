#pragma once

/* A string that nobody may have kept, in every spelling in which it could have come to rest by
 * mistake. Pure; one thread. */

#include <stdbool.h>

#include "common/limits.h"
#include "common/macros.h"
#include "common/str.h"

/* Whether it has CANARY_BYTES_MIN to CANARY_BYTES_MAX. */
bool canary_valid(struct str canary);

/* Calls form(spelling, bytes, data) for each: as text and in capitals, hexadecimal, base64 wherever
 * it stands in something longer, percent-encoded, and its hashes that need no key (MD5, SHA-1,
 * SHA-256, CRC-32, MurmurHash64A as Redis computes it) as bytes, hexadecimal and base64. Of an
 * address also its bytes in both orders, as a number, and the other ways to write it. `spelling`
 * lives as long as the program; no form has fewer than four bytes. */
typedef void canary_form(const char *spelling, struct str bytes, void *data);
void canary_forms(struct str canary, canary_form *form, void *data);

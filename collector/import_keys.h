#pragma once

/* Names and keys of an imported log, made from its own head: the same log has the same ones again,
 * and who lacks the log cannot make them. Kept in memory only. Pure. */

#include "aggregator/import_row.h"
#include "collector/day_key.h"

enum { IMPORT_SECRET_BYTES = 32 };

struct import_secret {
    uint8_t bytes[IMPORT_SECRET_BYTES];
};

/* The row of an earlier import of this log: the one of the longest head that is this head's start.
 * NULL when there is none. Sorts the rows. */
const struct import_row *import_keys_find(struct str site, struct str head, struct import_row *rows,
                                          size_t count);
/* The id of a log with just this head. */
uint64_t import_keys_id(struct str site, struct str head);
void import_keys_secret(struct str site, struct str head, struct import_secret *ret_secret);
/* What is kept of the digest of so many lines. */
void import_keys_digest(uint8_t digest[IMPORT_DIGEST_BYTES], uint64_t lines);
/* In place of the random key of a site's day (day_key.h). */
void import_keys_day(const struct import_secret *secret, uint32_t date, struct day_key *ret_key);

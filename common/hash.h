#pragma once

/* A hash for tables whose keys strangers choose: SipHash-2-4 under a random key of this process, so
 * that nobody outside can make collisions. Values differ from process to process. Thread-safe. */

#include <stdint.h>

#include "common/str.h"

uint64_t hash_str(struct str s);
/* The same over a small number in front of the bytes: keys of two parts. */
uint64_t hash_tagged(uint32_t tag, struct str s);
/* For numbers whose bits strangers can influence at most by counting: two multiplications by odd
 * numbers of the process's key, not a keyed hash. The upper bits are the better ones. */
struct hash_factors {
    uint64_t first, second;
};
struct hash_factors hash_factors(void);
static inline uint64_t hash_number(uint64_t number, struct hash_factors factors)
{
    number *= factors.first;
    number ^= number >> 32;
    return number * factors.second;
}

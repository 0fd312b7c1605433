/* The keyed hash of the process's tables. */

#include "common/hash.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

static unsigned char process_key[crypto_shorthash_KEYBYTES];
static pthread_once_t process_key_once = PTHREAD_ONCE_INIT;

static void make_process_key(void)
{
    if (sodium_init() < 0)
        abort();
    randombytes_buf(process_key, sizeof(process_key));
}

uint64_t hash_str(struct str s)
{
    uint64_t hash;
    pthread_once(&process_key_once, make_process_key);
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)s.ptr, s.len, process_key);
    return hash;
}

uint64_t hash_tagged(uint32_t tag, struct str s)
{
    /* A product by an odd constant spreads the tag over all bits; the keyed hash of the bytes
     * keeps the whole unpredictable. */
    return hash_str(s) ^ ((uint64_t)(tag + 1) * 0x9e3779b97f4a7c15u);
}

struct hash_factors hash_factors(void)
{
    struct hash_factors factors;
    static_assert(sizeof(factors) == sizeof(process_key), "the key is two numbers");
    pthread_once(&process_key_once, make_process_key);
    memcpy(&factors, process_key, sizeof(factors));
    factors.first |= 1;
    factors.second |= 1;
    return factors;
}

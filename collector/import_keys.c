/* BLAKE2b of a log's head, with a personalisation for each use, so that none tells another:
 *
 *   site, 0, head ──"footfall-log-id." ──▶ id (8 bytes), at rest as the import's name
 *                 └─"footfall-log-key" ──▶ secret ──date, "footfall-day-key"──▶ key of a day
 *
 * The name stays at rest, as does a digest of the lines that are covered. Of a short log somebody
 * could try all addresses until one fits; so all that comes of a short log goes through Argon2,
 * which makes each try slow. A long log is beyond trying.
 *
 * A log that grows was named by a shorter head than it has now, so rows say how long theirs was,
 * and all lengths are tried in one pass. */

#include "collector/import_keys.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"

enum { ID_BYTES = 8, SLOW_MEMORY_BYTES = 16 * 1024 * 1024 };
static_assert(ID_BYTES * 2 == IMPORT_ID_DIGITS, "an id in hexadecimal digits");
static_assert(sizeof(struct day_key) == 2 * DAY_KEY_BYTES, "a day's key is its bytes");

typedef crypto_generichash_blake2b_state hash_state;

static const unsigned char PERSONAL_ID[crypto_generichash_blake2b_PERSONALBYTES + 1] =
    "footfall-log-id.";
static const unsigned char PERSONAL_KEY[crypto_generichash_blake2b_PERSONALBYTES + 1] =
    "footfall-log-key";
static const unsigned char PERSONAL_DAY[crypto_generichash_blake2b_PERSONALBYTES + 1] =
    "footfall-day-key";

static void begin(hash_state *state, struct str site, size_t out_bytes,
                  const unsigned char *personal)
{
    if (sodium_init() < 0 || crypto_generichash_blake2b_init_salt_personal(
                                 state, NULL, 0, out_bytes, NULL, personal) != 0)
        abort();
    (void)crypto_generichash_blake2b_update(state, (const unsigned char *)site.ptr, site.len);
    (void)crypto_generichash_blake2b_update(state, (const unsigned char *)"", 1);
}

static void add(hash_state *state, struct str s)
{
    (void)crypto_generichash_blake2b_update(state, (const unsigned char *)s.ptr, s.len);
}

/* In place; the salt need not be secret, and there is nowhere to keep one. */
static void make_slow(unsigned char *bytes, size_t len)
{
    static const unsigned char SALT[crypto_pwhash_argon2id_SALTBYTES + 1] = "footfall-imports";
    unsigned char slow[IMPORT_SECRET_BYTES];
    assert(len <= sizeof(slow));
    if (crypto_pwhash_argon2id(slow, sizeof(slow), (const char *)bytes, len, SALT,
                               crypto_pwhash_argon2id_OPSLIMIT_MIN, SLOW_MEMORY_BYTES,
                               crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
        abort();
    memcpy(bytes, slow, len);
    sodium_memzero(slow, sizeof(slow));
}

static uint64_t id_of(const hash_state *state, size_t head_bytes)
{
    hash_state copy = *state;
    unsigned char bytes[ID_BYTES];
    uint64_t id = 0;
    (void)crypto_generichash_blake2b_final(&copy, bytes, sizeof(bytes));
    if (head_bytes < IMPORT_SHORT_BYTES)
        make_slow(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        id = id << 8 | bytes[i];
    sodium_memzero(&copy, sizeof(copy));
    return id;
}

uint64_t import_keys_id(struct str site, struct str head)
{
    hash_state state;
    begin(&state, site, ID_BYTES, PERSONAL_ID);
    add(&state, head);
    uint64_t id = id_of(&state, head.len);
    sodium_memzero(&state, sizeof(state));
    return id;
}

static int compare_heads(const void *left, const void *right)
{
    const struct import_row *a = left, *b = right;
    return (a->head_bytes > b->head_bytes) - (a->head_bytes < b->head_bytes);
}

const struct import_row *import_keys_find(struct str site, struct str head, struct import_row *rows,
                                          size_t count)
{
    const struct import_row *found = NULL;
    hash_state state;
    size_t done = 0;
    uint64_t id = 0;
    if (count > 0)
        qsort(rows, count, sizeof(*rows), compare_heads);
    begin(&state, site, ID_BYTES, PERSONAL_ID);
    for (size_t i = 0; i < count && rows[i].head_bytes <= head.len; i++) {
        if (rows[i].head_bytes > done) {
            add(&state, (struct str){head.ptr + done, rows[i].head_bytes - done});
            done = rows[i].head_bytes;
            id = id_of(&state, done);
        }
        if (rows[i].id == id)
            found = &rows[i];
    }
    sodium_memzero(&state, sizeof(state));
    return found;
}

void import_keys_secret(struct str site, struct str head, struct import_secret *ret_secret)
{
    hash_state state;
    begin(&state, site, sizeof(ret_secret->bytes), PERSONAL_KEY);
    add(&state, head);
    (void)crypto_generichash_blake2b_final(&state, ret_secret->bytes, sizeof(ret_secret->bytes));
    if (head.len < IMPORT_SHORT_BYTES)
        make_slow(ret_secret->bytes, sizeof(ret_secret->bytes));
    sodium_memzero(&state, sizeof(state));
}

void import_keys_digest(uint8_t digest[IMPORT_DIGEST_BYTES], uint64_t lines)
{
    if (lines < IMPORT_SHORT_LINES)
        make_slow(digest, IMPORT_DIGEST_BYTES);
}

void import_keys_day(const struct import_secret *secret, uint32_t date, struct day_key *ret_key)
{
    const unsigned char bytes[4] = {(unsigned char)date, (unsigned char)(date >> 8),
                                    (unsigned char)(date >> 16), (unsigned char)(date >> 24)};
    unsigned char key[2 * DAY_KEY_BYTES];
    (void)crypto_generichash_blake2b_salt_personal(key, sizeof(key), bytes, sizeof(bytes),
                                                   secret->bytes, sizeof(secret->bytes), NULL,
                                                   PERSONAL_DAY);
    memcpy(ret_key->visit, key, DAY_KEY_BYTES);
    memcpy(ret_key->sketch, key + DAY_KEY_BYTES, DAY_KEY_BYTES);
    sodium_memzero(key, sizeof(key));
}

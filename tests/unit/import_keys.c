/* A log's own names and keys: the same for the same log, and for nothing else. */

#include "collector/import_keys.h"

#include <sodium.h>
#include <string.h>

#include "common/limits.h"
#include "tests/test.h"

#define S(text) STR_LIT(text)
#define SITE S("a.example")

static void ids_and_keys_follow_from_site_head_and_date(void **state)
{
    struct import_secret one, same, other;
    struct day_key first, again, next;
    (void)state;
    assert_true(import_keys_id(SITE, S("head")) == import_keys_id(SITE, S("head")));
    assert_true(import_keys_id(SITE, S("head")) != import_keys_id(SITE, S("heaD")));
    assert_true(import_keys_id(SITE, S("head")) != import_keys_id(S("b.example"), S("head")));
    /* Where the site ends is part of it. */
    assert_true(import_keys_id(S("a"), S("bhead")) != import_keys_id(S("ab"), S("head")));
    import_keys_secret(SITE, S("head"), &one);
    import_keys_secret(SITE, S("head"), &same);
    import_keys_secret(SITE, S("heaD"), &other);
    assert_memory_equal(&one, &same, sizeof(one));
    assert_memory_not_equal(&one, &other, sizeof(one));
    import_keys_day(&one, 20150517, &first);
    import_keys_day(&same, 20150517, &again);
    import_keys_day(&one, 20150518, &next);
    assert_memory_equal(&first, &again, sizeof(first));
    assert_memory_not_equal(&first, &next, sizeof(first));
    assert_memory_not_equal(first.visit, first.sketch, sizeof(first.visit));
}

static void the_id_at_rest_says_nothing_of_the_keys(void **state)
{
    struct import_secret secret;
    uint64_t id = import_keys_id(SITE, S("head"));
    (void)state;
    import_keys_secret(SITE, S("head"), &secret);
    for (size_t at = 0; at + sizeof(id) <= sizeof(secret.bytes); at++) {
        uint64_t part = 0;
        for (size_t i = 0; i < sizeof(id); i++)
            part = part << 8 | secret.bytes[at + i];
        assert_true(part != id);
    }
}

static void the_row_of_the_longest_head_is_found(void **state)
{
    struct str head = S("line 1\nline 2\nline 3\n");
    struct import_row rows[] = {
        {.id = import_keys_id(SITE, S("another")), .head_bytes = 7, .number = 1},
        {.id = import_keys_id(SITE, head), .head_bytes = 21, .number = 2},
        {.id = import_keys_id(SITE, str_prefix(head, 7)), .head_bytes = 7, .number = 3},
        {.id = import_keys_id(SITE, S("line 1\nline 2\nline 3\nmore")),
         .head_bytes = 25,
         .number = 4},
        {.id = import_keys_id(SITE, str_prefix(head, 14)),
         .head_bytes = 15,
         .number = 5}, /* wrong */
    };
    const struct import_row *found;
    (void)state;
    found = import_keys_find(SITE, head, rows, ARRAY_LEN(rows));
    assert_true(found != NULL && found->number == 2);
    found = import_keys_find(SITE, str_prefix(head, 20), rows, ARRAY_LEN(rows));
    assert_true(found != NULL && found->number == 3);
    assert_null(import_keys_find(S("b.example"), head, rows, ARRAY_LEN(rows)));
    assert_null(import_keys_find(SITE, S("lin"), rows, ARRAY_LEN(rows)));
    assert_null(import_keys_find(SITE, head, rows, 0));
}

/* BLAKE2b of a short head with the id's personalisation, as anybody could compute it, is not the
 * name: a guess has to go through Argon2. */
static void short_logs_are_slow_to_guess(void **state)
{
    static char head[IMPORT_SHORT_BYTES + 1];
    (void)state;
    memset(head, 'x', sizeof(head));
    for (size_t len = IMPORT_SHORT_BYTES - 1; len <= IMPORT_SHORT_BYTES; len++) {
        crypto_generichash_blake2b_state hash;
        unsigned char bytes[8];
        uint64_t fast = 0;
        crypto_generichash_blake2b_init_salt_personal(&hash, NULL, 0, sizeof(bytes), NULL,
                                                      (const unsigned char *)"footfall-log-id.");
        crypto_generichash_blake2b_update(&hash, (const unsigned char *)"a.example", 10);
        crypto_generichash_blake2b_update(&hash, (const unsigned char *)head, len);
        crypto_generichash_blake2b_final(&hash, bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes); i++)
            fast = fast << 8 | bytes[i];
        uint64_t id = import_keys_id(SITE, (struct str){head, len});
        assert_int_equal(id == fast, len >= IMPORT_SHORT_BYTES);
    }
    for (uint64_t lines = IMPORT_SHORT_LINES - 1; lines <= IMPORT_SHORT_LINES; lines++) {
        uint8_t digest[IMPORT_DIGEST_BYTES] = {1, 2, 3}, before[IMPORT_DIGEST_BYTES] = {1, 2, 3};
        import_keys_digest(digest, lines);
        assert_int_equal(memcmp(digest, before, sizeof(digest)) == 0, lines >= IMPORT_SHORT_LINES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_and_keys_follow_from_site_head_and_date),
        cmocka_unit_test(the_id_at_rest_says_nothing_of_the_keys),
        cmocka_unit_test(short_logs_are_slow_to_guess),
        cmocka_unit_test(the_row_of_the_longest_head_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

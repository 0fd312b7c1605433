/* A log's own names and keys: the same for the same log, and for nothing else. */

#include "collector/import_keys.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_and_keys_follow_from_site_head_and_date),
        cmocka_unit_test(the_id_at_rest_says_nothing_of_the_keys),
        cmocka_unit_test(the_row_of_the_longest_head_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

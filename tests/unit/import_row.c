/* Rows of imports: as text and back, and what is none. */

#include "aggregator/import_row.h"

#include "common/limits.h"
#include "tests/test.h"

#define S(text) STR_LIT(text)
#define ID "00b2c3d4e5f60718"
#define DIGEST "00112233445566778899aabbccddeeff"

static void a_row_comes_back_as_it_was(void **state)
{
    struct import_row row;
    char id[IMPORT_ID_DIGITS + 1], covers[IMPORT_COVERS_BYTES];
    (void)state;
    assert_true(import_row_parse(S(ID), S("3:49152:65536:" DIGEST), &row));
    assert_true(row.id == 0x00b2c3d4e5f60718 && row.number == 3 && row.lines == 49152);
    assert_int_equal(row.head_bytes, 65536);
    assert_int_equal(row.digest[15], 0xff);
    import_row_id(row.id, id);
    import_row_covers(&row, covers);
    assert_string_equal(id, ID);
    assert_string_equal(covers, "49152:65536:" DIGEST);
}

static void the_largest_row_fits(void **state)
{
    struct import_row row = {
        .number = 1, .lines = 999999999999999, .head_bytes = IMPORT_HEAD_BYTES_MAX};
    char covers[IMPORT_COVERS_BYTES];
    (void)state;
    import_row_covers(&row, covers);
    assert_string_equal(covers, "999999999999999:65536:00000000000000000000000000000000");
}

static void anything_else_is_no_row(void **state)
{
    static const struct {
        struct str field, value;
    } BAD[] = {
        {S("00b2c3d4e5f6071"), S("3:1:1:" DIGEST)},
        {S("00b2c3d4e5f607188"), S("3:1:1:" DIGEST)},
        {S("00B2c3d4e5f60718"), S("3:1:1:" DIGEST)},
        {S(ID), S("")},
        {S(ID), S("3:1:1")},
        {S(ID), S("0:1:1:" DIGEST)}, /* numbers begin with 1 */
        {S(ID), S("3:1:0:" DIGEST)}, /* no head */
        {S(ID), S("3:1:65537:" DIGEST)},
        {S(ID), S("3:-1:1:" DIGEST)},
        {S(ID), S("3:1:1:" DIGEST "0")},
        {S(ID), S("3:1:1:00112233445566778899aabbccddeef")},
        {S(ID), S("3:1:1:0011223344556677889 aabbccddeeff")},
        {S(ID), S("3:1000000000000000:1:" DIGEST)},
        {S(ID), S("3::1:" DIGEST)},
    };
    struct import_row row = {.number = 77};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_false(import_row_parse(BAD[i].field, BAD[i].value, &row));
    assert_int_equal(row.number, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_comes_back_as_it_was),
        cmocka_unit_test(the_largest_row_fits),
        cmocka_unit_test(anything_else_is_no_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

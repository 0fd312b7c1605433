/* The bounded buffer: content, the cap and what happens past it. */

#include "common/buf.h"

#include "tests/test.h"

static void appends_in_order(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    buf_append_str(&buf, STR_LIT("ab"));
    buf_append_byte(&buf, 'c');
    buf_printf(&buf, "%d", 42);
    assert_true(str_eq(buf_str(&buf), STR_LIT("abc42")));
    buf_done(&buf);
}

static void cap_below_at_and_above(void **state)
{
    (void)state;
    for (size_t len = 9; len <= 11; len++) {
        struct buf buf;
        buf_init(&buf, 10);
        buf_append(&buf, "0123456789x", len);
        assert_int_equal(buf.overflow, len > 10);
        assert_int_equal(buf.len, len > 10 ? 0 : len);
        buf_done(&buf);
    }
}

static void after_an_overflow_nothing_is_appended(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 4);
    buf_append_str(&buf, STR_LIT("12345"));
    buf_append_str(&buf, STR_LIT("1"));
    assert_int_equal(buf.len, 0);
    buf_reset(&buf);
    buf_append_str(&buf, STR_LIT("1"));
    assert_int_equal(buf.len, 1);
    assert_false(buf.overflow);
    buf_done(&buf);
}

static void numbers_are_decimal(void **state)
{
    (void)state;
    static const int64_t NUMBERS[] = {0, 9, 10, -1, -10, INT64_MAX, INT64_MIN};
    struct buf buf;
    buf_init(&buf, 200);
    for (size_t i = 0; i < ARRAY_LEN(NUMBERS); i++) {
        buf_append_int(&buf, NUMBERS[i]);
        buf_append_byte(&buf, ' ');
    }
    assert_true(
        str_eq(buf_str(&buf), STR_LIT("0 9 10 -1 -10 9223372036854775807 -9223372036854775808 ")));
    buf_done(&buf);
}

static void varints_are_leb128(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100);
    buf_append_varint(&buf, 127);
    buf_append_varint(&buf, 128);
    buf_append_varint(&buf, UINT64_MAX);
    assert_true(
        str_eq(buf_str(&buf), STR_LIT("\x7f\x80\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")));
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_in_order),
        cmocka_unit_test(cap_below_at_and_above),
        cmocka_unit_test(after_an_overflow_nothing_is_appended),
        cmocka_unit_test(numbers_are_decimal),
        cmocka_unit_test(varints_are_leb128),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

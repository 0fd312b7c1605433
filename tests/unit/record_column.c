/* Columns of numbers as bits, and the scale of seconds. */

#include "tests/test.h"

#include <stdlib.h>

#include "aggregator/record_column.h"
#include "common/limits.h"
#include "synthetic_day.h"

enum { BYTES_MAX = 1024 * 1024, COLUMN_NUMBERS = 2000 };

static bool is_within_a_step(int64_t a, int64_t b)
{
    int64_t off = a > b ? a - b : b - a, size = a < 0 ? -a : a;
    return off * 64 <= size;
}

static void the_scale_keeps_order_and_size(void **state)
{
    (void)state;
    uint64_t seed = 1;
    int64_t last = -1;
    for (int64_t number = 0; number < 100000; number++) {
        int64_t place = record_scale(number), back = record_unscale(place);
        assert_true(place >= last && is_within_a_step(number, back));
        assert_true(record_scale(back) == place);
        last = place;
    }
    for (int i = 0; i < 100000; i++) {
        int64_t number = (int64_t)(synthetic_random(&seed) >> (11 + synthetic_random(&seed) % 50));
        assert_true(is_within_a_step(number, record_unscale(record_scale(number))));
        assert_true(record_scale(-number) == -record_scale(number));
    }
    assert_true(record_unscale(record_scale(DAY_SUM_MAX)) == DAY_SUM_MAX);
}

/* Columns one behind the other, as they may stand in a part. */
static void check_columns(uint64_t numbers[][COLUMN_NUMBERS], size_t count, size_t numbers_each)
{
    struct record_column_writer writer;
    uint64_t again[COLUMN_NUMBERS], bits = 0;
    record_column_writer_init(&writer, BYTES_MAX);
    for (size_t c = 0; c < count; c++) {
        record_column_write(&writer, numbers[c], numbers_each, c % 2 == 1);
        bits += record_column_cost(numbers[c], numbers_each, c % 2 == 1);
    }
    record_column_finish(&writer);
    assert_int_equal(writer.bits.len, (bits + 7) / 8);
    char *copy = malloc(writer.bits.len + 1);
    assert_non_null(copy);
    memcpy(copy, buf_str(&writer.bits).ptr, writer.bits.len);
    struct record_column_reader reader = {.bits = {copy, writer.bits.len}};
    for (size_t c = 0; c < count; c++) {
        assert_true(record_column_read(&reader, numbers_each, c % 2 == 1, again));
        assert_memory_equal(numbers[c], again, numbers_each * sizeof(again[0]));
    }
    assert_false(record_column_read(&reader, 8, false, again));
    free(copy);
    record_column_writer_done(&writer);
}

static void columns_come_back(void **state)
{
    (void)state;
    enum { COLUMNS = 10 };
    static uint64_t numbers[COLUMNS][COLUMN_NUMBERS];
    uint64_t seed = 3;
    for (size_t c = 0; c < COLUMNS; c++)
        for (size_t i = 0; i < COLUMN_NUMBERS; i++) {
            uint64_t any = synthetic_random(&seed) >> synthetic_random(&seed) % 64;
            const uint64_t kinds[] = {0, i % 7 == 3, any % 40, COLUMN_NUMBERS / (i + 1), any};
            numbers[c][i] = kinds[c / 2];
        }
    numbers[COLUMNS - 2][7] = numbers[COLUMNS - 1][7] = UINT64_MAX;
    check_columns(numbers, COLUMNS, COLUMN_NUMBERS);
    check_columns(numbers, COLUMNS, 1);
    check_columns(numbers, COLUMNS, 8);
}

/* Records outlive the code that wrote them. The bytes are those of another program after
 * record_column.h: its example, and a column with an escape, plain and then in runs. */
static void numbers_are_written_as_told(void **state)
{
    (void)state;
    static const uint64_t EXAMPLE[] = {5, 9};
    static const uint64_t NUMBERS[] = {5, 9, 0, 0, 300, 1, 1, 2, 0, 40000000, 7, 0, 0, 0};
    static const uint8_t EXAMPLE_BITS[] = {0xb5, 0x00}; /* 1 0, 1 0; 1 1 0, 1 0 */
    static const uint8_t BITS[] = {0xb5, 0x80, 0xff, 0xff, 0x7f, 0x84, 0xa5, 0x20, 0x10, 0xf0,
                                   0xff, 0xff, 0x9f, 0x01, 0x68, 0x89, 0xe9, 0x00, 0x00, 0x00,
                                   0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x1e, 0xcf,
                                   0xfe, 0xff, 0xff, 0x91, 0x95, 0x00, 0x00, 0xd1, 0xff, 0xff,
                                   0x7f, 0xf6, 0x9f, 0x25, 0x26, 0x06, 0x00, 0xc0, 0x01};
    struct record_column_writer writer;
    record_column_writer_init(&writer, BYTES_MAX);
    record_column_write(&writer, EXAMPLE, ARRAY_LEN(EXAMPLE), false);
    record_column_finish(&writer);
    assert_int_equal(writer.bits.len, sizeof(EXAMPLE_BITS));
    assert_memory_equal(writer.bits.ptr, EXAMPLE_BITS, sizeof(EXAMPLE_BITS));
    buf_reset(&writer.bits);
    record_column_write(&writer, NUMBERS, ARRAY_LEN(NUMBERS), false);
    record_column_write(&writer, NUMBERS, ARRAY_LEN(NUMBERS), true);
    record_column_finish(&writer);
    assert_int_equal(writer.bits.len, sizeof(BITS));
    assert_memory_equal(writer.bits.ptr, BITS, sizeof(BITS));
    record_column_writer_done(&writer);
}

/* More zeros than there are numbers. */
static void a_run_past_its_column_is_refused(void **state)
{
    (void)state;
    static const uint64_t NUMBERS[9] = {1}; /* and eight zeros */
    uint64_t again[9];
    struct record_column_writer writer;
    record_column_writer_init(&writer, BYTES_MAX);
    record_column_write(&writer, NUMBERS, 9, true);
    record_column_finish(&writer);
    struct record_column_reader reader = {.bits = buf_str(&writer.bits)};
    assert_false(record_column_read(&reader, 8, true, again));
    assert_true(record_column_read(&reader, 9, true, again));
    assert_memory_equal(again, NUMBERS, sizeof(again));
    record_column_writer_done(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scale_keeps_order_and_size),
        cmocka_unit_test(columns_come_back),
        cmocka_unit_test(numbers_are_written_as_told),
        cmocka_unit_test(a_run_past_its_column_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

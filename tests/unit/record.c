/* Sealed days: the worked example, the way there and back, and bytes that are not as they were. */

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "aggregator/record.h"
#include "aggregator/record_column.h"
#include "aggregator/threshold.h"
#include "common/crc32c.h"
#include "synthetic_day.h"

enum { BYTES_MAX = 8 * 1024 * 1024 };

static const struct synthetic_site SITE = {.pages = 400, .sources = 40, .countries = 30};

/* A day, sealed. */
struct sealed {
    struct day_names names;
    struct day day;
    struct record_names month;
    struct buf bytes, chunk;
};

static void sealed_init(struct sealed *sealed)
{
    day_names_init(&sealed->names);
    day_init(&sealed->day, 20261123, &sealed->names);
    assert_true(day_set_timezone(&sealed->day, STR_LIT("UTC")));
    record_names_init(&sealed->month);
    buf_init(&sealed->bytes, BYTES_MAX);
    buf_init(&sealed->chunk, BYTES_MAX);
}

static void sealed_done(struct sealed *sealed)
{
    day_done(&sealed->day);
    day_names_done(&sealed->names);
    record_names_done(&sealed->month);
    buf_done(&sealed->bytes);
    buf_done(&sealed->chunk);
}

static void seal(struct sealed *sealed)
{
    buf_reset(&sealed->bytes);
    buf_reset(&sealed->chunk);
    record_encode(&sealed->day, &sealed->month, &sealed->bytes, &sealed->chunk);
}

static void seal_one_view(struct sealed *sealed)
{
    sealed_init(sealed);
    struct day_row *row = day_row(&sealed->day, TABLE_TOTAL, STR_EMPTY);
    row->sums[METRIC_PAGEVIEWS] = row->sums[METRIC_VISITS] = row->sums[METRIC_VISITORS] = 1;
    seal(sealed);
}

static void seal_synthetic(struct sealed *sealed, uint32_t views)
{
    struct thresholds standard = thresholds_of_preset(SITE_STANDARD);
    sealed_init(sealed);
    synthetic_day_fill(&sealed->day, &SITE, views, 7);
    threshold_apply(&sealed->day, &standard);
    seal(sealed);
}

/* Decodes a copy of the exact size, so that a read past the end is seen. */
static enum record_status decode(struct str bytes, struct record_names *month, struct day *day)
{
    struct record_reader *reader = record_reader_new();
    char *copy = malloc(bytes.len + (bytes.len == 0));
    assert_non_null(copy);
    memcpy(copy, bytes.ptr, bytes.len);
    day_init(day, 20261123, &month->names);
    enum record_status status = record_decode(reader, (struct str){copy, bytes.len}, month, day);
    free(copy);
    record_reader_free(reader);
    return status;
}

static enum record_status status_of(struct str bytes, struct record_names *month)
{
    struct day day;
    enum record_status status = decode(bytes, month, &day);
    day_done(&day);
    return status;
}

static void the_worked_example_is_what_is_written(void **state)
{
    (void)state;
    static const uint8_t HEAD[] = {0x46, 0x46, 0x44, 0x41, 0x59, 0x76, 0x31, 0x0a, 0x01,
                                   0x00, 0x00, 0x00, 0x03, 0x29, 0x35, 0x01, 0x19, 0x00,
                                   0x00, 0x00, 0xb6, 0xbd, 0x81, 0x53, 0x55, 0x54, 0x43};
    static const uint8_t TAIL[] = {0xf1, 0x0c, 0x86, 0xf8, 0xf8, 0x7a, 0x04, 0xf4, 0x00, 0x12, 0x00,
                                   0x01, 0x01, 0x81, 0x04, 0x81, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00,
                                   0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x72, 0x33, 0x90, 0x15};
    static const uint8_t CHUNK[] = {0x46, 0x46, 0x6e, 0x31, 0x0d, 0x00, 0x00, 0x00, 0xb6,
                                    0xbd, 0x81, 0x53, 0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x04,
                                    0x21, 0x00, 0x00, 0x00, 0x01, 0x00, 0xff};
    enum { TAIL_AT = RECORD_HEADER_BYTES - 8, LENGTH_AT = 64, LENGTH = 0x18 };
    uint8_t expected[TAIL_AT + sizeof(TAIL)] = {[LENGTH_AT] = LENGTH};
    struct sealed sealed;
    memcpy(expected, HEAD, sizeof(HEAD));
    memcpy(expected + TAIL_AT, TAIL, sizeof(TAIL));
    seal_one_view(&sealed);
    assert_int_equal(sealed.bytes.len, sizeof(expected));
    assert_memory_equal(sealed.bytes.ptr, expected, sizeof(expected));
    assert_int_equal(sealed.chunk.len, sizeof(CHUNK));
    assert_memory_equal(sealed.chunk.ptr, CHUNK, sizeof(CHUNK));
    sealed_done(&sealed);
}

/* A reader keeps what it has decoded for as long as the stamp is the same. */
static void a_count_more_changes_the_stamp_though_no_length_changes(void **state)
{
    (void)state;
    struct buf bytes[2];
    for (int i = 0; i < 2; i++) {
        struct record_names month;
        struct buf chunk;
        struct day day;
        record_names_init(&month);
        buf_init(&chunk, RECORD_NAMES_BYTES_MAX);
        buf_init(&bytes[i], BYTES_MAX);
        day_init(&day, 20261123, &month.names);
        day_row(&day, TABLE_TOTAL, STR_EMPTY)->sums[METRIC_PAGEVIEWS] = 5 + i;
        record_encode(&day, &month, &bytes[i], &chunk);
        day_done(&day);
        buf_done(&chunk);
        record_names_done(&month);
    }
    assert_int_equal(bytes[0].len, bytes[1].len);
    assert_memory_equal(bytes[0].ptr, bytes[1].ptr, RECORD_HEADER_BYTES - 8);
    assert_memory_not_equal(bytes[0].ptr + RECORD_STAMP_AT, bytes[1].ptr + RECORD_STAMP_AT,
                            RECORD_STAMP_BYTES);
    buf_done(&bytes[0]);
    buf_done(&bytes[1]);
}

static bool is_within(int64_t a, int64_t b, bool is_scaled)
{
    int64_t off = a > b ? a - b : b - a, size = a < 0 ? -a : a;
    return is_scaled ? off * 64 <= size : off == 0;
}

static void assert_same(const struct day *day, const struct day *again)
{
    for (int t = 0; t < TABLE__COUNT; t++) {
        assert_int_equal(day->tables[t].count, again->tables[t].count);
        for (uint32_t i = 0; i < day->tables[t].count; i++) {
            const struct day_row *row = &day->tables[t].rows[i];
            uint32_t name;
            assert_true(day_names_find(again->names, (enum table)t,
                                       day_names_at(day->names, (enum table)t, row->name), &name));
            const struct day_row *other = day_row_find(again, (enum table)t, name);
            assert_non_null(other);
            for (int m = 0; m < METRIC__COUNT; m++)
                assert_true(is_within(row->sums[m], other->sums[m],
                                      record_is_scaled((enum table)t, (enum metric)m)));
        }
    }
}

static void assert_same_crosses(const struct day *day, const struct day *again)
{
    for (int c = 0; c < CROSS__COUNT; c++) {
        enum table tables[] = {model_cross_left((enum cross)c), model_cross_right((enum cross)c)};
        const struct day_cross *cross = &day->crosses[c];
        assert_int_equal(cross->count, again->crosses[c].count);
        assert_true(cross->hidden_views == again->crosses[c].hidden_views &&
                    cross->hidden_visits == again->crosses[c].hidden_visits);
        for (uint32_t i = 0; i < cross->count; i++) {
            const struct day_cell *cell = &cross->cells[i], *other;
            uint32_t left, right;
            assert_true(day_names_find(again->names, tables[0],
                                       day_names_at(day->names, tables[0], cell->left), &left));
            assert_true(day_names_find(again->names, tables[1],
                                       day_names_at(day->names, tables[1], cell->right), &right));
            other = day_cell_find(again, (enum cross)c, left, right);
            assert_non_null(other);
            assert_true(cell->views == other->views && cell->visits == other->visits);
        }
    }
}

static void a_day_comes_back(void **state)
{
    (void)state;
    static const uint32_t VIEWS[] = {1, 30, 900, 12000};
    for (size_t i = 0; i < ARRAY_LEN(VIEWS); i++) {
        struct sealed sealed;
        struct record_names month;
        struct day day;
        seal_synthetic(&sealed, VIEWS[i]);
        record_names_init(&month);
        assert_true(record_names_read(&month, buf_str(&sealed.chunk)));
        assert_int_equal(decode(buf_str(&sealed.bytes), &month, &day), RECORD_OK);
        assert_same(&sealed.day, &day);
        assert_same_crosses(&sealed.day, &day);
        /* Of what folded away not even the names are there. */
        assert_int_equal(day_names_count(&month.names, TABLE_REGION),
                         sealed.day.tables[TABLE_REGION].count);
        assert_int_equal(day.k, THRESHOLD_K_STANDARD);
        assert_int_equal(day.applied, DAY_REGIONS_FOLDED | DAY_CELLS_HIDDEN);
        assert_string_equal(day.timezone, "UTC");
        day_done(&day);
        record_names_done(&month);
        sealed_done(&sealed);
    }
}

/* Differences over midnight, the largest that may be, and rows without a number. */
static void odd_numbers_come_back(void **state)
{
    (void)state;
    static const int64_t ODD[] = {-1, -1000000, DAY_SUM_MAX, -DAY_SUM_MAX, 15, 16, 17, 1, 0};
    struct sealed sealed;
    struct day day;
    char text[16];
    sealed_init(&sealed);
    for (size_t i = 0; i < 300; i++) {
        snprintf(text, sizeof(text), "/%zu", i);
        struct day_row *row = day_row(&sealed.day, TABLE_PAGE, str_from(text));
        for (size_t m = 0; m < METRIC__COUNT; m++)
            row->sums[m] = ODD[(i * 7 + m * (i / 9 + 1)) % ARRAY_LEN(ODD)];
        row->sums[METRIC_PAGEVIEWS] = 1 + (int64_t)i;
    }
    (void)day_row(&sealed.day, TABLE_COUNTRY, STR_LIT("NL"));
    seal(&sealed);
    assert_int_equal(decode(buf_str(&sealed.bytes), &sealed.month, &day), RECORD_OK);
    assert_int_equal(day.tables[TABLE_COUNTRY].count, 0);
    assert_int_equal(day_names_count(&sealed.month.names, TABLE_COUNTRY), 0);
    sealed.day.tables[TABLE_COUNTRY].count = 0;
    assert_same(&sealed.day, &day);
    day_done(&day);
    sealed_done(&sealed);
}

static void the_scale_keeps_order_and_size(void **state)
{
    (void)state;
    uint64_t seed = 1;
    int64_t last = -1;
    for (int64_t number = 0; number < 100000; number++) {
        int64_t place = record_scale(number), back = record_unscale(place);
        assert_true(place >= last && is_within(number, back, true));
        assert_true(record_scale(back) == place);
        last = place;
    }
    for (int i = 0; i < 100000; i++) {
        int64_t number = (int64_t)(synthetic_random(&seed) >> (11 + synthetic_random(&seed) % 50));
        assert_true(is_within(number, record_unscale(record_scale(number)), true));
        assert_true(record_scale(-number) == -record_scale(number));
    }
    assert_true(record_unscale(record_scale(DAY_SUM_MAX)) == DAY_SUM_MAX);
}

static void columns_come_back(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    static uint64_t numbers[COUNT], again[COUNT];
    struct record_column_writer writer;
    uint64_t seed = 3;
    for (size_t i = 0; i < COUNT; i++)
        numbers[i] = i < 100 ? i : synthetic_random(&seed) >> synthetic_random(&seed) % 64;
    numbers[100] = UINT64_MAX;
    record_column_writer_init(&writer, BYTES_MAX);
    for (size_t i = 0; i < COUNT; i++)
        record_column_write(&writer, numbers[i]);
    record_column_finish(&writer);
    struct record_column_reader reader = {.classes = buf_str(&writer.classes),
                                          .bits = buf_str(&writer.bits)};
    struct record_column_reader passing = reader;
    assert_true(record_column_read(&passing, COUNT - 1, NULL));
    assert_true(record_column_read(&passing, 1, again));
    assert_true(again[0] == numbers[COUNT - 1]);
    assert_true(record_column_read(&reader, COUNT, again));
    assert_memory_equal(numbers, again, sizeof(numbers));
    assert_false(record_column_read(&reader, 1, again));
    record_column_writer_done(&writer);
}

static void one_table_is_read_alone(void **state)
{
    (void)state;
    struct sealed sealed;
    struct record record;
    struct day all, some;
    size_t at, len;
    struct record_reader *reader = record_reader_new();
    uint32_t wanted = 1u << METRIC_PAGEVIEWS | 1u << METRIC_ENGAGED_SECONDS;
    seal_synthetic(&sealed, 12000);
    assert_int_equal(decode(buf_str(&sealed.bytes), &sealed.month, &all), RECORD_OK);
    assert_int_equal(record_open(str_prefix(buf_str(&sealed.bytes), RECORD_HEADER_BYTES), &record),
                     RECORD_OK);
    for (int t = 0; t < TABLE__COUNT; t++) {
        day_init(&some, 20261123, &sealed.month.names);
        if (!record_find_part(&record, record_part_of_table((enum table)t), &at, &len))
            at = len = 0;
        struct str part = str_prefix(str_from_at(buf_str(&sealed.bytes), at), len);
        assert_int_equal(record_read_table(reader, &record, part,
                                           (struct record_wanted){(enum table)t, wanted}, &some),
                         RECORD_OK);
        assert_int_equal(some.tables[t].count, all.tables[t].count);
        for (uint32_t i = 0; i < some.tables[t].count; i++) {
            const struct day_row *row = &some.tables[t].rows[i];
            const struct day_row *whole = day_row_find(&all, (enum table)t, row->name);
            for (int m = 0; m < METRIC__COUNT; m++)
                assert_true(row->sums[m] == ((wanted >> m & 1) != 0 ? whole->sums[m] : 0));
        }
        day_done(&some);
    }
    day_done(&all);
    record_reader_free(reader);
    sealed_done(&sealed);
}

static void a_record_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct sealed sealed;
    seal_synthetic(&sealed, 40);
    for (size_t len = 0; len < sealed.bytes.len; len++)
        assert_int_equal(status_of(str_prefix(buf_str(&sealed.bytes), len), &sealed.month),
                         RECORD_TRUNCATED);
    buf_append_byte(&sealed.bytes, 0);
    assert_int_equal(status_of(buf_str(&sealed.bytes), &sealed.month), RECORD_BAD_HEADER);
    sealed_done(&sealed);
}

static void a_flipped_bit_is_refused(void **state)
{
    (void)state;
    struct sealed sealed;
    seal_synthetic(&sealed, 40);
    for (size_t bit = 0; bit < 8 * sealed.bytes.len; bit++) {
        sealed.bytes.ptr[bit / 8] ^= (char)(1 << bit % 8);
        enum record_status status = status_of(buf_str(&sealed.bytes), &sealed.month);
        if (bit / 8 < 8)
            assert_int_equal(status, RECORD_NO_RECORD);
        else
            assert_int_equal(status,
                             bit / 8 < RECORD_HEADER_BYTES ? RECORD_BAD_CHECKSUM : RECORD_BAD_PART);
        sealed.bytes.ptr[bit / 8] ^= (char)(1 << bit % 8);
    }
    sealed_done(&sealed);
}

static void fix_header(struct buf *bytes)
{
    uint32_t crc = crc32c(0, bytes->ptr, RECORD_HEADER_BYTES - 4);
    for (int i = 0; i < 4; i++)
        bytes->ptr[RECORD_HEADER_BYTES - 4 + i] = (char)(crc >> 8 * i);
}

static void another_version_is_refused_in_words(void **state)
{
    (void)state;
    struct sealed sealed;
    seal_one_view(&sealed);
    sealed.bytes.ptr[8] = RECORD_VERSION + 1;
    fix_header(&sealed.bytes);
    enum record_status status = status_of(buf_str(&sealed.bytes), &sealed.month);
    assert_int_equal(status, RECORD_UNKNOWN_VERSION);
    assert_string_equal(record_status_text(status),
                        "it has a version that this Footfall does not know");
    for (int i = 0; i < RECORD_STATUS__COUNT; i++)
        assert_true(strlen(record_status_text((enum record_status)i)) > 0);
    sealed_done(&sealed);
}

static void a_part_of_another_day_is_refused(void **state)
{
    (void)state;
    struct sealed sealed;
    seal_one_view(&sealed);
    sealed.bytes.ptr[12]++; /* the day after */
    fix_header(&sealed.bytes);
    assert_int_equal(status_of(buf_str(&sealed.bytes), &sealed.month), RECORD_BAD_PART);
    sealed.bytes.ptr[12]--;
    /* The total as the hours: the next part. */
    memcpy(sealed.bytes.ptr + 67, sealed.bytes.ptr + 64, 3);
    memset(sealed.bytes.ptr + 64, 0, 3);
    fix_header(&sealed.bytes);
    assert_int_equal(status_of(buf_str(&sealed.bytes), &sealed.month), RECORD_BAD_PART);
    sealed_done(&sealed);
}

static void a_record_needs_its_own_months_names(void **state)
{
    (void)state;
    struct sealed first, second;
    struct buf whole;
    struct record_names month;
    seal_synthetic(&first, 300);
    seal_synthetic(&second, 200);
    assert_int_equal(status_of(buf_str(&first.bytes), &second.month), RECORD_BAD_NAMES);
    /* Another day's names behind them are no harm; without the first ones they are nothing. */
    record_names_init(&month);
    buf_init(&whole, BYTES_MAX);
    buf_append_str(&whole, buf_str(&first.chunk));
    synthetic_day_fill(&first.day, &SITE, 2000, 99);
    buf_reset(&first.chunk);
    record_encode(&first.day, &first.month, &second.bytes, &first.chunk);
    assert_true(first.chunk.len > 0);
    size_t first_end = whole.len;
    buf_append_str(&whole, buf_str(&first.chunk));
    assert_true(record_names_read(&month, buf_str(&whole)));
    assert_int_equal(status_of(buf_str(&first.bytes), &month), RECORD_OK);
    assert_int_equal(month.names.count, first.month.names.count);
    record_names_done(&month);
    record_names_init(&month);
    assert_false(record_names_read(&month, str_from_at(buf_str(&whole), first_end)));
    record_names_done(&month);
    buf_done(&whole);
    sealed_done(&first);
    sealed_done(&second);
}

/* Cut at any byte they are refused, or are the names up to there; a flipped bit is refused. */
static void damaged_names_are_found_out(void **state)
{
    (void)state;
    struct sealed sealed;
    struct record_names month;
    seal_synthetic(&sealed, 40);
    for (size_t len = 1; len < sealed.chunk.len; len++) {
        record_names_init(&month);
        assert_false(record_names_read(&month, str_prefix(buf_str(&sealed.chunk), len)));
        record_names_done(&month);
    }
    for (size_t bit = 0; bit < 8 * sealed.chunk.len; bit += 5) {
        sealed.chunk.ptr[bit / 8] ^= (char)(1 << bit % 8);
        record_names_init(&month);
        assert_false(record_names_read(&month, buf_str(&sealed.chunk)));
        record_names_done(&month);
        sealed.chunk.ptr[bit / 8] ^= (char)(1 << bit % 8);
    }
    sealed_done(&sealed);
}

static void a_day_without_new_names_writes_none(void **state)
{
    (void)state;
    struct sealed sealed;
    seal_synthetic(&sealed, 100);
    uint32_t end = sealed.month.end;
    assert_int_equal(end, sealed.chunk.len);
    seal(&sealed);
    assert_int_equal(sealed.chunk.len, 0);
    assert_int_equal(sealed.month.end, end);
    sealed_done(&sealed);
}

static void a_late_part_is_merged_and_sealed_again(void **state)
{
    (void)state;
    struct sealed sealed;
    struct day day, again;
    struct day_names late_names;
    struct day late;
    seal_synthetic(&sealed, 300);
    assert_int_equal(decode(buf_str(&sealed.bytes), &sealed.month, &day), RECORD_OK);
    day_names_init(&late_names);
    day_init(&late, 20261123, &late_names);
    day_row(&late, TABLE_PAGE, STR_LIT("/late"))->sums[METRIC_PAGEVIEWS] = 3;
    day_merge(&day, &late);
    buf_reset(&sealed.bytes);
    buf_reset(&sealed.chunk);
    record_encode(&day, &sealed.month, &sealed.bytes, &sealed.chunk);
    assert_true(sealed.chunk.len > 0);
    assert_int_equal(decode(buf_str(&sealed.bytes), &sealed.month, &again), RECORD_OK);
    assert_same(&day, &again);
    day_done(&day);
    day_done(&again);
    day_done(&late);
    day_names_done(&late_names);
    sealed_done(&sealed);
}

/* The largest table and cross that one record may hold. */
static void a_record_at_its_bounds_comes_back(void **state)
{
    (void)state;
    struct sealed sealed;
    struct day day;
    char text[16];
    uint32_t name;
    sealed_init(&sealed);
    for (uint32_t i = 0; i < RECORD_ROWS_MAX; i++) {
        snprintf(text, sizeof(text), "/%u", i);
        day_row(&sealed.day, TABLE_PAGE, str_from(text))->sums[METRIC_PAGEVIEWS] = i + 1;
        snprintf(text, sizeof(text), "%u", i % 64);
        assert_true(day_names_add(&sealed.names, TABLE_OS, str_from(text), &name));
        assert_true(day_names_add(&sealed.names, TABLE_BROWSER, str_from(text), &name));
    }
    for (uint32_t i = 0; i < RECORD_CELLS_MAX; i++)
        day_cell_add(&sealed.day, CROSS_BROWSER_OS,
                     &(struct day_cell){i % 64, i / 64, 2 * (int64_t)i + 1, i});
    seal(&sealed);
    assert_int_equal(decode(buf_str(&sealed.bytes), &sealed.month, &day), RECORD_OK);
    assert_same(&sealed.day, &day);
    assert_same_crosses(&sealed.day, &day);
    day_done(&day);
    sealed_done(&sealed);
}

/* Live counters are read in the order in which their values first came. */
static void names_do_not_tell_which_came_first(void **state)
{
    (void)state;
    enum { PAGES = 40 };
    struct sealed forth, back;
    char text[32];
    sealed_init(&forth);
    sealed_init(&back);
    for (int i = 0; i < PAGES; i++) {
        snprintf(text, sizeof(text), "/page/%d", i);
        day_row(&forth.day, TABLE_PAGE, str_from(text))->sums[METRIC_PAGEVIEWS] = 1 + i % 3;
        snprintf(text, sizeof(text), "/page/%d", PAGES - 1 - i);
        day_row(&back.day, TABLE_PAGE, str_from(text))->sums[METRIC_PAGEVIEWS] =
            1 + (PAGES - 1 - i) % 3;
    }
    seal(&forth);
    seal(&back);
    assert_true(str_eq(buf_str(&forth.chunk), buf_str(&back.chunk)));
    assert_true(str_eq(buf_str(&forth.bytes), buf_str(&back.bytes)));
    sealed_done(&forth);
    sealed_done(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_example_is_what_is_written),
        cmocka_unit_test(a_count_more_changes_the_stamp_though_no_length_changes),
        cmocka_unit_test(a_day_comes_back),
        cmocka_unit_test(odd_numbers_come_back),
        cmocka_unit_test(the_scale_keeps_order_and_size),
        cmocka_unit_test(columns_come_back),
        cmocka_unit_test(one_table_is_read_alone),
        cmocka_unit_test(a_record_cut_anywhere_is_refused),
        cmocka_unit_test(a_flipped_bit_is_refused),
        cmocka_unit_test(another_version_is_refused_in_words),
        cmocka_unit_test(a_part_of_another_day_is_refused),
        cmocka_unit_test(a_record_needs_its_own_months_names),
        cmocka_unit_test(damaged_names_are_found_out),
        cmocka_unit_test(a_day_without_new_names_writes_none),
        cmocka_unit_test(a_late_part_is_merged_and_sealed_again),
        cmocka_unit_test(a_record_at_its_bounds_comes_back),
        cmocka_unit_test(names_do_not_tell_which_came_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

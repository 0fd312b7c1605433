/* Sealed days: the worked example, the way there and back, and bytes that are not as they were. */

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "aggregator/record.h"
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

/* Where some of a header is. */
enum { VERSION_AT = 4, DATE_AT = 8, LENGTH_AT = 28 };

static size_t header_bytes(const struct sealed *sealed)
{
    return (uint8_t)sealed->bytes.ptr[LENGTH_AT];
}

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
    static const uint8_t EXPECTED[] = {
        0x46, 0x46, 0x64, 0x79, 0x02, 0x00, 0x00, 0x00, 0x03, 0x29, 0x35, 0x01, 0x19, 0x00,
        0x00, 0x00, 0xb6, 0xbd, 0x81, 0x53, 0x55, 0x85, 0x06, 0x79, 0xa3, 0x98, 0x2f, 0x17,
        0x23, 0x03, 0x55, 0x54, 0x43, 0x01, 0x13, 0x01, 0x00, 0x04, 0x01, 0x01, 0x01, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x90, 0x04, 0x6b, 0x64, 0xef, 0x5e};
    static const uint8_t CHUNK[] = {0x46, 0x46, 0x6e, 0x31, 0x0d, 0x00, 0x00, 0x00, 0xb6,
                                    0xbd, 0x81, 0x53, 0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x04,
                                    0x21, 0x00, 0x00, 0x00, 0x01, 0x00, 0xff};
    struct sealed sealed;
    seal_one_view(&sealed);
    assert_int_equal(sealed.bytes.len, sizeof(EXPECTED));
    assert_memory_equal(sealed.bytes.ptr, EXPECTED, sizeof(EXPECTED));
    assert_int_equal(sealed.chunk.len, sizeof(CHUNK));
    assert_memory_equal(sealed.chunk.ptr, CHUNK, sizeof(CHUNK));
    sealed_done(&sealed);
}

/* A reader keeps what it has decoded for as long as the stamp is the same. */
static void a_count_more_changes_the_stamp_though_no_length_changes(void **state)
{
    (void)state;
    struct sealed sealed[2];
    for (int i = 0; i < 2; i++) {
        sealed_init(&sealed[i]);
        day_row(&sealed[i].day, TABLE_TOTAL, STR_EMPTY)->sums[METRIC_PAGEVIEWS] = 5 + i;
        seal(&sealed[i]);
    }
    const char *one = sealed[0].bytes.ptr, *other = sealed[1].bytes.ptr;
    assert_int_equal(sealed[0].bytes.len, sealed[1].bytes.len);
    assert_memory_equal(one + LENGTH_AT, other + LENGTH_AT, header_bytes(&sealed[0]) - LENGTH_AT);
    assert_memory_not_equal(one + RECORD_STAMP_AT, other + RECORD_STAMP_AT, RECORD_STAMP_BYTES);
    sealed_done(&sealed[0]);
    sealed_done(&sealed[1]);
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

static void assert_sums(const struct sealed *sealed, const struct day *all, enum table table,
                        uint32_t wanted)
{
    struct record record;
    struct record_sums sums;
    int64_t row[METRIC__COUNT];
    size_t at, len;
    struct record_reader *reader = record_reader_new();
    uint32_t names = day_names_count(&sealed->month.names, table);
    assert_int_equal(
        record_open(str_prefix(buf_str(&sealed->bytes), RECORD_HEADER_BYTES_MAX), &record),
        RECORD_OK);
    record_sums_init(&sums, (struct record_wanted){table, wanted, names});
    if (!record_find_part(&record, record_part_of_table(table), &at, &len))
        at = len = 0;
    struct str part = str_prefix(str_from_at(buf_str(&sealed->bytes), at), len);
    for (int twice = 0; twice < 2; twice++)
        assert_int_equal(record_sum_table(reader, &record, part, &sums), RECORD_OK);
    for (uint32_t name = 0; name < names; name++) {
        const struct day_row *whole = day_row_find(all, table, name);
        (void)record_sums_at(&sums, name, row);
        for (int m = 0; m < METRIC__COUNT; m++)
            assert_true(row[m] ==
                        (whole != NULL && (wanted >> m & 1) != 0 ? 2 * whole->sums[m] : 0));
    }
    record_sums_done(&sums);
    record_reader_free(reader);
}

/* Whatever metrics of it: each by itself, all up to it, and all from it on. */
static void one_table_is_read_alone(void **state)
{
    (void)state;
    struct sealed sealed;
    struct day all;
    seal_synthetic(&sealed, 12000);
    assert_int_equal(decode(buf_str(&sealed.bytes), &sealed.month, &all), RECORD_OK);
    for (int t = 0; t < TABLE__COUNT; t++) {
        for (int m = 0; m < METRIC__COUNT; m++) {
            assert_sums(&sealed, &all, (enum table)t, 1u << m);
            assert_sums(&sealed, &all, (enum table)t, (2u << m) - 1);
            assert_sums(&sealed, &all, (enum table)t, UINT32_MAX << m);
        }
    }
    day_done(&all);
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
        size_t at = bit / 8;
        if (at == LENGTH_AT)
            assert_true(status == RECORD_BAD_CHECKSUM || status == RECORD_TRUNCATED);
        else
            assert_int_equal(status, at < VERSION_AT              ? RECORD_NO_RECORD
                                     : at < header_bytes(&sealed) ? RECORD_BAD_CHECKSUM
                                                                  : RECORD_BAD_PART);
        sealed.bytes.ptr[bit / 8] ^= (char)(1 << bit % 8);
    }
    sealed_done(&sealed);
}

static void fix_header(struct sealed *sealed)
{
    char *header = sealed->bytes.ptr;
    uint32_t crc = crc32c(crc32c(0, header, RECORD_STAMP_AT), header + LENGTH_AT,
                          header_bytes(sealed) - LENGTH_AT);
    for (int i = 0; i < 4; i++)
        header[RECORD_STAMP_AT + i] = (char)(crc >> 8 * i);
}

static void another_version_is_refused_in_words(void **state)
{
    (void)state;
    struct sealed sealed;
    seal_one_view(&sealed);
    sealed.bytes.ptr[VERSION_AT] = RECORD_VERSION + 1;
    fix_header(&sealed);
    enum record_status status = status_of(buf_str(&sealed.bytes), &sealed.month);
    assert_int_equal(status, RECORD_UNKNOWN_VERSION);
    assert_string_equal(record_status_text(status),
                        "it has a version that this Footfall does not know");
    for (int i = 0; i < RECORD_STATUS__COUNT; i++)
        assert_true(strlen(record_status_text((enum record_status)i)) > 0);
    sealed_done(&sealed);
}

/* With a good checksum: a zone's length, a zone, and the number of parts. */
static void a_header_that_cannot_be_is_refused(void **state)
{
    (void)state;
    enum { ZONE_AT = LENGTH_AT + 1, COUNT_AT = ZONE_AT + 4 };
    static const struct {
        size_t at;
        uint8_t byte;
    } CASES[] = {
        {ZONE_AT, 0xff},    {ZONE_AT, DAY_TIMEZONE_BYTES_MAX}, {ZONE_AT, 2},  {ZONE_AT + 1, ' '},
        {COUNT_AT, 2},      {COUNT_AT, RECORD_PARTS + 1},      {COUNT_AT, 0}, {COUNT_AT + 1, 0x80},
        {LENGTH_AT + 0, 29}};
    struct sealed sealed;
    struct record record;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        seal_one_view(&sealed);
        sealed.bytes.ptr[CASES[i].at] = (char)CASES[i].byte;
        fix_header(&sealed);
        assert_int_equal(record_open(buf_str(&sealed.bytes), &record), RECORD_BAD_HEADER);
        sealed_done(&sealed);
    }
}

/* The one-view header with another length of its part, in four bytes. */
static enum record_status open_with_length(uint32_t length)
{
    enum { BEFORE = 34, BYTES = BEFORE + 4 };
    struct sealed sealed;
    struct record record;
    seal_one_view(&sealed);
    assert_int_equal(header_bytes(&sealed), BEFORE + 1);
    for (int i = 0; i < 4; i++)
        sealed.bytes.ptr[BEFORE + i] = (char)((length >> 7 * i & 0x7f) | (i < 3 ? 0x80 : 0));
    sealed.bytes.ptr[LENGTH_AT] = BYTES;
    fix_header(&sealed);
    enum record_status status = record_open(buf_str(&sealed.bytes), &record);
    sealed_done(&sealed);
    return status;
}

static void a_part_past_its_bound_is_refused(void **state)
{
    (void)state;
    assert_int_equal(open_with_length(RECORD_PART_BYTES_MAX - 1), RECORD_OK);
    assert_int_equal(open_with_length(RECORD_PART_BYTES_MAX), RECORD_OK);
    assert_int_equal(open_with_length(RECORD_PART_BYTES_MAX + 1), RECORD_BAD_HEADER);
}

static void a_part_of_another_day_is_refused(void **state)
{
    (void)state;
    struct sealed sealed;
    seal_one_view(&sealed);
    sealed.bytes.ptr[DATE_AT]++; /* the day after */
    fix_header(&sealed);
    assert_int_equal(status_of(buf_str(&sealed.bytes), &sealed.month), RECORD_BAD_PART);
    sealed_done(&sealed);
}

static void a_part_in_the_place_of_another_is_refused(void **state)
{
    (void)state;
    struct sealed sealed;
    struct record record;
    struct day day;
    struct record_reader *reader = record_reader_new();
    seal_one_view(&sealed);
    assert_int_equal(record_open(buf_str(&sealed.bytes), &record), RECORD_OK);
    struct str part = str_from_at(buf_str(&sealed.bytes), record.starts[0]);
    record.starts[1] = record.starts[0]; /* the total as the hours: the next part */
    day_init(&day, 20261123, &sealed.month.names);
    assert_int_equal(record_read_table(reader, &record, part, TABLE_TIME, &day), RECORD_BAD_PART);
    day_done(&day);
    record_reader_free(reader);
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
    day_merge(&late, &day);
    buf_reset(&sealed.bytes);
    buf_reset(&sealed.chunk);
    record_encode(&late, &sealed.month, &sealed.bytes, &sealed.chunk);
    assert_true(sealed.chunk.len > 0);
    assert_int_equal(decode(buf_str(&sealed.bytes), &sealed.month, &again), RECORD_OK);
    assert_same(&late, &again);
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
        cmocka_unit_test(one_table_is_read_alone),
        cmocka_unit_test(a_record_cut_anywhere_is_refused),
        cmocka_unit_test(a_flipped_bit_is_refused),
        cmocka_unit_test(another_version_is_refused_in_words),
        cmocka_unit_test(a_header_that_cannot_be_is_refused),
        cmocka_unit_test(a_part_past_its_bound_is_refused),
        cmocka_unit_test(a_part_of_another_day_is_refused),
        cmocka_unit_test(a_part_in_the_place_of_another_is_refused),
        cmocka_unit_test(a_record_needs_its_own_months_names),
        cmocka_unit_test(damaged_names_are_found_out),
        cmocka_unit_test(a_day_without_new_names_writes_none),
        cmocka_unit_test(a_late_part_is_merged_and_sealed_again),
        cmocka_unit_test(a_record_at_its_bounds_comes_back),
        cmocka_unit_test(names_do_not_tell_which_came_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

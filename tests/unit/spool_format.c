/* A segment's bytes: the worked example, every truncation, every flipped bit, and names. */

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/spool_format.h"
#include "common/limits.h"

static const uint64_t WRITER = 0x1122334455667788;
static const int64_t CREATED_MS = 1795428000000; /* 2026-11-23T10:00:00Z */

enum { FIRST = 9, RECORDS = 4 };

/* Where the records of make() start, and the end. */
static size_t starts[RECORDS + 1];

static void make(struct buf *out)
{
    static const char *const PAYLOADS[RECORDS] = {"hi", "the second one", "3", "the last of them"};
    buf_init(out, 4096);
    spool_header_encode(out, WRITER, FIRST, CREATED_MS);
    for (size_t i = 0; i < RECORDS; i++) {
        starts[i] = out->len;
        spool_record_encode(out, WRITER, FIRST + i, str_from(PAYLOADS[i]));
    }
    starts[RECORDS] = out->len;
}

/* Scans a copy of the exact size, so that a read past the end is seen. */
static struct spool_scan scan(const char *ptr, size_t len)
{
    struct spool_scan result;
    char *copy = malloc(len + (len == 0));
    assert_non_null(copy);
    memcpy(copy, ptr, len);
    spool_scan((struct str){copy, len}, WRITER, FIRST, &result);
    free(copy);
    return result;
}

static void the_worked_example_is_what_is_written(void **state)
{
    (void)state;
    static const uint8_t EXPECTED[] = {
        0x46, 0x46, 0x53, 0x50, 0x4f, 0x4f, 0x4c, 0x0a, 0x01, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x09, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x21, 0xd9, 0x07, 0xa2, 0x01, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0xe8, 0x85, 0xc2, 0x42, 0x46, 0x46, 0x72, 0x31,
        0x02, 0x00, 0x00, 0x00, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x09,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x68, 0x69, 0x6a, 0x27, 0x13, 0x18,
    };
    struct buf bytes;
    buf_init(&bytes, 4096);
    spool_header_encode(&bytes, WRITER, FIRST, CREATED_MS);
    spool_record_encode(&bytes, WRITER, FIRST, STR_LIT("hi"));
    assert_int_equal(bytes.len, sizeof(EXPECTED));
    assert_memory_equal(bytes.ptr, EXPECTED, sizeof(EXPECTED));
    buf_done(&bytes);
}

static void a_record_is_read_back(void **state)
{
    (void)state;
    struct buf bytes;
    struct spool_record_view record;
    make(&bytes);
    assert_true(spool_record_decode(str_from_at(buf_str(&bytes), starts[1]), &record));
    assert_true(record.writer == WRITER && record.number == FIRST + 1);
    assert_true(str_eq(record.payload, STR_LIT("the second one")));
    assert_int_equal(record.bytes, starts[2] - starts[1]);
    struct spool_scan whole = scan(bytes.ptr, bytes.len);
    assert_int_equal(whole.verdict, SPOOL_CLEAN);
    assert_int_equal(whole.records, RECORDS);
    assert_int_equal(whole.end, bytes.len);
    assert_true(whole.created_ms == CREATED_MS);
    buf_done(&bytes);
}

static size_t whole_records_before(size_t len)
{
    size_t count = 0;
    while (count < RECORDS && starts[count + 1] <= len)
        count++;
    return count;
}

static void a_file_cut_anywhere_keeps_its_whole_records(void **state)
{
    (void)state;
    struct buf bytes;
    make(&bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        struct spool_scan cut = scan(bytes.ptr, len);
        size_t records = whole_records_before(len);
        bool is_clean = len >= SPOOL_HEADER_BYTES && starts[records] == len;
        assert_int_equal(cut.verdict, is_clean ? SPOOL_CLEAN : SPOOL_TORN);
        assert_int_equal(cut.records, records);
        assert_int_equal(cut.end, len < SPOOL_HEADER_BYTES ? 0 : starts[records]);
    }
    buf_done(&bytes);
}

static void zeros_at_the_end_are_a_torn_end(void **state)
{
    (void)state;
    struct buf bytes;
    make(&bytes);
    for (size_t len = 0; len <= bytes.len; len++) {
        char longer[1024] = {0};
        memcpy(longer, bytes.ptr, len);
        struct spool_scan zeroed = scan(longer, sizeof(longer));
        /* From a header that is not whole on there is more than a crash while it was made. */
        bool is_header_bad = len > 0 && len < SPOOL_HEADER_BYTES;
        assert_int_equal(zeroed.verdict, is_header_bad ? SPOOL_CORRUPT : SPOOL_TORN);
        assert_int_equal(zeroed.records, whole_records_before(len));
    }
    buf_done(&bytes);
}

static void a_flipped_bit_never_gives_another_record(void **state)
{
    (void)state;
    struct buf bytes;
    make(&bytes);
    for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
        bytes.ptr[bit / 8] ^= (char)(1 << bit % 8);
        size_t good = whole_records_before(bit / 8); /* in front of the bad one */
        struct spool_scan flipped = scan(bytes.ptr, bytes.len);
        bool is_header = bit / 8 < SPOOL_HEADER_BYTES, is_last = bit / 8 >= starts[RECORDS - 1];
        assert_int_equal(flipped.verdict, is_last ? SPOOL_TORN : SPOOL_CORRUPT);
        assert_int_equal(flipped.records, is_header ? 0 : good);
        assert_int_equal(flipped.later, is_header ? RECORDS : RECORDS - 1 - good);
        assert_int_equal(flipped.end, is_header ? 0 : starts[good]);
        bytes.ptr[bit / 8] ^= (char)(1 << bit % 8);
    }
    buf_done(&bytes);
}

static void good_records_out_of_place_are_damage(void **state)
{
    (void)state;
    const struct {
        const char *what;
        uint64_t writer, numbers[3];
        size_t good;
    } cases[] = {
        {"a gap", WRITER, {9, 10, 12}, 2},
        {"twice the same", WRITER, {9, 9, 10}, 1},
        {"backwards", WRITER, {9, 10, 9}, 2},
        {"another first", WRITER, {10, 11, 12}, 0},
        {"of another writer", WRITER + 1, {9, 10, 11}, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf bytes;
        buf_init(&bytes, 4096);
        spool_header_encode(&bytes, WRITER, FIRST, CREATED_MS);
        for (size_t r = 0; r < 3; r++)
            spool_record_encode(&bytes, cases[i].writer, cases[i].numbers[r], STR_LIT("x"));
        struct spool_scan result = scan(bytes.ptr, bytes.len);
        assert_int_equal(result.verdict, SPOOL_CORRUPT);
        assert_int_equal(result.records, cases[i].good);
        buf_done(&bytes);
    }
}

static void a_file_under_another_name_is_damaged(void **state)
{
    (void)state;
    struct buf bytes;
    struct spool_scan result;
    make(&bytes);
    spool_scan(buf_str(&bytes), WRITER + 1, FIRST, &result);
    assert_int_equal(result.verdict, SPOOL_CORRUPT);
    assert_int_equal(result.records, 0);
    spool_scan(buf_str(&bytes), WRITER, FIRST + 1, &result);
    assert_int_equal(result.verdict, SPOOL_CORRUPT);
    assert_int_equal(result.records, 0);
    buf_done(&bytes);
}

static void another_version_is_left_alone(void **state)
{
    (void)state;
    /* Version 2, otherwise an empty segment of ours. */
    static const uint8_t HEADER[] = {0x46, 0x46, 0x53, 0x50, 0x4f, 0x4f, 0x4c, 0x0a, 0x02, 0x00,
                                     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x88, 0x77, 0x66, 0x55,
                                     0x44, 0x33, 0x22, 0x11, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00,
                                     0x00, 0x00, 0x00, 0x21, 0xd9, 0x07, 0xa2, 0x01, 0x00, 0x00,
                                     0x00, 0x00, 0x00, 0x00, 0x2c, 0x49, 0x97, 0x16};
    assert_int_equal(scan((const char *)HEADER, sizeof(HEADER)).verdict, SPOOL_FOREIGN);
}

/* A payload that holds what looks like records: it is a payload. */
static void a_record_inside_a_payload_is_not_seen(void **state)
{
    (void)state;
    struct buf inner, bytes;
    buf_init(&inner, 4096);
    spool_record_encode(&inner, WRITER, FIRST + 1, STR_LIT("planted"));
    buf_init(&bytes, 4096);
    spool_header_encode(&bytes, WRITER, FIRST, CREATED_MS);
    spool_record_encode(&bytes, WRITER, FIRST, buf_str(&inner));
    struct spool_scan result = scan(bytes.ptr, bytes.len);
    assert_int_equal(result.verdict, SPOOL_CLEAN);
    assert_int_equal(result.records, 1);
    /* Nor is it taken for the next record when the one around it is not whole. */
    result = scan(bytes.ptr, bytes.len - 1);
    assert_int_equal(result.verdict, SPOOL_CORRUPT);
    assert_int_equal(result.records, 0);
    buf_done(&inner);
    buf_done(&bytes);
}

static void payloads_have_a_bound(void **state)
{
    (void)state;
    const size_t lengths[] = {1, SPOOL_PAYLOAD_BYTES_MAX - 1, SPOOL_PAYLOAD_BYTES_MAX};
    char *payload = calloc(1, SPOOL_PAYLOAD_BYTES_MAX);
    assert_non_null(payload);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct buf bytes;
        struct spool_record_view record;
        buf_init(&bytes, SPOOL_PAYLOAD_BYTES_MAX + 64);
        spool_record_encode(&bytes, WRITER, 1, (struct str){payload, lengths[i]});
        assert_true(spool_record_decode(buf_str(&bytes), &record));
        assert_int_equal(record.payload.len, lengths[i]);
        buf_done(&bytes);
    }
    free(payload);
    /* Above: a head alone tells, before anything is read or allocated for it. */
    char head[SPOOL_RECORD_HEAD_BYTES] = "FFr1";
    const uint32_t wrong[] = {0, SPOOL_PAYLOAD_BYTES_MAX + 1, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        uint32_t len;
        for (size_t b = 0; b < 4; b++)
            head[4 + b] = (char)(wrong[i] >> 8 * b);
        assert_false(spool_record_head_decode((struct str){head, sizeof(head)}, &len));
    }
}

/* Every place looks like the start of a long record: the work is bounded, and nothing is guessed.
 */
static void bytes_made_to_be_slow_are_damage_in_time(void **state)
{
    (void)state;
    enum { BYTES = 8 << 20 };
    struct buf bytes;
    buf_init(&bytes, BYTES + 64);
    spool_header_encode(&bytes, WRITER, FIRST, CREATED_MS);
    while (bytes.len + 8 <= BYTES)
        buf_append(&bytes, "FFr1\0\0\x10\0", 8); /* a mebibyte each */
    struct spool_scan result = scan(bytes.ptr, bytes.len);
    assert_int_equal(result.verdict, SPOOL_CORRUPT);
    assert_int_equal(result.records, 0);
    buf_done(&bytes);
}

static void names_are_read_back_and_others_refused(void **state)
{
    (void)state;
    char name[SPOOL_NAME_BYTES];
    uint64_t writer = 0, first = 0;
    bool is_heir = false;
    spool_name_format(name, WRITER, FIRST, false);
    assert_string_equal(name, "1122334455667788-9.seg");
    spool_name_format(name, 0xab, 9007199254740993, true);
    assert_string_equal(name, "00000000000000ab-9007199254740993.heir");
    assert_true(spool_name_parse(name, &writer, &first, &is_heir));
    assert_true(writer == 0xab && first == 9007199254740993 && is_heir);
    static const char *const OTHERS[] = {
        "",
        ".seg",
        "lock",
        "1122334455667788",
        "1122334455667788-",
        "1122334455667788-.seg",
        "1122334455667788-0.seg",
        "1122334455667788-09.seg",
        "1122334455667788-9.seg~",
        "1122334455667788-9.seg.1",
        "1122334455667788-9.SEG",
        "1122334455667788-9",
        "1122334455667788-9a.seg",
        "1122334455667788-99999999999999999.seg",
        "112233445566778-9.seg",
        "11223344556677889-9.seg",
        "112233445566778G-9.seg",
        "112233445566778A-9.seg",
    };
    for (size_t i = 0; i < ARRAY_LEN(OTHERS); i++)
        assert_false(spool_name_parse(OTHERS[i], &writer, &first, &is_heir));
}

static void an_heir_follows_from_the_name_alone(void **state)
{
    (void)state;
    uint64_t heir = spool_heir(WRITER, FIRST);
    assert_true(
        heir ==
        0xddc1fdab3d4bac6d); /* stays: some of a file may be in the log when a new version starts */
    assert_true(heir != WRITER);
    assert_true(spool_heir(WRITER, FIRST + 1) != heir);
    assert_true(spool_heir(WRITER + 1, FIRST) != heir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_example_is_what_is_written),
        cmocka_unit_test(a_record_is_read_back),
        cmocka_unit_test(a_file_cut_anywhere_keeps_its_whole_records),
        cmocka_unit_test(zeros_at_the_end_are_a_torn_end),
        cmocka_unit_test(a_flipped_bit_never_gives_another_record),
        cmocka_unit_test(good_records_out_of_place_are_damage),
        cmocka_unit_test(a_file_under_another_name_is_damaged),
        cmocka_unit_test(another_version_is_left_alone),
        cmocka_unit_test(a_record_inside_a_payload_is_not_seen),
        cmocka_unit_test(payloads_have_a_bound),
        cmocka_unit_test(bytes_made_to_be_slow_are_damage_in_time),
        cmocka_unit_test(names_are_read_back_and_others_refused),
        cmocka_unit_test(an_heir_follows_from_the_name_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

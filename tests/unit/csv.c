/* CSV: records of every spelling, what is none, and texts that come back as they went out. */

#include "common/csv.h"
#include "tests/test.h"

enum { TEXT_BYTES = 256 };

/* The first record's fields with '|' behind each, or "bad", "more", "end". */
static void assert_reads(const char *text, bool is_last, const char *expected, size_t bytes)
{
    char copy[TEXT_BYTES];
    struct csv_record record;
    struct buf out;
    size_t len = strlen(text);
    memcpy(copy, text, len + 1);
    buf_init(&out, TEXT_BYTES);
    enum csv_step step = csv_read(copy, len, is_last, &record);
    if (step != CSV_RECORD)
        buf_append_str(&out, step == CSV_MORE ? STR_LIT("more") : STR_LIT("end"));
    else if (record.is_bad)
        buf_append_str(&out, STR_LIT("bad"));
    for (size_t i = 0; step == CSV_RECORD && i < record.count; i++) {
        buf_append_str(&out, record.fields[i]);
        buf_append_byte(&out, '|');
    }
    buf_append_byte(&out, 0);
    assert_string_equal(out.ptr, expected);
    if (step == CSV_RECORD)
        assert_int_equal(record.bytes, bytes);
    buf_done(&out);
}

static void records_come_apart(void **state)
{
    (void)state;
    assert_reads("a,b,c\nnext", false, "a|b|c|", 6);
    assert_reads("a,b\r\n", false, "a|b|", 5);
    assert_reads("\"a,1\",\"say \"\"b\"\"\",3\n", false, "a,1|say \"b\"|3|", 20);
    assert_reads("\"two\nlines\",2\n", false, "two\nlines|2|", 14);
    assert_reads(",,\n", false, "|||", 3);
    assert_reads("\"\"\n", false, "|", 3);
    assert_reads("\n", false, "|", 1);
    assert_reads("a,", true, "a||", 2);
    assert_reads("a", true, "a|", 1);
}

static void a_record_that_is_not_whole_waits(void **state)
{
    (void)state;
    assert_reads("", false, "end", 0);
    assert_reads("", true, "end", 0);
    assert_reads("a,b", false, "more", 0);
    assert_reads("\"a\n", false, "more", 0);
    assert_reads("\"a\n", true, "bad", 3);
}

static void marks_in_the_wrong_place_are_bad(void **state)
{
    (void)state;
    assert_reads("a\"b\"\n", false, "bad", 5);
    assert_reads("\"a\"b\n", false, "bad", 5);
    assert_reads("a,\"b\"c\n", false, "bad", 7);
}

static void as_many_fields_as_there_is_room_for(void **state)
{
    char text[CSV_FIELDS_MAX + 2];
    struct csv_record record;
    (void)state;
    memset(text, ',', sizeof(text));
    assert_true(csv_read(text, CSV_FIELDS_MAX - 1, true, &record) == CSV_RECORD);
    assert_false(record.is_bad);
    assert_int_equal(record.count, CSV_FIELDS_MAX);
    assert_true(csv_read(text, CSV_FIELDS_MAX, true, &record) == CSV_RECORD);
    assert_true(record.is_bad);
    assert_int_equal(record.count, 0);
}

static void texts_come_back_as_they_went_out(void **state)
{
    static const struct {
        const char *text, *written;
    } CASES[] = {
        {"", "\"\""},
        {"/a", "\"/a\""},
        {"say \"b\"", "\"say \"\"b\"\"\""},
        {"=1+1", "\"'=1+1\""},
        {"+1", "\"'+1\""},
        {"-1", "\"'-1\""},
        {"@x", "\"'@x\""},
        {"\tx", "\"'\tx\""},
        {"'=1", "\"''=1\""},
        {"''=1", "\"'''=1\""},
        {"'quoted'", "\"'quoted'\""},
        {"'", "\"'\""},
        {"a=b", "\"a=b\""},
        {"line\nbreak,", "\"line\nbreak,\""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct csv_record record;
        struct buf out;
        buf_init(&out, TEXT_BYTES);
        csv_append_text(&out, str_from(CASES[i].text));
        assert_true(str_eq(buf_str(&out), str_from(CASES[i].written)));
        assert_true(csv_read(out.ptr, out.len, true, &record) == CSV_RECORD);
        assert_int_equal(record.count, 1);
        assert_true(str_eq(csv_unguard(record.fields[0]), str_from(CASES[i].text)));
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_apart),
        cmocka_unit_test(a_record_that_is_not_whole_waits),
        cmocka_unit_test(marks_in_the_wrong_place_are_bad),
        cmocka_unit_test(as_many_fields_as_there_is_room_for),
        cmocka_unit_test(texts_come_back_as_they_went_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

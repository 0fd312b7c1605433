/* Live messages: the bytes are as documented, come back equal, and nothing malformed is taken. */

#include "aggregator/live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct live_message full_message(void)
{
    struct live_message message = {
        .writer = 0xfedcba9876543210,
        .site = STR_LIT("example.com"),
        .has_now = true,
        .now = {.active_visits = 300,
                .pages = {{STR_LIT("/"), 200}, {STR_LIT("/caf\xc3\xa9"), 100}},
                .page_count = 2},
        .parts = {{.number = 17, .payload = STR_LIT("sealed")},
                  {.after = UINT64_MAX, .payload = STR_LIT("")}},
        .part_count = 2,
    };
    for (size_t i = 0; i < LIVE_MINUTES; i++)
        message.now.views_by_minute[i] = (uint32_t)(i * 1000);
    message.now.views_by_minute[LIVE_MINUTES - 1] = UINT32_MAX;
    return message;
}

static void the_worked_example_is_true(void **state)
{
    (void)state;
    struct live_message message = {.writer = 7,
                                   .site = STR_LIT("a.nl"),
                                   .parts = {{.after = 3, .payload = STR_LIT("xy")}},
                                   .part_count = 1};
    static const char BYTES[] = {0x46, 0x4c, 0x01, 0x07, 0,    0,    0,    0,
                                 0,    0,    0,    0x04, 0x61, 0x2e, 0x6e, 0x6c,
                                 0x00, 0x01, 0x00, 0x03, 0x02, 0x78, 0x79};
    struct buf out;
    buf_init(&out, 1000);
    live_encode(&out, &message);
    assert_int_equal(out.len, sizeof(BYTES));
    assert_memory_equal(out.ptr, BYTES, sizeof(BYTES));
    buf_done(&out);
}

static void a_message_comes_back_equal(void **state)
{
    (void)state;
    struct live_message sent = full_message(), got;
    struct buf out;
    buf_init(&out, LIVE_MESSAGE_BYTES_MAX);
    live_encode(&out, &sent);
    assert_true(live_decode(buf_str(&out), &got));
    assert_true(got.writer == sent.writer);
    assert_true(str_eq(got.site, sent.site));
    assert_true(got.has_now);
    assert_int_equal(got.now.active_visits, 300);
    assert_memory_equal(got.now.views_by_minute, sent.now.views_by_minute,
                        sizeof(got.now.views_by_minute));
    assert_int_equal(got.now.page_count, 2);
    assert_true(str_eq(got.now.pages[1].path, STR_LIT("/caf\xc3\xa9")));
    assert_int_equal(got.now.pages[1].visits, 100);
    assert_int_equal(got.part_count, 2);
    assert_true(got.parts[0].number == 17);
    assert_true(str_eq(got.parts[0].payload, STR_LIT("sealed")));
    assert_true(got.parts[1].after == UINT64_MAX);
    assert_int_equal(got.parts[1].payload.len, 0);
    buf_done(&out);
}

static void every_cut_and_every_tail_is_refused(void **state)
{
    (void)state;
    struct live_message sent = full_message(), got;
    struct buf out;
    buf_init(&out, LIVE_MESSAGE_BYTES_MAX);
    live_encode(&out, &sent);
    for (size_t len = 0; len < out.len; len++) {
        char *cut = malloc(len + 1); /* so that a sanitizer sees a read past the cut */
        assert_non_null(cut);
        memcpy(cut, out.ptr, len);
        assert_false(live_decode((struct str){cut, len}, &got));
        free(cut);
    }
    buf_append_byte(&out, 0);
    assert_false(live_decode(buf_str(&out), &got));
    buf_done(&out);
}

#define HEAD "FL\x01\1\0\0\0\0\0\0\0"

static void malformed_messages_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        struct str bytes;
        bool good;
    } CASES[] = {
        {"the smallest message", STR_LIT(HEAD "\4a.nl\0\0"), true},
        {"another magic", STR_LIT("FB\x01\1\0\0\0\0\0\0\0\4a.nl\0\0"), false},
        {"another version", STR_LIT("FL\x02\1\0\0\0\0\0\0\0\4a.nl\0\0"), false},
        {"no site", STR_LIT(HEAD "\0\0\0"), false},
        {"a site that is none", STR_LIT(HEAD "\4A.NL\0\0"), false},
        {"has_now neither 0 nor 1", STR_LIT(HEAD "\4a.nl\2\0"), false},
        {"one part", STR_LIT(HEAD "\4a.nl\0\1\1\0\0"), true},
        {"one part too many",
         STR_LIT(HEAD "\4a.nl\0\x09\1\0\0\1\0\0\1\0\0\1\0\0\1\0\0\1\0\0\1\0\0\1\0\0\1\0\0"), false},
        {"a number in a longer spelling", STR_LIT(HEAD "\4a.nl\0\x80\0"), false},
        {"a number past 64 bits",
         STR_LIT(HEAD "\4a.nl\0\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\0\0"), false},
        {"a part longer than the message", STR_LIT(HEAD "\4a.nl\0\1\1\0\5abc"), false},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct live_message message = {.writer = 99};
        if (live_decode(CASES[i].bytes, &message) != CASES[i].good)
            fail_msg("%s", CASES[i].why);
        if (!CASES[i].good)
            assert_true(message.writer == 99);
    }
}

static void parts_cap_below_at_and_above(void **state)
{
    (void)state;
    for (size_t count = LIVE_PARTS_MAX - 1; count <= LIVE_PARTS_MAX + 1; count++) {
        struct live_message got;
        struct buf out;
        buf_init(&out, 1000);
        buf_append(&out, HEAD "\4a.nl\0", 17);
        buf_append_varint(&out, count);
        for (size_t i = 0; i < count; i++)
            buf_append(&out, "\1\0\0", 3);
        assert_int_equal(live_decode(buf_str(&out), &got), count <= LIVE_PARTS_MAX);
        buf_done(&out);
    }
}

static void part_cap_below_at_and_above(void **state)
{
    (void)state;
    for (int over = -1; over <= 1; over++) {
        size_t payload_bytes = (size_t)(LIVE_MESSAGE_BYTES_MAX + over);
        struct live_message got;
        struct buf out;
        buf_init(&out, LIVE_BYTES_MAX);
        buf_append(&out, HEAD "\4a.nl\0\1\1\0", 20);
        buf_append_varint(&out, payload_bytes);
        for (size_t i = 0; i < payload_bytes; i++)
            buf_append_byte(&out, 'x');
        assert_int_equal(live_decode(buf_str(&out), &got), over <= 0);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_example_is_true),
        cmocka_unit_test(a_message_comes_back_equal),
        cmocka_unit_test(every_cut_and_every_tail_is_refused),
        cmocka_unit_test(malformed_messages_are_refused),
        cmocka_unit_test(parts_cap_below_at_and_above),
        cmocka_unit_test(part_cap_below_at_and_above),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Entries' ids, as they come from Redis, and replies that are no entries; whole entries are the
 * component test's, with a real log. */

#include "tests/test.h"

#include "aggregator/log_entry.h"

#include <hiredis/hiredis.h>

static void an_id_is_a_time_and_a_number(void **state)
{
    static const struct {
        const char *id;
        bool good;
        uint64_t ms, seq;
    } CASES[] = {
        {"1795400000000-0", true, 1795400000000, 0},
        {"0-1", true, 0, 1},
        {"9999999999999999-9999999999999999", true, 9999999999999999, 9999999999999999},
        {"10000000000000000-0", false, 0, 0},
        {"1795400000000", false, 0, 0},
        {"1795400000000-", false, 0, 0},
        {"-5", false, 0, 0},
        {"", false, 0, 0},
        {"1a-0", false, 0, 0},
        {"1-0-0", false, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        uint64_t ms = 77, seq = 78;
        bool good = log_entry_id_parse(str_from(CASES[i].id), &ms, &seq);
        if (good != CASES[i].good || ms != (good ? CASES[i].ms : 77) ||
            seq != (good ? CASES[i].seq : 78))
            fail_msg("%s", CASES[i].id);
    }
}

/* A nil, an empty list and an entry without fields ended the aggregator. */
static void a_reply_of_another_shape_is_no_entry_and_no_crash(void **state)
{
    redisReply id = {.type = REDIS_REPLY_STRING, .str = (char[]){"1-0"}, .len = 3};
    redisReply *elements[] = {&id};
    redisReply replies[] = {
        {.type = REDIS_REPLY_NIL},
        {.type = REDIS_REPLY_ARRAY},
        {.type = REDIS_REPLY_ARRAY, .elements = 1, .element = elements},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        struct log_entry entry;
        const void *reply = &replies[i];
        assert_false(log_entry_parse(reply, &entry));
        assert_int_equal(entry.id.len, replies[i].elements == 1 ? 3 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_a_time_and_a_number),
        cmocka_unit_test(a_reply_of_another_shape_is_no_entry_and_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

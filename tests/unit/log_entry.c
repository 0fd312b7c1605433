/* Entries' ids, as they come from Redis; whole entries are the component test's, with a real log.
 */

#include "tests/test.h"

#include "aggregator/log_entry.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_a_time_and_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

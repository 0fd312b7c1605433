/* Redis's refusals by their sentences, as Redis 7 and hiredis spell them. */

#include "aggregator/trouble.h"

#include "tests/test.h"

static void every_sentence_has_its_kind(void **state)
{
    static const struct {
        const char *sentence;
        enum trouble_kind kind;
    } CASES[] = {
        {"LOADING Redis is loading the dataset in memory", TROUBLE_LOADING},
        {"OOM command not allowed when used memory > 'maxmemory'.", TROUBLE_MEMORY},
        {"MISCONF Errors writing to the AOF file: No space left on device", TROUBLE_DISK},
        {"READONLY You can not run script with write flag on readonly replica.", TROUBLE_READ_ONLY},
        {"MASTERDOWN Link with MASTER is down", TROUBLE_MASTER},
        {"NOREPLICAS Not enough good replicas to write.", TROUBLE_REPLICAS},
        {"BUSY Redis is busy running a script.", TROUBLE_BUSY},
        {"NOPERM this user has no permissions to run the 'fcall' command", TROUBLE_RIGHTS},
        {"NOAUTH Authentication required.", TROUBLE_PASSWORD},
        {"Redis at /x/redis.sock: user or password refused", TROUBLE_LOGIN},
        {"CLUSTERDOWN The cluster is down", TROUBLE_CLUSTER},
        {"MOVED 3999 127.0.0.1:6381", TROUBLE_ELSEWHERE},
        {"ERR Function not found", TROUBLE_FUNCTION},
        {"Resource temporarily unavailable", TROUBLE_SILENT},
        {"Redis at 127.0.0.1 port 6379: Resource temporarily unavailable", TROUBLE_SILENT},
        {"FULL", TROUBLE_FULL},
        {"BADTYPE 3", TROUBLE_KEY_TYPE},
        {"WRONGTYPE Operation against a key holding the wrong kind of value",
         TROUBLE_KEY_TYPE_READ},
        {"BADFIELD 8", TROUBLE_FIELD},
        {"BADSKETCH 22", TROUBLE_SKETCH},
        {"BADARG 1", TROUBLE_ARGUMENT},
        {"Server closed the connection", TROUBLE_OTHER},
        {"Redis at /x/redis.sock: Connection refused", TROUBLE_OTHER},
        {"ERR something new", TROUBLE_OTHER},
        {"", TROUBLE_OTHER},
        {": ", TROUBLE_OTHER},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
        if (trouble_kind_of(str_from(CASES[i].sentence)) != CASES[i].kind)
            fail_msg("%s", CASES[i].sentence);
}

/* Blaming an entry for what Redis is in would take good batches out of the log. */
static void nothing_that_passes_is_said_to_last(void **state)
{
    static const enum trouble_kind LASTING[] = {TROUBLE_KEY_TYPE, TROUBLE_KEY_TYPE_READ,
                                                TROUBLE_FIELD, TROUBLE_SKETCH, TROUBLE_ARGUMENT};
    (void)state;
    for (int kind = 0; kind < TROUBLE__COUNT; kind++) {
        bool lasts = false;
        for (size_t i = 0; i < ARRAY_LEN(LASTING); i++)
            lasts = lasts || LASTING[i] == (enum trouble_kind)kind;
        assert_int_equal(trouble_lasts((enum trouble_kind)kind), lasts);
        assert_true(trouble_words((enum trouble_kind)kind)[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sentence_has_its_kind),
        cmocka_unit_test(nothing_that_passes_is_said_to_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

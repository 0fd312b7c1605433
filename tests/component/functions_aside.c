/* The functions for what leaves the log otherwise, against a real Redis: `quarantine`, `retry` and
 * `prune` do what they say, and a refusal changes nothing. */

#include <stdio.h>

#include "asked_redis.h"
#include "common/limits.h"
#include "tests/test.h"

#define KEPT "2592000000"
#define QUARANTINE_CALL                                                                            \
    S("FCALL"), S("quarantine"), S("3"), S(CURSOR), S(LOG), S(QUARANTINE), S("4-0"), S("5-0"),     \
        S("why"), S(KEPT)
#define RETRY(id) ASK(S("FCALL"), S("retry"), S("2"), S(QUARANTINE), S(LOG), S(id))

/* The cursor at 4-0, and two entries behind it. */
static void set_up(void)
{
    flush();
    ASK(S("SET"), S(CURSOR), S("4-0"));
    ASK(S("XADD"), S(LOG), S("5-0"), S("w"), S(WRITER), S("n"), S("9"), S("p"), S("p\0\xff"));
    ASK(S("XADD"), S(LOG), S("6-0"), S("x"), S("y"));
}

/* "[id, [fields…]]" of a stream's nth entry; fields by number. */
static void assert_entry(const char *key, size_t nth, size_t fields, const struct str *expected)
{
    struct redis_reply *reply = redis_do(redis, S("XRANGE"), str_from(key), S("-"), S("+"));
    assert_non_null(reply);
    const struct redis_reply *found = redis_reply_at(redis_reply_at(reply, nth), 1);
    assert_int_equal(redis_reply_count(found), fields);
    for (size_t i = 0; i < fields; i++)
        if (expected[i].ptr != NULL)
            assert_true(str_eq(redis_reply_str(redis_reply_at(found, i)), expected[i]));
    redis_reply_free(reply);
}

/* --- quarantine ------------------------------------------------------------------------------- */

static void the_first_entry_steps_aside_in_one_step_with_the_cursor(void **state)
{
    (void)state;
    static const struct str BATCH[] = {S("e"),    S("5-0"), S("r"), S("why"), S("w"),
                                       S(WRITER), S("n"),   S("9"), S("p"),   S("p\0\xff")};
    static const struct str OTHER[] = {S("e"), S("6-0"), S("r"), S("why"), S("f"), {NULL, 0}};
    set_up();
    assert_string_equal(ASK(QUARANTINE_CALL), "OK");
    assert_string_equal(ASK(S("GET"), S(CURSOR)), "5-0");
    assert_string_equal(ASK(S("XLEN"), S(LOG)), "1");
    assert_string_equal(ASK(S("XLEN"), S(QUARANTINE)), "1");
    assert_entry(QUARANTINE, 0, ARRAY_LEN(BATCH), BATCH);
    struct redis_reply *ttl = redis_do(redis, S("PTTL"), S(QUARANTINE));
    assert_in_range(redis_reply_integer(ttl), QUARANTINE_KEPT_MS - 60000, QUARANTINE_KEPT_MS);
    redis_reply_free(ttl);

    struct str argv[] = {QUARANTINE_CALL};
    struct snapshot before = take_snapshot();
    assert_string_equal(ask_args(redis, ARRAY_LEN(argv), argv), "MOVED"); /* once more */
    assert_unchanged(&before);
    buf_done(&before.bytes);
    argv[6] = S("5-0");
    argv[7] = S("6-0");
    assert_string_equal(ask_args(redis, ARRAY_LEN(argv), argv), "OK");
    assert_entry(QUARANTINE, 1, ARRAY_LEN(OTHER), OTHER);
    assert_string_equal(ASK(S("GET"), S(CURSOR)), "6-0");
    assert_string_equal(ASK(S("XLEN"), S(LOG)), "0");
}

static void without_a_cursor_the_log_is_at_its_start(void **state)
{
    (void)state;
    struct str argv[] = {QUARANTINE_CALL};
    set_up();
    ASK(S("DEL"), S(CURSOR));
    argv[6] = S("0-0");
    assert_string_equal(ask_args(redis, ARRAY_LEN(argv), argv), "OK");
    assert_string_equal(ASK(S("GET"), S(CURSOR)), "5-0");
}

/* What comes next comes after the cursor, however far the log's own ids are behind. */
static void what_is_behind_the_cursor_leaves_it_where_it_is(void **state)
{
    (void)state;
    struct str argv[] = {QUARANTINE_CALL};
    set_up();
    ASK(S("SET"), S(CURSOR), S("4102444800000-7"));
    argv[6] = S("4102444800000-7");
    assert_string_equal(ask_args(redis, ARRAY_LEN(argv), argv), "OK");
    argv[7] = S("6-0");
    assert_string_equal(ask_args(redis, ARRAY_LEN(argv), argv), "OK");
    assert_string_equal(ASK(S("GET"), S(CURSOR)), "4102444800000-7");
    assert_string_equal(ASK(S("XLEN"), S(QUARANTINE)), "2");
    assert_string_equal(ASK(S("XADD"), S(LOG), S("*"), S("a"), S("b")), "4102444800000-8");
}

static void every_refusal_of_quarantine_changes_nothing(void **state)
{
    (void)state;
    /* Arguments are counted from FCALL = 0; ARGV[1] is number 6. */
    static const struct {
        const char *expected;
        size_t at;
        struct str by;
    } REFUSALS[] = {
        {"BADARG", 6, S("x")},  {"BADARG", 6, S("4")},  {"BADARG", 7, S("")},
        {"BADARG", 7, S("5")},  {"BADARG", 8, S("")},   {"BADARG", 9, S("0")},
        {"BADARG", 9, S("x")},  {"BADARG", 9, S("-1")}, {"BADARG", 9, S("1.5")},
        {"MOVED", 6, S("3-0")}, {"MOVED", 7, S("6-0")}, /* not the first */
        {"MOVED", 7, S("4-5")},                         /* not in the log */
    };
    set_up();
    struct snapshot before = take_snapshot();
    for (size_t i = 0; i < ARRAY_LEN(REFUSALS); i++) {
        struct str argv[] = {QUARANTINE_CALL};
        argv[REFUSALS[i].at] = REFUSALS[i].by;
        assert_string_equal(ask_args(redis, ARRAY_LEN(argv), argv), REFUSALS[i].expected);
        assert_unchanged(&before);
    }
    char why[QUARANTINE_REASON_BYTES_MAX + 1];
    memset(why, 'y', sizeof(why));
    struct str argv[] = {QUARANTINE_CALL};
    argv[8] = (struct str){why, sizeof(why)};
    assert_string_equal(ask_args(redis, ARRAY_LEN(argv), argv), "BADARG");
    assert_string_equal(ask_args(redis, ARRAY_LEN(argv) - 1, argv), "BADARG");
    assert_unchanged(&before);
    argv[8].len--;
    assert_string_equal(ask_args(redis, ARRAY_LEN(argv), argv), "OK");
    buf_done(&before.bytes);
}

static void keys_of_another_type_are_refused(void **state)
{
    (void)state;
    static const char *const KEYS[] = {CURSOR, LOG, QUARANTINE};
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
        char expected[16];
        set_up();
        ASK(S("DEL"), str_from(KEYS[i]));
        ASK(S("HSET"), str_from(KEYS[i]), S("a"), S("b"));
        struct snapshot before = take_snapshot();
        snprintf(expected, sizeof(expected), "BADTYPE %zu", i + 1);
        assert_string_equal(ASK(QUARANTINE_CALL), expected);
        if (i > 0)
            assert_string_equal(RETRY("1-0"), i == 2 ? "BADTYPE 1" : "BADTYPE 2");
        assert_unchanged(&before);
        buf_done(&before.bytes);
    }
}

static void the_quarantine_takes_as_many_as_its_bound(void **state)
{
    (void)state;
    char count[16];
    snprintf(count, sizeof(count), "%d", QUARANTINE_ENTRIES_MAX - 1);
    set_up();
    ASK(S("EVAL"), S("for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'e', i) end"), S("1"),
        S(QUARANTINE), str_from(count));
    assert_string_equal(ASK(QUARANTINE_CALL), "OK");
    struct str argv[] = {QUARANTINE_CALL};
    argv[6] = S("5-0");
    argv[7] = S("6-0");
    struct snapshot before = take_snapshot();
    assert_string_equal(ask_args(redis, ARRAY_LEN(argv), argv), "FULL");
    assert_unchanged(&before);
    buf_done(&before.bytes);
}

/* --- retry ------------------------------------------------------------------------------------ */

static void an_entry_comes_back_once(void **state)
{
    (void)state;
    static const struct str BATCH[] = {S("w"), S(WRITER), S("n"), S("9"), S("p"), S("p\0\xff")};
    set_up();
    ASK(S("XADD"), S(QUARANTINE), S("1-0"), S("e"), S("5-0"), S("r"), S("why"), S("w"), S(WRITER),
        S("n"), S("9"), S("p"), S("p\0\xff"));
    ASK(S("XADD"), S(QUARANTINE), S("2-0"), S("e"), S("6-0"), S("r"), S("why"), S("f"), S("x"));
    assert_string_equal(RETRY("1-0"), "OK");
    assert_string_equal(ASK(S("XLEN"), S(LOG)), "3");
    assert_entry(LOG, 2, ARRAY_LEN(BATCH), BATCH);
    assert_string_equal(ASK(S("XLEN"), S(QUARANTINE)), "1");
    struct snapshot before = take_snapshot();
    assert_string_equal(RETRY("1-0"), "GONE");
    assert_string_equal(RETRY("2-0"), "NONE");
    assert_string_equal(RETRY("x"), "BADARG");
    assert_string_equal(RETRY(""), "BADARG");
    assert_unchanged(&before);
    buf_done(&before.bytes);
}

static void a_full_log_takes_none_back(void **state)
{
    (void)state;
    char count[16];
    snprintf(count, sizeof(count), "%d", LOG_ENTRIES_MAX - 2);
    flush();
    ASK(S("EVAL"), S("for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'w', 'x') end"),
        S("1"), S(LOG), str_from(count));
    for (int i = 1; i <= 3; i++) {
        char id[8];
        snprintf(id, sizeof(id), "%d-0", i);
        ASK(S("XADD"), S(QUARANTINE), str_from(id), S("e"), S("5-0"), S("r"), S("why"), S("w"),
            S(WRITER), S("n"), S("9"), S("p"), S("p"));
    }
    assert_string_equal(RETRY("1-0"), "OK");
    assert_string_equal(RETRY("2-0"), "OK");
    assert_string_equal(RETRY("3-0"), "FULL");
    assert_string_equal(ASK(S("XLEN"), S(QUARANTINE)), "1");
    flush();
}

/* --- prune ------------------------------------------------------------------------------------ */

static void every_refusal_of_prune_changes_nothing(void **state)
{
    (void)state;
    static const struct str BAD[][4] = {
        {S("x"), S("1"), S("1"), S("1")},  {S("-1"), S("1"), S("1"), S("1")},
        {S(""), S("1"), S("1"), S("1")},   {S("0"), S("x"), S("1"), S("1")},
        {S("0"), S("1"), S("-1"), S("1")}, {S("0"), S("1"), S("1"), S("")},
    };
    set_up();
    ASK(S("HSET"), S(WRITERS), S(WRITER), S("1:1"));
    struct snapshot before = take_snapshot();
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_string_equal(ASK(S("FCALL"), S("prune"), S("2"), S(WRITERS), S(QUARANTINE),
                                BAD[i][0], BAD[i][1], BAD[i][2], BAD[i][3]),
                            "BADARG");
    assert_string_equal(ASK(S("FCALL"), S("prune"), S("2"), S(WRITERS), S(QUARANTINE), S("0"),
                            S("1795400000000"), S("1")),
                        "BADARG");
    assert_string_equal(ASK(S("FCALL"), S("prune"), S("2"), S(LOG), S(QUARANTINE), S("0"),
                            S("1795400000000"), S("1"), S("1")),
                        "BADTYPE 1");
    assert_string_equal(ASK(S("FCALL"), S("prune"), S("2"), S(WRITERS), S(CURSOR), S("0"),
                            S("1795400000000"), S("1"), S("1")),
                        "BADTYPE 2");
    assert_unchanged(&before);
    buf_done(&before.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_entry_steps_aside_in_one_step_with_the_cursor),
        cmocka_unit_test(without_a_cursor_the_log_is_at_its_start),
        cmocka_unit_test(what_is_behind_the_cursor_leaves_it_where_it_is),
        cmocka_unit_test(every_refusal_of_quarantine_changes_nothing),
        cmocka_unit_test(keys_of_another_type_are_refused),
        cmocka_unit_test(the_quarantine_takes_as_many_as_its_bound),
        cmocka_unit_test(an_entry_comes_back_once),
        cmocka_unit_test(a_full_log_takes_none_back),
        cmocka_unit_test(every_refusal_of_prune_changes_nothing),
    };
    return cmocka_run_group_tests(tests, asked_start, asked_stop);
}

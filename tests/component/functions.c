/* The function library against a real Redis: what enters the log, what is applied, and that a
 * refusal changes nothing. */

#include "aggregator/functions.h"

#include <stdio.h>
#include <stdlib.h>

#include "aggregator/sketch.h"
#include "asked_redis.h"
#include "common/limits.h"
#include "tests/test.h"

/* --- append ----------------------------------------------------------------------------------- */

static void a_batch_enters_the_log_once_and_in_order(void **state)
{
    (void)state;
    flush();
    assert_string_equal(APPEND(S(WRITER), S("2"), S("p"), S("1000")), "GAP");
    assert_string_equal(APPEND(S(WRITER), S("1"), S("p"), S("1000")), "OK");
    assert_string_equal(APPEND(S(WRITER), S("1"), S("q"), S("1001")), "DUP");
    assert_string_equal(APPEND(S(WRITER), S("3"), S("p"), S("1002")), "GAP");
    assert_string_equal(APPEND(S(WRITER), S("2"), S("p\0\xff"), S("1003")), "OK");
    assert_string_equal(APPEND(S("00f1e2d3c4b5a698"), S("1"), S("p"), S("1004")), "OK");
    assert_string_equal(ASK(S("XLEN"), S(LOG)), "3");

    struct redis_reply *reply = redis_do(redis, S("XRANGE"), S(LOG), S("-"), S("+"));
    const struct redis_reply *fields = redis_reply_at(redis_reply_at(reply, 1), 1);
    assert_int_equal(redis_reply_count(fields), 6);
    assert_true(redis_reply_is(redis_reply_at(fields, 0), "w"));
    assert_true(redis_reply_is(redis_reply_at(fields, 1), WRITER));
    assert_true(redis_reply_is(redis_reply_at(fields, 2), "n"));
    assert_true(redis_reply_is(redis_reply_at(fields, 3), "2"));
    assert_true(redis_reply_is(redis_reply_at(fields, 4), "p"));
    assert_true(str_eq(redis_reply_str(redis_reply_at(fields, 5)), S("p\0\xff")));
    redis_reply_free(reply);
}

static void append_refuses_bad_arguments_and_changes_nothing(void **state)
{
    (void)state;
    static const struct str BAD[][4] = {
        {S("00f1e2d3c4b5a69"), S("1"), S("p"), S("1")},   /* a short writer */
        {S("00f1e2d3c4b5a6977"), S("1"), S("p"), S("1")}, /* a long one */
        {S("00F1e2d3c4b5a697"), S("1"), S("p"), S("1")},  /* upper case */
        {S("00g1e2d3c4b5a697"), S("1"), S("p"), S("1")},  /* no digit */
        {S(WRITER), S("0"), S("p"), S("1")},              /* numbers begin with 1 */
        {S(WRITER), S("-1"), S("p"), S("1")},
        {S(WRITER), S("01"), S("p"), S("1")},
        {S(WRITER), S("1.0"), S("p"), S("1")},
        {S(WRITER), S("1e3"), S("p"), S("1")},
        {S(WRITER), S("9007199254740992"), S("p"), S("1")}, /* 2^53 */
        {S(WRITER), S(""), S("p"), S("1")},
        {S(WRITER), S("1"), S(""), S("1")}, /* no payload */
        {S(WRITER), S("1"), S("p"), S("now")},
    };
    flush();
    struct snapshot before = take_snapshot();
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_string_equal(APPEND(BAD[i][0], BAD[i][1], BAD[i][2], BAD[i][3]), "BADARG");
    assert_string_equal(APPEND(S(WRITER), S("1"), S("p")), "BADARG");
    assert_string_equal(APPEND(S(WRITER), S("1"), S("p"), S("1"), S("x")), "BADARG");
    assert_unchanged(&before);

    ASK(S("SET"), S(LOG), S("x"));
    assert_string_equal(APPEND(S(WRITER), S("1"), S("p"), S("1")), "BADTYPE");
    ASK(S("DEL"), S(LOG));
    ASK(S("SET"), S(WRITERS), S("x"));
    assert_string_equal(APPEND(S(WRITER), S("1"), S("p"), S("1")), "BADTYPE");
    ASK(S("DEL"), S(WRITERS));
    static const struct str ROWS[] = {S("x"), S("1"), S(":1"), S("1:"), S("-1:1"), S("1.5:1")};
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        ASK(S("HSET"), S(WRITERS), S(WRITER), ROWS[i]);
        assert_string_equal(APPEND(S(WRITER), S("1"), S("p"), S("1")), "BADROW");
    }
    assert_string_equal(ASK(S("EXISTS"), S(LOG)), "0");
    buf_done(&before.bytes);
}

static void append_takes_a_payload_up_to_its_cap(void **state)
{
    (void)state;
    flush();
    char *payload = calloc(1, BATCH_BYTES_MAX + 1);
    for (size_t i = 0; i < 3; i++) {
        size_t len = BATCH_BYTES_MAX - 1 + i;
        char number[2] = {(char)('1' + i), '\0'};
        assert_string_equal(
            APPEND(S(WRITER), str_from(number), ((struct str){payload, len}), S("1")),
            len <= BATCH_BYTES_MAX ? "OK" : "BADARG");
    }
    free(payload);
}

/* Fills the log up to two entries below its cap in a single step. */
static void append_is_full_at_the_cap_of_the_log(void **state)
{
    (void)state;
    flush();
    char count[16];
    snprintf(count, sizeof(count), "%d", LOG_ENTRIES_MAX - 1);
    ASK(S("EVAL"),
        S("for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'w', 'x') end return 1"), S("1"),
        S(LOG), str_from(count));
    assert_string_equal(APPEND(S(WRITER), S("1"), S("p"), S("1")), "OK");
    assert_string_equal(APPEND(S(WRITER), S("2"), S("p"), S("1")), "FULL");
    assert_string_equal(APPEND(S(WRITER), S("1"), S("p"), S("1")), "DUP");
    assert_int_equal(memcmp(ASK(S("HGET"), S(WRITERS), S(WRITER)), "1:", 2), 0);
    flush();
}

/* Rows up to one below the cap in a single step. */
static void append_refuses_one_writer_too_many(void **state)
{
    (void)state;
    flush();
    char count[16];
    snprintf(count, sizeof(count), "%d", WRITERS_MAX - 1);
    ASK(S("EVAL"), S("for i = 1, ARGV[1] do redis.call('HSET', KEYS[1], i, '1:1') end return 1"),
        S("1"), S(WRITERS), str_from(count));
    assert_string_equal(APPEND(S(WRITER), S("1"), S("p"), S("1")), "OK");
    assert_string_equal(APPEND(S("00f1e2d3c4b5a698"), S("1"), S("p"), S("1")), "FULL");
    assert_string_equal(APPEND(S(WRITER), S("2"), S("p"), S("1")), "OK");
    assert_string_equal(ASK(S("HLEN"), S(WRITERS)), "300000");
    flush();
}

/* The later of two clocks: one that is behind makes no row look old. */
static void a_row_has_the_time_of_its_last_batch(void **state)
{
    (void)state;
    flush();
    assert_string_equal(APPEND(S(WRITER), S("1"), S("p"), S("1000")), "OK");
    struct redis_reply *log = redis_do(redis, S("XRANGE"), S(LOG), S("-"), S("+"));
    struct str id = redis_reply_str(redis_reply_at(redis_reply_at(log, 0), 0));
    char expected[64];
    snprintf(expected, sizeof(expected), "1:%.*s", (int)str_find(id, '-'), id.ptr);
    assert_string_equal(ASK(S("HGET"), S(WRITERS), S(WRITER)), expected);
    redis_reply_free(log);
    assert_string_equal(APPEND(S(WRITER), S("2"), S("p"), S("4102444800000")), "OK");
    assert_string_equal(ASK(S("HGET"), S(WRITERS), S(WRITER)), "2:4102444800000");
    assert_string_equal(APPEND(S(WRITER), S("1"), S("p"), S("4102444800001")), "DUP");
    assert_string_equal(ASK(S("HGET"), S(WRITERS), S(WRITER)), "2:4102444800000");
}

/* --- apply ------------------------------------------------------------------------------------ */

static void the_documented_call_counts_once(void **state)
{
    (void)state;
    flush();
    for (int i = 4; i <= 6; i++) {
        char id[8];
        snprintf(id, sizeof(id), "%d-0", i);
        ASK(S("XADD"), S(LOG), str_from(id), S("w"), S("x"));
    }
    assert_string_equal(ASK(FIRST_CALL, FIRST_ARGS("0-0", "5-0")), "OK");
    assert_string_equal(ASK(S("GET"), S(CURSOR)), "5-0");
    assert_string_equal(ASK(S("XLEN"), S(LOG)), "1");
    assert_string_equal(ASK(S("HGET"), S(TOTAL), S("v")), "1");
    assert_string_equal(ASK(S("HGET"), S(TOTAL), S("s")), "1");
    assert_string_equal(ASK(S("HGET"), S(TOTAL), S("@" WRITER)), "9");
    assert_string_equal(ASK(S("HGET"), S(PAGE), S("v/a")), "1");
    assert_string_equal(ASK(S("HGET"), S(PAGE), S("u/a")), "1");
    assert_string_equal(ASK(S("PFCOUNT"), S(SEEN)), "1");
    assert_string_equal(ASK(S("PEXPIRETIME"), S(PAGE)), EXPIRY);
    assert_string_equal(ASK(S("PEXPIRETIME"), S(SEEN)), EXPIRY);
    assert_string_equal(ASK(S("HGET"), S(OPEN), S("a.example:20261123")), "5-0");
    assert_string_equal(ASK(S("DBSIZE")), "6");

    struct snapshot before = take_snapshot();
    assert_string_equal(ASK(FIRST_CALL, FIRST_ARGS("0-0", "5-0")), "MOVED");
    assert_string_equal(ASK(FIRST_CALL, FIRST_ARGS("4-0", "6-0")), "MOVED");
    assert_unchanged(&before);
    buf_done(&before.bytes);

    assert_string_equal(ASK(FIRST_CALL, FIRST_ARGS("5-0", "6-0")), "OK");
    assert_string_equal(ASK(S("HGET"), S(PAGE), S("v/a")), "2");
    assert_string_equal(ASK(S("HGET"), S(PAGE), S("u/a")), "1");
    assert_string_equal(ASK(S("HGET"), S(OPEN), S("a.example:20261123")), "6-0");
    assert_string_equal(ASK(S("XLEN"), S(LOG)), "0");
}

static void sums_may_go_below_zero_and_come_back(void **state)
{
    (void)state;
    flush();
#define ONE_FIELD(from, to, increment)                                                             \
    ASK(S("FCALL"), S("apply"), S("4"), S(CURSOR), S(LOG), S(SCRATCH), S(TOTAL), S(from), S(to),   \
        S("1"), S("0"), S(EXPIRY), S("1"), S("0"), S("0"), S(EXPIRY), S("b"), S(increment))
    assert_string_equal(ONE_FIELD("0-0", "1-0", "-3"), "OK");
    assert_string_equal(ASK(S("HGET"), S(TOTAL), S("b")), "-3");
    assert_string_equal(ONE_FIELD("1-0", "1-1", "3"), "OK");
    assert_string_equal(ASK(S("HGET"), S(TOTAL), S("b")), "0");
    assert_string_equal(ONE_FIELD("1-1", "2-0", "9007199254740991"), "OK");
    assert_string_equal(ASK(S("HGET"), S(TOTAL), S("b")), "9007199254740991");
    assert_string_equal(ONE_FIELD("2-0", "3-0", "1"), "BADFIELD 10");
    assert_string_equal(ONE_FIELD("2-0", "3-0", "-9007199254740991"), "OK");
    assert_string_equal(ONE_FIELD("3-0", "4-0", "-9007199254740991"), "OK");
    assert_string_equal(ONE_FIELD("4-0", "5-0", "-1"), "BADFIELD 10");
    assert_string_equal(ASK(S("HGET"), S(TOTAL), S("b")), "-9007199254740991");
}

#define ONE_MARK(from, to, number)                                                                 \
    ASK(S("FCALL"), S("apply"), S("4"), S(CURSOR), S(LOG), S(SCRATCH), S(TOTAL), S(from), S(to),   \
        S("1"), S("0"), S(EXPIRY), S("0"), S("1"), S("0"), S(EXPIRY), S("@" WRITER), S(number))

#define PAIRS "ff:{0}:a.example:live:20261123:page*country"
#define ONE_CELL(from, to, counts)                                                                 \
    ASK(S("FCALL"), S("apply"), S("4"), S(CURSOR), S(LOG), S(SCRATCH), S(PAIRS), str_from(from),   \
        str_from(to), S("1"), S("0"), S(EXPIRY), S("1"), S("0"), S("0"), S(EXPIRY), S("/a\x1fNL"), \
        str_from(counts))

/* Where a cell is new, and where it is stored. */
static void a_cell_of_a_cross_has_two_sums(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *counts, *status, *stored;
    } STEPS[] = {
        {"0-0", "1-0", "3:2", "OK", "3:2"},
        {"1-0", "2-0", "1:0", "OK", "4:2"},
        {"2-0", "3-0", "0:98", "OK", "4:100"},
        {"3-0", "4-0", "9007199254740986:0", "OK", "9007199254740990:100"},
        {"4-0", "5-0", "1:0", "OK", "9007199254740991:100"},
        {"5-0", "6-0", "1:0", "BADFIELD 10", "9007199254740991:100"},
        {"5-0", "6-0", "0:9007199254740892", "BADFIELD 10", "9007199254740991:100"},
        {"5-0", "6-0", "0:9007199254740992", "BADFIELD 10", "9007199254740991:100"},
        {"5-0", "6-0", "1", "BADFIELD 10", "9007199254740991:100"},
        {"5-0", "6-0", "-1:0", "BADARG 10", "9007199254740991:100"},
        {"5-0", "6-0", "1:", "BADARG 10", "9007199254740991:100"},
        {"5-0", "6-0", ":1", "BADARG 10", "9007199254740991:100"},
        {"5-0", "6-0", "1:1:1", "BADARG 10", "9007199254740991:100"},
        {"5-0", "6-0", "1.5:1", "BADARG 10", "9007199254740991:100"},
        {"5-0", "6-0", "0:9007199254740891", "OK", "9007199254740991:9007199254740991"},
    };
    static const char *const NEW[] = {"x:1", "1:x", "1:-1", "1:1.0", ":", "1: 1"};
    flush();
    for (size_t i = 0; i < ARRAY_LEN(STEPS); i++) {
        const char *status = ONE_CELL(STEPS[i].from, STEPS[i].to, STEPS[i].counts);
        assert_string_equal(status, STEPS[i].status);
        assert_string_equal(ASK(S("HGET"), S(PAIRS), S("/a\x1fNL")), STEPS[i].stored);
    }
    ASK(S("HSET"), S(PAIRS), S("/a\x1fNL"), S("7"));
    assert_string_equal(ONE_CELL("6-0", "7-0", "1:1"), "BADFIELD 10");
    assert_string_equal(ONE_MARK("6-0", "7-0", "1:1"), "BADARG 10"); /* a mark is one number */
    flush();
    for (size_t i = 0; i < ARRAY_LEN(NEW); i++)
        assert_string_equal(ONE_CELL("0-0", "1-0", NEW[i]), "BADARG 10");
    assert_string_equal(ONE_CELL("0-0", "1-0", "0:9007199254740992"), "BADFIELD 10");
    assert_string_equal(ASK(S("DBSIZE")), "0");
}

static void an_expiry_never_comes_nearer(void **state)
{
    (void)state;
    flush();
    assert_string_equal(ONE_FIELD("0-0", "1-0", "1"), "OK");
    ASK(S("PEXPIREAT"), S(TOTAL), S("4202444800000"));
    assert_string_equal(ONE_FIELD("1-0", "2-0", "1"), "OK");
    assert_string_equal(ASK(S("PEXPIRETIME"), S(TOTAL)), "4202444800000");
    ASK(S("PEXPIREAT"), S(TOTAL), S("4002444800000"));
    assert_string_equal(ONE_FIELD("2-0", "3-0", "1"), "OK");
    assert_string_equal(ASK(S("PEXPIRETIME"), S(TOTAL)), EXPIRY);
}

static void visitors_only_rise(void **state)
{
    (void)state;
    flush();
    ASK(S("HSET"), S(PAGE), S("u/a"), S("77"));
    assert_string_equal(ASK(FIRST_CALL, FIRST_ARGS("0-0", "5-0")), "OK");
    assert_string_equal(ASK(S("HGET"), S(PAGE), S("u/a")), "77");
}

/* What was put back into the log comes after what came later. */
static void marks_only_rise(void **state)
{
    (void)state;
    flush();
    assert_string_equal(ONE_MARK("0-0", "1-0", "7"), "OK");
    assert_string_equal(ONE_MARK("1-0", "2-0", "5"), "OK");
    assert_string_equal(ASK(S("HGET"), S(TOTAL), S("@" WRITER)), "7");
    assert_string_equal(ONE_MARK("2-0", "3-0", "8"), "OK");
    assert_string_equal(ASK(S("HGET"), S(TOTAL), S("@" WRITER)), "8");
    ASK(S("HSET"), S(TOTAL), S("@" WRITER), S("x"));
    assert_string_equal(ONE_MARK("3-0", "4-0", "9"), "BADFIELD 10");
}

#define ONE_SKETCH(from, to, hyll)                                                                 \
    ASK(S("FCALL"), S("apply"), S("5"), S(CURSOR), S(LOG), S(SCRATCH), S(PAGE), S(SEEN), S(from),  \
        S(to), S("1"), S("1"), S(EXPIRY), S("0"), S("1"), S("1"), S(EXPIRY), S("u/a"), S("1"),     \
        hyll)

/* Of `count` registers far apart: two bytes of zeros and one of rank each. */
static void make_sketch(struct buf *out, uint32_t count, bool is_dense)
{
    struct sketch_register registers[1000];
    for (uint32_t i = 0; i < count; i++)
        registers[i] = (struct sketch_register){(uint16_t)(100 + 80 * (i % 200) + i / 200), 3};
    buf_reset(out);
    if (is_dense)
        sketch_encode_dense(out, registers, count);
    else
        sketch_encode(out, registers, count);
}

/* Where none is stored there is nothing to merge, but a corrupt one must not get in. */
static void a_new_sketch_of_any_size_is_looked_at(void **state)
{
    (void)state;
    static const struct {
        uint32_t count;
        bool is_dense;
    } SKETCHES[] = {{1, false}, {150, false}, {199, false}, {900, false}, {300, true}};
    struct buf hyll;
    buf_init(&hyll, SKETCH_DENSE_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(SKETCHES); i++) {
        flush();
        make_sketch(&hyll, SKETCHES[i].count, SKETCHES[i].is_dense);
        struct snapshot before = take_snapshot();
        for (size_t len = hyll.len - 1; len > 0; len -= len < 40 ? 1 : 20) {
            assert_string_equal(ONE_SKETCH("0-0", "1-0", str_prefix(buf_str(&hyll), len)),
                                "BADSKETCH 12");
            assert_unchanged(&before);
        }
        buf_done(&before.bytes);
        assert_string_equal(ONE_SKETCH("0-0", "1-0", buf_str(&hyll)), "OK");
        assert_string_equal(ASK(S("PEXPIRETIME"), S(SEEN)), EXPIRY);
        assert_true(atoll(ASK(S("PFCOUNT"), S(SEEN))) >= SKETCHES[i].count);
        assert_string_equal(ONE_SKETCH("1-0", "2-0", S(HYLL)), "OK");
        char merged[32];
        snprintf(merged, sizeof(merged), "%s", ASK(S("PFCOUNT"), S(SEEN)));
        assert_true(atoll(merged) > SKETCHES[i].count);
        assert_string_equal(ASK(S("HGET"), S(PAGE), S("u/a")), merged);
    }
    buf_done(&hyll);
}

struct refusal {
    const char *expected;
    size_t at; /* which argument of the documented call is replaced */
    struct str by;
};

static void assert_refused(const struct refusal *refusals, size_t count, struct snapshot *before)
{
    for (size_t i = 0; i < count; i++) {
        struct str argv[] = {FIRST_CALL, FIRST_ARGS("0-0", "5-0")};
        argv[refusals[i].at] = refusals[i].by;
        assert_string_equal(ask_args(redis, ARRAY_LEN(argv), argv), refusals[i].expected);
        assert_unchanged(before);
    }
}

static void every_refusal_of_an_argument_changes_nothing(void **state)
{
    (void)state;
    /* Arguments are counted from FCALL = 0; ARGV[1] is number 10. */
    static const struct refusal REFUSALS[] = {
        {"BADARG 1", 10, S("x")},
        {"BADARG 1", 10, S("0")},
        {"BADARG 1", 10, S("-1-0")},
        {"BADARG 1", 11, S("0-0")}, /* not after `from` */
        {"BADARG 1", 11, S("5")},
        {"BADARG 1", 12, S("1")},
        {"BADARG 1", 12, S("-2")},
        {"BADARG 1", 13, S("0")},
        {"BADARG 5", 14, S("-1")},
        {"BADARG 5", 14, S("soon")},
        {"BADARG 5", 15, S("x")},
        {"BADARG 5", 15, S("900000000000")},
        {"BADARG 5", 16, S("-1")},
        {"BADARG 5", 17, S("-1")},
        {"BADARG 5", 17, S("2")}, /* more sketches than estimates */
        {"BADARG 5", 18, S("x")},
        {"BADARG 16", 28, S("2")},
        {"BADARG 16", 29, S("soon")},
        {"BADARG 25", 17, S("1")}, /* not as many as there are */
        {"BADARG 25", 28, S("0")},
        {"BADARG 10", 20, S("1x")},
        {"BADARG 10", 20, S("")},
        {"BADARG 10", 20, S("1.5")},
        {"BADARG 10", 20, S("-0")},
        {"BADARG 10", 20, S("007")},
        {"BADARG 10", 20, S("0x10")},
        {"BADFIELD 10", 20, S("9007199254740992")},
        {"BADFIELD 10", 20, S("-9007199254740992")},
        {"BADFIELD 10", 20, S("99999999999999999999")},
        {"BADARG 14", 24, S("-9")},
        {"BADARG 21", 31, S("one")},
        {"BADARG 23", 33, S("-1")},
        {"BADSKETCH 25", 34, S("")},
        {"BADSKETCH 25", 34, S("no sketch")},
        {"BADSKETCH 25", 34, S(CORRUPT)},
        {"BADARG -4", 5, S(TOTAL)}, /* a key twice */
        {"BADARG -7", 9, S(SEEN)},
        {"BADARG -3", 5, S(LOG)},
    };
    /* Whether a field is given twice is looked at where something is stored. */
    static const struct refusal TWICE[] = {
        {"BADARG 12", 21, S("v")},
        {"BADARG 14", 23, S("v")},   /* a mark in a field's place */
        {"BADARG 23", 32, S("v/a")}, /* an estimate in one's place */
    };
    struct snapshot before = {0};
    for (int are_stored = 0; are_stored < 2; are_stored++) {
        flush();
        ASK(S("XADD"), S(LOG), S("5-0"), S("w"), S("x"));
        if (are_stored) {
            ASK(S("HSET"), S(TOTAL), S("d"), S("3"));
            ASK(S("HSET"), S(PAGE), S("v/a"), S("3"));
        }
        buf_done(&before.bytes);
        before = take_snapshot();
        assert_refused(REFUSALS, ARRAY_LEN(REFUSALS), &before);
    }
    assert_refused(TWICE, ARRAY_LEN(TWICE), &before);
    struct str argv[] = {FIRST_CALL, FIRST_ARGS("0-0", "5-0")};
    for (size_t argc = 10; argc < ARRAY_LEN(argv); argc++) {
        assert_int_equal(memcmp(ask_args(redis, argc, argv), "BADARG", 6), 0);
        assert_unchanged(&before);
    }
    assert_string_equal(ask_args(redis, ARRAY_LEN(argv), argv), "OK");
    buf_done(&before.bytes);
}

static void every_refusal_of_what_is_stored_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *expected;
        struct str command[4];
    } STORED[] = {
        {"BADTYPE 1", {S("HSET"), S(CURSOR), S("a"), S("1")}},
        {"BADTYPE 2", {S("HSET"), S(LOG), S("a"), S("1")}},
        {"BADTYPE 4", {S("SADD"), S(TOTAL), S("a"), S("1")}},
        {"BADTYPE 5", {S("SADD"), S(PAGE), S("a"), S("1")}},
        {"BADTYPE 6", {S("SADD"), S(SEEN), S("a"), S("1")}},
        {"BADTYPE 7", {S("SADD"), S(OPEN), S("a"), S("1")}},
        {"BADFIELD 12", {S("HSET"), S(TOTAL), S("s"), S("many")}},
        {"BADFIELD 12", {S("HSET"), S(TOTAL), S("s"), S("1.0")}},
        {"BADFIELD 12", {S("HSET"), S(TOTAL), S("s"), S("9007199254740992")}},
        {"BADFIELD 12",
         {S("HSET"), S(TOTAL), S("s"), S("9007199254740991")}}, /* leaves the range */
        {"BADFIELD 14", {S("HSET"), S(TOTAL), S("@" WRITER), S("-1")}},
        {"BADFIELD 21", {S("HSET"), S(PAGE), S("v/a"), S("")}},
        {"BADFIELD 23", {S("HSET"), S(PAGE), S("u/a"), S("few")}},
        {"BADSKETCH 25", {S("SET"), S(SEEN), S("no sketch"), S("KEEPTTL")}},
        {"BADSKETCH 25", {S("SET"), S(SEEN), S(CORRUPT), S("KEEPTTL")}},
        {"MOVED", {S("SET"), S(CURSOR), S("0-1"), S("KEEPTTL")}},
    };
    for (size_t i = 0; i < ARRAY_LEN(STORED); i++) {
        flush();
        ask_args(redis, 4, STORED[i].command);
        ASK(S("HSET"), S(PAGE), S("v/b"), S("1")); /* sketches of a hash that is not there go */
        struct snapshot before = take_snapshot();
        assert_string_equal(ASK(FIRST_CALL, FIRST_ARGS("0-0", "5-0")), STORED[i].expected);
        assert_unchanged(&before);
        buf_done(&before.bytes);
    }
}

static void what_is_left_of_a_sketch_without_its_hash_is_replaced(void **state)
{
    (void)state;
    static const struct str LEFT[][4] = {
        {S("SET"), S(SEEN), S(CORRUPT), S("KEEPTTL")},
        {S("PFADD"), S(SEEN), S("somebody"), S("else")},
        {S("SADD"), S(SEEN), S("a"), S("1")},
    };
    for (size_t i = 0; i < ARRAY_LEN(LEFT); i++) {
        flush();
        ask_args(redis, 4, LEFT[i]);
        assert_string_equal(ASK(FIRST_CALL, FIRST_ARGS("0-0", "5-0")), "OK");
        assert_string_equal(ASK(S("PFCOUNT"), S(SEEN)), "1");
        assert_string_equal(ASK(S("PEXPIRETIME"), S(SEEN)), EXPIRY);
    }
}

/* --- Loading ----------------------------------------------------------------------- */

static void the_library_is_loaded_once_and_replaced_when_it_differs(void **state)
{
    (void)state;
    char error[200];
    assert_string_equal(ASK(S("FUNCTION"), S("FLUSH")), "OK");
    assert_true(functions_load(redis, error, sizeof(error)));
    assert_string_equal(ASK(S("CONFIG"), S("RESETSTAT")), "OK");
    assert_true(functions_load(redis, error, sizeof(error)));
    struct redis_reply *stats = redis_do(redis, S("INFO"), S("commandstats"));
    assert_null(strstr(redis_reply_str(stats).ptr, "function|load"));
    redis_reply_free(stats);
    assert_string_equal(ASK(S("FUNCTION"), S("LOAD"), S("REPLACE"),
                            S("#!lua name=footfall\n"
                              "redis.register_function('append', function() return 'old' end)")),
                        "footfall");
    assert_true(functions_load(redis, error, sizeof(error)));
    assert_string_equal(APPEND(S(WRITER), S("0"), S("p"), S("1")), "BADARG");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_enters_the_log_once_and_in_order),
        cmocka_unit_test(append_refuses_bad_arguments_and_changes_nothing),
        cmocka_unit_test(append_takes_a_payload_up_to_its_cap),
        cmocka_unit_test(append_is_full_at_the_cap_of_the_log),
        cmocka_unit_test(append_refuses_one_writer_too_many),
        cmocka_unit_test(a_row_has_the_time_of_its_last_batch),
        cmocka_unit_test(the_documented_call_counts_once),
        cmocka_unit_test(sums_may_go_below_zero_and_come_back),
        cmocka_unit_test(a_cell_of_a_cross_has_two_sums),
        cmocka_unit_test(an_expiry_never_comes_nearer),
        cmocka_unit_test(visitors_only_rise),
        cmocka_unit_test(marks_only_rise),
        cmocka_unit_test(a_new_sketch_of_any_size_is_looked_at),
        cmocka_unit_test(every_refusal_of_an_argument_changes_nothing),
        cmocka_unit_test(every_refusal_of_what_is_stored_changes_nothing),
        cmocka_unit_test(what_is_left_of_a_sketch_without_its_hash_is_replaced),
        cmocka_unit_test(the_library_is_loaded_once_and_replaced_when_it_differs),
    };
    return cmocka_run_group_tests(tests, asked_start, asked_stop);
}

/* Sketches against a real Redis: it accepts our strings and estimates as we do. */

#include "aggregator/sketch.h"

#include <sodium.h>
#include <stdlib.h>

#include "redis_server.h"
#include "tests/test.h"

static struct redis_server server;
static struct redis *redis;

static int start_server(void **state)
{
    (void)state;
    redis_server_start(&server, NULL);
    redis = redis_server_connect(&server);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    redis_free(redis);
    redis_server_stop(&server);
    return 0;
}

static void set(const char *key, const struct sketch_register *registers, size_t count)
{
    struct sketch_register *copy = calloc(count + 1, sizeof(*copy));
    struct buf hyll;
    assert_non_null(copy);
    if (count > 0)
        memcpy(copy, registers, count * sizeof(*copy));
    buf_init(&hyll, SKETCH_DENSE_BYTES);
    sketch_encode(&hyll, copy, count);
    free(copy);
    struct redis_reply *reply = redis_do(redis, STR_LIT("SET"), str_from(key), buf_str(&hyll));
    assert_true(redis_reply_is(reply, "OK"));
    redis_reply_free(reply);
    buf_done(&hyll);
}

static void get(const char *key, uint8_t dense[SKETCH_REGISTERS])
{
    struct redis_reply *reply = redis_do(redis, STR_LIT("GET"), str_from(key));
    memset(dense, 0, SKETCH_REGISTERS);
    assert_true(sketch_decode(redis_reply_str(reply), dense));
    redis_reply_free(reply);
}

static void assert_count(const char *key, const uint8_t dense[SKETCH_REGISTERS])
{
    struct redis_reply *reply = redis_do(redis, STR_LIT("PFCOUNT"), str_from(key));
    assert_int_equal(redis_reply_type(reply), REDIS_TYPE_INTEGER);
    assert_int_equal(redis_reply_integer(reply), sketch_estimate(dense));
    redis_reply_free(reply);
}

static void merge(const char *into, const char *from)
{
    struct redis_reply *reply = redis_do(redis, STR_LIT("PFMERGE"), str_from(into), str_from(from));
    assert_true(redis_reply_is(reply, "OK"));
    redis_reply_free(reply);
}

static size_t random_registers(struct sketch_register *registers, size_t count)
{
    uint8_t key[SKETCH_KEY_BYTES];
    randombytes_buf(key, sizeof(key));
    for (size_t i = 0; i < count; i++)
        registers[i] = sketch_register_of(key, i);
    return count;
}

static void fold(uint8_t dense[SKETCH_REGISTERS], const struct sketch_register *registers,
                 size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (registers[i].rank > dense[registers[i].index])
            dense[registers[i].index] = registers[i].rank;
}

static void estimates_equal_pfcount_at_every_size(void **state)
{
    (void)state;
    static const size_t COUNTS[] = {0,    1,    2,    3,     10,    50,     200,    800,
                                    1500, 3000, 5000, 10000, 20000, 100000, 500000, 2000000};
    struct sketch_register *registers = calloc(2000000, sizeof(*registers));
    for (size_t i = 0; i < ARRAY_LEN(COUNTS); i++)
        for (size_t round = 0; round < (COUNTS[i] > 20000 ? 1 : 8); round++) {
            uint8_t dense[SKETCH_REGISTERS] = {0}, stored[SKETCH_REGISTERS];
            size_t count =
                random_registers(registers, COUNTS[i] + (COUNTS[i] < 2000000 ? round : 0));
            fold(dense, registers, count);
            set("s", registers, count);
            assert_count("s", dense);
            get("s", stored);
            assert_memory_equal(stored, dense, sizeof(dense));
        }
    free(registers);
}

static void ranks_up_to_51_are_accepted(void **state)
{
    (void)state;
    for (uint8_t rank = 1; rank <= SKETCH_RANK_MAX; rank++) {
        const struct sketch_register registers[] = {{0, rank}, {16383, rank}, {77, 1}};
        uint8_t dense[SKETCH_REGISTERS] = {0}, merged[SKETCH_REGISTERS];
        fold(dense, registers, ARRAY_LEN(registers));
        set("s", registers, ARRAY_LEN(registers));
        assert_count("s", dense);
        set("into", registers + 2, 1);
        merge("into", "s");
        get("into", merged);
        assert_memory_equal(merged, dense, sizeof(dense));
        assert_count("into", dense);
    }
}

static void merging_takes_the_highest_and_twice_is_the_same(void **state)
{
    (void)state;
    static const size_t COUNTS[][2] = {{5, 3}, {300, 900}, {20, 30000}, {30000, 20}, {9000, 9000}};
    static struct sketch_register a[30000], b[30000];
    for (size_t i = 0; i < ARRAY_LEN(COUNTS); i++) {
        uint8_t dense[SKETCH_REGISTERS] = {0}, merged[SKETCH_REGISTERS];
        fold(dense, a, random_registers(a, COUNTS[i][0]));
        fold(dense, b, random_registers(b, COUNTS[i][1]));
        set("a", a, COUNTS[i][0]);
        set("b", b, COUNTS[i][1]);
        for (int times = 0; times < 2; times++) {
            merge("a", "b");
            get("a", merged);
            assert_memory_equal(merged, dense, sizeof(dense));
            assert_count("a", dense);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimates_equal_pfcount_at_every_size),
        cmocka_unit_test(ranks_up_to_51_are_accepted),
        cmocka_unit_test(merging_takes_the_highest_and_twice_is_the_same),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, start_server, stop_server);
}

/* An import's batches and a real Redis: stored once, together, and not further ahead of the
 * aggregator than may be. */

#include "cli/import_store.h"

#include <signal.h>
#include <stdlib.h>

#include "aggregator/functions.h"
#include "redis_server.h"
#include "tests/test.h"

#define S(text) STR_LIT(text)
#define SITE S("a.example")
#define LOG S("ff:{0}:log")
#define CURSOR S("ff:{0}:cursor")

enum { ERROR_BYTES = 512 };

static struct redis_server server;
static struct redis *redis;
static volatile int stop;
static char error[ERROR_BYTES];
static char *payload;

static int start_server(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN); /* as in the command */
    redis_server_start(&server, NULL);
    redis = redis_server_connect(&server);
    payload = calloc(1, BATCH_BYTES_MAX);
    return functions_load(redis, error, sizeof(error)) ? 0 : -1;
}

static int stop_server(void **state)
{
    (void)state;
    free(payload);
    redis_free(redis);
    redis_server_stop(&server);
    return 0;
}

static struct import_store *open_store(void)
{
    redis_reply_free(redis_do(redis, S("FLUSHALL")));
    stop = 0;
    struct import_store *store =
        import_store_open(&server.address, SITE, &stop, error, sizeof(error));
    assert_non_null(store);
    return store;
}

static int64_t log_length(void)
{
    struct redis_reply *reply = redis_do(redis, S("XLEN"), LOG);
    int64_t length = redis_reply_integer(reply);
    redis_reply_free(reply);
    return length;
}

static struct import_batch batch_of(uint64_t number, size_t bytes)
{
    return (struct import_batch){
        .payload = {payload, bytes},
        .row = {.id = 77, .number = number, .lines = number * 10, .head_bytes = 5}};
}

static enum import_put put(struct import_store *store, uint64_t number, size_t bytes)
{
    struct import_batch batch = batch_of(number, bytes);
    return import_store_put(store, &batch, error, sizeof(error));
}

static enum import_put flush(struct import_store *store)
{
    return import_store_flush(store, error, sizeof(error));
}

/* The first few soon, so that counting can begin, and ever more at once. */
static void batches_are_stored_in_growing_groups(void **state)
{
    struct import_store *store = open_store();
    struct import_row *rows;
    size_t count, groups = 0;
    int64_t stored = 0;
    (void)state;
    for (int64_t group = IMPORT_GROUP_FIRST; groups < 7; groups++) {
        for (int64_t i = 1; i < group; i++)
            assert_int_equal(put(store, (uint64_t)(stored + i), 10), IMPORT_STORED);
        assert_true(log_length() == stored && import_store_lines(store) == 10 * (uint64_t)stored);
        stored += group;
        assert_int_equal(put(store, (uint64_t)stored, 10), IMPORT_STORED);
        assert_int_equal(log_length(), stored);
        group = 2 * group < IMPORT_GROUP_MAX ? 2 * group : IMPORT_GROUP_MAX;
    }
    assert_int_equal(put(store, (uint64_t)stored + 1, 10), IMPORT_STORED);
    assert_int_equal(flush(store), IMPORT_STORED);
    assert_int_equal(flush(store), IMPORT_STORED);
    assert_int_equal(log_length(), stored + 1);
    assert_int_equal(import_store_lines(store), 10 * (stored + 1));
    assert_true(import_store_rows(store, &rows, &count, error, sizeof(error)));
    assert_true(count == 1 && rows[0].id == 77 && rows[0].number == (uint64_t)stored + 1);
    free(rows);
    import_store_close(store);
}

static void a_batch_that_is_stored_already_is_not_stored_again(void **state)
{
    struct import_store *store = open_store();
    (void)state;
    assert_int_equal(put(store, 1, 10), IMPORT_STORED);
    assert_int_equal(flush(store), IMPORT_STORED);
    assert_int_equal(put(store, 1, 10), IMPORT_STORED);
    assert_int_equal(put(store, 2, 10), IMPORT_STORED);
    assert_int_equal(flush(store), IMPORT_STORED);
    assert_int_equal(log_length(), 2);
    import_store_close(store);
}

static void another_run_of_the_same_log_ends_this_one(void **state)
{
    struct import_store *store = open_store();
    (void)state;
    assert_int_equal(put(store, 1, 10), IMPORT_STORED);
    assert_int_equal(put(store, 3, 10), IMPORT_STORED);
    assert_int_equal(flush(store), IMPORT_REFUSED);
    assert_non_null(strstr(error, "another process"));
    assert_int_equal(log_length(), 1);
    import_store_close(store);
}

/* Redis loses its connections, and takes the batch when it is asked again. */
static void a_lost_connection_is_made_again(void **state)
{
    struct import_store *store = open_store();
    (void)state;
    assert_int_equal(put(store, 1, 10), IMPORT_STORED);
    redis_reply_free(
        redis_do(redis, S("CLIENT"), S("KILL"), S("TYPE"), S("normal"), S("SKIPME"), S("yes")));
    assert_int_equal(flush(store), IMPORT_STORED);
    assert_int_equal(log_length(), 1);
    import_store_close(store);
}

static void set_cursor_to_the_last_entry(void)
{
    struct redis_reply *reply =
        redis_do(redis, S("XREVRANGE"), LOG, S("+"), S("-"), S("COUNT"), S("1"));
    redis_reply_free(redis_do(redis, S("SET"), CURSOR,
                              redis_reply_str(redis_reply_at(redis_reply_at(reply, 0), 0))));
    redis_reply_free(reply);
}

static void goes_no_further_ahead(uint64_t most, size_t bytes)
{
    struct import_store *store = open_store();
    for (uint64_t i = 1; i <= most; i++)
        assert_int_equal(put(store, i, bytes), IMPORT_STORED);
    assert_int_equal(flush(store), IMPORT_STORED);
    assert_int_equal(log_length(), most);
    stop = 1;
    assert_int_equal(put(store, most + 1, 1), IMPORT_STORED);
    assert_int_equal(flush(store), IMPORT_STOPPED);
    assert_int_equal(log_length(), most);
    stop = 0;
    set_cursor_to_the_last_entry();
    assert_int_equal(flush(store), IMPORT_STORED);
    assert_int_equal(log_length(), most + 1);
    import_store_close(store);
}

static void the_import_waits_for_the_aggregator(void **state)
{
    (void)state;
    goes_no_further_ahead(IMPORT_AHEAD_BYTES_MAX / BATCH_BYTES_MAX, BATCH_BYTES_MAX);
}

static void so_many_batches_are_not_worked_off_at_most(void **state)
{
    (void)state;
    goes_no_further_ahead(IMPORT_AHEAD_BATCHES_MAX, 1);
}

static void a_row_that_cannot_be_read_stops_everything(void **state)
{
    struct import_store *store = open_store();
    struct import_row *rows = NULL;
    size_t count;
    (void)state;
    redis_reply_free(redis_do(redis, S("HSET"), S("ff:{0}:a.example:imports"), S("x"), S("y")));
    assert_false(import_store_rows(store, &rows, &count, error, sizeof(error)));
    assert_null(rows);
    import_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_stored_in_growing_groups),
        cmocka_unit_test(a_batch_that_is_stored_already_is_not_stored_again),
        cmocka_unit_test(another_run_of_the_same_log_ends_this_one),
        cmocka_unit_test(a_lost_connection_is_made_again),
        cmocka_unit_test(the_import_waits_for_the_aggregator),
        cmocka_unit_test(so_many_batches_are_not_worked_off_at_most),
        cmocka_unit_test(a_row_that_cannot_be_read_stops_everything),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}

/* Open days as the aggregator makes them: a ledger, and `apply` with the cursor going on. */

#include "open_days.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregator/acl.h"
#include "aggregator/apply.h"
#include "aggregator/functions.h"
#include "aggregator/model.h"
#include "common/clock.h"
#include "tests/test.h"

struct redis_server server;
struct redis *redis;
const char *const *open_days_redis_args;
struct ledger ledger;
struct closing closing;

static struct apply_call call;
static uint64_t entry;

/* --- The store -------------------------------------------------------------------------------- */

static struct redis_reply *good(struct redis_reply *reply)
{
    assert_non_null(reply);
    if (redis_reply_type(reply) == REDIS_TYPE_ERROR)
        fail_msg("%.*s", STR_ARG(redis_reply_str(reply)));
    return reply;
}

void at_ms(int64_t wall_ms)
{
    static int64_t set_ms;
    set_ms += 30 * INT64_C(24) * HOUR_MS; /* past wherever a test has moved it to */
    clock_fake_set(wall_ms, set_ms);
}

void open_days_reset(void)
{
    redis_reply_free(good(redis_do(redis, S("FLUSHALL"))));
    ledger_forget(&ledger);
    closing_done(&closing);
    closing_init(&closing, 0);
    entry = 0;
    at_ms(NOON_MS);
}

int open_days_start(void **state)
{
    char error[200];
    (void)state;
    redis_server_start(&server, open_days_redis_args);
    redis = redis_server_connect(&server);
    ledger_init(&ledger);
    apply_call_init(&call);
    closing_init(&closing, 0);
    return functions_load(redis, error, sizeof(error)) ? 0 : -1;
}

int open_days_stop(void **state)
{
    (void)state;
    closing_done(&closing);
    apply_call_done(&call);
    ledger_forget(&ledger);
    redis_free(redis);
    redis_server_stop(&server);
    return 0;
}

static struct redis *first_user;

void become_aggregator(void)
{
    struct redis_address address;
    char error[200];
    redis_server_add_user(&server, "aggregator", ACL_AGGREGATOR, &address);
    first_user = redis;
    redis = redis_connect(&address, error, sizeof(error));
    assert_non_null(redis);
}

void become_first_user(void)
{
    redis_free(redis);
    redis = first_user;
}

void add_site(const char *domain, const char *settings)
{
    redis_reply_free(
        good(redis_do(redis, S("HSET"), S("ff:sites"), str_from(domain), str_from(settings))));
}

/* --- Counting --------------------------------------------------------------------------------- */

static struct ledger_day *day_of(const char *site, uint32_t date)
{
    struct ledger_day *day = ledger_day(&ledger, str_from(site), date);
    for (int t = 0; t < TABLE__COUNT; t++)
        day->tables[t].is_loaded = true;
    for (int c = 0; c < CROSS__COUNT; c++)
        day->crosses.of[c].is_loaded = true;
    return day;
}

void count(const char *site, uint32_t date, enum table table, const char *value, enum metric metric,
           int64_t increment)
{
    struct ledger_day *day = day_of(site, date);
    int64_t sums[SECTION_SUMS] = {0};
    sums[metric] = increment;
    ledger_add(day, ledger_row(day, table, str_from(value)), sums);
}

void count_visitor(const char *site, uint32_t date, enum table table, const char *value,
                   uint64_t tag)
{
    static const uint8_t DAY_KEY[SKETCH_KEY_BYTES] = "a day's key     ";
    uint8_t key[SKETCH_KEY_BYTES];
    struct ledger_day *day = day_of(site, date);
    sketch_cell_key(DAY_KEY, table, str_from(value), key);
    ledger_add_register(day, ledger_row(day, table, str_from(value)),
                        sketch_register_of(key, tag * UINT64_C(0x9e3779b97f4a7c15)));
}

void count_cell(const char *site, uint32_t date, enum cross cross, const char *left,
                const char *right, int64_t views, int64_t visits)
{
    struct ledger_day *day = day_of(site, date);
    uint32_t left_row =
        (uint32_t)(ledger_row(day, model_cross_left(cross), str_from(left)) - day->rows);
    uint32_t right_row =
        (uint32_t)(ledger_row(day, model_cross_right(cross), str_from(right)) - day->rows);
    ledger_cross(day, cross_key(cross, left_row, right_row), views, visits);
}

void count_view(const char *site, uint32_t date, const char *page, const char *country,
                uint64_t tag)
{
    const struct {
        enum table table;
        const char *value;
    } ROWS[] = {{TABLE_TOTAL, ""}, {TABLE_PAGE, page}, {TABLE_COUNTRY, country}};
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        count(site, date, ROWS[i].table, ROWS[i].value, METRIC_PAGEVIEWS, 1);
        count(site, date, ROWS[i].table, ROWS[i].value, METRIC_VISITS, 1);
        count(site, date, ROWS[i].table, ROWS[i].value, METRIC_BOUNCES, 1);
        count_visitor(site, date, ROWS[i].table, ROWS[i].value, tag);
    }
    count_cell(site, date, CROSS_PAGE_COUNTRY, page, country, 1, 1);
}

void apply_all(void)
{
    char from[32], to[32];
    snprintf(from, sizeof(from), "%" PRIu64 "-0", entry);
    snprintf(to, sizeof(to), "%" PRIu64 "-0", ++entry);
    apply_call_build(&call, 0, &ledger, str_from(from), str_from(to), clock_wall_ms());
    struct redis_reply *reply = good(redis_command(redis, call.argc, call.argv));
    assert_true(redis_reply_is(reply, "OK"));
    redis_reply_free(reply);
    ledger_applied(&ledger);
}

/* --- Closing ---------------------------------------------------------------------------------- */

uint64_t look(struct closing *with)
{
    struct closing_counts counts;
    struct trouble trouble;
    with->look_at_ms = 0;
    if (!closing_turn(with, redis, &ledger, &counts, &trouble))
        fail_msg("%s: %s", trouble.doing, trouble.said);
    assert_false(with->is_under_way);
    return counts.closed;
}

uint64_t close_all(void)
{
    uint64_t closed = look(&closing);
    clock_fake_advance(CLOSE_QUIET_MS);
    return closed + look(&closing);
}

uint64_t close_all_anew(void)
{
    struct closing fresh;
    closing_init(&fresh, 0);
    uint64_t closed = look(&fresh);
    assert_int_equal(closed, 0);
    clock_fake_advance(CLOSE_QUIET_MS);
    closed = look(&fresh);
    closing_done(&fresh);
    return closed;
}

/* --- Reading ---------------------------------------------------------------------------------- */

bool exists(const char *key)
{
    struct redis_reply *reply = good(redis_do(redis, S("EXISTS"), str_from(key)));
    bool there = redis_reply_integer(reply) == 1;
    redis_reply_free(reply);
    return there;
}

size_t key_count(const char *pattern)
{
    struct redis_reply *reply = good(redis_do(redis, S("KEYS"), str_from(pattern)));
    size_t found = redis_reply_count(reply);
    redis_reply_free(reply);
    return found;
}

int64_t expiry_of(const char *key)
{
    struct redis_reply *reply = redis_do(redis, S("PEXPIRETIME"), str_from(key));
    int64_t at = redis_reply_integer(reply);
    redis_reply_free(reply);
    return at;
}

bool read_record(const char *site, uint32_t date, struct record_names *month, struct day *day)
{
    struct buf key, names_key;
    buf_init(&key, 400);
    buf_init(&names_key, 400);
    model_key_day(&key, str_from(site), date);
    model_key_names(&names_key, str_from(site), date);
    struct redis_reply *record = good(redis_do(redis, S("GET"), buf_str(&key)));
    struct redis_reply *names = good(redis_do(redis, S("GET"), buf_str(&names_key)));
    bool there = redis_reply_type(record) == REDIS_TYPE_STRING;
    if (there) {
        struct record_reader *reader = record_reader_new();
        assert_true(record_names_read(month, redis_reply_str(names)));
        assert_int_equal(record_decode(reader, redis_reply_str(record), month, day), RECORD_OK);
        record_reader_free(reader);
    }
    redis_reply_free(record);
    redis_reply_free(names);
    buf_done(&key);
    buf_done(&names_key);
    return there;
}

int64_t sealed(const char *site, uint32_t date, enum table table, const char *value,
               enum metric metric)
{
    struct record_names month;
    struct day day;
    uint32_t name;
    int64_t sum = 0;
    record_names_init(&month);
    day_init(&day, date, &month.names);
    if (read_record(site, date, &month, &day) &&
        day_names_find(&month.names, table, str_from(value), &name)) {
        const struct day_row *row = day_row_find(&day, table, name);
        sum = row == NULL ? 0 : row->sums[metric];
    }
    day_done(&day);
    record_names_done(&month);
    return sum;
}

int64_t live(const char *site, uint32_t date, enum table table, const char *field)
{
    struct buf key;
    buf_init(&key, 400);
    model_key_live(&key, str_from(site), date, table);
    struct redis_reply *reply = good(redis_do(redis, S("HGET"), buf_str(&key), str_from(field)));
    int64_t value = redis_reply_type(reply) == REDIS_TYPE_STRING
                        ? strtoll(redis_reply_str(reply).ptr, NULL, 10)
                        : 0;
    redis_reply_free(reply);
    buf_done(&key);
    return value;
}

/* The audit of sealed days in a real Redis: records as the close makes them pass, and one that is
 * damaged, whose names are gone, or that does not add up is told. And needles, and packed strings,
 * by the byte. */

#include "cli/audit_keys.h"

#include <stdio.h>
#include <stdlib.h>

#include "aggregator/acl.h"
#include "aggregator/model.h"
#include "aggregator/month_sum.h"
#include "aggregator/record.h"
#include "aggregator/threshold.h"
#include "cli/finder.h"
#include "cli/lzf.h"
#include "redis_server.h"
#include "synthetic_day.h"
#include "tests/test.h"

enum { ERROR_BYTES = 512, BYTES_MAX = 8 * 1024 * 1024, DATE = 20261123, VIEWS = 3000 };

static const struct synthetic_site SITE = {.pages = 200, .sources = 30, .countries = 20};

static struct redis_server server;
static struct redis *owner, *admin;

static int setup(void **state)
{
    (void)state;
    char error[ERROR_BYTES];
    struct redis_address address;
    redis_server_start(&server, NULL);
    owner = redis_server_connect(&server);
    redis_server_add_user(&server, "admin", ACL_ADMIN, &address);
    admin = redis_connect(&address, error, sizeof(error));
    return admin == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    redis_free(admin);
    redis_free(owner);
    redis_server_stop(&server);
    return 0;
}

/* --- Sealed days ------------------------------------------------------------------------------ */

static void put(void (*key_of)(struct buf *, struct str, uint32_t), struct str value)
{
    struct buf key;
    buf_init(&key, 512);
    key_of(&key, STR_LIT("a.example"), DATE);
    redis_reply_free(
        redis_do(owner, STR_LIT("SET"), buf_str(&key), value, STR_LIT("EX"), STR_LIT("1000000")));
    buf_done(&key);
}

static void add_views(struct day *day, enum table table, const char *value, int64_t views)
{
    day_row(day, table, str_from(value))->sums[METRIC_PAGEVIEWS] += views;
}

static void one_more_in_the_total(struct day *day)
{
    add_views(day, TABLE_TOTAL, "", 1);
}

/* Another tool's sums: of its views 90 have a page there, and 120 a browser. */
static void sums_without_hours(struct day *day)
{
    add_views(day, TABLE_TOTAL, "", 100);
    add_views(day, TABLE_TIME, MODEL_OTHER, 100);
    add_views(day, TABLE_PAGE, "/imported", 90);
    add_views(day, TABLE_BROWSER, "Lynx", 120);
}

static void sums_without_hours_and_a_page_too_few(struct day *day)
{
    sums_without_hours(day);
    add_views(day, TABLE_PAGE, "/imported", -91);
}

static void sums_without_hours_and_an_hour_too_few(struct day *day)
{
    sums_without_hours(day);
    add_views(day, TABLE_TIME, "13", -1);
}

/* A made-up day at rest, changed after its views were counted; NULL: it is as it should be. */
static void seal(void (*change)(struct day *), struct buf *record, struct buf *chunk)
{
    struct day_names names;
    struct day day;
    struct record_names month;
    day_names_init(&names);
    day_init(&day, DATE, &names);
    assert_true(day_set_timezone(&day, STR_LIT("UTC")));
    record_names_init(&month);
    synthetic_day_fill(&day, &SITE, VIEWS, 7);
    threshold_apply(&day, &(struct thresholds){5, DAY_REGIONS_FOLDED | DAY_CELLS_HIDDEN});
    if (change != NULL)
        change(&day);
    record_encode(&day, &month, record, chunk);
    record_names_done(&month);
    day_done(&day);
    day_names_done(&names);
}

/* All breaches, one a line; the caller frees. */
static char *breaches_of(const char *canary, size_t *ret_count)
{
    struct audit_report report;
    struct audit_search *search = audit_search_new();
    struct buf all;
    size_t i;
    json_t *breach;
    audit_report_init(&report, true);
    report.shows_progress = false;
    assert_true(canary == NULL || audit_search_add(search, str_from(canary)));
    assert_true(audit_keys(&report, search, admin));
    if (canary != NULL)
        audit_search_tell(search, &report);
    buf_init(&all, BYTES_MAX);
    json_array_foreach(report.breaches, i, breach)
        buf_printf(&all, "%s\n", json_string_value(breach));
    *ret_count = report.breach_count;
    char *text = strndup(buf_str(&all).ptr, all.len);
    buf_done(&all);
    audit_report_done(&report);
    audit_search_free(search);
    return text;
}

static void assert_breaches(size_t count, const char *words, const char *canary)
{
    size_t found;
    char *text = breaches_of(canary, &found);
    if (found != count || (words != NULL && strstr(text, words) == NULL))
        fail_msg("%zu breaches, wanted %zu with \"%s\":\n%s", found, count,
                 words == NULL ? "" : words, text);
    free(text);
}

static void sealed_days_are_read_and_add_up(void **state)
{
    (void)state;
    struct buf record, chunk;
    buf_init(&record, BYTES_MAX);
    buf_init(&chunk, BYTES_MAX);
    seal(NULL, &record, &chunk);
    put(model_key_day, buf_str(&record));
    put(model_key_names, buf_str(&chunk));
    assert_breaches(0, NULL, NULL);

    record.ptr[record.len / 2] ^= 1;
    put(model_key_day, buf_str(&record));
    assert_breaches(1, "The record of a.example, 20261123, cannot be read: ", NULL);
    record.ptr[record.len / 2] ^= 1;
    put(model_key_day, buf_str(&record));
    chunk.ptr[chunk.len - 1] ^= 1;
    put(model_key_names, buf_str(&chunk));
    assert_breaches(2, "The names of a.example, month of 20261100, are damaged.", NULL);
    redis_reply_free(redis_do(owner, STR_LIT("FLUSHALL")));

    put(model_key_day, buf_str(&record));
    assert_breaches(1, "The record of a.example, 20261123, cannot be read: ", NULL);
    redis_reply_free(redis_do(owner, STR_LIT("FLUSHALL")));
    buf_done(&record);
    buf_done(&chunk);
}

/* Of no table's rows is asked that they add up to a total, which it does not have. */
static void a_sum_of_a_month_that_cannot_be_read_is_told(void **state)
{
    (void)state;
    struct day_names names;
    struct day day;
    struct record_names month;
    struct buf sum, chunk;
    day_names_init(&names);
    day_init(&day, DATE / 100 * 100, &names);
    record_names_init(&month);
    buf_init(&sum, BYTES_MAX);
    buf_init(&chunk, BYTES_MAX);
    add_views(&day, TABLE_PAGE, "/", 7);
    buf_append(&sum, (const char[MONTH_SUM_STAMPS_BYTES]){0}, MONTH_SUM_STAMPS_BYTES);
    record_encode(&day, &month, &sum, &chunk);
    put(model_key_names, buf_str(&chunk));
    put(model_key_sum, buf_str(&sum));
    assert_breaches(0, NULL, NULL);
    sum.ptr[sum.len - 1] ^= 1;
    put(model_key_sum, buf_str(&sum));
    assert_breaches(1, "The sum of a.example, month of 20261100, cannot be read: a part", NULL);
    put(model_key_sum, STR_LIT("x"));
    assert_breaches(1, "The sum of a.example, month of 20261100, cannot be read: ", NULL);
    redis_reply_free(redis_do(owner, STR_LIT("FLUSHALL")));
    record_names_done(&month);
    day_done(&day);
    day_names_done(&names);
    buf_done(&sum);
    buf_done(&chunk);
}

static void a_sealed_day_that_does_not_add_up_is_told(void **state)
{
    (void)state;
    struct buf record, chunk;
    buf_init(&record, BYTES_MAX);
    buf_init(&chunk, BYTES_MAX);
    seal(one_more_in_the_total, &record, &chunk);
    put(model_key_day, buf_str(&record));
    put(model_key_names, buf_str(&chunk));
    size_t count;
    char *text = breaches_of(NULL, &count);
    assert_true(count >= 10);
    assert_non_null(strstr(text, "a.example, day of 20261123: pageviews of all rows of page are"));
    free(text);
    redis_reply_free(redis_do(owner, STR_LIT("FLUSHALL")));
    buf_done(&record);
    buf_done(&chunk);
}

/* Which tables another tool has, and what they add up to there, is not ours to say; but they have
 * what was counted here, and hours add up as ever. */
static void sums_without_hours_are_known_by_their_hour(void **state)
{
    (void)state;
    static const struct {
        void (*change)(struct day *);
        size_t breaches;
        const char *words;
    } CASES[] = {
        {sums_without_hours, 0, NULL},
        {sums_without_hours_and_a_page_too_few, 1, "pageviews of all rows of page are"},
        {sums_without_hours_and_an_hour_too_few, 1, "pageviews of all rows of time are"},
    };
    struct buf record, chunk;
    buf_init(&record, BYTES_MAX);
    buf_init(&chunk, BYTES_MAX);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        buf_reset(&record);
        buf_reset(&chunk);
        seal(CASES[i].change, &record, &chunk);
        put(model_key_day, buf_str(&record));
        put(model_key_names, buf_str(&chunk));
        assert_breaches(CASES[i].breaches, CASES[i].words, NULL);
    }
    redis_reply_free(redis_do(owner, STR_LIT("FLUSHALL")));
    buf_done(&record);
    buf_done(&chunk);
}

/* Names are compressed at rest. */
static void a_canary_in_the_names_of_a_month_is_found(void **state)
{
    (void)state;
    struct record_names month;
    struct buf chunk;
    uint32_t name;
    char path[64];
    buf_init(&chunk, BYTES_MAX);
    record_names_init(&month);
    for (int i = 0; i < 500; i++) {
        snprintf(path, sizeof(path), "/some/path/of/many/%d/%s", i, i == 250 ? "planted-one" : "");
        assert_true(day_names_add(&month.names, TABLE_PAGE, str_from(path), &name));
    }
    record_names_write(&month, &chunk);
    put(model_key_names, buf_str(&chunk));
    assert_breaches(1, "Canary 1 is in ff:{n}:<site>:names:<yyyymm>, 1 times: text.",
                    "path/of/many/250/planted-one");
    assert_breaches(0, NULL, "path/of/many/251/planted-one");
    redis_reply_free(redis_do(owner, STR_LIT("FLUSHALL")));
    record_names_done(&month);
    buf_done(&chunk);
}

/* --- Needles and packed strings --------------------------------------------------------------- */

static void note_found(uint32_t number, size_t len, void *data)
{
    (void)len;
    ((int *)data)[number]++;
}

static void every_needle_is_found_at_every_place(void **state)
{
    (void)state;
    struct finder *finder = finder_new();
    finder_add(finder, STR_LIT("abcd"), 0);
    finder_add(finder, STR_LIT("abcdef"), 1);
    finder_add(finder, STR_LIT("\0\0\0\1"), 2);
    char bytes[64];
    for (size_t at = 0; at + 6 <= sizeof(bytes); at++) {
        int counts[3] = {0};
        memset(bytes, 'x', sizeof(bytes));
        memcpy(bytes + at, "abcdef", 6);
        finder_scan(finder, (struct str){bytes, sizeof(bytes)}, 0, note_found, counts);
        assert_int_equal(counts[0], 1);
        assert_int_equal(counts[1], 1);
        assert_int_equal(counts[2], 0);
        /* What ends before `from` was found before; what reaches over it was not. */
        memset(counts, 0, sizeof(counts));
        finder_scan(finder, (struct str){bytes, sizeof(bytes)}, at + 5, note_found, counts);
        assert_int_equal(counts[0], 0);
        assert_int_equal(counts[1], 1);
        /* Cut off. */
        memset(counts, 0, sizeof(counts));
        finder_scan(finder, (struct str){bytes, at + 5}, 0, note_found, counts);
        assert_int_equal(counts[0], 1);
        assert_int_equal(counts[1], 0);
    }
    finder_free(finder);
}

static void note_unpacked(struct str text, void *data)
{
    buf_append_str(data, text);
    buf_append_byte(data, '|');
}

static void what_is_packed_unpacks_and_nothing_else_does(void **state)
{
    (void)state;
    static const struct {
        struct str bytes;
        const char *unpacked;
    } CASES[] = {
        /* "ab" as it is, then 8 bytes from 2 back */
        {STR_LIT("\xc3\x05\x0a\x01"
                 "ab\xc0\x01"),
         "ababababab|"},
        {STR_LIT("x\xc3\xc3\x05\x0a\x01"
                 "ab\xc0\x01y"),
         "ababababab|"},
        {STR_LIT("\xc3\x05\x0b\x01"
                 "ab\xc0\x01"),
         ""}, /* another length */
        {STR_LIT("\xc3\x05\x0a\x01"
                 "ab\xc0\x02"),
         ""}, /* from before the start */
        {STR_LIT("\xc3\x06\x0a\x01"
                 "ab\xc0\x01"),
         ""}, /* cut off */
        {STR_LIT("\xc3\x05\x0a\x05"
                 "ab\xc0\x01"),
         ""}, /* more as it is than there is */
        {STR_LIT("\xc3\x05\x0d\x01"
                 "ab\xe0\x02\x01"),
         ""}, /* longer than it says */
        {STR_LIT("\xc3"), ""},
        {STR_LIT("\xc3\x80\x00\x00"), ""},
    };
    struct buf room, found;
    buf_init(&room, 1024);
    buf_init(&found, 1024);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        buf_reset(&found);
        lzf_each(CASES[i].bytes, &room, note_unpacked, &found);
        if (!str_eq(buf_str(&found), str_from(CASES[i].unpacked)))
            fail_msg("case %zu unpacks to \"%.*s\"", i, STR_ARG(buf_str(&found)));
    }
    buf_done(&found);
    buf_done(&room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_days_are_read_and_add_up),
        cmocka_unit_test(a_sum_of_a_month_that_cannot_be_read_is_told),
        cmocka_unit_test(a_sealed_day_that_does_not_add_up_is_told),
        cmocka_unit_test(sums_without_hours_are_known_by_their_hour),
        cmocka_unit_test(a_canary_in_the_names_of_a_month_is_found),
        cmocka_unit_test(every_needle_is_found_at_every_place),
        cmocka_unit_test(what_is_packed_unpacks_and_nothing_else_does),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

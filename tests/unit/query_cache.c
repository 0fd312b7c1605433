/* What is kept of sealed days: within its bytes, the least used goes first, and what somebody holds
 * stays. */

#include "aggregator/query_cache.h"

#include <stdio.h>

#include "tests/test.h"

/* One row of a key of `bytes`. */
static struct query_sum *make_sum(size_t bytes)
{
    char key[VALUE_BYTES_MAX];
    struct query_sum *sum = query_sum_new(1);
    assert_true(bytes <= sizeof(key));
    memset(key, 'x', bytes);
    assert_non_null(query_rows_at(&sum->rows[0], (struct str){key, bytes}));
    return sum;
}

static void put(struct query_cache *cache, const char *key)
{
    struct query_sum *sum = make_sum(VALUE_BYTES_MAX);
    query_cache_put_sum(cache, str_from(key), sum);
    query_sum_unref(sum);
}

static bool is_kept(struct query_cache *cache, const char *key)
{
    struct query_sum *sum = query_cache_sum(cache, str_from(key));
    bool kept = sum != NULL;
    query_sum_unref(sum);
    return kept;
}

static size_t bytes_of_one(void)
{
    struct query_cache *cache = query_cache_new(SIZE_MAX);
    put(cache, "a");
    size_t bytes = query_cache_figures(cache).bytes;
    query_cache_free(cache);
    return bytes;
}

static void what_was_used_longest_ago_goes_first(void **state)
{
    (void)state;
    struct query_cache *cache = query_cache_new(3 * bytes_of_one());
    put(cache, "a");
    put(cache, "b");
    put(cache, "c");
    assert_true(is_kept(cache, "a")); /* used just now */
    put(cache, "d");
    assert_false(is_kept(cache, "b"));
    assert_true(is_kept(cache, "a") && is_kept(cache, "c") && is_kept(cache, "d"));
    assert_int_equal(query_cache_figures(cache).bytes, 3 * bytes_of_one());
    assert_int_equal(query_cache_figures(cache).evicted, 1);
    query_cache_free(cache);
}

static void below_at_and_above_the_bytes(void **state)
{
    static const struct {
        int more;
        bool both;
    } CASES[] = {{-1, false}, {0, true}, {1, true}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct query_cache *cache =
            query_cache_new((size_t)((int)(2 * bytes_of_one()) + CASES[i].more));
        put(cache, "a");
        put(cache, "b");
        assert_int_equal(is_kept(cache, "a"), CASES[i].both);
        assert_true(is_kept(cache, "b"));
        query_cache_free(cache);
    }
}

static void the_same_key_replaces(void **state)
{
    (void)state;
    struct query_cache *cache = query_cache_new(SIZE_MAX);
    put(cache, "a");
    put(cache, "a");
    assert_int_equal(query_cache_figures(cache).bytes, bytes_of_one());
    query_cache_drop(cache, STR_LIT("a"));
    query_cache_drop(cache, STR_LIT("never there"));
    assert_int_equal(query_cache_figures(cache).bytes, 0);
    assert_int_equal(query_cache_figures(cache).evicted, 0);
    query_cache_free(cache);
}

static void what_is_held_outlives_the_cache(void **state)
{
    (void)state;
    struct query_cache *cache = query_cache_new(1);
    put(cache, "a");
    struct query_sum *held = query_cache_sum(cache, STR_LIT("a"));
    put(cache, "b");
    assert_false(is_kept(cache, "a"));
    query_cache_free(cache);
    assert_int_equal(held->rows[0].count, 1);
    query_sum_unref(held);
}

/* Names are read on while they are kept, and weighed the next time. */
static void names_are_kept_and_grow(void **state)
{
    enum { NAMES = 1000 };
    (void)state;
    struct query_cache *cache = query_cache_new(100 * NAMES);
    struct record_names *names = query_cache_names(cache, STR_LIT("names"));
    for (int i = 0; i < NAMES; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "%d", i);
        assert_true(day_names_append(&names->names, TABLE_PAGE, str_from(text)));
    }
    assert_ptr_equal(query_cache_names(cache, STR_LIT("names")), names);
    assert_true(query_cache_figures(cache).bytes > (size_t)NAMES * sizeof(struct day_name));
    put(cache, "a");
    put(cache, "b");
    query_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_used_longest_ago_goes_first),
        cmocka_unit_test(below_at_and_above_the_bytes),
        cmocka_unit_test(the_same_key_replaces),
        cmocka_unit_test(what_is_held_outlives_the_cache),
        cmocka_unit_test(names_are_kept_and_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

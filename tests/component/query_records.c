/* Questions over sealed days in a real Redis: whatever is sealed, open, both, or folded into its
 * month, the answer is the one that the same counts give in their live form. */

#include <stdio.h>
#include <stdlib.h>

#include "sealed_days.h"
#include "tests/test.h"

static void sealed_open_and_late_days_answer_as_open_ones(void **state)
{
    (void)state;
    assert_same_answers();
}

static void a_question_needs_nothing_that_another_has_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(QUESTIONS); i++) {
        char *expected = ask(live, QUESTIONS[i]);
        query_cache_free(cache);
        cache = query_cache_new(QUERY_CACHE_BYTES_MAX);
        ask_in_one_step = true;
        char *got = ask(mixed, QUESTIONS[i]);
        assert_answer(QUESTIONS[i], got, expected);
        free(expected);
        free(got);
    }
}

static void what_comes_to_a_site_of_nothing_is_seen(void **state)
{
    const size_t when[] = {0, october(), DAYS - 1};
    (void)state;
    for (size_t i = 0; i < DAYS; i++) {
        set(model_key_day, date_at(i), STR_EMPTY);
        close_day(mixed, date_at(i));
        close_day(live, date_at(i));
    }
    assert_same_answers();
    for (size_t w = ARRAY_LEN(when); w-- > 0;) {
        seal(&days[when[w]], month_at(when[w]));
        open_day(live, &days[when[w]]);
        assert_same_answers();
    }
}

static void a_month_whose_days_are_gone_answers_as_a_whole_only(void **state)
{
    (void)state;
    fold_october(31);
    assert_whole_month_answers();
    assert_whole_month_answers();
}

/* A late batch into a month that was folded: its day closes beside the month. */
static void days_beside_their_month_add_up_with_it(void **state)
{
    (void)state;
    fold_october(28);
    assert_whole_month_answers();
    assert_whole_month_answers();
}

/* What was kept of a month alone is not believed when there are days beside it, nor the other way
 * round. */
static void a_month_that_changes_its_form_is_read_anew(void **state)
{
    (void)state;
    assert_same_answers();
    fold_october(28);
    for (size_t i = october() + 28; month_at(i) == 1; i++)
        set(model_key_day, date_at(i), STR_EMPTY);
    for (size_t i = 0; i < ARRAY_LEN(QUESTIONS); i++)
        free(ask(mixed, QUESTIONS[i]));
    for (size_t i = october() + 28; month_at(i) == 1; i++)
        seal(&days[i], 1);
    assert_whole_month_answers();
    fold_october(31);
    assert_whole_month_answers();
}

/* Its record is written anew: what was kept of it is not believed any more. */
static void a_day_that_is_sealed_again_is_seen(void **state)
{
    (void)state;
    assert_same_answers();
    for (size_t i = 0; i < DAYS; i++) {
        if (forms[i] != LATE && forms[i] != OPEN)
            continue;
        day_merge(&days[i], &lates[i]);
        day_reset(&lates[i], date_at(i));
        seal(&days[i], month_at(i));
        close_day(mixed, date_at(i));
        if (i % 5 == 0)
            assert_same_answers();
    }
    assert_same_answers();
}

/* Perhaps with another view of today, so that no stamp is as it was. */
static void close_week(bool again)
{
    day_row(&days[DAYS - 1], TABLE_TOTAL, STR_EMPTY)->sums[METRIC_PAGEVIEWS] += again ? 1 : 0;
    for (size_t i = DAYS - 7; i < DAYS; i++) {
        day_merge(&days[i], &lates[i]);
        seal(&days[i], month_at(i));
        close_day(mixed, date_at(i));
    }
}

static uint64_t noted(enum query_cache_outcome outcome)
{
    return query_cache_figures(cache).outcomes[outcome];
}

static void what_is_kept_is_counted_as_a_hit_until_a_record_changes(void **state)
{
    static const char *const QUESTION = Q("\"12mo\"", "\"pageviews\"", "");
    (void)state;
    query_cache_free(cache);
    cache = query_cache_new(QUERY_CACHE_BYTES_MAX);
    free(ask(mixed, QUESTION));
    assert_true(noted(QUERY_CACHE_HIT) == 0 && noted(QUERY_CACHE_MISS) == 1);
    free(ask(mixed, QUESTION));
    assert_true(noted(QUERY_CACHE_HIT) == 1 && noted(QUERY_CACHE_MISS) == 1);
    assert_int_equal(noted(QUERY_CACHE_OUTDATED), 0);
    close_week(true);
    free(ask(mixed, QUESTION));
    assert_int_equal(noted(QUERY_CACHE_OUTDATED), 1);
    free(ask(mixed, QUESTION));
    assert_true(noted(QUERY_CACHE_HIT) == 2 && noted(QUERY_CACHE_MISS) == 1);
}

/* What a question becomes when the week is closed, `times` at most, each time that all that is
 * sealed was read and what is open was not. The caller frees; NULL when it was given up. */
static char *ask_meanwhile(const char *rest, int times)
{
    char json[1000], *text = NULL;
    struct query query;
    struct query_plan plan;
    struct str args[QUERY_COMMAND_ARGS_MAX];
    (void)snprintf(json, sizeof(json), "{\"site_id\":\"mixed.example\",%s}", rest);
    assert_int_equal(query_parse(str_from(json), &query), QUERY_OK);
    assert_int_equal(query_plan_make(&query, mixed, NOW_MS, &plan), QUERY_OK);
    struct query_answer *answer = query_answer_new(&plan);
    struct query_read *read = query_read_new(&plan, cache, NULL, answer);
    enum query_read_status status = QUERY_READ_AGAIN;
    bool is_live = false;
    for (int closed = 0; status == QUERY_READ_AGAIN; status = query_ask_step(redis, read)) {
        bool was_live = is_live;
        (void)query_commands_at(query_read_commands(read), 0, args);
        is_live = str_eq(args[0], STR_LIT("HGETALL"));
        if (is_live && !was_live && closed < times) {
            close_week(times > 1);
            closed++;
        }
    }
    query_read_free(read);
    if (status == QUERY_READ_OK)
        text = answer_text(answer);
    else
        assert_int_equal(status, QUERY_READ_FAILED);
    query_answer_free(answer);
    query_done(&query);
    return text;
}

static const char WEEK[] = Q("\"7d\"", "\"pageviews\"", "");

static void a_day_that_closes_meanwhile_counts_once(void **state)
{
    (void)state;
    char *got = ask_meanwhile(WEEK, 1);
    char *expected = ask(live, WEEK);
    assert_string_equal(got, expected);
    free(got);
    free(expected);
}

static void a_day_that_never_rests_is_given_up(void **state)
{
    (void)state;
    char *below = ask_meanwhile(WEEK, QUERY_TRIES_MAX - 1);
    assert_non_null(below);
    free(below);
    assert_null(ask_meanwhile(WEEK, QUERY_TRIES_MAX));
}

static void damage_and_missing_names_fail(void **state)
{
    static const char *const QUESTION = Q("\"12mo\"", "\"pageviews\"", BY("\"event:page\""));
    (void)state;
    set(model_key_names, 20261100, STR_EMPTY);
    char *text = ask(mixed, QUESTION);
    assert_string_equal(text, "failed");
    free(text);
    set(model_key_names, 20261100, buf_str(&names_bytes[2]));
    text = ask(mixed, QUESTION);
    assert_string_not_equal(text, "failed");
    free(text);
    set(model_key_day, 20261001, STR_LIT("not a record"));
    text = ask(mixed, QUESTION);
    assert_string_equal(text, "failed");
    free(text);
}

/* Names that an erasure has made anew replace what was kept. */
static void names_that_were_made_anew_are_read_anew(void **state)
{
    (void)state;
    assert_same_answers();
    struct record_names again;
    record_names_init(&again);
    buf_reset(&names_bytes[1]);
    for (size_t i = october(); month_at(i) == 1; i++) {
        struct day copy;
        struct day_names other;
        struct buf record;
        day_names_init(&other);
        day_init(&copy, date_at(i), &other);
        day_merge(&copy, &days[i]);
        buf_init(&record, CLOSE_RECORD_BYTES_MAX);
        record_encode(&copy, &again, &record, &names_bytes[1]);
        set(model_key_day, date_at(i), buf_str(&record));
        buf_done(&record);
        day_done(&copy);
        day_names_done(&other);
    }
    set(model_key_names, 20261001, buf_str(&names_bytes[1]));
    assert_same_answers();
    record_names_done(&again);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sealed_days_fill, sealed_days_empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sealed_open_and_late_days_answer_as_open_ones),
        TEST(a_month_whose_days_are_gone_answers_as_a_whole_only),
        TEST(days_beside_their_month_add_up_with_it),
        TEST(a_month_that_changes_its_form_is_read_anew),
        TEST(a_question_needs_nothing_that_another_has_kept),
        TEST(what_comes_to_a_site_of_nothing_is_seen),
        TEST(a_day_that_is_sealed_again_is_seen),
        TEST(what_is_kept_is_counted_as_a_hit_until_a_record_changes),
        TEST(a_day_that_closes_meanwhile_counts_once),
        TEST(damage_and_missing_names_fail),
        TEST(names_that_were_made_anew_are_read_anew),
        TEST(a_day_that_never_rests_is_given_up),
    };
    return cmocka_run_group_tests(tests, sealed_days_start, sealed_days_stop);
}

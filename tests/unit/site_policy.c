/* What a site's operator can publish: each sentence follows from its setting, and the example of
 * the documents is what the code says. FOOTFALL_SOURCE_DIR is where they are. */

#include "cli/site_policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/test.h"

enum { TEXT_BYTES_MAX = 8192, DOCUMENT_BYTES_MAX = 256 * 1024 };

static const char URL[] = "https://stats.example.com/opt-out";

static struct site_policy policy_of(const char *settings, bool honours_dnt)
{
    char error[300];
    struct site *site =
        site_parse(STR_LIT("example.com"), str_from(settings), error, sizeof(error));
    assert_non_null(site);
    struct site_policy policy = site_policy_of(site, honours_dnt, str_from(URL));
    policy.domain = STR_LIT("example.com");
    policy.timezone = STR_LIT("UTC"); /* the site is not kept */
    site_free(site);
    return policy;
}

/* The sentences; the caller frees. */
static char *text_of(const struct site_policy *policy)
{
    struct buf out;
    buf_init(&out, TEXT_BYTES_MAX);
    site_policy_write(policy, &out);
    assert_false(out.overflow);
    char *text = strndup(out.ptr, out.len);
    assert_non_null(text);
    buf_done(&out);
    return text;
}

static void assert_says(const struct site_policy *policy, const char *words, bool says)
{
    char *text = text_of(policy);
    if ((strstr(text, words) != NULL) != says)
        fail_msg("%s \"%s\":\n%s", says ? "lacks" : "has", words, text);
    free(text);
}

static void each_preset_says_what_it_does(void **state)
{
    (void)state;
    struct site_policy standard = policy_of("{}", true);
    struct site_policy strict = policy_of("{\"preset\":\"strict\"}", true);
    static const struct {
        const char *words;
        bool standard, strict;
    } SAID[] = {
        {"Visits to example.com are counted", true, true},
        {"is kept nowhere", true, true},
        {"those of the time zone UTC", true, true},
        {"until 30 minutes after your last page view", true, false},
        {"24 bits of IPv4 or 48 bits of IPv6", false, true},
        {"Your way from page to page is not followed", false, true},
        {"Campaign tags in links are not kept", false, true},
        {"(utm_source and the like) are counted", true, false},
        {"three never are", true, false},
        {"No two of these attributes", false, true},
        {"at https://stats.example.com/opt-out, or by Global Privacy Control", true, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(SAID); i++) {
        assert_says(&standard, SAID[i].words, SAID[i].standard);
        assert_says(&strict, SAID[i].words, SAID[i].strict);
    }
}

static void do_not_track_is_named_where_it_is_obeyed(void **state)
{
    (void)state;
    struct site_policy with = policy_of("{}", true), without = policy_of("{}", false);
    assert_says(&with, "Do Not Track", true);
    assert_says(&without, "Do Not Track", false);
}

static void thresholds_are_said_with_their_number(void **state)
{
    (void)state;
    struct site_policy policy = policy_of("{}", true);
    policy.thresholds = (struct thresholds){0};
    assert_says(&policy, "When a day is over", false);
    policy.thresholds = thresholds_of_preset(SITE_STANDARD);
    assert_says(&policy, "regions of fewer than 5 people are counted with others of their country",
                true);
    assert_says(&policy, "pairs of attributes that fewer than 5 visits have in common", true);
    assert_says(&policy, "rounded", false);
    policy = policy_of("{\"preset\":\"strict\"}", true);
    policy.thresholds = thresholds_of_preset(SITE_STRICT);
    assert_says(&policy, "countries and regions of fewer than 10 people", true);
    assert_says(&policy, "all numbers are rounded to the nearest ten", true);
    assert_says(&policy, "pairs of attributes", false);
}

static void retention_is_that_of_the_policy(void **state)
{
    (void)state;
    struct site_policy policy = policy_of("{}", true);
    policy.keep_days = 7;
    policy.keep_months = 0;
    assert_says(&policy, "The numbers of a day are kept for 7 months.\n", true);
    policy.keep_months = 60;
    assert_says(&policy, "for 7 months, those of a whole month for 60 months.\n", true);
    policy.keep_months = 7;
    assert_says(&policy, "whole month", false);
    policy = policy_of("{\"keep_days\":6,\"keep_months\":14}", true);
    assert_says(&policy, "for 6 months, those of a whole month for 14 months.\n", true);
}

static void the_documents_show_it_line_by_line(void **state)
{
    (void)state;
    struct site_policy policy = policy_of("{}", true);
    char *text = text_of(&policy), *document = calloc(1, DOCUMENT_BYTES_MAX);
    FILE *file = fopen(FOOTFALL_SOURCE_DIR "/docs/privacy.md", "re");
    assert_non_null(document);
    assert_non_null(file);
    assert_true(fread(document, 1, DOCUMENT_BYTES_MAX - 1, file) > 0);
    fclose(file);
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        if (strstr(document, line) == NULL)
            fail_msg("docs/privacy.md lacks:\n%s", line);
    free(text);
    free(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_preset_says_what_it_does),
        cmocka_unit_test(do_not_track_is_named_where_it_is_obeyed),
        cmocka_unit_test(thresholds_are_said_with_their_number),
        cmocka_unit_test(retention_is_that_of_the_policy),
        cmocka_unit_test(the_documents_show_it_line_by_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Sources and channels: what each kind of arrival is called. */

#include "collector/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "collector/source_table.h"

static struct source classify(const char *referrer, const char *source, const char *medium,
                              const char *campaign)
{
    struct beacon beacon = {.referrer_host = str_from(referrer), .ref = STR_EMPTY};
    for (size_t i = 0; i < UTM__COUNT; i++)
        beacon.utm[i] = STR_EMPTY;
    beacon.utm[UTM_SOURCE] = str_from(source);
    beacon.utm[UTM_MEDIUM] = str_from(medium);
    beacon.utm[UTM_CAMPAIGN] = str_from(campaign);
    struct source result;
    source_classify(&beacon, false, &result);
    return result;
}

static void expect(const char *what, struct str got, const char *expected)
{
    if (!str_eq(got, str_from(expected)))
        fail_msg("%s: \"%.*s\" is not \"%s\"", what, STR_ARG(got), expected);
}

static void a_known_host_has_a_name_and_a_channel(void **state)
{
    (void)state;
    static const struct {
        const char *host, *source, *channel;
    } rows[] = {
        {"", SOURCE_DIRECT, "Direct"},
        {"google.com", "Google", "Organic Search"},
        {"google.nl", "Google", "Organic Search"},
        {"google.co.uk", "Google", "Organic Search"},
        {"google.com.br", "Google", "Organic Search"},
        {"images.google.de", "Google", "Organic Search"},
        {"r.duckduckgo.com", "DuckDuckGo", "Organic Search"},
        {"cn.bing.com", "Bing", "Organic Search"},
        {"nl.search.yahoo.com", "Yahoo!", "Organic Search"},
        {"search.yahoo.co.jp", "Yahoo!", "Organic Search"},
        {"yandex.ru", "Yandex", "Organic Search"},
        {"facebook.com", "Facebook", "Organic Social"},
        {"m.facebook.com", "Facebook", "Organic Social"},
        {"l.facebook.com", "Facebook", "Organic Social"},
        {"l.instagram.com", "Instagram", "Organic Social"},
        {"t.co", "X (Twitter)", "Organic Social"},
        {"lnkd.in", "LinkedIn", "Organic Social"},
        {"out.reddit.com", "Reddit", "Organic Social"},
        {"old.reddit.com", "Reddit", "Organic Social"},
        {"news.ycombinator.com", "Hacker News", "Organic Social"},
        {"pinterest.co.uk", "Pinterest", "Organic Social"},
        {"unix.stackexchange.com", "Stack Exchange", "Organic Social"},
        {"m.youtube.com", "YouTube", "Organic Video"},
        {"youtu.be", "YouTube", "Organic Video"},
        {"amazon.co.jp", "Amazon", "Organic Shopping"},
        {"chatgpt.com", "ChatGPT", "AI"},
        {"perplexity.ai", "Perplexity", "AI"},
        {"claude.ai", "Claude", "AI"},
        {"gemini.google.com", "Google Gemini", "AI"},
        {"copilot.microsoft.com", "Microsoft Copilot", "AI"},
        {"mail.google.com", "Gmail", "Email"},
        {"eur02.safelinks.protection.outlook.com", "Outlook", "Email"},
        {"mail.yandex.com.tr", "Yandex Mail", "Email"},
        {"docs.google.com", "Google Docs", "Referral"},
        {"en.wikipedia.org", "Wikipedia", "Referral"},
        {"news.example.com", "news.example.com", "Referral"},
        {"localhost", "localhost", "Referral"},
        {"127.0.0.1", "127.0.0.1", "Referral"},
        {"[2001:db8::1]", "[2001:db8::1]", "Referral"},
        /* not what they look like */
        {"notgoogle.com", "notgoogle.com", "Referral"},
        {"google.com.example.org", "google.com.example.org", "Referral"},
        {"google.example.nl", "google.example.nl", "Referral"},
        {"google.dev", "google.dev", "Referral"},
        {"google", "google", "Referral"},
        {"xfacebook.com", "xfacebook.com", "Referral"},
        {"not-x.com", "not-x.com", "Referral"},
        {"facebook.com.evil.example", "facebook.com.evil.example", "Referral"},
        {"ycombinator.com", "ycombinator.com", "Referral"},
        {"com", "com", "Referral"},
        {"co.uk", "co.uk", "Referral"},
        {".", ".", "Referral"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct source source = classify(rows[i].host, "", "", "");
        expect(rows[i].host, source.source, rows[i].source);
        expect(rows[i].host, source.channel, rows[i].channel);
        expect(rows[i].host, source.referrer, rows[i].host);
    }
}

static void tags_win_over_the_referrer(void **state)
{
    (void)state;
    static const struct {
        const char *referrer, *source, *medium, *campaign, *name, *channel;
    } rows[] = {
        {"bing.com", "google", "", "", "Google", "Organic Search"},
        {"", "Google", "", "", "Google", "Organic Search"},
        {"", "fb", "", "", "Facebook", "Organic Social"},
        {"", "X", "", "", "X (Twitter)", "Organic Social"},
        {"", "chatgpt.com", "", "", "ChatGPT", "AI"},
        {"", "www.google.nl", "", "", "Google", "Organic Search"},
        {"google.com", "Partner Site", "", "", "Partner Site", "Referral"},
        {"", "newsletter", "", "", "newsletter", "Email"},
        {"", "Weekly", "email", "", "Weekly", "Email"},
        {"", "Weekly", "E-Mail", "", "Weekly", "Email"},
        {"", "", "email", "", SOURCE_DIRECT, "Email"},
        {"mail.google.com", "", "newsletter-42", "", "Gmail", "Email"},
        /* bought */
        {"", "google", "cpc", "", "Google", "Paid Search"},
        {"", "google", "CPC", "", "Google", "Paid Search"},
        {"", "google", "ppc", "", "Google", "Paid Search"},
        {"", "google", "paid-search", "", "Google", "Paid Search"},
        {"", "google", "retargeting", "", "Google", "Paid Search"},
        {"", "facebook", "paid_social", "", "Facebook", "Paid Social"},
        {"", "facebook", "cpm", "", "Facebook", "Paid Social"},
        {"", "youtube", "cpv,cpc", "", "YouTube", "Paid Video"},
        {"", "amazon", "cpc", "", "Amazon", "Paid Shopping"},
        {"", "other", "cpc", "shopping-sale", "other", "Paid Shopping"},
        {"", "other", "cpc", "workshop", "other", "Paid Other"},
        {"", "other", "cpc", "", "other", "Paid Other"},
        {"", "chatgpt", "cpc", "", "ChatGPT", "Paid Other"},
        {"", "adwords", "", "", "Google", "Paid Search"},
        {"", "fb_ads", "", "", "Facebook", "Paid Social"},
        {"", "google", "cpc", "Cross-Network spring", "Google", "Cross-network"},
        {"", "other", "cpm", "", "other", "Display"},
        {"", "other", "banner", "", "other", "Display"},
        {"google.com", "", "cpc", "", "Google", "Paid Search"},
        /* not bought */
        {"", "other", "social", "", "other", "Organic Social"},
        {"", "other", "video", "", "other", "Organic Video"},
        {"", "other", "organic", "", "other", "Organic Search"},
        {"", "other", "", "eshop", "other", "Organic Shopping"},
        {"", "other", "", "workshop", "other", "Referral"},
        {"", "other", "affiliate", "", "other", "Affiliates"},
        {"", "other", "audio", "", "other", "Audio"},
        {"", "other", "sms", "", "other", "SMS"},
        {"", "sms", "", "", "sms", "SMS"},
        {"", "other", "web-push", "", "other", "Mobile Push Notifications"},
        {"", "other", "push", "", "other", "Mobile Push Notifications"},
        {"", "other", "notification", "", "other", "Mobile Push Notifications"},
        {"", "", "referral", "", SOURCE_DIRECT, "Referral"},
        {"", "", "", "spring", SOURCE_DIRECT, "Direct"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct source source =
            classify(rows[i].referrer, rows[i].source, rows[i].medium, rows[i].campaign);
        char what[100];
        snprintf(what, sizeof(what), "row %zu", i);
        expect(what, source.source, rows[i].name);
        expect(what, source.channel, rows[i].channel);
    }
}

static void ref_names_the_source_when_utm_source_does_not(void **state)
{
    (void)state;
    struct beacon beacon = {.referrer_host = STR_LIT("bing.com"), .ref = STR_LIT("ProductHunt")};
    struct source source;
    source_classify(&beacon, false, &source);
    expect("ref", source.source, "Product Hunt");
    expect("ref", source.channel, "Organic Social");
    expect("ref", source.referrer, "bing.com");
    beacon.utm[UTM_SOURCE] = STR_LIT("hn");
    source_classify(&beacon, false, &source);
    expect("ref", source.source, "Hacker News");
}

static void a_click_id_is_a_bought_search(void **state)
{
    (void)state;
    static const struct {
        const char *referrer, *source, *medium;
        bool google, microsoft;
        const char *name, *channel;
    } rows[] = {
        {"", "", "", true, false, "Google", "Paid Search"},
        {"google.com", "", "", true, false, "Google", "Paid Search"},
        {"news.example", "", "", true, false, "Google", "Paid Search"},
        {"", "google", "", true, false, "Google", "Paid Search"},
        {"", "google", "organic", true, false, "Google", "Organic Search"},
        {"", "google", "display", true, false, "Google", "Display"},
        {"", "partner", "", true, false, "partner", "Referral"},
        {"bing.com", "", "", false, true, "Bing", "Paid Search"},
        {"", "bing", "", true, false, "Bing", "Organic Search"},
        {"google.com", "", "", false, false, "Google", "Organic Search"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct beacon beacon = {
            .referrer_host = str_from(rows[i].referrer),
            .utm =
                {[UTM_SOURCE] = str_from(rows[i].source), [UTM_MEDIUM] = str_from(rows[i].medium)},
            .click_id_google = rows[i].google,
            .click_id_microsoft = rows[i].microsoft};
        struct source source;
        source_classify(&beacon, false, &source);
        char what[100];
        snprintf(what, sizeof(what), "row %zu", i);
        expect(what, source.source, rows[i].name);
        expect(what, source.channel, rows[i].channel);
    }
}

static void the_sites_own_referrer_is_none(void **state)
{
    (void)state;
    struct beacon beacon = {.referrer_host = STR_LIT("google.com")};
    struct source source;
    source_classify(&beacon, true, &source);
    expect("own", source.source, SOURCE_DIRECT);
    expect("own", source.channel, "Direct");
    expect("own", source.referrer, "");
}

static void expect_order(const struct source_row *rows, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (strcmp(rows[i - 1].key, rows[i].key) >= 0)
            fail_msg("%s stands before %s", rows[i - 1].key, rows[i].key);
}

static void the_tables_are_in_order(void **state)
{
    (void)state;
    expect_order(source_hosts, source_hosts_count);
    expect_order(source_tags, source_tags_count);
}

/* One name, one kind: a host's name as a tag leads to the same channel as the host. */
static void each_name_is_a_tag_of_the_same_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < source_hosts_count; i++) {
        struct source source = classify("", source_hosts[i].name, "", "");
        expect(source_hosts[i].key, source.source, source_hosts[i].name);
        if (strchr(source_hosts[i].key, '*') != NULL)
            continue;
        struct source by_host = classify(source_hosts[i].key, "", "", "");
        expect(source_hosts[i].key, by_host.source, source_hosts[i].name);
        assert_true(str_eq(by_host.channel, source.channel));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_host_has_a_name_and_a_channel),
        cmocka_unit_test(tags_win_over_the_referrer),
        cmocka_unit_test(ref_names_the_source_when_utm_source_does_not),
        cmocka_unit_test(a_click_id_is_a_bought_search),
        cmocka_unit_test(the_sites_own_referrer_is_none),
        cmocka_unit_test(the_tables_are_in_order),
        cmocka_unit_test(each_name_is_a_tag_of_the_same_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

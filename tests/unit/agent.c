/* User-Agents: names, versions, device classes, what is a bot and what is a person; the cache, its
 * bounds and its budget. */

#include "collector/agent.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/limits.h"
#include "common/macros.h"

static int set_up(void **state)
{
    struct agent_rules *rules = agent_rules_new();
    *state = rules;
    return 0;
}

static int tear_down(void **state)
{
    agent_rules_free(*state);
    return 0;
}

#define WIN "Mozilla/5.0 (Windows NT 10.0; Win64; x64"
#define WEBKIT ") AppleWebKit/537.36 (KHTML, like Gecko) "
#define IPHONE                                                                                     \
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "    \
    "Gecko) "
#define MAC                                                                                        \
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
#define ANDROID "Mozilla/5.0 (Linux; Android "

/* People: browser, its version, system, its version, device; none is a bot. */
static const struct {
    const char *user_agent, *browser, *browser_version, *os, *os_version, *device;
} PEOPLE[] = {
    /* Chrome */
    {WIN WEBKIT "Chrome/120.0.0.0 Safari/537.36", "Chrome", "Chrome 120", "Windows", "Windows 10",
     "Desktop"},
    {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7" WEBKIT "Chrome/131.0.0.0 Safari/537.36",
     "Chrome", "Chrome 131", "macOS", "macOS 10.15", "Desktop"},
    {"Mozilla/5.0 (X11; Linux x86_64" WEBKIT "Chrome/131.0.0.0 Safari/537.36", "Chrome",
     "Chrome 131", "Linux", "Linux", "Desktop"},
    {"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0" WEBKIT "Chrome/131.0.0.0 Safari/537.36", "Chrome",
     "Chrome 131", "Chrome OS", "Chrome OS", "Desktop"},
    {ANDROID "10; K" WEBKIT "Chrome/131.0.0.0 Mobile Safari/537.36", "Chrome", "Chrome 131",
     "Android", "Android 10", "Mobile"},
    {ANDROID "14; SM-X910" WEBKIT "Chrome/131.0.0.0 Safari/537.36", "Chrome", "Chrome 131",
     "Android", "Android 14", "Tablet"},
    {IPHONE "CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1", "Chrome", "Chrome 131", "iOS",
     "iOS 17", "Mobile"},
    {ANDROID "14; Pixel 8 Build/UQ1A; wv" WEBKIT
             "Version/4.0 Chrome/131.0.6778.81 Mobile Safari/537.36",
     "Chrome", "Chrome 131", "Android", "Android 14", "Mobile"},
    /* Safari */
    {MAC " Version/18.1 Safari/605.1.15", "Safari", "Safari 18", "macOS", "macOS 10.15", "Desktop"},
    {"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_2) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/17.2 Safari/605.1.15",
     "Safari", "Safari 17", "macOS", "macOS 14", "Desktop"},
    {IPHONE "Version/17.5 Mobile/15E148 Safari/604.1", "Safari", "Safari 17", "iOS", "iOS 17",
     "Mobile"},
    {"Mozilla/5.0 (iPad; CPU OS 12_5_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/12.1.2 Mobile/15E148 Safari/604.1",
     "Safari", "Safari 12", "iOS", "iOS 12", "Tablet"},
    {MAC, "Safari", "Safari", "macOS", "macOS 10.15", "Desktop"},
    {IPHONE "Mobile/15E148", "Safari", "Safari", "iOS", "iOS 17", "Mobile"},
    /* Firefox */
    {WIN "; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox", "Firefox 133", "Windows",
     "Windows 10", "Desktop"},
    {"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox",
     "Firefox 133", "Ubuntu", "Ubuntu", "Desktop"},
    {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:133.0) Gecko/20100101 Firefox/133.0",
     "Firefox", "Firefox 133", "macOS", "macOS 10.15", "Desktop"},
    {"Mozilla/5.0 (Android 13; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0", "Firefox",
     "Firefox 133", "Android", "Android 13", "Mobile"},
    {"Mozilla/5.0 (Android 13; Tablet; rv:133.0) Gecko/133.0 Firefox/133.0", "Firefox",
     "Firefox 133", "Android", "Android 13", "Tablet"},
    {IPHONE "FxiOS/133.0 Mobile/15E148 Safari/605.1.15", "Firefox", "Firefox 133", "iOS", "iOS 17",
     "Mobile"},
    /* Edge, Opera, Samsung, UC, Yandex, Vivaldi, DuckDuckGo, Brave says Chrome */
    {WIN WEBKIT "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.2903.51", "Edge", "Edge 131", "Windows",
     "Windows 10", "Desktop"},
    {ANDROID "10; HD1913" WEBKIT "Chrome/131.0.6778.81 Mobile Safari/537.36 EdgA/131.0.2903.48",
     "Edge", "Edge 131", "Android", "Android 10", "Mobile"},
    {IPHONE "Version/17.0 EdgiOS/131.0.2903.48 Mobile/15E148 Safari/605.1.15", "Edge", "Edge 131",
     "iOS", "iOS 17", "Mobile"},
    {WIN WEBKIT "Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0", "Opera", "Opera 115", "Windows",
     "Windows 10", "Desktop"},
    {ANDROID "10; VOG-L29" WEBKIT "Chrome/130.0.6723.102 Mobile Safari/537.36 OPR/76.2.4027.73374",
     "Opera", "Opera 76", "Android", "Android 10", "Mobile"},
    {"Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
     "Opera Mini", "Opera Mini 36", "Android", "Android", "Mobile"},
    {ANDROID "14; SAMSUNG SM-S918B" WEBKIT
             "SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
     "Samsung Internet", "Samsung Internet 27", "Android", "Android 14", "Mobile"},
    {"Mozilla/5.0 (Linux; U; Android 12; en-US; RMX3263 Build/RP1A.201005.001" WEBKIT
     "Version/4.0 Chrome/100.0.4896.58 UCBrowser/13.6.0.1316 Mobile Safari/537.36",
     "UC Browser", "UC Browser 13", "Android", "Android 12", "Mobile"},
    {WIN WEBKIT "Chrome/130.0.0.0 YaBrowser/24.12.0.0 Safari/537.36", "Yandex Browser",
     "Yandex Browser 24", "Windows", "Windows 10", "Desktop"},
    {WIN WEBKIT "Chrome/130.0.0.0 Safari/537.36 Vivaldi/7.0.3495.11", "Vivaldi", "Vivaldi 7",
     "Windows", "Windows 10", "Desktop"},
    {"Mozilla/5.0 (Linux; Android 9; KFMAWI" WEBKIT "Silk/130.4.1 like Chrome/130.0.6723.102 "
     "Safari/537.36",
     "Amazon Silk", "Amazon Silk 130", "Android", "Android 9", "Tablet"},
    {"Mozilla/5.0 (Linux; Android 10; MIUI; Redmi Note 9" WEBKIT
     "Version/4.0 Chrome/112.0.5615.136 Mobile Safari/537.36 XiaoMi/MiuiBrowser/14.3.1-gn",
     "MiuiBrowser", "MiuiBrowser 14", "Android", "Android 10", "Mobile"},
    /* In-app browsers are people */
    {IPHONE "Mobile/15E148 [FBAN/FBIOS;FBAV/490.0.0.41.108;FBBV/666611222;FBDV/iPhone15,2;FBMD/"
            "iPhone;FBSN/iOS;FBSV/17.5;FBSS/3;FBID/phone;FBLC/nl_NL;FBOP/5]",
     "Facebook", "Facebook 490", "iOS", "iOS 17", "Mobile"},
    {IPHONE "Mobile/15E148 Instagram 361.0.0.35.82 (iPhone15,2; iOS 17_5; nl_NL; nl; scale=3.00; "
            "1179x2556; 674117118)",
     "Instagram", "Instagram 361", "iOS", "iOS 17", "Mobile"},
    {ANDROID "14; SM-A546B Build/UP1A.231005.007; wv" WEBKIT
             "Version/4.0 Chrome/131.0.6778.81 Mobile Safari/537.36 Instagram 361.0.0.46.88 "
             "Android (34/14; 450dpi; 1080x2340; samsung; SM-A546B; a54x; s5e8835; de_DE)",
     "Instagram", "Instagram 361", "Android", "Android 14", "Mobile"},
    {ANDROID "13; M2101K6G Build/TKQ1.221013.002; wv" WEBKIT
             "Version/4.0 Chrome/131.0.6778.39 Mobile Safari/537.36 "
             "[FB_IAB/FB4A;FBAV/490.0.0.63.82;]",
     "Facebook", "Facebook 490", "Android", "Android 13", "Mobile"},
    {IPHONE "GSA/345.0.701 Mobile/15E148 Safari/604.1", "Google App", "Google App 345", "iOS",
     "iOS 17", "Mobile"},
    {IPHONE "Mobile/15E148 musical_ly_36.9.0 JsSdk/2.0 NetType/WIFI Channel/App Store "
            "ByteLocale/nl Region/NL BytedanceWebview/d8a21c6",
     "Safari", "Safari", "iOS", "iOS 17", "Mobile"},
    {IPHONE "Version/17.5 Mobile/15E148 Safari/604.1 [LinkedInApp]/9.30", "Safari", "Safari 17",
     "iOS", "iOS 17", "Mobile"},
    {IPHONE "Mobile/15E148 MicroMessenger/8.0.53(0x18003531) NetType/WIFI Language/zh_CN", "Safari",
     "Safari", "iOS", "iOS 17", "Mobile"},
    /* Telephones whose names sound like bots */
    {ANDROID "11; CUBOT NOTE 20" WEBKIT "Chrome/131.0.0.0 Mobile Safari/537.36", "Chrome",
     "Chrome 131", "Android", "Android 11", "Mobile"},
    {ANDROID "9; CUBOT_X19 Build/PPR1" WEBKIT "Chrome/90.0.4430.91 Mobile Safari/537.36", "Chrome",
     "Chrome 90", "Android", "Android 9", "Mobile"},
    {ANDROID "11; CUBOT" WEBKIT "Chrome/131.0.0.0 Mobile Safari/537.36", "Chrome", "Chrome 131",
     "Android", "Android 11", "Mobile"},
    {"Mozilla/5.0 (Linux; U; Android 4.1.1; ru-kz; HTC_Butterfly Build/JRO03C) AppleWebKit/534.30 "
     "(KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
     "Android Browser", "Android Browser 4", "Android", "Android 4", "Mobile"},
    /* Older systems, and things that are neither desk nor hand */
    {"Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer",
     "Internet Explorer 11", "Windows", "Windows 7", "Desktop"},
    {"Mozilla/5.0 (Windows NT 6.3; Win64; x64" WEBKIT "Chrome/109.0.0.0 Safari/537.36", "Chrome",
     "Chrome 109", "Windows", "Windows 8.1", "Desktop"},
    {"Mozilla/5.0 (Windows NT 5.1; rv:52.0) Gecko/20100101 Firefox/52.0", "Firefox", "Firefox 52",
     "Windows", "Windows XP", "Desktop"},
    {"Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0" WEBKIT "94.0.4606.31/7.0 TV Safari/537.36", "Safari",
     "Safari", "Tizen", "Tizen 7", "(other)"},
    {"Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5.2", "Firefox",
     "Firefox 48", "KaiOS", "KaiOS 2", "Mobile"},
};

static void people_get_the_names_they_know(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(PEOPLE); i++) {
        struct agent_text text;
        struct agent agent;
        agent_parse(*state, str_from(PEOPLE[i].user_agent), &text, &agent);
        char got[400], want[400];
        snprintf(got, sizeof(got), "%.*s|%.*s|%.*s|%.*s|%.*s|%d", STR_ARG(agent.browser),
                 STR_ARG(agent.browser_version), STR_ARG(agent.os), STR_ARG(agent.os_version),
                 STR_ARG(agent.device), agent.is_bot);
        snprintf(want, sizeof(want), "%s|%s|%s|%s|%s|0", PEOPLE[i].browser,
                 PEOPLE[i].browser_version, PEOPLE[i].os, PEOPLE[i].os_version, PEOPLE[i].device);
        if (strcmp(got, want) != 0)
            print_error("%s\n", PEOPLE[i].user_agent);
        assert_string_equal(got, want);
    }
}

static bool is_bot(struct agent_rules *rules, struct str user_agent)
{
    struct agent_text text;
    struct agent agent;
    agent_parse(rules, user_agent, &text, &agent);
    return agent.is_bot;
}

static void crawlers_libraries_and_headless_browsers_are_bots(void **state)
{
    static const char *const bots[] = {
        "",
        "-",
        "Mozilla",
        "123456789",
        "Mozilla/5.0",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like "
        "Gecko) Chrome/131.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; "
        "+http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "
        "+https://openai.com/gptbot)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; "
        "+claudebot@anthropic.com)",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "HeadlessChrome/131.0.0.0 Safari/537.36",
        "curl/8.5.0",
        "Wget/1.21.4",
        "python-requests/2.32.3",
        "Python-urllib/3.12",
        "Go-http-client/2.0",
        "okhttp/4.12.0",
        "axios/1.7.9",
        "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
        "Java/17.0.2",
        "Apache-HttpClient/4.5.14 (Java/17.0.2)",
        "libwww-perl/6.72",
        "GuzzleHttp/7",
        "PostmanRuntime/7.43.0",
        "WhatsApp/2.23.20.0",
        "Twitterbot/1.0",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
        "Mozilla/5.0 (Linux; Android 11; moto g power (2022)) AppleWebKit/537.36 (KHTML, like "
        "Gecko) Chrome/131.0.0.0 Mobile Safari/537.36 Chrome-Lighthouse",
        "ia_archiver (+http://www.alexa.com/site/help/webmasters; crawler@alexa.com)",
    };
    for (size_t i = 0; i < ARRAY_LEN(bots); i++) {
        if (!is_bot(*state, str_from(bots[i])))
            print_error("%s\n", bots[i]);
        assert_true(is_bot(*state, str_from(bots[i])));
    }
}

static bool is_printable(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return false;
    return s.len > 0 && s.len <= AGENT_VALUE_BYTES_MAX;
}

static void nothing_particular_to_a_visitor_passes(void **state)
{
    static const struct {
        struct str user_agent;
        const char *browser_version, *os_version;
    } cases[] = {
        /* rules that capture anything */
        {STR_LIT("JohnsSecretApp/7 CFNetwork/1490.0.4 Darwin/23.2.0"), "(other)", "iOS"},
        {STR_LIT("Mozilla/5.0 (X; Linux; HbbTV/1.5.1 (; Canary; x; 2014; y;)"), "HbbTV 1", NULL},
        /* a version as a number of its own */
        {STR_LIT(WIN WEBKIT "Chrome/9999.0.0.0 Safari/537.36"), "Chrome 9999", "Windows 10"},
        {STR_LIT(WIN WEBKIT "Chrome/10000.0.0.0 Safari/537.36"), "Chrome", "Windows 10"},
        {STR_LIT(WIN WEBKIT "Chrome/0123456789.0.0.0 Safari/537.36"), "Chrome", "Windows 10"},
        {STR_LIT(WIN WEBKIT "Chrome/0120.0.0.0 Safari/537.36"), "Chrome 120", "Windows 10"},
        {STR_LIT("Mozilla/5.0 (Linux; Android 123456; K" WEBKIT "Chrome/1.0.0.0 Mobile"),
         "Chrome 1", "Android"},
        /* not text at all */
        {STR_LIT("Mozilla/5.0 \xff\xfe\x00\x01 (\x80; rv:1) Firefox/133.0"), "Firefox 133",
         "(other)"},
        {STR_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "(other)", "(other)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct agent_text text;
        struct agent agent;
        agent_parse(*state, cases[i].user_agent, &text, &agent);
        assert_true(is_printable(agent.browser) && is_printable(agent.os));
        assert_true(is_printable(agent.browser_version) && is_printable(agent.os_version));
        assert_memory_equal(agent.browser_version.ptr, cases[i].browser_version,
                            agent.browser_version.len);
        assert_int_equal(agent.browser_version.len, strlen(cases[i].browser_version));
        if (cases[i].os_version != NULL)
            assert_true(str_eq(agent.os_version, str_from(cases[i].os_version)));
    }
}

static void text_past_the_cap_is_not_looked_at(void **state)
{
    char text[USER_AGENT_BYTES_MAX + 1];
    for (size_t end = USER_AGENT_BYTES_MAX - 1; end <= USER_AGENT_BYTES_MAX + 1; end++) {
        memset(text, ' ', sizeof(text));
        memcpy(text, WIN, sizeof(WIN) - 1);
        memcpy(text + end - 8, "Headless", 8);
        assert_int_equal(is_bot(*state, (struct str){text, sizeof(text)}),
                         end <= USER_AGENT_BYTES_MAX);
    }
}

/* --- The cache -------------------------------------------------------------------------------- */

static struct str numbered(char buffer[200], unsigned number)
{
    int len = snprintf(buffer, 200, WIN "; n%u" WEBKIT "Chrome/120.0.0.0 Safari/537.36", number);
    return (struct str){buffer, (size_t)len};
}

static void cache_answers_as_a_parse_does(void **state)
{
    struct agent_cache *cache = agent_cache_new(*state);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < ARRAY_LEN(PEOPLE); i++) {
            struct agent_text text;
            struct agent parsed;
            struct str user_agent = str_from(PEOPLE[i].user_agent);
            agent_parse(*state, user_agent, &text, &parsed);
            const struct agent *found = agent_lookup(cache, user_agent, 0);
            assert_true(str_eq(found->browser, parsed.browser));
            assert_true(str_eq(found->browser_version, parsed.browser_version));
            assert_true(str_eq(found->os, parsed.os));
            assert_true(str_eq(found->os_version, parsed.os_version));
            assert_true(str_eq(found->device, parsed.device));
            assert_int_equal(found->is_bot, parsed.is_bot);
        }
    assert_int_equal(agent_cache_counts(cache)->over_budget, 0);
    agent_cache_free(cache);
}

static void cold_parses_a_second_below_at_and_above_the_budget(void **state)
{
    struct agent_cache *cache = agent_cache_new(*state);
    char buffer[200];
    for (unsigned i = 1; i <= AGENT_COLD_PER_S_MAX + 1; i++) {
        const struct agent *agent =
            agent_lookup(cache, numbered(buffer, i), 5000 + i * 999 / (AGENT_COLD_PER_S_MAX + 1));
        bool within = i <= AGENT_COLD_PER_S_MAX;
        assert_true(str_eq(agent->browser, within ? STR_LIT("Chrome") : STR_LIT("(other)")));
        assert_true(str_eq(agent->os_version, within ? STR_LIT("Windows 10") : STR_LIT("(other)")));
        assert_true(str_eq(agent->device, within ? STR_LIT("Desktop") : STR_LIT("(other)")));
        assert_false(agent->is_bot);
    }
    assert_int_equal(agent_cache_counts(cache)->over_budget, 1);
    /* Bots are still told by a few words; what is known is still answered; nothing was remembered.
     */
    assert_true(agent_lookup(cache, STR_LIT("Mozilla/5.0 (compatible; Xbot/1.0)"), 5999)->is_bot);
    assert_true(str_eq(agent_lookup(cache, numbered(buffer, 1), 5999)->browser, STR_LIT("Chrome")));
    assert_int_equal(agent_cache_counts(cache)->parsed, AGENT_COLD_PER_S_MAX);
    assert_int_equal(agent_cache_counts(cache)->known, 1);
    struct str last = numbered(buffer, AGENT_COLD_PER_S_MAX + 1);
    assert_true(str_eq(agent_lookup(cache, last, 5999)->browser, STR_LIT("(other)")));
    assert_true(str_eq(agent_lookup(cache, last, 6000)->browser, STR_LIT("Chrome")));
    agent_cache_free(cache);
}

/* Every entry's place is fought over by a flood that comes once; what is in use stays. */
static void flood_of_strangers_leaves_what_is_in_use(void **state)
{
    struct agent_cache *cache = agent_cache_new(*state);
    char buffer[200];
    int64_t now_ms = 0;
    for (int round = 0; round < 4; round++)
        for (size_t i = 0; i < ARRAY_LEN(PEOPLE); i++)
            agent_lookup(cache, str_from(PEOPLE[i].user_agent), now_ms);
    for (unsigned i = 0; i < 4 * AGENT_CACHE_ENTRIES; i++) {
        if (i % AGENT_COLD_PER_S_MAX == 0)
            now_ms += 1000;
        agent_lookup(cache, numbered(buffer, i), now_ms);
    }
    /* The budget is spent, so only what is remembered has a name. */
    for (unsigned i = 0; i <= AGENT_COLD_PER_S_MAX; i++)
        agent_lookup(cache, numbered(buffer, 1000000 + i), now_ms);
    size_t kept = 0;
    for (size_t i = 0; i < ARRAY_LEN(PEOPLE); i++)
        kept += str_eq(agent_lookup(cache, str_from(PEOPLE[i].user_agent), now_ms)->browser,
                       str_from(PEOPLE[i].browser));
    assert_int_equal(kept, ARRAY_LEN(PEOPLE));
    agent_cache_free(cache);
}

/* Every worker asks the same rules at the same time. */
static void *ask_them_all(void *data)
{
    struct agent_cache *cache = agent_cache_new(data);
    size_t right = 0;
    for (size_t i = 0; i < ARRAY_LEN(PEOPLE); i++)
        right += str_eq(agent_lookup(cache, str_from(PEOPLE[i].user_agent), 0)->browser,
                        str_from(PEOPLE[i].browser));
    agent_cache_free(cache);
    return right == ARRAY_LEN(PEOPLE) ? data : NULL;
}

static void threads_share_the_rules(void **state)
{
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_them_all, *state), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, *state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_get_the_names_they_know),
        cmocka_unit_test(crawlers_libraries_and_headless_browsers_are_bots),
        cmocka_unit_test(nothing_particular_to_a_visitor_passes),
        cmocka_unit_test(text_past_the_cap_is_not_looked_at),
        cmocka_unit_test(cache_answers_as_a_parse_does),
        cmocka_unit_test(cold_parses_a_second_below_at_and_above_the_budget),
        cmocka_unit_test(flood_of_strangers_leaves_what_is_in_use),
        cmocka_unit_test(threads_share_the_rules),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

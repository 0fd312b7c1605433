/* Bots, prefetches and previews. Called for each beacon, after the agent is known; pure.
 *
 * The headers are lists in the style of `Sec-Purpose: prefetch;prerender` or
 * `Purpose: prefetch, other`; one of the words anywhere in them is enough, in any case. */

#include "collector/bot.h"

#include "common/limits.h"
#include "common/macros.h"

static bool is_separator(char c)
{
    return c == ',' || c == ';' || c == '=' || c == ' ' || c == '\t' || c == '"';
}

/* True when one of the header's words is a fetch that nobody looks at yet. */
static bool header_asks_ahead(struct str header)
{
    static const char *const words[] = {"prefetch", "prerender", "preview"};
    for (size_t from = 0; from < header.len;) {
        size_t to = from;
        while (to < header.len && !is_separator(header.ptr[to]))
            to++;
        struct str word = {header.ptr + from, to - from};
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
            if (str_eq_ci(word, str_from(words[i])))
                return true;
        from = to + 1;
    }
    return false;
}

enum bot bot_check(const struct bot_headers *headers, const struct agent *agent)
{
    if (header_asks_ahead(headers->sec_purpose) || header_asks_ahead(headers->purpose) ||
        header_asks_ahead(headers->x_moz) || header_asks_ahead(headers->x_purpose))
        return BOT_PREFETCH;
    return agent->is_bot ? BOT_USER_AGENT : BOT_NONE;
}

/* Shorter than "Mozilla/4.0": no browser. */
enum { BROWSER_BYTES_MIN = 10 };

bool bot_by_words(struct str user_agent)
{
    static const char *const words[] = {
        "bot/",  "crawl",   "spider",  "://",    "curl/",    "wget/",      "python-",
        "java/", "go-http", "okhttp/", "axios/", "headless", "lighthouse", "scrapy",
    };
    if (user_agent.len < BROWSER_BYTES_MIN)
        return true;
    user_agent = str_prefix(user_agent, USER_AGENT_BYTES_MAX);
    char lower[USER_AGENT_BYTES_MAX];
    for (size_t i = 0; i < user_agent.len; i++) {
        char c = user_agent.ptr[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (memmem(lower, user_agent.len, words[i], strlen(words[i])) != NULL)
            return true;
    return false;
}

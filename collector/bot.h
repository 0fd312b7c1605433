#pragma once

/* What is not a person: crawlers and tools by User-Agent, prefetches and previews by header. Pure.
 * The User-Agent itself is judged by agent.h's rules, with the rest of its parse. */

#include "collector/agent.h"
#include "common/str.h"

enum bot {
    BOT_NONE,
    BOT_USER_AGENT, /* a crawler, a library, a headless browser; an empty User-Agent */
    BOT_PREFETCH,   /* Sec-Purpose/Purpose/X-Moz: prefetch, prerender, preview */
};

struct bot_headers {
    struct str sec_purpose, purpose, x_moz, x_purpose;
};

/* A prefetch is named first: it says what was asked for, whoever asked. */
enum bot bot_check(const struct bot_headers *headers, const struct agent *agent);

/* A quick look for a User-Agent that is not parsed: no User-Agent, or one of the words that most
 * bots bear. Misses some, takes no person for a bot. */
bool bot_by_words(struct str user_agent);

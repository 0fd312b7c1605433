#pragma once

/* What is not a person: crawlers and tools by User-Agent, prefetches and previews by header. Pure.
 */

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

enum bot bot_check(const struct bot_headers *headers, const struct agent *agent);

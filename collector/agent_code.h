#pragma once

/* What a User-Agent says, as numbers: the form that the cache keeps. The names behind the numbers
 * are the rules' own closed list, so that no text of a visitor's can be stored, let alone counted.
 * Only agent.c and agent_cache.c include this. */

#include <stdbool.h>
#include <stdint.h>

#include "collector/agent.h"
#include "collector/rules.h"

/* Browser and system: indexes of agent_names, 0 "(other)". Versions: 0 none, 1 + a number up to
 * AGENT_NUMBER_MAX, or beyond that an index of agent_names. */
struct agent_code {
    uint16_t browser, browser_major;
    uint16_t os, os_major, os_minor;
    uint8_t device; /* enum device */
    bool is_bot;
};

/* Four digits: years are versions to some; anything longer is a build or somebody's number. */
enum { AGENT_NUMBER_MAX = 9999 };

const struct rules *agent_rules_list(const struct agent_rules *rules);
/* `search` is over the agent's rules. */
void agent_classify(struct rules_search *search, struct str user_agent,
                    struct agent_code *ret_code);
void agent_spell(const struct agent_code *code, struct agent_text *text, struct agent *ret_agent);

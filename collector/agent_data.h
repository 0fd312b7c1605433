#pragma once

/* The rules about User-Agents as constants: tools/uap.mjs makes the source in the build folder. */

#include "collector/rules.h"

/* Browsers and systems by uap-core, bots by every list; each set is a range of the rules. */
enum agent_set { AGENT_SET_BROWSER, AGENT_SET_OS, AGENT_SET_BOT, AGENT_SET__COUNT };

/* What a browser or system rule gives; NULL is its group 1, 2, 3. "$1" stands for a group. */
struct agent_template {
    const char *family, *major, *minor;
};

/* A text that rules can give, after a letter for its kind (b browser, o system, v version) and in
 * lower case, and the index of the name it is shown by. In order of the bytes of `raw`. */
struct agent_word {
    const char *raw;
    uint16_t name;
};

extern const struct rule_literal agent_literals[];
extern const struct rule agent_rule_list[];
extern const size_t agent_rule_count;
extern const size_t agent_set_first[AGENT_SET__COUNT + 1];
extern const struct agent_template agent_templates[]; /* browsers, then systems */
extern const char *const agent_names[];               /* the first is "(other)" */
extern const size_t agent_name_count;
extern const struct agent_word agent_words[];
extern const size_t agent_word_count;

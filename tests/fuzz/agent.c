/* User-Agents: the filter never changes which rule is first, and every answer is a short, printable
 * name whatever the bytes. */

#include "tests/fuzz/fuzz.h"

#include "collector/agent.h"

#include <assert.h>
#include <stdlib.h>

#include "collector/agent_data.h"

static struct rules *list;
static struct rules_search *search;
static struct agent_rules *rules;

static void done(void)
{
    agent_rules_free(rules);
    rules_search_free(search);
    rules_free(list);
}

static void check_name(struct str name)
{
    assert(name.len > 0 && name.len <= AGENT_VALUE_BYTES_MAX);
    for (size_t i = 0; i < name.len; i++)
        assert((unsigned char)name.ptr[i] >= 0x20 && name.ptr[i] != 0x7f);
}

static void check_filter(struct str text)
{
    rules_search_start(search, text);
    for (int set = 0; set < AGENT_SET__COUNT; set++) {
        size_t from = agent_set_first[set], to = agent_set_first[set + 1];
        int found = rules_search_first(search, from, to);
        int unfiltered = rules_search_first_unfiltered(search, from, to);
        /* A rule that the filter skips may be the one that takes too long. */
        assert(found == unfiltered || found == RULES_OVER_LIMIT || unfiltered == RULES_OVER_LIMIT);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (rules == NULL) {
        rules = agent_rules_new();
        list = rules_new(agent_rule_list, agent_rule_count, agent_literals);
        search = rules_search_new(list);
        atexit(done);
    }
    struct str text = {(const char *)data, len};
    check_filter(text);
    struct agent_text names;
    struct agent agent;
    agent_parse(rules, text, &names, &agent);
    check_name(agent.browser);
    check_name(agent.browser_version);
    check_name(agent.os);
    check_name(agent.os_version);
    check_name(agent.device);
    return 0;
}

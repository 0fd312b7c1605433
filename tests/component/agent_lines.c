/* Reads User-Agents, one a line, and prints what the rules make of each, for agent_oracle.mjs:
 * index of the browser rule, of the system rule, of the bot rule (-1: none; -2: over the limit),
 * and the names. Fails when the filter changes an answer. */

#include <stdio.h>
#include <stdlib.h>

#include "collector/agent.h"
#include "collector/agent_data.h"

static int set_first(struct rules_search *search, enum agent_set set)
{
    size_t from = agent_set_first[set], to = agent_set_first[set + 1];
    int found = rules_search_first(search, from, to);
    int unfiltered = rules_search_first_unfiltered(search, from, to);
    if (found != unfiltered) {
        fprintf(stderr, "set %d: %d with the filter, %d without\n", set, found, unfiltered);
        exit(1);
    }
    return found < 0 ? found : found - (int)from;
}

int main(void)
{
    struct rules *list = rules_new(agent_rule_list, agent_rule_count, agent_literals);
    struct agent_rules *rules = agent_rules_new();
    struct rules_search *search = rules_search_new(list);
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    while ((len = getline(&line, &capacity, stdin)) > 0) {
        struct str user_agent = {line, (size_t)len - (line[len - 1] == '\n')};
        rules_search_start(search, user_agent);
        int browser = set_first(search, AGENT_SET_BROWSER);
        int os = set_first(search, AGENT_SET_OS);
        int bot = set_first(search, AGENT_SET_BOT);
        struct agent_text text;
        struct agent agent;
        agent_parse(rules, user_agent, &text, &agent);
        printf("%d\t%d\t%d\t%.*s\t%.*s\t%.*s\t%.*s\t%.*s\n", browser, os, bot,
               STR_ARG(agent.browser), STR_ARG(agent.browser_version), STR_ARG(agent.os),
               STR_ARG(agent.os_version), STR_ARG(agent.device));
    }
    free(line);
    rules_search_free(search);
    agent_rules_free(rules);
    rules_free(list);
    return 0;
}

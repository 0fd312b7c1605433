/* How long User-Agents take: bench_agent FILE, with one User-Agent a line, repeated as in the wild.
 * Prints one JSON line: start-up, bytes of rules, cold parses of the distinct ones, lookups. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "collector/agent.h"
#include "collector/agent_data.h"

enum { LINES_MAX = 100000, ROUNDS = 20 };

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare_doubles(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t read_lines(const char *path, char **lines)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    char *line = NULL;
    size_t capacity = 0, count = 0;
    for (ssize_t len; count < LINES_MAX && (len = getline(&line, &capacity, file)) > 0;) {
        line[len - 1] = '\0';
        lines[count++] = strdup(line);
    }
    free(line);
    fclose(file);
    return count;
}

/* Microseconds of one parse, the best of some rounds. */
static double parse_us(const struct agent_rules *rules, const char *user_agent)
{
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        struct agent_text text;
        struct agent agent;
        double start = now_us();
        agent_parse(rules, str_from(user_agent), &text, &agent);
        double took = now_us() - start;
        best = took < best ? took : best;
    }
    return best;
}

static double lookup_ns(struct agent_cache *cache, char **lines, size_t count)
{
    int64_t now_ms = 0;
    for (size_t i = 0; i < count; i++)
        agent_lookup(cache, str_from(lines[i]), now_ms += 1000);
    double start = now_us();
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < count; i++)
            agent_lookup(cache, str_from(lines[i]), now_ms);
    return (now_us() - start) * 1000 / ((double)count * ROUNDS);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("bench_agent FILE\n", stderr);
        return 2;
    }
    static char *lines[LINES_MAX];
    static double parses[LINES_MAX];
    size_t count = read_lines(argv[1], lines);
    if (count == 0)
        return 1;
    double start = now_us();
    struct agent_rules *rules = agent_rules_new();
    double start_ms = (now_us() - start) / 1000;
    struct agent_cache *cache = agent_cache_new(rules);
    double cached_ns = lookup_ns(cache, lines, count);

    qsort(lines, count, sizeof(lines[0]), compare_lines);
    size_t distinct = 0;
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(lines[i], lines[i - 1]) != 0)
            parses[distinct++] = parse_us(rules, lines[i]);
    qsort(parses, distinct, sizeof(parses[0]), compare_doubles);
    struct rules *list = rules_new(agent_rule_list, agent_rule_count, agent_literals);
    printf("{\"start_ms\":%.1f,\"rules_bytes\":%zu,\"distinct\":%zu,\"parse_us_median\":%.2f,"
           "\"parse_us_p99\":%.2f,\"parse_us_max\":%.2f,\"lookup_ns\":%.1f}\n",
           start_ms, rules_bytes(list), distinct, parses[distinct / 2], parses[distinct * 99 / 100],
           parses[distinct - 1], cached_ns);
    rules_free(list);
    agent_cache_free(cache);
    agent_rules_free(rules);
    for (size_t i = 0; i < count; i++)
        free(lines[i]);
    return 0;
}

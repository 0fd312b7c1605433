/* Ordered regular expressions with a literal filter, through PCRE2. Called by the agent's parser
 * and by nothing else; knows neither browsers nor bots.
 *
 * The filter: every literal is filed under a hash of three of its bytes, those that are rarest in
 * User-Agents. A search looks the three bytes at each place of the text up and compares whole
 * literals only where the hash leads to some. Text and literals are in lower case, so that caseless
 * rules need no second table; a literal that stands there in another case only costs one run of a
 * rule that then does not match.
 *
 * Bounds: the text is at most USER_AGENT_BYTES_MAX long, a search runs at most RULES_RUNS_MAX rules
 * and each at most RULES_MATCH_STEPS_MAX steps. A text made to be slow thus costs little, and
 * counts as unknown. */

#include "collector/rules.h"

#include <assert.h>
#include <pcre2.h>
#include <stdlib.h>

enum {
    GRAM_BUCKETS = 1 << 14,
    NO_ENTRY = 0xffff,
    GROUPS_MAX = 16,
};

/* A literal and the rule it speaks for, chained by bucket. */
struct gram_entry {
    uint16_t next;
    uint16_t rule;
    uint16_t literal;
};

struct rules {
    const struct rule *list;
    size_t count;
    const struct rule_literal *literals;
    pcre2_code **codes; /* NULL for a plain rule */
    pcre2_match_context *limits;
    uint16_t buckets[GRAM_BUCKETS];
    struct gram_entry *entries;
    size_t entry_count;
    uint64_t *always; /* rules without a literal, as bits */
    size_t words;     /* of a set of rules as bits */
};

struct rules_search {
    const struct rules *rules;
    pcre2_match_data *match;
    struct str text;
    char lower[USER_AGENT_BYTES_MAX];
    int runs;        /* expressions run in this search */
    int group_count; /* of the last match */
    uint64_t candidates[];
};

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count == 0 ? 1 : count, size);
    if (memory == NULL)
        abort();
    return memory;
}

static size_t gram_bucket(const char *bytes)
{
    uint32_t gram = (uint32_t)(uint8_t)bytes[0] | (uint32_t)(uint8_t)bytes[1] << 8 |
                    (uint32_t)(uint8_t)bytes[2] << 16;
    return (gram * UINT32_C(0x9e3779b1)) >> 18;
}
static_assert(GRAM_BUCKETS == 1 << (32 - 18), "the hash fills the table");

/* --- Compiling ------------------------------------------------------------------------------- */

/* Bytes, not characters: a User-Agent may hold anything. */
static pcre2_code *rule_compile(const struct rule *rule)
{
    uint32_t options = PCRE2_DOLLAR_ENDONLY;
    if (rule->flags & RULE_CASELESS)
        options |= PCRE2_CASELESS;
    int error;
    PCRE2_SIZE error_at;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)rule->pattern, PCRE2_ZERO_TERMINATED, options,
                                     &error, &error_at, NULL);
    assert(code != NULL);
    /* Where the system forbids code made at run time, PCRE2 interprets: slower, the same result. */
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    return code;
}

static void rules_file_literals(struct rules *rules, size_t index)
{
    const struct rule *rule = &rules->list[index];
    if (rule->literal_count == 0)
        rules->always[index / 64] |= UINT64_C(1) << (index % 64);
    for (size_t i = 0; i < rule->literal_count; i++) {
        size_t literal = rule->literal_first + i;
        const struct rule_literal *l = &rules->literals[literal];
        assert(l->len >= RULE_GRAM_BYTES && l->gram_at + RULE_GRAM_BYTES <= l->len);
        size_t bucket = gram_bucket(l->text + l->gram_at);
        rules->entries[rules->entry_count] = (struct gram_entry){
            .next = rules->buckets[bucket],
            .rule = (uint16_t)index,
            .literal = (uint16_t)literal,
        };
        rules->buckets[bucket] = (uint16_t)rules->entry_count++;
    }
}

struct rules *rules_new(const struct rule *list, size_t count, const struct rule_literal *literals)
{
    struct rules *rules = allocate(1, sizeof(*rules));
    rules->list = list;
    rules->count = count;
    rules->literals = literals;
    rules->codes = allocate(count, sizeof(*rules->codes));
    rules->words = (count + 63) / 64;
    rules->always = allocate(rules->words, sizeof(*rules->always));
    size_t literal_total = 0;
    for (size_t i = 0; i < count; i++)
        literal_total += list[i].literal_count;
    assert(count < NO_ENTRY && literal_total < NO_ENTRY);
    rules->entries = allocate(literal_total, sizeof(*rules->entries));
    for (size_t i = 0; i < GRAM_BUCKETS; i++)
        rules->buckets[i] = NO_ENTRY;
    for (size_t i = 0; i < count; i++) {
        if (!(list[i].flags & RULE_PLAIN))
            rules->codes[i] = rule_compile(&list[i]);
        rules_file_literals(rules, i);
    }
    rules->limits = pcre2_match_context_create(NULL);
    assert(rules->limits != NULL);
    pcre2_set_match_limit(rules->limits, RULES_MATCH_STEPS_MAX);
    pcre2_set_depth_limit(rules->limits, RULES_MATCH_STEPS_MAX);
    pcre2_set_heap_limit(rules->limits, RULES_MATCH_HEAP_KIB_MAX);
    return rules;
}

void rules_free(struct rules *rules)
{
    if (rules == NULL)
        return;
    for (size_t i = 0; i < rules->count; i++)
        pcre2_code_free(rules->codes[i]);
    pcre2_match_context_free(rules->limits);
    free(rules->codes);
    free(rules->entries);
    free(rules->always);
    free(rules);
}

size_t rules_bytes(const struct rules *rules)
{
    size_t bytes = sizeof(*rules) + rules->entry_count * sizeof(*rules->entries) +
                   rules->count * sizeof(*rules->codes) + rules->words * sizeof(*rules->always);
    for (size_t i = 0; i < rules->count; i++) {
        size_t size = 0, jit_size = 0;
        if (rules->codes[i] == NULL)
            continue;
        (void)pcre2_pattern_info(rules->codes[i], PCRE2_INFO_SIZE, &size);
        (void)pcre2_pattern_info(rules->codes[i], PCRE2_INFO_JITSIZE, &jit_size);
        bytes += size + jit_size;
    }
    return bytes;
}

/* --- Searching ------------------------------------------------------------------------------- */

struct rules_search *rules_search_new(const struct rules *rules)
{
    struct rules_search *search =
        allocate(1, sizeof(*search) + rules->words * sizeof(search->candidates[0]));
    search->rules = rules;
    search->text = STR_EMPTY;
    search->match = pcre2_match_data_create(GROUPS_MAX, NULL);
    if (search->match == NULL)
        abort();
    return search;
}

void rules_search_free(struct rules_search *search)
{
    if (search == NULL)
        return;
    rules_search_end(search);
    pcre2_match_data_free(search->match);
    free(search);
}

static void search_mark_literals_at(struct rules_search *search, size_t at)
{
    const struct rules *rules = search->rules;
    size_t entry = rules->buckets[gram_bucket(search->lower + at)];
    for (; entry != NO_ENTRY; entry = rules->entries[entry].next) {
        const struct gram_entry *e = &rules->entries[entry];
        const struct rule_literal *literal = &rules->literals[e->literal];
        if (literal->gram_at > at || at - literal->gram_at + literal->len > search->text.len)
            continue;
        if (memcmp(search->lower + at - literal->gram_at, literal->text, literal->len) == 0)
            search->candidates[e->rule / 64] |= UINT64_C(1) << (e->rule % 64);
    }
}

void rules_search_start(struct rules_search *search, struct str text)
{
    search->text = str_prefix(text, USER_AGENT_BYTES_MAX);
    search->runs = 0;
    search->group_count = 0;
    memcpy(search->candidates, search->rules->always,
           search->rules->words * sizeof(search->candidates[0]));
    for (size_t i = 0; i < search->text.len; i++) {
        char c = search->text.ptr[i];
        search->lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    for (size_t at = 0; at + RULE_GRAM_BYTES <= search->text.len; at++)
        search_mark_literals_at(search, at);
}

void rules_search_end(struct rules_search *search)
{
    explicit_bzero(search->lower, sizeof(search->lower));
    search->text = STR_EMPTY;
    search->group_count = 0;
}

static bool search_finds_plain(const struct rules_search *search, const struct rule *rule)
{
    const char *text = rule->flags & RULE_CASELESS ? search->lower : search->text.ptr;
    return memmem(text, search->text.len, rule->pattern, strlen(rule->pattern)) != NULL;
}

/* The rule's own index when it matches, else RULES_NONE or RULES_OVER_LIMIT. */
static int search_run(struct rules_search *search, size_t index)
{
    search->group_count = 0;
    if (search->rules->codes[index] == NULL)
        return search_finds_plain(search, &search->rules->list[index]) ? (int)index : RULES_NONE;
    int rc = pcre2_match(search->rules->codes[index], (PCRE2_SPTR)search->text.ptr,
                         search->text.len, 0, 0, search->match, search->rules->limits);
    if (rc == PCRE2_ERROR_NOMATCH)
        return RULES_NONE;
    if (rc < 0)
        return RULES_OVER_LIMIT;
    search->group_count = rc == 0 ? GROUPS_MAX : rc;
    return (int)index;
}

int rules_search_first(struct rules_search *search, size_t from, size_t to)
{
    assert(from <= to && to <= search->rules->count);
    for (size_t index = from; index < to; index++) {
        uint64_t rest = search->candidates[index / 64] >> (index % 64);
        if (rest == 0) {
            index |= 63; /* nothing more in this word */
            continue;
        }
        index += (size_t)__builtin_ctzll(rest);
        if (index >= to)
            break;
        if (++search->runs > RULES_RUNS_MAX)
            return RULES_OVER_LIMIT;
        int found = search_run(search, index);
        if (found != RULES_NONE)
            return found;
    }
    return RULES_NONE;
}

int rules_search_first_unfiltered(struct rules_search *search, size_t from, size_t to)
{
    assert(from <= to && to <= search->rules->count);
    for (size_t index = from; index < to; index++) {
        int found = search_run(search, index);
        if (found != RULES_NONE)
            return found;
    }
    return RULES_NONE;
}

struct str rules_search_group(const struct rules_search *search, unsigned group)
{
    if ((int)group >= search->group_count)
        return STR_EMPTY;
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(search->match);
    PCRE2_SIZE from = ends[2 * group], to = ends[2 * group + 1];
    if (from == PCRE2_UNSET || to < from)
        return STR_EMPTY;
    return (struct str){search->text.ptr + from, to - from};
}

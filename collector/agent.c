/* A User-Agent becomes browser, system, device class and "a bot or not". Called by agent_cache.c
 * for what the cache does not know, and by whatever reads old logs. Pure but for the rules' own
 * memory.
 *
 *   text ─▶ one filter pass ─▶ any bot rule? yes: nothing more is asked, bots are not counted
 *                              no ─▶ first browser rule ─┐
 *                                 ─▶ first system rule  ─┴▶ agent_code (12 bytes of numbers) ─▶
 * names
 *
 * A rule gives texts: a replacement, or what its groups captured. They are looked up in the closed
 * list of texts that rules can give (made by tools/uap.mjs) and become numbers. What is not on the
 * list, the open-ended capture of a rule such as "anything before CFNetwork", is `(other)`: a name
 * that only one visitor's browser bears must not become a counter. Versions are numbers of at most
 * four digits or words of the list ("XP"). */

#include "collector/agent.h"

#include <assert.h>
#include <stdlib.h>

#include "collector/agent_code.h"
#include "collector/agent_data.h"
#include "collector/bot.h"
#include "collector/device.h"
#include "common/limits.h"

struct agent_rules {
    struct rules *list;
};

struct agent_rules *agent_rules_new(void)
{
    struct agent_rules *rules = calloc(1, sizeof(*rules));
    if (rules == NULL)
        abort();
    assert(agent_name_count + AGENT_NUMBER_MAX + 1 <= UINT16_MAX);
    rules->list = rules_new(agent_rule_list, agent_rule_count, agent_literals);
    return rules;
}

void agent_rules_free(struct agent_rules *rules)
{
    if (rules == NULL)
        return;
    rules_free(rules->list);
    free(rules);
}

const struct rules *agent_rules_list(const struct agent_rules *rules)
{
    return rules->list;
}

/* --- From texts to numbers ---------------------------------------------------------------------
 */

/* A short text under construction: what does not fit is no name. */
struct word {
    char bytes[AGENT_VALUE_BYTES_MAX];
    size_t len;
    bool overflow;
};

static void word_append(struct word *word, struct str text)
{
    if (text.len > sizeof(word->bytes) - word->len) {
        word->overflow = true;
        return;
    }
    memcpy(word->bytes + word->len, text.ptr, text.len);
    word->len += text.len;
}

/* Fills the template in; NULL is the group itself. */
static struct str word_expand(struct word *word, const char *template, unsigned group,
                              const struct rules_search *search)
{
    *word = (struct word){.len = 0};
    if (template == NULL)
        word_append(word, rules_search_group(search, group));
    for (const char *c = template; c != NULL && *c != '\0'; c++) {
        if (c[0] == '$' && c[1] >= '1' && c[1] <= '9')
            word_append(word, rules_search_group(search, (unsigned)(*++c - '0')));
        else
            word_append(word, (struct str){c, 1});
    }
    return word->overflow ? STR_EMPTY : str_trim((struct str){word->bytes, word->len});
}

static int word_compare(char kind, struct str text, const char *raw)
{
    if (kind != raw[0])
        return (unsigned char)kind < (unsigned char)raw[0] ? -1 : 1;
    size_t raw_len = strlen(++raw);
    for (size_t i = 0; i < text.len && i < raw_len; i++) {
        unsigned char a = (unsigned char)text.ptr[i], b = (unsigned char)raw[i];
        if (a >= 'A' && a <= 'Z')
            a = (unsigned char)(a - 'A' + 'a');
        if (a != b)
            return a < b ? -1 : 1;
    }
    return text.len == raw_len ? 0 : text.len < raw_len ? -1 : 1;
}

/* The index of the name that `text` is shown by; 0 for a text that no rule names. */
static uint16_t name_find(char kind, struct str text)
{
    size_t from = 0, to = agent_word_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = word_compare(kind, text, agent_words[middle].raw);
        if (order == 0)
            return agent_words[middle].name;
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return 0;
}

static uint16_t version_encode(struct str text)
{
    uint64_t number;
    if (text.len <= 4 && str_to_uint(text, AGENT_NUMBER_MAX, &number))
        return (uint16_t)(number + 1);
    uint16_t name = name_find('v', text);
    return name == 0 ? 0 : (uint16_t)(name + AGENT_NUMBER_MAX + 1);
}

/* --- The three questions -----------------------------------------------------------------------
 */

static int search_set(struct rules_search *search, enum agent_set set)
{
    return rules_search_first(search, agent_set_first[set], agent_set_first[set + 1]);
}

static void classify_browser(struct rules_search *search, struct agent_code *code)
{
    int rule = search_set(search, AGENT_SET_BROWSER);
    if (rule < 0)
        return;
    const struct agent_template *template = &agent_templates[rule];
    struct word word;
    code->browser = name_find('b', word_expand(&word, template->family, 1, search));
    if (code->browser != 0)
        code->browser_major = version_encode(word_expand(&word, template->major, 2, search));
}

static void classify_os(struct rules_search *search, struct agent_code *code)
{
    int rule = search_set(search, AGENT_SET_OS);
    if (rule < 0)
        return;
    const struct agent_template *template = &agent_templates[rule];
    struct word word;
    code->os = name_find('o', word_expand(&word, template->family, 1, search));
    if (code->os == 0)
        return;
    code->os_major = version_encode(word_expand(&word, template->major, 2, search));
    code->os_minor = version_encode(word_expand(&word, template->minor, 3, search));
}

void agent_classify(struct rules_search *search, struct str user_agent, struct agent_code *ret_code)
{
    struct agent_code code = {0};
    user_agent = str_prefix(user_agent, USER_AGENT_BYTES_MAX);
    rules_search_start(search, user_agent);
    /* A text that is made to be slow to match is not a browser's. */
    code.is_bot = search_set(search, AGENT_SET_BOT) != RULES_NONE;
    if (!code.is_bot) {
        classify_browser(search, &code);
        classify_os(search, &code);
        code.device = (uint8_t)device_classify(str_from(agent_names[code.os]), user_agent);
    }
    rules_search_end(search);
    *ret_code = code;
}

/* --- From numbers to names ---------------------------------------------------------------------
 */

struct speller {
    char *at, *end;
};

static void spell_text(struct speller *speller, const char *text)
{
    size_t len = strlen(text);
    assert(len <= (size_t)(speller->end - speller->at));
    memcpy(speller->at, text, len);
    speller->at += len;
}

static void spell_version(struct speller *speller, uint16_t version)
{
    if (version > AGENT_NUMBER_MAX + 1) {
        spell_text(speller, agent_names[version - AGENT_NUMBER_MAX - 1]);
        return;
    }
    char digits[5] = {0};
    size_t at = sizeof(digits) - 1;
    unsigned number = version - 1u;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    spell_text(speller, digits + at);
}

/* A release that people know by two numbers: Windows 8.1, macOS up to 10.15. */
static bool shows_minor(const struct agent_code *code)
{
    const char *os = agent_names[code->os];
    if (code->os_minor == 0)
        return false;
    return strcmp(os, "Windows") == 0 || (strcmp(os, "macOS") == 0 && code->os_major <= 10 + 1);
}

void agent_spell(const struct agent_code *code, struct agent_text *text, struct agent *ret_agent)
{
    static_assert(sizeof(text->bytes) >= 2 * AGENT_VALUE_BYTES_MAX, "both versions fit");
    struct speller speller = {text->bytes, text->bytes + AGENT_VALUE_BYTES_MAX};
    spell_text(&speller, agent_names[code->browser]);
    if (code->browser_major != 0) {
        spell_text(&speller, " ");
        spell_version(&speller, code->browser_major);
    }
    struct str browser_version = {text->bytes, (size_t)(speller.at - text->bytes)};

    char *os_at = text->bytes + AGENT_VALUE_BYTES_MAX;
    speller = (struct speller){os_at, os_at + AGENT_VALUE_BYTES_MAX};
    spell_text(&speller, agent_names[code->os]);
    if (code->os_major != 0) {
        spell_text(&speller, " ");
        spell_version(&speller, code->os_major);
        if (shows_minor(code)) {
            spell_text(&speller, ".");
            spell_version(&speller, code->os_minor);
        }
    }
    *ret_agent = (struct agent){
        .browser = str_from(agent_names[code->browser]),
        .browser_version = browser_version,
        .os = str_from(agent_names[code->os]),
        .os_version = {os_at, (size_t)(speller.at - os_at)},
        .device = device_name((enum device)code->device),
        .is_bot = code->is_bot,
    };
}

void agent_parse(const struct agent_rules *rules, struct str user_agent, struct agent_text *text,
                 struct agent *ret_agent)
{
    struct rules_search *search = rules_search_new(rules->list);
    struct agent_code code;
    agent_classify(search, user_agent, &code);
    rules_search_free(search);
    agent_spell(&code, text, ret_agent);
}

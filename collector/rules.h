#pragma once

/* An ordered list of regular expressions over User-Agents, of which the first that matches decides.
 *
 * Trying hundreds in order is slow, so each rule carries literals of which one must stand in any
 * text that it matches (computed by tools/regex_literals.mjs). One pass over the text finds the
 * literals that do stand there; only the rules they belong to are run, in order. The result is that
 * of trying all of them. Compiled rules are immutable and shared by threads; a search belongs to
 * one thread. Nothing of a text is kept past the end of its search. */

#include <stddef.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/str.h"

struct rule_literal {
    const char *text; /* lower case */
    uint8_t len;      /* at least RULE_GRAM_BYTES */
    uint8_t gram_at;  /* where its rarest RULE_GRAM_BYTES begin */
};
enum { RULE_GRAM_BYTES = 3 };

enum {
    RULE_CASELESS = 1,
    RULE_PLAIN = 2, /* the pattern is a text to find, not an expression; lower case if caseless */
};

struct rule {
    const char *pattern;
    uint16_t literal_first; /* into the list's literals */
    uint8_t literal_count;  /* 0: the rule is always run */
    uint8_t flags;
};

struct rules;
/* `list` and `literals` are static data. Aborts on an expression that does not compile. */
struct rules *rules_new(const struct rule *list, size_t count, const struct rule_literal *literals);
void rules_free(struct rules *rules);

/* The memory of one search, for one thread. */
struct rules_search;
struct rules_search *rules_search_new(const struct rules *rules);
void rules_search_free(struct rules_search *search);

/* Starts a search over `text`, cut at USER_AGENT_BYTES_MAX, which must stay until its end. */
void rules_search_start(struct rules_search *search, struct str text);
/* Wipes what the search still holds of the text. */
void rules_search_end(struct rules_search *search);

enum {
    RULES_NONE = -1,
    RULES_OVER_LIMIT = -2, /* matching took too long, or too many rules were run */
};
/* The first of the rules [from, to) that matches, RULES_NONE or RULES_OVER_LIMIT. */
int rules_search_first(struct rules_search *search, size_t from, size_t to);
/* The same without the filter: what the filter is tested against. */
int rules_search_first_unfiltered(struct rules_search *search, size_t from, size_t to);
/* A group of the last rule that matched; empty where it took no part. */
struct str rules_search_group(const struct rules_search *search, unsigned group);

/* Bytes of compiled expressions and tables. */
size_t rules_bytes(const struct rules *rules);

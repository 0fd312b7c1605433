#pragma once

/* Eleven weeks of a small site in a real Redis, of which whatever is sealed, open, or both is the
 * same as in another site whose days are all open; and questions, whose answers must be the same.
 * For tests of sealed days; what goes wrong fails the test. All of it is static. */

#include "aggregator/query_ask.h"
#include "common/redis.h"

enum { DAYS = 76, QUESTION_COUNT = 19 };
/* 2026-11-26T12:00:00Z */
#define NOW_MS INT64_C(1795694400000)
#define TODAY 20261126

extern struct redis *redis;
extern struct site *live, *mixed;
extern struct query_cache *cache;

enum form { NOTHING, OPEN, SEALED, LATE /* sealed, and open again */ };

/* Of September to November. */
extern struct record_names names[3];
extern struct buf names_bytes[3];
/* By number from the first on: a day's counts, those that came late, and the form in `mixed`. */
extern struct day days[DAYS], lates[DAYS];
extern enum form forms[DAYS];

/* Setup and teardown of cmocka: of all tests, and of each. */
int sealed_days_start(void **state);
int sealed_days_stop(void **state);
int sealed_days_fill(void **state);
int sealed_days_empty(void **state);

uint32_t date_at(size_t i);
/* Its place among the names. */
size_t month_at(size_t i);
/* The number of October's first day. */
size_t october(void);

typedef void (*key_fn)(struct buf *out, struct str site, uint32_t date);
/* A key of `mixed`. Of no bytes: deletes it. */
void set(key_fn fn, uint32_t date, struct str bytes);
void open_day(const struct site *site, const struct day *day);
/* Without a record. */
void close_day(const struct site *site, uint32_t date);
/* A record of `mixed`. */
void seal(const struct day *day, size_t month);
/* A late batch of a day, in both sites. */
void open_again(size_t i);
/* Puts October's first `count` days into a month, and takes them away. */
void fold_october(size_t count);

#define Q(range, metrics, rest) "\"date_range\":" range ",\"metrics\":[" metrics "]" rest
#define BY(names) ",\"dimensions\":[" names "]"
#define NL ",\"filters\":[[\"is\",\"visit:country\",[\"AA\"]]]"
#define FEW "\"visitors\",\"visits\",\"pageviews\",\"events\""
#define OCTOBER "[\"2026-10-01\",\"2026-10-31\"]"

extern const char *const QUESTIONS[QUESTION_COUNT];
/* All months at once, or each by itself: it changes with each question. */
extern bool ask_in_one_step;

/* But for the question; the caller frees. */
char *answer_text(struct query_answer *answer);
/* The answer, or why there is none. The caller frees. */
char *ask(const struct site *site, const char *rest);
void assert_answer(const char *question, const char *got, const char *expected);
/* Of both sites to all questions, each twice. */
void assert_same_answers(void);
/* The same, but to what cuts October by its ends or by its buckets. */
void assert_whole_month_answers(void);

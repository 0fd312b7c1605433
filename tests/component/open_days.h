#pragma once

/* A real Redis with open days in it, counted as the aggregator counts, under a clock that stands
 * still; for tests of what closes them. What goes wrong fails the test. All of it is static. */

#include "aggregator/close.h"
#include "aggregator/ledger.h"
#include "aggregator/record.h"
#include "common/redis.h"
#include "redis_server.h"

#define S(text) STR_LIT(text)

extern struct redis_server server;
extern struct redis *redis; /* as its first user */
extern struct ledger ledger;
extern struct closing closing;

/* What Redis is started with; NULL: no journal. */
extern const char *const *open_days_redis_args;

/* Setup and teardown of cmocka; the clock stands at some moment of 2030, since Redis's own clock
 * says what has expired. */
int open_days_start(void **state);
int open_days_stop(void **state);
/* From here on with the rights of the aggregator's role only, or as the first user again. */
void become_aggregator(void);
void become_first_user(void);
/* Empties the store, the ledger and what the closing knows. */
void open_days_reset(void);

/* 2030-03-05T12:00:00Z, a Tuesday. */
#define NOON_MS INT64_C(1898942400000)
enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };
void at_ms(int64_t wall_ms);

void add_site(const char *domain, const char *settings);
/* Pending until apply_all(). */
void count(const char *site, uint32_t date, enum table table, const char *value, enum metric metric,
           int64_t increment);
/* One more visitor of a row. */
void count_visitor(const char *site, uint32_t date, enum table table, const char *value,
                   uint64_t tag);
void count_cell(const char *site, uint32_t date, enum cross cross, const char *left,
                const char *right, int64_t views, int64_t visits);
/* A view of a page from a country, of a visit and visitor of its own, in every table and cross that
 * has them. */
void count_view(const char *site, uint32_t date, const char *page, const char *country,
                uint64_t tag);
void apply_all(void);

/* How many days this look closed. */
uint64_t look(struct closing *with);
/* Looks, waits for a minute and looks again: what is over is closed. How many days were. */
uint64_t close_all(void);
/* A closing of its own each time, as after a restart. */
uint64_t close_all_anew(void);

bool exists(const char *key);
size_t key_count(const char *pattern);
/* In ms since 1970; -1: never. */
int64_t expiry_of(const char *key);
/* Fills an empty day whose names are of `month`. False when there is no such record. */
bool read_record(const char *site, uint32_t date, struct record_names *month, struct day *day);
/* Of a sealed day; 0 when there is no record or row. */
int64_t sealed(const char *site, uint32_t date, enum table table, const char *value,
               enum metric metric);
/* Of a live hash's field. */
int64_t live(const char *site, uint32_t date, enum table table, const char *field);

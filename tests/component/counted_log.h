#pragma once

/* A real Redis with a log, batches appended to it as a collector would, an oracle that counts
 * along, and aggregators to apply them. For tests of the aggregator; what goes wrong fails the
 * test. One at a time: all of it is static. */

#include <sys/types.h>

#include "aggregator/section.h"
#include "common/redis.h"
#include "redis_server.h"

#define SITE "a.example"
#define DATE 20261123
#define TOTAL "ff:{0}:a.example:live:20261123:total"
#define PAGE "ff:{0}:a.example:live:20261123:page"
#define CURSOR "ff:{0}:cursor"
#define LOG "ff:{0}:log"
#define WRITERS_KEY "ff:{0}:writers"
#define QUARANTINE "ff:{0}:quarantine"
#define S(text) STR_LIT(text)

enum { PAGES = 20, WRITERS = 3, WAIT_MS_MAX = 20000 };

extern struct redis_server server;
extern struct redis *redis; /* as its first user */
extern const char *const APPEND_ONLY[];

/* What must be counted. */
struct oracle {
    int64_t views[PAGES], all_views, bounces;
    uint8_t sketches[PAGES][SKETCH_REGISTERS];
    uint64_t numbers[WRITERS];
    uint64_t visitors;
};
extern struct oracle oracle;
/* Brings Redis and the connection back when an append gets no answer; NULL: that fails the test. */
extern void (*on_redis_lost)(void);

/* Setup and teardown of cmocka: an append-only Redis with the functions, and an empty oracle. */
int counted_start(void **state);
int counted_stop(void **state);

void sleep_ms(long ms);
int64_t now_ms(void);

/* DO("SET", …) fails the test on an error. */
void command(size_t argc, const struct str *argv);
#define DO(...)                                                                                    \
    command(sizeof((struct str[]){__VA_ARGS__}) / sizeof(struct str), (struct str[]){__VA_ARGS__})
/* 0 when absent. */
int64_t field(const char *key, struct str name);
size_t stream_length(const char *key);
size_t log_length(void);

/* Under the writer's next number. */
void append_payload(unsigned writer, struct str payload);
void append_section(unsigned writer, struct section *section);
/* Of another visitor each time; returns what he adds to the page's sketch. */
struct sketch_register count_view(struct section *section, const char *page, bool first);
/* The same of a page of SITE, /0 and on; the oracle counts along. */
void count_oracle_view(struct section *section, unsigned page, bool first);
/* One batch of some views of random pages of SITE, counted by the oracle. */
void append_views(unsigned views);

/* `admin` is where it tells its operator, or NULL. */
pid_t start_telling_aggregator(const struct redis_address *address, const char *admin);
pid_t start_aggregator(const struct redis_address *address);
void stop_aggregator(pid_t pid);
void kill_aggregator(pid_t pid);
/* Waits until its answer holds this; until one answer holds both. */
void wait_told(const char *admin, const char *path, const char *wanted);
void wait_told_both(const char *admin, const char *path, const char *wanted, const char *other);
/* Waits until everything appended is applied; returns how long that took. */
int64_t wait_applied(void);
void assert_counts_equal_the_oracle(void);

#pragma once

/* A real Redis with the functions, asked in words and answered in words. For tests of the functions
 * and of what each role may do. One at a time: all of it is static. */

#include "common/redis.h"
#include "redis_server.h"

#define LOG "ff:{0}:log"
#define WRITERS "ff:{0}:writers"
#define CURSOR "ff:{0}:cursor"
#define OPEN "ff:{0}:open"
#define QUARANTINE "ff:{0}:quarantine"
#define TOTAL "ff:{0}:a.example:live:20261123:total"
#define PAGE "ff:{0}:a.example:live:20261123:page"
#define SEEN "ff:{0}:a.example:seen:20261123:page:/a"
#define SCRATCH "ff:{0}:scratch"
#define WRITER "00f1e2d3c4b5a697"
#define EXPIRY "4102444800000"
/* Index 5, rank 3. */
#define HYLL "HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x04\x88\x7f\xf9"
#define CORRUPT "HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x04\x88\x7f\xf8"

#define FIRST_CALL                                                                                 \
    S("FCALL"), S("apply"), S("7"), S(CURSOR), S(LOG), S(SCRATCH), S(TOTAL), S(PAGE), S(SEEN),     \
        S(OPEN)
#define FIRST_ARGS(from, to)                                                                       \
    S(from), S(to), S("2"), S("1"), S(EXPIRY), S("2"), S("1"), S("0"), S(EXPIRY), S("v"), S("1"),  \
        S("s"), S("1"), S("@" WRITER), S("9"), S(EXPIRY), S("1"), S("1"), S("1"), S(EXPIRY),       \
        S("v/a"), S("1"), S("u/a"), S("1"), S(HYLL), S("a.example:20261123")

extern struct redis_server server;
extern struct redis *redis; /* as its first user */

/* Setup and teardown of cmocka. */
int asked_start(void **state);
int asked_stop(void **state);

/* ASK(S("GET"), S("key")): the answer as text, until the next question. */
const char *ask_args(struct redis *client, size_t argc, const struct str *argv);
#define S(text) STR_LIT(text)
#define ASK_AS(client, ...)                                                                        \
    ask_args(client, sizeof((struct str[]){__VA_ARGS__}) / sizeof(struct str),                     \
             (struct str[]){__VA_ARGS__})
#define ASK(...) ASK_AS(redis, __VA_ARGS__)
#define APPEND(...) ASK(S("FCALL"), S("append"), S("2"), S(LOG), S(WRITERS), __VA_ARGS__)

void flush(void);

/* All that Redis holds. Whoever takes it gives its bytes back. */
struct snapshot {
    struct buf bytes;
};
struct snapshot take_snapshot(void);
void assert_unchanged(struct snapshot *before);

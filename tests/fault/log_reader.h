#pragma once

/* What a real Redis holds, for lives that must count each page once at the most. */

#include <stdbool.h>

#include "common/redis.h"
#include "redis_server.h"

enum { LOG_READER_PAGES = 64 };

/* Pages are "/0", "/1", ... of one site. What the beacons were told of them outlives a process. */
struct log_reader_told {
    bool offered[LOG_READER_PAGES];
    bool durable[LOG_READER_PAGES];
};

/* In shared memory. */
struct log_reader_told *log_reader_told_new(void);
/* A page's number, or -1. */
int log_reader_page(struct str value);
/* The page views of each page in the log, whatever site or day; false when an entry is no batch. */
bool log_reader_count(struct redis *redis, int64_t counts[LOG_READER_PAGES]);
/* True when what was told durable counts once and nothing twice, or that was not offered; else a
 * line a page on standard error. */
bool log_reader_check(const struct log_reader_told *told, const int64_t counts[LOG_READER_PAGES]);
/* Empties the server and loads the functions. */
void log_reader_clear(const struct redis_server *server);

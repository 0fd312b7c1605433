#pragma once

/* The data folder of `footfall serve`: its subfolders, its lock, and the private Redis's files. */

#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"

/* Makes DATA and DATA/{redis,spool,log}, readable by their owner only. */
MUST_CHECK bool store_make_folders(const char *data, char *error, size_t error_bytes);

/* Locks DATA for this process and the children that inherit the descriptor; waits for a Redis
 * that a killed supervisor has left behind. The descriptor, or -1 with a sentence. */
int store_lock(const char *data, char *error, size_t error_bytes);

/* Writes DATA/redis/redis.conf, users.acl and, where there is none yet, each role's secret. */
MUST_CHECK bool store_write_redis_files(const char *data, char *error, size_t error_bytes);

/* Where the running collector is reached, for commands that print the snippet. */
enum { STORE_URL_BYTES = 320 };
MUST_CHECK bool store_write_url(const char *data, const char *url, char *error, size_t error_bytes);
/* False when nothing has served this folder. */
MUST_CHECK bool store_read_url(const char *data, char url[static STORE_URL_BYTES]);

/* "DATA/NAME"; aborts when it does not fit: the configuration bounds DATA. */
enum { STORE_PATH_BYTES = 4096 + 128 };
void store_path(char path[static STORE_PATH_BYTES], const char *data, const char *name);

#pragma once

/* The data folder of `footfall serve`: its subfolders, its lock, and the private Redis's files. */

#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"

/* Makes DATA. When root makes it, it belongs to whom the folder belongs that it is in. */
MUST_CHECK bool store_make_data(const char *data, char *error, size_t error_bytes);
/* Makes DATA/{redis,spool,log,run}. All is readable by its owner only. */
MUST_CHECK bool store_make_folders(const char *data, char *error, size_t error_bytes);

/* Locks DATA for this process and the children that inherit the descriptor; waits for a Redis
 * that a killed supervisor has left behind. The descriptor, or -1 with a sentence. */
int store_lock(const char *data, char *error, size_t error_bytes);

/* Writes DATA/redis/redis.conf, users.acl and, where there is none yet, each role's secret. */
MUST_CHECK bool store_write_redis_files(const char *data, char *error, size_t error_bytes);

/* What the running `serve` tells commands in other terminals: one text a file in DATA. */
#define STORE_NOTE_COLLECTOR_URL "collector.url" /* where the collector is reached */
#define STORE_NOTE_GEO_DATABASE "geo.database"   /* its geo databases, with commas */
enum { STORE_NOTE_BYTES = 4096 };
MUST_CHECK bool store_write_note(const char *data, const char *name, const char *text, char *error,
                                 size_t error_bytes);
/* False when nothing has served this folder. */
MUST_CHECK bool store_read_note(const char *data, const char *name,
                                char text[static STORE_NOTE_BYTES]);

/* "unix:DATA/run/ROLE": where a role that `serve` started tells its operator, unless its
 * configuration says where. False when DATA is too long a path for a socket. */
enum { STORE_ADMIN_BYTES = 128 };
MUST_CHECK bool store_admin_address(const char *data, const char *role,
                                    char address[static STORE_ADMIN_BYTES]);

/* "DATA/NAME"; aborts when it does not fit: the configuration bounds DATA. */
enum { STORE_PATH_BYTES = 4096 + 128 };
void store_path(char path[static STORE_PATH_BYTES], const char *data, const char *name);

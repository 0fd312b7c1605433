#pragma once

/* Reads a whole geo database once, in a child process with limits, so that a broken one is refused
 * before it can hurt. Every node and every record that a lookup can reach is read there by the code
 * that lookups use; what passed, and cannot change any more, is safe to look up in. */

#include <stddef.h>

#include "collector/region_record.h"
#include "common/macros.h"

enum region_check {
    REGION_CHECK_OK,
    REGION_CHECK_NO_PROCESS, /* the child could not be started */
    REGION_CHECK_CRASHED,    /* the library died of it, or took too much memory */
    REGION_CHECK_TOO_LONG,   /* past REGION_CHECK_SECONDS_MAX */
    REGION_CHECK_NOT_MMDB,
    REGION_CHECK_BAD_TREE,
    REGION_CHECK_BAD_RECORD,
    REGION_CHECK_NO_COUNTRY, /* sound, but not about countries */
    REGION_CHECK__COUNT,
};

/* A database of 130 MB takes some two seconds. */
enum { REGION_CHECK_SECONDS_MAX = 60 };

/* What is wrong, to follow the file's name: "is not a database of MaxMind's format". */
const char *region_check_name(enum region_check result);

/* Blocks until the child has ended. The file at `path` must not change from here on. The schema is
 * set with REGION_CHECK_OK only. */
MUST_CHECK enum region_check region_check(const char *path, size_t file_bytes,
                                          enum region_schema *ret_schema);

/* Redis ends when it cannot keep its promises: when its file cannot be written, or cannot be read
 * at the start. It says so in its own words; these are the operator's, with what to do. On a
 * full disk Redis may not even find room for its last words, so that the disk itself is asked. */

#include "cli/redis_trouble.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "cli/redis_keeper.h"
#include "common/macros.h"

/* Less than what Redis wants to append at once: it cannot go on. */
enum { DISK_FULL_BYTES = 256 * 1024 };

#define FULL " is full: make some room, and it goes on by itself."

/* The first whose sign is found; the folder of the private Redis stands in the middle. */
static const struct {
    const char *sign;
    const char *before;
    const char *after;
} TROUBLES[] = {
    {"No space left on device", "The disk of ", FULL},
    {"Permission denied", "It may not use its files in ",
     ": all of them must belong to the user who owns the data folder (chown -R)."},
    {"redis-check-aof", "Its file is damaged. Keep a copy of ",
     "/appendonlydir, then run `redis-check-aof --fix appendonly.aof.manifest` in there: it cuts "
     "off what stands behind the damage (docs/operations.md, \"A damaged file\")."},
    {"Unable to obtain the AOF file", "One of its files in ",
     "/appendonlydir is missing, and nothing can repair that: put a backup in place "
     "(docs/operations.md, \"A damaged file\")."},
    {"RDB file", "The oldest part of its file in ",
     "/appendonlydir is damaged, and nothing can repair that: put a backup in place "
     "(docs/operations.md, \"A damaged file\")."},
    {"manifest", "The list of its files in ",
     "/appendonlydir is damaged: put a backup in place (docs/operations.md, \"A damaged file\")."},
};

static bool disk_is_full(const char *folder)
{
    struct statvfs disk;
    return statvfs(folder, &disk) == 0 &&
           (unsigned long long)disk.f_bavail * disk.f_frsize < DISK_FULL_BYTES;
}

bool redis_trouble_explain(void *data, struct str said, char *ret_sentence, size_t sentence_bytes)
{
    const struct redis_keeper *keeper = data;
    if (disk_is_full(keeper->folder)) {
        snprintf(ret_sentence, sentence_bytes, "The disk of %s" FULL, keeper->folder);
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(TROUBLES); i++) {
        if (memmem(said.ptr, said.len, TROUBLES[i].sign, strlen(TROUBLES[i].sign)) == NULL)
            continue;
        snprintf(ret_sentence, sentence_bytes, "%s%s%s", TROUBLES[i].before, keeper->folder,
                 TROUBLES[i].after);
        return true;
    }
    return false;
}

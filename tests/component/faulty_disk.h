#pragma once

/* The disk's calls, of which one can be made to fail. The test is linked with --wrap for each, so
 * that the program's own calls come here first. Any thread. */

#include <stdbool.h>

enum disk_fault {
    DISK_SOUND,
    DISK_FAILS,     /* the nth call fails; of a write the first half is done */
    DISK_STAYS_BAD, /* the nth call and all later ones fail */
    DISK_CRASHES,   /* the process ends at the nth call, in front of it */
    DISK_TEARS,     /* the same; of a write the first half is done */
};

enum { DISK_ALL = -1, DISK_WRITE, DISK_DATASYNC, DISK_SYNC, DISK_UNLINK, DISK_RENAME, DISK_READ };

/* From now on: the `nth` call (0, 1, ...) of a kind, or of all. */
void disk_fail(enum disk_fault fault, int kind, unsigned nth, int error);
/* How many calls there were since. */
unsigned disk_calls(void);
/* Sound again; how many calls there were. */
unsigned disk_heal(void);
/* Each fdatasync takes this long. */
void disk_slow_down(unsigned ms);
/* Syncs do nothing, which makes long tests short. */
void disk_skip_syncs(bool skip);

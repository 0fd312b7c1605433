/* From root to nobody in particular.
 *
 * `./run` by root on a fresh machine has to work, with the checkout below /root, which no other
 * user may enter: so a user of our own is not made up. Instead the data folder says who runs what
 * is in it: the user who owns it. Where that is root, what is left is the number 0 without a single
 * capability, which owns root's files and can do nothing else; the sandbox closes those files.
 *
 * The powers cannot come back: no_new_privs is set already (harden.c), the bounding set is empty,
 * and the bit that makes the number 0 special on exec is locked off. */

#include "cli/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    CAPABILITIES_MAX = 64, /* of any kernel, known to its headers here or not */
    /* Root may lock any amount; what it becomes may lock the days' keys (docs/operations.md). */
    LOCKED_BYTES_MIN = 16 * 1024 * 1024,
};

static bool fail(char *error, size_t error_bytes, const char *what)
{
    snprintf(error, error_bytes, "root's powers cannot be given up: %s: %s.", what,
             strerror(errno));
    return false;
}

static bool capabilities_set(uint64_t keep)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2];
    for (unsigned i = 0; i < 2; i++) {
        uint32_t half = (uint32_t)(keep >> (32 * i));
        sets[i] = (struct __user_cap_data_struct){half, half, half};
    }
    return syscall(SYS_capset, &header, sets) == 0;
}

static uint64_t capabilities_get(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {0};
    if (syscall(SYS_capget, &header, sets) != 0)
        return UINT64_MAX;
    return sets[0].permitted | (uint64_t)sets[1].permitted << 32;
}

static void locked_memory_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_max >= LOCKED_BYTES_MIN)
        return;
    limit.rlim_cur = limit.rlim_max = LOCKED_BYTES_MIN;
    (void)setrlimit(RLIMIT_MEMLOCK, &limit);
}

/* While the powers are still there. A container may have taken some of them already, so that each
 * of these may be refused; what counts is what capabilities_get() tells in the end. */
static void close_ways_back(uint64_t keep)
{
    for (unsigned capability = 0; capability < CAPABILITIES_MAX; capability++)
        if ((keep >> capability & 1) == 0)
            (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED;
    /* Kept over the change of the user below, and dropped by exec. */
    (void)prctl(PR_SET_SECUREBITS, bits | SECBIT_KEEP_CAPS, 0, 0, 0);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static bool become(const struct stat *owner, char *error, size_t error_bytes)
{
    if (setgroups(0, NULL) != 0 || setgid(owner->st_gid) != 0)
        return fail(error, error_bytes, "groups");
    if (setuid(owner->st_uid) != 0)
        return fail(error, error_bytes, "the user");
    return true;
}

static bool folder_is_usable(const char *data, char *error, size_t error_bytes)
{
    if (faccessat(AT_FDCWD, data, R_OK | W_OK | X_OK, AT_EACCESS) == 0 || errno == ENOENT)
        return true;
    snprintf(error, error_bytes,
             "%s cannot be used without root's powers: %s. It, and the folders above it, must be "
             "open to the user who owns it.",
             data, strerror(errno));
    return false;
}

bool privileges_drop(const char *data, bool low_port, char *error, size_t error_bytes)
{
    struct stat owner;
    bool root = geteuid() == 0;
    uint64_t before = capabilities_get();
    uint64_t keep = low_port ? before & 1ull << CAP_NET_BIND_SERVICE : 0;
    if (root && before != 0) {
        locked_memory_raise();
        bool found = stat(data, &owner) == 0;
        close_ways_back(keep);
        if (found && owner.st_uid != 0 && !become(&owner, error, error_bytes))
            return false;
    }
    if (!capabilities_set(keep) || capabilities_get() != keep)
        return fail(error, error_bytes, "capabilities");
    if (keep != 0)
        (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0);
    return !root || folder_is_usable(data, error, error_bytes);
}

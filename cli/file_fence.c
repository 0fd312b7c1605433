/* Landlock by its three system calls; there is no library for it in Debian 12, and its header there
 * is older than some kernels, so that the newer numbers stand below.
 *
 *     ABI 2  Linux 5.19  files; the first that lets a file be renamed into another folder
 *     ABI 3  Linux 6.2   cutting files
 *     ABI 4  Linux 6.7   TCP ports
 *     ABI 5  Linux 6.10  commands to devices
 *     ABI 6  Linux 6.12  signals and abstract sockets stay inside
 *
 * A path is looked up when it is allowed, and what was found is what counts afterwards: of a folder
 * also what is put into it later, of a file not what is renamed over it. Connecting to a Unix
 * socket needs no right, so that a folder may be closed and the socket in it used. */

#include "cli/file_fence.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ABI_MIN = 2, ABI_TRUNCATE = 3, ABI_PORTS = 4, ABI_DEVICES = 5, ABI_SCOPES = 6 };

#define RIGHT_TRUNCATE (1ull << 14)
#define RIGHT_DEVICES (1ull << 15)
#define RIGHT_LISTEN (1ull << 0)
#define RIGHT_CONNECT (1ull << 1)
#define SCOPE_ABSTRACT_SOCKETS (1ull << 0)
#define SCOPE_SIGNALS (1ull << 1)
#define RULE_PORT 2

/* The kernel takes a shorter one from older programs, and a longer one when the rest is zero. */
struct ruleset {
    uint64_t files;
    uint64_t ports;
    uint64_t scopes;
};

struct port_rule {
    uint64_t rights;
    uint64_t port;
};

#define FILES_ALL                                                                                  \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |   \
     LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |                                 \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |   \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER)

/* The rights that a rule for something other than a folder may hold. */
#define FILES_OF_ONE                                                                               \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |   \
     RIGHT_TRUNCATE | RIGHT_DEVICES)

static const struct {
    enum fence_right right;
    uint64_t files;
} RIGHTS[] = {
    {FENCE_READ, LANDLOCK_ACCESS_FS_READ_FILE},
    {FENCE_LIST, LANDLOCK_ACCESS_FS_READ_DIR},
    {FENCE_RUN, LANDLOCK_ACCESS_FS_EXECUTE},
    {FENCE_WRITE, LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE},
    {FENCE_MAKE, LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |
                     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                     LANDLOCK_ACCESS_FS_REFER},
    {FENCE_SOCKET, LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE},
};

int file_fence_abi(void)
{
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi < ABI_MIN ? 0 : (int)abi;
}

/* What this kernel can close. */
static struct ruleset ruleset_of(int abi)
{
    return (struct ruleset){
        .files = FILES_ALL | (abi >= ABI_TRUNCATE ? RIGHT_TRUNCATE : 0) |
                 (abi >= ABI_DEVICES ? RIGHT_DEVICES : 0),
        .ports = abi >= ABI_PORTS ? RIGHT_LISTEN | RIGHT_CONNECT : 0,
        .scopes = abi >= ABI_SCOPES ? SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS : 0,
    };
}

static bool fail(const char *what, char *error, size_t error_bytes)
{
    snprintf(error, error_bytes, "the sandbox cannot be %s: %s.", what, strerror(errno));
    return false;
}

bool file_fence_init(struct file_fence *fence, char *error, size_t error_bytes)
{
    *fence = (struct file_fence){.fd = -1, .abi = file_fence_abi()};
    if (fence->abi == 0)
        return true;
    struct ruleset ruleset = ruleset_of(fence->abi);
    fence->fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0u);
    return fence->fd >= 0 || fail("made", error, error_bytes);
}

void file_fence_allow(struct file_fence *fence, const char *path, unsigned rights)
{
    struct stat about;
    int fd = fence->fd < 0 ? -1 : open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return;
    struct landlock_path_beneath_attr rule = {.parent_fd = fd};
    for (size_t i = 0; i < ARRAY_LEN(RIGHTS); i++)
        if ((rights & RIGHTS[i].right) != 0)
            rule.allowed_access |= RIGHTS[i].files;
    rule.allowed_access &= ruleset_of(fence->abi).files;
    if (fstat(fd, &about) == 0 && !S_ISDIR(about.st_mode))
        rule.allowed_access &= FILES_OF_ONE;
    /* Refused only for pipes and the like, which have no path to close either. */
    (void)syscall(SYS_landlock_add_rule, fence->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0u);
    close(fd);
}

static void allow_port(struct file_fence *fence, uint16_t port, uint64_t right)
{
    const struct port_rule rule = {.rights = right, .port = port};
    if (fence->fd >= 0 && fence->abi >= ABI_PORTS)
        (void)syscall(SYS_landlock_add_rule, fence->fd, RULE_PORT, &rule, 0u);
}

void file_fence_allow_listen(struct file_fence *fence, uint16_t port)
{
    allow_port(fence, port, RIGHT_LISTEN);
}

void file_fence_allow_connect(struct file_fence *fence, uint16_t port)
{
    allow_port(fence, port, RIGHT_CONNECT);
}

bool file_fence_close(struct file_fence *fence, char *error, size_t error_bytes)
{
    if (fence->fd < 0)
        return true;
    bool good = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                syscall(SYS_landlock_restrict_self, fence->fd, 0u) == 0;
    if (!good)
        (void)fail("closed", error, error_bytes);
    close(fence->fd);
    fence->fd = -1;
    return good;
}

/* The data folder: made once, locked while it is served, and the private Redis's configuration.
 *
 *     DATA/lock                 pid of the supervisor that serves it
 *     DATA/redis/redis.conf     written anew at each start, as is users.acl
 *     DATA/redis/ROLE.secret    a role's password, made once; 0600 like everything here
 *     DATA/collector.url, DATA/geo.database    notes for commands in other terminals
 *     DATA/run/ROLE             sockets on which roles tell their operator (common/admin.h)
 *     DATA/spool/  DATA/sites/  DATA/log/
 *
 * redis.conf names no path: Redis works inside its folder, so no folder name has to be quoted. The
 * ACL file holds hashes of the secrets. Called by serve.c alone, before any child. */

#include "cli/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aggregator/acl.h"
#include "common/buf.h"
#include "common/listener.h"
#include "common/log.h"

enum {
    SECRET_BYTES = 32,
    SECRET_HEX_BYTES = 2 * SECRET_BYTES + 1,
    FILE_BYTES_MAX = 16 * 1024,
    LOCK_WAIT_TRIES_MAX = 350, /* a little longer than a stopping role and Redis may take */
    LOCK_WAIT_US = 100000,
};

static const struct {
    const char *role;
    const char *rules;
} USERS[] = {
    {"collector", ACL_COLLECTOR},
    {"aggregator", ACL_AGGREGATOR},
    {"dashboards", ACL_DASHBOARDS},
    {"admin", ACL_ADMIN},
};

/* `appendfsync always` is the promise behind a 204. No snapshots: the append-only file is the
 * store. The slow log, the crash log and debugging would hold commands, so they are off. */
static const char REDIS_CONF[] = "# Written by `footfall serve` at each start; changes are lost.\n"
                                 "port 0\n"
                                 "unixsocket redis.sock\n"
                                 "unixsocketperm 700\n"
                                 "protected-mode yes\n"
                                 "dir ./\n"
                                 "aclfile users.acl\n"
                                 "daemonize no\n"
                                 "pidfile \"\"\n"
                                 "logfile ../log/redis.log\n"
                                 "loglevel warning\n"
                                 "always-show-logo no\n"
                                 "databases 1\n"
                                 "maxclients 512\n"
                                 "maxmemory-policy noeviction\n"
                                 "appendonly yes\n"
                                 "appendfsync always\n"
                                 "no-appendfsync-on-rewrite no\n"
                                 "aof-load-truncated yes\n"
                                 "aof-timestamp-enabled no\n"
                                 "auto-aof-rewrite-percentage 100\n"
                                 "auto-aof-rewrite-min-size 128mb\n"
                                 "save \"\"\n"
                                 "slowlog-log-slower-than -1\n"
                                 "latency-tracking no\n"
                                 "crash-log-enabled no\n"
                                 "crash-memcheck-enabled no\n"
                                 "enable-debug-command no\n"
                                 "enable-module-command no\n"
                                 "enable-protected-configs no\n";

void store_path(char path[static STORE_PATH_BYTES], const char *data, const char *name)
{
    int len = snprintf(path, STORE_PATH_BYTES, "%s/%s", data, name);
    assert(len > 0 && len < STORE_PATH_BYTES);
}

static bool fail(char *error, size_t error_bytes, const char *path, const char *what, int reason)
{
    const char *hint = reason == ENOSPC ? " The disk is full: free some space." : "";
    snprintf(error, error_bytes, "%s cannot be %s: %s.%s", path, what, strerror(reason), hint);
    return false;
}

/* The new folder goes to the owner of the one above it, in whose realm it lies. By its descriptor,
 * and only while it is root's and empty: that owner might have put something else in its place. */
static bool hand_over(const char *data)
{
    struct stat about, above;
    int fd = open(data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool good = fd >= 0 && fstat(fd, &about) == 0 && fstatat(fd, "..", &above, 0) == 0;
    if (good && above.st_uid != 0)
        good =
            about.st_uid == 0 && about.st_nlink <= 2 && fchown(fd, above.st_uid, above.st_gid) == 0;
    int reason = good ? 0 : errno;
    if (fd >= 0)
        close(fd);
    errno = reason;
    return good;
}

bool store_make_data(const char *data, char *error, size_t error_bytes)
{
    struct stat about;
    bool made = mkdir(data, 0700) == 0;
    if (!made && errno != EEXIST)
        return fail(error, error_bytes, data, "made", errno);
    if (stat(data, &about) != 0 || !S_ISDIR(about.st_mode))
        return fail(error, error_bytes, data, "used", ENOTDIR);
    return !made || geteuid() != 0 || hand_over(data) ||
           fail(error, error_bytes, data, "handed to the owner of the folder above it", errno);
}

bool store_make_folders(const char *data, char *error, size_t error_bytes)
{
    static const char *const NAMES[] = {"redis", "spool", "sites", "log", "run"};
    char path[STORE_PATH_BYTES];
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        store_path(path, data, NAMES[i]);
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return fail(error, error_bytes, path, "made", errno);
        if (chmod(path, 0700) != 0)
            return fail(error, error_bytes, path, "made private", errno);
    }
    return true;
}

/* --- The lock --------------------------------------------------------------------------------- */

/* The supervisor that holds the lock; 0 when none is alive and only its Redis still holds it. */
static pid_t lock_holder(int fd)
{
    char text[16] = "";
    ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
    long pid = len > 0 ? strtol(text, NULL, 10) : 0;
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM) ? (pid_t)pid : 0;
}

static bool lock_write_holder(int fd)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) == len;
}

int store_lock(const char *data, char *error, size_t error_bytes)
{
    char path[STORE_PATH_BYTES];
    store_path(path, data, "lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        (void)fail(error, error_bytes, path, "opened", errno);
        return -1;
    }
    for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; tries++) {
        pid_t holder = lock_holder(fd);
        if (holder == 0 && tries < LOCK_WAIT_TRIES_MAX) {
            if (tries == 0)
                log_info("waiting for what an earlier start has left behind to stop.");
            usleep(LOCK_WAIT_US);
            continue;
        }
        snprintf(error, error_bytes,
                 "another `footfall serve` (process %ld) is already running on %s: stop it first, "
                 "or choose another folder with --data.",
                 (long)holder, data);
        close(fd);
        return -1;
    }
    if (lock_write_holder(fd))
        return fd;
    (void)fail(error, error_bytes, path, "written", errno);
    close(fd);
    return -1;
}

/* --- Files ------------------------------------------------------------------------------------ */

/* Whole or not at all: beside it, synced, then renamed over it. */
static bool file_write(const char *path, struct str text, char *error, size_t error_bytes)
{
    char beside[STORE_PATH_BYTES + 8];
    snprintf(beside, sizeof(beside), "%s.new", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(error, error_bytes, beside, "made", errno);
    ssize_t written = write(fd, text.ptr, text.len);
    int reason = written < 0 ? errno : ENOSPC;
    bool good = written == (ssize_t)text.len && fsync(fd) == 0;
    close(fd);
    if (good && rename(beside, path) == 0)
        return true;
    (void)unlink(beside);
    return fail(error, error_bytes, path, "written", reason);
}

/* The role's secret: read, or made. */
static bool secret_get(const char *data, const char *role, char secret[static SECRET_HEX_BYTES],
                       char *error, size_t error_bytes)
{
    char name[64], path[STORE_PATH_BYTES];
    snprintf(name, sizeof(name), "redis/%s.secret", role);
    store_path(path, data, name);
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        size_t len = fread(secret, 1, SECRET_HEX_BYTES - 1, file);
        fclose(file);
        secret[len] = '\0';
        if (len == SECRET_HEX_BYTES - 1 && strspn(secret, "0123456789abcdef") == len)
            return true;
    }
    unsigned char bytes[SECRET_BYTES];
    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2hex(secret, SECRET_HEX_BYTES, bytes, sizeof(bytes));
    sodium_memzero(bytes, sizeof(bytes));
    return file_write(path, str_from(secret), error, error_bytes);
}

static void acl_append(struct buf *acl, const char *role, const char *secret, const char *rules)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * crypto_hash_sha256_BYTES + 1];
    crypto_hash_sha256(hash, (const unsigned char *)secret, strlen(secret));
    sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
    buf_printf(acl, "user %s on #%s %s\n", role, hex, rules);
}

bool store_write_redis_files(const char *data, char *error, size_t error_bytes)
{
    char path[STORE_PATH_BYTES], secret[SECRET_HEX_BYTES];
    if (sodium_init() < 0)
        abort();
    struct buf acl;
    buf_init(&acl, FILE_BYTES_MAX);
    /* Nobody can be this user, but Redis is, while it reads its append-only file: a transaction
     * there, such as every `apply`, is left out when this user may not do all of it. */
    buf_append_str(&acl, STR_LIT("user default off resetpass ~* &* +@all\n"));
    bool good = true;
    for (size_t i = 0; good && i < ARRAY_LEN(USERS); i++) {
        good = secret_get(data, USERS[i].role, secret, error, error_bytes);
        if (good)
            acl_append(&acl, USERS[i].role, secret, USERS[i].rules);
    }
    sodium_memzero(secret, sizeof(secret));
    assert(!acl.overflow);
    store_path(path, data, "redis/users.acl");
    good = good && file_write(path, buf_str(&acl), error, error_bytes);
    buf_done(&acl);
    store_path(path, data, "redis/redis.conf");
    return good && file_write(path, STR_LIT(REDIS_CONF), error, error_bytes);
}

bool store_write_note(const char *data, const char *name, const char *text, char *error,
                      size_t error_bytes)
{
    char path[STORE_PATH_BYTES];
    store_path(path, data, name);
    return file_write(path, str_from(text), error, error_bytes);
}

bool store_read_note(const char *data, const char *name, char text[static STORE_NOTE_BYTES])
{
    char path[STORE_PATH_BYTES];
    store_path(path, data, name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t len = fread(text, 1, STORE_NOTE_BYTES - 1, file);
    fclose(file);
    text[len] = '\0';
    return len > 0;
}

bool store_admin_address(const char *data, const char *role, char address[static STORE_ADMIN_BYTES])
{
    int len = snprintf(address, STORE_ADMIN_BYTES, "unix:%s/run/%s", data, role);
    return len > 0 && len < STORE_ADMIN_BYTES && listener_unix_path(str_from(address)).len > 0;
}

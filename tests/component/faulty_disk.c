/* The disk's calls with faults. */

#include "faulty_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

static struct {
    enum disk_fault fault;
    int kind;
    unsigned nth, calls;
    int error;
    bool skips_syncs;
    unsigned slow_ms;
} disk;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

enum { CRASH_CODE = 99 };

void disk_fail(enum disk_fault fault, int kind, unsigned nth, int error)
{
    pthread_mutex_lock(&lock);
    disk.fault = fault;
    disk.kind = kind;
    disk.nth = nth;
    disk.error = error;
    disk.calls = 0;
    pthread_mutex_unlock(&lock);
}

unsigned disk_calls(void)
{
    pthread_mutex_lock(&lock);
    unsigned calls = disk.calls;
    pthread_mutex_unlock(&lock);
    return calls;
}

unsigned disk_heal(void)
{
    pthread_mutex_lock(&lock);
    unsigned calls = disk.calls;
    disk.fault = DISK_SOUND;
    pthread_mutex_unlock(&lock);
    return calls;
}

void disk_slow_down(unsigned ms)
{
    pthread_mutex_lock(&lock);
    disk.slow_ms = ms;
    pthread_mutex_unlock(&lock);
}

void disk_skip_syncs(bool skip)
{
    pthread_mutex_lock(&lock);
    disk.skips_syncs = skip;
    pthread_mutex_unlock(&lock);
}

static bool is_hit_locked(int kind)
{
    if (disk.kind != DISK_ALL && disk.kind != kind)
        return false;
    unsigned call = disk.calls++;
    if (disk.fault == DISK_CRASHES && call == disk.nth)
        _exit(CRASH_CODE);
    bool hit = ((disk.fault == DISK_FAILS || disk.fault == DISK_TEARS) && call == disk.nth) ||
               (disk.fault == DISK_STAYS_BAD && call >= disk.nth);
    if (hit && disk.fault == DISK_TEARS && kind != DISK_WRITE)
        _exit(CRASH_CODE);
    return hit;
}

/* True when this call is to fail; errno is set then. */
static bool is_hit(int kind)
{
    pthread_mutex_lock(&lock);
    bool hit = is_hit_locked(kind);
    int error = disk.error;
    pthread_mutex_unlock(&lock);
    if (hit)
        errno = error;
    return hit;
}

static unsigned slow_ms(void)
{
    pthread_mutex_lock(&lock);
    unsigned ms = disk.slow_ms;
    pthread_mutex_unlock(&lock);
    return ms;
}

static bool skips_syncs(void)
{
    pthread_mutex_lock(&lock);
    bool skips = disk.skips_syncs;
    pthread_mutex_unlock(&lock);
    return skips;
}

static bool tears(void)
{
    pthread_mutex_lock(&lock);
    bool tears = disk.fault == DISK_TEARS;
    pthread_mutex_unlock(&lock);
    return tears;
}

ssize_t __real_pwrite(int fd, const void *ptr, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *ptr, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *ptr, size_t len, off_t at)
{
    /* A write that fails may have been done in part. */
    if (is_hit(DISK_WRITE)) {
        int error = errno;
        ssize_t done = __real_pwrite(fd, ptr, len / 2, at);
        (void)done;
        if (tears())
            _exit(CRASH_CODE);
        errno = error;
        return -1;
    }
    return __real_pwrite(fd, ptr, len, at);
}

ssize_t __real_pread(int fd, void *ptr, size_t len, off_t at);
ssize_t __wrap_pread(int fd, void *ptr, size_t len, off_t at);
ssize_t __wrap_pread(int fd, void *ptr, size_t len, off_t at)
{
    return is_hit(DISK_READ) ? -1 : __real_pread(fd, ptr, len, at);
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    if (is_hit(DISK_DATASYNC))
        return -1;
    unsigned ms = slow_ms();
    if (ms > 0)
        usleep(ms * 1000);
    return skips_syncs() ? 0 : __real_fdatasync(fd);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    if (is_hit(DISK_SYNC))
        return -1;
    return skips_syncs() ? 0 : __real_fsync(fd);
}

int __real_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len)
{
    return is_hit(DISK_ALL) ? -1 : __real_ftruncate(fd, len);
}

int __real_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags)
{
    return is_hit(DISK_UNLINK) ? -1 : __real_unlinkat(dir, name, flags);
}

int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return is_hit(DISK_RENAME) ? -1 : __real_renameat(from_dir, from, to_dir, to);
}

int __real_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    return is_hit(DISK_RENAME) ? -1 : __real_renameat2(from_dir, from, to_dir, to, flags);
}

int __real_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...)
{
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list args;
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    return is_hit(DISK_ALL) ? -1 : __real_openat(dir, name, flags, mode);
}

/* The C library's calls with faults. Not instrumented by any sanitizer: memory is asked for before
 * those are ready. */

#include "tests/fault/failing.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct plan {
    atomic_int kind; /* -1: none */
    atomic_uint nth, calls;
    atomic_bool stays;
};

static struct plan own_plan = {.kind = -1};
static struct plan *plan = &own_plan;
static bool is_subject;

const char *failing_kind_name(enum failing_kind kind)
{
    static const char *const NAMES[FAILING__COUNT] = {"memory", "write", "sync", "read"};
    return NAMES[kind];
}

void failing_share(void)
{
    plan = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (plan == MAP_FAILED)
        abort();
    atomic_store(&plan->kind, -1);
}

void failing_subject(void)
{
    is_subject = true;
}

void failing_set(enum failing_kind kind, unsigned nth, bool stays)
{
    atomic_store(&plan->nth, nth);
    atomic_store(&plan->calls, 0);
    atomic_store(&plan->stays, stays);
    atomic_store(&plan->kind, (int)kind);
}

unsigned failing_clear(void)
{
    atomic_store(&plan->kind, -1);
    return atomic_load(&plan->calls);
}

static bool is_hit(enum failing_kind kind)
{
    if (!is_subject || atomic_load(&plan->kind) != (int)kind)
        return false;
    unsigned call = atomic_fetch_add(&plan->calls, 1), nth = atomic_load(&plan->nth);
    return call == nth || (call > nth && atomic_load(&plan->stays));
}

/* --- Memory ---------------------------------------------------------------------------------- */

#ifdef FAILING_IS_SANITIZED

/* The address sanitizer's own, which stand where common/memory.c would. */
void *__interceptor_malloc(size_t len);
void *__interceptor_calloc(size_t count, size_t len);
void *__interceptor_realloc(void *ptr, size_t len);

static void need_memory(void)
{
    if (is_hit(FAILING_MEMORY))
        abort();
}

void *malloc(size_t len)
{
    need_memory();
    return __interceptor_malloc(len);
}

void *calloc(size_t count, size_t len)
{
    need_memory();
    return __interceptor_calloc(count, len);
}

void *realloc(void *ptr, size_t len)
{
    need_memory();
    return __interceptor_realloc(ptr, len);
}

#else

/* What common/memory.c asks; linked with --wrap for each. */
void *__real___libc_malloc(size_t len);
void *__real___libc_calloc(size_t count, size_t len);
void *__real___libc_realloc(void *ptr, size_t len);
void *__wrap___libc_malloc(size_t len);
void *__wrap___libc_calloc(size_t count, size_t len);
void *__wrap___libc_realloc(void *ptr, size_t len);

void *__wrap___libc_malloc(size_t len)
{
    return is_hit(FAILING_MEMORY) ? NULL : __real___libc_malloc(len);
}

void *__wrap___libc_calloc(size_t count, size_t len)
{
    return is_hit(FAILING_MEMORY) ? NULL : __real___libc_calloc(count, len);
}

void *__wrap___libc_realloc(void *ptr, size_t len)
{
    return is_hit(FAILING_MEMORY) ? NULL : __real___libc_realloc(ptr, len);
}

#endif

/* --- Input and output ------------------------------------------------------------------------ */

static void *real(const char *name)
{
    void *fn = dlsym(RTLD_NEXT, name);
    if (fn == NULL)
        abort();
    return fn;
}

/* Looks the C library's own up once; two threads find the same. */
#define NEXT(name, type, ...)                                                                      \
    static type (*next)(__VA_ARGS__);                                                              \
    if (next == NULL)                                                                              \
    *(void **)&next = real(#name)

/* True when a call on this descriptor is to fail, with errno as the kernel would set it. */
static bool fails(enum failing_kind kind, int fd)
{
    struct stat status;
    int kept = errno;
    if (!is_subject || fstat(fd, &status) != 0 ||
        !(S_ISREG(status.st_mode) || S_ISSOCK(status.st_mode) || S_ISDIR(status.st_mode)) ||
        !is_hit(kind)) {
        errno = kept;
        return false;
    }
    errno = S_ISSOCK(status.st_mode) ? ECONNRESET : kind == FAILING_WRITE ? ENOSPC : EIO;
    return true;
}

ssize_t write(int fd, const void *ptr, size_t len)
{
    NEXT(write, ssize_t, int, const void *, size_t);
    if (!fails(FAILING_WRITE, fd))
        return next(fd, ptr, len);
    int error = errno;
    (void)!next(fd, ptr, len / 2);
    errno = error;
    return -1;
}

ssize_t pwrite(int fd, const void *ptr, size_t len, off_t at)
{
    NEXT(pwrite, ssize_t, int, const void *, size_t, off_t);
    if (!fails(FAILING_WRITE, fd))
        return next(fd, ptr, len, at);
    int error = errno;
    (void)!next(fd, ptr, len / 2, at);
    errno = error;
    return -1;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    NEXT(writev, ssize_t, int, const struct iovec *, int);
    if (!fails(FAILING_WRITE, fd))
        return next(fd, parts, count);
    int error = errno;
    (void)!next(fd, parts, count / 2);
    errno = error;
    return -1;
}

ssize_t send(int fd, const void *ptr, size_t len, int flags)
{
    NEXT(send, ssize_t, int, const void *, size_t, int);
    if (!fails(FAILING_WRITE, fd))
        return next(fd, ptr, len, flags);
    int error = errno;
    (void)!next(fd, ptr, len / 2, flags);
    errno = error;
    return -1;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    NEXT(sendmsg, ssize_t, int, const struct msghdr *, int);
    return fails(FAILING_WRITE, fd) ? -1 : next(fd, message, flags);
}

int fsync(int fd)
{
    NEXT(fsync, int, int);
    return fails(FAILING_SYNC, fd) ? -1 : next(fd);
}

int fdatasync(int fd)
{
    NEXT(fdatasync, int, int);
    return fails(FAILING_SYNC, fd) ? -1 : next(fd);
}

ssize_t read(int fd, void *ptr, size_t len)
{
    NEXT(read, ssize_t, int, void *, size_t);
    return fails(FAILING_READ, fd) ? -1 : next(fd, ptr, len);
}

ssize_t readv(int fd, const struct iovec *parts, int count)
{
    NEXT(readv, ssize_t, int, const struct iovec *, int);
    return fails(FAILING_READ, fd) ? -1 : next(fd, parts, count);
}

ssize_t pread(int fd, void *ptr, size_t len, off_t at)
{
    NEXT(pread, ssize_t, int, void *, size_t, off_t);
    return fails(FAILING_READ, fd) ? -1 : next(fd, ptr, len, at);
}

ssize_t recv(int fd, void *ptr, size_t len, int flags)
{
    NEXT(recv, ssize_t, int, void *, size_t, int);
    return fails(FAILING_READ, fd) ? -1 : next(fd, ptr, len, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    NEXT(recvmsg, ssize_t, int, struct msghdr *, int);
    return fails(FAILING_READ, fd) ? -1 : next(fd, message, flags);
}

/* What a fortified caller says for read, pread and recv. */
ssize_t __read_chk(int fd, void *ptr, size_t len, size_t room);
ssize_t __read_chk(int fd, void *ptr, size_t len, size_t room)
{
    assert(len <= room);
    return read(fd, ptr, len);
}

ssize_t __pread_chk(int fd, void *ptr, size_t len, off_t at, size_t room);
ssize_t __pread_chk(int fd, void *ptr, size_t len, off_t at, size_t room)
{
    assert(len <= room);
    return pread(fd, ptr, len, at);
}

ssize_t __recv_chk(int fd, void *ptr, size_t len, size_t room, int flags);
ssize_t __recv_chk(int fd, void *ptr, size_t len, size_t room, int flags)
{
    assert(len <= room);
    return recv(fd, ptr, len, flags);
}

/* --- Assertions ------------------------------------------------------------------------------ */

void __assert_fail(const char *text, const char *file, unsigned line, const char *function)
{
    fprintf(stderr, "%s:%u: %s: assertion %s\n", file, line, function, text);
    if (is_subject)
        _exit(FAILING_ASSERTION_CODE);
    abort();
}

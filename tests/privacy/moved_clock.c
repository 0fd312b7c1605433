/* A clock that a test moves, for processes that are started with LD_PRELOAD: what they are told of
 * the time is the system's and an offset that stands in a file, which they share. Two numbers of
 * eight bytes in nanoseconds: for the wall's clock, and for the one that only goes forward.
 *
 * FOOTFALL_TEST_CLOCK is the file. What waits in the kernel waits by the system's clock. */

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_S = 1000000000 };

struct offsets {
    volatile int64_t wall_ns, mono_ns;
};

static const struct offsets STILL;
static const struct offsets *offsets = &STILL;

__attribute__((constructor)) static void moved_clock_open(void)
{
    const char *path = getenv("FOOTFALL_TEST_CLOCK");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    const void *shared = mmap(NULL, sizeof(struct offsets), PROT_READ, MAP_SHARED, fd, 0);
    if (shared != MAP_FAILED)
        offsets = shared;
    close(fd);
}

int clock_gettime(clockid_t id, struct timespec *ret_now)
{
    struct timespec now;
    long failed = syscall(SYS_clock_gettime, id, &now);
    if (failed != 0)
        return -1;
    int64_t ns = now.tv_nsec;
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
        ns += offsets->wall_ns;
    else if (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE)
        ns += offsets->mono_ns;
    int64_t seconds = ns / NS_PER_S - (ns % NS_PER_S < 0);
    ret_now->tv_sec = now.tv_sec + seconds;
    ret_now->tv_nsec = ns - seconds * NS_PER_S;
    return 0;
}

int gettimeofday(struct timeval *restrict ret_now, void *restrict zone)
{
    (void)zone;
    struct timespec now;
    int failed = clock_gettime(CLOCK_REALTIME, &now);
    *ret_now = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return failed;
}

time_t time(time_t *ret_now)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (ret_now != NULL)
        *ret_now = now.tv_sec;
    return now.tv_sec;
}

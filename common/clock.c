/* The only place that asks the system for the time. */

#include "common/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

static atomic_bool fake;
static _Atomic int64_t fake_wall_ms;
static _Atomic int64_t fake_mono_ms;

static int64_t system_ms(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
    return atomic_load(&fake) ? atomic_load(&fake_wall_ms) : system_ms(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
    return atomic_load(&fake) ? atomic_load(&fake_mono_ms) : system_ms(CLOCK_MONOTONIC);
}

void clock_fake_set(int64_t wall_ms, int64_t mono_ms)
{
    atomic_store(&fake_wall_ms, wall_ms);
    atomic_store(&fake_mono_ms, mono_ms);
    atomic_store(&fake, true);
}

void clock_fake_advance(int64_t ms)
{
    atomic_fetch_add(&fake_wall_ms, ms);
    atomic_fetch_add(&fake_mono_ms, ms);
}

/* Page views by minute, in a ring a site: a slot is the minute (high 40 bits) and its views (low
 * 24), so that one compare-and-swap both starts a minute and counts in it. */

#include "collector/pulse.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/hash.h"

enum { PULSE_SLOTS = 32, PULSE_COUNT_BITS = 24, MINUTE_MS = 60000, PULSE_PLACES = 32 * 1024 };
static const uint64_t PULSE_COUNT_MAX = (1u << PULSE_COUNT_BITS) - 1;
static_assert(PULSE_SLOTS >= LIVE_MINUTES, "the ring holds what is shown");
static_assert(PULSE_PLACES >= 2 * SITES_MAX, "a search ends soon");
static_assert((PULSE_PLACES & (PULSE_PLACES - 1)) == 0, "a hash is cut by a mask");

struct pulse_row {
    char *domain;
    size_t domain_len;
    _Atomic uint64_t slots[PULSE_SLOTS];
};

struct pulse {
    pthread_mutex_t lock; /* for new sites */
    atomic_uint count;
    struct pulse_row *rows[SITES_MAX]; /* written once, before count and a place say so */
    atomic_uint places[PULSE_PLACES];  /* hash of the domain → number + 1; 0: free */
};

struct pulse *pulse_new(void)
{
    struct pulse *pulse = calloc(1, sizeof(*pulse));
    if (pulse == NULL)
        abort();
    pthread_mutex_init(&pulse->lock, NULL);
    return pulse;
}

void pulse_free(struct pulse *pulse)
{
    if (pulse == NULL)
        return;
    for (uint32_t i = 0; i < pulse_site_count(pulse); i++) {
        free(pulse->rows[i]->domain);
        free(pulse->rows[i]);
    }
    pthread_mutex_destroy(&pulse->lock);
    free(pulse);
}

uint32_t pulse_site_count(const struct pulse *pulse)
{
    return atomic_load_explicit(&pulse->count, memory_order_acquire);
}

struct str pulse_domain(const struct pulse *pulse, uint32_t site)
{
    return (struct str){pulse->rows[site]->domain, pulse->rows[site]->domain_len};
}

/* The domain's number, or PULSE_NONE and the place where it belongs. Places only fill. */
static uint32_t find(const struct pulse *pulse, struct str domain, uint32_t *ret_place)
{
    uint32_t place = (uint32_t)hash_str(domain) & (PULSE_PLACES - 1), number;
    while ((number = atomic_load_explicit(&pulse->places[place], memory_order_acquire)) != 0) {
        if (str_eq(pulse_domain(pulse, number - 1), domain))
            return number - 1;
        place = (place + 1) & (PULSE_PLACES - 1);
    }
    *ret_place = place;
    return PULSE_NONE;
}

uint32_t pulse_site(struct pulse *pulse, struct str domain)
{
    uint32_t place, site = find(pulse, domain, &place);
    if (site != PULSE_NONE)
        return site;
    pthread_mutex_lock(&pulse->lock);
    site = find(pulse, domain, &place);
    uint32_t count = pulse_site_count(pulse);
    if (site == PULSE_NONE && count < SITES_MAX) {
        struct pulse_row *row = calloc(1, sizeof(*row));
        char *copy = strndup(domain.ptr, domain.len);
        if (row == NULL || copy == NULL)
            abort();
        row->domain = copy;
        row->domain_len = domain.len;
        pulse->rows[count] = row;
        atomic_store_explicit(&pulse->count, count + 1, memory_order_release);
        atomic_store_explicit(&pulse->places[place], count + 1, memory_order_release);
        site = count;
    }
    pthread_mutex_unlock(&pulse->lock);
    return site;
}

void pulse_view(struct pulse *pulse, uint32_t site, int64_t wall_ms)
{
    if (site == PULSE_NONE)
        return;
    uint64_t minute = (uint64_t)(wall_ms / MINUTE_MS);
    _Atomic uint64_t *slot = &pulse->rows[site]->slots[minute % PULSE_SLOTS];
    uint64_t seen = atomic_load_explicit(slot, memory_order_relaxed), next;
    do {
        bool same = seen >> PULSE_COUNT_BITS == minute;
        next = !same                                        ? minute << PULSE_COUNT_BITS | 1
               : (seen & PULSE_COUNT_MAX) < PULSE_COUNT_MAX ? seen + 1
                                                            : seen;
    } while (!atomic_compare_exchange_weak_explicit(slot, &seen, next, memory_order_relaxed,
                                                    memory_order_relaxed));
}

void pulse_minutes(const struct pulse *pulse, uint32_t site, int64_t wall_ms,
                   uint32_t ret_views[LIVE_MINUTES])
{
    uint64_t minute = (uint64_t)(wall_ms / MINUTE_MS);
    for (uint64_t ago = 0; ago < LIVE_MINUTES; ago++) {
        uint64_t slot = atomic_load_explicit(
            &pulse->rows[site]->slots[(minute - ago) % PULSE_SLOTS], memory_order_relaxed);
        ret_views[ago] =
            slot >> PULSE_COUNT_BITS == minute - ago ? (uint32_t)(slot & PULSE_COUNT_MAX) : 0;
    }
}

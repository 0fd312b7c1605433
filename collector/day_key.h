#pragma once

/* The keys of a site's day: random, in memory only, destroyed when the day is over.
 *
 * From one come the visitors' tags and the sketches' registers of that site and day; once it is
 * gone, nothing at rest can tell whether somebody was there. The memory is a descriptor that the
 * supervisor keeps over a collector's restart (an anonymous memfd), or anonymous; locked, left out
 * of core dumps, never written anywhere. Thread-safe. */

#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "common/str.h"

enum { DAY_KEY_BYTES = 16 };

struct day_key {
    uint8_t visit[DAY_KEY_BYTES];  /* SipHash key of the visitors' tags */
    uint8_t sketch[DAY_KEY_BYTES]; /* SipHash key of the cells' keys */
};

struct day_keys;

/* What the memory takes, for whoever makes and locks it. */
size_t day_keys_bytes(void);
/* `fd` -1: memory of this process alone. NULL when the memory cannot be had. */
MUST_CHECK struct day_keys *day_keys_open(int fd);
/* Wipes them only where the memory is this process's alone. */
void day_keys_close(struct day_keys *keys);

/* The key of a site's day, made when absent. */
void day_keys_get(struct day_keys *keys, struct str site, uint32_t date, struct day_key *ret_key);

/* Destroys the keys of all (site, date) of which over(site, date, data) is true. */
void day_keys_destroy(struct day_keys *keys, bool (*over)(struct str site, uint32_t date, void *),
                      void *data);

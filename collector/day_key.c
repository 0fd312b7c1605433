/* The keys of sites' days in one locked stretch of memory.
 *
 *   header (magic) │ row │ row │ …      row: date (0 = free), key, domain
 *
 * Rows are searched from the start: a worker asks once a site and day, not once a view. A new
 * mapping of a kept descriptor finds the rows of the process before. */

#include "collector/day_key.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limits.h"

static const uint64_t DAY_KEYS_MAGIC = 0x31796164666666; /* "fffday1" */

struct row {
    uint32_t date;
    uint16_t site_len;
    char site[254];
    struct day_key key;
};

struct shared {
    uint64_t magic;
    struct row rows[DAY_KEYS_MAX];
};

struct day_keys {
    pthread_mutex_t lock;
    struct shared *shared;
    bool is_private;
};

size_t day_keys_bytes(void)
{
    return sizeof(struct shared);
}

struct day_keys *day_keys_open(int fd)
{
    if (sodium_init() < 0)
        return NULL;
    if (fd >= 0 && ftruncate(fd, sizeof(struct shared)) != 0)
        return NULL;
    int flags = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, flags, fd, 0);
    if (shared == MAP_FAILED)
        return NULL;
    /* Both are best effort: a small lock limit must not keep a site from being counted. */
    (void)mlock(shared, sizeof(*shared));
    (void)madvise(shared, sizeof(*shared), MADV_DONTDUMP);
    /* Fresh memory is zero; anything else is of another version. */
    if (shared->magic != 0 && shared->magic != DAY_KEYS_MAGIC)
        explicit_bzero(shared, sizeof(*shared));
    shared->magic = DAY_KEYS_MAGIC;
    struct day_keys *keys = calloc(1, sizeof(*keys));
    if (keys == NULL)
        abort();
    pthread_mutex_init(&keys->lock, NULL);
    keys->shared = shared;
    keys->is_private = fd < 0;
    return keys;
}

void day_keys_close(struct day_keys *keys)
{
    if (keys == NULL)
        return;
    if (keys->is_private)
        explicit_bzero(keys->shared, sizeof(*keys->shared));
    munmap(keys->shared, sizeof(*keys->shared));
    pthread_mutex_destroy(&keys->lock);
    free(keys);
}

static struct str row_site(const struct row *row)
{
    return (struct str){row->site, row->site_len};
}

/* The row of (site, date), else a free one, else that of the oldest date: a full table means that
 * days were not destroyed, and the oldest is over for longest. */
static struct row *row_for(struct shared *shared, struct str site, uint32_t date)
{
    struct row *best = &shared->rows[0];
    for (size_t i = 0; i < DAY_KEYS_MAX; i++) {
        struct row *row = &shared->rows[i];
        if (row->date == date && str_eq(row_site(row), site))
            return row;
        if (row->date < best->date)
            best = row;
    }
    return best;
}

void day_keys_get(struct day_keys *keys, struct str site, uint32_t date, struct day_key *ret_key)
{
    assert(date != 0 && site.len < sizeof(keys->shared->rows[0].site));
    pthread_mutex_lock(&keys->lock);
    struct row *row = row_for(keys->shared, site, date);
    if (row->date != date || !str_eq(row_site(row), site)) {
        explicit_bzero(row, sizeof(*row));
        randombytes_buf(&row->key, sizeof(row->key));
        memcpy(row->site, site.ptr, site.len);
        row->site_len = (uint16_t)site.len;
        row->date = date;
    }
    *ret_key = row->key;
    pthread_mutex_unlock(&keys->lock);
}

void day_keys_destroy(struct day_keys *keys, bool (*over)(struct str site, uint32_t date, void *),
                      void *data)
{
    pthread_mutex_lock(&keys->lock);
    for (size_t i = 0; i < DAY_KEYS_MAX; i++) {
        struct row *row = &keys->shared->rows[i];
        if (row->date != 0 && over(row_site(row), row->date, data))
            explicit_bzero(row, sizeof(*row));
    }
    pthread_mutex_unlock(&keys->lock);
}

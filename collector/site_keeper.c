/* The keeper's file and its thread.
 *
 *     site watch ──▶ keep(): next ──▶ thread: encode ──▶ list.new ──▶ fsync ──▶ list ──▶ fsync of
 *                                        │ same as on disk, and fresh                    the folder
 *                                        └▶ nothing
 *
 * Whoever is killed in between leaves the old copy or the new one, whole. A list that says the same
 * is written again only once a day, which is what tells a list that nobody changes from one that
 * nobody confirms. A write that fails leaves the old copy: the next reading of the list, a minute
 * later, is the next try. */

#include "collector/site_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/site_copy.h"
#include "common/clock.h"
#include "common/log.h"

static const char NAME[] = "list", NEW_NAME[] = "list.new";

struct site_keeper {
    int folder;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;
    struct site_list *next; /* NULL: nothing is to be written */
    bool is_ending;
    uint64_t failures, failures_in_a_row;
    /* The thread's own, once it runs: what is on disk. */
    unsigned char digest[crypto_generichash_BYTES];
    int64_t written_ms; /* 0: nothing that is known */
};

static void digest_of(struct str bytes, unsigned char digest[static crypto_generichash_BYTES])
{
    struct str sites = site_copy_sites(bytes);
    (void)crypto_generichash(digest, crypto_generichash_BYTES, (const unsigned char *)sites.ptr,
                             sites.len, NULL, 0);
}

/* --- Writing ---------------------------------------------------------------------------------- */

static int write_all(int fd, struct str bytes)
{
    for (size_t at = 0; at < bytes.len;) {
        ssize_t written = pwrite(fd, bytes.ptr + at, bytes.len - at, (off_t)at);
        if (written < 0 && errno != EINTR)
            return -errno;
        at += written > 0 ? (size_t)written : 0;
    }
    return 0;
}

static int write_new(int folder, struct str bytes)
{
    int fd = openat(folder, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int rc = write_all(fd, bytes);
    if (rc == 0 && fsync(fd) != 0)
        rc = -errno;
    if (close(fd) != 0 && rc == 0)
        rc = -errno;
    return rc;
}

static int replace(int folder, struct str bytes)
{
    int rc = write_new(folder, bytes);
    if (rc == 0 && renameat(folder, NEW_NAME, folder, NAME) != 0)
        rc = -errno;
    if (rc == 0 && fsync(folder) != 0)
        rc = -errno;
    return rc;
}

static void note(struct site_keeper *keeper, int rc)
{
    pthread_mutex_lock(&keeper->lock);
    bool is_first = rc != 0 && keeper->failures_in_a_row == 0;
    keeper->failures += rc != 0;
    keeper->failures_in_a_row = rc != 0 ? keeper->failures_in_a_row + 1 : 0;
    pthread_mutex_unlock(&keeper->lock);
    if (is_first)
        log_warn("no copy of the site list can be written (%s): the last one stays, for a start "
                 "while Redis is away",
                 strerror(-rc));
}

static void keep(struct site_keeper *keeper, const struct site_list *list)
{
    struct buf bytes;
    unsigned char digest[crypto_generichash_BYTES];
    int64_t now_ms = clock_wall_ms(), age_ms = now_ms - keeper->written_ms;
    buf_init(&bytes, SITE_COPY_BYTES_MAX);
    site_copy_encode(&bytes, list, now_ms);
    digest_of(buf_str(&bytes), digest);
    bool is_same = memcmp(digest, keeper->digest, sizeof(digest)) == 0;
    if (!is_same || age_ms < 0 || age_ms >= SITE_COPY_FRESH_MS) {
        int rc = replace(keeper->folder, buf_str(&bytes));
        /* After a failure nobody knows what the disk has. */
        keeper->written_ms = rc == 0 ? now_ms : 0;
        memcpy(keeper->digest, digest, sizeof(digest));
        note(keeper, rc);
    }
    buf_done(&bytes);
}

static void *run(void *data)
{
    struct site_keeper *keeper = data;
    pthread_mutex_lock(&keeper->lock);
    while (keeper->next != NULL || !keeper->is_ending) {
        struct site_list *list = keeper->next;
        if (list == NULL) {
            pthread_cond_wait(&keeper->wake, &keeper->lock);
            continue;
        }
        keeper->next = NULL;
        pthread_mutex_unlock(&keeper->lock);
        keep(keeper, list);
        site_list_unref(list);
        pthread_mutex_lock(&keeper->lock);
    }
    pthread_mutex_unlock(&keeper->lock);
    return NULL;
}

/* --- Reading ---------------------------------------------------------------------------------- */

static int read_all(int fd, struct buf *out)
{
    char piece[64 * 1024];
    struct stat about;
    ssize_t len;
    if (fstat(fd, &about) != 0)
        return -errno;
    if (!S_ISREG(about.st_mode) || about.st_size > SITE_COPY_BYTES_MAX)
        return -EFBIG;
    while ((len = read(fd, piece, sizeof(piece))) != 0) {
        if (len < 0 && errno != EINTR)
            return -errno;
        if (len > 0)
            buf_append(out, piece, (size_t)len);
    }
    return out->overflow ? -EFBIG : 0;
}

static int read_file(int folder, struct buf *out)
{
    int fd = openat(folder, NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = read_all(fd, out);
    close(fd);
    return rc;
}

/* A clock that was set back makes a copy of the future, which is as old as it is far away. */
static bool is_old(int64_t written_ms)
{
    int64_t now_ms = clock_wall_ms();
    return written_ms < now_ms - SITE_COPY_AGE_MAX_MS || written_ms > now_ms + SITE_COPY_AGE_MAX_MS;
}

static struct site_list *believe(struct site_keeper *keeper, struct str bytes,
                                 int64_t *ret_written_ms)
{
    static const char *const WHY[SITE_COPY_VERDICT__COUNT] = {
        [SITE_COPY_DAMAGED] = "it is damaged",
        [SITE_COPY_FOREIGN] = "it is of another version",
    };
    struct site_list *list = NULL;
    int64_t written_ms;
    const char *why = WHY[site_copy_decode(bytes, &list, &written_ms)];
    if (why == NULL && is_old(written_ms)) {
        site_list_unref(list);
        why = "it is too old, or from the future";
    }
    if (why != NULL) {
        log_warn("the copy of the site list is left aside: %s", why);
        return NULL;
    }
    digest_of(bytes, keeper->digest);
    keeper->written_ms = written_ms;
    *ret_written_ms = written_ms;
    return list;
}

struct site_list *site_keeper_read(struct site_keeper *keeper, int64_t *ret_written_ms)
{
    struct buf bytes;
    struct site_list *list = NULL;
    buf_init(&bytes, SITE_COPY_BYTES_MAX);
    int rc = read_file(keeper->folder, &bytes);
    if (rc == 0)
        list = believe(keeper, buf_str(&bytes), ret_written_ms);
    else if (rc != -ENOENT)
        log_warn("the copy of the site list cannot be read: %s", strerror(-rc));
    buf_done(&bytes);
    return list;
}

/* --- For the process -------------------------------------------------------------------------- */

static int open_folder(const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return -errno;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && fchmod(fd, 0700) == 0)
        return fd;
    int rc = -errno;
    if (fd >= 0)
        close(fd);
    return rc;
}

/* Signals are for the threads that expect them. */
static int start_thread(struct site_keeper *keeper)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&keeper->thread, NULL, run, keeper);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -rc;
}

static void keeper_done(struct site_keeper *keeper)
{
    pthread_cond_destroy(&keeper->wake);
    pthread_mutex_destroy(&keeper->lock);
    if (keeper->folder >= 0)
        close(keeper->folder);
    free(keeper);
}

struct site_keeper *site_keeper_new(const char *folder, char *error, size_t error_bytes)
{
    struct site_keeper *keeper = calloc(1, sizeof(*keeper));
    if (keeper == NULL)
        abort();
    pthread_mutex_init(&keeper->lock, NULL);
    pthread_cond_init(&keeper->wake, NULL);
    keeper->folder = open_folder(folder);
    int rc = keeper->folder < 0 ? keeper->folder : start_thread(keeper);
    if (rc == 0)
        return keeper;
    snprintf(error, error_bytes, "no copy of the site list can be kept in %s: %s", folder,
             strerror(-rc));
    keeper_done(keeper);
    return NULL;
}

void site_keeper_free(struct site_keeper *keeper)
{
    if (keeper == NULL)
        return;
    pthread_mutex_lock(&keeper->lock);
    keeper->is_ending = true;
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->lock);
    pthread_join(keeper->thread, NULL);
    keeper_done(keeper);
}

void site_keeper_keep(struct site_keeper *keeper, struct site_list *list)
{
    pthread_mutex_lock(&keeper->lock);
    struct site_list *before = keeper->next;
    keeper->next = site_list_ref(list);
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->lock);
    site_list_unref(before);
}

uint64_t site_keeper_failures(struct site_keeper *keeper, uint64_t *ret_row)
{
    pthread_mutex_lock(&keeper->lock);
    uint64_t failures = keeper->failures;
    *ret_row = keeper->failures_in_a_row;
    pthread_mutex_unlock(&keeper->lock);
    return failures;
}

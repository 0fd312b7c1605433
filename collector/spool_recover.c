/* The start of the spool: takes the folder, reads what other processes left in it, and decides what
 * of that may be replayed.
 *
 *   clean      replayed
 *   torn       the end is cut off: a write that was never acknowledged; the rest is replayed
 *   corrupt    what is proven in front of the first bad byte is replayed, what is behind it is not,
 *              good or not; then the file goes to quarantine as it is
 *   too old    to quarantine: the log may have forgotten that it has it already
 *   unknown    left alone: another version's, or nothing of ours
 *
 * A clock that runs far ahead sends sound files there; they are not lost.
 * Nothing in quarantine is read again. An operator who moves a file from there back into the folder
 * has it judged anew at the next start. */

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/spool_index.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"

/* Counts what is in quarantine, and removes what nobody has looked at for long. */
static void read_quarantine(struct spool_store *store, DIR *dir)
{
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct stat status;
        if (fstatat(store->folders.quarantine, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(status.st_mode))
            continue;
        int64_t since_ms = (int64_t)status.st_ctim.tv_sec * 1000;
        if (clock_wall_ms() - since_ms > SPOOL_QUARANTINE_KEPT_MS &&
            unlinkat(store->folders.quarantine, entry->d_name, 0) == 0) {
            log_warn("spool: a file was in quarantine for too long and is removed");
            continue;
        }
        store->state.quarantined++;
        store->state.bytes += (uint64_t)status.st_size;
    }
}

/* --- One file -------------------------------------------------------------------------------- */

/* All of a file, for the caller to free; NULL when it cannot be read. */
static char *read_file(int fd, size_t len)
{
    char *bytes = malloc(len + 1);
    if (bytes == NULL)
        abort();
    size_t at = 0;
    while (at < len) {
        ssize_t got = pread(fd, bytes + at, len - at, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        at += (size_t)got;
    }
    if (at == len)
        return bytes;
    free(bytes);
    return NULL;
}

/* Keeps of a segment what its file's bytes prove. False when it has to be left alone. */
static bool settle(struct spool_store *store, struct spool_segment *segment,
                   const struct spool_scan *scan)
{
    uint64_t last = segment->first - 1 + scan->records;
    if (scan->verdict == SPOOL_CORRUPT && scan->records == 0)
        return spool_index_quarantine(store, segment, "damaged from its beginning");
    if (scan->records > 0 && spool_segment_is_old(store, segment))
        return spool_index_quarantine(store, segment, "older than what may be replayed");
    if (scan->verdict == SPOOL_CORRUPT) {
        spool_index_damaged(segment, last);
    } else if (scan->verdict == SPOOL_TORN) {
        char name[SPOOL_NAME_BYTES];
        spool_name_format(name, segment->writer, segment->first, segment->is_heir);
        log_warn("spool: %s ends in an unfinished write: its last %" PRIu64 " bytes are cut off",
                 name, segment->bytes - scan->end);
        store->state.cut++;
        spool_index_cut(store, segment, last, scan->end);
    }
    return true;
}

/* False when the file is not a segment that this program knows. */
static bool read_segment(struct spool_store *store, const char *name)
{
    uint64_t writer, first;
    bool is_heir;
    if (!spool_name_parse(name, &writer, &first, &is_heir))
        return false;
    int fd = openat(store->folders.spool, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        (uint64_t)status.st_size > SPOOL_SEGMENT_BYTES_MAX) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    size_t len = (size_t)status.st_size;
    char *bytes = read_file(fd, len);
    close(fd);
    if (bytes == NULL)
        return false;
    struct spool_scan scan;
    spool_scan((struct str){bytes, len}, writer, first, &scan);
    free(bytes);
    if (scan.verdict == SPOOL_FOREIGN)
        return false;
    struct spool_segment *segment = spool_segment_new(writer, first);
    segment->is_heir = is_heir;
    segment->bytes = len;
    segment->last = first - 1 + scan.records;
    segment->created_ms = scan.created_ms;
    spool_index_insert(store, segment);
    if (settle(store, segment, &scan))
        return true;
    spool_index_drop(store, segment);
    return false;
}

/* A segment that a failed write killed may hold, behind what was durable, numbers that were then
 * written to the next one: they are in that one. Of two that claim the same place the heir is the
 * one of which something may be in the log; the other is left alone. */
static void settle_overlaps(struct spool_store *store)
{
    for (size_t at = 0; at + 1 < store->count;) {
        struct spool_segment *segment = store->segments[at], *next = store->segments[at + 1];
        if (segment->writer == next->writer && segment->first == next->first) {
            spool_index_drop(store, segment->is_heir ? next : segment);
            store->state.unknown++;
            continue;
        }
        if (segment->writer == next->writer && segment->last >= next->first)
            spool_segment_end(segment, next->first - 1);
        at++;
    }
}

static void read_folder(struct spool_store *store, DIR *dir)
{
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            strcmp(entry->d_name, "quarantine") == 0)
            continue;
        if (!read_segment(store, entry->d_name))
            store->state.unknown++;
    }
    settle_overlaps(store);
    spool_index_remove_done(store);
    if (store->state.unknown > 0)
        log_warn("spool: %u files are not known here or cannot be read, and are left alone",
                 store->state.unknown);
}

/* --- The folder ------------------------------------------------------------------------------ */

static int open_folder(int at, const char *path)
{
    if (mkdirat(at, path, 0700) != 0 && errno != EEXIST)
        return -1;
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && fchmod(fd, 0700) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool open_folders(struct spool_store *store, char *error, size_t error_bytes)
{
    const char *folder = store->options.folder;
    store->folders.spool = open_folder(AT_FDCWD, folder);
    if (store->folders.spool < 0) {
        snprintf(error, error_bytes, "the spool %s cannot be used: %s", folder, strerror(errno));
        return false;
    }
    if (flock(store->folders.spool, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            snprintf(error, error_bytes, "another process uses the spool %s", folder);
        else
            snprintf(error, error_bytes, "the spool %s cannot be locked: %s", folder,
                     strerror(errno));
        return false;
    }
    store->folders.quarantine = open_folder(store->folders.spool, "quarantine");
    if (store->folders.quarantine < 0) {
        snprintf(error, error_bytes, "the spool %s has no quarantine: %s", folder, strerror(errno));
        return false;
    }
    return true;
}

/* Reads a folder that stays open. */
static bool each_file(struct spool_store *store, int folder,
                      void (*fn)(struct spool_store *store, DIR *dir))
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    fn(store, dir);
    closedir(dir);
    return true;
}

struct spool_store *spool_store_open(const struct spool_options *options, char *error,
                                     size_t error_bytes)
{
    struct spool_store *store = calloc(1, sizeof(*store));
    if (store == NULL)
        abort();
    store->options = *options;
    store->folders = (struct spool_folders){-1, -1};
    if (options->bytes_max == 0)
        store->options.bytes_max = SPOOL_BYTES_MAX;
    if (options->segment_bytes_max == 0)
        store->options.segment_bytes_max = SPOOL_SEGMENT_BYTES_MAX;
    if (options->age_max_ms == 0)
        store->options.age_max_ms = SPOOL_AGE_MAX_MS;
    assert(store->options.segment_bytes_max <= SPOOL_SEGMENT_BYTES_MAX);
    buf_init(&store->group, SPOOL_GROUP_BYTES_MAX + SPOOL_HEADER_BYTES);
    if (!open_folders(store, error, error_bytes)) {
        spool_store_close(store);
        return NULL;
    }
    if (!each_file(store, store->folders.quarantine, read_quarantine) ||
        !each_file(store, store->folders.spool, read_folder)) {
        snprintf(error, error_bytes, "the spool %s cannot be read", options->folder);
        spool_store_close(store);
        return NULL;
    }
    return store;
}

void spool_store_close(struct spool_store *store)
{
    if (store == NULL)
        return;
    while (store->count > 0) {
        struct spool_segment *segment = store->segments[store->count - 1];
        spool_segment_close(segment);
        spool_index_drop(store, segment);
    }
    buf_done(&store->group);
    free(store->segments);
    if (store->folders.quarantine >= 0)
        close(store->folders.quarantine);
    if (store->folders.spool >= 0)
        close(store->folders.spool); /* and with it the lock */
    free(store);
}

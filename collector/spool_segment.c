/* One file of the spool: made, appended to, read, cut, moved away.
 *
 * A file is made under its final name: until its first records are durable nothing in it is
 * acknowledged, and what a crash leaves of it is told by its header's CRC. A temporary name and a
 * rename would buy nothing but one more step that can fail. */

#include "collector/spool_segment.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limits.h"

enum { QUARANTINE_NAMES = 1000 };

static void name_of(const struct spool_segment *segment, char name[SPOOL_NAME_BYTES])
{
    spool_name_format(name, segment->writer, segment->first, segment->is_heir);
}

static int fail(void)
{
    return errno > 0 ? -errno : -EIO;
}

static int write_whole(int fd, const char *ptr, size_t len, uint64_t at)
{
    while (len > 0) {
        ssize_t written = pwrite(fd, ptr, len, (off_t)at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? fail() : -EIO;
        ptr += written;
        len -= (size_t)written;
        at += (uint64_t)written;
    }
    return 0;
}

/* -EBADMSG when the file ends before. */
static int read_whole(int fd, char *ptr, size_t len, uint64_t at)
{
    while (len > 0) {
        ssize_t got = pread(fd, ptr, len, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? fail() : -EBADMSG;
        ptr += got;
        len -= (size_t)got;
        at += (uint64_t)got;
    }
    return 0;
}

static void rewind_to_first(struct spool_segment *segment)
{
    segment->at_number = segment->first;
    segment->at_bytes = SPOOL_HEADER_BYTES;
}

struct spool_segment *spool_segment_new(uint64_t writer, uint64_t first)
{
    struct spool_segment *segment = calloc(1, sizeof(*segment));
    if (segment == NULL)
        abort();
    assert(first > 0);
    *segment = (struct spool_segment){
        .writer = writer, .first = first, .last = first - 1, .forgotten = first - 1, .fd = -1};
    rewind_to_first(segment);
    return segment;
}

static void close_file(struct spool_segment *segment)
{
    if (segment->fd >= 0)
        close(segment->fd);
    segment->fd = -1;
}

void spool_segment_free(struct spool_segment *segment)
{
    close_file(segment);
    free(segment);
}

int spool_segment_create(struct spool_segment *segment, const struct spool_folders *folders)
{
    char name[SPOOL_NAME_BYTES];
    name_of(segment, name);
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    segment->fd = openat(folders->spool, name, flags, 0600);
    /* What a failed start of the same segment left: nothing in it was ever acknowledged. */
    if (segment->fd < 0 && errno == EEXIST && unlinkat(folders->spool, name, 0) == 0)
        segment->fd = openat(folders->spool, name, flags, 0600);
    if (segment->fd < 0)
        return fail();
    segment->is_open = true;
    return 0;
}

int spool_segment_append(struct spool_segment *segment, const struct spool_folders *folders,
                         struct str bytes, uint64_t last)
{
    assert(segment->is_open);
    bool is_first = segment->bytes == 0;
    int rc = write_whole(segment->fd, bytes.ptr, bytes.len, segment->bytes);
    if (rc == 0 && fdatasync(segment->fd) != 0)
        rc = fail();
    if (rc == 0 && is_first && fsync(folders->spool) != 0)
        rc = fail();
    if (rc != 0)
        return rc;
    segment->bytes += bytes.len;
    segment->last = last;
    return 0;
}

void spool_segment_close(struct spool_segment *segment)
{
    if (!segment->is_open)
        return;
    segment->is_open = false;
    /* Should this fail, what stays was told to be not durable, and its writer still has it under
     * the same numbers. */
    int rc = ftruncate(segment->fd, (off_t)segment->bytes);
    (void)rc;
    close_file(segment);
}

static int open_file(struct spool_segment *segment, const struct spool_folders *folders)
{
    char name[SPOOL_NAME_BYTES];
    name_of(segment, name);
    if (segment->fd < 0)
        segment->fd = openat(folders->spool, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    return segment->fd < 0 ? fail() : 0;
}

/* Goes forward, record by record, until it stands at the number. */
static int stand_at(struct spool_segment *segment, uint64_t number)
{
    if (segment->at_number > number)
        rewind_to_first(segment);
    while (segment->at_number < number) {
        char head[SPOOL_RECORD_HEAD_BYTES];
        uint32_t len;
        int rc = read_whole(segment->fd, head, sizeof(head), segment->at_bytes);
        if (rc != 0)
            return rc;
        if (!spool_record_head_decode((struct str){head, sizeof(head)}, &len))
            return -EBADMSG;
        segment->at_number++;
        segment->at_bytes += SPOOL_RECORD_FIXED_BYTES + (uint64_t)len;
    }
    return 0;
}

static int read_record(struct spool_segment *segment, char *bytes, size_t len, struct buf *payload)
{
    struct spool_record_view record;
    int rc = read_whole(segment->fd, bytes, len, segment->at_bytes);
    if (rc != 0)
        return rc;
    if (!spool_record_decode((struct str){bytes, len}, &record) || record.bytes != len ||
        record.writer != segment->writer || record.number != segment->at_number)
        return -EBADMSG;
    buf_append_str(payload, record.payload);
    return payload->overflow ? -EBADMSG : 0;
}

int spool_segment_read(struct spool_segment *segment, const struct spool_folders *folders,
                       uint64_t number, struct buf *payload)
{
    assert(number >= segment->first && number <= segment->last);
    char head[SPOOL_RECORD_HEAD_BYTES];
    uint32_t len;
    int rc = open_file(segment, folders);
    if (rc == 0)
        rc = stand_at(segment, number);
    if (rc == 0)
        rc = read_whole(segment->fd, head, sizeof(head), segment->at_bytes);
    if (rc != 0)
        return rc;
    if (!spool_record_head_decode((struct str){head, sizeof(head)}, &len))
        return -EBADMSG;
    size_t bytes = SPOOL_RECORD_FIXED_BYTES + (size_t)len;
    char *record = malloc(bytes);
    if (record == NULL)
        abort();
    rc = read_record(segment, record, bytes, payload);
    free(record);
    return rc;
}

int spool_segment_bequeath(struct spool_segment *segment, const struct spool_folders *folders)
{
    char own[SPOOL_NAME_BYTES], heir[SPOOL_NAME_BYTES];
    spool_name_format(own, segment->writer, segment->first, false);
    spool_name_format(heir, segment->writer, segment->first, true);
    if (!segment->is_heir && renameat(folders->spool, own, folders->spool, heir) != 0)
        return fail();
    segment->is_heir = true;
    return fsync(folders->spool) != 0 ? fail() : 0;
}

int spool_segment_unlink(struct spool_segment *segment, const struct spool_folders *folders)
{
    char name[SPOOL_NAME_BYTES];
    name_of(segment, name);
    segment->is_open = false;
    close_file(segment);
    return unlinkat(folders->spool, name, 0) != 0 && errno != ENOENT ? fail() : 0;
}

void spool_segment_end(struct spool_segment *segment, uint64_t last)
{
    segment->is_open = false;
    segment->last = last;
    if (segment->forgotten > last)
        segment->forgotten = last;
    rewind_to_first(segment);
}

int spool_segment_cut(struct spool_segment *segment, const struct spool_folders *folders,
                      uint64_t last, uint64_t bytes)
{
    spool_segment_end(segment, last);
    segment->bytes = bytes;
    int rc = open_file(segment, folders);
    if (rc == 0 && (ftruncate(segment->fd, (off_t)bytes) != 0 || fsync(segment->fd) != 0))
        rc = fail();
    return rc;
}

int spool_segment_quarantine(struct spool_segment *segment, const struct spool_folders *folders)
{
    char name[SPOOL_NAME_BYTES], target[SPOOL_NAME_BYTES + 16];
    name_of(segment, name);
    spool_segment_close(segment);
    close_file(segment);
    for (int try = 0; try < QUARANTINE_NAMES; try++) {
        snprintf(target, sizeof(target), try == 0 ? "%s" : "%s.%d", name, try);
        if (renameat2(folders->spool, name, folders->quarantine, target, RENAME_NOREPLACE) == 0) {
            /* A file that a power cut brings back is judged anew at the next start. */
            int rc = fsync(folders->quarantine) | fsync(folders->spool);
            (void)rc;
            return 0;
        }
        if (errno != EEXIST)
            return fail();
    }
    return -EEXIST;
}

/* Files in pieces, each with the end of the one before, so that a journal of gigabytes takes little
 * memory. Files grow and go while they are searched: what is there when a piece is read counts. */

#include "cli/audit_files.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/limits.h"

enum {
    /* Where a packed string may reach over; longer ones are seen in Redis itself. */
    OVERLAP_BYTES = 1024 * 1024,
    PIECE_BYTES = 8 * 1024 * 1024,
    PATH_BYTES = 4096,
};

struct walk {
    struct audit_report *report;
    struct audit_search *search;
    char *piece; /* OVERLAP_BYTES + PIECE_BYTES */
    uint64_t files, bytes;
};

static void search_file(struct walk *walk, int fd, const char *path)
{
    size_t kept = 0;
    ssize_t got;
    audit_search_at(walk->search, path);
    while ((got = read(fd, walk->piece + kept, PIECE_BYTES)) > 0) {
        size_t len = kept + (size_t)got;
        audit_search_packed(walk->search, (struct str){walk->piece, len}, kept);
        walk->bytes += (size_t)got;
        audit_progress(walk->report, "%" PRIu64 " files, %" PRIu64 " MB", walk->files,
                       walk->bytes >> 20);
        kept = len < OVERLAP_BYTES ? len : OVERLAP_BYTES;
        memmove(walk->piece, walk->piece + len - kept, kept);
    }
    if (got < 0)
        audit_breach(walk->report, "%s cannot be read: %s.", path, strerror(errno));
    walk->files++;
}

static void open_file(struct walk *walk, const char *path)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return; /* it has gone meanwhile */
    if (fd < 0) {
        audit_breach(walk->report, "%s cannot be read: %s.", path, strerror(errno));
        return;
    }
    search_file(walk, fd, path);
    close(fd);
}

static void walk_folder(struct walk *walk, FTS *folders)
{
    for (FTSENT *entry; (entry = fts_read(folders)) != NULL;) {
        bool is_unread = entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR;
        if (is_unread || (entry->fts_info == FTS_D && entry->fts_level > AUDIT_FOLDER_DEPTH_MAX)) {
            audit_breach(walk->report, "%s cannot be read, or goes deeper than is looked.",
                         entry->fts_path);
            (void)fts_set(folders, entry, FTS_SKIP);
        } else if (entry->fts_info == FTS_F) {
            open_file(walk, entry->fts_path);
        }
    }
}

void audit_files(struct audit_report *report, struct audit_search *search, const char *data)
{
    struct walk walk = {.report = report, .search = search};
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s", data);
    char *const folders[] = {path, NULL};
    FTS *all = fts_open(folders, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (all == NULL) {
        audit_breach(report, "%s cannot be read: %s.", data, strerror(errno));
        return;
    }
    walk.piece = malloc(OVERLAP_BYTES + PIECE_BYTES);
    if (walk.piece == NULL)
        abort();
    walk_folder(&walk, all);
    free(walk.piece);
    (void)fts_close(all);
    audit_tell(
        report, "files",
        json_pack("{s:I, s:I}", "count", (json_int_t)walk.files, "bytes", (json_int_t)walk.bytes));
}

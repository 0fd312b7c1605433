/* Files written beside their places: "NAME.part", synced, then renamed. A rename that fails, after
 * others have not, leaves those: they are whole, and the sentence says which one is missing. */

#include "cli/export_files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ERROR_BYTES = 256, NAME_BYTES = 384 };
static const char PART[] = ".part";

struct export_files {
    int folder;
    size_t count;
    struct {
        FILE *stream; /* NULL: closed */
        char name[NAME_BYTES], part[NAME_BYTES + sizeof(PART)];
    } files[EXPORT_FILES_MAX];
};

static bool fail(char error[static ERROR_BYTES], const char *what, const char *name)
{
    snprintf(error, ERROR_BYTES, "%.120s cannot be %s: %s.", name, what, strerror(errno));
    return false;
}

struct export_files *export_files_open(const char *folder, char error[static ERROR_BYTES])
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return (void)fail(error, "made", folder), NULL;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return (void)fail(error, "used", folder), NULL;
    struct export_files *files = calloc(1, sizeof(*files));
    if (files == NULL)
        abort();
    files->folder = fd;
    return files;
}

void export_files_close(struct export_files *files)
{
    if (files == NULL)
        return;
    for (size_t i = 0; i < files->count; i++) {
        if (files->files[i].stream != NULL)
            (void)fclose(files->files[i].stream);
        (void)unlinkat(files->folder, files->files[i].part, 0);
    }
    (void)close(files->folder);
    free(files);
}

FILE *export_files_add(struct export_files *files, const char *name, char error[static ERROR_BYTES])
{
    assert(files->count < EXPORT_FILES_MAX && strlen(name) < NAME_BYTES);
    size_t i = files->count;
    snprintf(files->files[i].name, NAME_BYTES, "%s", name);
    snprintf(files->files[i].part, sizeof(files->files[i].part), "%s%s", name, PART);
    /* What a killed export has left is no reason to follow a link, or to keep its rights. */
    (void)unlinkat(files->folder, files->files[i].part, 0);
    int fd = openat(files->folder, files->files[i].part,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return (void)fail(error, "made", name), NULL;
    files->files[i].stream = fdopen(fd, "w");
    if (files->files[i].stream == NULL)
        abort();
    files->count++;
    return files->files[i].stream;
}

static bool finish(FILE *stream)
{
    bool good = fflush(stream) == 0 && !ferror(stream) && fsync(fileno(stream)) == 0;
    int reason = errno;
    good = fclose(stream) == 0 && good;
    errno = good ? errno : reason;
    return good;
}

bool export_files_keep(struct export_files *files, char error[static ERROR_BYTES])
{
    for (size_t i = 0; i < files->count; i++) {
        FILE *stream = files->files[i].stream;
        files->files[i].stream = NULL;
        if (!finish(stream))
            return fail(error, "written", files->files[i].name);
    }
    for (size_t i = 0; i < files->count; i++)
        if (renameat(files->folder, files->files[i].part, files->folder, files->files[i].name) != 0)
            return fail(error, "put into its place", files->files[i].name);
    return fsync(files->folder) == 0 || fail(error, "written", "the folder");
}

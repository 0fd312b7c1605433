/* A spool's folder for a test. */

#include "tests/test.h"

#include "spool_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

enum { PATH_BYTES = 512 };

char *spool_folder_make(void)
{
    char *folder = malloc(PATH_BYTES);
    assert_non_null(folder);
    const char *base = getenv("TMPDIR");
    snprintf(folder, PATH_BYTES - 8, "%s/footfall-spool-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(folder));
    memcpy(folder + strlen(folder), "/spool", sizeof("/spool"));
    return folder;
}

static void remove_below(const char *folder)
{
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[PATH_BYTES];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        spool_file_path(folder, entry->d_name, path, sizeof(path));
        if (unlink(path) != 0) {
            remove_below(path);
            rmdir(path);
        }
    }
    closedir(dir);
}

void spool_folder_remove(char *folder)
{
    folder[strlen(folder) - strlen("/spool")] = '\0';
    remove_below(folder);
    rmdir(folder);
    free(folder);
}

void spool_folder_silence_log(void)
{
    int kept = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(kept >= 0 && null >= 0);
    assert_true(dup2(null, STDERR_FILENO) >= 0);
    log_init("test"); /* keeps a copy of what standard error is now */
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(null);
    close(kept);
}

void spool_file_path(const char *folder, const char *name, char *ret_path, size_t bytes)
{
    int len = snprintf(ret_path, bytes, "%s/%s", folder, name);
    assert_true(len > 0 && (size_t)len < bytes);
}

bool spool_file_is(const char *folder, const char *name)
{
    char path[PATH_BYTES];
    spool_file_path(folder, name, path, sizeof(path));
    return access(path, F_OK) == 0;
}

size_t spool_file_size(const char *folder, const char *name)
{
    char path[PATH_BYTES];
    struct stat status;
    spool_file_path(folder, name, path, sizeof(path));
    assert_int_equal(stat(path, &status), 0);
    return (size_t)status.st_size;
}

void spool_file_write(const char *folder, const char *name, const void *ptr, size_t len)
{
    char path[PATH_BYTES];
    spool_file_path(folder, name, path, sizeof(path));
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(ptr, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

void spool_file_flip(const char *folder, const char *name, size_t at)
{
    char path[PATH_BYTES], byte;
    spool_file_path(folder, name, path, sizeof(path));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(lseek(fd, (off_t)at, SEEK_SET), at);
    assert_int_equal(read(fd, &byte, 1), 1);
    byte ^= 0x10;
    assert_int_equal(lseek(fd, (off_t)at, SEEK_SET), at);
    assert_int_equal(write(fd, &byte, 1), 1);
    close(fd);
}

unsigned spool_file_count(const char *folder, const char *ending)
{
    unsigned count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        size_t len = strlen(entry->d_name);
        count += len >= strlen(ending) && strcmp(entry->d_name + len - strlen(ending), ending) == 0;
    }
    closedir(dir);
    return count;
}

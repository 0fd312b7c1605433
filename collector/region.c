/* Geo databases: opened once, read by every worker. libmaxminddb can only map a file by its name,
 * and a mapped file that somebody cuts kills the process that reads it. So a file is copied into a
 * memory file first, which is sealed: what the child checked is, byte for byte and for ever, what
 * workers read.
 *
 *     city.mmdb --copy--> memfd, sealed --> checked by a child --> mapped by name /proc/self/fd/N
 *
 * The price is the file's size in memory, once a process, and time at the start: two files of 134
 * MB take 0.05 s to copy and 1.1 s to check. Mapping the file itself was rejected although its
 * pages could be dropped under pressure: `cp new old` while a worker reads would be a crash.
 *
 * Opening blocks and belongs to no event loop; looking up allocates nothing and takes no lock. */

#include "collector/region.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/region_check.h"
#include "collector/region_record.h"

struct region_file {
    MMDB_s mmdb;
    enum region_schema schema;
    char *path;
    struct stat opened; /* of the file at `path` when it was copied */
};

struct region_database {
    atomic_uint refs;
    size_t count; /* files open */
    struct region_file files[];
};

/* --- Opening ---------------------------------------------------------------------------------- */

struct failure {
    char *error;
    size_t error_bytes;
};

static bool refuse(const struct failure *failure, const char *path, const char *reason)
{
    (void)snprintf(failure->error, failure->error_bytes, "The geo database %s %s.", path, reason);
    return false;
}

static bool refuse_errno(const struct failure *failure, const char *path, const char *what)
{
    char reason[128];
    (void)snprintf(reason, sizeof(reason), "%s: %s", what, strerror(errno));
    return refuse(failure, path, reason);
}

/* Copies what is left of `from`; the size is checked by the caller. */
static bool copy_bytes(int from, int to, size_t bytes)
{
    while (bytes > 0) {
        ssize_t copied = sendfile(to, from, NULL, bytes);
        if (copied < 0 && errno == EINTR)
            continue;
        if (copied <= 0)
            return false;
        bytes -= (size_t)copied;
    }
    return true;
}

/* A sealed copy in memory of an open file, or -1. */
static int copy_sealed(int from, size_t bytes)
{
    int copy = memfd_create("geo database", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (copy < 0)
        return -1;
    int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    if (!copy_bytes(from, copy, bytes) || fcntl(copy, F_ADD_SEALS, seals) != 0) {
        close(copy);
        return -1;
    }
    return copy;
}

/* Checks and maps the copy. */
static bool file_map(struct region_file *file, int copy, const struct failure *failure)
{
    char copy_path[32];
    (void)snprintf(copy_path, sizeof(copy_path), "/proc/self/fd/%d", copy);
    if (access(copy_path, R_OK) != 0)
        return refuse_errno(failure, file->path, "could not be mapped through /proc");
    enum region_check result = region_check(copy_path, (size_t)file->opened.st_size, &file->schema);
    if (result != REGION_CHECK_OK)
        return refuse(failure, file->path, region_check_name(result));
    if (MMDB_open(copy_path, MMDB_MODE_MMAP, &file->mmdb) != MMDB_SUCCESS)
        return refuse(failure, file->path, "could not be mapped");
    return true;
}

static bool file_copy_and_map(struct region_file *file, int fd, const struct failure *failure)
{
    if (fstat(fd, &file->opened) != 0)
        return refuse_errno(failure, file->path, "could not be read");
    if (!S_ISREG(file->opened.st_mode))
        return refuse(failure, file->path, "is not a file");
    if (file->opened.st_size > REGION_FILE_BYTES_MAX)
        return refuse(failure, file->path, "is larger than 512 MiB");
    int copy = copy_sealed(fd, (size_t)file->opened.st_size);
    if (copy < 0)
        return refuse(failure, file->path, "could not be copied into memory");
    bool mapped = file_map(file, copy, failure);
    close(copy);
    return mapped;
}

/* Fills `file`, which owns nothing when this fails. */
static bool file_open(const char *path, struct region_file *file, const struct failure *failure)
{
    file->path = strdup(path);
    if (file->path == NULL)
        abort();
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool opened = fd >= 0 ? file_copy_and_map(file, fd, failure)
                          : refuse_errno(failure, path, "could not be opened");
    if (fd >= 0)
        close(fd);
    if (!opened)
        free(file->path);
    return opened;
}

struct region_database *region_database_open(const char *const *paths, size_t count, char *error,
                                             size_t error_bytes)
{
    struct region_database *database =
        calloc(1, sizeof(*database) + count * sizeof(database->files[0]));
    if (database == NULL)
        abort();
    atomic_init(&database->refs, 1);
    struct failure failure = {error, error_bytes};
    for (size_t i = 0; i < count; i++) {
        if (!file_open(paths[i], &database->files[i], &failure)) {
            region_database_unref(database);
            return NULL;
        }
        database->count++;
    }
    return database;
}

struct region_database *region_database_ref(struct region_database *database)
{
    unsigned before = atomic_fetch_add(&database->refs, 1);
    assert(before > 0);
    return database;
}

void region_database_unref(struct region_database *database)
{
    if (database == NULL)
        return;
    unsigned before = atomic_fetch_sub(&database->refs, 1);
    assert(before > 0);
    if (before > 1)
        return;
    for (size_t i = 0; i < database->count; i++) {
        MMDB_close(&database->files[i].mmdb);
        free(database->files[i].path);
    }
    free(database);
}

bool region_database_changed(const struct region_database *database)
{
    for (size_t i = 0; i < database->count; i++) {
        const struct stat *opened = &database->files[i].opened;
        struct stat now;
        if (stat(database->files[i].path, &now) != 0)
            continue;
        if (now.st_dev != opened->st_dev || now.st_ino != opened->st_ino ||
            now.st_size != opened->st_size || now.st_mtim.tv_sec != opened->st_mtim.tv_sec ||
            now.st_mtim.tv_nsec != opened->st_mtim.tv_nsec)
            return true;
    }
    return false;
}

uint64_t region_database_built_s(const struct region_database *database)
{
    uint64_t oldest_s = UINT64_MAX;
    for (size_t i = 0; i < database->count; i++) {
        if (database->files[i].mmdb.metadata.build_epoch < oldest_s)
            oldest_s = database->files[i].mmdb.metadata.build_epoch;
    }
    return database->count == 0 ? 0 : oldest_s;
}

/* --- Looking up --------------------------------------------------------------------------------
 */

union socket_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

/* The library reads out of bounds for any family but these two. */
static void to_socket_address(const struct client_address *address, union socket_address *ret_to)
{
    assert(address->family == 4 || address->family == 6);
    *ret_to = (union socket_address){.any = {0}};
    if (address->family == 4) {
        ret_to->ipv4.sin_family = AF_INET;
        memcpy(&ret_to->ipv4.sin_addr, address->bytes, sizeof(ret_to->ipv4.sin_addr));
    } else {
        ret_to->ipv6.sin6_family = AF_INET6;
        memcpy(&ret_to->ipv6.sin6_addr, address->bytes, sizeof(ret_to->ipv6.sin6_addr));
    }
}

static bool file_find(const struct region_file *file, const union socket_address *address,
                      struct region *ret_region)
{
    if (address->any.sa_family == AF_INET6 && file->mmdb.metadata.ip_version == 4)
        return false;
    int status = MMDB_SUCCESS;
    MMDB_lookup_result_s found = MMDB_lookup_sockaddr(&file->mmdb, &address->any, &status);
    return status == MMDB_SUCCESS && found.found_entry &&
           region_record_read(&found.entry, file->schema, ret_region);
}

void region_lookup(const struct region_database *database, const struct client_address *address,
                   struct region *ret_region)
{
    *ret_region = (struct region){"", ""};
    if (database == NULL || !client_address_is_public(address))
        return;
    union socket_address to;
    to_socket_address(address, &to);
    bool found = false;
    for (size_t i = 0; i < database->count && !found; i++)
        found = file_find(&database->files[i], &to, ret_region);
    explicit_bzero(&to, sizeof(to));
}

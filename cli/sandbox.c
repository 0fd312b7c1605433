/* Who needs what, in one place; how it is closed is file_fence.c's and call_filter.c's.
 *
 *              reads                             writes               ports
 *     collect  geo folders, time zones           DIR/spool, DIR/sites its own, Redis's
 *     aggregate, dashboards   time zones         nothing              its own, Redis's
 *     Redis    libraries, its folder             DIR/redis, its log   none
 *
 * All write to their log, which is open already, and make their admin socket in DIR/run. None can
 * open DIR/redis, where the others' secrets are: connecting to the socket there needs no right to
 * files. */

#include "cli/sandbox.h"

#include <libgen.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/call_filter.h"
#include "cli/file_fence.h"
#include "cli/store.h"
#include "common/config_value.h"
#include "common/limits.h"
#include "common/listener.h"
#include "common/log.h"
#include "common/resolve.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* A sanitizer traces its own process, and writes its report where the operator says. */
enum { SANITIZED = true };
#else
enum { SANITIZED = false };
#endif

enum { DNS_PORT = 53, FOLDER_RIGHTS = FENCE_READ | FENCE_LIST | FENCE_WRITE | FENCE_MAKE };

static const struct {
    const char *name;
    unsigned calls;
} ROLES[SANDBOX__COUNT] = {
    /* It copies a geo database, and checks it in a process of its own, which may fall over. */
    [SANDBOX_COLLECT] = {"collector",
                         CALLS_BASE | CALLS_SERVE | CALLS_FILES | CALLS_FORK | CALLS_COPY},
    [SANDBOX_AGGREGATE] = {"aggregator", CALLS_BASE | CALLS_SERVE},
    [SANDBOX_DASHBOARDS] = {"dashboards", CALLS_BASE | CALLS_SERVE},
};

/* What the C library, GLib and OpenSSL read in any process. */
static void allow_common(struct file_fence *fence)
{
    const char *zones = getenv("TZDIR");
    file_fence_allow(fence, "/dev/null", FENCE_READ | FENCE_WRITE);
    file_fence_allow(fence, "/dev/urandom", FENCE_READ);
    file_fence_allow(fence, "/proc/self", FENCE_READ | FENCE_LIST);
    file_fence_allow(fence, "/sys/devices/system/cpu", FENCE_READ | FENCE_LIST);
    file_fence_allow(fence, "/etc/localtime", FENCE_READ);
    file_fence_allow(fence, "/etc/ssl/openssl.cnf", FENCE_READ);
    file_fence_allow(fence, "/usr/share/zoneinfo", FENCE_READ | FENCE_LIST);
    if (zones != NULL)
        file_fence_allow(fence, zones, FENCE_READ | FENCE_LIST);
}

/* --- Geo databases ---------------------------------------------------------------------------- */

/* Whether what is in `folder` includes the secrets: both are real paths. */
static bool holds(const char *folder, const char *path)
{
    size_t len = strlen(folder);
    return strncmp(folder, path, len) == 0 &&
           (path[len] == '/' || path[len] == '\0' || (len > 0 && folder[len - 1] == '/'));
}

/* The folder of a file, so that one that is renamed over it can be read. Not where the secrets
 * would come along: then the file alone. */
static void allow_folder_of(struct file_fence *fence, const char *path, const char *secrets)
{
    char copy[CONFIG_PATH_BYTES_MAX];
    if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
        return;
    char *folder = realpath(dirname(copy), NULL);
    if (folder == NULL)
        return;
    bool private = secrets == NULL || (!holds(folder, secrets) && !holds(secrets, folder));
    file_fence_allow(fence, private ? folder : path, FENCE_READ);
    if (!private)
        log_warn(
            "the geo database %s is in a folder with Redis's secrets: when it is replaced, the "
            "collector must be started again to see it. Put it into a folder of its own.",
            path);
    free(folder);
}

static void allow_geo(struct file_fence *fence, const struct config *config)
{
    char path[STORE_PATH_BYTES];
    store_path(path, config->data, "redis");
    char *secrets = realpath(path, NULL);
    for (size_t i = 0; i < config->geo.database.count; i++) {
        const char *file = config->geo.database.items[i];
        char *target = realpath(file, NULL);
        allow_folder_of(fence, file, secrets);
        if (target != NULL && strcmp(target, file) != 0) /* it is a link, or behind one */
            allow_folder_of(fence, target, secrets);
        free(target);
    }
    free(secrets);
}

/* --- Ports ------------------------------------------------------------------------------------ */

static void allow_listener(struct file_fence *fence, const char *listen)
{
    struct listen_address address;
    char copy[CONFIG_PATH_BYTES_MAX];
    if (listen == NULL)
        return;
    struct str path = listener_unix_path(str_from(listen));
    if (path.len > 0) {
        snprintf(copy, sizeof(copy), "%.*s", STR_ARG(path));
        file_fence_allow(fence, dirname(copy), FENCE_SOCKET);
    } else if (value_listen(str_from(listen), &address)) {
        file_fence_allow_listen(fence, address.port);
    }
}

static void allow_names(struct file_fence *fence)
{
    static const char *const FOLDERS[] = {"/etc",     "/run/systemd/resolve", "/run/resolvconf",
                                          "/usr/lib", "/run/NetworkManager",  "/lib",
                                          "/lib64"};
    /* Folders, since resolv.conf is replaced by a new file whenever the network changes. */
    for (size_t i = 0; i < ARRAY_LEN(FOLDERS); i++)
        file_fence_allow(fence, FOLDERS[i], FENCE_READ | FENCE_LIST);
    file_fence_allow_connect(fence, DNS_PORT);
}

/* Redis's port, and what finding it takes. True when its host is a name. */
static bool allow_redis(struct file_fence *fence, const struct config *config, const char *user)
{
    char error[SANDBOX_SENTENCE_BYTES];
    struct redis_address address;
    if (!config_redis_address(config, user, &address, error, sizeof(error)))
        return false; /* the role says so itself */
    bool tcp = address.socket_path[0] == '\0';
    bool named = tcp && !resolve_is_address(address.host);
    if (tcp)
        file_fence_allow_connect(fence, address.port);
    if (named)
        allow_names(fence);
    explicit_bzero(&address, sizeof(address));
    return named;
}

/* --- Roles ------------------------------------------------------------------------------------ */

static void allow_collect(struct file_fence *fence, const struct config *config)
{
    static const char *const FOLDERS[] = {"spool", "sites"};
    char path[STORE_PATH_BYTES];
    /* What is not there cannot be allowed, nor made afterwards. */
    (void)mkdir(config->data, 0700);
    for (size_t i = 0; i < ARRAY_LEN(FOLDERS); i++) {
        store_path(path, config->data, FOLDERS[i]);
        (void)mkdir(path, 0700);
        file_fence_allow(fence, path, FOLDER_RIGHTS);
    }
    allow_geo(fence, config);
    allow_listener(fence, config->collector.listen);
    allow_listener(fence, config->collector.admin);
}

bool sandbox_is_built(void)
{
    return !SANITIZED;
}

void sandbox_gaps(char sentence[static SANDBOX_SENTENCE_BYTES])
{
    bool files = file_fence_abi() > 0, calls = call_filter_is_possible();
    const char *what = "";
    if (!files && !calls)
        what = "this kernel has neither Landlock (Linux 5.19) nor seccomp: a role that is broken "
               "into can do whatever its user can";
    else if (!files)
        what = "this kernel has no Landlock (Linux 5.19): a role that is broken into can read and "
               "write whatever its user can";
    else if (!calls)
        what = "this kernel has no seccomp: a role can make any system call";
    snprintf(sentence, SANDBOX_SENTENCE_BYTES, "%s", what);
}

bool sandbox_enter(enum sandbox_role role, const struct config *config, char *error,
                   size_t error_bytes)
{
    struct file_fence fence;
    if (SANITIZED)
        return true;
    if (!file_fence_init(&fence, error, error_bytes))
        return false;
    allow_common(&fence);
    if (role == SANDBOX_COLLECT)
        allow_collect(&fence, config);
    else if (role == SANDBOX_AGGREGATE)
        allow_listener(&fence, config->aggregator.admin);
    else
        allow_listener(&fence, config->dashboards.admin);
    if (role == SANDBOX_DASHBOARDS)
        allow_listener(&fence, config->dashboards.listen);
    bool named = allow_redis(&fence, config, ROLES[role].name);
    return file_fence_close(&fence, error, error_bytes) &&
           call_filter_close(ROLES[role].calls | (named ? CALLS_NAMES : 0u), error, error_bytes);
}

/* --- Redis ------------------------------------------------------------------------------------ */

static int find_loader(struct dl_phdr_info *info, size_t bytes, void *data)
{
    (void)bytes;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_INTERP)
            // The text is this program's own, in memory for as long as it runs.
            *(const char **)data = (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    return 1; /* the first is the program itself */
}

bool sandbox_enter_redis(const char *program, char *error, size_t error_bytes)
{
    static const char *const READ[] = {
        "/usr/lib",
        "/usr/lib64",
        "/usr/local/lib",
        "/usr/share/locale",
        "/lib",
        "/lib64",
        "/etc/ld.so.cache",
        "/etc/locale.alias",
        "/proc/sys/vm",
        "/proc/sys/net/core",
        "/sys/kernel/mm/transparent_hugepage",
        "/sys/devices/system/clocksource",
    };
    struct file_fence fence;
    const char *loader = NULL;
    if (SANITIZED)
        return true;
    if (!file_fence_init(&fence, error, error_bytes))
        return false;
    allow_common(&fence);
    for (size_t i = 0; i < ARRAY_LEN(READ); i++)
        file_fence_allow(&fence, READ[i], FENCE_READ | FENCE_LIST);
    (void)dl_iterate_phdr(find_loader, &loader);
    file_fence_allow(&fence, program, FENCE_READ | FENCE_RUN);
    if (loader != NULL)
        file_fence_allow(&fence, loader, FENCE_READ | FENCE_RUN);
    file_fence_allow(&fence, ".", FOLDER_RIGHTS | FENCE_SOCKET);
    file_fence_allow(&fence, "../log/redis.log", FENCE_READ | FENCE_WRITE);
    return file_fence_close(&fence, error, error_bytes) &&
           call_filter_close(CALLS_BASE | CALLS_UNIX | CALLS_FILES | CALLS_FORK | CALLS_EXEC, error,
                             error_bytes);
}

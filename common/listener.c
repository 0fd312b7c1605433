/* Opens what an HTTP server listens on: an address and a port, or a Unix socket. */

#include "common/listener.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LISTENER_BACKLOG = 1024, HOST_TEXT_BYTES = 128 };
static_assert(LISTENER_PATH_BYTES_MAX < sizeof(((struct sockaddr_un *)0)->sun_path), "it fits");

static const struct str UNIX_PREFIX = STR_LIT("unix:");

struct str listener_unix_path(struct str listen_at)
{
    if (!str_starts_with(listen_at, UNIX_PREFIX) ||
        listen_at.len - UNIX_PREFIX.len > LISTENER_PATH_BYTES_MAX)
        return STR_EMPTY;
    return str_from_at(listen_at, UNIX_PREFIX.len);
}

static bool split_port(const char *listen_at, char host[static HOST_TEXT_BYTES],
                       const char **ret_port)
{
    const char *colon = strrchr(listen_at, ':');
    if (colon == NULL || colon == listen_at || colon[1] == '\0')
        return false;
    struct str text = {listen_at, (size_t)(colon - listen_at)};
    if (text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
        text = (struct str){text.ptr + 1, text.len - 2};
    if (text.len >= HOST_TEXT_BYTES)
        return false;
    memcpy(host, text.ptr, text.len);
    host[text.len] = '\0';
    *ret_port = colon + 1;
    return true;
}

static int fail(int fd, const char *listen_at, char *error, size_t error_bytes)
{
    if (errno == EADDRINUSE)
        snprintf(error, error_bytes, "another program already listens on %s", listen_at);
    else
        snprintf(error, error_bytes, "cannot listen on %s: %s", listen_at, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static int open_tcp(const char *listen_at, char *error, size_t error_bytes)
{
    char host[HOST_TEXT_BYTES];
    const char *port;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *info = NULL;
    if (!split_port(listen_at, host, &port) || getaddrinfo(host, port, &hints, &info) != 0) {
        snprintf(error, error_bytes, "%s is not an address and a port such as 127.0.0.1:8080",
                 listen_at);
        return -1;
    }
    int on = 1, fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, LISTENER_BACKLOG) != 0)
        fd = fail(fd, listen_at, error, error_bytes);
    freeaddrinfo(info);
    return fd;
}

/* Somebody who answers is not replaced. */
static bool is_answered(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool answered =
        fd >= 0 &&
        (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN);
    if (fd >= 0)
        close(fd);
    return answered;
}

static int open_unix(const char *listen_at, struct str path, char *error, size_t error_bytes)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat about;
    memcpy(address.sun_path, path.ptr, path.len);
    if (lstat(address.sun_path, &about) == 0) {
        errno = EADDRINUSE;
        if (!S_ISSOCK(about.st_mode) || is_answered(&address))
            return fail(-1, listen_at, error, error_bytes);
        (void)unlink(address.sun_path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The mode of the descriptor is the socket's when it is bound: there is no moment without. */
    if (fd < 0 || fchmod(fd, 0600) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, LISTENER_BACKLOG) != 0)
        return fail(fd, listen_at, error, error_bytes);
    return fd;
}

int listener_open(const char *listen_at, char *error, size_t error_bytes)
{
    struct str path = listener_unix_path(str_from(listen_at));
    return path.len > 0 ? open_unix(listen_at, path, error, error_bytes)
                        : open_tcp(listen_at, error, error_bytes);
}

uint16_t listener_port(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    (void)getsockname(fd, (struct sockaddr *)&address, &len);
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return address.ss_family == AF_INET ? ntohs(((struct sockaddr_in *)&address)->sin_port) : 0;
}

void listener_close(int fd, const char *listen_at)
{
    struct str path = listener_unix_path(str_from(listen_at));
    close(fd);
    if (path.len > 0)
        (void)unlink(path.ptr); /* ends where listen_at ends */
}

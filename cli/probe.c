/* The smallest HTTP client: one request, one answer, then the connection closes. For our own admin
 * listener only, which answers with a length and no chunks. */

#include "cli/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/config_value.h"
#include "common/limits.h"
#include "common/listener.h"

enum { PROBE_WAIT_S = 3, PROBE_REQUEST_BYTES = 256 };

static int connect_to(const struct sockaddr *address, socklen_t bytes)
{
    const struct timeval wait = {.tv_sec = PROBE_WAIT_S};
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0 &&
        connect(fd, address, bytes) == 0)
        return fd;
    int reason = errno;
    if (fd >= 0)
        close(fd);
    errno = reason;
    return -1;
}

static int dial_unix(struct str path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path.ptr, path.len);
    return connect_to((const struct sockaddr *)&address, sizeof(address));
}

static int dial_tcp(const struct listen_address *listen)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(listen->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(listen->port)};
    if (listen->is_v6)
        return inet_pton(AF_INET6, listen->host, &v6.sin6_addr) == 1
                   ? connect_to((const struct sockaddr *)&v6, sizeof(v6))
                   : -1;
    return inet_pton(AF_INET, listen->host, &v4.sin_addr) == 1
               ? connect_to((const struct sockaddr *)&v4, sizeof(v4))
               : -1;
}

static int dial(const char *address)
{
    struct listen_address listen;
    struct str path = listener_unix_path(str_from(address));
    if (path.len > 0)
        return dial_unix(path);
    errno = EADDRNOTAVAIL;
    return value_listen(str_from(address), &listen) ? dial_tcp(&listen) : -1;
}

/* "HTTP/1.1 200 OK\r\n…\r\n\r\nbody". */
static bool take_answer(struct str answer, int *ret_status, struct buf *body)
{
    static const struct str START = STR_LIT("HTTP/1.1 ");
    const char *end = answer.len == 0 ? NULL : memmem(answer.ptr, answer.len, "\r\n\r\n", 4);
    unsigned status;
    if (end == NULL || !str_starts_with(answer, START) ||
        !value_uint(str_prefix(str_from_at(answer, START.len), 3), 999, &status))
        return false;
    *ret_status = (int)status;
    buf_append_str(body, str_from_at(answer, (size_t)(end - answer.ptr) + 4));
    return !body->overflow;
}

static bool exchange(int fd, const char *path, int *ret_status, struct buf *body)
{
    char request[PROBE_REQUEST_BYTES], bytes[4096];
    int asked = snprintf(request, sizeof(request),
                         "GET %s HTTP/1.1\r\nhost: footfall\r\nconnection: close\r\n\r\n", path);
    if (send(fd, request, (size_t)asked, MSG_NOSIGNAL) != asked)
        return false;
    struct buf answer;
    ssize_t got;
    buf_init(&answer, ADMIN_BYTES_MAX + sizeof(bytes));
    while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0)
        buf_append(&answer, bytes, (size_t)got);
    errno = got == 0 ? EPROTO : errno;
    bool good = got == 0 && !answer.overflow && take_answer(buf_str(&answer), ret_status, body);
    buf_done(&answer);
    return good;
}

bool probe_get(const char *address, const char *path, int *ret_status, struct buf *body,
               char *error, size_t error_bytes)
{
    int fd = dial(address);
    bool good = fd >= 0 && exchange(fd, path, ret_status, body);
    if (!good)
        snprintf(error, error_bytes, "%s",
                 errno == EAGAIN ? "it does not answer" : strerror(errno));
    if (fd >= 0)
        close(fd);
    return good;
}

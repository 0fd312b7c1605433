/* Ports, tried before anything is started, so that a taken one is a sentence and not a crash loop.
 * Nothing is held: between the try and the role's own listener somebody else may come first, and
 * then the role says so itself. */

#include "cli/port.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT_FREE_FROM = 1024 };

static socklen_t to_sockaddr(const struct listen_address *address, struct sockaddr_storage *ret)
{
    *ret = (struct sockaddr_storage){0};
    if (address->is_v6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(address->port);
        int good = inet_pton(AF_INET6, address->host, &v6->sin6_addr);
        assert(good == 1);
        return sizeof(*v6);
    }
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address->port);
    int good = inet_pton(AF_INET, address->host, &v4->sin_addr);
    assert(good == 1);
    return sizeof(*v4);
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage bound;
    socklen_t len = sizeof(bound);
    if (getsockname(fd, (struct sockaddr *)&bound, &len) != 0)
        return 0;
    return ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                             : ((struct sockaddr_in *)&bound)->sin_port);
}

static void refuse(const struct listen_address *address, const char *option, int reason,
                   char *error, size_t error_bytes)
{
    char text[PORT_TEXT_BYTES];
    port_format(address, text);
    if (reason == EADDRINUSE)
        snprintf(error, error_bytes,
                 "%s is taken by another program: stop that one, or choose another port with "
                 "%s ADDRESS:PORT.",
                 text, option);
    else if (reason == EACCES)
        snprintf(error, error_bytes,
                 "%s needs root's permission: choose a port from 1024 on with %s ADDRESS:PORT.",
                 text, option);
    else if (reason == EADDRNOTAVAIL)
        snprintf(error, error_bytes,
                 "this machine has no address %s: choose another with %s ADDRESS:PORT.", text,
                 option);
    else
        snprintf(error, error_bytes, "%s cannot be used: %s; %s ADDRESS:PORT chooses another.",
                 text, strerror(reason), option);
}

bool port_is_free(struct listen_address *address, const char *option, char *error,
                  size_t error_bytes)
{
    struct sockaddr_storage wanted;
    socklen_t len = to_sockaddr(address, &wanted);
    int fd = socket(wanted.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    bool good = fd >= 0;
    if (good)
        /* As the listener does: connections that linger from an earlier run are no obstacle. */
        good = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
               bind(fd, (struct sockaddr *)&wanted, len) == 0 && listen(fd, 1) == 0;
    int reason = errno;
    if (good && address->port == 0)
        address->port = bound_port(fd);
    if (fd >= 0)
        close(fd);
    if (!good)
        refuse(address, option, reason, error, error_bytes);
    return good;
}

/* The address by which a listener on "any address" is reached from this machine. */
static struct listen_address reachable(const struct listen_address *address)
{
    struct listen_address local = *address;
    if (strcmp(address->host, "0.0.0.0") == 0)
        memcpy(local.host, "127.0.0.1", sizeof("127.0.0.1"));
    else if (strcmp(address->host, "::") == 0)
        memcpy(local.host, "::1", sizeof("::1"));
    return local;
}

bool port_is_low(const char *listen)
{
    struct listen_address address;
    return value_listen(str_from(listen), &address) && address.port != 0 &&
           address.port < PORT_FREE_FROM;
}

bool port_answers(const struct listen_address *address)
{
    struct listen_address local = reachable(address);
    struct sockaddr_storage wanted;
    socklen_t len = to_sockaddr(&local, &wanted);
    int fd = socket(wanted.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool good = connect(fd, (struct sockaddr *)&wanted, len) == 0;
    close(fd);
    return good;
}

void port_format(const struct listen_address *address, char text[static PORT_TEXT_BYTES])
{
    snprintf(text, PORT_TEXT_BYTES, address->is_v6 ? "[%s]:%u" : "%s:%u", address->host,
             (unsigned)address->port);
}

void port_format_reachable(const struct listen_address *address, char text[static PORT_TEXT_BYTES])
{
    struct listen_address local = reachable(address);
    port_format(&local, text);
}

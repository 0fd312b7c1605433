/* Ports and connections on the loopback. */

#include "loopback.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_PORT = 10240, TRIES = 1000 };

static struct sockaddr_in address_of(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static int make_socket(int type)
{
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        perror("socket");
        abort();
    }
    return fd;
}

/* Where the kernel's own choice for clients begins. */
static unsigned first_client_port(void)
{
    unsigned first = 0;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    if (file == NULL || fscanf(file, "%u", &first) != 1 || first <= FIRST_PORT)
        first = FIRST_PORT + 1;
    if (file != NULL)
        fclose(file);
    return first;
}

static bool is_free(uint16_t port)
{
    struct sockaddr_in address = address_of(port);
    int fd = make_socket(SOCK_STREAM), one = 1;
    /* As servers do, which take a port though old connections to it are not forgotten yet. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    bool is_free = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return is_free;
}

/* The same port of UDP, which no test serves, stands for it: it is had until this process ends,
 * also while the port's server is not there. */
static bool reserve(uint16_t port)
{
    struct sockaddr_in address = address_of(port);
    int fd = make_socket(SOCK_DGRAM);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return true;
    close(fd);
    return false;
}

uint16_t loopback_free_port(void)
{
    unsigned range = first_client_port() - FIRST_PORT;
    for (int i = 0; i < TRIES; i++) {
        uint16_t chance;
        if (getrandom(&chance, sizeof(chance), 0) != sizeof(chance))
            break;
        uint16_t port = (uint16_t)(FIRST_PORT + chance % range);
        if (is_free(port) && reserve(port))
            return port;
    }
    fprintf(stderr, "no port is free\n");
    abort();
}

static int connect_to(int fd, uint16_t port)
{
    struct sockaddr_in address = address_of(port);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static int or_abort(int fd)
{
    if (fd < 0) {
        perror("connect");
        abort();
    }
    return fd;
}

int loopback_try(uint16_t port)
{
    return connect_to(make_socket(SOCK_STREAM), port);
}

int loopback_dial(uint16_t port)
{
    return or_abort(loopback_try(port));
}

int loopback_dial_small(uint16_t port, int receive_bytes)
{
    int fd = make_socket(SOCK_STREAM);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
    return or_abort(connect_to(fd, port));
}

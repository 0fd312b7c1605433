/* Host names by the system's resolver, each question on a thread of its own, which touches nothing
 * but its question and says by one flag that it is done. Asked, and looked after in its tick, by
 * redis_link.c. Rejected: an answer by message, which would have to outlive the asker. */

#include "common/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct resolve {
    pthread_t thread;
    atomic_bool done; /* written last */
    bool found;
    char address[NI_MAXHOST];
    char host[];
};

bool resolve_is_address(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static void *ask(void *data)
{
    struct resolve *resolve = data;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *answers = NULL;
    if (getaddrinfo(resolve->host, NULL, &hints, &answers) == 0 && answers != NULL)
        resolve->found = getnameinfo(answers->ai_addr, answers->ai_addrlen, resolve->address,
                                     sizeof(resolve->address), NULL, 0, NI_NUMERICHOST) == 0;
    if (answers != NULL)
        freeaddrinfo(answers);
    atomic_store(&resolve->done, true);
    return NULL;
}

struct resolve *resolve_start(const char *host)
{
    size_t bytes = strlen(host) + 1;
    struct resolve *resolve = calloc(1, sizeof(*resolve) + bytes);
    if (resolve == NULL)
        abort();
    memcpy(resolve->host, host, bytes);
    if (pthread_create(&resolve->thread, NULL, ask, resolve) == 0)
        return resolve;
    free(resolve);
    return NULL;
}

bool resolve_is_done(const struct resolve *resolve)
{
    return atomic_load(&resolve->done);
}

const char *resolve_address(const struct resolve *resolve)
{
    return resolve->found ? resolve->address : NULL;
}

void resolve_free(struct resolve *resolve)
{
    if (resolve == NULL)
        return;
    pthread_join(resolve->thread, NULL);
    free(resolve);
}

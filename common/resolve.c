/* Host names by the system's resolver, each question on a thread of its own.
 *
 *   resolve_start ──▶ thread: getaddrinfo ──loop_post──▶ on_answer: join, fn, free
 *
 * Called by redis_link.c. The thread touches nothing but its question; the loop's queue orders what
 * it wrote before what on_answer() reads. */

#include "common/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct resolve {
    struct loop *loop;
    pthread_t thread;
    resolve_fn fn; /* NULL: cancelled */
    void *data;
    bool found, joined;
    char address[NI_MAXHOST];
    char host[];
};

bool resolve_is_address(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static void join(struct resolve *resolve)
{
    if (!resolve->joined)
        pthread_join(resolve->thread, NULL);
    resolve->joined = true;
}

static void on_answer(void *data)
{
    struct resolve *resolve = data;
    join(resolve);
    if (resolve->fn != NULL)
        resolve->fn(resolve->found ? resolve->address : NULL, resolve->data);
    free(resolve);
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
    loop_post(resolve->loop, on_answer, resolve);
    return NULL;
}

struct resolve *resolve_start(struct loop *loop, const char *host, resolve_fn fn, void *data)
{
    size_t bytes = strlen(host) + 1;
    struct resolve *resolve = calloc(1, sizeof(*resolve) + bytes);
    if (resolve == NULL)
        abort();
    memcpy(resolve->host, host, bytes);
    resolve->loop = loop;
    resolve->fn = fn;
    resolve->data = data;
    if (pthread_create(&resolve->thread, NULL, ask, resolve) == 0)
        return resolve;
    free(resolve);
    return NULL;
}

void resolve_cancel(struct resolve *resolve)
{
    if (resolve == NULL)
        return;
    resolve->fn = NULL;
    join(resolve);
}

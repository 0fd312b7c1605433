/* The scripted Redis. One connection at a time is enough for one writer. */

#include "fake_redis.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    ARGS_MAX = 16,
    INPUT_BYTES = 4 << 20,
    ENTRIES_MAX = 20000,
    WRITERS_MAX = 4096,
    STALL_MS = 300
};

struct entry {
    char *payload;
    size_t len;
};

struct row {
    char name[32];
    uint64_t last;
};

struct fake_redis {
    char dir[64], path[96];
    pthread_t thread;
    atomic_bool stop, is_released;
    pthread_mutex_t lock;
    struct entry entries[ENTRIES_MAX];
    size_t count;
    struct row rows[WRITERS_MAX];
    size_t row_count;
    enum fault (*next_fault)(void *data);
    void *data;
    char *input;
    size_t len;
};

static struct row *row_of(struct fake_redis *redis, struct str name)
{
    for (size_t i = 0; i < redis->row_count; i++)
        if (str_eq(str_from(redis->rows[i].name), name))
            return &redis->rows[i];
    struct row *row = &redis->rows[redis->row_count++];
    snprintf(row->name, sizeof(row->name), "%.*s", STR_ARG(name));
    row->last = 0;
    return row;
}

/* FCALL append 2 log writers writer seq payload now */
static const char *append(struct fake_redis *redis, const struct str *args)
{
    struct row *row = row_of(redis, args[5]);
    uint64_t number = strtoull(args[6].ptr, NULL, 10);
    if (number <= row->last)
        return "+DUP\r\n";
    if (number != row->last + 1)
        return "+GAP\r\n";
    row->last = number;
    char *copy = malloc(args[7].len);
    memcpy(copy, args[7].ptr, args[7].len);
    redis->entries[redis->count++] = (struct entry){copy, args[7].len};
    return "+OK\r\n";
}

/* Answers one command; false: close. */
static bool answer(struct fake_redis *redis, int fd, const struct str *args)
{
    const char *reply = "+OK\r\n";
    enum fault fault = FAULT_NONE;
    if (str_eq(args[0], STR_LIT("FCALL"))) {
        fault = redis->next_fault(redis->data);
        pthread_mutex_lock(&redis->lock);
        if (fault == FAULT_FORGET)
            redis->row_count = 0;
        if (fault != FAULT_CUT_BEFORE && fault != FAULT_ERROR)
            reply = append(redis, args);
        pthread_mutex_unlock(&redis->lock);
        if (fault == FAULT_ERROR)
            reply = "-OOM command not allowed\r\n";
    } else if (str_eq(args[0], STR_LIT("PUBLISH"))) {
        reply = ":0\r\n";
    }
    if (fault == FAULT_CUT_BEFORE || fault == FAULT_CUT_AFTER)
        return false;
    if (fault == FAULT_STALL)
        usleep(STALL_MS * 1000);
    while (fault == FAULT_HOLD && !atomic_load(&redis->is_released)) {
        if (atomic_load(&redis->stop))
            return false;
        usleep(1000);
    }
    return send(fd, reply, strlen(reply), MSG_NOSIGNAL) > 0;
}

/* Takes one command off the input; the number of its bytes, or 0 when it is not whole yet. */
static size_t parse(const char *input, size_t len, struct str args[ARGS_MAX])
{
    const char *at = input, *end = input + len, *line;
    if (len == 0 || (line = memchr(at, '\n', len)) == NULL)
        return 0;
    long count = strtol(at + 1, NULL, 10);
    at = line + 1;
    for (long i = 0; i < count; i++) {
        if (at >= end || (line = memchr(at, '\n', (size_t)(end - at))) == NULL)
            return 0;
        size_t bytes = strtoul(at + 1, NULL, 10);
        at = line + 1;
        if ((size_t)(end - at) < bytes + 2)
            return 0;
        args[i] = (struct str){at, bytes};
        at += bytes + 2;
    }
    return (size_t)(at - input);
}

static void serve(struct fake_redis *redis, int fd)
{
    struct str args[ARGS_MAX];
    redis->len = 0;
    while (!atomic_load(&redis->stop)) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (poll(&poll_fd, 1, 20) == 0)
            continue;
        ssize_t got = recv(fd, redis->input + redis->len, INPUT_BYTES - redis->len, 0);
        if (got <= 0)
            return;
        redis->len += (size_t)got;
        size_t used;
        while ((used = parse(redis->input, redis->len, args)) > 0) {
            if (!answer(redis, fd, args))
                return;
            memmove(redis->input, redis->input + used, redis->len - used);
            redis->len -= used;
        }
    }
}

static void *run(void *data)
{
    struct fake_redis *redis = data;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", redis->path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)unlink(redis->path);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 8) != 0)
        abort();
    while (!atomic_load(&redis->stop)) {
        struct pollfd poll_fd = {.fd = listener, .events = POLLIN};
        if (poll(&poll_fd, 1, 20) == 0)
            continue;
        int fd = accept(listener, NULL, NULL);
        serve(redis, fd);
        close(fd);
    }
    close(listener);
    (void)unlink(redis->path);
    return NULL;
}

struct fake_redis *fake_redis_start(enum fault (*next_fault)(void *data), void *data)
{
    struct fake_redis *redis = calloc(1, sizeof(*redis));
    redis->input = malloc(INPUT_BYTES);
    redis->next_fault = next_fault;
    redis->data = data;
    pthread_mutex_init(&redis->lock, NULL);
    snprintf(redis->dir, sizeof(redis->dir), "/tmp/footfall-fake-XXXXXX");
    if (mkdtemp(redis->dir) == NULL)
        abort();
    snprintf(redis->path, sizeof(redis->path), "%s/redis.sock", redis->dir);
    fake_redis_resume(redis);
    return redis;
}

void fake_redis_pause(struct fake_redis *redis)
{
    atomic_store(&redis->stop, true);
    pthread_join(redis->thread, NULL);
}

void fake_redis_resume(struct fake_redis *redis)
{
    atomic_store(&redis->stop, false);
    pthread_create(&redis->thread, NULL, run, redis);
}

void fake_redis_release(struct fake_redis *redis)
{
    atomic_store(&redis->is_released, true);
}

void fake_redis_stop(struct fake_redis *redis)
{
    if (!atomic_load(&redis->stop))
        fake_redis_pause(redis);
    for (size_t i = 0; i < redis->count; i++)
        free(redis->entries[i].payload);
    (void)rmdir(redis->dir);
    free(redis->input);
    free(redis);
}

const char *fake_redis_path(const struct fake_redis *redis)
{
    return redis->path;
}

size_t fake_redis_count(struct fake_redis *redis)
{
    pthread_mutex_lock(&redis->lock);
    size_t count = redis->count;
    pthread_mutex_unlock(&redis->lock);
    return count;
}

struct str fake_redis_payload(struct fake_redis *redis, size_t index)
{
    return (struct str){redis->entries[index].payload, redis->entries[index].len};
}

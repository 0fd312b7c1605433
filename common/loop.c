/* One thread's event loop: libh2o's, with repeating timers and messages.
 *
 * libh2o's own timers are one interval with a queue of entries each; here each timer is an interval
 * of its own, so a loop should have few. Its clock is the wall clock of the last turn, so a step of
 * the clock moves timers; whoever measures an interval uses common/clock. */

#include "common/loop.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/h2o_loop.h"

struct loop_message {
    h2o_multithread_message_t super;
    loop_fn fn;
    void *data;
};

struct loop_timer {
    struct loop *loop;
    h2o_timeout_t timeout;
    h2o_timeout_entry_t entry;
    loop_fn fn;
    void *data;
};

struct loop_watch {
    h2o_socket_t *socket;
    loop_fn on_readable;
    void *data;
};

static struct loop_message *take_message(h2o_linklist_t *messages)
{
    if (h2o_linklist_is_empty(messages))
        return NULL;
    h2o_multithread_message_t *super =
        H2O_STRUCT_FROM_MEMBER(h2o_multithread_message_t, link, messages->next);
    h2o_linklist_unlink(&super->link);
    return H2O_STRUCT_FROM_MEMBER(struct loop_message, super, super);
}

static void on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct loop_message *message;
    (void)receiver;
    while ((message = take_message(messages)) != NULL) {
        loop_fn fn = message->fn;
        void *data = message->data;
        free(message);
        fn(data);
    }
}

struct loop *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL)
        abort();
    loop->h2o = h2o_evloop_create();
    loop->queue = h2o_multithread_create_queue(loop->h2o);
    h2o_multithread_register_receiver(loop->queue, &loop->receiver, on_messages);
    return loop;
}

void loop_free(struct loop *loop)
{
    struct loop_message *message;
    while ((message = take_message(&loop->receiver._messages)) != NULL)
        free(message);
    h2o_multithread_unregister_receiver(loop->queue, &loop->receiver);
    h2o_multithread_destroy_queue(loop->queue);
    /* Closed sockets are freed by a turn. */
    (void)h2o_evloop_run(loop->h2o, 0);
    h2o_evloop_destroy(loop->h2o);
    free(loop);
}

void loop_turn(struct loop *loop, int32_t timeout_ms)
{
    /* -1 on a signal is no failure: the caller decides when to end. */
    (void)h2o_evloop_run(loop->h2o, timeout_ms);
}

void loop_post(struct loop *loop, loop_fn fn, void *data)
{
    struct loop_message *message = calloc(1, sizeof(*message));
    if (message == NULL)
        abort();
    message->fn = fn;
    message->data = data;
    h2o_multithread_send_message(&loop->receiver, &message->super);
}

static void on_timeout(h2o_timeout_entry_t *entry)
{
    struct loop_timer *timer = H2O_STRUCT_FROM_MEMBER(struct loop_timer, entry, entry);
    h2o_timeout_link(timer->loop->h2o, &timer->timeout, &timer->entry);
    timer->fn(timer->data);
}

struct loop_timer *loop_timer_new(struct loop *loop, uint32_t interval_ms, loop_fn fn, void *data)
{
    assert(interval_ms > 0);
    struct loop_timer *timer = calloc(1, sizeof(*timer));
    if (timer == NULL)
        abort();
    *timer = (struct loop_timer){.loop = loop, .fn = fn, .data = data};
    h2o_timeout_init(loop->h2o, &timer->timeout, interval_ms);
    timer->entry.cb = on_timeout;
    h2o_timeout_link(loop->h2o, &timer->timeout, &timer->entry);
    return timer;
}

void loop_timer_free(struct loop_timer *timer)
{
    if (timer == NULL)
        return;
    h2o_timeout_unlink(&timer->entry);
    h2o_timeout_dispose(timer->loop->h2o, &timer->timeout);
    free(timer);
}

static void on_watch(h2o_socket_t *socket, const char *err)
{
    struct loop_watch *watch = socket->data;
    (void)err;
    watch->on_readable(watch->data);
}

struct loop_watch *loop_watch_new(struct loop *loop, int fd, loop_fn on_readable, void *data)
{
    struct loop_watch *watch = calloc(1, sizeof(*watch));
    /* libh2o closes what it watches; the caller's descriptor is his. */
    int own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (watch == NULL || own_fd < 0)
        abort();
    watch->socket = h2o_evloop_socket_create(loop->h2o, own_fd, H2O_SOCKET_FLAG_DONT_READ);
    watch->socket->data = watch;
    watch->on_readable = on_readable;
    watch->data = data;
    h2o_socket_read_start(watch->socket, on_watch);
    return watch;
}

void loop_watch_free(struct loop_watch *watch)
{
    if (watch == NULL)
        return;
    h2o_socket_close(watch->socket);
    free(watch);
}

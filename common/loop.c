/* One thread's event loop: libh2o's, with repeating timers and messages.
 *
 * Timers are a list of our own, walked before each wait, and not libh2o's: those go by the wall
 * clock, and one that is set back by an hour would keep every reply, retry and section waiting for
 * that hour. libh2o's own limits on slow requests still do.
 *
 * Messages are a list of our own behind an eventfd, and not libh2o's queue: that one reads a pipe
 * through an input buffer, whose memory comes from the thread that made it. A loop made on one
 * thread and turned on another would share that thread's unlocked store of buffers, and two
 * connections could be given the same one. For the same reason no socket here has an input buffer
 * (DONT_READ), and sockets are made and closed by the thread that turns the loop. */

#include "common/loop.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/h2o_loop.h"

struct loop_message {
    struct loop_message *next;
    loop_fn fn;
    loop_fn drop; /* NULL: nothing is to be let go of */
    void *data;
};

struct loop_timer {
    struct loop *loop;
    struct loop_timer *next, **link;
    uint32_t interval_ms;
    int64_t due_ms;
    loop_fn fn;
    void *data;
};

struct loop_watch {
    h2o_socket_t *socket;
    loop_fn on_readable;
    void *data;
};

/* --- Messages -------------------------------------------------------------------------------- */

static struct loop_message *take_messages(struct loop *loop, bool ending)
{
    pthread_mutex_lock(&loop->lock);
    struct loop_message *first = loop->first;
    loop->first = NULL;
    loop->last = &loop->first;
    loop->ended = ending;
    pthread_mutex_unlock(&loop->lock);
    return first;
}

static void on_wake(void *data)
{
    struct loop *loop = data;
    eventfd_t count;
    (void)eventfd_read(loop->event_fd, &count);
    struct loop_message *message = take_messages(loop, false);
    while (message != NULL) {
        struct loop_message taken = *message;
        free(message);
        message = taken.next;
        taken.fn(taken.data);
    }
}

static void drop(struct loop_message *message)
{
    if (message->drop != NULL)
        message->drop(message->data);
    free(message);
}

void loop_post_or_drop(struct loop *loop, loop_fn fn, loop_fn drop_fn, void *data)
{
    struct loop_message *message = malloc(sizeof(*message));
    if (message == NULL)
        abort();
    *message = (struct loop_message){.fn = fn, .drop = drop_fn, .data = data};
    pthread_mutex_lock(&loop->lock);
    bool ended = loop->ended, was_empty = loop->first == NULL;
    if (!ended) {
        *loop->last = message;
        loop->last = &message->next;
    }
    pthread_mutex_unlock(&loop->lock);
    if (ended)
        drop(message);
    else if (was_empty)
        (void)eventfd_write(loop->event_fd, 1);
}

void loop_post(struct loop *loop, loop_fn fn, void *data)
{
    loop_post_or_drop(loop, fn, NULL, data);
}

/* --- Life ------------------------------------------------------------------------------------ */

struct loop *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL)
        abort();
    loop->h2o = h2o_evloop_create();
    loop->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->event_fd < 0 || pthread_mutex_init(&loop->lock, NULL) != 0)
        abort();
    loop->last = &loop->first;
    return loop;
}

void loop_end(struct loop *loop)
{
    assert(loop->timers == NULL && !loop->ended);
    loop_watch_free(loop->wake);
    loop->wake = NULL;
    /* Closed sockets are freed by a turn. */
    (void)h2o_evloop_run(loop->h2o, 0);
    h2o_evloop_destroy(loop->h2o);
    loop->h2o = NULL;
    struct loop_message *message = take_messages(loop, true);
    while (message != NULL) {
        struct loop_message *next = message->next;
        drop(message);
        message = next;
    }
}

void loop_free(struct loop *loop)
{
    if (!loop->ended)
        loop_end(loop);
    close(loop->event_fd);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

/* --- Turns ----------------------------------------------------------------------------------- */

/* Runs the timers that are due; a callback may free any timer, and make new ones. False when none
 * was; *ret_wait_ms is then cut to when the next one is. */
static bool run_timers(struct loop *loop, int32_t *ret_wait_ms)
{
    bool ran = false;
    int64_t now_ms = clock_mono_ms();
    for (struct loop_timer *timer = loop->timers; timer != NULL; timer = loop->next_timer) {
        loop->next_timer = timer->next;
        if (timer->due_ms <= now_ms) {
            timer->due_ms = now_ms + timer->interval_ms;
            ran = true;
            timer->fn(timer->data);
        } else if (timer->due_ms - now_ms < *ret_wait_ms) {
            *ret_wait_ms = (int32_t)(timer->due_ms - now_ms);
        }
    }
    return ran;
}

void loop_turn(struct loop *loop, int32_t timeout_ms)
{
    /* Here and not in loop_new(), which another thread may have called: see above. */
    if (loop->wake == NULL)
        loop->wake = loop_watch_new(loop, loop->event_fd, on_wake, loop);
    /* What a timer has written must be seen to at once: libh2o does so when it does not wait. */
    if (run_timers(loop, &timeout_ms))
        timeout_ms = 0;
    /* -1 on a signal is no failure: the caller decides when to end. */
    (void)h2o_evloop_run(loop->h2o, timeout_ms);
}

/* --- Timers ---------------------------------------------------------------------------------- */

struct loop_timer *loop_timer_new(struct loop *loop, uint32_t interval_ms, loop_fn fn, void *data)
{
    assert(interval_ms > 0);
    struct loop_timer *timer = calloc(1, sizeof(*timer));
    if (timer == NULL)
        abort();
    *timer = (struct loop_timer){.loop = loop,
                                 .next = loop->timers,
                                 .link = &loop->timers,
                                 .interval_ms = interval_ms,
                                 .due_ms = clock_mono_ms() + interval_ms,
                                 .fn = fn,
                                 .data = data};
    if (timer->next != NULL)
        timer->next->link = &timer->next;
    loop->timers = timer;
    return timer;
}

void loop_timer_free(struct loop_timer *timer)
{
    if (timer == NULL)
        return;
    if (timer->loop->next_timer == timer)
        timer->loop->next_timer = timer->next;
    *timer->link = timer->next;
    if (timer->next != NULL)
        timer->next->link = timer->link;
    free(timer);
}

/* --- Watches --------------------------------------------------------------------------------- */

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

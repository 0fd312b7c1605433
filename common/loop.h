#pragma once

/* One thread's event loop (libh2o's), with repeating timers and messages from other threads.
 * Everything is called on the loop's own thread, but loop_post() and its sister. */

#include <stdbool.h>
#include <stdint.h>

struct loop;

typedef void (*loop_fn)(void *data);

/* On any thread: its own is the first that turns it. */
struct loop *loop_new(void);
/* The end on its own thread: what is not run yet, and what is posted from now on, is dropped. No
 * timer may be running, no link or server attached. */
void loop_end(struct loop *loop);
/* On any thread once it has ended, else on its own. */
void loop_free(struct loop *loop);
/* Waits at most `timeout_ms`, runs what is ready, returns. */
void loop_turn(struct loop *loop, int32_t timeout_ms);

/* Runs `fn(data)` on the loop's thread at its next turn; thread-safe. */
void loop_post(struct loop *loop, loop_fn fn, void *data);
/* The same; where the loop ends before, `drop(data)` on any thread, for what `data` owns. */
void loop_post_or_drop(struct loop *loop, loop_fn fn, loop_fn drop, void *data);

/* A repeating timer, by the monotonic clock: at most a handful a loop (each turn walks them all).
 */
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *loop, uint32_t interval_ms, loop_fn fn, void *data);
/* Also from within a timer's callback. */
void loop_timer_free(struct loop_timer *timer);

/* A watched descriptor that only tells when it can be read; the descriptor stays the caller's. */
struct loop_watch;
struct loop_watch *loop_watch_new(struct loop *loop, int fd, loop_fn on_readable, void *data);
void loop_watch_free(struct loop_watch *watch);

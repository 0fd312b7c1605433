/* The site list, kept fresh. Two links, since a subscribed one can ask nothing. */

#include "aggregator/site_watch.h"

#include <stdlib.h>

#include "aggregator/model.h"
#include "common/clock.h"
#include "common/log.h"

enum { WATCH_TICK_MS = 1000, WATCH_REREAD_MS = 60000, CHANNEL_BYTES_MAX = 64 };

struct site_watch {
    struct redis_link *asking;
    struct redis_link *listening;
    struct loop_timer *tick;
    int64_t read_at_ms; /* the next time, unless something comes before */
    void (*on_list)(struct site_list *list, void *data);
    void *data;
    bool ready, again, under_way;
};

static void read_sites(struct site_watch *watch);

struct site_list *site_list_of_reply(const struct redis_reply *reply, size_t *ret_bad)
{
    size_t pairs = redis_reply_count(reply) / 2, count = 0, bad = 0;
    struct site **sites = calloc(pairs + 1, sizeof(*sites));
    if (sites == NULL)
        abort();
    for (size_t i = 0; i < pairs; i++) {
        char error[160];
        struct site *site = count == SITES_MAX
                                ? NULL
                                : site_parse(redis_reply_str(redis_reply_at(reply, 2 * i)),
                                             redis_reply_str(redis_reply_at(reply, 2 * i + 1)),
                                             error, sizeof(error));
        if (site != NULL)
            sites[count++] = site;
        else
            bad++;
    }
    struct site_list *list = site_list_new(sites, count);
    free(sites);
    *ret_bad = bad;
    return list;
}

static struct site_list *list_of(const struct redis_reply *reply)
{
    size_t bad;
    struct site_list *list = site_list_of_reply(reply, &bad);
    if (bad > 0)
        log_warn("%zu sites of the list cannot be read or are over the limit of %d; they are not "
                 "counted",
                 bad, SITES_MAX);
    return list;
}

static void on_sites(const struct redis_reply *reply, void *data)
{
    struct site_watch *watch = data;
    watch->under_way = false;
    if (reply != NULL && redis_reply_type(reply) == REDIS_TYPE_ARRAY) {
        watch->ready = true;
        watch->on_list(list_of(reply), watch->data);
    } else if (reply != NULL) {
        watch->read_at_ms = clock_mono_ms() + WATCH_TICK_MS;
    }
    if (watch->again)
        read_sites(watch);
}

static void read_sites(struct site_watch *watch)
{
    /* A change while reading may be missed by that reading: read again after it. */
    watch->again = watch->under_way;
    if (watch->under_way)
        return;
    watch->read_at_ms = clock_mono_ms() + WATCH_REREAD_MS;
    struct buf key;
    buf_init(&key, CHANNEL_BYTES_MAX);
    model_key_sites(&key);
    const struct str argv[] = {STR_LIT("HGETALL"), buf_str(&key)};
    watch->under_way = redis_link_send(watch->asking, ARRAY_LEN(argv), argv, on_sites, watch);
    buf_done(&key);
}

/* The asking link is up, or the listening one hears. */
static void on_ready(void *data)
{
    read_sites(data);
}

static void on_tick(void *data)
{
    struct site_watch *watch = data;
    if (clock_mono_ms() >= watch->read_at_ms)
        read_sites(watch);
}

static void on_change(struct str channel, struct str message, void *data)
{
    (void)channel;
    (void)message;
    read_sites(data);
}

struct site_watch *site_watch_new(struct loop *loop, const struct redis_address *address,
                                  void (*on_list)(struct site_list *list, void *data), void *data)
{
    struct site_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        abort();
    watch->on_list = on_list;
    watch->data = data;
    struct buf channel;
    buf_init(&channel, CHANNEL_BYTES_MAX);
    model_channel_sites(&channel);
    watch->listening = redis_link_new(
        loop, address, &(struct redis_link_events){.on_subscribed = on_ready, .data = watch});
    redis_link_subscribe(watch->listening, buf_str(&channel), on_change, watch);
    buf_done(&channel);
    watch->asking = redis_link_new(loop, address,
                                   &(struct redis_link_events){.on_up = on_ready, .data = watch});
    watch->tick = loop_timer_new(loop, WATCH_TICK_MS, on_tick, watch);
    return watch;
}

void site_watch_free(struct site_watch *watch)
{
    if (watch == NULL)
        return;
    loop_timer_free(watch->tick);
    /* The pending reply is told NULL while the watch still lives. */
    watch->again = false;
    redis_link_free(watch->asking);
    redis_link_free(watch->listening);
    free(watch);
}

bool site_watch_is_ready(const struct site_watch *watch)
{
    return watch->ready;
}

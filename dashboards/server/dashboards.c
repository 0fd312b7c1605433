/* The dashboards' process: one worker, since questions wait for Redis and not for a CPU, and one
 * loop needs no lock. It reads with a user of Redis that can write nothing. */

#include "dashboards/server/dashboards.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "aggregator/site_watch.h"
#include "common/admin.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"
#include "dashboards/server/api.h"
#include "dashboards/server/backlog.h"
#include "dashboards/server/dashboards_metrics.h"
#include "dashboards/server/desk.h"
#include "dashboards/server/feed.h"

enum { DASHBOARDS_STOP_MS = 5000, REPORT_MS = 1000, SENTENCE_BYTES = 512 };

struct dashboards {
    struct desk desk;
    struct redis_address redis;
    struct http_server *server;
    struct site_watch *site_watch;
    struct loop_timer *tick;
    struct loop_timer *each_second;
    struct metrics *metrics;
    struct health *health;
    struct admin *admin;
    int signal_fd; /* -1: signals are somebody else's */
    struct loop_watch *signals;
};

#define GET (1u << HTTP_GET)

static const struct http_route ROUTES[] = {
    {.path = STR_LIT("/api/v2/query"), .methods = 1u << HTTP_POST, .handler = api_handle_query},
    {.path = STR_LIT("/api/v2/export/"),
     .prefix = true,
     .methods = GET,
     .handler = api_handle_export},
    {.path = STR_LIT("/api/live/"), .prefix = true, .methods = GET, .handler = feed_handle},
    {.path = STR_LIT("/api/sites"), .methods = GET, .handler = api_handle_sites},
    {.path = STR_LIT("/healthz"), .methods = GET, .handler = api_handle_health},
    {.path = STR_LIT("/readyz"), .methods = GET, .handler = api_handle_ready},
    {.path = STR_LIT("/"), .prefix = true, .methods = GET, .handler = api_handle_page},
};

/* --- The worker ---------------------------------------------------------------------------------
 */

static void on_site_list(struct site_list *list, void *data)
{
    struct dashboards *dashboards = data;
    site_list_unref(dashboards->desk.sites);
    dashboards->desk.sites = list;
    metrics_set(dashboards->desk.metrics, DASHBOARDS_SITES_READ,
                (uint64_t)(clock_wall_ms() / 1000));
}

static void on_live(struct str channel, struct str message, void *data)
{
    struct dashboards *dashboards = data;
    struct buf prefix;
    /* What cannot be kept shows when it is applied. */
    if (!overlay_put(dashboards->desk.overlay, message, clock_mono_ms()))
        metrics_add(dashboards->desk.metrics, DASHBOARDS_MESSAGES_LEFT, 1);
    buf_init(&prefix, 64);
    model_channel_live(&prefix, STR_EMPTY);
    feed_nudge(&dashboards->desk, str_from_at(channel, prefix.len));
    buf_done(&prefix);
}

static void on_tick(void *data)
{
    struct dashboards *dashboards = data;
    overlay_expire(dashboards->desk.overlay, clock_mono_ms());
    feed_tick(&dashboards->desk);
}

static void tell_cache(const struct desk *desk)
{
    static const enum dashboards_metric ROWS[QUERY_CACHE_OUTCOME__COUNT] = {
        [QUERY_CACHE_HIT] = DASHBOARDS_CACHE_HITS,
        [QUERY_CACHE_MISS] = DASHBOARDS_CACHE_MISSES,
        [QUERY_CACHE_OUTDATED] = DASHBOARDS_CACHE_OUTDATED,
    };
    struct query_cache_figures figures = query_cache_figures(desk->kept);
    for (int o = 0; o < QUERY_CACHE_OUTCOME__COUNT; o++)
        metrics_set(desk->metrics, ROWS[o], figures.outcomes[o]);
    metrics_set(desk->metrics, DASHBOARDS_CACHE_EVICTIONS, figures.evicted);
    metrics_set(desk->metrics, DASHBOARDS_CACHE_BYTES, figures.bytes);
}

static void on_second(void *data)
{
    struct dashboards *dashboards = data;
    struct desk *desk = &dashboards->desk;
    struct health *health = dashboards->health;
    size_t sites = desk->sites == NULL ? 0 : site_list_count(desk->sites);
    metrics_set(desk->metrics, DASHBOARDS_QUESTIONS, desk->questions);
    metrics_set(desk->metrics, DASHBOARDS_STREAMS, feed_streams(desk));
    metrics_set(desk->metrics, DASHBOARDS_LINK, redis_link_is_up(desk->link));
    metrics_set(desk->metrics, DASHBOARDS_CONNECTIONS,
                http_server_connections(dashboards->server, 0));
    metrics_set(desk->metrics, DASHBOARDS_CONNECTIONS_ENDED,
                http_server_connections_ended(dashboards->server, 0));
    metrics_set(desk->metrics, DASHBOARDS_REPLIES_REFUSED,
                http_server_replies_refused(dashboards->server, 0));
    metrics_set(desk->metrics, DASHBOARDS_SITES, sites);
    tell_cache(desk);
    backlog_poll(desk);
    health_set(health, 0, DASHBOARDS_CHECK_SITES, desk->sites != NULL, sites);
    health_set(health, 0, DASHBOARDS_CHECK_REDIS, redis_link_is_up(desk->link), 0);
    health_set(health, 0, DASHBOARDS_CHECK_STORE, !desk->is_behind, desk->log_entries);
    health_set(health, 0, DASHBOARDS_CHECK_LIVE, redis_link_is_up(desk->subscription), 0);
    health_beat(health, 0);
}

static void on_signal(void *data)
{
    struct dashboards *dashboards = data;
    struct signalfd_siginfo info;
    while (read(dashboards->signal_fd, &info, sizeof(info)) == sizeof(info))
        http_server_stop(dashboards->server);
}

static void *on_worker_start(struct loop *loop, unsigned index, void *server_data)
{
    struct dashboards *dashboards = server_data;
    struct desk *desk = &dashboards->desk;
    struct redis_link_events no_events = {0};
    struct buf pattern;
    (void)index;
    desk->loop = loop;
    desk->overlay = overlay_new();
    desk->kept = query_cache_new(QUERY_CACHE_BYTES_MAX);
    desk->link = redis_link_new(loop, &dashboards->redis, &no_events);
    desk->subscription = redis_link_new(loop, &dashboards->redis, &no_events);
    buf_init(&pattern, 64);
    model_channel_live(&pattern, STR_LIT("*"));
    redis_link_subscribe(desk->subscription, buf_str(&pattern), on_live, dashboards);
    buf_done(&pattern);
    dashboards->site_watch = site_watch_new(loop, &dashboards->redis, on_site_list, dashboards);
    dashboards->tick = loop_timer_new(loop, FEED_TICK_MS, on_tick, dashboards);
    dashboards->each_second = loop_timer_new(loop, REPORT_MS, on_second, dashboards);
    if (dashboards->signal_fd >= 0)
        dashboards->signals = loop_watch_new(loop, dashboards->signal_fd, on_signal, dashboards);
    return desk;
}

static bool on_stop(void *worker_data)
{
    struct desk *desk = worker_data;
    desk->stopping = true;
    return desk->questions == 0;
}

/* A front may ask its readers who they are: what hides behind a body would be somebody else's. */
static bool should_close(const struct http_request *req, void *worker_data)
{
    const struct desk *desk = worker_data;
    (void)req;
    return desk->config->http.close_after_body != CLOSE_NEVER;
}

static void on_worker_end(void *worker_data)
{
    struct dashboards *dashboards = CONTAINER_OF(struct dashboards, desk, worker_data);
    struct desk *desk = &dashboards->desk;
    desk->stopping = true;
    if (dashboards->signals != NULL)
        loop_watch_free(dashboards->signals);
    loop_timer_free(dashboards->tick);
    loop_timer_free(dashboards->each_second);
    site_watch_free(dashboards->site_watch);
    redis_link_free(desk->subscription);
    redis_link_free(desk->link); /* what is still asked fails here */
    overlay_free(desk->overlay);
    query_cache_free(desk->kept);
    site_list_unref(desk->sites);
}

/* --- The process --------------------------------------------------------------------------------
 */

/* What the operator is told, and where to ask. */
static bool tell_operator(struct dashboards *dashboards, char *error, size_t error_bytes)
{
    const struct admin_options options = {.listen = dashboards->desk.config->dashboards.admin,
                                          .role = "dashboards",
                                          .metrics = dashboards->metrics,
                                          .health = dashboards->health};
    return admin_start(&options, &dashboards->admin, error, error_bytes);
}

struct dashboards *dashboards_new(const struct config *config, const struct redis_address *redis,
                                  char *error, size_t error_bytes)
{
    struct dashboards *dashboards = calloc(1, sizeof(*dashboards));
    if (dashboards == NULL)
        abort();
    *dashboards = (struct dashboards){.desk = {.config = config}, .redis = *redis, .signal_fd = -1};
    dashboards->metrics = metrics_new(DASHBOARDS_METRIC_ROWS, DASHBOARDS__COUNT, 1);
    dashboards->desk.metrics = metrics_part(dashboards->metrics, 0);
    dashboards->health = health_new(DASHBOARDS_CHECK_ROWS, DASHBOARDS_CHECK__COUNT, 1);
    dashboards->server = http_server_new(
        &(struct http_options){
            .listen = config->dashboards.listen,
            .workers = 1,
            .connections_max = config->http.connections,
            .body_bytes_max = QUERY_BODY_BYTES_MAX,
            .routes = ROUTES,
            .route_count = ARRAY_LEN(ROUTES),
            .on_worker_start = on_worker_start,
            .on_stop = on_stop,
            .on_worker_end = on_worker_end,
            .close_after_body = should_close,
            .server_data = dashboards,
        },
        error, error_bytes);
    if (dashboards->server == NULL || !tell_operator(dashboards, error, error_bytes)) {
        dashboards_free(dashboards);
        return NULL;
    }
    return dashboards;
}

struct http_server *dashboards_server(struct dashboards *dashboards)
{
    return dashboards->server;
}

void dashboards_serve(struct dashboards *dashboards)
{
    http_server_run(dashboards->server, DASHBOARDS_STOP_MS);
}

void dashboards_free(struct dashboards *dashboards)
{
    admin_stop(dashboards->admin);
    http_server_free(dashboards->server);
    metrics_free(dashboards->metrics);
    health_free(dashboards->health);
    if (dashboards->signal_fd >= 0)
        close(dashboards->signal_fd);
    explicit_bzero(&dashboards->redis, sizeof(dashboards->redis));
    free(dashboards);
}

static int block_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

int dashboards_run(const struct config *config)
{
    char error[SENTENCE_BYTES];
    struct redis_address redis;
    log_init("dashboards");
    log_silence_stderr();
    if (!config_redis_address(config, "dashboards", &redis, error, sizeof(error))) {
        log_error("%s", error);
        return 1;
    }
    struct dashboards *dashboards = dashboards_new(config, &redis, error, sizeof(error));
    explicit_bzero(&redis, sizeof(redis));
    if (dashboards == NULL) {
        log_error("%s", error);
        return 1;
    }
    dashboards->signal_fd = block_signals();
    log_info("listening on %s, port %u", config->dashboards.listen,
             http_server_port(dashboards->server));
    dashboards_serve(dashboards);
    log_info("stopped");
    dashboards_free(dashboards);
    return 0;
}

/* The collector as a process.
 *
 * Worker 0 runs on the main thread and does the house-keeping as well: signals, the site list, the
 * geo databases (loaded on a thread of their own, since that blocks), and the end of days' keys.
 * What changes goes to each worker as a message with a reference of its own. Until Redis has told
 * its list the workers count by the copy that an earlier process has kept. */

#include "collector/collect.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aggregator/site_watch.h"
#include "collector/asset_http.h"
#include "collector/beacon_http.h"
#include "collector/collect_metrics.h"
#include "collector/compat_http.h"
#include "collector/optout_http.h"
#include "collector/worker.h"
#include "common/admin.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"

enum { HOUSEKEEPING_MS = 10000, STOP_DEADLINE_MS = 10000, SENTENCE_BYTES = 512 };

struct house {
    struct collector collector;
    struct admin *admin;
    int signal_fd;
    struct loop_watch *signals;
    struct loop_timer *housekeeping;
    struct site_watch *site_watch;
    struct site_list *sites; /* worker 0's view, for the house-keeping */
    bool sites_are_copied;
    struct site_list *copy; /* as found at the start, or NULL: with it every worker begins */
    int64_t copy_written_ms;
    struct region_database *regions;
    struct loop *loop; /* worker 0's */
    /* The loading thread, and what it has found: its own until it has told worker 0. */
    bool loading;
    pthread_t loader;
    struct region_database *loaded;
};

static struct house *house_of(struct collector *collector)
{
    return CONTAINER_OF(struct house, collector, collector);
}

/* --- Sites ----------------------------------------------------------------------------------- */

static void take_sites(void *worker_data, void *data)
{
    struct worker *worker = worker_data;
    if (worker == NULL) {
        site_list_unref(data);
        return;
    }
    site_list_unref(worker->sites);
    worker->sites = data;
    worker->sites_are_copied = false;
    worker->sites_read_ms = clock_wall_ms();
}

static void on_site_list(struct site_list *list, void *data)
{
    struct house *house = data;
    struct http_server *server = house->collector.server;
    for (unsigned i = 0; i < http_server_workers(server); i++)
        http_server_post(server, i, take_sites, site_list_ref(list));
    if (house->collector.site_keeper != NULL)
        site_keeper_keep(house->collector.site_keeper, list);
    site_list_unref(house->sites);
    house->sites = list;
    house->sites_are_copied = false;
}

/* Without a copy everything goes on as well, but a start while Redis is away counts nothing. */
static void open_copy(struct house *house, const struct config *config)
{
    char error[SENTENCE_BYTES], folder[CONFIG_PATH_BYTES_MAX];
    int len = snprintf(folder, sizeof(folder), "%s/sites", config->data);
    if (len < 0 || (size_t)len >= sizeof(folder))
        return;
    house->collector.site_keeper = site_keeper_new(folder, error, sizeof(error));
    if (house->collector.site_keeper == NULL)
        log_warn("%s", error);
    else
        house->copy = site_keeper_read(house->collector.site_keeper, &house->copy_written_ms);
    if (house->copy == NULL)
        return;
    house->sites = site_list_ref(house->copy);
    house->sites_are_copied = true;
}

static void begin_with_copy(const struct house *house, struct worker *worker)
{
    if (house->copy == NULL)
        return;
    worker->sites = site_list_ref(house->copy);
    worker->sites_are_copied = true;
    worker->sites_read_ms = house->copy_written_ms;
}

/* --- Geo databases --------------------------------------------------------------------------- */

static void take_regions(void *worker_data, void *data)
{
    struct worker *worker = worker_data;
    if (worker == NULL) {
        region_database_unref(data);
        return;
    }
    region_database_unref(worker->regions);
    worker->regions = data;
}

static struct region_database *open_regions(const struct config *config)
{
    char error[SENTENCE_BYTES];
    if (config->geo.database.count == 0)
        return NULL;
    struct region_database *regions =
        region_database_open((const char *const *)config->geo.database.items,
                             config->geo.database.count, error, sizeof(error));
    if (regions == NULL)
        log_warn("%s; regions stay as they were", error);
    return regions;
}

static void share_regions(struct house *house, struct region_database *regions)
{
    struct http_server *server = house->collector.server;
    for (unsigned i = 0; i < http_server_workers(server); i++)
        http_server_post(server, i, take_regions, region_database_ref(regions));
}

static struct region_database *end_loading(struct house *house)
{
    struct region_database *regions;
    pthread_join(house->loader, NULL);
    house->loading = false;
    regions = house->loaded;
    house->loaded = NULL;
    return regions;
}

/* On worker 0, after the loading thread. */
static void on_regions(void *data)
{
    struct house *house = data;
    struct region_database *regions = end_loading(house);
    if (regions == NULL)
        return;
    log_info("geo database read anew");
    share_regions(house, regions);
    region_database_unref(house->regions);
    house->regions = regions;
}

static void *load_regions(void *data)
{
    struct house *house = data;
    house->loaded = open_regions(house->collector.config);
    loop_post(house->loop, on_regions, house);
    return NULL;
}

static void reload_regions(struct house *house)
{
    if (!house->loading)
        house->loading = pthread_create(&house->loader, NULL, load_regions, house) == 0;
}

/* --- House-keeping --------------------------------------------------------------------------- */

static bool is_over(struct str domain, uint32_t date, void *data)
{
    const struct house *house = data;
    const struct site *site = site_list_find(house->sites, domain);
    if (site == NULL)
        return !house->sites_are_copied; /* it may have come since */
    return timezone_local(site->zone, clock_wall_ms()).date > date;
}

static void on_housekeeping(void *data)
{
    struct house *house = data;
    if (house->sites != NULL)
        day_keys_destroy(house->collector.day_keys, is_over, house);
    visit_table_forget_idle(house->collector.visits, clock_mono_ms());
    if (house->regions != NULL && region_database_changed(house->regions))
        reload_regions(house);
}

static void on_signal(void *data)
{
    struct house *house = data;
    struct signalfd_siginfo info;
    while (read(house->signal_fd, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGHUP)
            reload_regions(house);
        else
            http_server_stop(house->collector.server);
    }
}

/* --- HTTP ------------------------------------------------------------------------------------ */

static void handle_health(struct http_request *req, void *worker_data)
{
    (void)worker_data;
    http_reply(req, &(struct http_reply){
                        .status = 200,
                        .content_type = STR_LIT("application/json"),
                        .body = STR_LIT("{\"status\":\"ok\"}\n"),
                        .body_is_static = true,
                        .headers = {{STR_LIT("cache-control"), STR_LIT("no-store")}},
                        .header_count = 1,
                    });
}

static void handle_ready(struct http_request *req, void *worker_data)
{
    const struct worker *worker = worker_data;
    if (worker->sites == NULL)
        http_reply_error(req, 503, "the site list was not read yet");
    else if (writer_state(worker->writer) == OUTBOX_STUCK)
        http_reply_error(req, 503, "neither the log nor the spool takes batches at present");
    else
        handle_health(req, worker_data);
}

static bool should_close(const struct http_request *req, void *worker_data)
{
    const struct worker *worker = worker_data;
    switch (worker->collector->config->http.close_after_body) {
    case CLOSE_ALWAYS:
        return true;
    case CLOSE_NEVER:
        return false;
    case CLOSE_AUTO:
        break;
    }
    /* A front may carry several people's requests on one connection: a request hidden behind
     * another's body must find it closed. A browser could only harm itself. */
    return worker_peer_is_trusted(worker, req);
}

static void handle_too_large(struct http_request *req, void *worker_data)
{
    if (!compat_handle_too_large(req, worker_data))
        beacon_handle_too_large(req, worker_data);
}

static const struct http_route ROUTES[] = {
    {.path = STR_LIT("/b"),
     .methods = 1u << HTTP_POST | 1u << HTTP_OPTIONS,
     .handler = beacon_handle},
    {.path = STR_LIT("/b.gif"), .methods = 1u << HTTP_GET, .handler = beacon_handle_pixel},
    {.path = STR_LIT("/api/event"),
     .methods = 1u << HTTP_POST | 1u << HTTP_OPTIONS,
     .handler = compat_handle_plausible},
    {.path = STR_LIT("/api/send"),
     .methods = 1u << HTTP_POST | 1u << HTTP_OPTIONS,
     .handler = compat_handle_umami},
    {.path = STR_LIT("/count"),
     .methods = 1u << HTTP_GET | 1u << HTTP_POST | 1u << HTTP_OPTIONS,
     .handler = compat_handle_goatcounter},
    {.path = STR_LIT("/footfall.js"), .methods = 1u << HTTP_GET, .handler = asset_handle_tracker},
    {.path = STR_LIT("/opt-out"),
     .methods = 1u << HTTP_GET | 1u << HTTP_POST | 1u << HTTP_OPTIONS,
     .handler = optout_handle},
    {.path = STR_LIT("/opt-out/state"),
     .methods = 1u << HTTP_GET | 1u << HTTP_OPTIONS,
     .handler = optout_handle_state},
    {.path = STR_LIT("/opt-out/style.css"),
     .methods = 1u << HTTP_GET,
     .handler = asset_handle_optout_style},
    {.path = STR_LIT("/.well-known/gpc.json"),
     .methods = 1u << HTTP_GET,
     .handler = asset_handle_gpc},
    {.path = STR_LIT("/demo"), .methods = 1u << HTTP_GET, .handler = asset_handle_demo},
    {.path = STR_LIT("/demo/"),
     .prefix = true,
     .methods = 1u << HTTP_GET,
     .handler = asset_handle_demo},
    {.path = STR_LIT("/healthz"), .methods = 1u << HTTP_GET, .handler = handle_health},
    {.path = STR_LIT("/readyz"), .methods = 1u << HTTP_GET, .handler = handle_ready},
};

/* --- Workers --------------------------------------------------------------------------------- */

static void *on_worker_start(struct loop *loop, unsigned index, void *server_data)
{
    struct house *house = server_data;
    struct worker *worker = worker_new(&house->collector, loop, index);
    if (index == 0) {
        house->loop = loop;
        house->signals = loop_watch_new(loop, house->signal_fd, on_signal, house);
        house->housekeeping = loop_timer_new(loop, HOUSEKEEPING_MS, on_housekeeping, house);
        house->site_watch = site_watch_new(loop, &house->collector.redis, on_site_list, house);
    }
    begin_with_copy(house, worker);
    if (house->regions != NULL)
        worker->regions = region_database_ref(house->regions);
    return worker;
}

static void on_turn(void *worker_data)
{
    struct worker *worker = worker_data;
    writer_turn(worker->writer);
}

static bool on_stop(void *worker_data)
{
    struct worker *worker = worker_data;
    return writer_drain(worker->writer);
}

static void on_worker_end(void *worker_data)
{
    struct worker *worker = worker_data;
    struct house *house = house_of(worker->collector);
    if (worker->index == 0) {
        loop_watch_free(house->signals);
        loop_timer_free(house->housekeeping);
        site_watch_free(house->site_watch);
        site_list_unref(house->sites);
        house->sites = NULL;
        if (house->loading)
            region_database_unref(end_loading(house));
    }
    worker_free(worker);
}

/* --- The process ----------------------------------------------------------------------------- */

static unsigned worker_count(const struct config *config)
{
    if (config->collector.workers > 0)
        return config->collector.workers;
    /* One CPU is left to Redis and the aggregator. */
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    if (cpus > HTTP_WORKERS_MAX)
        cpus = HTTP_WORKERS_MAX;
    return cpus > 1 ? (unsigned)cpus - 1 : 1;
}

static bool parse_proxies(const struct config *config, struct trusted_proxies *proxies)
{
    for (size_t i = 0; i < config->http.trusted_proxies.count; i++) {
        const char *text = config->http.trusted_proxies.items[i];
        if (proxies->count == ARRAY_LEN(proxies->ranges) ||
            !address_range_parse(str_from(text), &proxies->ranges[proxies->count])) {
            log_error("http.trusted_proxies: \"%s\" is not an address or a range such as "
                      "10.0.0.0/8, or there are more than %zu",
                      text, ARRAY_LEN(proxies->ranges));
            return false;
        }
        proxies->count++;
    }
    return true;
}

static struct day_keys *open_day_keys(void)
{
    const char *text = getenv(COLLECT_DAY_KEYS_VARIABLE);
    char *end = NULL;
    long fd = text == NULL ? -1 : strtol(text, &end, 10);
    if (text != NULL && (end == text || *end != '\0' || fd < 0))
        fd = -1;
    return day_keys_open((int)fd);
}

static struct spool *open_spool(const struct config *config)
{
    char error[SENTENCE_BYTES], folder[CONFIG_PATH_BYTES_MAX];
    int len = snprintf(folder, sizeof(folder), "%s/spool", config->data);
    if (len < 0 || (size_t)len >= sizeof(folder)) {
        log_error("the path of the data folder is too long for a spool");
        return NULL;
    }
    (void)mkdir(config->data, 0700); /* the spool says it when that is no folder */
    uint64_t segment_bytes = config->spool.bytes_max / SPOOL_SEGMENTS_A_SPOOL;
    const struct spool_options options = {
        .folder = folder,
        .bytes_max = config->spool.bytes_max,
        .segment_bytes_max =
            segment_bytes < SPOOL_SEGMENT_BYTES_MAX ? segment_bytes : SPOOL_SEGMENT_BYTES_MAX,
    };
    struct spool *spool = spool_new(&options, error, sizeof(error));
    if (spool == NULL)
        log_error("%s", error);
    return spool;
}

static int block_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

static bool house_init(struct house *house, const struct config *config)
{
    char error[SENTENCE_BYTES];
    struct collector *collector = &house->collector;
    collector->config = config;
    if (!config_redis_address(config, "collector", &collector->redis, error, sizeof(error))) {
        log_error("%s", error);
        return false;
    }
    if (!parse_proxies(config, &collector->proxies))
        return false;
    collector->day_keys = open_day_keys();
    if (collector->day_keys == NULL) {
        log_error("no memory for the days' keys");
        return false;
    }
    collector->spool = open_spool(config);
    if (collector->spool == NULL)
        return false;
    open_copy(house, config);
    house->signal_fd = block_signals();
    collector->server = http_server_new(
        &(struct http_options){
            .listen = config->collector.listen,
            .workers = worker_count(config),
            .connections_max = config->http.connections,
            .body_bytes_max = HTTP_BODY_BYTES_MAX,
            .routes = ROUTES,
            .route_count = ARRAY_LEN(ROUTES),
            .on_worker_start = on_worker_start,
            .on_turn = on_turn,
            .on_stop = on_stop,
            .on_worker_end = on_worker_end,
            .close_after_body = should_close,
            .on_too_large = handle_too_large,
            .server_data = house,
        },
        error, sizeof(error));
    if (collector->server == NULL) {
        log_error("%s", error);
        return false;
    }
    return true;
}

/* What the operator is told: a part for each worker, and where to ask. */
static bool tell_operator(struct house *house, const struct config *config)
{
    char error[SENTENCE_BYTES];
    struct collector *collector = &house->collector;
    unsigned workers = http_server_workers(collector->server);
    collector->metrics = metrics_new(COLLECT_METRIC_ROWS, COLLECT__COUNT, workers);
    collector->health = health_new(COLLECT_CHECK_ROWS, COLLECT_CHECK__COUNT, workers);
    const struct admin_options options = {.listen = config->collector.admin,
                                          .role = "collector",
                                          .metrics = collector->metrics,
                                          .health = collector->health};
    if (admin_start(&options, &house->admin, error, sizeof(error)))
        return true;
    log_error("%s", error);
    return false;
}

static void house_done(struct house *house)
{
    struct collector *collector = &house->collector;
    admin_stop(house->admin);
    http_server_free(collector->server);
    spool_free(collector->spool);
    site_keeper_free(collector->site_keeper);
    site_list_unref(house->copy);
    site_list_unref(house->sites);
    metrics_free(collector->metrics);
    health_free(collector->health);
    day_keys_close(collector->day_keys);
    if (house->signal_fd >= 0)
        close(house->signal_fd);
    explicit_bzero(&collector->redis, sizeof(collector->redis));
    free(house);
}

int collect_run(const struct config *config)
{
    struct house *house = calloc(1, sizeof(*house));
    if (house == NULL)
        abort();
    log_init("collect");
    log_silence_stderr();
    house->signal_fd = -1;
    if (!house_init(house, config) || !tell_operator(house, config)) {
        house_done(house);
        return 1;
    }
    struct collector *collector = &house->collector;
    collector->rules = agent_rules_new();
    collector->visits = visit_table_new(VISITS_MAX, VISIT_BYTES_MAX);
    collector->pulse = pulse_new();
    house->regions = open_regions(config);
    if (house->regions == NULL)
        log_warn("no geo database: regions are unknown");
    log_info("listening on %s, port %u, with %u workers", config->collector.listen,
             http_server_port(collector->server), http_server_workers(collector->server));
    http_server_run(collector->server, STOP_DEADLINE_MS);
    log_info("stopped");
    region_database_unref(house->regions);
    pulse_free(collector->pulse);
    visit_table_free(collector->visits);
    agent_rules_free(collector->rules);
    house_done(house);
    return 0;
}

/* The admin listener: an HTTP server of one worker on a thread that does nothing else. */

#include "common/admin.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "common/http.h"
#include "common/limits.h"

enum { ADMIN_STOP_MS = 1000 };

struct admin {
    struct admin_options options;
    struct http_server *server;
    pthread_t thread;
};

static void *on_worker_start(struct loop *loop, unsigned index, void *server_data)
{
    (void)loop;
    (void)index;
    return server_data;
}

static void reply(struct http_request *req, int status, struct str type, const struct buf *body)
{
    http_reply(req, &(struct http_reply){
                        .status = body->overflow ? 500 : status,
                        .content_type = type,
                        .body = buf_str(body),
                        .headers = {{STR_LIT("cache-control"), STR_LIT("no-store")}},
                        .header_count = 1,
                    });
}

static void handle_metrics(struct http_request *req, void *worker_data)
{
    const struct admin *admin = worker_data;
    struct buf text;
    buf_init(&text, ADMIN_BYTES_MAX);
    buf_printf(&text,
               "# HELP footfall_build_info Always 1; its labels tell what runs.\n"
               "# TYPE footfall_build_info gauge\n"
               "footfall_build_info{role=\"%s\",version=\"%s\"} 1\n",
               admin->options.role, FOOTFALL_VERSION);
    metrics_render(admin->options.metrics, &text);
    metrics_render_process(&text);
    reply(req, 200, STR_LIT("text/plain; version=0.0.4; charset=utf-8"), &text);
    buf_done(&text);
}

static void handle_health(struct http_request *req, void *worker_data)
{
    const struct admin *admin = worker_data;
    struct buf text;
    bool alive = health_is_alive(admin->options.health);
    buf_init(&text, ADMIN_BYTES_MAX);
    buf_append_str(&text, alive ? STR_LIT("{\"status\":\"ok\"}\n")
                                : STR_LIT("{\"error\":\"a thread is stuck\"}\n"));
    reply(req, alive ? 200 : 503, STR_LIT("application/json"), &text);
    buf_done(&text);
}

static void handle_ready(struct http_request *req, void *worker_data)
{
    const struct admin *admin = worker_data;
    struct buf text;
    buf_init(&text, ADMIN_BYTES_MAX);
    health_render(admin->options.health, &text);
    reply(req, health_is_ready(admin->options.health) ? 200 : 503, STR_LIT("application/json"),
          &text);
    buf_done(&text);
}

static const struct http_route ROUTES[] = {
    {.path = STR_LIT("/metrics"), .methods = 1u << HTTP_GET, .handler = handle_metrics},
    {.path = STR_LIT("/healthz"), .methods = 1u << HTTP_GET, .handler = handle_health},
    {.path = STR_LIT("/readyz"), .methods = 1u << HTTP_GET, .handler = handle_ready},
};

static void *run(void *data)
{
    struct admin *admin = data;
    http_server_run(admin->server, ADMIN_STOP_MS);
    return NULL;
}

/* Signals are the role's affair: its own threads get them. */
static bool start_thread(struct admin *admin)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool good = pthread_create(&admin->thread, NULL, run, admin) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return good;
}

bool admin_start(const struct admin_options *options, struct admin **ret_admin, char *error,
                 size_t error_bytes)
{
    *ret_admin = NULL;
    if (options->listen == NULL)
        return true;
    struct admin *admin = calloc(1, sizeof(*admin));
    if (admin == NULL)
        abort();
    admin->options = *options;
    admin->server = http_server_new(
        &(struct http_options){
            .listen = options->listen,
            .workers = 1,
            .connections_max = ADMIN_CONNECTIONS_MAX,
            .body_bytes_max = ADMIN_BODY_BYTES_MAX,
            .routes = ROUTES,
            .route_count = ARRAY_LEN(ROUTES),
            .on_worker_start = on_worker_start,
            .server_data = admin,
        },
        error, error_bytes);
    if (admin->server == NULL) {
        free(admin);
        return false;
    }
    if (!start_thread(admin))
        abort();
    *ret_admin = admin;
    return true;
}

void admin_stop(struct admin *admin)
{
    if (admin == NULL)
        return;
    http_server_stop(admin->server);
    pthread_join(admin->thread, NULL);
    http_server_free(admin->server);
    free(admin);
}

uint16_t admin_port(const struct admin *admin)
{
    return http_server_port(admin->server);
}

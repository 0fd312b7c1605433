/* The collector's pages and files alone, for browser tests: `edge_server SITE...` listens on an
 * ephemeral loopback port, prints it, and ends when its input does. Loopback is a trusted proxy, so
 * that a test can be a front that ends TLS. It counts nothing and needs no Redis. */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/asset_http.h"
#include "collector/optout_http.h"
#include "collector/worker.h"
#include "common/limits.h"

enum { STOP_DEADLINE_MS = 1000 };

/* What a beacon gets, whatever it says. */
static void handle_beacon(struct http_request *req, void *worker_data)
{
    (void)worker_data;
    http_reply(req, &(struct http_reply){.status = 204});
}

#define GET (1u << HTTP_GET)
#define POST (1u << HTTP_POST)
#define OPTIONS (1u << HTTP_OPTIONS)

static const struct http_route ROUTES[] = {
    {STR_LIT("/opt-out"), false, GET | POST | OPTIONS, optout_handle},
    {STR_LIT("/opt-out/state"), false, GET | OPTIONS, optout_handle_state},
    {STR_LIT("/opt-out/style.css"), false, GET, asset_handle_optout_style},
    {STR_LIT("/.well-known/gpc.json"), false, GET, asset_handle_gpc},
    {STR_LIT("/footfall.js"), false, GET, asset_handle_tracker},
    {STR_LIT("/demo"), false, GET, asset_handle_demo},
    {STR_LIT("/demo/"), true, GET, asset_handle_demo},
    {STR_LIT("/b"), false, POST | OPTIONS, handle_beacon},
};

static void *on_worker_start(struct loop *loop, unsigned index, void *server_data)
{
    (void)loop, (void)index;
    return server_data;
}

static void *stop_with_input(void *data)
{
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    http_server_stop(data);
    return NULL;
}

static struct site_list *make_sites(char **domains, int count)
{
    struct site **sites = calloc((size_t)count + 1, sizeof(*sites));
    char error[256];
    for (int i = 0; i < count; i++)
        sites[i] = site_parse(str_from(domains[i]), STR_LIT("{}"), error, sizeof(error));
    struct site_list *list = site_list_new(sites, (size_t)count);
    free(sites);
    return list;
}

int main(int argc, char **argv)
{
    char error[256];
    pthread_t thread;
    const struct config config = {.privacy = {.gpc = true, .dnt = true}};
    struct collector collector = {.config = &config, .proxies.count = 1};
    struct worker worker = {.collector = &collector, .sites = make_sites(argv + 1, argc - 1)};
    if (!address_range_parse(STR_LIT("127.0.0.0/8"), &collector.proxies.ranges[0]))
        return 1;
    struct http_server *server =
        http_server_new(&(struct http_options){.listen = "127.0.0.1:0",
                                               .workers = 1,
                                               .connections_max = 100,
                                               .body_bytes_max = HTTP_BODY_BYTES_MAX,
                                               .routes = ROUTES,
                                               .route_count = ARRAY_LEN(ROUTES),
                                               .on_worker_start = on_worker_start,
                                               .server_data = &worker},
                        error, sizeof(error));
    if (server == NULL) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    printf("%u\n", http_server_port(server));
    fflush(stdout);
    pthread_create(&thread, NULL, stop_with_input, server);
    http_server_run(server, STOP_DEADLINE_MS);
    pthread_join(thread, NULL);
    http_server_free(server);
    site_list_unref(worker.sites);
    return 0;
}

/* The reference of the ingest benchmark: libh2o 2.2.5 answering 204 to everything, on as many
 * threads as the collector has workers. Prints its port and runs until SIGTERM. */

#include <h2o.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static h2o_globalconf_t config;
static int listen_fd;

struct thread {
    h2o_context_t ctx;
    h2o_accept_ctx_t accept;
};

static int on_req(h2o_handler_t *self, h2o_req_t *req)
{
    static h2o_generator_t generator;
    (void)self;
    req->res.status = 204;
    req->res.reason = "No Content";
    h2o_start_response(req, &generator);
    h2o_send(req, NULL, 0, H2O_SEND_STATE_FINAL);
    return 0;
}

static void on_accept(h2o_socket_t *listener, const char *err)
{
    struct thread *thread = listener->data;
    h2o_socket_t *socket;
    if (err == NULL && (socket = h2o_evloop_socket_accept(listener)) != NULL)
        h2o_accept(&thread->accept, socket);
}

static void *run(void *data)
{
    struct thread *thread = calloc(1, sizeof(*thread));
    (void)data;
    h2o_context_init(&thread->ctx, h2o_evloop_create(), &config);
    thread->accept.ctx = &thread->ctx;
    thread->accept.hosts = config.hosts;
    h2o_socket_t *listener =
        h2o_evloop_socket_create(thread->ctx.loop, dup(listen_fd), H2O_SOCKET_FLAG_DONT_READ);
    listener->data = thread;
    h2o_socket_read_start(listener, on_accept);
    for (;;)
        (void)h2o_evloop_run(thread->ctx.loop, INT32_MAX);
    return NULL;
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    signal(SIGPIPE, SIG_IGN);
    h2o_config_init(&config);
    h2o_hostconf_t *host =
        h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = on_req;
    listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listen_fd < 0 || bind(listen_fd, (struct sockaddr *)&address, len) != 0 ||
        listen(listen_fd, 1024) != 0 ||
        getsockname(listen_fd, (struct sockaddr *)&address, &len) != 0) {
        perror("bare");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (int i = 1; i < threads; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, run, NULL);
    }
    run(NULL);
    return 0;
}

/* The link to Redis as it is refused, unwanted, cut, killed, frozen and flooded: it comes back by
 * itself, and each command is answered once. */

#include "common/redis_link.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/limits.h"
#include "redis_server.h"
#include "tests/test.h"

enum { PATIENCE_MS = 15000, TURN_MS = 10, RESOLVER_MS = 3000 };

/* The system's resolver, as slow as it is when its server does not answer. */
int getaddrinfo(const char *restrict host, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict ret_answers)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (host != NULL && strchr(host, 'o') != NULL)
        usleep(RESOLVER_MS * 1000);
    return real(host, service, hints, ret_answers);
}

struct fixture {
    struct loop *loop;
    struct redis_link *link;
    int ups, downs, subscribed;
    int replies, unknown, errors;
    int messages;
    char last[64];
};

static void on_up(void *data)
{
    struct fixture *fixture = data;
    fixture->ups++;
}

static void on_down(void *data)
{
    struct fixture *fixture = data;
    fixture->downs++;
}

static void on_subscribed(void *data)
{
    struct fixture *fixture = data;
    fixture->subscribed++;
}

static void on_reply(const struct redis_reply *reply, void *data)
{
    struct fixture *fixture = data;
    fixture->replies++;
    fixture->unknown += reply == NULL;
    fixture->errors += reply != NULL && redis_reply_type(reply) == REDIS_TYPE_ERROR;
}

static void on_message(struct str channel, struct str message, void *data)
{
    struct fixture *fixture = data;
    fixture->messages++;
    snprintf(fixture->last, sizeof(fixture->last), "%.*s=%.*s", STR_ARG(channel), STR_ARG(message));
}

static void start(struct fixture *fixture, const struct redis_address *address)
{
    *fixture = (struct fixture){.loop = loop_new()};
    fixture->link = redis_link_new(
        fixture->loop, address,
        &(struct redis_link_events){
            .on_up = on_up, .on_down = on_down, .on_subscribed = on_subscribed, .data = fixture});
}

static void end(struct fixture *fixture)
{
    redis_link_free(fixture->link);
    loop_free(fixture->loop);
}

static void run_for(struct fixture *fixture, int64_t ms)
{
    int64_t end_ms = clock_mono_ms() + ms;
    while (clock_mono_ms() < end_ms)
        loop_turn(fixture->loop, TURN_MS);
}

/* Turns until *count is `wanted`. */
static void await(struct fixture *fixture, const int *count, int wanted)
{
    int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
    while (*count < wanted && clock_mono_ms() < end_ms)
        loop_turn(fixture->loop, TURN_MS);
    assert_int_equal(*count, wanted);
}

static bool ping(struct fixture *fixture)
{
    const struct str argv[] = {STR_LIT("PING")};
    return redis_link_send(fixture->link, ARRAY_LEN(argv), argv, on_reply, fixture);
}

static void publish(const struct redis_server *server, const char *channel, const char *message)
{
    struct redis *redis = redis_server_connect(server);
    redis_reply_free(redis_do(redis, STR_LIT("PUBLISH"), str_from(channel), str_from(message)));
    redis_free(redis);
}

/* --- A server of bytes: says one thing to whoever connects, then closes or stays ---------------
 */

struct speaker {
    int fd;
    uint16_t port;
    pthread_t thread;
    atomic_bool stop;
    atomic_int accepted;
    const char *says;
    bool closes;
};

static void *speak(void *data)
{
    struct speaker *speaker = data;
    int fds[256], count = 0;
    while (!atomic_load(&speaker->stop)) {
        struct pollfd poll_fd = {.fd = speaker->fd, .events = POLLIN};
        if (poll(&poll_fd, 1, 20) != 1)
            continue;
        int fd = accept(speaker->fd, NULL, NULL);
        atomic_fetch_add(&speaker->accepted, 1);
        (void)send(fd, speaker->says, strlen(speaker->says), MSG_NOSIGNAL);
        if (speaker->closes || count == 256)
            close(fd);
        else
            fds[count++] = fd;
    }
    while (count > 0)
        close(fds[--count]);
    return NULL;
}

static struct redis_address speaker_start(struct speaker *speaker, const char *says, bool closes)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    struct redis_address address = {.host = "127.0.0.1"};
    *speaker = (struct speaker){.says = says, .closes = closes};
    speaker->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(speaker->fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(speaker->fd, 16), 0);
    assert_int_equal(getsockname(speaker->fd, (struct sockaddr *)&at, &len), 0);
    address.port = ntohs(at.sin_port);
    pthread_create(&speaker->thread, NULL, speak, speaker);
    return address;
}

static void await_accepted(struct fixture *fixture, struct speaker *speaker, int wanted)
{
    int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
    while (atomic_load(&speaker->accepted) < wanted && clock_mono_ms() < end_ms)
        loop_turn(fixture->loop, TURN_MS);
    assert_true(atomic_load(&speaker->accepted) >= wanted);
}

static void speaker_stop(struct speaker *speaker)
{
    atomic_store(&speaker->stop, true);
    pthread_join(speaker->thread, NULL);
    close(speaker->fd);
}

/* --- Tests ----------------------------------------------------------------------------------- */

static void a_refused_connect_is_tried_again(void **state)
{
    (void)state;
    struct redis_server server;
    struct fixture fixture;
    redis_server_start(&server, NULL);
    redis_server_kill(&server, SIGTERM);
    start(&fixture, &server.address);
    run_for(&fixture, 300);
    assert_int_equal(fixture.ups, 0);
    assert_int_equal(fixture.downs, 0);
    assert_false(redis_link_is_up(fixture.link));
    assert_false(ping(&fixture));
    redis_server_restart(&server, NULL);
    await(&fixture, &fixture.ups, 1);
    assert_true(ping(&fixture));
    await(&fixture, &fixture.replies, 1);
    assert_int_equal(fixture.unknown, 0);
    end(&fixture);
    redis_server_stop(&server);
}

static void a_wrong_password_is_tried_until_it_is_right(void **state)
{
    (void)state;
    struct redis_server server;
    struct redis_address address;
    struct fixture fixture;
    redis_server_start(&server, NULL);
    redis_server_add_user(&server, "link", "+ping", &address);
    snprintf(address.password, sizeof(address.password), "wrong");
    start(&fixture, &address);
    run_for(&fixture, 500);
    assert_int_equal(fixture.ups, 0);
    assert_int_equal(fixture.downs, 0);
    struct redis *redis = redis_server_connect(&server);
    redis_reply_free(
        redis_do(redis, STR_LIT("ACL"), STR_LIT("SETUSER"), STR_LIT("link"), STR_LIT(">wrong")));
    redis_free(redis);
    await(&fixture, &fixture.ups, 1);
    assert_true(ping(&fixture));
    await(&fixture, &fixture.replies, 1);
    assert_int_equal(fixture.errors + fixture.unknown, 0);
    end(&fixture);
    redis_server_stop(&server);
}

static void a_killed_server_answers_each_command_once_and_comes_back(void **state)
{
    (void)state;
    struct redis_server server;
    struct fixture fixture;
    redis_server_start(&server, NULL);
    start(&fixture, &server.address);
    await(&fixture, &fixture.ups, 1);
    for (int round = 1; round <= 3; round++) {
        int before = fixture.replies, unknown = fixture.unknown;
        kill(server.pid, SIGSTOP);
        for (int i = 0; i < 20; i++)
            assert_true(ping(&fixture));
        loop_turn(fixture.loop, TURN_MS);
        redis_server_kill(&server, SIGKILL);
        await(&fixture, &fixture.downs, round);
        assert_int_equal(fixture.replies, before + 20);
        assert_int_equal(fixture.unknown, unknown + 20);
        assert_false(ping(&fixture));
        redis_server_restart(&server, NULL);
        await(&fixture, &fixture.ups, round + 1);
    }
    assert_true(ping(&fixture));
    end(&fixture);
    redis_server_stop(&server);
}

static void a_server_that_does_not_answer_in_time_costs_the_connection(void **state)
{
    (void)state;
    struct redis_server server;
    struct fixture fixture;
    redis_server_start(&server, NULL);
    start(&fixture, &server.address);
    await(&fixture, &fixture.ups, 1);
    kill(server.pid, SIGSTOP);
    int64_t began_ms = clock_mono_ms();
    assert_true(ping(&fixture));
    await(&fixture, &fixture.downs, 1);
    assert_true(clock_mono_ms() - began_ms >= REDIS_COMMAND_TIMEOUT_MS);
    assert_int_equal(fixture.unknown, 1);
    kill(server.pid, SIGCONT);
    await(&fixture, &fixture.ups, 2);
    end(&fixture);
    redis_server_stop(&server);
}

/* A command without an answer must not be young again with each one that follows it. */
static void commands_that_follow_do_not_put_off_the_time_limit(void **state)
{
    (void)state;
    struct redis_server server;
    struct fixture fixture;
    redis_server_start(&server, NULL);
    start(&fixture, &server.address);
    await(&fixture, &fixture.ups, 1);
    kill(server.pid, SIGSTOP);
    int64_t began_ms = clock_mono_ms();
    while (fixture.downs == 0 && clock_mono_ms() - began_ms < 2 * REDIS_COMMAND_TIMEOUT_MS) {
        (void)ping(&fixture);
        run_for(&fixture, 100);
    }
    assert_int_equal(fixture.downs, 1);
    assert_int_equal(fixture.replies, fixture.unknown);
    kill(server.pid, SIGCONT);
    end(&fixture);
    redis_server_stop(&server);
}

static void a_peer_that_never_speaks_is_given_up(void **state)
{
    (void)state;
    struct speaker speaker;
    struct fixture fixture;
    struct redis_address address = speaker_start(&speaker, "", false);
    snprintf(address.user, sizeof(address.user), "somebody");
    start(&fixture, &address);
    run_for(&fixture, 2 * REDIS_CONNECT_TIMEOUT_MS + 1000);
    assert_in_range(atomic_load(&speaker.accepted), 2, 4);
    assert_int_equal(fixture.ups, 0);
    end(&fixture);
    speaker_stop(&speaker);
}

/* As Redis does at its limit of clients: what comes up and goes at once is no good connection. */
static void a_server_that_hangs_up_at_once_is_not_hammered(void **state)
{
    (void)state;
    struct speaker speaker;
    struct fixture fixture;
    struct redis_address address = speaker_start(&speaker, "", true);
    start(&fixture, &address);
    run_for(&fixture, 2000);
    assert_true(atomic_load(&speaker.accepted) <= 10);
    await_accepted(&fixture, &speaker, 2);
    await(&fixture, &fixture.downs, fixture.ups);
    end(&fixture);
    speaker_stop(&speaker);
}

static void a_peer_that_is_no_redis_is_left(void **state)
{
    (void)state;
    struct speaker speaker;
    struct fixture fixture;
    struct redis_address address =
        speaker_start(&speaker, "HTTP/1.1 400 Bad Request\r\n\r\n", false);
    snprintf(address.user, sizeof(address.user), "somebody");
    start(&fixture, &address);
    await_accepted(&fixture, &speaker, 2);
    assert_int_equal(fixture.ups, 0);
    end(&fixture);
    speaker_stop(&speaker);
}

static void a_subscription_outlives_the_connection(void **state)
{
    (void)state;
    struct redis_server server;
    struct fixture fixture;
    redis_server_start(&server, NULL);
    start(&fixture, &server.address);
    redis_link_subscribe(fixture.link, STR_LIT("news:*"), on_message, &fixture);
    redis_link_subscribe(fixture.link, STR_LIT("other"), on_message, &fixture);
    await(&fixture, &fixture.subscribed, 2);
    publish(&server, "news:a", "1");
    await(&fixture, &fixture.messages, 1);
    assert_string_equal(fixture.last, "news:a=1");
    publish(&server, "elsewhere", "2");
    publish(&server, "other", "3");
    await(&fixture, &fixture.messages, 2);
    assert_string_equal(fixture.last, "other=3");
    for (int round = 1; round <= 3; round++) {
        redis_server_kill(&server, SIGKILL);
        await(&fixture, &fixture.downs, round);
        redis_server_restart(&server, NULL);
        await(&fixture, &fixture.subscribed, 2 * (round + 1));
        publish(&server, "news:b", "again");
        await(&fixture, &fixture.messages, round + 2);
    }
    end(&fixture);
    redis_server_stop(&server);
}

static void a_link_may_go_in_every_state(void **state)
{
    (void)state;
    struct redis_server server;
    struct speaker speaker;
    struct fixture fixture;
    /* Refused, and waiting for the next try. */
    redis_server_start(&server, NULL);
    redis_server_kill(&server, SIGTERM);
    start(&fixture, &server.address);
    run_for(&fixture, 50);
    end(&fixture);
    /* Connecting, or just connected. */
    redis_server_restart(&server, NULL);
    start(&fixture, &server.address);
    end(&fixture);
    /* Authenticating. */
    struct redis_address address = speaker_start(&speaker, "", false);
    snprintf(address.user, sizeof(address.user), "somebody");
    start(&fixture, &address);
    run_for(&fixture, 100);
    end(&fixture);
    speaker_stop(&speaker);
    /* Up, with commands under way: each is told. */
    start(&fixture, &server.address);
    await(&fixture, &fixture.ups, 1);
    for (int i = 0; i < 3; i++)
        assert_true(ping(&fixture));
    end(&fixture);
    assert_int_equal(fixture.replies, 3);
    assert_int_equal(fixture.unknown, 3);
    /* Subscribed. */
    start(&fixture, &server.address);
    redis_link_subscribe(fixture.link, STR_LIT("*"), on_message, &fixture);
    await(&fixture, &fixture.ups, 1);
    run_for(&fixture, 50);
    end(&fixture);
    redis_server_stop(&server);
}

static void a_name_is_looked_up_aside(void **state)
{
    (void)state;
    struct speaker speaker;
    struct fixture fixture;
    struct redis_address address = speaker_start(&speaker, "", false);
    snprintf(address.host, sizeof(address.host), "localhost");
    start(&fixture, &address);
    await(&fixture, &fixture.ups, 1);
    end(&fixture);
    /* A name that nobody has: no turn of the loop waits for the resolver. */
    snprintf(address.host, sizeof(address.host), "nobody.invalid");
    start(&fixture, &address);
    int64_t longest_ms = 0, end_ms = clock_mono_ms() + 1000;
    while (clock_mono_ms() < end_ms) {
        int64_t began_ms = clock_mono_ms();
        loop_turn(fixture.loop, TURN_MS);
        if (clock_mono_ms() - began_ms > longest_ms)
            longest_ms = clock_mono_ms() - began_ms;
    }
    assert_int_equal(fixture.ups, 0);
    assert_true(longest_ms < RESOLVER_MS);
    end(&fixture);
    speaker_stop(&speaker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_connect_is_tried_again),
        cmocka_unit_test(a_wrong_password_is_tried_until_it_is_right),
        cmocka_unit_test(a_killed_server_answers_each_command_once_and_comes_back),
        cmocka_unit_test(a_server_that_does_not_answer_in_time_costs_the_connection),
        cmocka_unit_test(commands_that_follow_do_not_put_off_the_time_limit),
        cmocka_unit_test(a_peer_that_never_speaks_is_given_up),
        cmocka_unit_test(a_server_that_hangs_up_at_once_is_not_hammered),
        cmocka_unit_test(a_peer_that_is_no_redis_is_left),
        cmocka_unit_test(a_subscription_outlives_the_connection),
        cmocka_unit_test(a_link_may_go_in_every_state),
        cmocka_unit_test(a_name_is_looked_up_aside),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

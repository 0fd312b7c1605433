/* The whole collector as a process of its own, two workers, against a real Redis with the real
 * functions and as the real user: each answer is that of the interface, and what is in the log adds
 * up to what was sent, also when Redis is killed and when the collector is stopped with sections
 * open. */

#include "collector/collect.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aggregator/acl.h"
#include "aggregator/batch.h"
#include "aggregator/functions.h"
#include "common/clock.h"
#include "loopback.h"
#include "redis_server.h"
#include "spool_folder.h"
#include "tests/test.h"

enum { CLIENTS = 64, PATIENCE_MS = 30000, ANSWER_BYTES = 4096 };

static const char *const DURABLE[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};

/* --- The collector -------------------------------------------------------------------------- */

struct house {
    char data[64]; /* the folder of the spool */
    struct redis_server redis;
    struct redis_address address;
    uint16_t port;
    pid_t pid;
};

static _Noreturn void run_collector(const struct house *house, const char *yaml)
{
    struct config config;
    char error[300], text[2000];
    snprintf(text, sizeof(text),
             "data: %s\ncollector:\n  listen: 127.0.0.1:%u\n  workers: 2\n"
             "redis:\n  url: unix://collector:secret@%s\n%s",
             house->data, house->port, house->address.socket_path, yaml);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!config_load_text(str_from(text), "test", &config, error, sizeof(error))) {
        fprintf(stderr, "%s\n", error);
        exit(3);
    }
    int code = collect_run(&config);
    config_done(&config);
    exit(code);
}

static void add_site(struct house *house, const char *domain)
{
    struct redis *redis = redis_server_connect(&house->redis);
    redis_reply_free(redis_do(redis, STR_LIT("HSET"), STR_LIT("ff:sites"), str_from(domain),
                              STR_LIT("{\"timezone\":\"UTC\"}")));
    redis_reply_free(redis_do(redis, STR_LIT("PUBLISH"), STR_LIT("ff:sites"), str_from("changed")));
    redis_free(redis);
}

static void load_functions(struct house *house)
{
    char error[200];
    struct redis *redis = redis_server_connect(&house->redis);
    assert_true(functions_load(redis, error, sizeof(error)));
    redis_free(redis);
}

static int status_of(const struct house *house, const char *request);

static void await_status(const struct house *house, const char *request, int status)
{
    int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
    while (status_of(house, request) != status) {
        if (clock_mono_ms() > end_ms || waitpid(house->pid, NULL, WNOHANG) != 0)
            fail_msg("no %d", status);
        usleep(20000);
    }
}

static void house_prepare(struct house *house)
{
    *house = (struct house){.port = loopback_free_port(), .data = "/tmp/footfall-collector-XXXXXX"};
    assert_non_null(mkdtemp(house->data));
    redis_server_start(&house->redis, DURABLE);
    load_functions(house);
    redis_server_add_user(&house->redis, "collector", ACL_COLLECTOR, &house->address);
    add_site(house, "a.example");
    add_site(house, "b.example");
}

static void house_start_collector(struct house *house, const char *yaml)
{
    house->pid = fork();
    assert_true(house->pid >= 0);
    if (house->pid == 0)
        run_collector(house, yaml);
}

static void house_start(struct house *house, const char *yaml)
{
    house_prepare(house);
    house_start_collector(house, yaml);
    await_status(house, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", 200);
}

/* Its sanitizers have the last word. */
static void end_collector(struct house *house)
{
    int status;
    int64_t began_ms = clock_mono_ms();
    kill(house->pid, SIGTERM);
    assert_int_equal(waitpid(house->pid, &status, 0), house->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_in_range(clock_mono_ms() - began_ms, 0, 9000);
}

static bool is_spool_empty(const struct house *house)
{
    char folder[96];
    snprintf(folder, sizeof(folder), "%s/spool", house->data);
    return spool_file_count(folder, ".seg") + spool_file_count(folder, ".heir") == 0;
}

/* All of it is in the log then: what a slow Redis had not taken at the stop was durable on the
 * disk, and is brought there by a collector that counts nothing. */
static void house_stop_collector(struct house *house)
{
    end_collector(house);
    if (is_spool_empty(house))
        return;
    house_start_collector(house, "");
    int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
    while (!is_spool_empty(house) && clock_mono_ms() < end_ms)
        usleep(20000);
    end_collector(house);
}

static void house_end(struct house *house)
{
    static const char *const FILES[] = {"sites/list"}, *const FOLDERS[] = {"spool/quarantine",
                                                                           "spool", "sites"};
    char path[96];
    redis_server_stop(&house->redis);
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
        snprintf(path, sizeof(path), "%s/%s", house->data, FILES[i]);
        (void)unlink(path);
    }
    for (size_t i = 0; i < ARRAY_LEN(FOLDERS); i++) {
        snprintf(path, sizeof(path), "%s/%s", house->data, FOLDERS[i]);
        (void)rmdir(path);
    }
    /* The spool is empty when all of it is in the log. */
    assert_int_equal(rmdir(house->data), 0);
}

/* --- What is in the log ---------------------------------------------------------------------- */

struct counts {
    int64_t views, events, engaged_seconds, visits, bots, foreign;
    size_t entries;
};

static void add_section(struct counts *counts, struct section *section)
{
    const struct cell *total = section_cell(section, TABLE_TOTAL, STR_EMPTY);
    counts->views += total->sums[METRIC_PAGEVIEWS];
    counts->events += total->sums[METRIC_EVENTS];
    counts->engaged_seconds += total->sums[METRIC_ENGAGED_SECONDS];
    counts->visits += total->sums[METRIC_VISITS];
    counts->bots += section_cell(section, TABLE_DROPS, STR_LIT("bot"))->sums[METRIC_EVENTS];
    counts->foreign +=
        section_cell(section, TABLE_DROPS, STR_LIT("foreign_origin"))->sums[METRIC_EVENTS];
}

static struct counts read_log(struct house *house)
{
    struct counts counts = {0};
    struct day_set set;
    struct redis *redis = redis_server_connect(&house->redis);
    struct redis_reply *entries =
        redis_do(redis, STR_LIT("XRANGE"), STR_LIT("ff:{0}:log"), STR_LIT("-"), STR_LIT("+"));
    assert_non_null(entries);
    day_set_init(&set, APPLY_CELLS_MAX);
    counts.entries = redis_reply_count(entries);
    for (size_t i = 0; i < counts.entries; i++) {
        const struct redis_reply *fields = redis_reply_at(redis_reply_at(entries, i), 1);
        assert_int_equal(batch_fold(redis_reply_str(redis_reply_at(fields, 5)), &set), BATCH_OK);
    }
    for (size_t i = 0; i < set.count; i++)
        add_section(&counts, set.sections[i]);
    day_set_done(&set);
    redis_reply_free(entries);
    redis_free(redis);
    return counts;
}

/* --- Clients --------------------------------------------------------------------------------- */

struct answer {
    int status;
    bool is_dropped;
    char text[ANSWER_BYTES];
};

struct client {
    int fd, number, sent, kind;
    size_t len;
    char bytes[ANSWER_BYTES];
};

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* True when an answer is whole: its status, and its bytes taken off the client's. */
static bool take_answer(struct client *client, struct answer *ret_answer)
{
    client->bytes[client->len] = '\0';
    const char *end = strstr(client->bytes, "\r\n\r\n");
    if (end == NULL)
        return false;
    const char *length = strcasestr(client->bytes, "content-length: ");
    size_t body = length != NULL && length < end ? strtoul(length + 16, NULL, 10) : 0;
    size_t whole = (size_t)(end - client->bytes) + 4 + body;
    if (client->len < whole)
        return false;
    memcpy(ret_answer->text, client->bytes, whole);
    ret_answer->text[whole] = '\0';
    ret_answer->status = (int)strtol(client->bytes + 9, NULL, 10);
    ret_answer->is_dropped = strcasestr(ret_answer->text, "x-footfall-dropped") != NULL;
    memmove(client->bytes, client->bytes + whole, client->len - whole);
    client->len -= whole;
    return true;
}

/* Waits for bytes and takes them; false when the connection has ended. */
static bool receive(struct client *client)
{
    struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, PATIENCE_MS), 1);
    ssize_t got =
        recv(client->fd, client->bytes + client->len, sizeof(client->bytes) - 1 - client->len, 0);
    if (got <= 0)
        return false;
    client->len += (size_t)got;
    return true;
}

static int status_of(const struct house *house, const char *request)
{
    struct client client = {.fd = loopback_try(house->port)};
    struct answer answer = {.status = 0};
    if (client.fd < 0)
        return 0;
    say(client.fd, request);
    while (!take_answer(&client, &answer) && receive(&client))
        ;
    close(client.fd);
    return answer.status;
}

enum kind {
    KIND_VIEW,
    KIND_EVENT,
    KIND_REPORT,
    KIND_BOT,
    KIND_FOREIGN,
    KIND_COOKIE,
    KIND_DNT,
    KIND_BROKEN,
    KIND_UNKNOWN,
    KIND_LARGE,
    KIND__COUNT,
};

static const struct {
    const char *headers; /* the User-Agent is made where there is none */
    const char *fields;  /* beside site and URL */
    int status;
    bool is_dropped;
} KINDS[KIND__COUNT] = {
    [KIND_VIEW] = {"", "", 204, false},
    [KIND_EVENT] = {"", "&n=signup", 204, false},
    [KIND_REPORT] = {"", "&n=engagement&t=1500", 204, false},
    [KIND_BOT] = {"User-Agent: Mozilla/5.0 (compatible; Googlebot/2.1; "
                  "+http://www.google.com/bot.html)\r\n",
                  "", 202, true},
    [KIND_FOREIGN] = {"Origin: https://elsewhere.example\r\n", "", 202, true},
    [KIND_COOKIE] = {"Cookie: footfall_optout=1\r\n", "", 204, false},
    [KIND_DNT] = {"DNT: 1\r\n", "", 204, false},
    [KIND_BROKEN] = {"", "&n=%zz", 400, false},
    [KIND_UNKNOWN] = {"", "", 404, false},
    [KIND_LARGE] = {"", "", 413, false},
};

static const char *site_of(const struct client *client)
{
    return client->number % 2 == 0 ? "a.example" : "b.example";
}

static void send_beacon(struct client *client, enum kind kind)
{
    char body[10000], request[12000], agent[200];
    int len = snprintf(body, sizeof(body), "s=%s%s&u=https://%s/c%d/p%d", site_of(client),
                       KINDS[kind].fields, site_of(client), client->number, client->sent % 7);
    if (kind == KIND_UNKNOWN)
        len = snprintf(body, sizeof(body), "s=c.example&u=https://c.example/");
    if (kind == KIND_LARGE)
        len = snprintf(body, sizeof(body), "s=%09000d", 0);
    snprintf(agent, sizeof(agent),
             "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%d.0\r\n",
             60 + client->number, 60 + client->number);
    snprintf(request, sizeof(request),
             "POST /b HTTP/1.1\r\nHost: x\r\n%s%sContent-Length: %d\r\n\r\n%s", KINDS[kind].headers,
             strstr(KINDS[kind].headers, "User-Agent") != NULL ? "" : agent, len, body);
    client->kind = (int)kind;
    client->sent++;
    say(client->fd, request);
}

static void assert_answer(const struct client *client, const struct answer *answer)
{
    if (answer->status != KINDS[client->kind].status ||
        answer->is_dropped != KINDS[client->kind].is_dropped)
        fail_msg("kind %d: %s", client->kind, answer->text);
    if (answer->status >= 400)
        assert_non_null(strstr(answer->text, "{\"error\":\""));
}

/* The first of each client is a view, so that its visit is there for what follows. */
static enum kind kind_of(const struct client *client)
{
    return client->sent == 0 ? KIND_VIEW
                             : (enum kind)((client->number * 7 + client->sent * 3) % KIND__COUNT);
}

/* Each client sends `each` beacons on its one connection, the next when the last is answered. */
static void run_clients(struct house *house, struct client *clients, int each, int64_t *sent)
{
    int open = CLIENTS;
    for (int c = 0; c < CLIENTS; c++) {
        clients[c] = (struct client){.fd = loopback_dial(house->port), .number = c};
        sent[KIND_VIEW]++;
        send_beacon(&clients[c], KIND_VIEW);
    }
    while (open > 0) {
        struct pollfd fds[CLIENTS];
        for (int c = 0; c < CLIENTS; c++)
            fds[c] = (struct pollfd){.fd = clients[c].sent > each ? -1 : clients[c].fd,
                                     .events = POLLIN};
        assert_true(poll(fds, CLIENTS, PATIENCE_MS) > 0);
        for (int c = 0; c < CLIENTS; c++) {
            struct client *client = &clients[c];
            struct answer answer;
            if (fds[c].revents == 0)
                continue;
            assert_true(receive(client));
            if (!take_answer(client, &answer))
                continue;
            assert_answer(client, &answer);
            if (client->sent == each) {
                client->sent++;
                open--;
                continue;
            }
            enum kind kind = kind_of(client);
            sent[kind]++;
            send_beacon(client, kind);
        }
    }
}

static void hang_up(struct client *clients)
{
    for (int c = 0; c < CLIENTS; c++)
        close(clients[c].fd);
}

/* A beacon of a person's page view. */
#define VIEW_OF(site)                                                                              \
    "POST /b HTTP/1.1\r\nHost: x\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) "        \
    "Gecko/20100101 Firefox/120.0\r\nContent-Length: 32\r\n\r\ns=" site "&u=https://" site "/"

/* --- Tests ----------------------------------------------------------------------------------- */

static void answers_and_sums_are_exact(void **state)
{
    (void)state;
    static struct client clients[CLIENTS];
    struct house house;
    int64_t sent[KIND__COUNT] = {0};
    house_start(&house, "mix:\n  views: 1\nack:\n  wait_ms: 5000\n");
    run_clients(&house, clients, 40, sent);
    /* Idle connections must not keep it. */
    house_stop_collector(&house);
    hang_up(clients);
    struct counts counts = read_log(&house);
    assert_int_equal(counts.views, sent[KIND_VIEW]);
    assert_int_equal(counts.events, sent[KIND_EVENT]);
    assert_int_equal(counts.engaged_seconds, 2 * sent[KIND_REPORT]);
    assert_int_equal(counts.bots, sent[KIND_BOT]);
    assert_int_equal(counts.foreign, sent[KIND_FOREIGN]);
    /* A midnight in between splits them. */
    assert_in_range(counts.visits, CLIENTS, 2 * CLIENTS);
    house_end(&house);
}

static void a_stop_commits_what_is_still_mixing(void **state)
{
    (void)state;
    static struct client clients[CLIENTS];
    struct house house;
    house_start(&house, "mix:\n  views: 10000\n  seconds: 600\nack:\n  wait_ms: 1000\n");
    for (int c = 0; c < CLIENTS; c++) {
        clients[c] = (struct client){.fd = loopback_dial(house.port), .number = c};
        send_beacon(&clients[c], KIND_VIEW);
    }
    for (int c = 0; c < CLIENTS; c++) {
        struct answer answer;
        while (!take_answer(&clients[c], &answer))
            assert_true(receive(&clients[c]));
        assert_int_equal(answer.status, 202);
        assert_false(answer.is_dropped);
    }
    assert_int_equal(read_log(&house).entries, 0);
    house_stop_collector(&house);
    hang_up(clients);
    assert_int_equal(read_log(&house).views, CLIENTS);
    house_end(&house);
}

/* Clients go on while Redis is killed and comes back; all of it is durable, and counted once. */
static void a_killed_redis_loses_and_doubles_nothing(void **state)
{
    (void)state;
    enum { ROUNDS = 3, EACH = 40 };
    static struct client client;
    struct house house;
    int64_t durable = 0;
    house_start(&house, "mix:\n  views: 1\nack:\n  wait_ms: 5000\n");
    client = (struct client){.fd = loopback_dial(house.port)};
    for (int i = 0; i < ROUNDS * EACH; i++) {
        struct answer answer;
        if (i % EACH == EACH / 3)
            redis_server_kill(&house.redis, SIGKILL);
        if (i % EACH == 2 * EACH / 3) {
            redis_server_restart(&house.redis, DURABLE);
            redis_server_add_user(&house.redis, "collector", ACL_COLLECTOR, &house.address);
        }
        send_beacon(&client, KIND_VIEW);
        while (!take_answer(&client, &answer))
            assert_true(receive(&client));
        durable += answer.status == 204;
    }
    assert_int_equal(durable, ROUNDS * EACH);
    int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
    while (read_log(&house).views < durable && clock_mono_ms() < end_ms)
        usleep(20000);
    house_stop_collector(&house);
    close(client.fd);
    assert_int_equal(read_log(&house).views, durable);
    house_end(&house);
}

/* Some proxies add a line of their own behind those of the client, however many he sends. */
static void the_nearest_proxys_line_names_the_visitor(void **state)
{
    (void)state;
    enum { BEACONS = 12, LINES = 20 };
    struct house house;
    house_start(&house, "mix:\n  views: 1\nhttp:\n  trusted_proxies: [127.0.0.0/8]\n");
    for (int i = 0; i < BEACONS; i++) {
        char request[3000];
        int len = snprintf(request, sizeof(request), "POST /b HTTP/1.1\r\nHost: x\r\n");
        for (int line = 0; line < LINES; line++)
            len += snprintf(request + len, sizeof(request) - (size_t)len,
                            "X-Forwarded-For: 198.18.%d.%d\r\n", i, line);
        snprintf(request + len, sizeof(request) - (size_t)len,
                 "X-Forwarded-For: 192.0.2.7\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; "
                 "rv:120.0) Gecko/20100101 Firefox/120.0\r\nContent-Length: 35\r\n\r\n"
                 "s=a.example&u=https://a.example/p%02d",
                 i);
        int status = status_of(&house, request);
        assert_true(status == 204 || status == 202);
    }
    house_stop_collector(&house);
    struct counts counts = read_log(&house);
    assert_int_equal(counts.views, BEACONS);
    assert_in_range(counts.visits, 1, 2);
    house_end(&house);
}

/* A site that is added counts at once; the list is asked for again after Redis was away. */
static void a_new_site_counts_at_once(void **state)
{
    (void)state;
    struct house house;
    house_start(&house, "mix:\n  views: 1\nack:\n  wait_ms: 5000\n");
    assert_int_equal(status_of(&house, VIEW_OF("n.example")), 404);
    add_site(&house, "n.example");
    await_status(&house, VIEW_OF("n.example"), 204);
    house_stop_collector(&house);
    assert_int_equal(read_log(&house).views, 1);
    house_end(&house);
}

/* Until then no site is unknown: whoever sends is to come again, by whatever address; but who
 * refused is answered as always. */
static void before_the_site_list_is_known_all_wait(void **state)
{
    (void)state;
    static const struct {
        const char *target, *body;
        int refused_status;
    } ROWS[] = {
        {"POST /b", "u=https://a.example/", 204},
        {"GET /b.gif?s=a.example&p=/", "", 200},
        {"POST /api/event", "{\"n\":\"pageview\",\"u\":\"https://a.example/\"}", 202},
        {"POST /api/send",
         "{\"type\":\"event\",\"payload\":{\"website\":\"a.example\",\"url\":\"/\"}}", 200},
        {"POST /count?p=/", "", 200},
    };
    struct house house;
    house_prepare(&house);
    kill(house.redis.pid, SIGSTOP);
    house_start_collector(&house, "");
    await_status(&house, "GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n", 200);
    for (size_t i = 0; i < 2 * ARRAY_LEN(ROWS); i++) {
        char request[500];
        bool refuses = i >= ARRAY_LEN(ROWS);
        size_t row = i % ARRAY_LEN(ROWS);
        snprintf(request, sizeof(request),
                 "%s HTTP/1.1\r\nHost: a.example\r\n%sContent-Length: %zu\r\n\r\n%s",
                 ROWS[row].target, refuses ? "DNT: 1\r\n" : "", strlen(ROWS[row].body),
                 ROWS[row].body);
        assert_int_equal(status_of(&house, request), refuses ? ROWS[row].refused_status : 503);
    }
    kill(house.redis.pid, SIGCONT);
    await_status(&house, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", 200);
    house_stop_collector(&house);
    house_end(&house);
}

static void remove_site(struct house *house, const char *domain)
{
    struct redis *redis = redis_server_connect(&house->redis);
    redis_reply_free(redis_do(redis, STR_LIT("HDEL"), STR_LIT("ff:sites"), str_from(domain)));
    redis_free(redis);
}

static void await_views(struct house *house, int64_t views)
{
    int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
    while (read_log(house).views < views && clock_mono_ms() < end_ms)
        usleep(20000);
    assert_int_equal(read_log(house).views, views);
}

/* The list that an earlier process had is good enough to count by, and not to say who is unknown.
 */
static void while_redis_is_away_a_start_counts_by_the_last_list(void **state)
{
    (void)state;
    static const char *const ALL = "mix:\n  views: 1\nack:\n  wait_ms: 5000\n";
    struct house house;
    house_start(&house, ALL);
    house_stop_collector(&house);
    remove_site(&house, "b.example"); /* the copy does not know */
    add_site(&house, "n.example");
    kill(house.redis.pid, SIGSTOP);
    house_start_collector(&house, ALL);
    await_status(&house, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", 200);
    assert_int_equal(status_of(&house, VIEW_OF("a.example")), 204);
    assert_int_equal(status_of(&house, VIEW_OF("b.example")), 204);
    assert_int_equal(status_of(&house, VIEW_OF("n.example")), 503);
    assert_int_equal(status_of(&house, "GET /b.gif?s=n.example&p=/ HTTP/1.1\r\nHost: x\r\n\r\n"),
                     503);
    assert_int_equal(status_of(&house, "POST /count?p=/ HTTP/1.1\r\nHost: n.example\r\n"
                                       "Content-Length: 0\r\n\r\n"),
                     503);
    kill(house.redis.pid, SIGCONT);
    await_status(&house, VIEW_OF("n.example"), 204);
    await_status(&house, VIEW_OF("b.example"), 404);
    await_views(&house, 3);
    house_stop_collector(&house);
    assert_int_equal(read_log(&house).views, 3);
    house_end(&house);
}

static void a_damaged_copy_is_as_none(void **state)
{
    (void)state;
    char path[96];
    struct house house;
    house_start(&house, "");
    house_stop_collector(&house);
    snprintf(path, sizeof(path), "%s/sites/list", house.data);
    assert_int_equal(truncate(path, 40), 0);
    kill(house.redis.pid, SIGSTOP);
    house_start_collector(&house, "");
    await_status(&house, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200);
    assert_int_equal(status_of(&house, VIEW_OF("a.example")), 503);
    kill(house.redis.pid, SIGCONT);
    await_status(&house, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", 200);
    house_stop_collector(&house);
    house_end(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_site_list_is_known_all_wait),
        cmocka_unit_test(answers_and_sums_are_exact),
        cmocka_unit_test(a_stop_commits_what_is_still_mixing),
        cmocka_unit_test(a_killed_redis_loses_and_doubles_nothing),
        cmocka_unit_test(the_nearest_proxys_line_names_the_visitor),
        cmocka_unit_test(a_new_site_counts_at_once),
        cmocka_unit_test(while_redis_is_away_a_start_counts_by_the_last_list),
        cmocka_unit_test(a_damaged_copy_is_as_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The dashboards' server against a real Redis, over real connections: what is stored and what is
 * only told shows, once; what is not kept is refused in words; nothing stops the loop. */

#include "dashboards/server/dashboards.h"

#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aggregator/batch.h"
#include "aggregator/live.h"
#include "common/clock.h"
#include "common/timezone.h"
#include "loopback.h"
#include "redis_server.h"
#include "tests/test.h"
#include "utc_day.h"

enum { PATIENCE_MS = 20000 };

static struct redis_server redis_server;
static struct redis *redis;
static struct dashboards *dashboards;
static struct config config;
static pthread_t thread;
static uint32_t today, yesterday;

/* --- Redis --------------------------------------------------------------------------------------
 */

#define DO(...) redis_reply_free(redis_do(redis, __VA_ARGS__))

static void store(uint32_t date, enum table table, const char *field, const char *number)
{
    struct buf key;
    buf_init(&key, 1000);
    model_key_live(&key, STR_LIT("example.com"), date, table);
    DO(STR_LIT("HSET"), buf_str(&key), str_from(field), str_from(number));
    buf_done(&key);
}

static void store_site(const char *domain, const char *settings)
{
    DO(STR_LIT("HSET"), STR_LIT("ff:sites"), str_from(domain), str_from(settings));
    DO(STR_LIT("PUBLISH"), STR_LIT("ff:sites"), STR_LIT("changed"));
}

static void fill(void)
{
    store_site("example.com", "{\"timezone\":\"UTC\"}");
    store(today, TABLE_TOTAL, "v", "7");
    store(today, TABLE_TOTAL, "s", "3");
    store(today, TABLE_TOTAL, "b", "1");
    store(today, TABLE_TOTAL, "u", "2");
    store(today, TABLE_PAGE, "v/", "4");
    store(today, TABLE_PAGE, "u/", "2");
    store(today, TABLE_PAGE, "v=HYPERLINK(\"x\"),1", "3");
    store(today, TABLE_PAGE, "u=HYPERLINK(\"x\"),1", "1");
    store(yesterday, TABLE_TOTAL, "v", "5");
    store(yesterday, TABLE_TOTAL, "s", "2");
    store(yesterday, TABLE_TOTAL, "u", "2");
    store(yesterday, TABLE_PAGE, "v/", "5");
    store(yesterday, TABLE_PAGE, "u/", "2");
}

/* --- HTTP ---------------------------------------------------------------------------------------
 */

static int request(const char *method, const char *path, const char *headers, const char *body)
{
    struct buf text;
    int fd = loopback_dial(http_server_port(dashboards_server(dashboards)));
    buf_init(&text, 1000000);
    buf_printf(&text, "%s %s HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n%s", method, path,
               headers);
    if (body != NULL)
        buf_printf(&text, "content-length: %zu\r\n", strlen(body));
    buf_printf(&text, "\r\n%s", body == NULL ? "" : body);
    assert_int_equal(send(fd, text.ptr, text.len, MSG_NOSIGNAL), text.len);
    buf_done(&text);
    return fd;
}

/* Reads until the peer closes, or until `part` has come; each second without it `again` is called.
 * The caller frees. */
static char *receive_telling(int fd, const char *part, void (*again)(void))
{
    struct buf text;
    int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS, again_ms = clock_mono_ms();
    buf_init(&text, 10000000);
    for (;;) {
        char bytes[65536];
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (clock_mono_ms() > deadline_ms)
            fail_msg("no more after %zu bytes: %.*s", text.len, (int)text.len, text.ptr);
        if (again != NULL && clock_mono_ms() >= again_ms) {
            again();
            again_ms = clock_mono_ms() + 1000;
        }
        if (poll(&poll_fd, 1, 100) <= 0)
            continue;
        ssize_t len = recv(fd, bytes, sizeof(bytes), 0);
        if (len <= 0)
            break;
        buf_append(&text, bytes, (size_t)len);
        if (part != NULL && memmem(text.ptr, text.len, part, strlen(part)) != NULL)
            break;
    }
    buf_append_byte(&text, 0);
    return text.ptr;
}

static char *receive(int fd, const char *part)
{
    return receive_telling(fd, part, NULL);
}

struct answer {
    int status;
    char *text; /* head and body */
    const char *body;
};

static struct answer call(const char *method, const char *path, const char *headers,
                          const char *body)
{
    int fd = request(method, path, headers, body);
    struct answer answer = {.text = receive(fd, NULL)};
    close(fd);
    assert_int_equal(strncmp(answer.text, "HTTP/1.1 ", 9), 0);
    answer.status = (int)strtol(answer.text + 9, NULL, 10);
    answer.body = strstr(answer.text, "\r\n\r\n");
    assert_non_null(answer.body);
    answer.body += 4;
    return answer;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no \"%s\" in: %s", part, text);
}

static void assert_call(const char *method, const char *path, const char *body, int status,
                        const char *part)
{
    struct answer answer = call(method, path, "", body);
    if (answer.status != status)
        fail_msg("%s %s: %s", method, path, answer.text);
    assert_has(answer.text, part);
    free(answer.text);
}

static void assert_query(const char *question, const char *results)
{
    struct answer answer = call("POST", "/api/v2/query", "", question);
    if (answer.status != 200)
        fail_msg("%s: %s", question, answer.text);
    json_t *root = json_loads(answer.body, 0, NULL);
    char *got = json_dumps(json_object_get(root, "results"), JSON_COMPACT);
    assert_string_equal(got, results);
    free(got);
    json_decref(root);
    free(answer.text);
}

/* Until `path` is answered so; before each question `again` is called. */
static void await_telling(const char *method, const char *path, const char *body, int status,
                          const char *part, void (*again)(void))
{
    int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
    for (;;) {
        if (again != NULL)
            again();
        struct answer answer = call(method, path, "", body);
        bool good = answer.status == status && strstr(answer.body, part) != NULL;
        if (!good && clock_mono_ms() > deadline_ms)
            fail_msg("%s: still %s", path, answer.text);
        free(answer.text);
        if (good)
            return;
        usleep(20000);
    }
}

static void await(const char *method, const char *path, const char *body, int status,
                  const char *part)
{
    await_telling(method, path, body, status, part, NULL);
}

/* --- Set-up -------------------------------------------------------------------------------------
 */

static void *serve(void *data)
{
    dashboards_serve(data);
    return NULL;
}

static void set_listen(const char *listen)
{
    free(config.dashboards.listen);
    config.dashboards.listen = strdup(listen);
    assert_non_null(config.dashboards.listen);
}

static int start(void **state)
{
    char error[500];
    (void)state;
    redis_server_start(&redis_server, NULL);
    redis = redis_server_connect(&redis_server);
    today = utc_day_today();
    yesterday = date_add_days(today, -1);
    fill();
    if (!config_load(NULL, &config, error, sizeof(error)))
        return -1;
    set_listen("127.0.0.1:0");
    dashboards = dashboards_new(&config, &redis_server.address, error, sizeof(error));
    if (dashboards == NULL || pthread_create(&thread, NULL, serve, dashboards) != 0)
        return -1;
    await("GET", "/readyz", NULL, 200, "ok");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    http_server_stop(dashboards_server(dashboards));
    pthread_join(thread, NULL);
    dashboards_free(dashboards);
    config_done(&config);
    redis_free(redis);
    redis_server_stop(&redis_server);
    return 0;
}

#define SITE "\"site_id\":\"example.com\""

/* --- Tests --------------------------------------------------------------------------------------
 */

static void stored_counts_are_answered(void **state)
{
    (void)state;
    assert_query("{" SITE ",\"metrics\":[\"visitors\",\"visits\",\"pageviews\",\"bounce_rate\"],"
                 "\"date_range\":\"7d\"}",
                 "[{\"metrics\":[4,5,12,20],\"dimensions\":[]}]");
    assert_query("{" SITE ",\"metrics\":[\"pageviews\"],\"date_range\":\"7d\",\"dimensions\":["
                 "\"event:page\"]}",
                 "[{\"metrics\":[9],\"dimensions\":[\"/\"]},"
                 "{\"metrics\":[3],\"dimensions\":[\"=HYPERLINK(\\\"x\\\"),1\"]}]");
    /* Five years of days, most of which do not exist. */
    assert_query("{" SITE ",\"metrics\":[\"pageviews\"],\"date_range\":\"all\"}",
                 "[{\"metrics\":[12],\"dimensions\":[]}]");
}

static void what_is_not_kept_is_refused_in_words(void **state)
{
    (void)state;
    assert_call("POST", "/api/v2/query", "nonsense", 400, "{\"error\":\"The body must be one JSON");
    assert_call("POST", "/api/v2/query",
                "{" SITE ",\"metrics\":[\"visitors\"],\"date_range\":\"day\",\"dimensions\":["
                "\"visit:city\"]}",
                400, "cities and host names are not");
    assert_call("POST", "/api/v2/query",
                "{" SITE ",\"metrics\":[\"visits\"],\"date_range\":\"day\",\"filters\":{}}", 400,
                "[\\\"is\\\",\\\"visit:country\\\",[\\\"NL\\\"]]");
    assert_call("POST", "/api/v2/query",
                "{\"site_id\":\"nobody.example\",\"metrics\":[\"visits\"],\"date_range\":\"day\"}",
                404, "This site is not known here.");
    assert_call("GET", "/api/v2/query", NULL, 405, "allow: POST");
    assert_call("GET", "/api/nothing", NULL, 404, "{\"error\":");
    assert_call("GET", "/api/live/nobody.example", NULL, 404, "This site is not known here.");
    assert_call("GET", "/api/v2/export/example.com", NULL, 404, ".csv");
    assert_call("GET", "/api/v2/export/example.com.csv?metrics=%zz", NULL, 400, "each once");
    assert_call("GET", "/api/v2/export/example.com.csv?metrics=visits&metrics=visits", NULL, 400,
                "each once");
    assert_call("GET", "/api/v2/export/example.com.csv?metrics=visits", NULL, 400, "date_range");
}

static void bodies_below_and_above_the_cap(void **state)
{
    (void)state;
    char *body = malloc(QUERY_BODY_BYTES_MAX + 2);
    assert_non_null(body);
    memset(body, ' ', QUERY_BODY_BYTES_MAX + 1);
    body[QUERY_BODY_BYTES_MAX + 1] = '\0';
    assert_call("POST", "/api/v2/query", body + 1, 400, "JSON");
    assert_call("POST", "/api/v2/query", body, 413, "");
    free(body);
}

static void answers_are_kept_by_nobody_and_framed_by_nobody(void **state)
{
    static const char *const HEADERS[] = {
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cross-origin-resource-policy: same-origin",
        "content-security-policy: default-src 'none'; frame-ancestors 'none'",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(HEADERS); i++) {
        assert_call("GET", "/api/sites", NULL, 200, HEADERS[i]);
        assert_call("POST", "/api/v2/query", "x", 400, HEADERS[i]);
    }
}

static void sites_follow_the_list(void **state)
{
    (void)state;
    assert_call("GET", "/api/sites", NULL, 200,
                "{\"site_id\":\"example.com\",\"timezone\":\"UTC\",\"preset\":\"standard\","
                "\"keep_days\":25,\"keep_months\":60}");
    assert_call("GET", "/api/sites", NULL, 200, "\"collector_url\":\"http://127.0.0.1:8080\"");
    store_site("late.example", "{\"timezone\":\"Europe/Amsterdam\",\"preset\":\"strict\"}");
    await("GET", "/api/sites", NULL, 200,
          "{\"site_id\":\"late.example\",\"timezone\":\"Europe/Amsterdam\",\"preset\":\"strict\","
          "\"keep_days\":25,\"keep_months\":0}");
}

static void pages_are_served_for_every_state(void **state)
{
    (void)state;
    assert_call("GET", "/", NULL, 200, "content-type: text/html");
    assert_call("GET", "/", NULL, 200, "content-security-policy: default-src 'none'; script-src");
    assert_call("GET", "/example.com?period=7d", NULL, 200, "content-type: text/html");
    assert_call("GET", "/some/deep/state", NULL, 200, "content-type: text/html");
    assert_call("GET", "/assets/nothing.js", NULL, 404, "{\"error\":");
    struct answer page = call("GET", "/", "accept-encoding: gzip\r\n", NULL);
    assert_has(page.text, "content-encoding: gzip");
    const char *etag = strstr(page.text, "etag: ");
    assert_non_null(etag);
    char header[200];
    (void)snprintf(header, sizeof(header), "if-none-match: %.*s\r\n", (int)strcspn(etag + 6, "\r"),
                   etag + 6);
    struct answer again = call("GET", "/", header, NULL);
    assert_int_equal(again.status, 304);
    assert_string_equal(again.body, "");
    free(page.text);
    free(again.text);
}

static void exports_are_csv_that_runs_nothing(void **state)
{
    (void)state;
    struct answer answer = call("GET",
                                "/api/v2/export/example.com.csv?metrics=pageviews,bounce_rate"
                                "&dimensions=event%3Apage&period=7d",
                                "", NULL);
    assert_int_equal(answer.status, 200);
    assert_has(answer.text, "content-type: text/csv; charset=utf-8");
    assert_has(answer.text, "content-disposition: attachment");
    assert_string_equal(answer.body, "event:page,pageviews,bounce_rate\r\n"
                                     "/,9,\r\n"
                                     "\"'=HYPERLINK(\"\"x\"\"),1\",3,\r\n");
    free(answer.text);
    answer = call("GET",
                  "/api/v2/export/example.com.csv?metrics=pageviews&date_range=day"
                  "&filters=%5B%5B%22is%22%2C%22event%3Apage%22%2C%5B%22%2F%22%5D%5D%5D",
                  "", NULL);
    assert_string_equal(answer.body, "pageviews\r\n4\r\n");
    free(answer.text);
}

/* --- What is told and not stored yet
 * -------------------------------------------------------------- */

static const uint8_t DAY_KEY[SKETCH_KEY_BYTES] = {9};

static struct sketch_register register_of(enum table table, struct str value, uint64_t tag)
{
    uint8_t key[SKETCH_KEY_BYTES];
    sketch_cell_key(DAY_KEY, table, value, key);
    return sketch_register_of(key, tag);
}

static void count(struct section *section, enum table table, struct str value, uint64_t tag)
{
    struct cell *cell = section_cell(section, table, value);
    cell->sums[METRIC_PAGEVIEWS]++;
    cell->sums[METRIC_VISITS]++;
    section_add_register(section, cell, register_of(table, value, tag));
}

static void store_sketch(enum table table, struct str value, uint64_t from, uint64_t to)
{
    struct sketch_register registers[100];
    struct buf key, hyll;
    size_t n = 0;
    for (uint64_t tag = from; tag <= to; tag++)
        registers[n++] = register_of(table, value, tag);
    buf_init(&key, 1000);
    buf_init(&hyll, 100000);
    sketch_encode(&hyll, registers, n);
    model_key_seen(&key, STR_LIT("example.com"), today, table, value);
    DO(STR_LIT("SET"), buf_str(&key), buf_str(&hyll));
    buf_done(&key);
    buf_done(&hyll);
}

/* Visitors 2 and 3 view "/new", batch 5 of writer 1. */
static void tell(uint32_t active)
{
    struct section *section = section_new(100);
    struct buf payload, message, channel;
    section_reset(section, STR_LIT("example.com"), today);
    for (uint64_t tag = 2; tag <= 3; tag++) {
        count(section, TABLE_TOTAL, STR_EMPTY, tag);
        count(section, TABLE_PAGE, STR_LIT("/new"), tag);
    }
    buf_init(&payload, 100000);
    batch_begin(&payload, 1);
    batch_append_section(&payload, section);
    batch_end(&payload);
    buf_init(&message, 100000);
    live_encode(&message, &(struct live_message){
                              .writer = 1,
                              .site = STR_LIT("example.com"),
                              .has_now = true,
                              .now = {.active_visits = active,
                                      .views_by_minute = {3, 1},
                                      .pages = {{STR_LIT("/new"), active}},
                                      .page_count = 1},
                              .parts = {{.number = 5, .payload = buf_str(&payload)}},
                              .part_count = 1,
                          });
    buf_init(&channel, 100);
    model_channel_live(&channel, STR_LIT("example.com"));
    DO(STR_LIT("PUBLISH"), buf_str(&channel), buf_str(&message));
    section_free(section);
    buf_done(&payload);
    buf_done(&message);
    buf_done(&channel);
}

/* What is told is forgotten soon: these tell it again. */
static void tell_of_two(void)
{
    tell(2);
}

static void tell_of_four(void)
{
    tell(4);
}

#define TODAY_QUESTION                                                                             \
    "{" SITE ",\"metrics\":[\"visitors\",\"visits\",\"pageviews\"],\"date_range\":\"day\"}"

static void what_is_told_shows_until_it_is_stored(void **state)
{
    (void)state;
    store_sketch(TABLE_TOTAL, STR_EMPTY, 1, 2);
    assert_query(TODAY_QUESTION, "[{\"metrics\":[2,3,7],\"dimensions\":[]}]");
    await_telling("POST", "/api/v2/query", TODAY_QUESTION, 200,
                  "\"results\":[{\"metrics\":[3,5,9],\"dimensions\":[]}]", tell_of_two);
    await_telling(
        "POST", "/api/v2/query",
        "{" SITE ",\"metrics\":[\"visitors\",\"pageviews\"],\"date_range\":\"day\","
        "\"dimensions\":[\"event:page\"],\"filters\":[[\"is\",\"event:page\",[\"/new\"]]]}",
        200, "\"results\":[{\"metrics\":[2,2],\"dimensions\":[\"/new\"]}]", tell_of_two);
    /* As `apply` does: counters and mark in one step. */
    DO(STR_LIT("MULTI"));
    store(today, TABLE_TOTAL, "v", "9");
    store(today, TABLE_TOTAL, "s", "5");
    store(today, TABLE_TOTAL, "u", "3");
    store(today, TABLE_TOTAL, "@0000000000000001", "5");
    DO(STR_LIT("EXEC"));
    assert_query(TODAY_QUESTION, "[{\"metrics\":[3,5,9],\"dimensions\":[]}]");
    DO(STR_LIT("MULTI"));
    store(today, TABLE_TOTAL, "v", "7");
    store(today, TABLE_TOTAL, "s", "3");
    store(today, TABLE_TOTAL, "u", "2");
    DO(STR_LIT("EXEC"));
}

static void a_stream_tells_at_once_and_when_something_changes(void **state)
{
    (void)state;
    int fd = request("GET", "/api/live/example.com", "", NULL);
    char *text = receive(fd, "}}");
    assert_has(text, "content-type: text/event-stream");
    assert_has(text, "data: {\"active\":");
    assert_has(text, "\"today\":{\"visitors\":2,\"visits\":3,\"pageviews\":7}}\n\n");
    free(text);
    store(today, TABLE_TOTAL, "v", "8");
    text = receive(fd, "\"pageviews\":8}}\n\n");
    free(text);
    text = receive_telling(fd, "\"active\":4", tell_of_four);
    assert_has(text, "0,0,1,3],\"pages\":[{\"path\":\"/new\",\"visits\":4}]");
    free(text);
    store(today, TABLE_TOTAL, "v", "7");
    close(fd);
}

static void more_questions_than_the_cap_are_sent_away(void **state)
{
    struct pollfd fds[QUESTIONS_MAX + 1];
    size_t refused = 0;
    (void)state;
    /* A Redis that does not answer keeps them under way. */
    assert_int_equal(kill(redis_server.pid, SIGSTOP), 0);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = (struct pollfd){.fd = request("POST", "/api/v2/query", "", TODAY_QUESTION),
                                 .events = POLLIN};
    assert_int_equal(poll(fds, ARRAY_LEN(fds), PATIENCE_MS), 1);
    while (fds[refused].revents == 0)
        refused++;
    char *text = receive(fds[refused].fd, NULL);
    assert_has(text, "HTTP/1.1 503");
    assert_has(text, "retry-after: 1\r\n");
    free(text);
    /* The loop is free meanwhile. */
    assert_call("GET", "/healthz", NULL, 200, "ok");
    assert_int_equal(kill(redis_server.pid, SIGCONT), 0);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        if (i != refused) {
            text = receive(fds[i].fd, NULL);
            assert_has(text, "HTTP/1.1 200");
            free(text);
        }
        close(fds[i].fd);
    }
}

static void log_length(const char *from, const char *to)
{
    static const struct str ADD = STR_LIT(
        "for i = ARGV[1], ARGV[2] do redis.call('XADD', KEYS[1], '*', 'p', 'x') end return 1");
    DO(STR_LIT("EVAL"), ADD, STR_LIT("1"), STR_LIT("ff:{0}:log"), str_from(from), str_from(to));
}

static void trim_log(unsigned entries)
{
    char text[16];
    snprintf(text, sizeof(text), "%u", entries);
    DO(STR_LIT("XTRIM"), STR_LIT("ff:{0}:log"), STR_LIT("MAXLEN"), STR_LIT("="), str_from(text));
}

static void while_the_store_is_behind_questions_are_sent_away(void **state)
{
    static const char *const EXPORT = "/api/v2/export/example.com.csv?metrics=visits&date_range=7d";
    char last[16];
    (void)state;
    snprintf(last, sizeof(last), "%d", BACKLOG_SHED_ENTRIES - 1);
    int stream = request("GET", "/api/live/example.com", "", NULL);
    free(receive(stream, "\"today\""));
    log_length("1", last);
    usleep(1500000); /* it was asked for since */
    assert_call("POST", "/api/v2/query", TODAY_QUESTION, 200, "\"results\"");
    log_length("1", "1");
    await("POST", "/api/v2/query", TODAY_QUESTION, 503, "The store is behind with counting;");
    assert_call("POST", "/api/v2/query", TODAY_QUESTION, 503, "retry-after: 10");
    assert_call("GET", EXPORT, NULL, 503, "retry-after: 10");
    assert_call("GET", "/api/sites", NULL, 200, "example.com");
    assert_call("GET", "/readyz", NULL, 200, "ok");
    /* Who watches goes on to see; who comes may watch too. */
    store(today, TABLE_TOTAL, "u", "3");
    char *told = receive(stream, "\"visitors\":3");
    free(told);
    close(stream);
    stream = request("GET", "/api/live/example.com", "", NULL);
    free(receive(stream, "\"visitors\":3"));
    close(stream);
    store(today, TABLE_TOTAL, "u", "2");
    trim_log(BACKLOG_SERVE_ENTRIES + 1);
    usleep(1500000);
    assert_call("POST", "/api/v2/query", TODAY_QUESTION, 503, "The store is behind");
    trim_log(BACKLOG_SERVE_ENTRIES);
    await("POST", "/api/v2/query", TODAY_QUESTION, 200, "\"results\"");
    DO(STR_LIT("DEL"), STR_LIT("ff:{0}:log"));
}

static void clients_that_go_leave_nothing_behind(void **state)
{
    (void)state;
    assert_int_equal(kill(redis_server.pid, SIGSTOP), 0);
    for (size_t i = 0; i < 2 * QUESTIONS_MAX; i++)
        close(request("POST", "/api/v2/query", "", TODAY_QUESTION));
    for (size_t i = 0; i < 4; i++)
        close(request("GET", "/api/live/example.com", "", NULL));
    usleep(200000);
    assert_int_equal(kill(redis_server.pid, SIGCONT), 0);
    await("POST", "/api/v2/query", TODAY_QUESTION, 200, "\"results\"");
}

static void without_redis_it_says_so_and_comes_back(void **state)
{
    (void)state;
    redis_free(redis);
    redis_server_kill(&redis_server, SIGKILL);
    await("POST", "/api/v2/query", TODAY_QUESTION, 503, "The store cannot be read at present.");
    await("GET", "/readyz", NULL, 503, "The store cannot be read at present.");
    assert_call("GET", "/healthz", NULL, 200, "ok");
    redis_server_restart(&redis_server, NULL);
    redis = redis_server_connect(&redis_server);
    fill();
    await("POST", "/api/v2/query", TODAY_QUESTION, 200, "\"results\":[{\"metrics\":[2,3,7]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_counts_are_answered),
        cmocka_unit_test(what_is_not_kept_is_refused_in_words),
        cmocka_unit_test(bodies_below_and_above_the_cap),
        cmocka_unit_test(answers_are_kept_by_nobody_and_framed_by_nobody),
        cmocka_unit_test(sites_follow_the_list),
        cmocka_unit_test(pages_are_served_for_every_state),
        cmocka_unit_test(exports_are_csv_that_runs_nothing),
        cmocka_unit_test(what_is_told_shows_until_it_is_stored),
        cmocka_unit_test(a_stream_tells_at_once_and_when_something_changes),
        cmocka_unit_test(more_questions_than_the_cap_are_sent_away),
        cmocka_unit_test(while_the_store_is_behind_questions_are_sent_away),
        cmocka_unit_test(clients_that_go_leave_nothing_behind),
        cmocka_unit_test(without_redis_it_says_so_and_comes_back),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

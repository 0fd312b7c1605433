/* The admin listener over real sockets: what it answers on a port and on a Unix socket, and whom it
 * lets in. */

#include "common/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/http.h"
#include "common/limits.h"
#include "loopback.h"
#include "tests/test.h"

enum { ANSWER_BYTES = 16384, ERROR_BYTES = 256 };

static const struct metrics_row METRICS[] = {
    {METRICS_COUNTER, "test_seen_total", "", "What was seen."},
};
static const struct health_row HEALTH[] = {
    {"sites", true, "", "the site list is known", "the site list was not read yet"},
};

struct fixture {
    struct metrics *metrics;
    struct health *health;
    struct admin *admin;
    char folder[64], listen[128], path[96];
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->metrics = metrics_new(METRICS, 1, 1);
    fixture->health = health_new(HEALTH, 1, 1);
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/footfall-admin-XXXXXX");
    if (mkdtemp(fixture->folder) == NULL)
        return -1;
    snprintf(fixture->path, sizeof(fixture->path), "%s/role", fixture->folder);
    snprintf(fixture->listen, sizeof(fixture->listen), "unix:%s", fixture->path);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    admin_stop(fixture->admin);
    metrics_free(fixture->metrics);
    health_free(fixture->health);
    (void)unlink(fixture->path);
    int removed = rmdir(fixture->folder);
    free(fixture);
    return removed;
}

static bool start(struct fixture *fixture, const char *listen_at, char error[ERROR_BYTES])
{
    const struct admin_options options = {.listen = listen_at,
                                          .role = "test",
                                          .metrics = fixture->metrics,
                                          .health = fixture->health};
    return admin_start(&options, &fixture->admin, error, ERROR_BYTES);
}

static int dial(const struct fixture *fixture)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    if (admin_port(fixture->admin) != 0)
        return loopback_dial(admin_port(fixture->admin));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(path.sun_path, fixture->path, strlen(fixture->path));
    assert_int_equal(connect(fd, (struct sockaddr *)&path, sizeof(path)), 0);
    return fd;
}

static void ask(const struct fixture *fixture, const char *path, char answer[ANSWER_BYTES])
{
    char request[256];
    size_t len = 0;
    ssize_t got;
    int fd = dial(fixture);
    int asked = snprintf(request, sizeof(request),
                         "GET %s HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", path);
    assert_int_equal(write(fd, request, (size_t)asked), asked);
    while ((got = read(fd, answer + len, ANSWER_BYTES - 1 - len)) > 0)
        len += (size_t)got;
    answer[len] = '\0';
    close(fd);
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("%s\nis not in\n%s", part, text);
}

static void check_answers(struct fixture *fixture)
{
    char answer[ANSWER_BYTES];
    metrics_add(metrics_part(fixture->metrics, 0), 0, 12);
    ask(fixture, "/metrics", answer);
    assert_has(answer, "HTTP/1.1 200 OK");
    assert_has(answer, "content-type: text/plain; version=0.0.4; charset=utf-8");
    assert_has(answer, "\ntest_seen_total 12\n");
    assert_has(answer, "\nfootfall_build_info{role=\"test\",version=\"" FOOTFALL_VERSION "\"} 1\n");
    assert_has(answer, "\nprocess_cpu_seconds_total ");
    ask(fixture, "/readyz", answer);
    assert_has(answer, "HTTP/1.1 503 ");
    assert_has(answer, "{\"status\":\"not ready\",\"checks\":[{\"name\":\"sites\",\"ok\":false,");
    assert_has(answer, "the site list was not read yet");
    health_set(fixture->health, 0, 0, true, 0);
    ask(fixture, "/readyz", answer);
    assert_has(answer, "HTTP/1.1 200 ");
    assert_has(answer, "{\"status\":\"ready\",");
    ask(fixture, "/healthz", answer);
    assert_has(answer, "HTTP/1.1 200 ");
    ask(fixture, "/", answer);
    assert_has(answer, "HTTP/1.1 404 ");
}

static void a_port_answers(void **state)
{
    struct fixture *fixture = *state;
    char error[ERROR_BYTES];
    assert_true(start(fixture, "127.0.0.1:0", error));
    check_answers(fixture);
}

static void a_socket_answers_its_owner_alone(void **state)
{
    struct fixture *fixture = *state;
    char error[ERROR_BYTES];
    struct stat about;
    assert_true(start(fixture, fixture->listen, error));
    check_answers(fixture);
    assert_int_equal(stat(fixture->path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    admin_stop(fixture->admin);
    fixture->admin = NULL;
    assert_int_equal(stat(fixture->path, &about), -1);
}

static void a_socket_left_behind_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    char error[ERROR_BYTES];
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    memcpy(path.sun_path, fixture->path, strlen(fixture->path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&path, sizeof(path)), 0);
    close(fd);
    assert_true(start(fixture, fixture->listen, error));
    check_answers(fixture);
}

static void what_is_in_use_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    struct fixture other = *fixture;
    char error[ERROR_BYTES];
    assert_true(start(fixture, fixture->listen, error));
    assert_false(start(&other, fixture->listen, error));
    assert_has(error, "another program already listens on unix:");
    assert_null(other.admin);
    check_answers(fixture);
    admin_stop(fixture->admin);
    fixture->admin = NULL;
    FILE *file = fopen(fixture->path, "we");
    fclose(file);
    assert_false(start(&other, fixture->listen, error));
    assert_has(error, "another program already listens on unix:");
}

static void a_socket_in_no_folder_is_said(void **state)
{
    struct fixture *fixture = *state;
    char error[ERROR_BYTES], listen_at[160];
    snprintf(listen_at, sizeof(listen_at), "%s/below", fixture->listen);
    assert_false(start(fixture, listen_at, error));
    assert_has(error, "cannot listen on unix:");
}

static void without_a_listener_there_is_none(void **state)
{
    struct fixture *fixture = *state;
    char error[ERROR_BYTES];
    assert_true(start(fixture, NULL, error));
    assert_null(fixture->admin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_port_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_socket_answers_its_owner_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_socket_left_behind_is_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_in_use_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_socket_in_no_folder_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_listener_there_is_none, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

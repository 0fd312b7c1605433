/* The aggregator's process against a real Redis: counts stay exact whatever is killed, lost or in
 * the way. Batches are appended as a collector would; an oracle counts along. */

#include "aggregator/aggregate.h"

#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aggregator/acl.h"
#include "aggregator/functions.h"
#include "counted_log.h"
#include "tests/test.h"

/* --- Tests ------------------------------------------------------------------------------------ */

static void batches_become_counts(void **state)
{
    (void)state;
    pid_t pid = start_aggregator(&server.address);
    for (int i = 0; i < 200; i++)
        append_views(1 + randombytes_uniform(40));
    wait_applied();
    assert_counts_equal_the_oracle();
    stop_aggregator(pid);

    struct redis_reply *keys = redis_do(redis, S("KEYS"), S("*"));
    for (size_t i = 0; i < redis_reply_count(keys); i++) {
        struct str key = redis_reply_str(redis_reply_at(keys, i));
        assert_non_null(model_key_pattern(key));
        bool is_of_a_day = str_find(key, 'a') < key.len && str_starts_with(key, S("ff:{0}:a."));
        struct redis_reply *ttl = redis_do(redis, S("TTL"), key);
        assert_int_equal(redis_reply_integer(ttl) > 0, is_of_a_day);
        redis_reply_free(ttl);
    }
    redis_reply_free(keys);
}

static void a_quiet_sites_batch_does_not_wait(void **state)
{
    (void)state;
    pid_t pid = start_aggregator(&server.address);
    append_views(1);
    wait_applied();
    /* The best of some: the machine may be busy with other tests. What took long before has no part
     * in it: the longest pause that follows an apply is over each time. */
    int64_t best_ms = WAIT_MS_MAX, began_ms = now_ms();
    while (best_ms >= 150 && now_ms() - began_ms < WAIT_MS_MAX) {
        sleep_ms(APPLY_EVERY_MS_MAX + 100);
        append_views(1);
        int64_t waited_ms = wait_applied();
        best_ms = waited_ms < best_ms ? waited_ms : best_ms;
    }
    assert_true(best_ms < 150);
    stop_aggregator(pid);
    assert_counts_equal_the_oracle();
}

static void it_stops_soon(void **state)
{
    (void)state;
    pid_t pid = start_aggregator(&server.address);
    append_views(1);
    wait_applied();
    int64_t began_ms = now_ms();
    stop_aggregator(pid);
    assert_true(now_ms() - began_ms < WAIT_MS_MAX);
}

static void two_aggregators_count_once(void **state)
{
    (void)state;
    pid_t first = start_aggregator(&server.address), second = start_aggregator(&server.address);
    for (int i = 0; i < 300; i++) {
        append_views(1 + randombytes_uniform(10));
        if (i % 10 == 0)
            sleep_ms(20);
    }
    wait_applied();
    stop_aggregator(first);
    stop_aggregator(second);
    assert_counts_equal_the_oracle();
}

static void killed_at_any_moment_it_counts_once(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        pid_t pid = start_aggregator(&server.address);
        for (int batch = 0; batch < 10; batch++)
            append_views(1 + randombytes_uniform(20));
        sleep_ms((long)randombytes_uniform(30));
        kill_aggregator(pid);
    }
    append_views(1);
    pid_t pid = start_aggregator(&server.address);
    wait_applied();
    stop_aggregator(pid);
    assert_counts_equal_the_oracle();
}

static void sync_appends(const char *when)
{
    DO(S("CONFIG"), S("SET"), S("appendfsync"), str_from(when));
}

/* So long that what comes next is folded while an apply is under way. */
static void a_long_log_is_counted_once(void **state)
{
    (void)state;
    sync_appends("everysec"); /* thousands of syncs would take minutes on a slow disk */
    for (int i = 0; i < 4000; i++)
        append_views(1 + randombytes_uniform(10));
    sync_appends("always");
    for (int i = 0; i < 12; i++) {
        pid_t pid = start_aggregator(&server.address);
        sleep_ms(20 + (long)randombytes_uniform(60));
        kill_aggregator(pid);
    }
    sync_appends("everysec");
    for (int i = 0; i < 2000; i++)
        append_views(1 + randombytes_uniform(10));
    sync_appends("always");
    pid_t first = start_aggregator(&server.address), second = start_aggregator(&server.address);
    wait_applied();
    stop_aggregator(first);
    stop_aggregator(second);
    assert_counts_equal_the_oracle();
}

/* What is built ahead comes just after what was sent, so that nothing is folded in vain. */
static void a_long_log_takes_no_step_in_vain(void **state)
{
    (void)state;
    enum { ENTRIES = 28, PAGES_EACH = 1500 };
    static_assert(APPLY_PENDING_MAX / PAGES_EACH == 5, "six entries are one apply");
    char admin[128], page[16];
    struct section *section = section_new(SECTION_CELLS_MAX);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        section_reset(section, S(SITE), 20240201 + i);
        for (int k = 0; k < PAGES_EACH; k++) {
            snprintf(page, sizeof(page), "/%d", k);
            section_cell(section, TABLE_PAGE, str_from(page))->sums[METRIC_PAGEVIEWS] = 1;
        }
        append_section(0, section);
    }
    section_free(section);
    snprintf(admin, sizeof(admin), "unix:%s/aggregate", server.dir);
    pid_t pid = start_telling_aggregator(&server.address, admin);
    wait_applied();
    wait_told(admin, "/metrics", "\nfootfall_aggregator_entries_applied_total 28\n");
    wait_told(admin, "/metrics", "\nfootfall_aggregator_applies_total 5\n");
    wait_told(admin, "/metrics", "\nfootfall_aggregator_applies_moved_total 0\n");
    stop_aggregator(pid);
    assert_int_equal(field("ff:{0}:" SITE ":live:20240201:page", S("v/1499")), 1);
    assert_int_equal(field("ff:{0}:" SITE ":live:20240228:page", S("v/1499")), 1);
}

static void a_killed_redis_counts_once(void **state)
{
    (void)state;
    pid_t pid = start_aggregator(&server.address);
    for (int i = 0; i < 10; i++) {
        for (int batch = 0; batch < 20; batch++)
            append_views(1 + randombytes_uniform(20));
        sleep_ms((long)randombytes_uniform(40));
        redis_free(redis);
        redis_server_kill(&server, SIGKILL);
        redis_server_restart(&server, APPEND_ONLY);
        redis = redis_server_connect(&server);
    }
    wait_applied();
    stop_aggregator(pid);
    assert_counts_equal_the_oracle();
}

/* --- A reply that never arrives --------------------------------------------------------------- */

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        _exit(1);
    return fd;
}

static void write_all(int fd, const char *bytes, ssize_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, bytes, (size_t)len);
        if (written <= 0)
            return;
        bytes += written;
        len -= written;
    }
}

/* Carries bytes both ways. Every third `apply` loses its reply: the server answers, the client
 * never hears of it, and the connection is cut. */
static void carry(int client, int upstream, unsigned *applies)
{
    static char bytes[1 << 16];
    bool lose = false;
    struct pollfd fds[] = {{.fd = client, .events = POLLIN}, {.fd = upstream, .events = POLLIN}};
    while (poll(fds, 2, -1) > 0) {
        if (fds[0].revents != 0) {
            ssize_t len = read(client, bytes, sizeof(bytes));
            if (len <= 0)
                return;
            if (memmem(bytes, (size_t)len, "FCALL", 5) != NULL && ++*applies % 3 != 0)
                lose = true;
            write_all(upstream, bytes, len);
        }
        if (fds[1].revents != 0) {
            ssize_t len = read(upstream, bytes, sizeof(bytes));
            if (len <= 0 || lose)
                return;
            write_all(client, bytes, len);
        }
    }
}

static pid_t start_lossy_proxy(struct redis_address *ret_address)
{
    *ret_address = server.address;
    int len = snprintf(ret_address->socket_path, sizeof(ret_address->socket_path), "%s/lossy.sock",
                       server.dir);
    assert_true(len > 0);
    int fd = listen_at(ret_address->socket_path);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
        unsigned applies = 0;
        for (;;) {
            int client = accept(fd, NULL, NULL);
            int upstream = connect_to(server.address.socket_path);
            carry(client, upstream, &applies);
            close(client);
            close(upstream);
        }
    }
    close(fd);
    return pid;
}

static void a_lost_reply_is_settled_by_the_cursor(void **state)
{
    (void)state;
    struct redis_address lossy;
    pid_t proxy = start_lossy_proxy(&lossy);
    pid_t pid = start_aggregator(&lossy);
    for (int i = 0; i < 12; i++) {
        append_views(1 + randombytes_uniform(20));
        wait_applied();
    }
    stop_aggregator(pid);
    kill_aggregator(proxy);
    assert_counts_equal_the_oracle();
}

/* --- Caps and bad state ------------------------------------------------------------- */

static void append_pages(unsigned from, unsigned count)
{
    struct section *section = section_new(10000);
    section_reset(section, S(SITE), DATE);
    for (unsigned i = from; i < from + count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "/page/%u", i);
        count_view(section, name, true);
    }
    append_section(0, section);
    section_free(section);
}

static size_t page_values(void)
{
    struct redis_reply *reply = redis_do(redis, S("HKEYS"), S(PAGE));
    size_t values = 0;
    for (size_t i = 0; i < redis_reply_count(reply); i++)
        values += redis_reply_str(redis_reply_at(reply, i)).ptr[0] == 'v';
    redis_reply_free(reply);
    return values;
}

static void past_a_tables_cap_values_count_as_other(void **state)
{
    (void)state;
    const uint32_t cap = model_table_cap(TABLE_PAGE);
    pid_t pid = start_aggregator(&server.address);
    append_pages(0, cap - 1);
    wait_applied();
    assert_int_equal(page_values(), cap - 1);
    append_pages(cap - 1, 1);
    wait_applied();
    assert_int_equal(page_values(), cap);
    assert_int_equal(field(PAGE, S("v" MODEL_OTHER)), 0);
    append_pages(cap, 1);
    wait_applied();
    assert_int_equal(page_values(), cap + 1);
    assert_int_equal(field(PAGE, S("v" MODEL_OTHER)), 1);

    /* A new process learns the values from the store. */
    stop_aggregator(pid);
    pid = start_aggregator(&server.address);
    append_pages(cap - 2, 5);
    wait_applied();
    assert_int_equal(page_values(), cap + 1);
    assert_int_equal(field(PAGE, S("v" MODEL_OTHER)), 4);
    assert_int_equal(field(PAGE, S("u" MODEL_OTHER)), 4);
    assert_int_equal(field(PAGE, S("v/page/1998")), 2);
    assert_int_equal(field(TOTAL, S("v")), cap + 6);
    stop_aggregator(pid);
}

static void a_redis_without_memory_is_waited_for(void **state)
{
    (void)state;
    pid_t pid = start_aggregator(&server.address);
    append_views(5);
    wait_applied();
    append_views(5);
    DO(S("CONFIG"), S("SET"), S("maxmemory"), S("1"));
    sleep_ms(400);
    DO(S("CONFIG"), S("SET"), S("maxmemory"), S("0"));
    wait_applied();
    stop_aggregator(pid);
    assert_counts_equal_the_oracle();
}

static void a_library_that_is_gone_is_loaded_again(void **state)
{
    (void)state;
    char error[200];
    pid_t pid = start_aggregator(&server.address);
    append_views(5);
    wait_applied();
    append_views(5);
    DO(S("FUNCTION"), S("FLUSH"));
    wait_applied();
    stop_aggregator(pid);
    assert_counts_equal_the_oracle();
    assert_true(functions_load(redis, error, sizeof(error)));
}

static void the_rights_of_its_role_are_enough(void **state)
{
    (void)state;
    struct redis_address address;
    redis_server_add_user(&server, "aggregator", ACL_AGGREGATOR, &address);
    DO(S("FUNCTION"), S("FLUSH"));
    pid_t pid = start_aggregator(&address);
    size_t libraries = 0;
    for (int64_t began_ms = now_ms(); libraries == 0; sleep_ms(20)) {
        assert_true(now_ms() - began_ms < WAIT_MS_MAX);
        struct redis_reply *list = redis_do(redis, S("FUNCTION"), S("LIST"));
        libraries = redis_reply_count(list);
        redis_reply_free(list);
    }
    for (int i = 0; i < 20; i++)
        append_views(30);
    wait_applied();
    for (int i = 0; i < 20; i++)
        append_views(30);
    wait_applied();
    stop_aggregator(pid);
    assert_counts_equal_the_oracle();
}

/* --- A cursor and a log of different times -----------------------------------------------------
 */

/* The append-only files as a backup has them: copied away, and back. */
static void copy_files(const char *from, const char *to)
{
    char line[300];
    int len = snprintf(line, sizeof(line), "rm -rf %s/%s && cp -a %s/%s %s/%s", server.dir, to,
                       server.dir, from, server.dir, to);
    assert_true(len > 0 && (size_t)len < sizeof(line));
    assert_int_equal(system(line), 0);
}

static void an_older_backup_counts_once_what_it_has(void **state)
{
    (void)state;
    pid_t pid = start_aggregator(&server.address);
    for (int i = 0; i < 20; i++)
        append_views(10);
    wait_applied();
    kill(pid, SIGSTOP);
    for (int i = 0; i < 5; i++)
        append_views(10); /* in the backup's log, not applied */
    copy_files("appendonlydir", "backup");
    struct oracle then = oracle;
    kill(pid, SIGCONT);
    for (int i = 0; i < 20; i++)
        append_views(10);
    wait_applied();
    assert_counts_equal_the_oracle();

    /* The aggregator lives through it, and remembers a later cursor. */
    redis_free(redis);
    redis_server_kill(&server, SIGKILL);
    copy_files("backup", "appendonlydir");
    redis_server_restart(&server, APPEND_ONLY);
    redis = redis_server_connect(&server);
    oracle = then;
    wait_applied();
    assert_counts_equal_the_oracle();
    for (int i = 0; i < 5; i++)
        append_views(10);
    wait_applied();
    stop_aggregator(pid);
    assert_counts_equal_the_oracle();
    assert_int_equal(stream_length(QUARANTINE), 0);
}

static void without_a_cursor_what_is_in_the_log_counts_once(void **state)
{
    (void)state;
    pid_t pid = start_aggregator(&server.address);
    append_views(10);
    wait_applied();
    kill(pid, SIGSTOP);
    for (int i = 0; i < 5; i++)
        append_views(10);
    DO(S("DEL"), S(CURSOR));
    kill(pid, SIGCONT);
    wait_applied();
    append_views(10);
    wait_applied();
    stop_aggregator(pid);
    assert_counts_equal_the_oracle();
}

/* Such entries may have been counted. */
static void what_stands_before_the_cursor_is_not_counted(void **state)
{
    (void)state;
    pid_t pid = start_aggregator(&server.address);
    append_views(10);
    wait_applied();
    struct oracle then = oracle;
    for (int i = 0; i < 3; i++) {
        /* The log is lost, and its clock is behind. */
        DO(S("DEL"), S(LOG));
        DO(S("XADD"), S(LOG), S("1-0"), S("w"), S("x"));
        wait_applied();
        assert_int_equal(stream_length(QUARANTINE), i + 1);
    }
    struct redis_reply *cursor = redis_do(redis, S("GET"), S(CURSOR));
    struct redis_reply *info = redis_do(redis, S("XINFO"), S("STREAM"), S(LOG));
    bool told = false;
    for (size_t i = 0; i + 1 < redis_reply_count(info); i++)
        if (redis_reply_is(redis_reply_at(info, i), "last-generated-id"))
            told = str_eq(redis_reply_str(redis_reply_at(info, i + 1)), redis_reply_str(cursor));
    assert_true(told);
    redis_reply_free(info);
    redis_reply_free(cursor);
    assert_int_equal(field(TOTAL, S("v")), then.all_views);
    append_views(10);
    wait_applied();
    stop_aggregator(pid);
    assert_counts_equal_the_oracle();
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, counted_start, counted_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(batches_become_counts),
        SERVED(a_quiet_sites_batch_does_not_wait),
        SERVED(it_stops_soon),
        SERVED(two_aggregators_count_once),
        SERVED(killed_at_any_moment_it_counts_once),
        SERVED(a_long_log_is_counted_once),
        SERVED(a_long_log_takes_no_step_in_vain),
        SERVED(a_killed_redis_counts_once),
        SERVED(a_lost_reply_is_settled_by_the_cursor),
        SERVED(past_a_tables_cap_values_count_as_other),
        SERVED(a_redis_without_memory_is_waited_for),
        SERVED(a_library_that_is_gone_is_loaded_again),
        SERVED(the_rights_of_its_role_are_enough),
        SERVED(an_older_backup_counts_once_what_it_has),
        SERVED(without_a_cursor_what_is_in_the_log_counts_once),
        SERVED(what_stands_before_the_cursor_is_not_counted),
    };
    signal(SIGPIPE, SIG_IGN);
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}

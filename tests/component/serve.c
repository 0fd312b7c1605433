/* `footfall serve` with a real Redis and roles that this binary plays itself: a role listens on its
 * port, tells its pid, and says at its end whether Redis was still there. */

#include "tests/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/port.h"
#include "cli/serve.h"
#include "cli/site_admin.h"
#include "collector/collect.h"
#include "collector/day_key.h"
#include "common/clock.h"
#include "common/config.h"
#include "common/redis.h"
#include "loopback.h"

enum { ERROR_BYTES = 512, WAIT_MS = 20000, PATH_BYTES = 256 };

/* --- The fake roles --------------------------------------------------------------------------- */

static volatile sig_atomic_t told_to_stop;

static void on_term(int number)
{
    (void)number;
    told_to_stop = 1;
}

static void append_line(const char *data, const char *name, const char *text)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/%s", data, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        _exit(90);
    if (dprintf(fd, "%s\n", text) < 0)
        _exit(91);
    close(fd);
}

static bool redis_there(const char *data)
{
    struct config config;
    struct redis_address address;
    char error[ERROR_BYTES];
    if (!config_load(NULL, &config, error, sizeof(error)) ||
        !config_set(&config, "data", data, error, sizeof(error)) ||
        !config_redis_address(&config, "admin", &address, error, sizeof(error)))
        return false;
    config_done(&config);
    struct redis *redis = redis_connect(&address, error, sizeof(error));
    bool good = redis != NULL;
    redis_free(redis);
    return good;
}

/* The collector adds one to the first byte of the day keys' memory; others have none. */
static void use_day_keys(const char *data, const char *role)
{
    const char *number = getenv(COLLECT_DAY_KEYS_VARIABLE);
    if (number == NULL) {
        append_line(data, "day-keys", strcmp(role, "collect") == 0 ? "missing" : "none");
        return;
    }
    unsigned char *memory = mmap(NULL, day_keys_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED,
                                 (int)strtol(number, NULL, 10), 0);
    if (memory == MAP_FAILED)
        _exit(92);
    char text[32];
    snprintf(text, sizeof(text), "%s %d", role, ++memory[0]);
    append_line(data, "day-keys", text);
}

static int listen_on(const char *text)
{
    struct listen_address address;
    if (!value_listen(str_from(text), &address))
        _exit(93);
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(address.port)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (inet_pton(AF_INET, address.host, &v4.sin_addr) != 1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&v4, sizeof(v4)) != 0 || listen(fd, 16) != 0)
        _exit(94);
    return fd;
}

/* argv: footfall ROLE --data DIR */
static int fake_role(char **argv)
{
    const char *role = argv[1], *data = argv[3];
    char name[64], text[64];
    (void)signal(SIGTERM, on_term);
    if (getenv("FAKE_COLLECT_FAILS") != NULL && strcmp(role, "collect") == 0)
        return 5;
    if (strcmp(role, "collect") == 0)
        (void)listen_on(getenv("FOOTFALL_COLLECTOR_LISTEN"));
    if (strcmp(role, "dashboards") == 0)
        (void)listen_on(getenv("FOOTFALL_DASHBOARDS_LISTEN"));
    use_day_keys(data, role);
    snprintf(name, sizeof(name), "%s.pids", role);
    snprintf(text, sizeof(text), "%ld", (long)getpid());
    append_line(data, name, text);
    while (!told_to_stop)
        usleep(2000);
    /* Long enough for a Redis that is told to stop at the same time to be gone. */
    usleep(300000);
    snprintf(text, sizeof(text), "%s %s", role, redis_there(data) ? "with redis" : "without redis");
    append_line(data, "order", text);
    return 0;
}

/* --- Serve in a process of its own ------------------------------------------------------------ */

struct served {
    char data[64];
    pid_t pid;
    struct listen_address collector;
    struct listen_address dashboards;
    uint32_t rewrite_ms;
};

static void free_ports(struct served *served)
{
    served->collector = (struct listen_address){.host = "127.0.0.1", .port = loopback_free_port()};
    served->dashboards = (struct listen_address){.host = "127.0.0.1", .port = loopback_free_port()};
}

static int serve_in_child(const struct served *served)
{
    char error[ERROR_BYTES], collector[PORT_TEXT_BYTES], dashboards[PORT_TEXT_BYTES];
    port_format(&served->collector, collector);
    port_format(&served->dashboards, dashboards);
    struct config config;
    if (!config_load(NULL, &config, error, sizeof(error)) ||
        !config_set(&config, "data", served->data, error, sizeof(error)) ||
        !config_set(&config, "collector.listen", collector, error, sizeof(error)) ||
        !config_set(&config, "dashboards.listen", dashboards, error, sizeof(error)))
        return 99;
    const struct serve_options options = {.config = &config, .rewrite_ms = served->rewrite_ms};
    int code = serve_run(&options);
    config_done(&config);
    return code;
}

/* Standard output and error go to DATA.out. */
static void serve_start(struct served *served)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s.out", served->data);
    (void)unlink(path);
    (void)fflush(NULL);
    served->pid = fork();
    assert_true(served->pid >= 0);
    if (served->pid > 0)
        return;
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    exit(serve_in_child(served));
}

static void read_file(const char *path, char *text, size_t text_bytes)
{
    text[0] = '\0';
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    size_t len = fread(text, 1, text_bytes - 1, file);
    text[len] = '\0';
    fclose(file);
}

static void read_data(const struct served *served, const char *name, char *text, size_t text_bytes)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/%s", served->data, name);
    read_file(path, text, text_bytes);
}

static void output(const struct served *served, char text[static 4096])
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s.out", served->data);
    read_file(path, text, 4096);
}

static void wait_for_output(const struct served *served, const char *sentence)
{
    char text[4096];
    int64_t began_ms = clock_mono_ms();
    for (output(served, text); strstr(text, sentence) == NULL; output(served, text)) {
        if (clock_mono_ms() - began_ms > WAIT_MS)
            fail_msg("no \"%s\" in:\n%s", sentence, text);
        usleep(10000);
    }
}

static int wait_for_exit(const struct served *served)
{
    int status;
    int64_t began_ms = clock_mono_ms();
    while (waitpid(served->pid, &status, WNOHANG) != served->pid) {
        if (clock_mono_ms() - began_ms > WAIT_MS)
            fail_msg("serve does not end");
        usleep(10000);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static size_t lines_of(const char *text)
{
    size_t lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

/* The pid of the role's nth start. */
static pid_t role_pid(const struct served *served, const char *role, size_t nth)
{
    char name[64], text[512];
    snprintf(name, sizeof(name), "%s.pids", role);
    int64_t began_ms = clock_mono_ms();
    for (read_data(served, name, text, sizeof(text)); lines_of(text) < nth;
         read_data(served, name, text, sizeof(text))) {
        if (clock_mono_ms() - began_ms > WAIT_MS)
            fail_msg("%s has not started %zu times", role, nth);
        usleep(10000);
    }
    const char *line = text;
    for (size_t i = 1; i < nth; i++)
        line = strchr(line, '\n') + 1;
    return (pid_t)strtol(line, NULL, 10);
}

static struct redis *admin_connect(const struct served *served)
{
    struct config config;
    struct redis_address address;
    char error[ERROR_BYTES] = "";
    assert_true(config_load(NULL, &config, error, sizeof(error)));
    assert_true(config_set(&config, "data", served->data, error, sizeof(error)));
    assert_true(config_redis_address(&config, "admin", &address, error, sizeof(error)));
    config_done(&config);
    int64_t began_ms = clock_mono_ms();
    for (;;) {
        struct redis *redis = redis_connect(&address, error, sizeof(error));
        if (redis != NULL)
            return redis;
        if (clock_mono_ms() - began_ms > WAIT_MS)
            fail_msg("%s", error);
        usleep(10000);
    }
}

/* A number of Redis's INFO. */
static long redis_info(const struct served *served, const char *field)
{
    struct redis *redis = admin_connect(served);
    struct redis_reply *reply = redis_do(redis, STR_LIT("INFO"), STR_LIT("all"));
    assert_non_null(reply);
    struct str info = redis_reply_str(reply);
    const char *at = memmem(info.ptr, info.len, field, strlen(field));
    assert_non_null(at);
    long value = strtol(strchr(at, ':') + 1, NULL, 10);
    redis_reply_free(reply);
    redis_free(redis);
    return value;
}

static pid_t redis_pid(const struct served *served)
{
    return (pid_t)redis_info(served, "process_id:");
}

static void wait_until_gone(pid_t pid)
{
    int64_t began_ms = clock_mono_ms();
    while (kill(pid, 0) == 0) {
        if (clock_mono_ms() - began_ms > WAIT_MS)
            fail_msg("process %ld is still there", (long)pid);
        usleep(10000);
    }
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
    (void)about;
    (void)kind;
    (void)walk;
    return remove(path);
}

static int setup(void **state)
{
    struct served *served = calloc(1, sizeof(*served));
    if (served == NULL)
        return -1;
    snprintf(served->data, sizeof(served->data), "/tmp/footfall-serve-XXXXXX");
    if (mkdtemp(served->data) == NULL)
        return -1;
    free_ports(served);
    *state = served;
    return 0;
}

static int teardown(void **state)
{
    struct served *served = *state;
    char path[PATH_BYTES];
    if (served->pid > 0) {
        (void)kill(served->pid, SIGKILL);
        (void)waitpid(served->pid, NULL, 0);
    }
    (void)nftw(served->data, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    snprintf(path, sizeof(path), "%s.out", served->data);
    (void)unlink(path);
    free(served);
    return 0;
}

static void stop(struct served *served)
{
    kill(served->pid, SIGTERM);
    assert_int_equal(wait_for_exit(served), 0);
    served->pid = 0;
}

static void start(struct served *served)
{
    serve_start(served);
    wait_for_output(served, "Footfall is running.");
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void it_starts_everything_and_says_where(void **state)
{
    struct served *served = *state;
    start(served);
    char text[4096], expected[256], error[ERROR_BYTES], port[PORT_TEXT_BYTES];
    output(served, text);
    port_format(&served->dashboards, port);
    snprintf(expected, sizeof(expected), "Dashboards   http://%s/\n", port);
    assert_non_null(strstr(text, expected));
    port_format(&served->collector, port);
    snprintf(expected, sizeof(expected), "src=\"http://%s/footfall.js\"", port);
    assert_non_null(strstr(text, expected));
    struct redis *redis = admin_connect(served);
    struct site_list *list = site_admin_list(redis, error, sizeof(error));
    assert_non_null(list);
    assert_int_equal(site_list_count(list), 1);
    assert_non_null(site_list_find(list, STR_LIT("demo.localhost")));
    assert_non_null(site_list_find_host(list, STR_LIT("127.0.0.1")));
    assert_non_null(site_list_find_host(list, STR_LIT("localhost")));
    site_list_unref(list);
    redis_free(redis);
    stop(served);
}

static void files_are_the_owners_alone(void **state)
{
    struct served *served = *state;
    static const char *const NAMES[] = {".",
                                        "redis",
                                        "spool",
                                        "log",
                                        "redis/admin.secret",
                                        "redis/users.acl",
                                        "redis/redis.sock",
                                        "log/collect.log",
                                        "lock"};
    start(served);
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        char path[PATH_BYTES];
        struct stat about;
        snprintf(path, sizeof(path), "%s/%s", served->data, NAMES[i]);
        assert_int_equal(stat(path, &about), 0);
        assert_int_equal(about.st_mode & 077, 0);
    }
    char secret[256], acl[4096];
    read_data(served, "redis/admin.secret", secret, sizeof(secret));
    read_data(served, "redis/users.acl", acl, sizeof(acl));
    assert_int_equal(strlen(secret), 64);
    assert_null(strstr(acl, secret));
    stop(served);
}

static void secrets_and_data_outlive_a_stop(void **state)
{
    struct served *served = *state;
    char before[256], after[256], error[ERROR_BYTES];
    start(served);
    read_data(served, "redis/collector.secret", before, sizeof(before));
    struct redis *redis = admin_connect(served);
    size_t keys;
    assert_true(site_admin_add(redis, &(struct site_request){.domain = "Example.com"}, error,
                               sizeof(error)));
    assert_true(site_admin_remove(redis, STR_LIT("demo.localhost"), &keys, error, sizeof(error)));
    redis_free(redis);
    stop(served);
    start(served);
    read_data(served, "redis/collector.secret", after, sizeof(after));
    assert_string_equal(before, after);
    redis = admin_connect(served);
    struct site_list *list = site_admin_list(redis, error, sizeof(error));
    assert_non_null(list);
    assert_non_null(site_list_find(list, STR_LIT("example.com")));
    /* A demo site that was removed does not come back. */
    assert_int_equal(site_list_count(list), 1);
    site_list_unref(list);
    redis_free(redis);
    stop(served);
}

static void any_child_that_is_killed_comes_back(void **state)
{
    struct served *served = *state;
    static const char *const ROLES[] = {"aggregate", "collect", "dashboards"};
    start(served);
    for (size_t i = 0; i < ARRAY_LEN(ROLES); i++) {
        pid_t first = role_pid(served, ROLES[i], 1);
        kill(first, SIGKILL);
        assert_true(role_pid(served, ROLES[i], 2) != first);
    }
    wait_for_output(served, "collect was ended by signal 9 (Killed); it is started again");
    pid_t redis = redis_pid(served);
    kill(redis, SIGKILL);
    wait_until_gone(redis);
    assert_true(redis_pid(served) != redis);
    wait_for_output(served, "redis was ended by signal 9 (Killed); it is started again");
    stop(served);
}

static void a_killed_keeper_takes_its_redis_along(void **state)
{
    struct served *served = *state;
    start(served);
    pid_t redis = redis_pid(served);
    char path[64], text[512];
    snprintf(path, sizeof(path), "/proc/%ld/stat", (long)redis);
    read_file(path, text, sizeof(text));
    const char *after_name = strrchr(text, ')');
    assert_non_null(after_name);
    pid_t keeper = (pid_t)strtol(after_name + 4, NULL, 10);
    assert_true(keeper > 1 && keeper != served->pid);
    kill(keeper, SIGKILL);
    wait_until_gone(redis);
    assert_true(redis_pid(served) != redis);
    stop(served);
}

static void a_stop_ends_collect_first_and_redis_last(void **state)
{
    struct served *served = *state;
    start(served);
    pid_t redis = redis_pid(served);
    stop(served);
    assert_int_not_equal(kill(redis, 0), 0);
    char order[512];
    read_data(served, "order", order, sizeof(order));
    assert_int_equal(lines_of(order), 3);
    assert_true(str_starts_with(str_from(order), STR_LIT("collect with redis\n")));
    assert_non_null(strstr(order, "aggregate with redis\n"));
    assert_non_null(strstr(order, "dashboards with redis\n"));
}

static void a_killed_supervisor_leaves_nobody_and_loses_nothing(void **state)
{
    struct served *served = *state;
    start(served);
    pid_t redis = redis_pid(served);
    pid_t collect = role_pid(served, "collect", 1);
    pid_t aggregate = role_pid(served, "aggregate", 1);
    pid_t dashboards = role_pid(served, "dashboards", 1);
    kill(served->pid, SIGKILL);
    assert_int_equal(wait_for_exit(served), 256 + SIGKILL);
    wait_until_gone(redis);
    wait_until_gone(collect);
    wait_until_gone(aggregate);
    wait_until_gone(dashboards);
    char order[512];
    read_data(served, "order", order, sizeof(order));
    /* Redis waited for the roles: each found it at its own end. */
    assert_int_equal(lines_of(order), 3);
    assert_null(strstr(order, "without redis"));
    start(served);
    stop(served);
}

static void the_next_start_waits_for_what_a_killed_one_left(void **state)
{
    struct served *served = *state;
    start(served);
    kill(served->pid, SIGKILL);
    assert_int_equal(wait_for_exit(served), 256 + SIGKILL);
    start(served);
    stop(served);
}

static void a_second_serve_on_the_same_folder_is_refused(void **state)
{
    struct served *served = *state;
    start(served);
    struct served second = *served;
    free_ports(&second);
    serve_start(&second);
    assert_int_equal(wait_for_exit(&second), 1);
    char text[4096], expected[128];
    output(served, text);
    snprintf(expected, sizeof(expected),
             "another `footfall serve` (process %ld) is already running", (long)served->pid);
    assert_non_null(strstr(text, expected));
    assert_int_equal(kill(served->pid, 0), 0);
    stop(served);
}

static void a_taken_port_is_a_sentence_and_nothing_starts(void **state)
{
    struct served *served = *state;
    char text[4096], expected[256], port[PORT_TEXT_BYTES];
    port_format(&served->dashboards, port);
    int fd = listen_on(port);
    serve_start(served);
    assert_int_equal(wait_for_exit(served), 1);
    served->pid = 0;
    close(fd);
    output(served, text);
    snprintf(expected, sizeof(expected),
             "%s is taken by another program: stop that one, or choose another port with "
             "--dashboards-listen ADDRESS:PORT.",
             port);
    assert_non_null(strstr(text, expected));
    read_data(served, "log/redis.log", text, sizeof(text));
    assert_string_equal(text, "");
}

static void a_stale_socket_is_no_obstacle(void **state)
{
    struct served *served = *state;
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/redis", served->data);
    assert_int_equal(mkdir(path, 0700), 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/redis/redis.sock", served->data);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    start(served);
    stop(served);
}

/* What a killed Redis was writing would stay for ever. */
static void halves_of_a_killed_rewrite_are_removed(void **state)
{
    static const char *const NAMES[] = {"redis/temp-rewriteaof-bg-77.aof", "redis/temp-77.rdb",
                                        "redis/appendonlydir/temp-appendonly.aof.manifest"};
    struct served *served = *state;
    char path[PATH_BYTES];
    start(served);
    stop(served);
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        append_line(served->data, NAMES[i], "half of it");
    start(served);
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        snprintf(path, sizeof(path), "%s/%s", served->data, NAMES[i]);
        assert_int_equal(access(path, F_OK), -1);
    }
    stop(served);
}

/* A checkout of somebody else, in which root starts: what is made is for the one whose it is. */
static void a_folder_that_root_makes_belongs_to_the_owner_above(void **state)
{
    enum { SOMEBODY = 54321 };
    struct served *served = *state;
    struct stat about;
    char above[sizeof(served->data)], path[PATH_BYTES];
    if (geteuid() != 0)
        skip();
    memcpy(above, served->data, sizeof(above));
    assert_int_equal(chown(above, SOMEBODY, SOMEBODY), 0);
    int len = snprintf(served->data, sizeof(served->data), "%s/new", above);
    assert_true(len > 0 && (size_t)len < sizeof(served->data));
    start(served);
    assert_int_equal(stat(served->data, &about), 0);
    assert_int_equal(about.st_uid, SOMEBODY);
    snprintf(path, sizeof(path), "/proc/%ld", (long)redis_pid(served));
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_uid, SOMEBODY);
    stop(served);
    (void)nftw(served->data, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    snprintf(path, sizeof(path), "%s.out", served->data);
    (void)unlink(path);
    memcpy(served->data, above, sizeof(above));
}

static void a_role_that_cannot_start_ends_the_start(void **state)
{
    struct served *served = *state;
    char text[4096];
    setenv("FAKE_COLLECT_FAILS", "1", 1);
    serve_start(served);
    unsetenv("FAKE_COLLECT_FAILS");
    assert_int_equal(wait_for_exit(served), 1);
    served->pid = 0;
    output(served, text);
    assert_non_null(strstr(text, "collect ended with exit code 5."));
    assert_non_null(strstr(text, "collect does not start;"));
}

static void day_keys_outlive_the_collector_and_nobody_else_has_them(void **state)
{
    struct served *served = *state;
    char text[512];
    start(served);
    kill(role_pid(served, "collect", 1), SIGKILL);
    (void)role_pid(served, "collect", 2);
    stop(served);
    read_data(served, "day-keys", text, sizeof(text));
    assert_non_null(strstr(text, "collect 1\n"));
    assert_non_null(strstr(text, "collect 2\n"));
    assert_null(strstr(text, "missing"));
    assert_int_equal(lines_of(text), 4);
    start(served);
    stop(served);
    read_data(served, "day-keys", text, sizeof(text));
    /* A new supervisor has new keys. */
    assert_non_null(strstr(strstr(text, "collect 1\n") + 1, "collect 1\n"));
    assert_null(strstr(text, "collect 3\n"));
}

static void the_journal_is_rewritten_again_and_again(void **state)
{
    struct served *served = *state;
    served->rewrite_ms = 300;
    start(served);
    int64_t began_ms = clock_mono_ms();
    while (redis_info(served, "\naof_rewrites:") < 2) {
        assert_true(clock_mono_ms() - began_ms < WAIT_MS);
        usleep(50000);
    }
    stop(served);
}

static void a_folder_too_deep_for_a_socket_is_a_sentence(void **state)
{
    struct served *served = *state;
    struct served deep = *served;
    char text[4096], path[PATH_BYTES];
    /* The longest data path that fits beside "/redis/redis.sock" in an address's 107 bytes. */
    static const size_t LONGEST = 107 - sizeof("/redis/redis.sock");
    for (size_t len = LONGEST; len <= LONGEST + 1; len++) {
        snprintf(path, sizeof(path), "%s/", served->data);
        size_t filled = strlen(path);
        memset(path + filled, 'd', len - filled);
        path[len] = '\0';
        char out[PATH_BYTES];
        snprintf(out, sizeof(out), "%s.out", served->data);
        (void)unlink(out);
        (void)fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
            struct config config;
            char port[PORT_TEXT_BYTES];
            int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
            dup2(fd, STDOUT_FILENO);
            dup2(fd, STDERR_FILENO);
            port_format(&deep.collector, port);
            if (!config_load(NULL, &config, text, sizeof(text)) ||
                !config_set(&config, "data", path, text, sizeof(text)) ||
                !config_set(&config, "collector.listen", port, text, sizeof(text)) ||
                !config_set(&config, "dashboards.listen", "127.0.0.1:0", text, sizeof(text)))
                exit(99);
            const struct serve_options options = {.config = &config};
            exit(serve_run(&options));
        }
        served->pid = pid;
        if (len == LONGEST) {
            wait_for_output(served, "Footfall is running.");
            stop(served);
            continue;
        }
        assert_int_equal(wait_for_exit(served), 1);
        served->pid = 0;
        output(served, text);
        assert_non_null(strstr(text, "too long for a socket"));
    }
}

int main(int argc, char **argv)
{
    if (argc > 3 && strcmp(argv[0], "footfall") == 0)
        return fake_role(argv);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(it_starts_everything_and_says_where),
        TEST(files_are_the_owners_alone),
        TEST(secrets_and_data_outlive_a_stop),
        TEST(any_child_that_is_killed_comes_back),
        TEST(a_killed_keeper_takes_its_redis_along),
        TEST(a_stop_ends_collect_first_and_redis_last),
        TEST(a_killed_supervisor_leaves_nobody_and_loses_nothing),
        TEST(the_next_start_waits_for_what_a_killed_one_left),
        TEST(a_second_serve_on_the_same_folder_is_refused),
        TEST(a_taken_port_is_a_sentence_and_nothing_starts),
        TEST(a_stale_socket_is_no_obstacle),
        TEST(halves_of_a_killed_rewrite_are_removed),
        TEST(a_folder_that_root_makes_belongs_to_the_owner_above),
        TEST(a_role_that_cannot_start_ends_the_start),
        TEST(day_keys_outlive_the_collector_and_nobody_else_has_them),
        TEST(the_journal_is_rewritten_again_and_again),
        TEST(a_folder_too_deep_for_a_socket_is_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

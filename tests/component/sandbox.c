/* The sandbox as a role has it: a child process closes itself in, then tries the doors. A child
 * that finds one as it should not be says which line, and ends with 1. */

#include "tests/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/keyctl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/call_filter.h"
#include "cli/file_fence.h"
#include "cli/privileges.h"
#include "cli/sandbox.h"
#include "common/clock.h"
#include "common/config.h"
#include "loopback.h"

enum { PATH_BYTES = 512, ERROR_BYTES = 512, ABI_PORTS = 4, ABI_SIGNALS = 6, SOMEBODY = 54321 };

struct place {
    int abi; /* of Landlock, which tells nothing any more from inside */
    char root[64];
    char data[96];
    char geo[96];
    uint16_t own_port;   /* the collector's */
    uint16_t other_port; /* somebody listens there */
    int other_fd;
    int redis_fd; /* listens on DATA/redis/redis.sock */
};

/* --- A data folder ---------------------------------------------------------------------------- */

static void file_put(const char *folder, const char *name, const char *text)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void folder_make(const char *above, const char *name)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/%s", above, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static int listen_tcp(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static struct sockaddr_un redis_address(const struct place *place)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int len =
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/redis/redis.sock", place->data);
    assert_true(len > 0 && (size_t)len < sizeof(address.sun_path));
    return address;
}

static int setup(void **state)
{
    static const char *const FOLDERS[] = {"data/redis", "data/spool", "data/sites", "data/log",
                                          "data/run"};
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    place->abi = file_fence_abi();
    snprintf(place->root, sizeof(place->root), "/tmp/footfall-sandbox-XXXXXX");
    assert_non_null(mkdtemp(place->root));
    snprintf(place->data, sizeof(place->data), "%s/data", place->root);
    snprintf(place->geo, sizeof(place->geo), "%s/geo", place->root);
    folder_make(place->root, "data");
    folder_make(place->root, "geo");
    for (size_t i = 0; i < ARRAY_LEN(FOLDERS); i++)
        folder_make(place->root, FOLDERS[i]);
    file_put(place->data, "redis/collector.secret", "its own");
    file_put(place->data, "redis/admin.secret", "not its own");
    file_put(place->data, "log/redis.log", "");
    file_put(place->geo, "city.mmdb", "old");
    place->own_port = loopback_free_port();
    place->other_fd = listen_tcp(&place->other_port);
    struct sockaddr_un redis = redis_address(place);
    place->redis_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(place->redis_fd, (struct sockaddr *)&redis, sizeof(redis)), 0);
    assert_int_equal(listen(place->redis_fd, 4), 0);
    *state = place;
    return 0;
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
    (void)about;
    (void)kind;
    (void)walk;
    return remove(path);
}

static int teardown(void **state)
{
    struct place *place = *state;
    close(place->other_fd);
    close(place->redis_fd);
    (void)nftw(place->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(place);
    return 0;
}

/* --- In the child ----------------------------------------------------------------------------- */

static _Noreturn void child_fails(int line, const char *what)
{
    dprintf(STDERR_FILENO, "in the sandbox, line %d, errno %d (%s): %s\n", line, errno,
            strerror(errno), what);
    _exit(1);
}

/* In a child, where cmocka cannot jump. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            child_fails(__LINE__, #condition);                                                     \
    } while (0)

typedef void (*body)(const struct place *place);

/* How a child ends that runs `run`. */
static int status_of(body run, const struct place *place)
{
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        run(place);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void assert_passes(body run, const struct place *place)
{
    assert_int_equal(status_of(run, place), 0);
}

static void assert_is_killed(body run, const struct place *place)
{
    int status = status_of(run, place);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void enter(enum sandbox_role role, const struct place *place, struct config *config)
{
    static const char *const USERS[] = {"collector", "aggregator", "dashboards"};
    char error[ERROR_BYTES], port[64], geo[PATH_BYTES];
    snprintf(port, sizeof(port), "127.0.0.1:%u", place->own_port);
    snprintf(geo, sizeof(geo), "%s/city.mmdb", place->geo);
    CHECK(config_load(NULL, config, error, sizeof(error)));
    CHECK(config_set(config, "data", place->data, error, sizeof(error)));
    CHECK(config_set(config, "collector.listen", port, error, sizeof(error)));
    CHECK(config_set(config, "dashboards.listen", port, error, sizeof(error)));
    CHECK(config_set(config, "geo.database", geo, error, sizeof(error)));
    CHECK(role != SANDBOX_COLLECT ||
          config_redis_remember(config, USERS[role], error, sizeof(error)));
    if (!sandbox_enter(role, config, error, sizeof(error)))
        child_fails(__LINE__, error);
}

/* 0, or why a file does not open. */
static int open_fails(const char *folder, const char *name, int flags)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int connect_fails(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    int reason = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
    close(fd);
    return reason;
}

static int bind_fails(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    int reason = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
    close(fd);
    return reason;
}

static void check_status(const char *field, const char *value)
{
    char text[4096], wanted[64];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    CHECK(len > 0);
    text[len] = '\0';
    close(fd);
    snprintf(wanted, sizeof(wanted), "\n%s:\t%s\n", field, value);
    CHECK(strstr(text, wanted) != NULL);
}

static void *nothing(void *data)
{
    return data;
}

/* --- Files ------------------------------------------------------------------------------------ */

static void collect_files(const struct place *place)
{
    struct config config;
    struct redis_address address;
    char error[ERROR_BYTES], from[PATH_BYTES], to[PATH_BYTES];
    enter(SANDBOX_COLLECT, place, &config);
    /* Its own secret was read before; nobody's can be read now. */
    CHECK(config_redis_address(&config, "collector", &address, error, sizeof(error)));
    CHECK(strcmp(address.password, "its own") == 0);
    CHECK(!config_redis_address(&config, "admin", &address, error, sizeof(error)));
    CHECK(open_fails(place->data, "redis/admin.secret", O_RDONLY) == EACCES);
    CHECK(open_fails(place->data, "redis/collector.secret", O_RDONLY) == EACCES);
    CHECK(open_fails(place->data, "redis", O_RDONLY | O_DIRECTORY) == EACCES);
    CHECK(open_fails(place->data, "redis/new", O_WRONLY | O_CREAT) == EACCES);
    CHECK(open_fails(place->data, "log/redis.log", O_WRONLY) == EACCES);
    CHECK(open_fails(place->data, "new", O_WRONLY | O_CREAT) == EACCES);
    CHECK(open_fails("/etc", "passwd", O_RDONLY) == EACCES);
    CHECK(open_fails("/tmp", "footfall-new", O_WRONLY | O_CREAT) == EACCES);
    CHECK(open_fails("/proc/1", "status", O_RDONLY) == EACCES);
    /* What it is there for. */
    CHECK(open_fails(place->data, "spool/new", O_RDWR | O_CREAT) == 0);
    snprintf(from, sizeof(from), "%s/spool/new", place->data);
    snprintf(to, sizeof(to), "%s/spool/quarantine", place->data);
    CHECK(mkdir(to, 0700) == 0);
    snprintf(to, sizeof(to), "%s/spool/quarantine/new", place->data);
    CHECK(rename(from, to) == 0 && truncate(to, 0) != 0 && errno == ENOSYS && unlink(to) == 0);
    CHECK(open_fails(place->data, "sites/list.new", O_WRONLY | O_CREAT) == 0);
    snprintf(from, sizeof(from), "%s/sites/list.new", place->data);
    snprintf(to, sizeof(to), "%s/sites/list", place->data);
    CHECK(rename(from, to) == 0 && open_fails(place->data, "sites/list", O_RDONLY) == 0);
    CHECK(open_fails("/usr/share/zoneinfo", "UTC", O_RDONLY) == 0);
    CHECK(open_fails("/proc/self", "statm", O_RDONLY) == 0);
    CHECK(open_fails(place->geo, "city.mmdb", O_RDONLY) == 0);
    CHECK(open_fails(place->geo, "city.mmdb", O_WRONLY) == EACCES);
}

static void a_collector_reaches_its_own_folders_and_its_geo_databases_only(void **state)
{
    if (file_fence_abi() == 0)
        skip();
    assert_passes(collect_files, *state);
}

static void collect_sees_a_new_geo_file(const struct place *place)
{
    struct config config;
    char text[8] = "", path[PATH_BYTES];
    int ends[2], back[2];
    CHECK(pipe(ends) == 0 && pipe(back) == 0);
    pid_t operator_pid = fork();
    CHECK(operator_pid >= 0);
    if (operator_pid == 0) {
        char from[PATH_BYTES];
        CHECK(read(ends[0], text, 1) == 1);
        snprintf(from, sizeof(from), "%s/city.new", place->geo);
        snprintf(path, sizeof(path), "%s/city.mmdb", place->geo);
        int fd = open(from, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        CHECK(fd >= 0 && write(fd, "new", 3) == 3 && rename(from, path) == 0);
        CHECK(write(back[1], "x", 1) == 1);
        _exit(0);
    }
    enter(SANDBOX_COLLECT, place, &config);
    CHECK(write(ends[1], "x", 1) == 1 && read(back[0], text, 1) == 1);
    snprintf(path, sizeof(path), "%s/city.mmdb", place->geo);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) == 3 && memcmp(text, "new", 3) == 0);
}

static void a_geo_database_that_is_renamed_over_the_old_can_be_read(void **state)
{
    assert_passes(collect_sees_a_new_geo_file, *state);
}

static void collect_with_geo_beside_secrets(const struct place *place)
{
    struct place other = *place;
    struct config config;
    snprintf(other.geo, sizeof(other.geo), "%s", place->data);
    enter(SANDBOX_COLLECT, &other, &config);
    CHECK(open_fails(place->data, "city.mmdb", O_RDONLY) == 0);
    CHECK(open_fails(place->data, "redis/admin.secret", O_RDONLY) == EACCES);
}

static void a_geo_database_beside_the_secrets_does_not_open_them(void **state)
{
    const struct place *place = *state;
    if (file_fence_abi() == 0)
        skip();
    file_put(place->data, "city.mmdb", "old");
    assert_passes(collect_with_geo_beside_secrets, place);
}

static void others_files(enum sandbox_role role, const struct place *place)
{
    struct config config;
    enter(role, place, &config);
    CHECK(open_fails(place->data, "spool/new", O_WRONLY | O_CREAT) == EACCES);
    CHECK(open_fails(place->data, "log/redis.log", O_RDONLY) == EACCES);
    CHECK(open_fails(place->data, "redis/admin.secret", O_RDONLY) == EACCES);
    CHECK(open_fails(place->geo, "city.mmdb", O_RDONLY) == EACCES);
    CHECK(open_fails("/usr/share/zoneinfo", "UTC", O_RDONLY) == 0);
}

static void aggregate_files(const struct place *place)
{
    others_files(SANDBOX_AGGREGATE, place);
}

static void dashboards_files(const struct place *place)
{
    others_files(SANDBOX_DASHBOARDS, place);
}

static void the_other_roles_write_nothing(void **state)
{
    if (file_fence_abi() == 0)
        skip();
    assert_passes(aggregate_files, *state);
    assert_passes(dashboards_files, *state);
}

/* --- Sockets ---------------------------------------------------------------------------------- */

static void collect_sockets(const struct place *place)
{
    struct config config;
    struct sockaddr_un redis = redis_address(place);
    enter(SANDBOX_COLLECT, place, &config);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&redis, sizeof(redis)) == 0);
    CHECK(bind_fails(place->own_port) == 0);
    CHECK(socket(AF_INET, SOCK_DGRAM, 0) < 0 && errno == ENOSYS);
    CHECK(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0 && errno == ENOSYS);
    CHECK(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0 && errno == ENOSYS);
    CHECK(socket(AF_INET, SOCK_STREAM, 262 /* multipath TCP */) < 0 && errno == ENOSYS);
    CHECK(socket(AF_NETLINK, SOCK_RAW, 0) < 0 && errno == ENOSYS);
    CHECK(socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == ENOSYS);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(sendto(fd, "x", 1, MSG_FASTOPEN, NULL, 0) < 0 && errno == ENOSYS);
    if (place->abi < ABI_PORTS)
        return;
    CHECK(connect_fails(place->other_port) == EACCES);
    CHECK(bind_fails(0) == EACCES);
    CHECK(bind_fails(place->other_port) == EACCES);
}

static void a_collector_listens_on_its_port_and_reaches_redis_only(void **state)
{
    assert_passes(collect_sockets, *state);
}

static void aggregate_to_a_named_redis(const struct place *place)
{
    char error[ERROR_BYTES], url[64];
    struct config config;
    snprintf(url, sizeof(url), "redis://localhost:%u", place->other_port);
    CHECK(config_load(NULL, &config, error, sizeof(error)));
    CHECK(config_set(&config, "data", place->data, error, sizeof(error)));
    CHECK(config_set(&config, "redis.url", url, error, sizeof(error)));
    CHECK(sandbox_enter(SANDBOX_AGGREGATE, &config, error, sizeof(error)));
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *answers = NULL;
    CHECK(open_fails("/etc", "hosts", O_RDONLY) == 0);
    CHECK(getaddrinfo("localhost", NULL, &hints, &answers) == 0 && answers != NULL);
    freeaddrinfo(answers);
    CHECK(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0);
    CHECK(connect_fails(place->other_port) == 0);
    CHECK(place->abi < ABI_PORTS || connect_fails(place->own_port) == EACCES);
}

static void a_redis_with_a_name_can_be_looked_up_and_reached(void **state)
{
    assert_passes(aggregate_to_a_named_redis, *state);
}

/* --- System calls ----------------------------------------------------------------------------- */

static void collect_calls(const struct place *place)
{
    struct config config;
    pthread_t thread;
    int status;
    enter(SANDBOX_COLLECT, place, &config);
    check_status("NoNewPrivs", "1");
    check_status("Seccomp", "2");
    CHECK(pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
    CHECK(prctl(PR_SET_DUMPABLE, 1) < 0 && errno == ENOSYS);
    CHECK(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL) < 0 &&
          errno == ENOSYS);
    CHECK(place->abi < ABI_SIGNALS || (kill(getppid(), 0) < 0 && errno == EPERM));
}

static void aggregate_calls(const struct place *place)
{
    struct config config;
    pthread_t thread;
    enter(SANDBOX_AGGREGATE, place, &config);
    CHECK(pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(fork() < 0 && errno == ENOSYS);
    CHECK(memfd_create("x", 0) < 0 && errno == ENOSYS);
    CHECK(kill(getppid(), 0) < 0 && errno == ENOSYS);
}

static void a_role_has_threads_and_only_the_collector_has_processes(void **state)
{
    assert_passes(collect_calls, *state);
    assert_passes(aggregate_calls, *state);
}

static void try_exec(const struct place *place)
{
    struct config config;
    enter(SANDBOX_COLLECT, place, &config);
    execl("/bin/true", "true", (char *)NULL);
}

static void try_ptrace(const struct place *place)
{
    struct config config;
    enter(SANDBOX_AGGREGATE, place, &config);
    (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void try_keys(const struct place *place)
{
    struct config config;
    enter(SANDBOX_DASHBOARDS, place, &config);
    (void)syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, 0, 0, 0, 0);
}

static void try_mount(const struct place *place)
{
    struct config config;
    enter(SANDBOX_COLLECT, place, &config);
    (void)syscall(SYS_mount, "none", place->data, "tmpfs", 0, NULL);
}

static void try_user_faults(const struct place *place)
{
    struct config config;
    enter(SANDBOX_COLLECT, place, &config);
    (void)syscall(SYS_userfaultfd, 0);
}

static void try_bpf(const struct place *place)
{
    struct config config;
    enter(SANDBOX_COLLECT, place, &config);
    (void)syscall(SYS_bpf, 0, NULL, 0);
}

static void what_only_an_intruder_calls_ends_the_role(void **state)
{
    static const body TRIES[] = {try_exec,  try_ptrace,      try_keys,
                                 try_mount, try_user_faults, try_bpf};
    for (size_t i = 0; i < ARRAY_LEN(TRIES); i++)
        assert_is_killed(TRIES[i], *state);
}

/* --- Redis ------------------------------------------------------------------------------------ */

static void redis_runs_and_nothing_else(const struct place *place)
{
    char error[ERROR_BYTES], path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/redis", place->data);
    CHECK(chdir(path) == 0);
    CHECK(sandbox_enter_redis("/usr/bin/redis-server", error, sizeof(error)));
    CHECK(open_fails(".", "new", O_RDWR | O_CREAT) == 0 && unlink("new") == 0);
    CHECK(open_fails("..", "log/redis.log", O_WRONLY | O_APPEND) == 0);
    CHECK(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == ENOSYS);
    if (place->abi > 0) {
        CHECK(open_fails("..", "spool/new", O_WRONLY | O_CREAT) == EACCES);
        CHECK(open_fails("/etc", "passwd", O_RDONLY) == EACCES);
        execl("/bin/true", "true", (char *)NULL);
        CHECK(errno == EACCES);
    }
    int null = open("/dev/null", O_WRONLY);
    CHECK(null >= 0 && dup2(null, STDOUT_FILENO) >= 0);
    execl("/usr/bin/redis-server", "redis-server", "--version", (char *)NULL);
    child_fails(__LINE__, "redis-server --version");
}

static void redis_runs_in_its_folder_and_runs_nothing_else(void **state)
{
    if (access("/usr/bin/redis-server", X_OK) != 0)
        skip();
    assert_passes(redis_runs_and_nothing_else, *state);
}

/* --- Root's powers ---------------------------------------------------------------------------- */

static void root_drops(const struct place *place)
{
    char error[ERROR_BYTES];
    CHECK(privileges_drop(place->data, false, error, sizeof(error)));
    CHECK(getuid() == 0);
    check_status("CapEff", "0000000000000000");
    check_status("CapBnd", "0000000000000000");
    CHECK(chown(place->data, SOMEBODY, SOMEBODY) != 0 && errno == EPERM);
    /* Once more, as a role does that `serve` has started. */
    CHECK(privileges_drop(place->data, false, error, sizeof(error)));
}

static void root_keeps_low_ports(const struct place *place)
{
    char error[ERROR_BYTES];
    CHECK(privileges_drop(place->data, true, error, sizeof(error)));
    check_status("CapEff", "0000000000000400");
}

static void root_becomes_the_owner(const struct place *place)
{
    char error[ERROR_BYTES];
    CHECK(chmod(place->root, 0755) == 0 && chown(place->data, SOMEBODY, SOMEBODY + 1) == 0);
    CHECK(privileges_drop(place->data, true, error, sizeof(error)));
    CHECK(getuid() == SOMEBODY && geteuid() == SOMEBODY && getgid() == SOMEBODY + 1);
    CHECK(getgroups(0, NULL) == 0);
    check_status("CapEff", "0000000000000400");
    CHECK(privileges_drop(place->data, false, error, sizeof(error)));
    check_status("CapEff", "0000000000000000");
    CHECK(setuid(0) != 0);
}

static void root_cannot_reach(const struct place *place)
{
    char error[ERROR_BYTES] = "";
    CHECK(chown(place->root, SOMEBODY, SOMEBODY) == 0);
    CHECK(!privileges_drop(place->data, false, error, sizeof(error)));
    CHECK(strstr(error, "cannot be used without root's powers") != NULL);
}

static void root_ends_without_powers_or_as_the_owner(void **state)
{
    const struct place *place = *state;
    if (geteuid() != 0)
        skip();
    assert_passes(root_drops, place);
    assert_passes(root_keeps_low_ports, place);
    assert_passes(root_becomes_the_owner, place);
    assert_int_equal(chown(place->data, 0, 0), 0);
    assert_int_equal(chmod(place->root, 0700), 0);
    assert_passes(root_cannot_reach, place);
}

/* --- All of it -------------------------------------------------------------------------------- */

static void a_kernel_that_can_close_all_leaves_no_gap(void **state)
{
    char gaps[SANDBOX_SENTENCE_BYTES];
    (void)state;
    sandbox_gaps(gaps);
    assert_int_equal(gaps[0] == '\0', file_fence_abi() > 0 && call_filter_is_possible());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_collector_reaches_its_own_folders_and_its_geo_databases_only),
        TEST(a_geo_database_that_is_renamed_over_the_old_can_be_read),
        TEST(a_geo_database_beside_the_secrets_does_not_open_them),
        TEST(the_other_roles_write_nothing),
        TEST(a_collector_listens_on_its_port_and_reaches_redis_only),
        TEST(a_redis_with_a_name_can_be_looked_up_and_reached),
        TEST(a_role_has_threads_and_only_the_collector_has_processes),
        TEST(what_only_an_intruder_calls_ends_the_role),
        TEST(redis_runs_in_its_folder_and_runs_nothing_else),
        TEST(root_ends_without_powers_or_as_the_owner),
        TEST(a_kernel_that_can_close_all_leaves_no_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

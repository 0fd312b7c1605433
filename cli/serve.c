/* What `footfall serve` runs, in which order, and what it tells the operator.
 *
 *     start:  folder, lock, ports ─▶ Redis, until it answers ─▶ aggregate, collect, dashboards,
 *             until they answer ─▶ the demo site, once ─▶ addresses
 *     stop:   collect (seals and commits what is open) ─▶ dashboards, aggregate (drains) ─▶ Redis
 *
 * While all runs, this process has one duty: the journal (journal.c).
 *
 * During the start any death is final: a configuration that cannot work should end in a sentence.
 * Afterwards the supervisor starts again what dies. The day's keys are anonymous memory that this
 * process holds and only the collector can read through: they outlive a collector, never this. */

#include "cli/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/journal.h"
#include "cli/port.h"
#include "cli/privileges.h"
#include "cli/redis_keeper.h"
#include "cli/redis_trouble.h"
#include "cli/site_admin.h"
#include "cli/store.h"
#include "cli/supervisor.h"
#include "collector/collect.h"
#include "collector/day_key.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/redis.h"

#ifndef MFD_NOEXEC_SEAL /* Linux 6.3; the headers of Debian 12 are older than some of its kernels  \
                         */
#define MFD_NOEXEC_SEAL 0x0008U
#endif

enum { ROLE_AGGREGATE, ROLE_COLLECT, ROLE_DASHBOARDS, ROLE__COUNT };

enum {
    ERROR_BYTES = 512,
    START_TURN_MS = 25,
    START_WAIT_MS = 30000,
    TURN_MS = 1000,
    PROGRESS_MS = 3000,
    /* How long each may take to end. The collector waits for Redis at most this long, the
     * aggregator applies what is in the log, Redis syncs its file. */
    COLLECT_STOP_MS = 15000,
    ROLE_STOP_MS = 10000,
    REDIS_STOP_MS = 20000,
};

enum { STAGE_COLLECT, STAGE_ROLES, STAGE_REDIS };

static const struct {
    const char *name;
    unsigned stop_stage;
    uint32_t stop_ms;
} ROLES[ROLE__COUNT] = {
    [ROLE_AGGREGATE] = {"aggregate", STAGE_ROLES, ROLE_STOP_MS},
    [ROLE_COLLECT] = {"collect", STAGE_COLLECT, COLLECT_STOP_MS},
    [ROLE_DASHBOARDS] = {"dashboards", STAGE_ROLES, ROLE_STOP_MS},
};

struct serve;

struct role {
    struct serve *serve;
    unsigned index;
    char log_path[STORE_PATH_BYTES];
    struct child *child;
};

struct serve {
    const struct serve_options *options;
    const struct config *config;
    struct listen_address collector;
    struct listen_address dashboards;
    struct supervisor *supervisor;
    struct role roles[ROLE__COUNT];
    struct child *redis; /* NULL with a Redis of the operator's own */
    struct redis_keeper keeper;
    char redis_folder[STORE_PATH_BYTES];
    char redis_log[STORE_PATH_BYTES];
    char collector_url[STORE_NOTE_BYTES];
    char journal_folder[STORE_PATH_BYTES];
    struct journal journal;
    int lock_fd;
    int day_keys_fd;
    int lifeline[2];
};

static bool complain(const char *sentence)
{
    log_error("%s", sentence);
    return false;
}

/* --- Before anything runs --------------------------------------------------------------------- */

static bool swap_is_on(void)
{
    char line[256];
    int lines = 0;
    FILE *swaps = fopen("/proc/swaps", "re");
    if (swaps == NULL)
        return false;
    while (fgets(line, sizeof(line), swaps) != NULL)
        lines++;
    fclose(swaps);
    return lines > 1;
}

/* Memory without a name. This process maps it as well, so that it is locked, and thereby never
 * swapped to disk, while no collector runs. Its children do not map it. */
static int day_keys_new(void)
{
    size_t bytes = day_keys_bytes();
    int fd = memfd_create("footfall-day-keys", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (fd < 0) /* kernels before 6.3 */
        fd = memfd_create("footfall-day-keys", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0)
        return -1;
    (void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return -1;
    (void)madvise(memory, bytes, MADV_DONTDUMP);
    (void)madvise(memory, bytes, MADV_DONTFORK);
    if (mlock(memory, bytes) != 0 && swap_is_on())
        log_warn("the day keys' memory cannot be locked (%s), and swap is on: they may reach the "
                 "disk. Raise the limit of locked memory (ulimit -l) to 16 MiB.",
                 strerror(errno));
    return fd;
}

static bool ports_prepare(struct serve *serve)
{
    char error[ERROR_BYTES];
    const struct config *config = serve->config;
    bool good = value_listen(str_from(config->collector.listen), &serve->collector) &&
                value_listen(str_from(config->dashboards.listen), &serve->dashboards);
    if (!good)
        return complain("an address to listen on is not ADDRESS:PORT.");
    if (!port_is_free(&serve->collector, "--collector-listen", error, sizeof(error)) ||
        !port_is_free(&serve->dashboards, "--dashboards-listen", error, sizeof(error)))
        return complain(error);
    bool same = serve->collector.port == serve->dashboards.port &&
                strcmp(serve->collector.host, serve->dashboards.host) == 0;
    return !same || complain("collector and dashboards cannot listen on the same port.");
}

static bool folder_prepare(struct serve *serve)
{
    char error[ERROR_BYTES];
    struct redis_address address;
    const char *data = serve->config->data;
    bool low_port = port_is_low(serve->config->collector.listen) ||
                    port_is_low(serve->config->dashboards.listen);
    if (!store_make_data(data, error, sizeof(error)) ||
        !privileges_drop(data, low_port, error, sizeof(error)) ||
        !store_make_folders(data, error, sizeof(error)))
        return complain(error);
    serve->lock_fd = store_lock(data, error, sizeof(error));
    if (serve->lock_fd < 0)
        return complain(error);
    if (serve->config->redis.url == NULL && !store_write_redis_files(data, error, sizeof(error)))
        return complain(error);
    return config_redis_address(serve->config, "admin", &address, error, sizeof(error)) ||
           complain(error);
}

/* For `footfall site` and `footfall check` in other terminals, which do not get these options. */
static bool notes_write(struct serve *serve)
{
    char error[ERROR_BYTES], port[PORT_TEXT_BYTES];
    const struct config *config = serve->config;
    port_format_reachable(&serve->collector, port);
    if (config->collector.url != NULL)
        snprintf(serve->collector_url, sizeof(serve->collector_url), "%s", config->collector.url);
    else
        snprintf(serve->collector_url, sizeof(serve->collector_url), "http://%s", port);
    struct buf geo;
    buf_init(&geo, STORE_NOTE_BYTES - 1);
    for (size_t i = 0; i < config->geo.database.count; i++)
        buf_printf(&geo, "%s%s", i == 0 ? "" : ",", config->geo.database.items[i]);
    buf_append_byte(&geo, 0);
    bool good = store_write_note(config->data, STORE_NOTE_COLLECTOR_URL, serve->collector_url,
                                 error, sizeof(error)) &&
                store_write_note(config->data, STORE_NOTE_GEO_DATABASE, geo.overflow ? "" : geo.ptr,
                                 error, sizeof(error));
    buf_done(&geo);
    return good || complain(error);
}

static bool prepare(struct serve *serve)
{
    if (!folder_prepare(serve) || !ports_prepare(serve) || !notes_write(serve))
        return false;
    serve->day_keys_fd = day_keys_new();
    if (serve->day_keys_fd < 0)
        return complain("there is no memory for the day keys.");
    return pipe2(serve->lifeline, O_CLOEXEC) == 0 || complain("a pipe cannot be made.");
}

/* --- Children --------------------------------------------------------------------------------- */

static void keep_over_exec(int fd)
{
    (void)fcntl(fd, F_SETFD, 0);
}

/* Where this role tells its operator, when nobody has said where. */
static void admin_prepare(const struct serve *serve, unsigned index)
{
    const struct config *config = serve->config;
    const char *const said[] = {
        [ROLE_AGGREGATE] = config->aggregator.admin,
        [ROLE_COLLECT] = config->collector.admin,
        [ROLE_DASHBOARDS] = config->dashboards.admin,
    };
    static const char *const VARIABLES[] = {
        [ROLE_AGGREGATE] = "FOOTFALL_AGGREGATOR_ADMIN",
        [ROLE_COLLECT] = "FOOTFALL_COLLECTOR_ADMIN",
        [ROLE_DASHBOARDS] = "FOOTFALL_DASHBOARDS_ADMIN",
    };
    char address[STORE_ADMIN_BYTES];
    if (said[index] == NULL && store_admin_address(config->data, ROLES[index].name, address))
        (void)setenv(VARIABLES[index], address, 1);
}

/* In the role's own process. */
static int role_exec(void *data)
{
    const struct role *role = data;
    const struct serve *serve = role->serve;
    char listen[PORT_TEXT_BYTES], number[16];
    keep_over_exec(serve->lifeline[1]);
    /* The folder is taken until the last role has ended, whatever becomes of this process. */
    keep_over_exec(serve->lock_fd);
    (void)unsetenv(COLLECT_DAY_KEYS_VARIABLE);
    if (role->index == ROLE_COLLECT) {
        keep_over_exec(serve->day_keys_fd);
        snprintf(number, sizeof(number), "%d", serve->day_keys_fd);
        (void)setenv(COLLECT_DAY_KEYS_VARIABLE, number, 1);
    }
    admin_prepare(serve, role->index);
    port_format(&serve->collector, listen);
    (void)setenv("FOOTFALL_COLLECTOR_LISTEN", listen, 1);
    port_format(&serve->dashboards, listen);
    (void)setenv("FOOTFALL_DASHBOARDS_LISTEN", listen, 1);
    const char *program = serve->options->program;
    const char *path = program == NULL ? "/proc/self/exe" : program;
    const char *config_path = serve->options->config_path;
    if (config_path == NULL)
        (void)execl(path, "footfall", ROLES[role->index].name, "--data", serve->config->data,
                    (char *)NULL);
    else
        (void)execl(path, "footfall", ROLES[role->index].name, "--data", serve->config->data,
                    "--config", config_path, (char *)NULL);
    log_error("%s cannot be started: %s.", ROLES[role->index].name, strerror(errno));
    return 127;
}

static void redis_start(struct serve *serve)
{
    store_path(serve->redis_folder, serve->config->data, "redis");
    store_path(serve->redis_log, serve->config->data, "log/redis.log");
    store_path(serve->journal_folder, serve->config->data, "redis/appendonlydir");
    serve->keeper = (struct redis_keeper){
        .folder = serve->redis_folder,
        .lifeline_fd = serve->lifeline[0],
        .close_fds = {serve->lifeline[1], serve->day_keys_fd},
    };
    const struct child_options options = {
        .name = "redis",
        .run = redis_keeper_run,
        .explain = redis_trouble_explain,
        .data = &serve->keeper,
        .log_path = serve->redis_log,
        .stop_stage = STAGE_REDIS,
        .stop_ms = REDIS_STOP_MS,
        .outlives = true,
    };
    serve->redis = supervisor_start(serve->supervisor, &options);
}

static void role_start(struct serve *serve, unsigned index)
{
    struct role *role = &serve->roles[index];
    char name[64];
    snprintf(name, sizeof(name), "log/%s.log", ROLES[index].name);
    store_path(role->log_path, serve->config->data, name);
    role->serve = serve;
    role->index = index;
    const struct child_options options = {
        .name = ROLES[index].name,
        .run = role_exec,
        .data = role,
        .log_path = role->log_path,
        .stop_stage = ROLES[index].stop_stage,
        .stop_ms = ROLES[index].stop_ms,
        .reloads = index == ROLE_COLLECT,
    };
    role->child = supervisor_start(serve->supervisor, &options);
}

/* --- Waiting for the start -------------------------------------------------------------------- */

/* Connected as administrator and answered; NULL when not yet, with `error` for whom it concerns. */
static struct redis *redis_answers(const struct serve *serve, char error[static ERROR_BYTES])
{
    struct redis_address address;
    if (!config_redis_address(serve->config, "admin", &address, error, ERROR_BYTES))
        return NULL;
    struct redis *redis = redis_connect(&address, error, ERROR_BYTES);
    if (redis == NULL)
        return NULL;
    struct redis_reply *reply = redis_do(redis, STR_LIT("PING"));
    bool good = reply != NULL && redis_reply_is(reply, "PONG");
    if (!good)
        snprintf(error, ERROR_BYTES, "it is loading its data");
    if (reply != NULL)
        redis_reply_free(reply);
    if (good)
        return redis;
    redis_free(redis);
    return NULL;
}

/* Has no limit while Redis runs: loading years of counts may take its time, and says so. */
static struct redis *redis_wait(struct serve *serve)
{
    char error[ERROR_BYTES] = "";
    int64_t began_ms = clock_mono_ms(), said_ms = began_ms;
    while (!supervisor_is_stopping(serve->supervisor)) {
        struct redis *redis = redis_answers(serve, error);
        if (redis != NULL)
            return redis;
        if (serve->redis != NULL && child_deaths(serve->redis) > 0) {
            log_error("the private Redis does not start; %s tells more.", serve->redis_log);
            return NULL;
        }
        int64_t now_ms = clock_mono_ms();
        if (serve->redis == NULL && now_ms - began_ms > START_WAIT_MS) {
            log_error("Redis does not answer: %s.", error);
            return NULL;
        }
        if (now_ms - said_ms >= PROGRESS_MS) {
            said_ms = now_ms;
            log_info("waiting for Redis: %s.", error);
        }
        supervisor_turn(serve->supervisor, START_TURN_MS);
    }
    return NULL;
}

static bool roles_died(const struct serve *serve)
{
    for (unsigned i = 0; i < ROLE__COUNT; i++) {
        if (child_deaths(serve->roles[i].child) == 0)
            continue;
        log_error("%s does not start; %s tells more.", ROLES[i].name, serve->roles[i].log_path);
        return true;
    }
    return false;
}

static bool roles_wait(struct serve *serve)
{
    int64_t began_ms = clock_mono_ms();
    bool waiting = true;
    while (waiting && !supervisor_is_stopping(serve->supervisor)) {
        supervisor_turn(serve->supervisor, START_TURN_MS);
        if (roles_died(serve))
            return false;
        waiting = !port_answers(&serve->collector) || !port_answers(&serve->dashboards);
        if (waiting && clock_mono_ms() - began_ms > START_WAIT_MS)
            return complain("collect or dashboards does not answer on its port.");
    }
    return !supervisor_is_stopping(serve->supervisor);
}

/* --- The demo site and the greeting ----------------------------------------------------------- */

/* Once a folder: an operator who removes the demo site does not find it back. */
static void demo_add(const struct serve *serve, struct redis *redis)
{
    char marker[STORE_PATH_BYTES], error[ERROR_BYTES];
    store_path(marker, serve->config->data, "redis/demo-site-added");
    if (access(marker, F_OK) == 0)
        return;
    static const char *const ALIASES[] = {"localhost", "127.0.0.1"};
    const struct site_request request = {
        .domain = SITE_ADMIN_DEMO, .aliases = ALIASES, .alias_count = ARRAY_LEN(ALIASES)};
    if (!site_admin_add(redis, &request, error, sizeof(error))) {
        log_warn("the demo site could not be added: %s", error);
        return;
    }
    int fd = open(marker, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
}

static void greet(const struct serve *serve)
{
    char dashboards[PORT_TEXT_BYTES];
    const char *url = serve->collector_url;
    port_format_reachable(&serve->dashboards, dashboards);
    printf("\nFootfall is running.\n\n"
           "  Dashboards   http://%s/\n"
           "  Demo site    %s/demo/\n"
           "  Collector    %s\n\n"
           "Add a site of yours, in another terminal:\n\n"
           "  build/release/footfall site add example.com --data %s\n\n"
           "and put this into its pages:\n\n"
           "  <script defer src=\"%s/footfall.js\" data-site=\"example.com\"></script>\n\n"
           "Everything it keeps is in %s. Ctrl-C stops it in order; nothing counted is lost.\n\n",
           dashboards, url, url, serve->config->data, url, serve->config->data);
    (void)fflush(stdout);
}

/* --- The whole -------------------------------------------------------------------------------- */

static bool start(struct serve *serve)
{
    if (serve->config->redis.url == NULL)
        redis_start(serve);
    struct redis *redis = redis_wait(serve);
    if (redis == NULL)
        return false;
    for (unsigned i = 0; i < ROLE__COUNT; i++)
        role_start(serve, i);
    bool good = roles_wait(serve);
    if (good)
        demo_add(serve, redis);
    redis_free(redis);
    if (!good)
        return false;
    supervisor_settle(serve->supervisor);
    greet(serve);
    return true;
}

static void close_all(const struct serve *serve)
{
    const int fds[] = {serve->lock_fd, serve->day_keys_fd, serve->lifeline[0], serve->lifeline[1]};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

int serve_run(const struct serve_options *options)
{
    struct serve serve = {
        .options = options,
        .config = options->config,
        .lock_fd = -1,
        .day_keys_fd = -1,
        .lifeline = {-1, -1},
    };
    log_init("serve");
    if (!prepare(&serve)) {
        close_all(&serve);
        return 1;
    }
    serve.supervisor = supervisor_new(isatty(STDIN_FILENO));
    bool good = start(&serve);
    /* A stop that the operator asked for during the start is no failure. */
    good = good || supervisor_is_stopping(serve.supervisor);
    if (!good)
        supervisor_stop(serve.supervisor);
    journal_init(&serve.journal, serve.config, serve.redis == NULL ? NULL : serve.journal_folder,
                 options->rewrite_ms);
    while (!supervisor_is_done(serve.supervisor)) {
        supervisor_turn(serve.supervisor, TURN_MS);
        if (!supervisor_is_stopping(serve.supervisor))
            journal_turn(&serve.journal);
    }
    supervisor_free(serve.supervisor);
    close_all(&serve);
    if (good)
        log_info("stopped.");
    return good ? 0 : 1;
}

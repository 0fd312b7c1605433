/* The child that reads a database before the parent trusts it. libmaxminddb 1.7.1 has known ways to
 * recurse, allocate and read out of bounds on a file made to break it; they hit the child, which
 * has limits on time and memory and nobody to lose:
 *
 *     parent                         child
 *     pipe, fork ------------------> limits, no core, no stderr
 *     wait for the verdict <-------- opens, reads every node and every distinct record
 *       or the end of the pipe       writes two bytes and exits
 *
 * Called while a database is opened, from a thread that may block; never from an event loop. */

#include "collector/region_check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"

/* What the library may allocate beside the mapped file: metadata, one record's list, the bits. */
static const rlim_t MEMORY_BYTES_MAX = 256 * 1024 * 1024;

static const char *const NAMES[REGION_CHECK__COUNT] = {
    [REGION_CHECK_OK] = "is sound",
    [REGION_CHECK_NO_PROCESS] = "could not be checked, because no process could be started",
    [REGION_CHECK_CRASHED] = "is broken: reading it crashes",
    [REGION_CHECK_TOO_LONG] = "is broken: reading it does not end",
    [REGION_CHECK_NOT_MMDB] = "is not a database of MaxMind's format",
    [REGION_CHECK_BAD_TREE] = "is broken: its search tree leads out of the file",
    [REGION_CHECK_BAD_RECORD] = "is broken: it has a record that cannot be read",
    [REGION_CHECK_NO_COUNTRY] = "has no countries in a known schema",
};

const char *region_check_name(enum region_check result)
{
    return NAMES[result];
}

/* --- In the child ----------------------------------------------------------------------------- */

struct reading {
    const MMDB_s *mmdb;
    uint8_t *seen; /* a bit an offset of the data section: records are shared by many nodes */
    bool knows_country;
    enum region_schema schema; /* of the first record with a country */
};

static bool first_time(struct reading *reading, uint32_t offset)
{
    uint8_t bit = (uint8_t)(1u << (offset % 8));
    bool seen = reading->seen[offset / 8] & bit;
    reading->seen[offset / 8] |= bit;
    return !seen;
}

static enum region_check read_record(struct reading *reading, const MMDB_entry_s *record)
{
    /* An offset "before" the section wraps round to a large one. */
    if (record->offset >= reading->mmdb->data_section_size)
        return REGION_CHECK_BAD_TREE;
    if (!first_time(reading, record->offset))
        return REGION_CHECK_OK;
    MMDB_entry_s start = *record;
    MMDB_entry_data_list_s *list = NULL;
    int status = MMDB_get_entry_data_list(&start, &list);
    MMDB_free_entry_data_list(list);
    if (status != MMDB_SUCCESS)
        return REGION_CHECK_BAD_RECORD;
    /* With the schema known, this walks the paths that lookups will walk. */
    for (int i = 0; i < REGION_SCHEMA__COUNT; i++) {
        struct region region;
        if (reading->knows_country && reading->schema != (enum region_schema)i)
            continue;
        if (region_record_read(record, (enum region_schema)i, &region)) {
            reading->knows_country = true;
            reading->schema = (enum region_schema)i;
        }
    }
    return REGION_CHECK_OK;
}

static enum region_check read_branch(struct reading *reading, uint8_t type,
                                     const MMDB_entry_s *record)
{
    switch (type) {
    case MMDB_RECORD_TYPE_SEARCH_NODE:
    case MMDB_RECORD_TYPE_EMPTY:
        return REGION_CHECK_OK;
    case MMDB_RECORD_TYPE_DATA:
        return read_record(reading, record);
    default:
        return REGION_CHECK_BAD_TREE;
    }
}

static enum region_check read_tree(struct reading *reading)
{
    enum region_check result = REGION_CHECK_OK;
    for (uint32_t i = 0; i < reading->mmdb->metadata.node_count && result == REGION_CHECK_OK; i++) {
        MMDB_search_node_s node;
        if (MMDB_read_node(reading->mmdb, i, &node) != MMDB_SUCCESS)
            return REGION_CHECK_BAD_TREE;
        result = read_branch(reading, node.left_record_type, &node.left_record_entry);
        if (result == REGION_CHECK_OK)
            result = read_branch(reading, node.right_record_type, &node.right_record_entry);
    }
    return result;
}

static enum region_check read_database(const char *path, enum region_schema *ret_schema)
{
    MMDB_s mmdb;
    if (MMDB_open(path, MMDB_MODE_MMAP, &mmdb) != MMDB_SUCCESS)
        return REGION_CHECK_NOT_MMDB;
    MMDB_entry_data_list_s *metadata = NULL;
    if (MMDB_get_metadata_as_entry_data_list(&mmdb, &metadata) != MMDB_SUCCESS)
        return REGION_CHECK_NOT_MMDB;
    MMDB_free_entry_data_list(metadata);
    struct reading reading = {.mmdb = &mmdb};
    reading.seen = calloc(mmdb.data_section_size / 8 + 1, 1);
    if (reading.seen == NULL)
        return REGION_CHECK_CRASHED;
    enum region_check result = read_tree(&reading);
    if (result == REGION_CHECK_OK && !reading.knows_country)
        result = REGION_CHECK_NO_COUNTRY;
    *ret_schema = reading.schema;
    /* The process ends now; what it holds goes with it. */
    return result;
}

/* The size of this process's memory map, in bytes: a sanitizer's shadow makes it terabytes, so the
 * limit is relative to it. 0 when it cannot be told. */
static rlim_t map_bytes(void)
{
    char text[64] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t len = read(fd, text, sizeof(text) - 1);
    close(fd);
    return len <= 0 ? 0 : (rlim_t)strtoull(text, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void limit(int resource, rlim_t value)
{
    struct rlimit both = {value, value};
    (void)setrlimit((__rlimit_resource_t)resource, &both);
}

static void child_limit(rlim_t memory_bytes)
{
    static const int CAUGHT[] = {SIGALRM, SIGXCPU, SIGSEGV, SIGBUS, SIGABRT, SIGFPE};
    for (size_t i = 0; i < ARRAY_LEN(CAUGHT); i++)
        (void)signal(CAUGHT[i], SIG_DFL);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    /* The library's assertions and a sanitizer's report are not for the operator's terminal. */
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0)
        (void)dup2(null, STDERR_FILENO);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, REGION_CHECK_SECONDS_MAX);
    if (memory_bytes != 0)
        limit(RLIMIT_AS, memory_bytes);
    (void)alarm(REGION_CHECK_SECONDS_MAX);
}

static _Noreturn void child_run(int pipe_fd, const char *path, rlim_t memory_bytes)
{
    child_limit(memory_bytes);
    enum region_schema schema = REGION_NESTED;
    enum region_check result = read_database(path, &schema);
    uint8_t verdict[2] = {(uint8_t)result, (uint8_t)schema};
    ssize_t written = write(pipe_fd, verdict, sizeof(verdict));
    _exit(written == sizeof(verdict) ? 0 : 1);
}

/* --- In the parent -----------------------------------------------------------------------------
 */

/* The verdict, or what the pipe's end without one means. */
static enum region_check await_verdict(int pipe_fd, enum region_schema *ret_schema)
{
    int64_t deadline_ms = clock_mono_ms() + (REGION_CHECK_SECONDS_MAX + 1) * 1000;
    for (;;) {
        int64_t left_ms = deadline_ms - clock_mono_ms();
        if (left_ms <= 0)
            return REGION_CHECK_TOO_LONG;
        struct pollfd ready = {.fd = pipe_fd, .events = POLLIN};
        if (poll(&ready, 1, (int)left_ms) <= 0)
            continue;
        uint8_t verdict[2];
        ssize_t len = read(pipe_fd, verdict, sizeof(verdict));
        if (len < 0 && errno == EINTR)
            continue;
        if (len != sizeof(verdict) || verdict[0] >= REGION_CHECK__COUNT ||
            verdict[1] >= REGION_SCHEMA__COUNT)
            return REGION_CHECK_CRASHED;
        *ret_schema = (enum region_schema)verdict[1];
        return (enum region_check)verdict[0];
    }
}

/* How a child that gave no verdict died; it is gone already, or is killed. */
static enum region_check reap(pid_t child, enum region_check result)
{
    if (result == REGION_CHECK_TOO_LONG)
        (void)kill(child, SIGKILL);
    int status = 0;
    pid_t reaped;
    do
        reaped = waitpid(child, &status, 0);
    while (reaped < 0 && errno == EINTR);
    bool timed_out = reaped == child && WIFSIGNALED(status) &&
                     (WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGXCPU);
    return result == REGION_CHECK_CRASHED && timed_out ? REGION_CHECK_TOO_LONG : result;
}

enum region_check region_check(const char *path, size_t file_bytes, enum region_schema *ret_schema)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return REGION_CHECK_NO_PROCESS;
    /* Read before the fork: in the sandbox a child cannot look at itself. */
    rlim_t map = map_bytes(), memory = map == 0 ? 0 : map + file_bytes + MEMORY_BYTES_MAX;
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        child_run(ends[1], path, memory);
    }
    close(ends[1]);
    enum region_schema schema = REGION_NESTED;
    enum region_check result = REGION_CHECK_NO_PROCESS;
    if (child > 0)
        result = reap(child, await_verdict(ends[0], &schema));
    close(ends[0]);
    if (result == REGION_CHECK_OK)
        *ret_schema = schema;
    return result;
}

/* The journal's rewrite with a real Redis and a disk that the test makes small: statvfs() goes
 * through it. What the operator reads is taken from standard error. */

#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli/journal.h"
#include "common/clock.h"
#include "common/limits.h"
#include "redis_server.h"

enum { EVERY_MS = 20, WAIT_MS = 20000, TEXT_BYTES = 4096, ERROR_BYTES = 256 };

static unsigned long long free_bytes;

int __real_statvfs(const char *path, struct statvfs *disk);
int __wrap_statvfs(const char *path, struct statvfs *disk);

int __wrap_statvfs(const char *path, struct statvfs *disk)
{
    int result = __real_statvfs(path, disk);
    disk->f_frsize = 1;
    disk->f_bavail = free_bytes;
    return result;
}

struct place {
    struct redis_server server;
    struct config config;
    struct journal journal;
    char folder[128];
    char said_path[128];
    int stderr_fd;
};

static struct place place;

static void redirect_stderr(void)
{
    snprintf(place.said_path, sizeof(place.said_path), "%s/said", place.server.dir);
    int fd = open(place.said_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    place.stderr_fd = dup(STDERR_FILENO);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    close(fd);
}

static int setup(void **state)
{
    static const char *const ARGS[] = {"--appendonly", "yes", NULL};
    char url[256], error[ERROR_BYTES];
    (void)state;
    redis_server_start(&place.server, ARGS);
    snprintf(url, sizeof(url), "unix://%s", place.server.address.socket_path);
    snprintf(place.folder, sizeof(place.folder), "%s/appendonlydir", place.server.dir);
    assert_true(config_load(NULL, &place.config, error, sizeof(error)));
    assert_true(config_set(&place.config, "redis.url", url, error, sizeof(error)));
    redirect_stderr();
    journal_init(&place.journal, &place.config, place.folder, EVERY_MS);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)dup2(place.stderr_fd, STDERR_FILENO);
    close(place.stderr_fd);
    config_done(&place.config);
    redis_server_stop(&place.server);
    return 0;
}

/* Rewrites that have begun. */
static unsigned rewrites(void)
{
    unsigned number = 0;
    struct redis *redis = redis_server_connect(&place.server);
    struct redis_reply *reply = redis_do(redis, STR_LIT("INFO"), STR_LIT("persistence"));
    assert_non_null(reply);
    struct str info = redis_reply_str(reply);
    const char *at = memmem(info.ptr, info.len, "aof_rewrites:", 13);
    assert_non_null(at);
    while (*at != ':')
        at++;
    for (at++; *at >= '0' && *at <= '9'; at++)
        number = 10 * number + (unsigned)(*at - '0');
    redis_reply_free(reply);
    redis_free(redis);
    return number;
}

static void turn_for(int64_t ms)
{
    int64_t end_ms = clock_mono_ms() + ms;
    while (clock_mono_ms() < end_ms) {
        journal_turn(&place.journal);
        usleep(2000);
    }
}

static void turn_until_rewritten(unsigned wanted)
{
    int64_t began_ms = clock_mono_ms();
    while (rewrites() < wanted) {
        assert_true(clock_mono_ms() - began_ms < WAIT_MS);
        journal_turn(&place.journal);
        usleep(2000);
    }
}

static size_t times_said(const char *words)
{
    char text[TEXT_BYTES] = "";
    size_t times = 0;
    FILE *file = fopen(place.said_path, "re");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    for (const char *at = text; (at = strstr(at, words)) != NULL; at++)
        times++;
    return times;
}

/* Until it is said, and some time on, in which it is not said again. */
static void turn_until_said_once(const char *words)
{
    int64_t began_ms = clock_mono_ms();
    while (times_said(words) == 0) {
        assert_true(clock_mono_ms() - began_ms < WAIT_MS);
        journal_turn(&place.journal);
        usleep(2000);
    }
    turn_for(20 * EVERY_MS);
    assert_int_equal(times_said(words), 1);
}

static void it_is_rewritten_again_and_again(void **state)
{
    (void)state;
    free_bytes = 1ull << 40;
    turn_until_rewritten(3);
    assert_int_equal(times_said("journal"), 0);
}

static void a_short_disk_is_said_once_and_nothing_is_rewritten(void **state)
{
    (void)state;
    free_bytes = JOURNAL_FREE_BYTES_MIN - 1;
    unsigned before = rewrites();
    turn_until_said_once("the journal cannot be rewritten");
    assert_int_equal(rewrites(), before);
    assert_int_equal(times_said("the disk has 15 MiB free"), 1);

    free_bytes = 1ull << 40;
    turn_until_rewritten(before + 1);
    turn_until_said_once("the journal is rewritten again");
    assert_int_equal(times_said("the journal cannot be rewritten"), 1);
}

/* Room for a second copy is part of what it takes. */
static void the_journals_own_size_is_needed_once_more(void **state)
{
    char path[256];
    (void)state;
    snprintf(path, sizeof(path), "%s/grown", place.folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 64 * 1024 * 1024), 0);
    close(fd);
    free_bytes = JOURNAL_FREE_BYTES_MIN + 32 * 1024 * 1024;
    unsigned before = rewrites();
    turn_until_said_once("the journal cannot be rewritten");
    assert_int_equal(rewrites(), before);
    assert_int_equal(unlink(path), 0);
    turn_until_rewritten(before + 1);
}

static void a_rewrite_that_redis_refuses_is_said_once(void **state)
{
    (void)state;
    char moved[256];
    snprintf(moved, sizeof(moved), "%s.away", place.folder);
    assert_int_equal(rename(place.folder, moved), 0);
    int fd = open(place.folder, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* a file, not a folder */
    assert_true(fd >= 0);
    close(fd);
    free_bytes = 1ull << 40;
    turn_until_said_once("the journal cannot be rewritten");
    assert_int_equal(unlink(place.folder), 0);
    assert_int_equal(rename(moved, place.folder), 0);
    turn_until_rewritten(1);
    turn_until_said_once("the journal is rewritten again");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_rewritten_again_and_again),
        TEST(a_short_disk_is_said_once_and_nothing_is_rewritten),
        TEST(the_journals_own_size_is_needed_once_more),
        TEST(a_rewrite_that_redis_refuses_is_said_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The site list's copy in its folder: kept whole or not at all, read by the next process as long as
 * it may be believed, and written again only when that says something. */

#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/site_copy.h"
#include "collector/site_keeper.h"
#include "common/clock.h"
#include "faulty_disk.h"
#include "spool_folder.h"

enum { ERROR_BYTES = 512, PATH_BYTES = 512, PATIENCE_MS = 20000, POLL_MS = 2, WAS_HIT = 1 };

static const int64_t NOW_MS = 1795428000000; /* 2026-11-23T10:00:00Z */
static const int64_t DAY_MS = 24ll * 60 * 60 * 1000;

static char *folder;

static int setup(void **state)
{
    (void)state;
    folder = spool_folder_make();
    clock_fake_set(NOW_MS, NOW_MS);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)disk_heal();
    spool_folder_remove(folder);
    return 0;
}

static struct site_keeper *open_keeper(void)
{
    char error[ERROR_BYTES];
    struct site_keeper *keeper = site_keeper_new(folder, error, sizeof(error));
    if (keeper == NULL)
        fail_msg("%s", error);
    return keeper;
}

static struct site_list *list_of(const char *domain)
{
    char error[ERROR_BYTES];
    struct site *site = site_parse(str_from(domain), STR_LIT("{}"), error, sizeof(error));
    assert_non_null(site);
    return site_list_new(&site, 1);
}

static void keep(struct site_keeper *keeper, const char *domain)
{
    struct site_list *list = list_of(domain);
    site_keeper_keep(keeper, list);
    site_list_unref(list);
}

/* A process from its start to its end. */
static void live(const char *domain)
{
    struct site_keeper *keeper = open_keeper();
    int64_t written_ms;
    site_list_unref(site_keeper_read(keeper, &written_ms));
    keep(keeper, domain);
    site_keeper_free(keeper);
}

/* What the next process begins with. */
static bool begins_with(const char *domain)
{
    struct site_keeper *keeper = open_keeper();
    int64_t written_ms = -1;
    struct site_list *list = site_keeper_read(keeper, &written_ms);
    bool is_so = domain == NULL
                     ? list == NULL
                     : list != NULL && site_list_count(list) == 1 &&
                           site_list_find(list, str_from(domain)) != NULL && written_ms > 0;
    site_list_unref(list);
    site_keeper_free(keeper);
    return is_so;
}

static ino_t inode_of_list(void)
{
    struct stat about;
    char path[PATH_BYTES];
    spool_file_path(folder, "list", path, sizeof(path));
    assert_int_equal(stat(path, &about), 0);
    return about.st_ino;
}

static void the_next_process_begins_with_the_last_list(void **state)
{
    (void)state;
    assert_true(begins_with(NULL));
    live("a.example");
    assert_true(begins_with("a.example"));
    struct site_keeper *keeper = open_keeper();
    keep(keeper, "b.example");
    keep(keeper, "c.example");
    site_keeper_free(keeper);
    assert_true(begins_with("c.example"));
    assert_false(spool_file_is(folder, "list.new"));
}

static void file_and_folder_are_private(void **state)
{
    (void)state;
    struct stat about;
    char path[PATH_BYTES];
    live("a.example");
    spool_file_path(folder, "list", path, sizeof(path));
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    assert_int_equal(stat(folder, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0700);
}

static void what_is_not_to_be_believed_is_left_aside_and_replaced(void **state)
{
    (void)state;
    char path[PATH_BYTES];
    live("a.example");
    spool_file_flip(folder, "list", SITE_COPY_HEADER_BYTES);
    assert_true(begins_with(NULL));
    live("a.example");
    assert_true(begins_with("a.example"));
    spool_file_path(folder, "list", path, sizeof(path));
    assert_int_equal(truncate(path, SITE_COPY_BYTES_MAX + 1), 0);
    assert_true(begins_with(NULL));
    assert_int_equal(truncate(path, 0), 0);
    assert_true(begins_with(NULL));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("elsewhere", path), 0);
    assert_true(begins_with(NULL));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_true(begins_with(NULL));
    live("a.example");
    assert_true(begins_with("a.example"));
}

static void an_old_list_is_not_believed(void **state)
{
    (void)state;
    const int64_t ages_ms[] = {SITE_COPY_AGE_MAX_MS - 1, SITE_COPY_AGE_MAX_MS,
                               SITE_COPY_AGE_MAX_MS + 1};
    live("a.example");
    for (size_t i = 0; i < ARRAY_LEN(ages_ms); i++) {
        bool is_old = ages_ms[i] > SITE_COPY_AGE_MAX_MS;
        clock_fake_set(NOW_MS + ages_ms[i], NOW_MS);
        assert_true(begins_with(is_old ? NULL : "a.example"));
        clock_fake_set(NOW_MS - ages_ms[i], NOW_MS);
        assert_true(begins_with(is_old ? NULL : "a.example"));
    }
}

/* What nobody changes stays young as long as Redis confirms it, and costs one write a day. */
static void the_same_list_is_written_once_a_day(void **state)
{
    (void)state;
    live("a.example");
    ino_t first = inode_of_list();
    clock_fake_set(NOW_MS + DAY_MS - 1, NOW_MS);
    live("a.example");
    assert_int_equal(inode_of_list(), first);
    clock_fake_set(NOW_MS + DAY_MS, NOW_MS);
    live("a.example");
    assert_int_not_equal(inode_of_list(), first);
    clock_fake_set(NOW_MS + DAY_MS + SITE_COPY_AGE_MAX_MS, NOW_MS);
    assert_true(begins_with("a.example"));
}

static void a_folder_that_cannot_be_made_is_told(void **state)
{
    (void)state;
    char error[ERROR_BYTES] = "", path[2 * PATH_BYTES];
    snprintf(path, sizeof(path), "%s/not/there", folder);
    assert_null(site_keeper_new(path, error, sizeof(error)));
    assert_non_null(strstr(error, "No such file"));
}

static void await_failures(struct site_keeper *keeper, uint64_t failures, uint64_t row)
{
    uint64_t found = 0, found_row = 0;
    for (int ms = 0; ms < PATIENCE_MS; ms += POLL_MS) {
        found = site_keeper_failures(keeper, &found_row);
        if (found == failures && found_row == row)
            return;
        usleep(POLL_MS * 1000);
    }
    fail_msg("%u failures, %u in a row", (unsigned)found, (unsigned)found_row);
}

static void a_write_that_fails_is_counted_and_tried_again(void **state)
{
    (void)state;
    char path[PATH_BYTES];
    live("a.example");
    spool_file_path(folder, "list.new", path, sizeof(path));
    assert_int_equal(mkdir(path, 0700), 0);
    struct site_keeper *keeper = open_keeper();
    keep(keeper, "b.example");
    await_failures(keeper, 1, 1);
    keep(keeper, "b.example");
    await_failures(keeper, 2, 2);
    assert_true(begins_with("a.example"));
    assert_int_equal(rmdir(path), 0);
    keep(keeper, "b.example");
    await_failures(keeper, 2, 0);
    site_keeper_free(keeper);
    assert_true(begins_with("b.example"));
}

/* A process in which the disk does so at the nth call; false when there was no such call. The next
 * one begins with the old list or with the new one. */
static bool survives(enum disk_fault fault, unsigned nth)
{
    int status;
    live("old.example");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct site_keeper *keeper = open_keeper();
        disk_fail(fault, DISK_ALL, nth, ENOSPC);
        keep(keeper, "new.example");
        site_keeper_free(keeper);
        _exit(disk_heal() > nth ? WAS_HIT : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    bool is_new = begins_with("new.example");
    assert_true(is_new || begins_with("old.example"));
    assert_true(is_new || WEXITSTATUS(status) != 0);
    return WEXITSTATUS(status) != 0;
}

static void a_disk_that_fails_anywhere_leaves_one_list_whole(void **state)
{
    (void)state;
    static const enum disk_fault FAULTS[] = {DISK_FAILS, DISK_STAYS_BAD, DISK_CRASHES, DISK_TEARS};
    for (size_t i = 0; i < ARRAY_LEN(FAULTS); i++) {
        unsigned calls = 0;
        while (survives(FAULTS[i], calls))
            calls++;
        /* Opening, writing, syncing, renaming, and syncing the folder. */
        assert_int_equal(calls, 5);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_next_process_begins_with_the_last_list),
        TEST(file_and_folder_are_private),
        TEST(what_is_not_to_be_believed_is_left_aside_and_replaced),
        TEST(an_old_list_is_not_believed),
        TEST(the_same_list_is_written_once_a_day),
        TEST(a_folder_that_cannot_be_made_is_told),
        TEST(a_write_that_fails_is_counted_and_tried_again),
        TEST(a_disk_that_fails_anywhere_leaves_one_list_whole),
    };
    spool_folder_silence_log();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

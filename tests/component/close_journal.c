/* After a close the journal is written anew: of a single view nothing is left there that tells two
 * of its properties together, or what came before what. A real Redis with its append-only file. */

#include <dirent.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/journal.h"
#include "common/clock.h"
#include "common/limits.h"
#include "open_days.h"
#include "tests/test.h"

#define A "a.example"
#define DATE 20300304

enum { WAIT_ROUNDS_MAX = 2000, FILE_BYTES_MAX = 16 * 1024 * 1024 };

static void append_file(struct buf *out, const char *path)
{
    char bytes[4096];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    for (size_t len; (len = fread(bytes, 1, sizeof(bytes), file)) > 0;)
        buf_append(out, bytes, len);
    fclose(file);
}

/* Everything that the journal's folder holds. */
static void read_journal(struct buf *out)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/appendonlydir", server.dir);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/appendonlydir/%s", server.dir, entry->d_name);
        append_file(out, path);
    }
    closedir(folder);
    assert_false(out->overflow);
}

static bool journal_holds(const char *text)
{
    struct buf bytes;
    buf_init(&bytes, FILE_BYTES_MAX);
    read_journal(&bytes);
    bool found = memmem(bytes.ptr, bytes.len, text, strlen(text)) != NULL;
    buf_done(&bytes);
    return found;
}

/* Turns until the rewrite that is due has ended. False when none was due. */
static bool turn(struct journal *journal)
{
    for (int i = 0; i < 2; i++) /* one that looks, one that begins */
        journal_turn(journal);
    if (!journal->begun)
        return false;
    for (int i = 0; journal->begun && i < WAIT_ROUNDS_MAX; i++) {
        usleep(5000);
        clock_fake_advance(JOURNAL_LOOK_MS);
        journal_turn(journal);
    }
    assert_false(journal->begun);
    return true;
}

static void a_close_leaves_no_order_in_the_journal(void **state)
{
    (void)state;
    /* What stands in the commands of one view, and in no record: keys of what is open. */
    static const char *const TRACES[] = {"live:20300304:page", "live:20300304:country",
                                         "v/secret-page", "seen:20300304"};
    struct config config;
    struct journal journal;
    char url[256], error[200];
    snprintf(url, sizeof(url), "unix://%s", server.address.socket_path);
    assert_true(config_load(NULL, &config, error, sizeof(error)));
    assert_true(config_set(&config, "redis.url", url, error, sizeof(error)));
    open_days_reset();
    add_site(A, "{}");
    journal_init(&journal, &config, NULL, 0);
    count_view(A, DATE, "/secret-page", "NL", 1);
    apply_all();
    clock_fake_advance(JOURNAL_LOOK_MS);
    assert_false(turn(&journal)); /* nothing was closed */
    assert_int_equal(close_all(), 1);
    for (size_t i = 0; i < ARRAY_LEN(TRACES); i++)
        assert_true(journal_holds(TRACES[i]));
    clock_fake_advance(JOURNAL_LOOK_MS);
    assert_true(turn(&journal));
    for (size_t i = 0; i < ARRAY_LEN(TRACES); i++)
        if (journal_holds(TRACES[i]))
            fail_msg("%s", TRACES[i]);
    assert_false(journal_holds("MULTI"));
    assert_int_equal(sealed(A, DATE, TABLE_PAGE, "/secret-page", METRIC_PAGEVIEWS), 1);
    clock_fake_advance(JOURNAL_LOOK_MS);
    assert_false(turn(&journal)); /* once a close */
    config_done(&config);
}

int main(void)
{
    static const char *const ARGS[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_close_leaves_no_order_in_the_journal),
    };
    open_days_redis_args = ARGS;
    signal(SIGPIPE, SIG_IGN);
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, open_days_start, open_days_stop);
}

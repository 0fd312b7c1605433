/* The spool's folder on a real disk: order, files, bounds, age, damage, gaps, and failures. */

#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/spool_store.h"
#include "common/clock.h"
#include "common/limits.h"
#include "fake_log.h"
#include "faulty_disk.h"
#include "spool_folder.h"

static const uint64_t WRITER = 0x1122334455667788, OTHER = 0x99aabbccddeeff00;
static const int64_t NOW_MS = 1795428000000;
enum { PAYLOAD = 100, RECORD = PAYLOAD + SPOOL_RECORD_FIXED_BYTES };

static char *folder;
static struct spool_options options;
static struct fake_log *fake_log;

static int setup(void **state)
{
    (void)state;
    clock_fake_set(NOW_MS, 1000);
    folder = spool_folder_make();
    options = (struct spool_options){.folder = folder};
    fake_log = calloc(1, sizeof(*fake_log));
    return fake_log == NULL;
}

static int teardown(void **state)
{
    (void)state;
    (void)disk_heal();
    disk_skip_syncs(false);
    spool_folder_remove(folder);
    free(fake_log);
    return 0;
}

static struct spool_store *open_store(void)
{
    char error[256] = "";
    struct spool_store *store = spool_store_open(&options, error, sizeof(error));
    assert_string_equal(error, "");
    assert_non_null(store);
    return store;
}

static struct spool_store *reopen(struct spool_store *store)
{
    spool_store_close(store);
    return open_store();
}

static struct spool_state state_of(const struct spool_store *store)
{
    struct spool_state state;
    spool_store_state(store, &state);
    return state;
}

/* A batch's id is its number, and that of the second writer a thousand more. */
static uint32_t id_of(uint64_t writer, uint64_t number)
{
    return (uint32_t)number + (writer == OTHER ? 1000 : 0);
}

static enum spool_append append_bytes(struct spool_store *store, uint64_t writer, uint64_t number,
                                      size_t len)
{
    char *payload = malloc(len);
    assert_non_null(payload);
    fake_log_payload(id_of(writer, number), payload, len);
    struct spool_item item = {.writer = writer, .number = number, .payload = {payload, len}};
    struct spool_item *items[] = {&item};
    spool_store_append(store, items, 1);
    free(payload);
    return item.result;
}

static enum spool_append append(struct spool_store *store, uint64_t writer, uint64_t number)
{
    return append_bytes(store, writer, number, PAYLOAD);
}

static void append_run(struct spool_store *store, uint64_t writer, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++)
        assert_int_equal(append(store, writer, number), SPOOL_DURABLE);
}

static void expect_next(struct spool_store *store, uint64_t writer, uint64_t number)
{
    struct spool_record record;
    assert_int_equal(spool_store_read(store, writer, &record), SPOOL_RECORD);
    assert_true(record.writer == writer && record.number == number);
    assert_int_equal(fake_log_id(buf_str(&record.payload)), id_of(writer, number));
    buf_done(&record.payload);
}

static void expect_empty(struct spool_store *store, uint64_t writer)
{
    struct spool_record record;
    assert_int_equal(spool_store_read(store, writer, &record), SPOOL_EMPTY);
}

/* Sends up to `count` records of the writer to the log, as its owner would. A restart forgets what
 * was sent of a file of which more waits: that is sent again. */
static void replay(struct spool_store *store, uint64_t writer, unsigned count)
{
    struct spool_record record;
    for (unsigned sent = 0; sent < count; sent++) {
        if (spool_store_read(store, writer, &record) != SPOOL_RECORD)
            return;
        enum fake_log_answer answer =
            fake_log_append(fake_log, record.as_writer, record.as_number, buf_str(&record.payload));
        buf_done(&record.payload);
        if (answer == FAKE_LOG_GAP)
            spool_store_gap(store, writer, record.number);
        else
            spool_store_forget(store, writer, record.number);
    }
}

static void expect_counted(uint32_t first, uint32_t last, unsigned times)
{
    for (uint32_t id = first; id <= last; id++)
        assert_int_equal(fake_log->counted[id], times);
}

/* --- Order and files ------------------------------------------------------------------------- */

static void records_come_back_in_order_after_a_restart(void **state)
{
    (void)state;
    struct spool_store *store = open_store();
    append_run(store, WRITER, 9, 12);
    append_run(store, OTHER, 1, 2);
    append_run(store, WRITER, 13, 14);
    store = reopen(store);
    struct spool_writer *writers;
    assert_int_equal(spool_store_writers(store, &writers), 2);
    assert_true(writers[0].writer == WRITER && writers[0].first == 9 && writers[0].last == 14);
    assert_true(writers[1].writer == OTHER && writers[1].first == 1 && writers[1].last == 2);
    free(writers);
    for (uint64_t number = 9; number <= 14; number++) {
        expect_next(store, WRITER, number);
        expect_next(store, WRITER, number); /* until it is forgotten */
        spool_store_forget(store, WRITER, number);
    }
    expect_empty(store, WRITER);
    expect_next(store, OTHER, 1);
    spool_store_close(store);
}

static void a_group_is_one_write_and_one_sync_a_writer(void **state)
{
    (void)state;
    enum { ITEMS = 40 };
    char payload[ITEMS][PAYLOAD];
    struct spool_item items[ITEMS], *all[ITEMS];
    struct spool_store *store = open_store();
    append_run(store, WRITER, 1, 1);
    append_run(store, OTHER, 1, 1);
    for (size_t i = 0; i < ITEMS; i++) {
        uint64_t writer = i % 2 == 0 ? WRITER : OTHER;
        fake_log_payload(id_of(writer, 2 + i / 2), payload[i], PAYLOAD);
        items[i] = (struct spool_item){
            .writer = writer, .number = 2 + i / 2, .payload = {payload[i], PAYLOAD}};
        all[i] = &items[i];
    }
    disk_fail(DISK_SOUND, DISK_ALL, 0, 0);
    spool_store_append(store, all, ITEMS);
    assert_int_equal(disk_heal(), 4);
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(items[i].result, SPOOL_DURABLE);
    store = reopen(store);
    replay(store, WRITER, 100);
    replay(store, OTHER, 100);
    expect_counted(1, 21, 1);
    expect_counted(1001, 1021, 1);
    spool_store_close(store);
}

static void a_number_that_does_not_follow_begins_a_file(void **state)
{
    (void)state;
    struct spool_store *store = open_store();
    append_run(store, WRITER, 5, 7);
    append_run(store, WRITER, 9, 9);
    append_run(store, WRITER, 8, 8); /* a late one: the outcome of sending it was unknown */
    append_run(store, WRITER, 10, 10);
    append_run(store, WRITER, 6, 6); /* it is here already */
    assert_true(spool_file_is(folder, "1122334455667788-5.seg"));
    assert_true(spool_file_is(folder, "1122334455667788-8.seg"));
    assert_true(spool_file_is(folder, "1122334455667788-9.seg"));
    assert_true(spool_file_is(folder, "1122334455667788-10.seg"));
    assert_int_equal(spool_file_count(folder, ".seg"), 4);
    store = reopen(store);
    for (uint64_t number = 5; number <= 10; number++) {
        expect_next(store, WRITER, number);
        spool_store_forget(store, WRITER, number);
    }
    expect_empty(store, WRITER);
    spool_store_close(store);
}

static void files_go_when_all_in_them_is_forgotten(void **state)
{
    (void)state;
    struct spool_store *store = open_store();
    append_run(store, WRITER, 1, 3);
    append_run(store, OTHER, 1, 1);
    spool_store_forget(store, WRITER, 2);
    assert_int_equal(spool_file_count(folder, ".seg"), 2);
    assert_int_equal(state_of(store).records, 2);
    expect_next(store, WRITER, 3);
    spool_store_forget(store, WRITER, 3);
    assert_int_equal(spool_file_count(folder, ".seg"), 1);
    append_run(store, WRITER, 4, 4); /* the writer goes on */
    assert_true(spool_file_is(folder, "1122334455667788-4.seg"));
    spool_store_forget(store, WRITER, 100);
    spool_store_forget(store, OTHER, 100);
    assert_int_equal(spool_file_count(folder, ".seg"), 0);
    assert_int_equal(state_of(store).bytes, 0);
    assert_true(state_of(store).oldest_ms == 0);
    spool_store_close(store);
}

static void nobody_else_may_read_it(void **state)
{
    (void)state;
    char path[512];
    struct stat status;
    (void)umask(0);
    assert_int_equal(mkdir(folder, 0777), 0);
    struct spool_store *store = open_store();
    append_run(store, WRITER, 1, 1);
    const struct {
        const char *name;
        mode_t mode;
    } cases[] = {{".", 0700}, {"quarantine", 0700}, {"1122334455667788-1.seg", 0600}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        spool_file_path(folder, cases[i].name, path, sizeof(path));
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 0777, cases[i].mode);
    }
    spool_store_close(store);
}

static void a_folder_in_use_is_refused_in_words(void **state)
{
    (void)state;
    char error[256] = "", expected[300];
    struct spool_store *store = open_store();
    assert_null(spool_store_open(&options, error, sizeof(error)));
    snprintf(expected, sizeof(expected), "another process uses the spool %s", folder);
    assert_string_equal(error, expected);
    spool_store_close(store);
    spool_store_close(open_store());
}

static void a_folder_that_cannot_be_made_is_refused_in_words(void **state)
{
    (void)state;
    char error[256] = "";
    struct spool_options other = {.folder = "/nonexistent/spool"};
    assert_null(spool_store_open(&other, error, sizeof(error)));
    assert_string_equal(error,
                        "the spool /nonexistent/spool cannot be used: No such file or directory");
}

/* --- Bounds ---------------------------------------------------------------------------------- */

static void a_file_has_a_bound(void **state)
{
    (void)state;
    enum { THREE = SPOOL_HEADER_BYTES + 3 * RECORD };
    const struct {
        uint64_t bytes_max;
        unsigned files;
    } cases[] = {{THREE - 1, 2}, {THREE, 1}, {THREE + 1, 1}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        options.segment_bytes_max = cases[i].bytes_max;
        struct spool_store *store = open_store();
        append_run(store, WRITER, 1, 3);
        assert_int_equal(spool_file_count(folder, ".seg"), cases[i].files);
        spool_store_forget(store, WRITER, 3);
        spool_store_close(store);
    }
}

static void the_whole_has_a_bound_over_all_writers(void **state)
{
    (void)state;
    enum { TWO = 2 * (SPOOL_HEADER_BYTES + RECORD) };
    const struct {
        uint64_t bytes_max;
        enum spool_append second;
    } cases[] = {{TWO - 1, SPOOL_NO_ROOM}, {TWO, SPOOL_DURABLE}, {TWO + 1, SPOOL_DURABLE}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        options.bytes_max = cases[i].bytes_max;
        struct spool_store *store = open_store();
        assert_int_equal(append(store, WRITER, 1), SPOOL_DURABLE);
        assert_int_equal(append(store, OTHER, 1), cases[i].second);
        assert_int_equal(append(store, OTHER, 2), SPOOL_NO_ROOM);
        /* Full is no failure of the disk, and ends as soon as there is room. */
        assert_true(state_of(store).not_durable_since_ms == 0);
        spool_store_forget(store, WRITER, 1);
        assert_int_equal(append(store, OTHER, 1), SPOOL_DURABLE);
        spool_store_forget(store, OTHER, 2);
        spool_store_close(store);
    }
}

static void the_bound_holds_over_a_restart(void **state)
{
    (void)state;
    options.bytes_max = 2 * (SPOOL_HEADER_BYTES + RECORD);
    struct spool_store *store = open_store();
    append_run(store, WRITER, 1, 1);
    append_run(store, OTHER, 1, 1);
    store = reopen(store);
    assert_int_equal(append(store, 3, 1), SPOOL_NO_ROOM);
    spool_store_close(store);
}

static void files_have_a_bound(void **state)
{
    (void)state;
    disk_skip_syncs(true);
    struct spool_store *store = open_store();
    for (uint64_t i = 1; i < SPOOL_SEGMENTS_MAX; i++)
        assert_int_equal(append_bytes(store, WRITER, 2 * i, 4), SPOOL_DURABLE);
    assert_int_equal(append_bytes(store, OTHER, 1, 4), SPOOL_DURABLE);
    assert_int_equal(append_bytes(store, 3, 1, 4), SPOOL_NO_ROOM);
    assert_int_equal(append_bytes(store, OTHER, 2, 4), SPOOL_DURABLE); /* needs no other file */
    spool_store_forget(store, OTHER, 2);
    assert_int_equal(append_bytes(store, 3, 1, 4), SPOOL_DURABLE);
    spool_store_close(store);
}

/* --- Age ------------------------------------------------------------------------------------- */

static void a_file_takes_batches_for_an_hour(void **state)
{
    (void)state;
    struct spool_store *store = open_store();
    append_run(store, WRITER, 1, 1);
    clock_fake_advance(SPOOL_SEGMENT_SPAN_MS - 1);
    append_run(store, WRITER, 2, 2);
    assert_int_equal(spool_file_count(folder, ".seg"), 1);
    clock_fake_advance(1);
    append_run(store, WRITER, 3, 3);
    assert_true(spool_file_is(folder, "1122334455667788-3.seg"));
    assert_true(state_of(store).oldest_ms == NOW_MS);
    spool_store_close(store);
}

static void old_batches_are_not_replayed(void **state)
{
    (void)state;
    const int64_t ages_ms[] = {SPOOL_AGE_MAX_MS - 1, SPOOL_AGE_MAX_MS, SPOOL_AGE_MAX_MS + 1};
    for (size_t i = 0; i < ARRAY_LEN(ages_ms); i++) {
        for (unsigned restarts = 0; restarts < 2; restarts++) {
            bool is_old = ages_ms[i] > SPOOL_AGE_MAX_MS;
            clock_fake_set(NOW_MS, 1000);
            struct spool_store *store = open_store();
            unsigned before = state_of(store).quarantined;
            append_run(store, WRITER, 1, 2);
            clock_fake_set(NOW_MS + ages_ms[i], 1000);
            if (restarts)
                store = reopen(store);
            if (is_old)
                expect_empty(store, WRITER);
            else
                expect_next(store, WRITER, 1);
            assert_int_equal(state_of(store).quarantined, before + is_old);
            assert_int_equal(spool_file_count(folder, ".seg"), !is_old);
            spool_store_forget(store, WRITER, 2);
            spool_store_close(store);
        }
    }
    assert_true(spool_file_is(folder, "quarantine/1122334455667788-1.seg"));
    assert_true(spool_file_is(folder, "quarantine/1122334455667788-1.seg.1"));
}

static void quarantine_counts_into_the_bound_and_is_not_kept_for_ever(void **state)
{
    (void)state;
    struct spool_store *store = open_store();
    append_run(store, WRITER, 1, 2);
    uint64_t bytes = state_of(store).bytes;
    /* A file's time of change is the system's: the clock goes from there. */
    char path[512];
    struct stat status;
    spool_file_path(folder, "1122334455667788-1.seg", path, sizeof(path));
    assert_int_equal(stat(path, &status), 0);
    int64_t moved_ms = (int64_t)status.st_ctim.tv_sec * 1000;
    clock_fake_set(moved_ms + SPOOL_QUARANTINE_KEPT_MS - 60000, 1000);
    options.age_max_ms = 1;
    store = reopen(store);
    assert_int_equal(state_of(store).quarantined, 1);
    assert_int_equal(state_of(store).bytes, bytes);
    store = reopen(store);
    assert_int_equal(state_of(store).quarantined, 1);
    assert_int_equal(state_of(store).bytes, bytes);
    clock_fake_advance(180000);
    store = reopen(store);
    assert_int_equal(state_of(store).quarantined, 0);
    assert_int_equal(state_of(store).bytes, 0);
    spool_store_close(store);
}

/* --- Damage ---------------------------------------------------------------------------------- */

static void a_torn_end_is_cut_at_every_byte(void **state)
{
    (void)state;
    enum { TWO = SPOOL_HEADER_BYTES + 2 * RECORD };
    disk_skip_syncs(true);
    for (size_t len = 0; len < (size_t)TWO + RECORD; len++) {
        char path[512];
        struct spool_store *store = open_store();
        append_run(store, WRITER, 1, 3);
        spool_store_close(store);
        spool_file_path(folder, "1122334455667788-1.seg", path, sizeof(path));
        assert_int_equal(truncate(path, (off_t)len), 0);
        store = open_store();
        size_t records = len < SPOOL_HEADER_BYTES ? 0 : (len - SPOOL_HEADER_BYTES) / RECORD;
        assert_int_equal(state_of(store).records, records);
        assert_int_equal(state_of(store).quarantined, 0);
        assert_int_equal(state_of(store).bytes,
                         records == 0 ? 0 : SPOOL_HEADER_BYTES + records * RECORD);
        for (uint64_t number = 1; number <= records; number++) {
            expect_next(store, WRITER, number);
            spool_store_forget(store, WRITER, number);
        }
        expect_empty(store, WRITER);
        assert_int_equal(spool_file_count(folder, ".seg"), 0);
        spool_store_close(store);
    }
}

/* What the head of spool_store.c tells as an example, with a restart after each record sent. */
static void damage_in_the_middle_loses_and_doubles_nothing_that_is_proven(void **state)
{
    (void)state;
    options.segment_bytes_max = SPOOL_HEADER_BYTES + 5 * RECORD;
    struct spool_store *store = open_store();
    append_run(store, WRITER, 1, 15); /* three files of five */
    spool_store_close(store);
    spool_file_flip(folder, "1122334455667788-1.seg", SPOOL_HEADER_BYTES + 2 * RECORD + 40);
    store = open_store();
    assert_int_equal(state_of(store).records, 12);
    assert_int_equal(state_of(store).quarantined, 1);
    for (unsigned i = 0; i < 16; i++) {
        replay(store, WRITER, i % 8);
        store = reopen(store);
    }
    expect_empty(store, WRITER);
    expect_counted(1, 2, 1);
    expect_counted(3, 5, 0); /* the bad one, and what follows it in its file */
    expect_counted(6, 15, 1);
    assert_true(spool_file_is(folder, "quarantine/1122334455667788-1.seg"));
    assert_int_equal(spool_file_size(folder, "quarantine/1122334455667788-1.seg"),
                     SPOOL_HEADER_BYTES + 5 * RECORD);
    assert_int_equal(spool_file_count(folder, ".seg") + spool_file_count(folder, ".heir"), 0);
    assert_int_equal(state_of(store).quarantined, 1);
    spool_store_close(store);
}

static void a_damaged_header_sends_the_file_to_quarantine(void **state)
{
    (void)state;
    struct spool_store *store = open_store();
    append_run(store, WRITER, 1, 2);
    append_run(store, OTHER, 1, 2);
    spool_store_close(store);
    spool_file_flip(folder, "1122334455667788-1.seg", 20);
    store = open_store();
    expect_empty(store, WRITER);
    expect_next(store, OTHER, 1);
    assert_true(spool_file_is(folder, "quarantine/1122334455667788-1.seg"));
    spool_store_close(store);
}

/* The disk goes bad between the start and the replay. */
static void damage_that_comes_later_is_found_when_it_is_read(void **state)
{
    (void)state;
    struct spool_store *store = open_store();
    append_run(store, WRITER, 1, 5);
    spool_file_flip(folder, "1122334455667788-1.seg", SPOOL_HEADER_BYTES + 2 * RECORD + 40);
    append_run(store, WRITER, 6, 6);
    replay(store, WRITER, 100);
    expect_counted(1, 2, 1);
    expect_counted(3, 6, 0);
    assert_true(spool_file_is(folder, "quarantine/1122334455667788-1.seg"));
    append_run(store, WRITER, 7, 8);
    replay(store, WRITER, 100);
    expect_counted(7, 8, 1);
    spool_store_close(store);
}

static void a_record_in_the_place_of_another_is_not_taken(void **state)
{
    (void)state;
    struct buf bytes;
    char payload[PAYLOAD];
    struct spool_store *store = open_store();
    append_run(store, WRITER, 1, 3);
    buf_init(&bytes, 4096);
    spool_header_encode(&bytes, WRITER, 1, NOW_MS);
    const uint64_t numbers[] = {1, 3, 2};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        fake_log_payload(id_of(WRITER, numbers[i]), payload, PAYLOAD);
        spool_record_encode(&bytes, WRITER, numbers[i], (struct str){payload, PAYLOAD});
    }
    spool_file_write(folder, "1122334455667788-1.seg", bytes.ptr, bytes.len);
    buf_done(&bytes);
    expect_next(store, WRITER, 1);
    spool_store_forget(store, WRITER, 1);
    expect_empty(store, WRITER);
    assert_int_equal(state_of(store).quarantined, 1);
    spool_store_close(store);
}

/* What a failed write left of numbers that its writer then appended again. */
static void numbers_that_stand_in_two_files_come_once(void **state)
{
    (void)state;
    struct spool_store *store = open_store();
    append_run(store, WRITER, 1, 5);
    spool_store_close(store);
    struct buf bytes;
    char payload[PAYLOAD];
    buf_init(&bytes, 4096);
    spool_header_encode(&bytes, WRITER, 4, NOW_MS);
    for (uint64_t number = 4; number <= 7; number++) {
        fake_log_payload(id_of(WRITER, number), payload, PAYLOAD);
        spool_record_encode(&bytes, WRITER, number, (struct str){payload, PAYLOAD});
    }
    spool_file_write(folder, "1122334455667788-4.seg", bytes.ptr, bytes.len);
    buf_done(&bytes);
    /* And one that two claim as a whole: something of the heir may be in the log. */
    char own[512], heir[512];
    store = open_store();
    assert_int_equal(state_of(store).records, 7);
    spool_store_close(store);
    spool_file_path(folder, "1122334455667788-4.seg", own, sizeof(own));
    spool_file_path(folder, "1122334455667788-4.heir", heir, sizeof(heir));
    assert_int_equal(link(own, heir), 0);
    store = open_store();
    assert_int_equal(state_of(store).records, 7);
    assert_int_equal(state_of(store).unknown, 1);
    replay(store, WRITER, 100);
    expect_counted(1, 7, 1);
    assert_int_equal(fake_log_last(fake_log, WRITER), 3);
    assert_true(spool_file_is(folder, "1122334455667788-4.seg"));
    spool_store_close(store);
}

static void files_of_others_are_left_alone(void **state)
{
    (void)state;
    char path[512];
    struct spool_store *store = open_store();
    append_run(store, WRITER, 1, 2);
    spool_store_close(store);
    spool_file_write(folder, "README", "hello", 5);
    spool_file_write(folder, "1122334455667788-1.seg.bak", "hello", 5);
    spool_file_path(folder, "1122334455667788-7.seg", path, sizeof(path));
    assert_int_equal(symlink("/etc/passwd", path), 0);
    spool_file_path(folder, "1122334455667788-8.seg", path, sizeof(path));
    assert_int_equal(mkdir(path, 0700), 0);
    spool_file_path(folder, "1122334455667788-9.seg", path, sizeof(path));
    assert_int_equal(mkfifo(path, 0600), 0);
    spool_file_write(folder, "99aabbccddeeff00-1.seg", "", 0);
    spool_file_path(folder, "99aabbccddeeff00-2.seg", path, sizeof(path));
    spool_file_write(folder, "99aabbccddeeff00-2.seg", "x", 1);
    assert_int_equal(truncate(path, (off_t)SPOOL_SEGMENT_BYTES_MAX + 1), 0);
    store = open_store();
    assert_int_equal(state_of(store).unknown, 6);
    assert_int_equal(state_of(store).cut, 1); /* the empty one: made, and never written to */
    replay(store, WRITER, 100);
    expect_counted(1, 2, 1);
    assert_true(spool_file_is(folder, "README"));
    assert_true(spool_file_is(folder, "1122334455667788-1.seg.bak"));
    assert_int_equal(spool_file_count(folder, ".seg"), 4);
    spool_store_close(store);
}

/* --- Gaps ------------------------------------------------------------------------------------ */

static void a_gap_in_a_file_reads_it_again_from_its_first(void **state)
{
    (void)state;
    struct spool_store *store = open_store();
    append_run(store, WRITER, 1, 6);
    replay(store, WRITER, 1);
    spool_store_forget(store, WRITER, 4); /* told to be in the log, which then fell back */
    replay(store, WRITER, 100);
    expect_counted(1, 6, 1);
    assert_int_equal(fake_log_last(fake_log, WRITER), 6);
    spool_store_close(store);
}

static void a_lost_row_makes_an_heir_that_outlives_a_restart(void **state)
{
    (void)state;
    struct spool_store *store = open_store();
    append_run(store, WRITER, 5, 8); /* 1 to 4 went to a log that has lost them */
    replay(store, WRITER, 1);        /* GAP */
    replay(store, WRITER, 1);        /* under the heir's name */
    assert_true(spool_file_is(folder, "1122334455667788-5.heir"));
    expect_counted(5, 5, 1);
    store = reopen(store);
    /* Were the old name tried again, a log that takes it would count 5 twice. */
    for (uint64_t number = 1; number <= 4; number++) {
        char payload[4];
        fake_log_payload((uint32_t)number, payload, sizeof(payload));
        assert_int_equal(fake_log_append(fake_log, WRITER, number, (struct str){payload, 4}),
                         FAKE_LOG_OK);
    }
    replay(store, WRITER, 100);
    expect_counted(1, 8, 1);
    spool_store_close(store);
}

static void an_heir_is_not_named_before_its_name_is_durable(void **state)
{
    (void)state;
    struct spool_record record;
    struct spool_store *store = open_store();
    append_run(store, WRITER, 5, 8);
    spool_store_gap(store, WRITER, 5);
    disk_fail(DISK_FAILS, DISK_RENAME, 0, EIO);
    assert_int_equal(spool_store_read(store, WRITER, &record), SPOOL_UNREADABLE);
    disk_fail(DISK_FAILS, DISK_SYNC, 0, EIO);
    assert_int_equal(spool_store_read(store, WRITER, &record), SPOOL_UNREADABLE);
    (void)disk_heal();
    replay(store, WRITER, 100);
    expect_counted(5, 8, 1);
    assert_int_equal(fake_log_last(fake_log, WRITER), 0);
    assert_int_equal(fake_log_last(fake_log, spool_heir(WRITER, 5)), 1);
    spool_store_close(store);
}

/* --- Failures -------------------------------------------------------------------------------- */

static void a_failed_sync_kills_the_file(void **state)
{
    (void)state;
    const int kinds[] = {DISK_WRITE, DISK_DATASYNC};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct spool_store *store = open_store();
        append_run(store, WRITER, 1, 2);
        disk_fail(DISK_FAILS, kinds[i], 0, EIO);
        assert_int_equal(append(store, WRITER, 3), SPOOL_FAILED);
        (void)disk_heal();
        assert_int_equal(spool_file_size(folder, "1122334455667788-1.seg"),
                         SPOOL_HEADER_BYTES + 2 * RECORD);
        append_run(store, WRITER, 3, 4); /* in a new one */
        assert_int_equal(spool_file_size(folder, "1122334455667788-3.seg"),
                         SPOOL_HEADER_BYTES + 2 * RECORD);
        store = reopen(store);
        for (uint64_t number = 1; number <= 4; number++) {
            expect_next(store, WRITER, number);
            spool_store_forget(store, WRITER, number);
        }
        expect_empty(store, WRITER);
        spool_store_close(store);
    }
}

static void the_first_write_needs_the_folder_on_disk_too(void **state)
{
    (void)state;
    struct spool_store *store = open_store();
    disk_fail(DISK_FAILS, DISK_SYNC, 0, EIO);
    assert_int_equal(append(store, WRITER, 1), SPOOL_FAILED);
    (void)disk_heal();
    assert_int_equal(spool_file_count(folder, ".seg"), 0);
    append_run(store, WRITER, 1, 1);
    spool_store_close(store);
}

static void two_failures_are_told_and_the_disk_is_tried_now_and_then(void **state)
{
    (void)state;
    struct spool_store *store = open_store();
    disk_fail(DISK_STAYS_BAD, DISK_DATASYNC, 0, EIO);
    assert_int_equal(append(store, WRITER, 1), SPOOL_FAILED);
    assert_true(state_of(store).not_durable_since_ms == 0);
    clock_fake_advance(10);
    assert_int_equal(append(store, WRITER, 1), SPOOL_FAILED);
    assert_true(state_of(store).not_durable_since_ms == NOW_MS);
    assert_int_equal(disk_heal(), 2);

    disk_fail(DISK_SOUND, DISK_ALL, 0, 0);
    clock_fake_advance(SPOOL_RETRY_MS - 1);
    assert_int_equal(append(store, WRITER, 1), SPOOL_FAILED);
    assert_int_equal(disk_heal(), 0); /* not even tried */
    clock_fake_advance(1);
    assert_int_equal(append(store, WRITER, 1), SPOOL_DURABLE);
    assert_true(state_of(store).not_durable_since_ms == 0);
    assert_int_equal(state_of(store).failures, 2);
    spool_store_close(store);
}

static void nothing_of_a_writer_is_taken_after_what_was_not(void **state)
{
    (void)state;
    char payload[2][PAYLOAD];
    struct spool_store *store = open_store();
    struct spool_item items[] = {
        {.writer = WRITER, .number = 1, .payload = {payload[0], PAYLOAD}},
        {.writer = WRITER, .number = 3, .payload = {payload[1], PAYLOAD}}, /* another file */
        {.writer = OTHER, .number = 1, .payload = {payload[0], PAYLOAD}},
    };
    struct spool_item *all[] = {&items[0], &items[1], &items[2]};
    memset(payload, 1, sizeof(payload));
    disk_fail(DISK_FAILS, DISK_DATASYNC, 0, EIO);
    spool_store_append(store, all, ARRAY_LEN(all));
    (void)disk_heal();
    assert_int_equal(items[0].result, SPOOL_FAILED);
    assert_int_equal(items[1].result, SPOOL_FAILED);
    assert_int_equal(items[2].result, SPOOL_DURABLE);
    spool_store_close(store);
}

static void a_file_that_cannot_be_removed_is_removed_later(void **state)
{
    (void)state;
    struct spool_store *store = open_store();
    append_run(store, WRITER, 1, 2);
    append_run(store, OTHER, 1, 1);
    disk_fail(DISK_FAILS, DISK_UNLINK, 0, EIO);
    spool_store_forget(store, WRITER, 2);
    (void)disk_heal();
    expect_empty(store, WRITER);
    spool_store_forget(store, OTHER, 1);
    assert_int_equal(spool_file_count(folder, ".seg"), 0);
    spool_store_close(store);
}

int main(void)
{
    spool_folder_silence_log();
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(records_come_back_in_order_after_a_restart),
        TEST(a_group_is_one_write_and_one_sync_a_writer),
        TEST(a_number_that_does_not_follow_begins_a_file),
        TEST(files_go_when_all_in_them_is_forgotten),
        TEST(nobody_else_may_read_it),
        TEST(a_folder_in_use_is_refused_in_words),
        TEST(a_folder_that_cannot_be_made_is_refused_in_words),
        TEST(a_file_has_a_bound),
        TEST(the_whole_has_a_bound_over_all_writers),
        TEST(the_bound_holds_over_a_restart),
        TEST(files_have_a_bound),
        TEST(a_file_takes_batches_for_an_hour),
        TEST(old_batches_are_not_replayed),
        TEST(quarantine_counts_into_the_bound_and_is_not_kept_for_ever),
        TEST(a_torn_end_is_cut_at_every_byte),
        TEST(damage_in_the_middle_loses_and_doubles_nothing_that_is_proven),
        TEST(a_damaged_header_sends_the_file_to_quarantine),
        TEST(damage_that_comes_later_is_found_when_it_is_read),
        TEST(a_record_in_the_place_of_another_is_not_taken),
        TEST(numbers_that_stand_in_two_files_come_once),
        TEST(files_of_others_are_left_alone),
        TEST(a_gap_in_a_file_reads_it_again_from_its_first),
        TEST(a_lost_row_makes_an_heir_that_outlives_a_restart),
        TEST(an_heir_is_not_named_before_its_name_is_durable),
        TEST(a_failed_sync_kills_the_file),
        TEST(the_first_write_needs_the_folder_on_disk_too),
        TEST(two_failures_are_told_and_the_disk_is_tried_now_and_then),
        TEST(nothing_of_a_writer_is_taken_after_what_was_not),
        TEST(a_file_that_cannot_be_removed_is_removed_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

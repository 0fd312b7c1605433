/* Damage to the spool's files, one bit or one byte after the other, through the real store and on
 * to a log: a batch is counted once or not at all, never twice and never as another, and nothing of
 * what is sound in front of the damage or in another file is lost.
 *
 *   1122334455667788-1.seg   1 2 3    one of these is damaged, or the file's end is cut off
 *   1122334455667788-4.seg   4 5 6    gets GAP when 3 is lost, and goes on under its heirs' names
 */

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/spool_store.h"
#include "common/clock.h"
#include "fake_log.h"
#include "faulty_disk.h"
#include "spool_folder.h"

static const uint64_t WRITER = 0x1122334455667788;
static const int64_t NOW_MS = 1795428000000;

enum {
    PAYLOAD = 12,
    RECORD = PAYLOAD + SPOOL_RECORD_FIXED_BYTES,
    A_FILE = 3, /* records */
    RECORDS = 2 * A_FILE,
    FILE_BYTES = SPOOL_HEADER_BYTES + A_FILE * RECORD,
    READS_MAX = 100, /* of the six records, with those that are sent again */
};

static const char *const NAMES[] = {"1122334455667788-1.seg", "1122334455667788-4.seg"};

/* When the damage comes. */
enum moment { BEFORE_THE_START, WHILE_IT_IS_OPEN };

static char files[2][FILE_BYTES]; /* as they should be */
static char *folder;
static struct fake_log *fake_log;

static struct spool_store *open_store(void)
{
    char error[256] = "";
    const struct spool_options options = {.folder = folder, .segment_bytes_max = FILE_BYTES};
    struct spool_store *store = spool_store_open(&options, error, sizeof(error));
    assert_string_equal(error, "");
    return store;
}

static void file_read(const char *name, char *ret_bytes)
{
    char path[512];
    spool_file_path(folder, name, path, sizeof(path));
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(ret_bytes, 1, FILE_BYTES, file), FILE_BYTES);
    assert_int_equal(fgetc(file), EOF);
    assert_int_equal(fclose(file), 0);
}

/* In place: a file that is made anew would be synced by some file systems, once a round. */
static void file_overwrite(const char *name, const char *bytes, size_t len)
{
    char path[512];
    spool_file_path(folder, name, path, sizeof(path));
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(truncate(path, (off_t)len), 0);
}

static int setup(void **state)
{
    (void)state;
    clock_fake_set(NOW_MS, 1000);
    disk_skip_syncs(true); /* nothing here cuts the power */
    fake_log = malloc(sizeof(*fake_log));
    folder = spool_folder_make();
    struct spool_store *store = open_store();
    for (uint32_t number = 1; number <= RECORDS; number++) {
        char payload[PAYLOAD];
        fake_log_payload(number, payload, PAYLOAD);
        struct spool_item item = {
            .writer = WRITER, .number = number, .payload = {payload, PAYLOAD}};
        struct spool_item *items[] = {&item};
        spool_store_append(store, items, 1);
        assert_int_equal(item.result, SPOOL_DURABLE);
    }
    spool_store_close(store);
    for (size_t i = 0; i < 2; i++)
        file_read(NAMES[i], files[i]);
    return fake_log == NULL;
}

static int teardown(void **state)
{
    (void)state;
    disk_skip_syncs(false);
    spool_folder_remove(folder);
    free(fake_log);
    return 0;
}

/* Sends up to `count` records to the log, as their owner would. */
static void replay(struct spool_store *store, unsigned count)
{
    struct spool_record record;
    while (count-- > 0 && spool_store_read(store, WRITER, &record) == SPOOL_RECORD) {
        enum fake_log_answer answer =
            fake_log_append(fake_log, record.as_writer, record.as_number, buf_str(&record.payload));
        buf_done(&record.payload);
        if (answer == FAKE_LOG_GAP)
            spool_store_gap(store, WRITER, record.number);
        else
            spool_store_forget(store, WRITER, record.number);
    }
}

/* Sends all to a new log, with a start anew after `first` records, while the first file holds these
 * bytes from the given moment on. */
static void send_all(const char *bytes, size_t len, enum moment moment, unsigned first)
{
    struct spool_record record;
    char quarantined[512];
    memset(fake_log, 0, sizeof(*fake_log));
    const char *at_start = moment == BEFORE_THE_START ? bytes : files[0];
    spool_file_write(folder, NAMES[0], at_start, moment == BEFORE_THE_START ? len : FILE_BYTES);
    spool_file_write(folder, NAMES[1], files[1], FILE_BYTES);
    struct spool_store *store = open_store();
    if (moment == WHILE_IT_IS_OPEN)
        file_overwrite(NAMES[0], bytes, len);
    replay(store, first);
    spool_store_close(store);
    store = open_store();
    replay(store, READS_MAX);
    assert_int_equal(spool_store_read(store, WRITER, &record), SPOOL_EMPTY);
    assert_int_equal(spool_file_count(folder, ".seg") + spool_file_count(folder, ".heir"), 0);
    spool_store_close(store);
    spool_file_path(folder, "quarantine/1122334455667788-1.seg", quarantined, sizeof(quarantined));
    (void)unlink(quarantined);
}

/* Each record in front of `damaged` and each of the second file once, and nothing else. */
static void expect_counted(uint32_t damaged)
{
    for (uint32_t id = 0; id < FAKE_LOG_BATCHES; id++) {
        bool is_sound = id >= 1 && id <= RECORDS && (id < damaged || id > A_FILE);
        if (fake_log->counted[id] != is_sound)
            fail_msg("record %u is counted %u times", id, fake_log->counted[id]);
    }
}

/* Flips each bit from byte `from` to byte `to`, in which `damaged` is the first record that is bad.
 */
static void flip_bits(size_t from, size_t to, uint32_t damaged, enum moment moment)
{
    char bytes[FILE_BYTES];
    for (size_t bit = 8 * from; bit < 8 * to; bit++) {
        memcpy(bytes, files[0], FILE_BYTES);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        send_all(bytes, FILE_BYTES, moment, (unsigned)(bit % (RECORDS + 1)));
        expect_counted(damaged);
    }
}

static size_t start_of(uint32_t record)
{
    return SPOOL_HEADER_BYTES + (record - 1) * RECORD;
}

static void sound_files_are_counted_whole(void **state)
{
    (void)state;
    for (unsigned first = 0; first <= RECORDS; first++) {
        send_all(files[0], FILE_BYTES, BEFORE_THE_START, first);
        expect_counted(A_FILE + 1);
    }
}

static void every_bit_of_a_record_flipped_before_the_start(void **state)
{
    (void)state;
    for (uint32_t record = 1; record <= A_FILE; record++)
        flip_bits(start_of(record), start_of(record + 1), record, BEFORE_THE_START);
}

static void every_bit_of_a_record_flipped_while_it_is_open(void **state)
{
    (void)state;
    for (uint32_t record = 1; record <= A_FILE; record++)
        flip_bits(start_of(record), start_of(record + 1), record, WHILE_IT_IS_OPEN);
}

static void every_bit_of_the_header_flipped(void **state)
{
    (void)state;
    flip_bits(0, SPOOL_HEADER_BYTES, 1, BEFORE_THE_START);
}

static void the_end_cut_off_at_every_byte(void **state)
{
    (void)state;
    for (size_t len = 0; len < FILE_BYTES; len++) {
        size_t whole = len < SPOOL_HEADER_BYTES ? 0 : (len - SPOOL_HEADER_BYTES) / RECORD;
        send_all(files[0], len, BEFORE_THE_START, (unsigned)(len % (RECORDS + 1)));
        expect_counted((uint32_t)whole + 1);
    }
}

static void the_end_cut_off_at_every_byte_while_it_is_open(void **state)
{
    (void)state;
    for (size_t len = start_of(A_FILE); len < FILE_BYTES; len++) {
        send_all(files[0], len, WHILE_IT_IS_OPEN, (unsigned)(len % (RECORDS + 1)));
        expect_counted(A_FILE);
    }
}

int main(void)
{
    spool_folder_silence_log();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_files_are_counted_whole),
        cmocka_unit_test(every_bit_of_a_record_flipped_before_the_start),
        cmocka_unit_test(every_bit_of_a_record_flipped_while_it_is_open),
        cmocka_unit_test(every_bit_of_the_header_flipped),
        cmocka_unit_test(the_end_cut_off_at_every_byte),
        cmocka_unit_test(the_end_cut_off_at_every_byte_while_it_is_open),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

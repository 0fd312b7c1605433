/* A month's names and a sealed day of any bytes: refused, or read and then the same when sealed and
 * read again.
 *
 * Of an input the first byte tells what is done to the rest. Bit 0: checksums are put right
 * wherever a length leads, since no mutation finds one by itself. Then two bytes with the length of
 * the names, the names, and the record. */

#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "aggregator/record.h"
#include "common/crc32c.h"

enum { FIX_CHECKSUMS = 1, HEAD_BYTES = 3, BYTES_MAX = 32 * 1024 * 1024 };

static void put(char *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (char)(value >> 8 * i);
}

static uint32_t get(const char *bytes, size_t len)
{
    uint32_t value = 0;
    for (size_t i = len; i-- > 0;)
        value = value << 8 | (uint8_t)bytes[i];
    return value;
}

static uint32_t fix_names(char *bytes, size_t len)
{
    uint32_t crc = 0;
    while (len >= RECORD_NAMES_HEAD_BYTES) {
        uint32_t payload = get(bytes + 4, 4);
        if (payload > len - RECORD_NAMES_HEAD_BYTES)
            break;
        crc = crc32c(crc32c(crc, bytes, 8), bytes + RECORD_NAMES_HEAD_BYTES, payload);
        put(bytes + 8, crc);
        bytes += RECORD_NAMES_HEAD_BYTES + payload;
        len -= RECORD_NAMES_HEAD_BYTES + payload;
    }
    return crc;
}

static uint32_t take_length(const char *bytes, size_t len, size_t *at)
{
    uint32_t length = 0;
    for (int i = 0; i < 4 && *at < len; i++) {
        uint8_t byte = (uint8_t)bytes[(*at)++];
        length |= (uint32_t)(byte & 0x7f) << 7 * i;
        if (byte < 0x80)
            break;
    }
    return length;
}

static void fix_record(char *bytes, size_t len, uint32_t names_end, uint32_t names_crc)
{
    enum { NAMES_END_AT = 12, NAMES_CRC_AT = 16, LENGTH_AT = 28, ZONE_AT = 29 };
    size_t header = len <= ZONE_AT ? 0 : (uint8_t)bytes[LENGTH_AT], at = header;
    if (header <= ZONE_AT || len < header)
        return;
    put(bytes + NAMES_END_AT, names_end);
    put(bytes + NAMES_CRC_AT, names_crc);
    size_t lengths_at = ZONE_AT + 2 + (size_t)(uint8_t)bytes[ZONE_AT];
    for (uint32_t part = 0; part < RECORD_PARTS && lengths_at < header; part++) {
        uint32_t bytes_in = take_length(bytes, header, &lengths_at);
        if (bytes_in > len - at)
            break;
        if (bytes_in > 4)
            put(bytes + at + bytes_in - 4,
                crc32c(record_part_seed(get(bytes + 8, 4), part), bytes + at, bytes_in - 4));
        at += bytes_in;
    }
    put(bytes + RECORD_STAMP_AT,
        crc32c(crc32c(0, bytes, RECORD_STAMP_AT), bytes + LENGTH_AT, header - LENGTH_AT));
}

static int64_t sum_of(const struct day *day, uint32_t *ret_count)
{
    uint64_t sum = 0;
    uint32_t count = 0;
    for (int t = 0; t < TABLE__COUNT; t++)
        for (uint32_t i = 0; i < day->tables[t].count; i++) {
            const struct day_row *row = &day->tables[t].rows[i];
            count += !day_row_is_empty(row);
            for (int m = 0; m < METRIC__COUNT; m++)
                sum += (uint64_t)row->sums[m] * (uint64_t)(m + 1);
        }
    for (int c = 0; c < CROSS__COUNT; c++) {
        count += day->crosses[c].count;
        sum += (uint64_t)day->crosses[c].hidden_views + (uint64_t)day->crosses[c].hidden_visits;
        for (uint32_t i = 0; i < day->crosses[c].count; i++)
            sum += (uint64_t)day->crosses[c].cells[i].views +
                   (uint64_t)day->crosses[c].cells[i].visits * 3;
    }
    *ret_count = count;
    return (int64_t)sum;
}

/* What was read, sealed and read again, is the same. */
static void check_again(struct record_reader *reader, struct day *day, struct record_names *month)
{
    struct buf bytes, chunk;
    struct day_names names;
    struct day copy, again;
    uint32_t count, count_again;
    buf_init(&bytes, BYTES_MAX);
    buf_init(&chunk, BYTES_MAX);
    day_names_init(&names);
    day_init(&copy, day->date, &names);
    day_merge(&copy, day);
    record_encode(&copy, month, &bytes, &chunk);
    day_init(&again, day->date, &month->names);
    enum record_status status = record_decode(reader, buf_str(&bytes), month, &again);
    assert(status == RECORD_OK && chunk.len == 0);
    int64_t sum = sum_of(day, &count), sum_again = sum_of(&again, &count_again);
    /* Rows of a name that stood twice are one now, and their seconds are put on the scale anew. */
    assert(count_again < count || (sum == sum_again && count == count_again));
    day_done(&again);
    day_done(&copy);
    day_names_done(&names);
    buf_done(&bytes);
    buf_done(&chunk);
}

/* Some metrics of each table, added up as a question does, are what the whole day has. */
static void check_sums(struct record_reader *reader, const struct record *record, struct str bytes,
                       const struct day *day, uint32_t metrics)
{
    int64_t row[METRIC__COUNT];
    for (int t = 0; t < TABLE__COUNT; t++) {
        size_t at, len;
        uint32_t names = day_names_count(day->names, (enum table)t);
        struct record_sums sums;
        if (!record_find_part(record, record_part_of_table((enum table)t), &at, &len))
            continue;
        record_sums_init(&sums, (struct record_wanted){(enum table)t, metrics, names});
        enum record_status status =
            record_sum_table(reader, record, str_prefix(str_from_at(bytes, at), len), &sums);
        assert(status == RECORD_OK);
        for (uint32_t name = 0; name < names; name++) {
            const struct day_row *whole = day_row_find(day, (enum table)t, name);
            (void)record_sums_at(&sums, name, row);
            for (int m = 0; m < METRIC__COUNT; m++)
                assert(row[m] == (whole == NULL || (metrics >> m & 1) == 0 ? 0 : whole->sums[m]));
        }
        record_sums_done(&sums);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct record_reader *reader;
    struct record_names month;
    struct record record;
    struct day day;
    if (len < HEAD_BYTES)
        return 0;
    reader = reader == NULL ? record_reader_new() : reader;
    size_t names_len = get((const char *)data + 1, 2);
    names_len = names_len > len - HEAD_BYTES ? len - HEAD_BYTES : names_len;
    size_t record_len = len - HEAD_BYTES - names_len;
    char *names = malloc(names_len + 1), *bytes = malloc(record_len + (record_len == 0));
    if (names == NULL || bytes == NULL)
        abort();
    memcpy(names, data + HEAD_BYTES, names_len);
    memcpy(bytes, data + HEAD_BYTES + names_len, record_len);
    if (data[0] & FIX_CHECKSUMS)
        fix_record(bytes, record_len, (uint32_t)names_len, fix_names(names, names_len));
    record_names_init(&month);
    if (record_names_read(&month, (struct str){names, names_len}) &&
        record_open((struct str){bytes, record_len}, &record) == RECORD_OK) {
        day_init(&day, record.date, &month.names);
        struct str whole = {bytes, record_len};
        if (record_decode(reader, whole, &month, &day) == RECORD_OK) {
            check_sums(reader, &record, whole, &day, UINT32_MAX);
            check_sums(reader, &record, whole, &day, 1u << METRIC_VISITORS | 1u << METRIC_BOUNCES);
            check_again(reader, &day, &month);
        }
        day_done(&day);
    }
    record_names_done(&month);
    free(names);
    free(bytes);
    return 0;
}

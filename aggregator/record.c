/* A sealed day's header, and the way from a day in memory to bytes and back; the layout is in the
 * headers. Written by the close and the roll-up, read by whoever answers a question. */

#include "aggregator/record.h"

#include <assert.h>
#include <stdlib.h>

#include "common/crc32c.h"

static const char MAGIC[] = "FFdy";

enum {
    MAGIC_BYTES = sizeof(MAGIC) - 1,
    VERSION_AT = 4,
    APPLIED_AT = 5,
    K_AT = 6,
    DATE_AT = 8,
    NAMES_END_AT = 12,
    NAMES_CRC_AT = 16,
    PARTS_CRC_AT = 20,
    CRC_AT = RECORD_STAMP_AT,
    LENGTH_AT = 28,
    ZONE_AT = 29,
    PART_LENGTH_BYTES_MAX = 4,
};
static_assert(PARTS_CRC_AT + 4 == CRC_AT && CRC_AT + 4 == LENGTH_AT, "numbers have their places");
static_assert(ZONE_AT + DAY_TIMEZONE_BYTES_MAX + 1 + RECORD_PARTS * PART_LENGTH_BYTES_MAX <=
                  RECORD_HEADER_BYTES_MAX,
              "every header has room");
static_assert(RECORD_HEADER_BYTES_MAX <= UINT8_MAX, "its length is a byte");
static_assert((int)TABLE__COUNT <= RECORD_PART_CROSS_TAG &&
                  (int)CROSS__COUNT <= 256 - RECORD_PART_CROSS_TAG,
              "each has a tag");
static_assert(RECORD_PART_BYTES_MAX < 1 << 24, "a part's length fits");

/* Which tables, or crosses by their left table, share a part: X(part, TABLE...). A part's number
 * and what is in it are for good; new ones come last. */
#define RECORD_TABLE_PARTS(X)                                                                      \
    X(TOTAL, 0)                                                                                    \
    X(TIME, 1)                                                                                     \
    X(PAGE, 2)                                                                                     \
    X(ENTRY_PAGE, 3)                                                                               \
    X(EXIT_PAGE, 4)                                                                                \
    X(SOURCE, 5)                                                                                   \
    X(REFERRER, 6)                                                                                 \
    X(CHANNEL, 7)                                                                                  \
    X(UTM_SOURCE, 7)                                                                               \
    X(UTM_MEDIUM, 7)                                                                               \
    X(UTM_CAMPAIGN, 7)                                                                             \
    X(UTM_CONTENT, 8)                                                                              \
    X(UTM_TERM, 8)                                                                                 \
    X(COUNTRY, 9)                                                                                  \
    X(REGION, 10)                                                                                  \
    X(BROWSER, 11)                                                                                 \
    X(OS, 11)                                                                                      \
    X(DEVICE, 11)                                                                                  \
    X(SCREEN, 11)                                                                                  \
    X(BROWSER_VERSION, 12)                                                                         \
    X(OS_VERSION, 12)                                                                              \
    X(LANGUAGE, 13)                                                                                \
    X(EVENT, 14)                                                                                   \
    X(PROP, 15)                                                                                    \
    X(DROPS, 16)
#define RECORD_CROSS_PARTS(X)                                                                      \
    X(PAGE, 17)                                                                                    \
    X(ENTRY_PAGE, 18)                                                                              \
    X(SOURCE, 19)                                                                                  \
    X(CHANNEL, 20)                                                                                 \
    X(UTM_CAMPAIGN, 21)                                                                            \
    X(COUNTRY, 22)                                                                                 \
    X(DEVICE, 23)                                                                                  \
    X(BROWSER, 23)                                                                                 \
    X(OS, 23)

static const uint8_t TABLE_PARTS[TABLE__COUNT] = {
#define X(table, part) [TABLE_##table] = part,
    RECORD_TABLE_PARTS(X)
#undef X
};

static const uint8_t CROSS_PARTS[TABLE__COUNT] = {
#define X(table, part) [TABLE_##table] = part,
    RECORD_CROSS_PARTS(X)
#undef X
};

/* What threshold_fold_caps() leaves fits: the cap, "(other)", and "XX-(other)" of each country. */
#define X(id, name, cap, kind) static_assert((cap) + 1 + 26 * 26 <= RECORD_ROWS_MAX, name);
MODEL_TABLES(X)
#undef X
#define X(a, b, cap) static_assert((cap) <= RECORD_CELLS_MAX, #a " and " #b);
MODEL_CROSSES(X)
#undef X

const char *record_status_text(enum record_status status)
{
    static const char *const TEXTS[RECORD_STATUS__COUNT] = {
        [RECORD_OK] = "it is good",
        [RECORD_TRUNCATED] = "its end is missing",
        [RECORD_NO_RECORD] = "it is not a record",
        [RECORD_BAD_CHECKSUM] = "its header is damaged: the checksum is wrong",
        [RECORD_UNKNOWN_VERSION] = "it has a version that this Footfall does not know",
        [RECORD_BAD_HEADER] = "its header says what cannot be",
        [RECORD_BAD_NAMES] = "the names of its month are missing or not the ones that belong to it",
        [RECORD_BAD_PART] = "a part of it is damaged",
    };
    assert(status < RECORD_STATUS__COUNT);
    return TEXTS[status];
}

static void put(char *bytes, uint32_t value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(value >> 8 * i);
}

static uint32_t get(const char *bytes, size_t len)
{
    uint32_t value = 0;
    for (size_t i = len; i-- > 0;)
        value = value << 8 | (uint8_t)bytes[i];
    return value;
}

/* --- Sealing --------------------------------------------------------------------------------- */

struct weight {
    struct str text;
    int64_t weight;
};

static int compare_weights(const void *left, const void *right)
{
    const struct weight *a = left, *b = right;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    size_t common = a->text.len < b->text.len ? a->text.len : b->text.len;
    int order = memcmp(a->text.ptr, b->text.ptr, common);
    return order != 0 ? order : a->text.len < b->text.len ? -1 : a->text.len > b->text.len;
}

/* Adds the names of a table to the month's, the heaviest first, those of one weight by their text:
 * the day's own numbers may tell in which order they came. A page's come before those of its
 * entry and exit pages, since tables are taken in their order. */
static void add_table_names(const struct day *day, enum table table, struct day_names *month)
{
    const struct day_table *rows = &day->tables[table];
    struct weight *weights = calloc((size_t)rows->count + 1, sizeof(*weights));
    size_t count = 0;
    uint32_t name;
    if (weights == NULL)
        abort();
    for (uint32_t i = 0; i < rows->count; i++) {
        const int64_t *sums = rows->rows[i].sums;
        if (!day_row_is_empty(&rows->rows[i]))
            weights[count++] =
                (struct weight){day_names_at(day->names, table, rows->rows[i].name),
                                sums[METRIC_PAGEVIEWS] + sums[METRIC_VISITS] + sums[METRIC_EVENTS]};
    }
    qsort(weights, count, sizeof(*weights), compare_weights);
    for (size_t i = 0; i < count; i++)
        if (!day_names_add(month, table, weights[i].text, &name) &&
            !day_names_add(month, table, STR_LIT(MODEL_OTHER), &name))
            assert(!"there is room for (other)");
    free(weights);
}

static void drop_empty_rows(struct day *day)
{
    for (int t = 0; t < TABLE__COUNT; t++) {
        struct day_table *table = &day->tables[t];
        bool *drop = calloc((size_t)table->count + 1, sizeof(*drop));
        if (drop == NULL)
            abort();
        for (uint32_t i = 0; i < table->count; i++)
            drop[i] = day_row_is_empty(&table->rows[i]);
        day_table_drop(table, drop);
        free(drop);
    }
}

/* Of their checksums, since the CRC of bytes and their CRC together is the same whatever they are.
 */
static uint32_t crc_of_parts(const uint32_t lengths[RECORD_PARTS], struct str parts)
{
    uint32_t crc = 0;
    for (size_t s = 0; s < RECORD_PARTS; s++) {
        if (lengths[s] > 0)
            crc =
                crc32c(crc, parts.ptr + lengths[s] - RECORD_PART_CRC_BYTES, RECORD_PART_CRC_BYTES);
        parts = str_from_at(parts, lengths[s]);
    }
    return crc;
}

/* Of all the header but itself. */
static uint32_t crc_of_header(const char *header, size_t len)
{
    return crc32c(crc32c(0, header, CRC_AT), header + LENGTH_AT, len - LENGTH_AT);
}

static void write_header(const struct day *day, const struct record_names *month,
                         const uint32_t lengths[RECORD_PARTS], struct str parts, struct buf *out)
{
    char head[LENGTH_AT + 1] = {0};
    struct str zone = str_from(day->timezone);
    size_t at = out->len, count = RECORD_PARTS;
    memcpy(head, MAGIC, MAGIC_BYTES);
    put(head + VERSION_AT, RECORD_VERSION, 1);
    put(head + APPLIED_AT, day->applied, 1);
    put(head + K_AT, day->k, 2);
    put(head + DATE_AT, day->date, 4);
    put(head + NAMES_END_AT, month->end, 4);
    put(head + NAMES_CRC_AT, month->crc, 4);
    put(head + PARTS_CRC_AT, crc_of_parts(lengths, parts), 4);
    buf_append(out, head, sizeof(head));
    buf_append_byte(out, (uint8_t)zone.len);
    buf_append_str(out, zone);
    while (count > 0 && lengths[count - 1] == 0)
        count--;
    buf_append_byte(out, (uint8_t)count);
    for (size_t s = 0; s < count; s++)
        buf_append_varint(out, lengths[s]);
    size_t len = out->len - at;
    assert(!out->overflow && len <= RECORD_HEADER_BYTES_MAX);
    put(out->ptr + at + LENGTH_AT, (uint32_t)len, 1);
    put(out->ptr + at + CRC_AT, crc_of_header(out->ptr + at, len), 4);
}

static void write_parts(struct buf *out, const struct day *day, uint32_t lengths[RECORD_PARTS])
{
    struct record_part_writer *writer = record_part_writer_new();
    for (uint32_t part = 0; part < RECORD_PARTS; part++) {
        size_t at = out->len;
        for (int t = 0; t < TABLE__COUNT; t++)
            if (TABLE_PARTS[t] == part && day->tables[t].count > 0)
                record_part_add_table(writer, (enum table)t, &day->tables[t]);
        for (int c = 0; c < CROSS__COUNT; c++) {
            const struct day_cross *cross = &day->crosses[c];
            bool is_there =
                cross->count > 0 || cross->hidden_views != 0 || cross->hidden_visits != 0;
            if (record_part_of_cross((enum cross)c) == part && is_there)
                record_part_add_cross(writer, (enum cross)c, cross);
        }
        record_part_end(writer, record_part_seed(day->date, part), out);
        lengths[part] = (uint32_t)(out->len - at);
    }
    record_part_writer_free(writer);
}

void record_encode(const struct day *day, struct record_names *month, struct buf *out,
                   struct buf *names_out)
{
    uint32_t lengths[RECORD_PARTS] = {0};
    struct day sealed;
    struct buf parts;
    assert(day->k <= UINT16_MAX && (day->applied & ~(uint32_t)DAY__APPLIED_ALL) == 0);
    assert(day->names != &month->names);
    for (int t = 0; t < TABLE__COUNT; t++)
        add_table_names(day, (enum table)t, &month->names);
    day_init(&sealed, day->date, &month->names);
    day_merge(&sealed, day);
    drop_empty_rows(&sealed);
    record_names_write(month, names_out);
    buf_init(&parts, (size_t)RECORD_PARTS * RECORD_PART_BYTES_MAX);
    write_parts(&parts, &sealed, lengths);
    write_header(&sealed, month, lengths, buf_str(&parts), out);
    buf_append_str(out, buf_str(&parts));
    buf_done(&parts);
    day_done(&sealed);
}

/* --- Reading --------------------------------------------------------------------------------- */

static bool take_byte(struct str *from, uint32_t *ret_byte)
{
    if (from->len == 0)
        return false;
    *ret_byte = (uint8_t)from->ptr[0];
    *from = str_from_at(*from, 1);
    return true;
}

static bool take_length(struct str *from, uint32_t *ret_length)
{
    uint32_t length = 0, byte;
    for (int i = 0; i < PART_LENGTH_BYTES_MAX; i++) {
        if (!take_byte(from, &byte))
            return false;
        length |= (byte & 0x7f) << 7 * i;
        if (byte < 0x80) {
            *ret_length = length;
            return length <= RECORD_PART_BYTES_MAX;
        }
    }
    return false;
}

static bool take_zone(struct str *from, char ret_zone[DAY_TIMEZONE_BYTES_MAX])
{
    uint32_t len;
    if (!take_byte(from, &len) || len >= DAY_TIMEZONE_BYTES_MAX || len > from->len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (from->ptr[i] < '!' || from->ptr[i] > '~')
            return false;
    memset(ret_zone, 0, DAY_TIMEZONE_BYTES_MAX);
    memcpy(ret_zone, from->ptr, len);
    *from = str_from_at(*from, len);
    return true;
}

static bool take_lengths(struct str *from, uint32_t start, uint32_t ret_starts[RECORD_PARTS + 1])
{
    uint32_t count, length;
    if (!take_byte(from, &count) || count > RECORD_PARTS)
        return false;
    ret_starts[0] = start;
    for (uint32_t s = 0; s < RECORD_PARTS; s++) {
        length = 0;
        if (s < count && !take_length(from, &length))
            return false;
        ret_starts[s + 1] = ret_starts[s] + length;
    }
    return from->len == 0;
}

enum record_status record_open(struct str header, struct record *ret_record)
{
    struct record record = {.date = 0};
    if (memcmp(header.ptr, MAGIC, header.len < MAGIC_BYTES ? header.len : MAGIC_BYTES) != 0)
        return RECORD_NO_RECORD;
    uint32_t len = header.len <= LENGTH_AT ? LENGTH_AT + 1 : get(header.ptr + LENGTH_AT, 1);
    if (header.len < len)
        return RECORD_TRUNCATED;
    if (len <= LENGTH_AT || get(header.ptr + CRC_AT, 4) != crc_of_header(header.ptr, len))
        return RECORD_BAD_CHECKSUM;
    if (get(header.ptr + VERSION_AT, 1) != RECORD_VERSION)
        return RECORD_UNKNOWN_VERSION;
    record.applied = get(header.ptr + APPLIED_AT, 1);
    record.k = get(header.ptr + K_AT, 2);
    record.date = get(header.ptr + DATE_AT, 4);
    record.names_end = get(header.ptr + NAMES_END_AT, 4);
    record.names_crc = get(header.ptr + NAMES_CRC_AT, 4);
    struct str rest = str_from_at(str_prefix(header, len), ZONE_AT);
    if ((record.applied & ~(uint32_t)DAY__APPLIED_ALL) != 0 || !day_date_valid(record.date) ||
        !take_zone(&rest, record.timezone) || !take_lengths(&rest, len, record.starts))
        return RECORD_BAD_HEADER;
    *ret_record = record;
    return RECORD_OK;
}

uint32_t record_part_of_table(enum table table)
{
    assert(table < TABLE__COUNT);
    return TABLE_PARTS[table];
}

uint32_t record_part_of_cross(enum cross cross)
{
    return CROSS_PARTS[model_cross_left(cross)];
}

bool record_find_part(const struct record *record, uint32_t part, size_t *ret_at, size_t *ret_len)
{
    assert(part < RECORD_PARTS);
    *ret_at = record->starts[part];
    *ret_len = record->starts[part + 1] - record->starts[part];
    return *ret_len > 0;
}

enum record_status record_read_table(struct record_reader *reader, const struct record *record,
                                     struct str bytes, enum table table, struct day *day)
{
    size_t at, len;
    uint32_t part = record_part_of_table(table);
    if (!record_find_part(record, part, &at, &len))
        return bytes.len == 0 ? RECORD_OK : RECORD_BAD_PART;
    uint32_t seed = record_part_seed(record->date, part);
    return bytes.len == len && record_part_read_table(reader, bytes, seed, table, day)
               ? RECORD_OK
               : RECORD_BAD_PART;
}

enum record_status record_sum_table(struct record_reader *reader, const struct record *record,
                                    struct str bytes, struct record_sums *sums)
{
    size_t at, len;
    uint32_t part = record_part_of_table(sums->wanted.table);
    if (!record_find_part(record, part, &at, &len))
        return bytes.len == 0 ? RECORD_OK : RECORD_BAD_PART;
    uint32_t seed = record_part_seed(record->date, part);
    return bytes.len == len && record_part_sum_table(reader, bytes, seed, sums) ? RECORD_OK
                                                                                : RECORD_BAD_PART;
}

enum record_status record_read_cross(struct record_reader *reader, const struct record *record,
                                     struct str bytes, enum cross cross, struct day *day)
{
    size_t at, len;
    uint32_t part = record_part_of_cross(cross);
    if (!record_find_part(record, part, &at, &len))
        return bytes.len == 0 ? RECORD_OK : RECORD_BAD_PART;
    uint32_t seed = record_part_seed(record->date, part);
    return bytes.len == len && record_part_read_cross(reader, bytes, seed, cross, day)
               ? RECORD_OK
               : RECORD_BAD_PART;
}

static struct str part_of(struct str bytes, const struct record *record, uint32_t part)
{
    size_t at, len;
    return record_find_part(record, part, &at, &len) ? str_prefix(str_from_at(bytes, at), len)
                                                     : STR_EMPTY;
}

static enum record_status decode_parts(struct record_reader *reader, struct str bytes,
                                       const struct record *record, struct day *day)
{
    enum record_status status = RECORD_OK;
    for (int t = 0; t < TABLE__COUNT && status == RECORD_OK; t++)
        status = record_read_table(reader, record, part_of(bytes, record, TABLE_PARTS[t]),
                                   (enum table)t, day);
    for (int c = 0; c < CROSS__COUNT && status == RECORD_OK; c++) {
        enum cross cross = (enum cross)c;
        status = record_read_cross(reader, record,
                                   part_of(bytes, record, record_part_of_cross(cross)), cross, day);
    }
    return status;
}

enum record_status record_decode(struct record_reader *reader, struct str bytes,
                                 const struct record_names *month, struct day *day)
{
    struct record record;
    assert(day->names == &month->names);
    enum record_status status = record_open(bytes, &record);
    if (status != RECORD_OK)
        return status;
    if (bytes.len != record.starts[RECORD_PARTS])
        return bytes.len < record.starts[RECORD_PARTS] ? RECORD_TRUNCATED : RECORD_BAD_HEADER;
    if (!record_names_hold(month, record.names_end, record.names_crc))
        return RECORD_BAD_NAMES;
    status = decode_parts(reader, bytes, &record, day);
    if (status != RECORD_OK)
        return status;
    day->applied |= record.applied;
    day->k = record.k > day->k ? record.k : day->k;
    memcpy(day->timezone, record.timezone, sizeof(day->timezone));
    return RECORD_OK;
}

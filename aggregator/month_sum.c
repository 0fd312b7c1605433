/* Columns of sums, as a question over days makes them too (record_sums), become the rows of a
 * record. So what is read from a sum is what its days would have given, to the last number.
 *
 * Which parts are worth it is told by the headers alone: a part's bytes are what it takes to read
 * it, and nothing has to be decoded of a month that has none. To count rows was rejected for that.
 *
 * Made by close_sum.c, read by query_sealed.c. */

#include "aggregator/month_sum.h"

#include <assert.h>

static_assert((int)MONTH_SUM_DAYS < (int)RECORD_SUMS_RECORDS_MAX, "a month's days add up");

void month_stamps_note(struct month_stamps *stamps, uint32_t date, struct str header)
{
    assert(date % 100 >= 1 && date % 100 <= MONTH_SUM_DAYS);
    assert(header.len >= RECORD_STAMP_AT + RECORD_STAMP_BYTES);
    memcpy(stamps->bytes + (size_t)(date % 100 - 1) * RECORD_STAMP_BYTES,
           header.ptr + RECORD_STAMP_AT, RECORD_STAMP_BYTES);
}

/* --- Reading ---------------------------------------------------------------------------------- */

bool month_sum_open(struct str head, uint32_t month, const struct month_stamps *stamps,
                    struct record *ret_record)
{
    struct record record;
    if (head.len < MONTH_SUM_STAMPS_BYTES ||
        memcmp(head.ptr, stamps->bytes, MONTH_SUM_STAMPS_BYTES) != 0 ||
        record_open(str_from_at(head, MONTH_SUM_STAMPS_BYTES), &record) != RECORD_OK ||
        record.date != month)
        return false;
    *ret_record = record;
    return true;
}

bool month_sum_has(const struct record *sum, enum table table, uint32_t metrics)
{
    size_t at, len;
    return (metrics & ~MONTH_SUM_METRICS) == 0 &&
           record_find_part(sum, record_part_of_table(table), &at, &len);
}

/* --- Making ----------------------------------------------------------------------------------- */

void month_sum_init(struct month_sum *sum, uint32_t month)
{
    assert(month % 100 == 0 && day_date_valid(month));
    *sum = (struct month_sum){.month = month, .part_bytes_min = MONTH_SUM_PART_BYTES_MIN};
    record_names_init(&sum->names);
}

void month_sum_done(struct month_sum *sum)
{
    for (int t = 0; t < TABLE__COUNT; t++)
        record_sums_done(&sum->sums[t]);
    record_names_done(&sum->names);
    record_reader_free(sum->reader);
}

enum record_status month_sum_see_day(struct month_sum *sum, uint32_t date, struct str header)
{
    struct record record;
    enum record_status status = record_open(header, &record);
    if (status != RECORD_OK)
        return status;
    if (record.date != date || date / 100 * 100 != sum->month)
        return RECORD_BAD_HEADER;
    sum->days[date % 100 - 1] = record;
    month_stamps_note(&sum->stamps, date, header);
    return RECORD_OK;
}

static bool is_large(const struct month_sum *sum, uint32_t part)
{
    size_t at, len, bytes = 0;
    for (size_t d = 0; d < MONTH_SUM_DAYS; d++)
        if (sum->days[d].date != 0 && record_find_part(&sum->days[d], part, &at, &len))
            bytes += len;
    return bytes >= sum->part_bytes_min;
}

bool month_sum_has_part(const struct month_sum *sum, uint32_t part)
{
    bool is_of_tables = false;
    for (int t = 0; t < TABLE__COUNT; t++)
        is_of_tables |= record_part_of_table((enum table)t) == part;
    return is_of_tables && is_large(sum, part);
}

enum record_status month_sum_take_names(struct month_sum *sum, struct str bytes)
{
    bool hold = record_names_read(&sum->names, bytes);
    for (size_t d = 0; d < MONTH_SUM_DAYS; d++)
        hold &= sum->days[d].date == 0 ||
                record_names_hold(&sum->names, sum->days[d].names_end, sum->days[d].names_crc);
    if (!hold)
        return RECORD_BAD_NAMES;
    sum->reader = record_reader_new();
    for (int t = 0; t < TABLE__COUNT; t++) {
        const struct record_wanted wanted = {(enum table)t, MONTH_SUM_METRICS,
                                             day_names_count(&sum->names.names, (enum table)t)};
        if (month_sum_has_part(sum, record_part_of_table((enum table)t)))
            record_sums_init(&sum->sums[t], wanted);
    }
    return RECORD_OK;
}

enum record_status month_sum_take_part(struct month_sum *sum, size_t day, uint32_t part,
                                       struct str bytes)
{
    enum record_status status = RECORD_OK;
    assert(day < MONTH_SUM_DAYS && sum->days[day].date != 0);
    for (int t = 0; t < TABLE__COUNT && status == RECORD_OK; t++)
        if (record_part_of_table((enum table)t) == part)
            status = record_sum_table(sum->reader, &sum->days[day], bytes, &sum->sums[t]);
    return status;
}

static uint32_t count_rows(const struct record_sums *sums)
{
    int64_t row[METRIC__COUNT];
    uint32_t rows = 0;
    for (uint32_t name = 0; name < sums->wanted.names; name++)
        rows += record_sums_at(sums, name, row);
    return rows;
}

/* A table that would have to be folded to have room would say something else than its days. */
static bool has_room(const struct month_sum *sum, uint32_t part)
{
    bool has = true;
    for (int t = 0; t < TABLE__COUNT; t++)
        if (record_part_of_table((enum table)t) == part)
            has &= count_rows(&sum->sums[t]) <= RECORD_ROWS_MAX;
    return has;
}

static void add_rows(const struct month_sum *sum, enum table table, struct day *day)
{
    const struct record_sums *sums = &sum->sums[table];
    int64_t row[METRIC__COUNT];
    for (uint32_t name = 0; name < sums->wanted.names; name++)
        if (record_sums_at(sums, name, row))
            memcpy(day_row(day, table, day_names_at(&sum->names.names, table, name))->sums, row,
                   sizeof(row));
}

bool month_sum_seal(struct month_sum *sum, struct buf *out)
{
    struct day_names own;
    struct day day;
    struct buf none;
    bool has_any = false;
    day_names_init(&own);
    day_init(&day, sum->month, &own);
    for (int t = 0; t < TABLE__COUNT; t++) {
        uint32_t part = record_part_of_table((enum table)t);
        if (!month_sum_has_part(sum, part) || !has_room(sum, part))
            continue;
        add_rows(sum, (enum table)t, &day);
        has_any |= day.tables[t].count > 0;
    }
    buf_init(&none, RECORD_NAMES_BYTES_MAX);
    if (has_any) {
        buf_append(out, sum->stamps.bytes, MONTH_SUM_STAMPS_BYTES);
        record_encode(&day, &sum->names, out, &none);
    }
    assert(none.len == 0 && !out->overflow);
    buf_done(&none);
    day_done(&day);
    day_names_done(&own);
    return has_any;
}

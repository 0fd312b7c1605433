/* Tables of at least RECORD_MONTH_ROWS_MIN rows in all are kept, the rest is left to the days, and
 * so is a table of more values than a record has room for: a sum that folds some of them would say
 * something else than its days.
 *
 * Used by the close, and by whoever makes days up. */

#include "aggregator/month_sum.h"

void month_sum_init(struct month_sum *sum, uint32_t date, struct record_names *names)
{
    *sum = (struct month_sum){.names = names, .reader = record_reader_new()};
    day_init(&sum->day, date / 100 * 100, &names->names);
}

void month_sum_done(struct month_sum *sum)
{
    day_done(&sum->day);
    record_reader_free(sum->reader);
}

static enum record_status add_table(struct month_sum *sum, const struct record *record,
                                    struct str bytes, enum table table)
{
    struct record_wanted wanted = {table, UINT32_MAX};
    struct day one;
    size_t at, len;
    if (!record_find_part(record, record_part_of_table(table), &at, &len))
        return RECORD_OK;
    day_init(&one, record->date, &sum->names->names);
    enum record_status status = record_read_table(
        sum->reader, record, str_prefix(str_from_at(bytes, at), len), wanted, &one);
    sum->rows[table] += one.tables[table].count;
    if (status == RECORD_OK)
        day_merge(&sum->day, &one);
    day_done(&one);
    return status;
}

enum record_status month_sum_add(struct month_sum *sum, struct str bytes)
{
    struct record record;
    enum record_status status = record_open(bytes, &record);
    if (status == RECORD_OK && bytes.len != record.starts[RECORD_PARTS])
        status = bytes.len < record.starts[RECORD_PARTS] ? RECORD_TRUNCATED : RECORD_BAD_HEADER;
    if (status == RECORD_OK && record.date / 100 * 100 != sum->day.date)
        status = RECORD_BAD_HEADER;
    if (status == RECORD_OK && !record_names_hold(sum->names, record.names_end, record.names_crc))
        status = RECORD_BAD_NAMES;
    for (int t = 0; t < TABLE__COUNT && status == RECORD_OK; t++)
        status = add_table(sum, &record, bytes, (enum table)t);
    if (status != RECORD_OK)
        return status;
    sum->day.applied |= record.applied;
    sum->day.k = record.k > sum->day.k ? record.k : sum->day.k;
    if (sum->day.timezone[0] == '\0')
        memcpy(sum->day.timezone, record.timezone, sizeof(sum->day.timezone));
    return RECORD_OK;
}

static bool is_kept(const struct month_sum *sum, enum table table)
{
    return table == TABLE_TOTAL || table == TABLE_DROPS ||
           (sum->rows[table] >= RECORD_MONTH_ROWS_MIN &&
            sum->day.tables[table].count <= RECORD_ROWS_MAX);
}

void month_sum_seal(struct month_sum *sum, struct buf *out)
{
    struct buf none;
    for (int t = 0; t < TABLE__COUNT; t++)
        if (!is_kept(sum, (enum table)t))
            sum->day.tables[t].count = 0;
    buf_init(&none, RECORD_NAMES_BYTES_MAX);
    record_encode(&sum->day, sum->names, out, &none);
    buf_done(&none);
}

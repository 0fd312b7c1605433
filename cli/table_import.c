/* From records to batches. What a record says, its format's reader knows (table_reader.h); this is
 * about bytes, days and cuts, and the same for all.
 *
 *   input ─▶ record ─▶ row: (table, value) → sums ─▶ section of its day ── cut ─▶ batch, row
 *                                                    visitors of each cell   └─ made-up sketches
 *
 * A cut comes after IMPORT_BATCH_LINES_MAX records, or when a section or the batch is full, and the
 * batch's row says how many records it covers, as for logs. Records that an earlier import covers
 * are read for their digest, and so that sessions are known, and count nowhere. The digest is over
 * records with one line break each, so that a last one without is the same when more follow. */

#include "cli/table_import.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregator/batch.h"
#include "aggregator/made_sketch.h"
#include "cli/table_reader.h"
#include "collector/import_keys.h"
#include "common/timezone.h"

enum {
    BUFFER_BYTES = 1024 * 1024,
    RECORDS_A_STEP = 1024,
    ERROR_BYTES = 512,
    FULL_BYTES = BATCH_BYTES_MAX / 2,
    SKETCH_BYTES_MAX = SKETCH_REGISTERS * BATCH_REGISTER_BYTES,
};
static_assert(BUFFER_BYTES >= 4 * IMPORT_RECORD_BYTES_MAX, "any record fits, and many more");
static_assert((size_t)ROW_FULL_CELLS_MAX *
                      (SKETCH_BYTES_MAX + VALUE_BYTES_MAX + BATCH_CELL_BYTES_MAX) <
                  BATCH_BYTES_MAX - FULL_BYTES - BATCH_ENDS_BYTES_MAX,
              "a batch that is not full takes one more record");

struct open_day {
    uint32_t date;
    size_t bytes, sketch_bytes; /* of a payload, at the most */
    struct section *section;
    uint64_t *visitors; /* by cell */
};

struct table_import {
    struct table_options options;
    struct table_reader reader;
    struct made_sketch *made;
    struct import_row row; /* as of the last cut, or of an earlier import */
    uint64_t covered;      /* records of an earlier import */
    uint64_t cut_records;
    bool has_head;
    crypto_generichash_state digest;
    uint32_t today;
    size_t at, len;
    bool at_end;
    size_t day_count;
    struct open_day days[IMPORT_BATCH_DAYS_MAX];
    struct buf payload;
    struct table_counts counts;
    struct table_row table_row;
    struct sketch_register registers[SKETCH_REGISTERS];
    char error[ERROR_BYTES];
    char buffer[BUFFER_BYTES];
};

const char *row_fault_words(enum row_fault fault)
{
    static const char *const WORDS[ROW_FAULT__COUNT] = {[ROW_COUNTED] = "counted",
#define X(id, words) [ROW_##id] = words,
                                                        ROW_FAULTS(X)
#undef X
    };
    return WORDS[fault];
}

struct table_import *table_import_new(const struct table_options *options)
{
    struct table_import *import = calloc(1, sizeof(*import));
    if (import == NULL || sodium_init() < 0)
        abort();
    import->options = *options;
    import->reader.site = options->site;
    import->reader.table = options->table;
    if (options->format == CSV_GOATCOUNTER)
        import->reader.sessions = table_sessions_new();
    import->made = made_sketch_new();
    import->today = timezone_local(options->site->zone, options->now_ms).date;
    (void)crypto_generichash_init(&import->digest, NULL, 0, IMPORT_DIGEST_BYTES);
    buf_init(&import->payload, BATCH_BYTES_MAX);
    return import;
}

void table_import_free(struct table_import *import)
{
    if (import == NULL)
        return;
    for (size_t i = 0; i < IMPORT_BATCH_DAYS_MAX; i++) {
        section_free(import->days[i].section);
        free(import->days[i].visitors);
    }
    table_sessions_free(import->reader.sessions);
    made_sketch_free(import->made);
    buf_done(&import->payload);
    /* Exports of hits name sessions. */
    explicit_bzero(import, sizeof(*import));
    free(import);
}

const struct table_counts *table_import_counts(const struct table_import *import)
{
    return &import->counts;
}

const char *table_import_error(const struct table_import *import)
{
    return import->error;
}

static bool fail(struct table_import *import, const char *sentence)
{
    snprintf(import->error, ERROR_BYTES, "%s", sentence);
    return false;
}

/* --- Cuts ------------------------------------------------------------------------------------- */

static bool is_full(const struct table_import *import)
{
    size_t bytes = 0;
    for (size_t i = 0; i < import->day_count; i++) {
        const struct open_day *day = &import->days[i];
        bytes += day->bytes + day->sketch_bytes;
        if (day->section->cell_count > SECTION_CELLS_MAX - ROW_CELLS_MAX)
            return true;
    }
    return import->counts.records - import->cut_records >= IMPORT_BATCH_LINES_MAX ||
           import->day_count == IMPORT_BATCH_DAYS_MAX || bytes > FULL_BYTES;
}

/* Of visitors that no other batch and no other cell has. */
static void add_sketches(struct table_import *import, struct open_day *day)
{
    uint8_t batch_key[SKETCH_KEY_BYTES], cell_key[SKETCH_KEY_BYTES];
    uint64_t parts[2] = {import->row.id, import->row.number << 32 | day->date};
    static_assert(sizeof(parts) == sizeof(batch_key), "import, batch and day are a key");
    memcpy(batch_key, parts, sizeof(parts));
    for (uint32_t c = 0; c < day->section->cell_count; c++) {
        const struct cell *cell = &day->section->cells[c];
        if (day->visitors[c] == 0)
            continue;
        sketch_cell_key(batch_key, (enum table)cell->table, section_value(day->section, cell),
                        cell_key);
        size_t count =
            made_sketch_registers(import->made, day->visitors[c], cell_key, import->registers);
        for (size_t i = 0; i < count; i++)
            section_add_register(day->section, cell, import->registers[i]);
        day->visitors[c] = 0;
    }
}

bool table_import_cut(struct table_import *import, struct import_batch *ret_batch)
{
    import->cut_records = import->counts.records;
    if (import->day_count == 0)
        return false;
    import->row.number++;
    buf_reset(&import->payload);
    batch_begin(&import->payload, (uint32_t)import->day_count);
    for (size_t i = 0; i < import->day_count; i++) {
        add_sketches(import, &import->days[i]);
        batch_append_section(&import->payload, import->days[i].section);
        section_reset(import->days[i].section, STR_EMPTY, 0);
    }
    batch_end(&import->payload);
    assert(!import->payload.overflow);
    import->day_count = 0;
    import->row.lines = import->counts.records;
    crypto_generichash_state copy = import->digest;
    (void)crypto_generichash_final(&copy, import->row.digest, IMPORT_DIGEST_BYTES);
    import_keys_digest(import->row.digest, import->row.lines);
    *ret_batch = (struct import_batch){buf_str(&import->payload), import->row};
    return true;
}

/* --- Counting --------------------------------------------------------------------------------- */

static struct open_day *day_of(struct table_import *import, uint32_t date)
{
    size_t i = 0;
    while (i < import->day_count && import->days[i].date != date)
        i++;
    struct open_day *day = &import->days[i];
    if (i < import->day_count)
        return day;
    assert(i < IMPORT_BATCH_DAYS_MAX); /* the batch was cut when it was full */
    import->day_count++;
    day->date = date;
    day->bytes = day->sketch_bytes = 0;
    if (day->section == NULL) {
        day->section = section_new(SECTION_CELLS_MAX);
        day->visitors = calloc(SECTION_CELLS_MAX, sizeof(*day->visitors));
        if (day->visitors == NULL)
            abort();
    }
    section_reset(day->section, import->options.site->domain, date);
    return day;
}

static size_t sketch_bytes(uint64_t visitors)
{
    /* The estimate of so many may take a few more. */
    uint64_t registers = visitors + visitors / 4 + 4;
    return visitors == 0                  ? 0
           : registers < SKETCH_REGISTERS ? (size_t)registers * BATCH_REGISTER_BYTES
                                          : SKETCH_BYTES_MAX;
}

static void count_row(struct table_import *import, const struct table_row *row)
{
    struct open_day *day = day_of(import, row->date);
    for (size_t i = 0; i < row->count; i++) {
        struct cell *cell = section_cell(day->section, row->cells[i].table, row->cells[i].value);
        assert(cell != NULL); /* there is room, or the batch was cut */
        uint64_t *visitors = &day->visitors[cell - day->section->cells];
        for (int m = 0; m < SECTION_SUMS; m++)
            cell->sums[m] += row->cells[i].sums[m];
        day->sketch_bytes -= sketch_bytes(*visitors);
        *visitors += (uint64_t)row->cells[i].sums[METRIC_VISITORS];
        day->sketch_bytes += sketch_bytes(*visitors);
    }
    day->bytes = batch_section_bytes_max(day->section);
    struct table_counts *counts = &import->counts;
    if (counts->first_date == 0 || row->date < counts->first_date)
        counts->first_date = row->date;
    if (row->date > counts->last_date)
        counts->last_date = row->date;
}

/* --- Records ---------------------------------------------------------------------------------- */

static bool read_head(struct table_import *import, const struct csv_record *record)
{
    bool good = import->options.format == CSV_GOATCOUNTER
                    ? goatcounter_read_head(&import->reader, record)
                    : plausible_read_head(&import->reader, record);
    import->has_head = true;
    return good || fail(import, "its first line does not name the columns of this format.");
}

static void take_row(struct table_import *import, const struct csv_record *record)
{
    struct table_row *row = &import->table_row;
    row->count = row->memory.used = 0;
    enum row_fault fault = record->is_bad ? ROW_MALFORMED
                           : import->options.format == CSV_GOATCOUNTER
                               ? goatcounter_read_row(&import->reader, record, row)
                               : plausible_read_row(&import->reader, record, row);
    if (fault == ROW_COUNTED && row->date > import->today)
        fault = ROW_TIME;
    if (import->counts.records <= import->covered) {
        import->counts.before++;
        return;
    }
    if (fault == ROW_MALFORMED && import->counts.malformed_record == 0)
        import->counts.malformed_record = import->counts.records;
    import->counts.left_out[fault]++;
    import->counts.counted += fault == ROW_COUNTED;
    if (fault == ROW_COUNTED && row->count > 0)
        count_row(import, row);
}

static void digest_record(struct table_import *import, struct str text)
{
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    (void)crypto_generichash_update(&import->digest, (const unsigned char *)text.ptr, text.len);
    (void)crypto_generichash_update(&import->digest, (const unsigned char *)"\n", 1);
}

static bool refill(struct table_import *import)
{
    memmove(import->buffer, import->buffer + import->at, import->len - import->at);
    import->len -= import->at;
    import->at = 0;
    while (!import->at_end && import->len < BUFFER_BYTES) {
        size_t len;
        if (!log_input_read(import->options.input, import->buffer + import->len,
                            BUFFER_BYTES - import->len, &len, import->error, ERROR_BYTES))
            return false;
        import->len += len;
        import->at_end = len == 0;
    }
    return true;
}

/* One record of the buffer. CSV_MORE: with a sentence, it cannot be read. */
static enum csv_step next_record(struct table_import *import)
{
    struct csv_record record;
    size_t bytes;
    char *text = import->buffer + import->at;
    enum csv_step step = csv_find(text, import->len - import->at, import->at_end, &bytes);
    if (step != CSV_RECORD && !import->at_end) {
        if (!refill(import))
            return CSV_MORE;
        text = import->buffer + import->at;
        step = csv_find(text, import->len - import->at, import->at_end, &bytes);
    }
    if (step == CSV_END)
        return step;
    if (step == CSV_MORE || bytes > IMPORT_RECORD_BYTES_MAX) {
        (void)fail(import, "a record of it does not end: this is no CSV of this format.");
        return CSV_MORE;
    }
    import->counts.records++;
    digest_record(import, (struct str){text, bytes});
    import->at += bytes;
    (void)csv_read(text, bytes, true, &record);
    if (!import->has_head)
        return read_head(import, &record) ? CSV_RECORD : CSV_MORE;
    take_row(import, &record);
    return CSV_RECORD;
}

/* --- Steps ------------------------------------------------------------------------------------ */

bool table_import_begin(struct table_import *import, struct import_row *rows, size_t row_count)
{
    struct str site = import->options.site->domain;
    if (!refill(import))
        return false;
    struct str head = str_prefix((struct str){import->buffer, import->len}, IMPORT_HEAD_BYTES_MAX);
    if (head.len == 0)
        return fail(import, "there is nothing in it.");
    const struct import_row *row = import_keys_find(site, head, rows, row_count);
    if (row != NULL) {
        import->row = *row;
        import->covered = row->lines;
    } else {
        import->row =
            (struct import_row){.id = import_keys_id(site, head), .head_bytes = (uint32_t)head.len};
    }
    return true;
}

/* After the last record that an earlier import covers. */
static bool is_same_file(struct table_import *import)
{
    uint8_t digest[IMPORT_DIGEST_BYTES];
    crypto_generichash_state copy = import->digest;
    (void)crypto_generichash_final(&copy, digest, sizeof(digest));
    import_keys_digest(digest, import->counts.records);
    import->cut_records = import->counts.records;
    if (import->counts.records == import->covered &&
        memcmp(digest, import->row.digest, sizeof(digest)) == 0)
        return true;
    return fail(import, "it begins like a file that was imported and then differs: it is another "
                        "one, or was changed. Nothing of it is counted.");
}

enum import_step table_import_step(struct table_import *import, struct import_batch *ret_batch)
{
    for (int i = 0; i < RECORDS_A_STEP; i++) {
        bool is_over = false;
        switch (next_record(import)) {
        case CSV_MORE:
            return IMPORT_FAILED;
        case CSV_END:
            is_over = true;
            break;
        case CSV_RECORD:
            break;
        }
        bool meets = import->covered > import->cut_records &&
                     (is_over || import->counts.records == import->covered);
        if (meets && !is_same_file(import))
            return IMPORT_FAILED;
        if (is_over)
            return table_import_cut(import, ret_batch) ? IMPORT_BATCH : IMPORT_END;
        if (is_full(import) && table_import_cut(import, ret_batch))
            return IMPORT_BATCH;
    }
    return IMPORT_MORE;
}

/* Other tools' exports: whatever a file holds, its records become cells that a section takes, with
 * values that may be stored and numbers within their bounds.
 *
 * An input is a byte for the format and, behind it, a file. */

#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <stdlib.h>

#include "cli/table_reader.h"
#include "common/utf8.h"

static struct site *site;
static struct table_sessions *sessions;
static struct table_row row;

static bool is_value(enum table table, struct str value)
{
    struct str parts = value;
    while (table == TABLE_PROP && str_find(parts, '\x1f') < parts.len) {
        if (!utf8_is_text(str_prefix(parts, str_find(parts, '\x1f'))))
            return false;
        parts = str_from_at(parts, str_find(parts, '\x1f') + 1);
    }
    return utf8_is_text(parts) && (value.len > 0 || table == TABLE_TOTAL);
}

static void check_row(void)
{
    assert(row.count > 0 && row.count <= ROW_CELLS_MAX && date_valid(row.date));
    for (size_t i = 0; i < row.count; i++) {
        assert(row.cells[i].value.len <= VALUE_BYTES_MAX);
        assert(is_value(row.cells[i].table, row.cells[i].value));
        for (int m = 0; m < METRIC__COUNT; m++)
            assert(row.cells[i].sums[m] >= -1 && row.cells[i].sums[m] <= IMPORT_NUMBER_MAX);
        assert(row.cells[i].sums[METRIC_VISITORS] >= 0);
    }
}

static void read_file(struct table_reader *reader, bool is_hits, char *text, size_t len)
{
    struct csv_record record;
    bool has_head = false;
    for (size_t at = 0; csv_read(text + at, len - at, true, &record) == CSV_RECORD;
         at += record.bytes) {
        row.count = row.memory.used = 0;
        if (record.is_bad)
            continue;
        if (!has_head) {
            has_head = is_hits ? goatcounter_read_head(reader, &record)
                               : plausible_read_head(reader, &record);
            if (!has_head)
                return;
            continue;
        }
        enum row_fault fault = is_hits ? goatcounter_read_row(reader, &record, &row)
                                       : plausible_read_row(reader, &record, &row);
        if (fault == ROW_COUNTED)
            check_row();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char error[256];
    struct str rest = {(const char *)data, len};
    uint8_t format = fuzz_take_byte(&rest);
    if (site == NULL) {
        site = site_parse(STR_LIT("site.example"), STR_LIT("{}"), error, sizeof(error));
        sessions = table_sessions_new();
    }
    char *text = malloc(rest.len + 1);
    if (text == NULL || site == NULL)
        abort();
    memcpy(text, rest.ptr, rest.len);
    struct table_reader reader = {.site = site,
                                  .table = (enum plausible_table)(format % PLAUSIBLE__COUNT),
                                  .sessions = sessions};
    read_file(&reader, format >= 128, text, rest.len);
    free(text);
    return 0;
}

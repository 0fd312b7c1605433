/* CSV: any bytes come apart without a byte past them, record by record to their end, and fields
 * written out again are read as they were. */

#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <stdlib.h>

#include "common/csv.h"

static void check_written(const struct csv_record *record)
{
    struct csv_record again;
    struct buf out;
    buf_init(&out, 1 << 22);
    for (size_t i = 0; i < record->count; i++) {
        if (i > 0)
            buf_append_byte(&out, ',');
        csv_append_text(&out, record->fields[i]);
    }
    buf_append_byte(&out, '\n');
    assert(csv_read(out.ptr, out.len, false, &again) == CSV_RECORD);
    assert(!again.is_bad && again.count == record->count && again.bytes == out.len);
    for (size_t i = 0; i < record->count; i++)
        assert(str_eq(csv_unguard(again.fields[i]), record->fields[i]));
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct csv_record record;
    char *text = malloc(len + 1);
    if (text == NULL)
        abort();
    memcpy(text, data, len);
    size_t at = 0;
    while (csv_read(text + at, len - at, true, &record) == CSV_RECORD) {
        assert(record.bytes > 0 && record.bytes <= len - at);
        assert(record.is_bad ? record.count == 0 : record.count > 0);
        if (!record.is_bad)
            check_written(&record);
        at += record.bytes;
    }
    assert(at == len);
    free(text);
    return 0;
}

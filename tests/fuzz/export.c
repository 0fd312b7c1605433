/* Exports: any query string becomes a question or is refused, and any text comes back out of the
 * CSV as it went in, but for the apostrophe in front of a formula. */

#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "aggregator/query.h"
#include "dashboards/server/export.h"

static void check_question(struct str query_string)
{
    json_t *question = export_question(STR_LIT("example.com"), query_string);
    if (question == NULL)
        return;
    char *text = json_dumps(question, 0);
    struct query query;
    assert(text != NULL);
    if (query_parse(str_from(text), &query) == QUERY_OK) {
        assert(str_eq(query.site, STR_LIT("example.com")));
        query_done(&query);
    }
    free(text);
    json_decref(question);
}

/* The only cell of the second line, unquoted; RFC 4180. */
static void read_cell(struct str csv, struct buf *ret_cell)
{
    struct str cell = str_from_at(csv, str_find(csv, '\n') + 1);
    assert(str_ends_with(csv, STR_LIT("\r\n")));
    cell = str_prefix(cell, cell.len - 2);
    if (!str_starts_with(cell, STR_LIT("\""))) {
        assert(str_find(cell, ',') == cell.len && str_find(cell, '\n') == cell.len &&
               str_find(cell, '"') == cell.len);
        buf_append_str(ret_cell, cell);
        return;
    }
    assert(cell.len >= 2 && cell.ptr[cell.len - 1] == '"');
    for (size_t i = 1; i + 1 < cell.len; i++) {
        assert(cell.ptr[i] != '"' || (i + 2 < cell.len && cell.ptr[i + 1] == '"'));
        i += cell.ptr[i] == '"';
        buf_append_byte(ret_cell, (uint8_t)cell.ptr[i]);
    }
}

static void check_csv(struct str text)
{
    json_t *answer =
        json_pack("{s:{s:[s],s:[]},s:[{s:[s%],s:[]}]}", "query", "dimensions", "event:page",
                  "metrics", "results", "dimensions", text.ptr, text.len, "metrics");
    if (answer == NULL)
        return; /* no UTF-8 */
    struct buf csv, cell;
    buf_init(&csv, 2 * text.len + 256);
    buf_init(&cell, 2 * text.len + 256);
    export_append_csv(&csv, answer);
    assert(!csv.overflow);
    read_cell(buf_str(&csv), &cell);
    struct str got = buf_str(&cell);
    if (got.len == text.len + 1) {
        assert(got.ptr[0] == '\'');
        got = str_from_at(got, 1);
    } else {
        assert(got.len == 0 || memchr("=+-@\t\r", got.ptr[0], 6) == NULL);
    }
    assert(str_eq(got, text));
    buf_done(&cell);
    buf_done(&csv);
    json_decref(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str bytes = {(const char *)data, len};
    check_question(bytes);
    if (len > 0 && memchr(data, '\0', len) == NULL)
        check_csv(bytes);
    return 0;
}

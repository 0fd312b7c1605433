/* Answers for a terminal: whatever strangers have put into a value, and whatever the figures are,
 * no control character reaches the terminal and no row is wider than it has to be.
 *
 * An input is a byte for the style, eight bytes for a figure, and values, a line each. */

#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <jansson.h>

#include "cli/stats_table.h"
#include "common/utf8.h"

enum { ROWS_MAX = 32, OUT_BYTES_MAX = 1 << 20 };

static json_t *make_answer(struct str rest, int64_t figure)
{
    json_t *answer =
        json_pack("{s:{s:[s,s,s]},s:{s:[s,s]},s:[]}", "query", "metrics", "visitors", "bounce_rate",
                  "visit_duration", "meta", "time_labels", "2026-11-22", "2026-11-23", "results");
    json_t *results = json_object_get(answer, "results");
    for (int i = 0; i < ROWS_MAX && rest.len > 0; i++) {
        struct str value = fuzz_take_line(&rest);
        json_t *dimension = json_stringn(value.ptr, value.len);
        if (dimension == NULL)
            continue; /* no UTF-8 */
        json_array_append_new(results, json_pack("{s:[o],s:[I,I,o]}", "dimensions", dimension,
                                                 "metrics", (json_int_t)(figure >> i),
                                                 (json_int_t)figure, json_null()));
    }
    return answer;
}

static void check_shown(struct str text, bool utf8)
{
    while (text.len > 0) {
        struct str line = fuzz_take_line(&text);
        assert(utf8_is_text(line));
        for (size_t i = 0; i < line.len && !utf8; i++)
            assert((unsigned char)line.ptr[i] < 0x80);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str rest = {(const char *)data, len};
    uint8_t flags = fuzz_take_byte(&rest);
    struct stats_style style = {.utf8 = flags & 1, .width = flags};
    int64_t figure = (int64_t)fuzz_take_number(&rest, 8);
    json_t *answer = make_answer(rest, figure);
    struct buf out;
    buf_init(&out, OUT_BYTES_MAX);
    stats_append_headline(&out, answer, &style);
    stats_append_sparkline(&out, answer, &style);
    stats_append_rows(&out, "Pages", answer, &style);
    assert(!out.overflow);
    check_shown(buf_str(&out), style.utf8);
    buf_done(&out);
    json_decref(answer);
    return 0;
}

/* Records of CSV, one after the other, and texts for it. For exports and imports of the command
 * line; the dashboards' export writes its own dialect, which nobody reads back.
 *
 *   2026-11-26,"/a ""b""",3\r\n      ─▶  [2026-11-26] [/a "b"] [3]
 *
 * A field that begins with a quotation mark ends with one; anywhere else a mark is bad, since two
 * readers might take it for two things. */

#include "common/csv.h"

static bool is_formula(char c)
{
    return c == '=' || c == '+' || c == '-' || c == '@' || c == '\t' || c == '\r';
}

/* Where the text begins behind its apostrophes; its length when there is nothing else. */
static size_t after_apostrophes(struct str text)
{
    size_t at = 0;
    while (at < text.len && text.ptr[at] == '\'')
        at++;
    return at;
}

static bool needs_guard(struct str text)
{
    size_t at = after_apostrophes(text);
    return at < text.len && is_formula(text.ptr[at]);
}

void csv_append_text(struct buf *out, struct str text)
{
    buf_append_byte(out, '"');
    if (needs_guard(text))
        buf_append_byte(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            buf_append_byte(out, '"');
        buf_append_byte(out, (uint8_t)text.ptr[i]);
    }
    buf_append_byte(out, '"');
}

struct str csv_unguard(struct str field)
{
    return field.len > 0 && field.ptr[0] == '\'' && needs_guard(field) ? str_from_at(field, 1)
                                                                       : field;
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* A quoted field from *at on, its marks taken off; *at comes to stand behind it. */
static bool take_quoted(char *text, size_t end, size_t *at, struct str *ret_field)
{
    char *out = text + *at + 1;
    struct str field = {out, 0};
    for (size_t i = *at + 1; i < end; i++) {
        if (text[i] == '"') {
            if (i + 1 == end || text[i + 1] != '"') {
                field.len = (size_t)(out - field.ptr);
                *at = i + 1;
                *ret_field = field;
                return true;
            }
            i++;
        }
        *out++ = text[i];
    }
    return false;
}

static bool take_plain(const char *text, size_t end, size_t *at, struct str *ret_field)
{
    struct str rest = {text + *at, end - *at};
    *ret_field = str_prefix(rest, str_find(rest, ','));
    *at += ret_field->len;
    return str_find(*ret_field, '"') == ret_field->len;
}

static bool take_fields(char *text, size_t end, struct csv_record *record)
{
    for (size_t at = 0;; at++) {
        struct str *field = &record->fields[record->count];
        if (record->count == CSV_FIELDS_MAX)
            return false;
        bool good = at < end && text[at] == '"' ? take_quoted(text, end, &at, field)
                                                : take_plain(text, end, &at, field);
        if (!good || (at < end && text[at] != ','))
            return false;
        record->count++;
        if (at == end)
            return true;
    }
}

enum csv_step csv_find(const char *text, size_t len, bool is_last, size_t *ret_bytes)
{
    bool quoted = false;
    *ret_bytes = 0;
    if (len == 0)
        return CSV_END;
    for (size_t i = 0; i < len; i++) {
        quoted ^= text[i] == '"';
        if (text[i] == '\n' && !quoted) {
            *ret_bytes = i + 1;
            return CSV_RECORD;
        }
    }
    *ret_bytes = is_last ? len : 0;
    return is_last ? CSV_RECORD : CSV_MORE;
}

enum csv_step csv_read(char *text, size_t len, bool is_last, struct csv_record *ret_record)
{
    size_t bytes;
    enum csv_step step = csv_find(text, len, is_last, &bytes);
    if (step != CSV_RECORD)
        return step;
    size_t end = bytes;
    if (text[end - 1] == '\n')
        end--;
    if (end > 0 && text[end - 1] == '\r')
        end--;
    ret_record->bytes = bytes;
    ret_record->count = 0;
    ret_record->is_bad = !take_fields(text, end, ret_record);
    if (ret_record->is_bad)
        ret_record->count = 0;
    return CSV_RECORD;
}

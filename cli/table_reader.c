/* What the formats of tables share: numbers, dates, and texts as they may be kept. Pure. */

#include "cli/table_reader.h"

#include <assert.h>
#include <ctype.h>

#include "aggregator/query.h"
#include "collector/path.h"
#include "common/utf8.h"

enum { DIGITS_MAX = 10, PATH_RAW_BYTES_MAX = 3 * VALUE_BYTES_MAX };

bool table_number(struct str text, int64_t *ret_number)
{
    int64_t number = 0;
    if (text.len == 0 || text.len > DIGITS_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        number = number * 10 + (text.ptr[i] - '0');
    }
    if (number > IMPORT_NUMBER_MAX)
        return false;
    *ret_number = number;
    return true;
}

bool table_date(struct str text, uint32_t *ret_date)
{
    struct query_moment moment;
    if (!query_moment_parse(text, &moment) || !moment.is_date)
        return false;
    *ret_date = moment.date;
    return true;
}

int64_t *table_row_add(struct table_row *row, enum table table, struct str value)
{
    if (value.len == 0 && table != TABLE_TOTAL)
        return NULL;
    assert(row->count < ROW_CELLS_MAX && value.len <= VALUE_BYTES_MAX);
    row->cells[row->count].table = table;
    row->cells[row->count].value = value;
    memset(row->cells[row->count].sums, 0, sizeof(row->cells[row->count].sums));
    return row->cells[row->count++].sums;
}

struct str table_text(struct str text, size_t bytes_max)
{
    text = str_trim(text);
    if (!utf8_is_text(text))
        return STR_LIT(MODEL_OTHER);
    if (path_holds_email(text))
        return STR_LIT(PATH_PRIVATE);
    return str_trim(utf8_cut(text, bytes_max));
}

struct str table_join(struct table_row *row, struct str left, char separator, struct str right)
{
    size_t len = left.len + 1 + right.len;
    char *out = row->memory.bytes + row->memory.used;
    if (len > VALUE_BYTES_MAX || len > sizeof(row->memory.bytes) - row->memory.used)
        return STR_EMPTY;
    memcpy(out, left.ptr, left.len);
    out[left.len] = separator;
    memcpy(out + left.len + 1, right.ptr, right.len);
    row->memory.used += len;
    return (struct str){out, len};
}

struct str table_copy(struct table_row *row, struct str text)
{
    char *out = row->memory.bytes + row->memory.used;
    if (text.len > sizeof(row->memory.bytes) - row->memory.used)
        return STR_EMPTY;
    memcpy(out, text.ptr, text.len);
    row->memory.used += text.len;
    return (struct str){out, text.len};
}

/* Exports have paths decoded, and path_normalise() decodes: a percent sign is spelled out first. */
struct str table_path(struct table_row *row, struct str path)
{
    char raw[PATH_RAW_BYTES_MAX];
    size_t len = 0;
    char *out = row->memory.bytes + row->memory.used;
    struct str found;
    path = str_trim(path);
    if (sizeof(row->memory.bytes) - row->memory.used < PATH_BYTES_MAX ||
        str_eq(path, STR_LIT(MODEL_OTHER)))
        return STR_LIT(MODEL_OTHER);
    for (size_t i = 0; i < path.len && len + 3 <= sizeof(raw); i++) {
        raw[len++] = path.ptr[i];
        if (path.ptr[i] == '%') {
            raw[len++] = '2';
            raw[len++] = '5';
        }
    }
    if (!path_normalise((struct str){raw, len}, out, &found))
        return STR_LIT(MODEL_OTHER);
    row->memory.used += PATH_BYTES_MAX;
    return found;
}

struct str table_host(struct table_row *row, struct str referrer)
{
    struct str host = str_prefix(referrer, str_find(referrer, '/'));
    size_t used = row->memory.used;
    if (host.len > HOST_BYTES_MAX || host.len > sizeof(row->memory.bytes) - used)
        return STR_EMPTY;
    for (size_t i = 0; i < host.len; i++) {
        char c = (char)tolower((unsigned char)host.ptr[i]);
        row->memory.bytes[used + i] = c;
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-')
            return STR_EMPTY;
    }
    row->memory.used += host.len;
    host.ptr = row->memory.bytes + used;
    return str_starts_with(host, STR_LIT("www.")) ? str_from_at(host, 4) : host;
}

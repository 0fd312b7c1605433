/* Exports. Values come from strangers (paths, referrers, campaign tags), and a spreadsheet runs
 * what begins like a formula, so such a text is quoted with an apostrophe. Pure. */

#include "dashboards/server/export.h"

#include <jansson.h>

#include "common/limits.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One name or value of a query string. */
static bool decode(struct str in, struct buf *out)
{
    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        if (c == '%') {
            int high = i + 2 < in.len ? hex_digit(in.ptr[i + 1]) : -1;
            int low = i + 2 < in.len ? hex_digit(in.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            buf_append_byte(out, (uint8_t)(high << 4 | low));
            i += 2;
        } else {
            buf_append_byte(out, (uint8_t)(c == '+' ? ' ' : c));
        }
    }
    return !out->overflow;
}

static json_t *text_json(struct str text)
{
    return json_stringn(text.ptr, text.len);
}

/* "a,b" as ["a","b"]; an empty text as []. NULL for invalid UTF-8. */
static json_t *list_json(struct str text)
{
    json_t *list = json_array();
    while (text.len > 0) {
        size_t comma = str_find(text, ',');
        if (json_array_append_new(list, text_json(str_prefix(text, comma))) != 0) {
            json_decref(list);
            return NULL;
        }
        text = str_from_at(text, comma + 1);
    }
    return list;
}

static json_t *range_json(struct str text)
{
    return str_find(text, ',') == text.len ? text_json(text) : list_json(text);
}

static json_t *raw_json(struct str text)
{
    return json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
}

static const struct parameter {
    struct str name;
    const char *field;
    json_t *(*parse)(struct str text);
} PARAMETERS[] = {
    {STR_LIT("metrics"), "metrics", list_json},
    {STR_LIT("dimensions"), "dimensions", list_json},
    {STR_LIT("date_range"), "date_range", range_json},
    {STR_LIT("period"), "date_range", range_json},
    {STR_LIT("filters"), "filters", raw_json},
    {STR_LIT("order_by"), "order_by", raw_json},
};

static bool take_parameter(json_t *question, struct str name, struct str value)
{
    for (size_t i = 0; i < ARRAY_LEN(PARAMETERS); i++) {
        const struct parameter *parameter = &PARAMETERS[i];
        if (!str_eq(name, parameter->name))
            continue;
        if (json_object_get(question, parameter->field) != NULL)
            return false;
        return json_object_set_new(question, parameter->field, parameter->parse(value)) == 0;
    }
    return false;
}

static bool take_pair(json_t *question, struct str pair, struct buf *name, struct buf *value)
{
    size_t equals = str_find(pair, '=');
    buf_reset(name);
    buf_reset(value);
    return decode(str_prefix(pair, equals), name) && decode(str_from_at(pair, equals + 1), value) &&
           take_parameter(question, buf_str(name), buf_str(value));
}

json_t *export_question(struct str site, struct str query_string)
{
    json_t *question = json_object();
    struct buf name, value;
    bool good = json_object_set_new(question, "site_id", text_json(site)) == 0;
    buf_init(&name, QUERY_BODY_BYTES_MAX);
    buf_init(&value, QUERY_BODY_BYTES_MAX);
    while (good && query_string.len > 0) {
        size_t end = str_find(query_string, '&');
        good = end == 0 || take_pair(question, str_prefix(query_string, end), &name, &value);
        query_string = str_from_at(query_string, end + 1);
    }
    buf_done(&name);
    buf_done(&value);
    if (good)
        return question;
    json_decref(question);
    return NULL;
}

/* --- CSV ----------------------------------------------------------------------------------------
 */

static void append_text(struct buf *out, struct str text)
{
    bool quoted = false, formula = text.len > 0 && strchr("=+-@\t\r", text.ptr[0]) != NULL;
    for (size_t i = 0; i < text.len; i++)
        quoted = quoted || strchr(",\"\r\n", text.ptr[i]) != NULL;
    if (quoted)
        buf_append_byte(out, '"');
    if (formula)
        buf_append_byte(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            buf_append_byte(out, '"');
        buf_append_byte(out, (uint8_t)text.ptr[i]);
    }
    if (quoted)
        buf_append_byte(out, '"');
}

static void append_cell(struct buf *out, bool first, const json_t *value)
{
    if (!first)
        buf_append_byte(out, ',');
    if (json_is_string(value))
        append_text(out, (struct str){json_string_value(value), json_string_length(value)});
    else if (json_is_integer(value))
        buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        buf_printf(out, "%.2f", json_real_value(value));
}

static void append_line(struct buf *out, const json_t *first, const json_t *second)
{
    size_t index;
    json_t *item;
    json_array_foreach(first, index, item) append_cell(out, index == 0, item);
    json_array_foreach(second, index, item)
        append_cell(out, index == 0 && json_array_size(first) == 0, item);
    buf_append(out, "\r\n", 2);
}

void export_append_csv(struct buf *out, const json_t *answer)
{
    const json_t *query = json_object_get(answer, "query");
    size_t index;
    json_t *row;
    append_line(out, json_object_get(query, "dimensions"), json_object_get(query, "metrics"));
    json_array_foreach(json_object_get(answer, "results"), index, row)
        append_line(out, json_object_get(row, "dimensions"), json_object_get(row, "metrics"));
}

/* Figures as aligned columns, bars and a sparkline. A column is one character: wide letters of East
 * Asia and combining marks shift their own line, no other. Called by `footfall stats`. */

#include "cli/stats_table.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/macros.h"

enum {
    CELL_BYTES = 64,
    COLUMNS_MAX = 12,
    SPARKS_MAX = 40,
    BAR_COLUMNS_MIN = 8,
    BAR_COLUMNS_MAX = 20,
    VALUE_COLUMNS_MIN = 12,
    EIGHTHS = 8
};

static const char *const BLOCKS[EIGHTHS + 1] = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
                                                "\u2585", "\u2586", "\u2587", "\u2588"};
static const char *const BAR_ENDS[EIGHTHS] = {"",       "\u258f", "\u258e", "\u258d",
                                              "\u258c", "\u258b", "\u258a", "\u2589"};
static const char *const ASCII_LEVELS = "_.:-=+*#@";

/* --- Text ---------------------------------------------------------------------------------------
 */

/* Bytes of the character at s.ptr; jansson has checked that it is UTF-8. */
static size_t character_bytes(struct str s)
{
    uint8_t first = (uint8_t)s.ptr[0];
    size_t bytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    return bytes < s.len ? bytes : s.len;
}

static bool is_shown(struct str character, bool utf8)
{
    uint8_t first = (uint8_t)character.ptr[0];
    if (first < 0x80)
        return first >= 0x20 && first != 0x7f;
    /* C1 controls are U+0080..U+009F; the marks that turn a line's direction are U+200E..F,
     * U+202A..E and U+2066..9. */
    if (!utf8 || (character.len == 2 && first == 0xc2 && (uint8_t)character.ptr[1] < 0xa0))
        return false;
    if (character.len != 3 || first != 0xe2)
        return true;
    unsigned point =
        0x2000u | ((uint8_t)character.ptr[1] & 0x3fu) << 6 | ((uint8_t)character.ptr[2] & 0x3fu);
    return !(point == 0x200e || point == 0x200f || (point >= 0x202a && point <= 0x202e) ||
             (point >= 0x2066 && point <= 0x2069));
}

/* At most `columns` characters of `text`, filled up with spaces. */
static void append_text(struct buf *out, struct str text, size_t columns, bool utf8)
{
    size_t shown = 0;
    while (text.len > 0 && shown < columns) {
        size_t bytes = character_bytes(text);
        struct str character = str_prefix(text, bytes);
        bool is_last = shown + 1 == columns && text.len > bytes;
        if (is_last)
            buf_append_str(out, utf8 ? STR_LIT("\u2026") : STR_LIT("~"));
        else
            buf_append_str(out, is_shown(character, utf8) ? character : STR_LIT("?"));
        text = str_from_at(text, bytes);
        shown++;
    }
    for (; shown < columns; shown++)
        buf_append_byte(out, ' ');
}

static size_t count_characters(struct str text)
{
    size_t count = 0;
    for (; text.len > 0; text = str_from_at(text, character_bytes(text)))
        count++;
    return count;
}

static struct str text_of(const json_t *string)
{
    return json_is_string(string)
               ? (struct str){json_string_value(string), json_string_length(string)}
               : STR_EMPTY;
}

/* --- Figures ------------------------------------------------------------------------------------
 */

static const struct column {
    const char *metric;
    const char *title;
} COLUMNS[] = {
    {"visitors", "Visitors"},
    {"visits", "Visits"},
    {"pageviews", "Page views"},
    {"views_per_visit", "Views/visit"},
    {"bounce_rate", "Bounce rate"},
    {"visit_duration", "Duration"},
    {"time_on_page", "Time on page"},
    {"scroll_depth", "Scroll depth"},
    {"events", "Events"},
};

static const char *title_of(struct str metric)
{
    for (size_t i = 0; i < ARRAY_LEN(COLUMNS); i++)
        if (str_eq(metric, str_from(COLUMNS[i].metric)))
            return COLUMNS[i].title;
    return "";
}

static void format_seconds(char cell[CELL_BYTES], long long seconds)
{
    if (seconds < 60)
        (void)snprintf(cell, CELL_BYTES, "%llds", seconds);
    else if (seconds < 3600)
        (void)snprintf(cell, CELL_BYTES, "%lldm %02llds", seconds / 60, seconds % 60);
    else
        (void)snprintf(cell, CELL_BYTES, "%lldh %02lldm", seconds / 3600, seconds / 60 % 60);
}

/* 1234567 as 1,234,567. */
static void format_count(char cell[CELL_BYTES], long long number)
{
    char digits[CELL_BYTES];
    int len = snprintf(digits, sizeof(digits), "%lld", number);
    size_t at = 0;
    for (int i = 0; i < len && at + 2 < CELL_BYTES; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            cell[at++] = ',';
        cell[at++] = digits[i];
    }
    cell[at] = '\0';
}

static void format_figure(char cell[CELL_BYTES], struct str metric, const json_t *value)
{
    if (!json_is_number(value))
        (void)snprintf(cell, CELL_BYTES, "-");
    else if (json_is_real(value))
        (void)snprintf(cell, CELL_BYTES, "%.2f", json_real_value(value));
    else if (str_eq(metric, STR_LIT("bounce_rate")) || str_eq(metric, STR_LIT("scroll_depth")))
        (void)snprintf(cell, CELL_BYTES, "%lld%%", (long long)json_integer_value(value));
    else if (str_eq(metric, STR_LIT("visit_duration")) || str_eq(metric, STR_LIT("time_on_page")))
        format_seconds(cell, (long long)json_integer_value(value));
    else
        format_count(cell, (long long)json_integer_value(value));
}

/* Right-aligned in `columns`. */
static void append_right(struct buf *out, const char *text, size_t columns)
{
    buf_printf(out, "  %*s", (int)columns, text);
}

static const json_t *metrics_of(const json_t *answer)
{
    return json_object_get(json_object_get(answer, "query"), "metrics");
}

/* The widest of a column's title and figures. */
static size_t column_width(const json_t *answer, size_t index)
{
    struct str metric = text_of(json_array_get(metrics_of(answer), index));
    size_t width = strlen(title_of(metric)), i;
    json_t *row;
    json_array_foreach(json_object_get(answer, "results"), i, row)
    {
        char cell[CELL_BYTES];
        format_figure(cell, metric, json_array_get(json_object_get(row, "metrics"), index));
        if (strlen(cell) > width)
            width = strlen(cell);
    }
    return width;
}

static void append_titles(struct buf *out, const json_t *answer)
{
    for (size_t i = 0; i < json_array_size(metrics_of(answer)); i++)
        append_right(out, title_of(text_of(json_array_get(metrics_of(answer), i))),
                     column_width(answer, i));
    buf_append_byte(out, '\n');
}

static void append_figures(struct buf *out, const json_t *answer, const json_t *row,
                           const size_t *widths)
{
    for (size_t i = 0; i < json_array_size(metrics_of(answer)) && i < COLUMNS_MAX; i++) {
        char cell[CELL_BYTES];
        format_figure(cell, text_of(json_array_get(metrics_of(answer), i)),
                      json_array_get(json_object_get(row, "metrics"), i));
        append_right(out, cell, widths[i]);
    }
}

static void fill_widths(const json_t *answer, size_t widths[COLUMNS_MAX])
{
    for (size_t i = 0; i < json_array_size(metrics_of(answer)) && i < COLUMNS_MAX; i++)
        widths[i] = column_width(answer, i);
}

/* "+12%" below each figure; of percentages in points. */
static void append_changes(struct buf *out, const json_t *answer, const json_t *row,
                           const size_t *widths)
{
    const json_t *changes = json_object_get(json_object_get(row, "comparison"), "change");
    for (size_t i = 0; i < json_array_size(changes) && i < COLUMNS_MAX; i++) {
        const json_t *change = json_array_get(changes, i);
        struct str metric = text_of(json_array_get(metrics_of(answer), i));
        bool in_points =
            str_eq(metric, STR_LIT("bounce_rate")) || str_eq(metric, STR_LIT("scroll_depth"));
        char cell[CELL_BYTES] = "-";
        if (json_is_integer(change))
            (void)snprintf(cell, CELL_BYTES, "%+lld%s", (long long)json_integer_value(change),
                           in_points ? "" : "%");
        append_right(out, cell, widths[i]);
    }
    buf_append_byte(out, '\n');
}

static void append_compared_range(struct buf *out, const json_t *answer)
{
    const json_t *range =
        json_object_get(json_object_get(answer, "query"), "comparison_date_range");
    buf_printf(out, "  against %.10s to %.10s\n", json_string_value(json_array_get(range, 0)),
               json_string_value(json_array_get(range, 1)));
}

void stats_append_headline(struct buf *out, const json_t *answer, const struct stats_style *style)
{
    size_t widths[COLUMNS_MAX] = {0};
    const json_t *row = json_array_get(json_object_get(answer, "results"), 0);
    (void)style;
    fill_widths(answer, widths);
    append_titles(out, answer);
    append_figures(out, answer, row, widths);
    buf_append_byte(out, '\n');
    if (json_object_get(row, "comparison") != NULL) {
        append_changes(out, answer, row, widths);
        append_compared_range(out, answer);
    }
}

/* --- Sparkline ----------------------------------------------------------------------------------
 */

static double first_figure(const json_t *row)
{
    const json_t *value = json_array_get(json_object_get(row, "metrics"), 0);
    return json_is_number(value) ? json_number_value(value) : 0;
}

static double largest_figure(const json_t *results)
{
    size_t i;
    json_t *row;
    double largest = 0;
    json_array_foreach(results, i, row) largest =
        first_figure(row) > largest ? first_figure(row) : largest;
    return largest;
}

/* What the bucket of this label has; buckets without a row have nothing. */
static double figure_at(const json_t *results, size_t *cursor, const json_t *label)
{
    const json_t *row = json_array_get(results, *cursor);
    if (!str_eq(text_of(json_array_get(json_object_get(row, "dimensions"), 0)), text_of(label)))
        return 0;
    (*cursor)++;
    return first_figure(row);
}

void stats_append_sparkline(struct buf *out, const json_t *answer, const struct stats_style *style)
{
    const json_t *labels = json_object_get(json_object_get(answer, "meta"), "time_labels");
    const json_t *results = json_object_get(answer, "results");
    double largest = largest_figure(results);
    size_t count = json_array_size(labels), cursor = 0, i;
    json_t *label;
    if (count < 2 || largest <= 0)
        return;
    buf_printf(out, "  %s  ", title_of(text_of(json_array_get(metrics_of(answer), 0))));
    /* Too many for the line: one character for the largest of a few. */
    size_t group = (count + SPARKS_MAX - 1) / SPARKS_MAX;
    double value = 0;
    json_array_foreach(labels, i, label)
    {
        double figure = figure_at(results, &cursor, label);
        value = i % group == 0 || figure > value ? figure : value;
        if ((i + 1) % group != 0 && i + 1 < count)
            continue;
        /* Nothing is the lowest line; anything is above it. */
        int level = value <= 0 ? 0 : 1 + (int)(value / largest * (EIGHTHS - 1) + 0.5);
        if (style->utf8)
            buf_printf(out, "%s", level == 0 ? "\u2581" : BLOCKS[level]);
        else
            buf_append_byte(out, (uint8_t)ASCII_LEVELS[level]);
    }
    buf_printf(out, "  %.16s to %.16s\n", json_string_value(json_array_get(labels, 0)),
               json_string_value(json_array_get(labels, count - 1)));
}

/* --- Rows ---------------------------------------------------------------------------------------
 */

static void append_bar(struct buf *out, double share, size_t bar_columns, bool utf8)
{
    size_t eighths = (size_t)(share * (double)bar_columns * EIGHTHS + 0.5), columns = 0;
    buf_append(out, "  ", 2);
    for (; eighths >= EIGHTHS; eighths -= EIGHTHS, columns++)
        buf_printf(out, "%s", utf8 ? "\u2588" : "#");
    if (eighths > 0 && utf8) {
        buf_printf(out, "%s", BAR_ENDS[eighths]);
        columns++;
    } else if (eighths >= EIGHTHS / 2) {
        buf_append_byte(out, '#');
        columns++;
    }
    for (; columns < bar_columns; columns++)
        buf_append_byte(out, ' ');
}

static size_t longest_value(const json_t *answer)
{
    size_t longest = 0, i;
    json_t *row;
    json_array_foreach(json_object_get(answer, "results"), i, row)
    {
        size_t len =
            count_characters(text_of(json_array_get(json_object_get(row, "dimensions"), 0)));
        longest = len > longest ? len : longest;
    }
    return longest;
}

struct layout {
    size_t value_columns, bar_columns;
};

/* Values get what they need of what the terminal leaves; bars give way to them, up to a point. */
static struct layout layout_of(const json_t *answer, const char *title, const size_t *widths,
                               const struct stats_style *style)
{
    size_t used = 2 + 2, needed = longest_value(answer);
    for (size_t c = 0; c < COLUMNS_MAX; c++)
        used += widths[c] > 0 ? widths[c] + 2 : 0;
    size_t room = style->width > used ? style->width - used : 0;
    size_t most =
        room > BAR_COLUMNS_MIN + VALUE_COLUMNS_MIN ? room - BAR_COLUMNS_MIN : VALUE_COLUMNS_MIN;
    needed = needed > strlen(title) ? needed : strlen(title);
    struct layout layout = {.value_columns = needed < most ? needed : most,
                            .bar_columns = BAR_COLUMNS_MIN};
    if (room > layout.value_columns + BAR_COLUMNS_MIN)
        layout.bar_columns = room - layout.value_columns;
    if (layout.bar_columns > BAR_COLUMNS_MAX)
        layout.bar_columns = BAR_COLUMNS_MAX;
    return layout;
}

void stats_append_rows(struct buf *out, const char *title, const json_t *answer,
                       const struct stats_style *style)
{
    const json_t *results = json_object_get(answer, "results");
    size_t widths[COLUMNS_MAX] = {0}, i;
    double largest = largest_figure(results);
    json_t *row;
    fill_widths(answer, widths);
    struct layout layout = layout_of(answer, title, widths, style);
    if (json_array_size(results) == 0) {
        buf_printf(out, "  %s: nothing in this period.\n", title);
        return;
    }
    buf_append(out, "  ", 2);
    append_text(out, str_from(title), layout.value_columns, style->utf8);
    buf_printf(out, "  %*s", (int)layout.bar_columns, "");
    append_titles(out, answer);
    json_array_foreach(results, i, row)
    {
        buf_append(out, "  ", 2);
        append_text(out, text_of(json_array_get(json_object_get(row, "dimensions"), 0)),
                    layout.value_columns, style->utf8);
        append_bar(out, largest <= 0 ? 0 : first_figure(row) / largest, layout.bar_columns,
                   style->utf8);
        append_figures(out, answer, row, widths);
        buf_append_byte(out, '\n');
    }
}

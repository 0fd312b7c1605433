/* Rows and cells from bytes. Called by whoever answers a question about sealed days, and when a day
 * is sealed again or a month is made.
 *
 * The checksum is looked at first, and still nothing behind it is believed: every length, number
 * and name is checked before it is used, and rows are added when all of them are known to be good.
 */

#include <assert.h>
#include <stdlib.h>

#include "aggregator/record_column.h"
#include "aggregator/record_part.h"
#include "aggregator/record_sums.h"
#include "common/crc32c.h"

struct column {
    enum metric metric, predictor;
};

static const struct column TABLE_COLUMNS[METRIC__COUNT] = {
#define X(metric, predictor) {METRIC_##metric, METRIC_##predictor},
    RECORD_COLUMNS(X)
#undef X
};

enum { CROSS_COLUMNS = 2 };

struct coding {
    bool is_absent, in_runs, is_signed, is_scaled;
    uint32_t ratio;
    const int64_t *predictors; /* where ratio is not 0 */
};

/* A piece's head. */
struct piece {
    uint32_t tag;
    size_t count, columns;
    bool in_runs[2]; /* names; a cross's right ones */
    int64_t hidden_views, hidden_visits;
    struct coding codings[METRIC__COUNT];
};
static_assert((int)CROSS_COLUMNS <= (int)METRIC__COUNT, "a cross has fewer columns");

struct record_reader {
    uint64_t raw[RECORD_PART_ROWS_MAX];
    uint32_t names[2][RECORD_PART_ROWS_MAX]; /* a table's; a cross's left and right */
    int64_t numbers[METRIC__COUNT][RECORD_PART_ROWS_MAX];
};

struct record_reader *record_reader_new(void)
{
    struct record_reader *reader = malloc(sizeof(*reader));
    if (reader == NULL)
        abort();
    return reader;
}

void record_reader_free(struct record_reader *reader)
{
    free(reader);
}

/* --- The form -------------------------------------------------------------------------------- */

static bool take_varint(struct str *from, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < 10 && i < from->len; i++) {
        uint8_t byte = (uint8_t)from->ptr[i];
        if (i == 9 && byte > 1)
            return false;
        value |= (uint64_t)(byte & 0x7f) << 7 * i;
        if (byte < 0x80) {
            *from = str_from_at(*from, i + 1);
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static bool take_bounded(struct str *from, uint64_t max, uint64_t *ret_value)
{
    uint64_t value;
    if (!take_varint(from, &value) || value > max)
        return false;
    *ret_value = value;
    return true;
}

static bool take_sum(struct str *from, int64_t *ret_sum)
{
    uint64_t value;
    if (!take_bounded(from, 2 * (uint64_t)DAY_SUM_MAX, &value))
        return false;
    *ret_sum = record_unzigzag(value);
    return true;
}

static bool checksum_is_good(struct str part, uint32_t seed)
{
    if (part.len <= RECORD_PART_CRC_BYTES)
        return false;
    const uint8_t *end = (const uint8_t *)part.ptr + part.len - RECORD_PART_CRC_BYTES;
    uint32_t crc = end[0] | (uint32_t)end[1] << 8 | (uint32_t)end[2] << 16 | (uint32_t)end[3] << 24;
    return crc32c(seed, part.ptr, part.len - RECORD_PART_CRC_BYTES) == crc;
}

/* --- Columns --------------------------------------------------------------------------------- */

static bool take_coding(struct str *head, struct coding *ret_coding)
{
    uint64_t value;
    if (!take_bounded(head, 4 * (uint64_t)RECORD_RATIO_MAX + 4, &value))
        return false;
    *ret_coding = (struct coding){.is_absent = value == 0};
    if (value > 0) {
        ret_coding->is_signed = ((value - 1) & 1) != 0;
        ret_coding->in_runs = ((value - 1) & 2) != 0;
        ret_coding->ratio = (uint32_t)((value - 1) / 4);
    }
    return true;
}

/* Adds what the numbers, which are distances so far, are distances to. */
static bool add_predictions(const struct coding *coding, size_t count, int64_t *numbers)
{
    const int64_t *predictors = coding->predictors;
    bool is_good = true;
    for (size_t i = 0; i < count; i++)
        is_good &= predictors[i] <= RECORD_PREDICTOR_MAX && predictors[i] >= -RECORD_PREDICTOR_MAX;
    if (is_good && coding->ratio == RECORD_RATIO_ONE && !coding->is_scaled) {
        for (size_t i = 0; i < count; i++)
            numbers[i] += predictors[i];
    } else if (is_good) {
        for (size_t i = 0; i < count; i++)
            numbers[i] += record_predict(predictors[i], coding->ratio, coding->is_scaled);
    }
    return is_good;
}

static bool read_numbers(struct record_reader *reader, struct record_column_reader *columns,
                         size_t count, const struct coding *coding, int64_t *ret_numbers)
{
    static const uint64_t DISTANCE_MAX = UINT64_C(1) << 62;
    const int64_t max = coding->is_scaled ? record_scale(DAY_SUM_MAX) : DAY_SUM_MAX;
    if (coding->is_absent) {
        memset(ret_numbers, 0, count * sizeof(*ret_numbers));
        return true;
    }
    if (!record_column_read(columns, count, coding->in_runs, reader->raw))
        return false;
    bool is_good = true;
    for (size_t i = 0; i < count; i++)
        is_good &= reader->raw[i] <= DISTANCE_MAX;
    for (size_t i = 0; i < count; i++)
        ret_numbers[i] =
            coding->is_signed ? record_unzigzag(reader->raw[i]) : (int64_t)reader->raw[i];
    if (!is_good || (coding->ratio > 0 && !add_predictions(coding, count, ret_numbers)))
        return false;
    for (size_t i = 0; i < count; i++)
        is_good &= ret_numbers[i] <= max && ret_numbers[i] >= -max;
    for (size_t i = 0; coding->is_scaled && is_good && i < count; i++)
        ret_numbers[i] = record_unscale(ret_numbers[i]);
    return is_good;
}

/* Numbers that only rise. */
static bool read_names(struct record_reader *reader, struct record_column_reader *columns,
                       const struct piece *piece, uint32_t names)
{
    if (!record_column_read(columns, piece->count, piece->in_runs[0], reader->raw))
        return false;
    uint64_t next = 0;
    for (size_t i = 0; i < piece->count; i++) {
        if (reader->raw[i] >= names || next + reader->raw[i] >= names)
            return false;
        reader->names[0][i] = (uint32_t)(next + reader->raw[i]);
        next = (uint64_t)reader->names[0][i] + 1;
    }
    return true;
}

/* Metrics that are wanted, and those that foretell them. */
static uint32_t with_predictors(uint32_t metrics, const struct coding *codings)
{
    for (int c = METRIC__COUNT; c-- > 0;)
        if ((metrics >> TABLE_COLUMNS[c].metric & 1) != 0 && codings[c].ratio > 0)
            metrics |= 1u << TABLE_COLUMNS[c].predictor;
    return metrics;
}

static bool read_metrics(struct record_reader *reader, struct record_column_reader *columns,
                         const struct piece *piece, uint32_t wanted)
{
    wanted = with_predictors(wanted, piece->codings);
    int last = METRIC__COUNT;
    while (last > 0 && (wanted >> TABLE_COLUMNS[last - 1].metric & 1) == 0)
        last--;
    for (int c = 0; c < last; c++) {
        enum metric metric = TABLE_COLUMNS[c].metric, predictor = TABLE_COLUMNS[c].predictor;
        struct coding coding = piece->codings[c];
        coding.is_scaled = record_is_scaled((enum table)piece->tag, metric);
        coding.predictors = reader->numbers[predictor];
        if ((wanted >> metric & 1) == 0) {
            if (!coding.is_absent &&
                !record_column_read(columns, piece->count, coding.in_runs, reader->raw))
                return false;
        } else if ((predictor == metric && coding.ratio > 0) ||
                   !read_numbers(reader, columns, piece->count, &coding, reader->numbers[metric])) {
            return false;
        }
    }
    return true;
}

/* --- Pieces ---------------------------------------------------------------------------------- */

static bool take_head(struct str *heads, struct piece *ret_piece)
{
    struct piece piece = {.columns = METRIC__COUNT};
    uint64_t count;
    if (heads->len == 0)
        return false;
    piece.tag = (uint8_t)heads->ptr[0];
    *heads = str_from_at(*heads, 1);
    if (!take_bounded(heads, 4 * (uint64_t)RECORD_PART_ROWS_MAX + 3, &count))
        return false;
    piece.count = (size_t)(count / 4);
    piece.in_runs[0] = (count & 1) != 0;
    piece.in_runs[1] = (count & 2) != 0;
    if (piece.tag >= RECORD_PART_CROSS_TAG) {
        piece.columns = CROSS_COLUMNS;
        if (!take_sum(heads, &piece.hidden_views) || !take_sum(heads, &piece.hidden_visits))
            return false;
    }
    for (size_t c = 0; c < piece.columns; c++)
        if (!take_coding(heads, &piece.codings[c]))
            return false;
    *ret_piece = piece;
    return true;
}

static bool pass_piece(struct record_reader *reader, struct record_column_reader *columns,
                       const struct piece *piece)
{
    size_t names = piece->tag >= RECORD_PART_CROSS_TAG ? 2 : 1;
    for (size_t n = 0; n < names; n++)
        if (!record_column_read(columns, piece->count, piece->in_runs[n], reader->raw))
            return false;
    for (size_t c = 0; c < piece->columns; c++)
        if (!piece->codings[c].is_absent &&
            !record_column_read(columns, piece->count, piece->codings[c].in_runs, reader->raw))
            return false;
    return true;
}

/* A piece, and the reader at its columns. */
struct found {
    bool is_there;
    struct piece piece;
    struct record_column_reader columns;
};

/* Goes to the piece with a tag; it is well that there is none. */
static bool find_piece(struct record_reader *reader, struct str part, uint32_t seed, uint32_t tag,
                       struct found *ret_found)
{
    struct piece pieces[RECORD_PART_PIECES_MAX];
    size_t count, at = 0;
    if (!checksum_is_good(part, seed))
        return false;
    count = (uint8_t)part.ptr[0];
    part = str_from_at(str_prefix(part, part.len - RECORD_PART_CRC_BYTES), 1);
    if (count > RECORD_PART_PIECES_MAX)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!take_head(&part, &pieces[i]))
            return false;
    ret_found->columns = (struct record_column_reader){.bits = part};
    while (at < count && pieces[at].tag != tag)
        if (!pass_piece(reader, &ret_found->columns, &pieces[at++]))
            return false;
    ret_found->is_there = at < count;
    if (ret_found->is_there)
        ret_found->piece = pieces[at];
    return true;
}

/* --- Tables and crosses ---------------------------------------------------------------------- */

/* Metrics of a table whose numbers may be other than zero. Returns their number. */
static int list_metrics(const struct piece *piece, uint32_t wanted,
                        enum metric ret_metrics[METRIC__COUNT])
{
    int count = 0;
    for (int c = 0; c < METRIC__COUNT; c++)
        if ((wanted >> TABLE_COLUMNS[c].metric & 1) != 0 && !piece->codings[c].is_absent)
            ret_metrics[count++] = TABLE_COLUMNS[c].metric;
    return count;
}

/* The names and numbers of a table, of which ret_piece->count are there. */
static bool read_table(struct record_reader *reader, struct str part, uint32_t seed,
                       struct record_wanted wanted, struct piece *ret_piece)
{
    struct found found;
    if (!find_piece(reader, part, seed, wanted.table, &found))
        return false;
    *ret_piece = found.is_there ? found.piece : (struct piece){.count = 0};
    if (!found.is_there)
        return true;
    return ret_piece->count > 0 && ret_piece->count <= RECORD_ROWS_MAX &&
           read_names(reader, &found.columns, ret_piece, wanted.names) &&
           read_metrics(reader, &found.columns, ret_piece, wanted.metrics);
}

bool record_part_read_table(struct record_reader *reader, struct str part, uint32_t seed,
                            enum table table, struct day *day)
{
    const struct record_wanted wanted = {table, UINT32_MAX, day_names_count(day->names, table)};
    enum metric metrics[METRIC__COUNT];
    struct piece piece;
    if (!read_table(reader, part, seed, wanted, &piece))
        return false;
    int count = list_metrics(&piece, wanted.metrics, metrics);
    for (size_t i = 0; i < piece.count; i++) {
        struct day_row *row = day_row_named(day, table, reader->names[0][i]);
        for (int m = 0; m < count; m++)
            day_sum_add(&row->sums[metrics[m]], reader->numbers[metrics[m]][i]);
    }
    return true;
}

bool record_part_sum_table(struct record_reader *reader, struct str part, uint32_t seed,
                           struct record_sums *sums)
{
    enum metric metrics[METRIC__COUNT];
    struct piece piece;
    if (!read_table(reader, part, seed, sums->wanted, &piece))
        return false;
    assert(sums->added < RECORD_SUMS_RECORDS_MAX);
    sums->added++;
    int count = list_metrics(&piece, sums->wanted.metrics, metrics);
    for (int m = 0; m < count; m++) {
        const int64_t *numbers = reader->numbers[metrics[m]];
        int64_t *column = sums->columns[metrics[m]];
        for (size_t i = 0; i < piece.count; i++)
            column[reader->names[0][i]] += numbers[i];
    }
    return true;
}

static bool read_pairs(struct record_reader *reader, struct record_column_reader *columns,
                       const struct piece *piece, uint32_t lefts, uint32_t rights)
{
    uint64_t left = 0, right;
    if (!record_column_read(columns, piece->count, piece->in_runs[0], reader->raw))
        return false;
    for (size_t i = 0; i < piece->count; i++) {
        if (reader->raw[i] >= lefts || left + reader->raw[i] >= lefts)
            return false;
        left += reader->raw[i];
        reader->names[0][i] = (uint32_t)left;
    }
    if (!record_column_read(columns, piece->count, piece->in_runs[1], reader->raw))
        return false;
    for (size_t i = 0; i < piece->count; i++) {
        bool goes_on = i > 0 && reader->names[0][i] == reader->names[0][i - 1];
        right = goes_on ? (uint64_t)reader->names[1][i - 1] + 1 : 0;
        if (reader->raw[i] >= rights || right + reader->raw[i] >= rights)
            return false;
        reader->names[1][i] = (uint32_t)(right + reader->raw[i]);
    }
    return true;
}

bool record_part_read_cross(struct record_reader *reader, struct str part, uint32_t seed,
                            enum cross cross, struct day *day)
{
    struct found found;
    int64_t *visits = reader->numbers[METRIC_VISITS], *views = reader->numbers[METRIC_PAGEVIEWS];
    if (!find_piece(reader, part, seed, RECORD_PART_CROSS_TAG + (uint32_t)cross, &found))
        return false;
    if (!found.is_there)
        return true;
    struct piece *piece = &found.piece;
    piece->codings[1].predictors = visits;
    if (piece->count > RECORD_CELLS_MAX || piece->codings[0].ratio > 0 ||
        !read_pairs(reader, &found.columns, piece,
                    day_names_count(day->names, model_cross_left(cross)),
                    day_names_count(day->names, model_cross_right(cross))) ||
        !read_numbers(reader, &found.columns, piece->count, &piece->codings[0], visits) ||
        !read_numbers(reader, &found.columns, piece->count, &piece->codings[1], views))
        return false;
    for (size_t i = 0; i < piece->count; i++) {
        struct day_cell cell = {reader->names[0][i], reader->names[1][i], views[i], visits[i]};
        day_cell_add(day, cross, &cell);
    }
    day_sum_add(&day->crosses[cross].hidden_views, piece->hidden_views);
    day_sum_add(&day->crosses[cross].hidden_visits, piece->hidden_visits);
    return true;
}

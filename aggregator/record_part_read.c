/* Rows and cells from bytes. Called by whoever answers a question about sealed days, and when a day
 * is sealed again or a month is made.
 *
 * The checksum is looked at first, and still nothing behind it is believed: every length, number
 * and name is checked before it is used, and rows are added when all of them are known to be good.
 */

#include <assert.h>
#include <stdlib.h>
#include <zstd.h>

#include "aggregator/record_column.h"
#include "aggregator/record_part.h"
#include "common/crc32c.h"

struct column {
    enum metric metric, predictor;
};

static const struct column TABLE_COLUMNS[METRIC__COUNT] = {
#define X(metric, predictor) {METRIC_##metric, METRIC_##predictor},
    RECORD_COLUMNS(X)
#undef X
};

enum { CROSS_COLUMNS = 2, METRICS_ALL = (1 << METRIC__COUNT) - 1 };

struct coding {
    bool is_absent, is_signed, is_scaled;
    uint32_t ratio;
    const int64_t *predictors; /* where ratio is not 0 */
};

/* A piece's head. */
struct piece {
    uint32_t tag;
    size_t count, columns;
    int64_t hidden_views, hidden_visits;
    struct coding codings[METRIC__COUNT];
};
static_assert((int)CROSS_COLUMNS <= (int)METRIC__COUNT, "a cross has fewer columns");

struct record_reader {
    ZSTD_DCtx *zstd;
    char *front;
    uint64_t raw[RECORD_PART_ROWS_MAX];
    uint32_t names[2][RECORD_PART_ROWS_MAX]; /* a table's; a cross's left and right */
    int64_t numbers[METRIC__COUNT][RECORD_PART_ROWS_MAX];
};

struct record_reader *record_reader_new(void)
{
    struct record_reader *reader = malloc(sizeof(*reader));
    if (reader == NULL)
        abort();
    reader->zstd = ZSTD_createDCtx();
    reader->front = malloc(RECORD_PART_FRONT_BYTES_MAX);
    if (reader->zstd == NULL || reader->front == NULL)
        abort();
    return reader;
}

void record_reader_free(struct record_reader *reader)
{
    if (reader == NULL)
        return;
    ZSTD_freeDCtx(reader->zstd);
    free(reader->front);
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

/* A part whose checksum is right. */
struct opened {
    bool is_squeezed;
    struct str stored, bits;
};

static bool open_part(struct str part, uint32_t seed, struct opened *ret_opened)
{
    uint64_t len;
    if (!checksum_is_good(part, seed))
        return false;
    uint8_t kind = (uint8_t)part.ptr[0];
    part = str_from_at(str_prefix(part, part.len - RECORD_PART_CRC_BYTES), 1);
    if (kind > RECORD_PART_ZSTD || !take_varint(&part, &len) || len > part.len)
        return false;
    *ret_opened = (struct opened){.is_squeezed = kind == RECORD_PART_ZSTD,
                                  .stored = str_prefix(part, (size_t)len),
                                  .bits = str_from_at(part, (size_t)len)};
    return true;
}

/* The whole front as it was before zstd. */
static bool inflate(struct record_reader *reader, const struct opened *opened,
                    struct str *ret_front)
{
    *ret_front = opened->stored;
    if (!opened->is_squeezed)
        return true;
    size_t raw = ZSTD_decompressDCtx(reader->zstd, reader->front, RECORD_PART_FRONT_BYTES_MAX,
                                     opened->stored.ptr, opened->stored.len);
    *ret_front = (struct str){reader->front, raw};
    return !ZSTD_isError(raw);
}

/* Goes on until `len` bytes of the front are there, or it ends. */
static bool inflate_until(struct record_reader *reader, ZSTD_inBuffer *in, ZSTD_outBuffer *out,
                          size_t len)
{
    out->size = len;
    while (out->pos < out->size) {
        size_t had = out->pos, read = in->pos;
        if (ZSTD_isError(ZSTD_decompressStream(reader->zstd, out, in)))
            return false;
        if (out->pos == had && in->pos == read)
            break;
    }
    return true;
}

/* --- Columns --------------------------------------------------------------------------------- */

static bool take_coding(struct str *head, struct coding *ret_coding)
{
    uint64_t value;
    if (!take_bounded(head, 2 * (uint64_t)RECORD_RATIO_MAX, &value))
        return false;
    *ret_coding = (struct coding){.is_absent = value == 0};
    if (value > 0) {
        ret_coding->is_signed = (value - 1) & 1;
        ret_coding->ratio = (uint32_t)((value - 1) / 2);
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
    if (!record_column_read(columns, count, reader->raw))
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
                       size_t count, uint32_t names, uint32_t *ret_names)
{
    if (!record_column_read(columns, count, reader->raw))
        return false;
    uint64_t next = 0;
    for (size_t i = 0; i < count; i++) {
        if (reader->raw[i] >= names || next + reader->raw[i] >= names)
            return false;
        ret_names[i] = (uint32_t)(next + reader->raw[i]);
        next = (uint64_t)ret_names[i] + 1;
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

static size_t columns_of(const struct coding *codings, size_t count)
{
    size_t present = 0;
    for (size_t c = 0; c < count; c++)
        present += !codings[c].is_absent;
    return present;
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
            if (!coding.is_absent && !record_column_read(columns, piece->count, NULL))
                return false;
        } else if ((predictor == metric && coding.ratio > 0) ||
                   !read_numbers(reader, columns, piece->count, &coding, reader->numbers[metric])) {
            return false;
        }
    }
    return true;
}

/* --- Pieces ---------------------------------------------------------------------------------- */

static bool take_piece(struct record_column_reader *columns, struct piece *ret_piece)
{
    struct str head = str_from_at(columns->classes, columns->class_at);
    struct piece piece = {.columns = METRIC__COUNT};
    uint64_t count;
    if (head.len == 0)
        return false;
    piece.tag = (uint8_t)head.ptr[0];
    head = str_from_at(head, 1);
    if (!take_bounded(&head, RECORD_PART_ROWS_MAX, &count))
        return false;
    piece.count = (size_t)count;
    if (piece.tag >= RECORD_PART_CROSS_TAG) {
        piece.columns = CROSS_COLUMNS;
        if (!take_sum(&head, &piece.hidden_views) || !take_sum(&head, &piece.hidden_visits))
            return false;
    }
    for (size_t c = 0; c < piece.columns; c++)
        if (!take_coding(&head, &piece.codings[c]))
            return false;
    columns->class_at = columns->classes.len - head.len;
    *ret_piece = piece;
    return true;
}

/* Goes to the columns of the piece with a tag. *ret_found is false when there is none. */
static bool find_piece(struct record_column_reader *columns, uint32_t tag, struct piece *ret_piece,
                       bool *ret_found)
{
    *ret_found = false;
    for (size_t i = 0; i < RECORD_PART_PIECES_MAX && columns->class_at < columns->classes.len;
         i++) {
        if (!take_piece(columns, ret_piece))
            return false;
        if (ret_piece->tag == tag) {
            *ret_found = true;
            return true;
        }
        size_t names = ret_piece->tag >= RECORD_PART_CROSS_TAG ? 2 : 1;
        size_t skipped = names + columns_of(ret_piece->codings, ret_piece->columns);
        if (!record_column_read(columns, skipped * ret_piece->count, NULL))
            return false;
    }
    return columns->class_at == columns->classes.len;
}

/* How much of the front is needed for some metrics of the first piece. */
static size_t needed(const struct record_column_reader *columns, const struct piece *piece,
                     uint32_t metrics)
{
    size_t last = 1, at = 1;
    metrics = with_predictors(metrics, piece->codings);
    for (int c = 0; c < METRIC__COUNT; c++) {
        at += !piece->codings[c].is_absent;
        last = (metrics >> TABLE_COLUMNS[c].metric & 1) != 0 ? at : last;
    }
    return columns->class_at + last * piece->count;
}

/* As much of the front as is needed: zstd's blocks behind it are not decoded. A part that begins
 * with another table is, since only its end tells where the next one begins. */
static bool inflate_some(struct record_reader *reader, const struct opened *opened, uint32_t tag,
                         uint32_t metrics, struct str *ret_front)
{
    ZSTD_inBuffer in = {opened->stored.ptr, opened->stored.len, 0};
    ZSTD_outBuffer out = {reader->front, 0, 0};
    struct piece piece;
    (void)ZSTD_DCtx_reset(reader->zstd, ZSTD_reset_session_only);
    if (!inflate_until(reader, &in, &out, RECORD_PIECE_HEAD_BYTES_MAX))
        return false;
    struct record_column_reader columns = {.classes = {reader->front, out.pos}};
    bool is_first = take_piece(&columns, &piece) && piece.tag == tag;
    size_t len = is_first ? needed(&columns, &piece, metrics) : RECORD_PART_FRONT_BYTES_MAX;
    if (len > RECORD_PART_FRONT_BYTES_MAX || !inflate_until(reader, &in, &out, len))
        return false;
    *ret_front = (struct str){reader->front, is_first && len < out.pos ? len : out.pos};
    return true;
}

/* --- Tables and crosses ---------------------------------------------------------------------- */

static void add_rows(const struct record_reader *reader, const struct piece *piece,
                     uint32_t metrics, struct day *day)
{
    int wanted[METRIC__COUNT], count = 0;
    for (int c = 0; c < METRIC__COUNT; c++)
        if ((metrics >> TABLE_COLUMNS[c].metric & 1) != 0 && !piece->codings[c].is_absent)
            wanted[count++] = TABLE_COLUMNS[c].metric;
    for (size_t i = 0; i < piece->count; i++) {
        struct day_row *row = day_row_named(day, (enum table)piece->tag, reader->names[0][i]);
        for (int w = 0; w < count; w++)
            day_sum_add(&row->sums[wanted[w]], reader->numbers[wanted[w]][i]);
    }
}

bool record_part_read_table(struct record_reader *reader, struct str part, uint32_t seed,
                            struct record_wanted wanted, struct day *day)
{
    struct record_column_reader columns = {.class_at = 0};
    struct opened opened;
    struct piece piece;
    bool found, all = (wanted.metrics & METRICS_ALL) == METRICS_ALL;
    if (!open_part(part, seed, &opened) ||
        !(all || !opened.is_squeezed
              ? inflate(reader, &opened, &columns.classes)
              : inflate_some(reader, &opened, wanted.table, wanted.metrics, &columns.classes)))
        return false;
    columns.bits = opened.bits;
    if (!find_piece(&columns, wanted.table, &piece, &found))
        return false;
    if (!found)
        return true;
    if (piece.count == 0 || piece.count > RECORD_ROWS_MAX ||
        !read_names(reader, &columns, piece.count, day_names_count(day->names, wanted.table),
                    reader->names[0]) ||
        !read_metrics(reader, &columns, &piece, wanted.metrics))
        return false;
    add_rows(reader, &piece, wanted.metrics, day);
    return true;
}

static bool read_pairs(struct record_reader *reader, struct record_column_reader *columns,
                       size_t count, uint32_t lefts, uint32_t rights)
{
    uint64_t left = 0, right;
    if (!record_column_read(columns, count, reader->raw))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (reader->raw[i] >= lefts || left + reader->raw[i] >= lefts)
            return false;
        left += reader->raw[i];
        reader->names[0][i] = (uint32_t)left;
    }
    if (!record_column_read(columns, count, reader->raw))
        return false;
    for (size_t i = 0; i < count; i++) {
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
    struct record_column_reader columns = {.class_at = 0};
    struct opened opened;
    struct piece piece;
    bool found;
    int64_t *visits = reader->numbers[METRIC_VISITS], *views = reader->numbers[METRIC_PAGEVIEWS];
    if (!open_part(part, seed, &opened) || !inflate(reader, &opened, &columns.classes))
        return false;
    columns.bits = opened.bits;
    if (!find_piece(&columns, RECORD_PART_CROSS_TAG + (uint32_t)cross, &piece, &found))
        return false;
    if (!found)
        return true;
    piece.codings[1].predictors = visits;
    if (piece.count > RECORD_CELLS_MAX || piece.codings[0].ratio > 0 ||
        !read_pairs(reader, &columns, piece.count,
                    day_names_count(day->names, model_cross_left(cross)),
                    day_names_count(day->names, model_cross_right(cross))) ||
        !read_numbers(reader, &columns, piece.count, &piece.codings[0], visits) ||
        !read_numbers(reader, &columns, piece.count, &piece.codings[1], views))
        return false;
    for (size_t i = 0; i < piece.count; i++) {
        struct day_cell cell = {reader->names[0][i], reader->names[1][i], views[i], visits[i]};
        day_cell_add(day, cross, &cell);
    }
    day_sum_add(&day->crosses[cross].hidden_views, piece.hidden_views);
    day_sum_add(&day->crosses[cross].hidden_visits, piece.hidden_visits);
    return true;
}

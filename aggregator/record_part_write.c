/* Rows and cells to bytes, in a form that zstd makes small: see record_part.h. Called when a day or
 * a month is sealed; one writer makes all parts of a record. */

#include <assert.h>
#include <stdlib.h>
#include <zstd.h>

#include "aggregator/record_column.h"
#include "aggregator/record_part.h"
#include "common/crc32c.h"

enum {
    ZSTD_LEVEL = 19, /* some milliseconds a day, once */
    /* Where zstd begins a block: a head and its columns. */
    CUTS_MAX = RECORD_PART_PIECES_MAX * (METRIC__COUNT + 2),
};

struct column {
    enum metric metric, predictor;
};

static const struct column TABLE_COLUMNS[METRIC__COUNT] = {
#define X(metric, predictor) {METRIC_##metric, METRIC_##predictor},
    RECORD_COLUMNS(X)
#undef X
};

/* A column's numbers, on the scale where that is so, and those that may foretell them, or NULL. */
struct numbers {
    int64_t at[RECORD_PART_ROWS_MAX];
    const int64_t *predictors;
    size_t count;
    bool is_scaled;
};

/* How they are coded. */
struct coding {
    bool is_absent, is_signed;
    uint32_t ratio;
};

struct record_part_writer {
    struct record_column_writer columns;
    struct buf front;
    size_t cuts[CUTS_MAX];
    size_t cut_count, piece_count;
    struct numbers numbers;
    int64_t sums[METRIC__COUNT][RECORD_PART_ROWS_MAX];
    struct day_row rows[RECORD_PART_ROWS_MAX];
    struct day_cell cells[RECORD_PART_ROWS_MAX];
};

uint32_t record_part_seed(uint32_t date, uint32_t number)
{
    const uint8_t bytes[] = {(uint8_t)date, (uint8_t)(date >> 8), (uint8_t)(date >> 16),
                             (uint8_t)(date >> 24), (uint8_t)number};
    return crc32c(0, bytes, sizeof(bytes));
}

struct record_part_writer *record_part_writer_new(void)
{
    struct record_part_writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL)
        abort();
    record_column_writer_init(&writer->columns, RECORD_PART_BITS_BYTES_MAX);
    buf_init(&writer->front, RECORD_PART_FRONT_BYTES_MAX);
    return writer;
}

void record_part_writer_free(struct record_part_writer *writer)
{
    if (writer == NULL)
        return;
    record_column_writer_done(&writer->columns);
    buf_done(&writer->front);
    free(writer);
}

/* --- Columns --------------------------------------------------------------------------------- */

static int64_t distance(const struct numbers *numbers, size_t i, uint32_t ratio)
{
    return ratio == 0
               ? numbers->at[i]
               : numbers->at[i] - record_predict(numbers->predictors[i], ratio, numbers->is_scaled);
}

static uint64_t bits_of(uint64_t number)
{
    return number == 0 ? 0 : 64 - (uint64_t)__builtin_clzll(number);
}

/* Roughly the bits that the column takes; says whether its distances are signed. */
static uint64_t cost_of(const struct numbers *numbers, struct coding *coding)
{
    uint64_t plain = 0, zigzag = 0;
    coding->is_signed = false;
    for (size_t i = 0; i < numbers->count; i++) {
        int64_t far = distance(numbers, i, coding->ratio);
        coding->is_signed |= far < 0;
        plain += bits_of((uint64_t)far);
        zigzag += bits_of(record_zigzag(far));
    }
    return coding->is_signed ? zigzag : plain;
}

/* What one of the predictor stands for, over the whole column; 0 when it cannot foretell. */
static uint32_t mean_ratio(const struct numbers *numbers)
{
    double sum = 0, predicted = 0;
    for (size_t i = 0; numbers->predictors != NULL && i < numbers->count; i++) {
        int64_t predictor = numbers->predictors[i];
        if (predictor > RECORD_PREDICTOR_MAX || predictor < -RECORD_PREDICTOR_MAX)
            return 0;
        sum += (double)(numbers->is_scaled ? record_unscale(numbers->at[i]) : numbers->at[i]);
        predicted += (double)predictor;
    }
    double ratio = predicted <= 0 ? 0 : sum / predicted * RECORD_RATIO_ONE + 0.5;
    return ratio >= 1 && ratio < RECORD_RATIO_MAX ? (uint32_t)ratio : 0;
}

/* Without a prediction, with the predictor itself, or with the mean ratio: what takes least. */
static struct coding choose(const struct numbers *numbers)
{
    struct coding best = {.is_absent = true};
    for (size_t i = 0; i < numbers->count; i++)
        best.is_absent &= numbers->at[i] == 0;
    uint32_t mean = best.is_absent ? 0 : mean_ratio(numbers);
    if (best.is_absent)
        return best;
    const uint32_t ratios[] = {RECORD_RATIO_ONE, mean};
    uint64_t best_cost = cost_of(numbers, &best);
    for (size_t i = 0; mean > 0 && i < ARRAY_LEN(ratios); i++) {
        struct coding other = {.ratio = ratios[i]};
        uint64_t cost = cost_of(numbers, &other);
        if (cost < best_cost) {
            best = other;
            best_cost = cost;
        }
    }
    return best;
}

static void add_coding(struct record_part_writer *writer, const struct coding *coding)
{
    buf_append_varint(&writer->front,
                      coding->is_absent ? 0 : 1 + 2 * (uint64_t)coding->ratio + coding->is_signed);
}

static void add_cut(struct record_part_writer *writer)
{
    assert(writer->cut_count < CUTS_MAX);
    writer->cuts[writer->cut_count++] = writer->front.len + writer->columns.classes.len;
}

static void add_column(struct record_part_writer *writer, const struct numbers *numbers,
                       const struct coding *coding)
{
    if (coding->is_absent)
        return;
    for (size_t i = 0; i < numbers->count; i++) {
        int64_t far = distance(numbers, i, coding->ratio);
        record_column_write(&writer->columns,
                            coding->is_signed ? record_zigzag(far) : (uint64_t)far);
    }
    if (numbers->count >= RECORD_BLOCK_ROWS)
        add_cut(writer);
}

static void start_piece(struct record_part_writer *writer, uint32_t tag, size_t count)
{
    assert(writer->piece_count < RECORD_PART_PIECES_MAX);
    writer->piece_count++;
    buf_append_byte(&writer->front, (uint8_t)tag);
    buf_append_varint(&writer->front, count);
}

/* The classes go behind the head. */
static void end_piece(struct record_part_writer *writer)
{
    buf_append_str(&writer->front, buf_str(&writer->columns.classes));
    buf_reset(&writer->columns.classes);
}

/* --- Tables ---------------------------------------------------------------------------------- */

static int compare_rows(const void *left, const void *right)
{
    const struct day_row *a = left, *b = right;
    return a->name < b->name ? -1 : a->name > b->name;
}

static void take_numbers(struct record_part_writer *writer, enum table table,
                         const struct column *column, size_t count)
{
    struct numbers *numbers = &writer->numbers;
    numbers->count = count;
    numbers->is_scaled = record_is_scaled(table, column->metric);
    numbers->predictors =
        column->predictor == column->metric ? NULL : writer->sums[column->predictor];
    for (size_t i = 0; i < count; i++) {
        int64_t sum = writer->sums[column->metric][i];
        numbers->at[i] = numbers->is_scaled ? record_scale(sum) : sum;
    }
}

void record_part_add_table(struct record_part_writer *writer, enum table table,
                           const struct day_table *rows)
{
    struct coding codings[METRIC__COUNT];
    size_t count = rows->count;
    assert(count >= 1 && count <= RECORD_ROWS_MAX);
    memcpy(writer->rows, rows->rows, count * sizeof(*writer->rows));
    qsort(writer->rows, count, sizeof(*writer->rows), compare_rows);
    for (size_t i = 0; i < count; i++)
        for (int m = 0; m < METRIC__COUNT; m++)
            writer->sums[m][i] = writer->rows[i].sums[m];
    start_piece(writer, table, count);
    for (int c = 0; c < METRIC__COUNT; c++) {
        take_numbers(writer, table, &TABLE_COLUMNS[c], count);
        codings[c] = choose(&writer->numbers);
        add_coding(writer, &codings[c]);
    }
    if (count >= RECORD_BLOCK_ROWS)
        add_cut(writer);
    uint32_t next = 0;
    for (size_t i = 0; i < count; i++) {
        record_column_write(&writer->columns, writer->rows[i].name - next);
        next = writer->rows[i].name + 1;
    }
    if (count >= RECORD_BLOCK_ROWS)
        add_cut(writer);
    for (int c = 0; c < METRIC__COUNT; c++) {
        take_numbers(writer, table, &TABLE_COLUMNS[c], count);
        add_column(writer, &writer->numbers, &codings[c]);
    }
    end_piece(writer);
}

/* --- Crosses --------------------------------------------------------------------------------- */

static int compare_cells(const void *left, const void *right)
{
    const struct day_cell *a = left, *b = right;
    if (a->left != b->left)
        return a->left < b->left ? -1 : 1;
    return a->right < b->right ? -1 : a->right > b->right;
}

static void add_pairs(struct record_part_writer *writer, size_t count)
{
    const struct day_cell *cells = writer->cells;
    for (size_t i = 0; i < count; i++)
        record_column_write(&writer->columns,
                            i == 0 ? cells[i].left : cells[i].left - cells[i - 1].left);
    for (size_t i = 0; i < count; i++) {
        bool goes_on = i > 0 && cells[i].left == cells[i - 1].left;
        record_column_write(&writer->columns,
                            goes_on ? cells[i].right - cells[i - 1].right - 1 : cells[i].right);
    }
}

/* Visits, or views that visits foretell. */
static void take_amounts(struct record_part_writer *writer, bool views, size_t count)
{
    struct numbers *numbers = &writer->numbers;
    numbers->count = count;
    numbers->is_scaled = false;
    numbers->predictors = views ? writer->sums[METRIC_VISITS] : NULL;
    for (size_t i = 0; i < count; i++)
        numbers->at[i] = views ? writer->cells[i].views : writer->cells[i].visits;
}

void record_part_add_cross(struct record_part_writer *writer, enum cross number,
                           const struct day_cross *cross)
{
    struct coding codings[2];
    size_t count = cross->count;
    assert(count <= RECORD_CELLS_MAX);
    if (count > 0)
        memcpy(writer->cells, cross->cells, count * sizeof(*writer->cells));
    qsort(writer->cells, count, sizeof(*writer->cells), compare_cells);
    for (size_t i = 0; i < count; i++)
        writer->sums[METRIC_VISITS][i] = writer->cells[i].visits;
    start_piece(writer, RECORD_PART_CROSS_TAG + (uint32_t)number, count);
    buf_append_varint(&writer->front, record_zigzag(cross->hidden_views));
    buf_append_varint(&writer->front, record_zigzag(cross->hidden_visits));
    for (int views = 0; views < 2; views++) {
        take_amounts(writer, views, count);
        codings[views] = choose(&writer->numbers);
        add_coding(writer, &codings[views]);
    }
    add_pairs(writer, count);
    for (int views = 0; views < 2; views++) {
        take_amounts(writer, views, count);
        add_column(writer, &writer->numbers, &codings[views]);
    }
    end_piece(writer);
}

/* --- The part -------------------------------------------------------------------------------- */

static void compress(ZSTD_CCtx *ctx, struct buf *out, struct str bytes, ZSTD_EndDirective end)
{
    char room[1024];
    ZSTD_inBuffer in = {bytes.ptr, bytes.len, 0};
    size_t left;
    do {
        ZSTD_outBuffer to = {room, sizeof(room), 0};
        left = ZSTD_compressStream2(ctx, &to, &in, end);
        assert(!ZSTD_isError(left));
        buf_append(out, room, to.pos);
    } while (left > 0 || in.pos < in.size);
}

static void compress_front(const struct record_part_writer *writer, struct buf *out)
{
    struct str front = buf_str(&writer->front);
    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    if (ctx == NULL)
        abort();
    size_t error = ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    assert(!ZSTD_isError(error));
    error = ZSTD_CCtx_setPledgedSrcSize(ctx, front.len);
    assert(!ZSTD_isError(error));
    size_t at = 0;
    for (size_t c = 0; c < writer->cut_count; c++) {
        size_t len = writer->cuts[c] - at;
        if (len > 0 && writer->cuts[c] < front.len)
            compress(ctx, out, str_prefix(str_from_at(front, at), len), ZSTD_e_flush);
        at = writer->cuts[c] < front.len ? writer->cuts[c] : at;
    }
    compress(ctx, out, str_from_at(front, at), ZSTD_e_end);
    ZSTD_freeCCtx(ctx);
}

void record_part_end(struct record_part_writer *writer, uint32_t seed, struct buf *out)
{
    struct buf squeezed;
    size_t at = out->len;
    if (writer->piece_count == 0)
        return;
    record_column_finish(&writer->columns);
    buf_init(&squeezed, 2 * RECORD_PART_FRONT_BYTES_MAX);
    compress_front(writer, &squeezed);
    assert(!writer->front.overflow && !squeezed.overflow && !writer->columns.bits.overflow);
    bool is_squeezed = squeezed.len < writer->front.len;
    struct str stored = buf_str(is_squeezed ? &squeezed : &writer->front);
    buf_append_byte(out, is_squeezed ? RECORD_PART_ZSTD : RECORD_PART_PLAIN);
    buf_append_varint(out, stored.len);
    buf_append_str(out, stored);
    buf_append_str(out, buf_str(&writer->columns.bits));
    assert(!out->overflow);
    uint32_t crc = crc32c(seed, out->ptr + at, out->len - at);
    for (int i = 0; i < RECORD_PART_CRC_BYTES; i++)
        buf_append_byte(out, (uint8_t)(crc >> 8 * i));
    buf_done(&squeezed);
    buf_reset(&writer->front);
    buf_reset(&writer->columns.bits);
    writer->cut_count = writer->piece_count = 0;
}

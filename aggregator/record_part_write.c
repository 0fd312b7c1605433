/* Rows and cells to bytes: see record_part.h. Called when a day or a month is sealed; one writer
 * makes all parts of a record. */

#include <assert.h>
#include <stdlib.h>

#include "aggregator/record_column.h"
#include "aggregator/record_part.h"
#include "common/crc32c.h"

enum { CROSS_COLUMNS = 2, NAMES_IN_RUNS = 1, RIGHTS_IN_RUNS = 2 };

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
    bool is_absent, in_runs, is_signed;
    uint32_t ratio;
};

struct record_part_writer {
    struct record_column_writer columns;
    struct buf heads;
    size_t piece_count;
    struct numbers numbers;
    uint64_t raw[2][RECORD_PART_ROWS_MAX]; /* of one column, or a cross's left and right */
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
    buf_init(&writer->heads, RECORD_PART_HEADS_BYTES_MAX);
    return writer;
}

void record_part_writer_free(struct record_part_writer *writer)
{
    if (writer == NULL)
        return;
    record_column_writer_done(&writer->columns);
    buf_done(&writer->heads);
    free(writer);
}

/* --- Columns --------------------------------------------------------------------------------- */

/* The column's distances as they are written; says whether they are signed. */
static bool take_distances(const struct numbers *numbers, uint32_t ratio, uint64_t *ret_raw)
{
    bool is_signed = false;
    for (size_t i = 0; i < numbers->count; i++) {
        int64_t far = numbers->at[i];
        if (ratio > 0)
            far -= record_predict(numbers->predictors[i], ratio, numbers->is_scaled);
        is_signed |= far < 0;
        ret_raw[i] = (uint64_t)far;
    }
    for (size_t i = 0; is_signed && i < numbers->count; i++)
        ret_raw[i] = record_zigzag((int64_t)ret_raw[i]);
    return is_signed;
}

/* Whether a column is shorter in runs. */
static bool prefers_runs(const uint64_t *raw, size_t count, uint64_t *ret_cost)
{
    uint64_t plain = record_column_cost(raw, count, false);
    uint64_t runs = record_column_cost(raw, count, true);
    *ret_cost = runs < plain ? runs : plain;
    return runs < plain;
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
static struct coding choose(const struct numbers *numbers, uint64_t *raw)
{
    struct coding best = {.is_absent = true};
    uint64_t best_cost = UINT64_MAX;
    for (size_t i = 0; i < numbers->count; i++)
        best.is_absent &= numbers->at[i] == 0;
    if (best.is_absent)
        return best;
    uint32_t mean = mean_ratio(numbers);
    const uint32_t ratios[] = {0, RECORD_RATIO_ONE, mean};
    for (size_t i = 0; i < (mean > 0 ? ARRAY_LEN(ratios) : 1); i++) {
        struct coding coding = {.ratio = ratios[i]};
        uint64_t cost;
        coding.is_signed = take_distances(numbers, coding.ratio, raw);
        coding.in_runs = prefers_runs(raw, numbers->count, &cost);
        if (cost < best_cost) {
            best = coding;
            best_cost = cost;
        }
    }
    return best;
}

/* To the heads and the bits. */
static void add_column(struct record_part_writer *writer)
{
    uint64_t *raw = writer->raw[0];
    struct coding coding = choose(&writer->numbers, raw);
    buf_append_varint(&writer->heads, coding.is_absent ? 0
                                                       : 1 + 4 * (uint64_t)coding.ratio +
                                                             2 * coding.in_runs + coding.is_signed);
    if (coding.is_absent)
        return;
    (void)take_distances(&writer->numbers, coding.ratio, raw);
    record_column_write(&writer->columns, raw, writer->numbers.count, coding.in_runs);
}

static void start_piece(struct record_part_writer *writer, uint32_t tag, size_t count,
                        uint32_t names_in_runs)
{
    assert(writer->piece_count < RECORD_PART_PIECES_MAX);
    writer->piece_count++;
    buf_append_byte(&writer->heads, (uint8_t)tag);
    buf_append_varint(&writer->heads, 4 * (uint64_t)count + names_in_runs);
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

static void add_names(struct record_part_writer *writer, enum table table, size_t count)
{
    uint64_t *raw = writer->raw[0], cost;
    uint32_t next = 0;
    for (size_t i = 0; i < count; i++) {
        raw[i] = writer->rows[i].name - next;
        next = writer->rows[i].name + 1;
    }
    bool in_runs = prefers_runs(raw, count, &cost);
    start_piece(writer, table, count, in_runs ? NAMES_IN_RUNS : 0);
    record_column_write(&writer->columns, raw, count, in_runs);
}

void record_part_add_table(struct record_part_writer *writer, enum table table,
                           const struct day_table *rows)
{
    size_t count = rows->count;
    assert(count >= 1 && count <= RECORD_ROWS_MAX);
    memcpy(writer->rows, rows->rows, count * sizeof(*writer->rows));
    qsort(writer->rows, count, sizeof(*writer->rows), compare_rows);
    for (size_t i = 0; i < count; i++)
        for (int m = 0; m < METRIC__COUNT; m++)
            writer->sums[m][i] = writer->rows[i].sums[m];
    add_names(writer, table, count);
    for (int c = 0; c < METRIC__COUNT; c++) {
        take_numbers(writer, table, &TABLE_COLUMNS[c], count);
        add_column(writer);
    }
}

/* --- Crosses --------------------------------------------------------------------------------- */

static int compare_cells(const void *left, const void *right)
{
    const struct day_cell *a = left, *b = right;
    if (a->left != b->left)
        return a->left < b->left ? -1 : 1;
    return a->right < b->right ? -1 : a->right > b->right;
}

static void add_pairs(struct record_part_writer *writer, enum cross number, size_t count)
{
    const struct day_cell *cells = writer->cells;
    uint64_t *left = writer->raw[0], *right = writer->raw[1], cost;
    for (size_t i = 0; i < count; i++) {
        bool goes_on = i > 0 && cells[i].left == cells[i - 1].left;
        left[i] = i == 0 ? cells[i].left : cells[i].left - cells[i - 1].left;
        right[i] = goes_on ? cells[i].right - cells[i - 1].right - 1 : cells[i].right;
    }
    bool lefts = prefers_runs(left, count, &cost), rights = prefers_runs(right, count, &cost);
    start_piece(writer, RECORD_PART_CROSS_TAG + (uint32_t)number, count,
                (lefts ? NAMES_IN_RUNS : 0) + (rights ? RIGHTS_IN_RUNS : 0));
    record_column_write(&writer->columns, left, count, lefts);
    record_column_write(&writer->columns, right, count, rights);
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
    size_t count = cross->count;
    assert(count <= RECORD_CELLS_MAX);
    if (count > 0)
        memcpy(writer->cells, cross->cells, count * sizeof(*writer->cells));
    qsort(writer->cells, count, sizeof(*writer->cells), compare_cells);
    for (size_t i = 0; i < count; i++)
        writer->sums[METRIC_VISITS][i] = writer->cells[i].visits;
    add_pairs(writer, number, count);
    buf_append_varint(&writer->heads, record_zigzag(cross->hidden_views));
    buf_append_varint(&writer->heads, record_zigzag(cross->hidden_visits));
    for (int c = 0; c < CROSS_COLUMNS; c++) {
        take_amounts(writer, c > 0, count);
        add_column(writer);
    }
}

/* --- The part -------------------------------------------------------------------------------- */

void record_part_end(struct record_part_writer *writer, uint32_t seed, struct buf *out)
{
    size_t at = out->len;
    if (writer->piece_count == 0)
        return;
    record_column_finish(&writer->columns);
    assert(!writer->heads.overflow && !writer->columns.bits.overflow);
    buf_append_byte(out, (uint8_t)writer->piece_count);
    buf_append_str(out, buf_str(&writer->heads));
    buf_append_str(out, buf_str(&writer->columns.bits));
    assert(!out->overflow);
    uint32_t crc = crc32c(seed, out->ptr + at, out->len - at);
    for (int i = 0; i < RECORD_PART_CRC_BYTES; i++)
        buf_append_byte(out, (uint8_t)(crc >> 8 * i));
    buf_reset(&writer->heads);
    buf_reset(&writer->columns.bits);
    writer->piece_count = 0;
}

/* A batch's payload as bytes and back; the layout is in the header.
 *
 * Example, one view of "/a" on example.com, cells left out but one:
 *   46 42 02  01                     "FB", version 2, one section
 *   0b 65 78 … 6d  b1 8a d4 09  01   "example.com", 20260401, one view
 *   02                               two cells
 *   0d  02 4e 4c  03 02 02  00       country, "NL", mask v|s, +1, +1, no register
 *   02  02 2f 61  03 02 02           page, "/a", mask v|s, +1, +1
 *   01  34 12 05                     one register: index 0x1234, rank 5
 *   01                               one group of crosses
 *   04  01                           page*country, one cell
 *   02 01  01 01                     cell 2 "/a", cell 1 "NL": one view, one visit
 *   xx xx xx xx                      CRC-32
 *
 * Decoding reads twice: first to check everything, then to fold. A batch comes from our own
 * collector, but a bug or a damaged store must not become a wrong count. */

#include "aggregator/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <zlib.h>

enum { BATCH_WITHOUT_CROSSES = 1, BATCH_CROSSED = 2 }; /* versions */
static const uint8_t BATCH_HEAD[] = {'F', 'B', BATCH_CROSSED};
enum { BATCH_CRC_BYTES = 4, BATCH_SECTION_HEAD_BYTES_MAX = 2 + HOST_BYTES_MAX + 4 * 5 };
/* No sum of one batch comes near it; keeps folded sums far from overflow. */
static const int64_t BATCH_SUM_MAX = INT64_C(1) << 40;

/* --- Writing --------------------------------------------------------------------------------- */

static uint64_t zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static int64_t unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static void append_str(struct buf *out, struct str s)
{
    buf_append_varint(out, s.len);
    buf_append_str(out, s);
}

size_t batch_section_bytes_max(const struct section *section)
{
    return BATCH_SECTION_HEAD_BYTES_MAX + section->bytes.len +
           (size_t)section->cell_count * BATCH_CELL_BYTES_MAX +
           (size_t)section->register_count * BATCH_REGISTER_BYTES +
           (size_t)section->crosses.count * BATCH_CROSS_BYTES_MAX;
}

void batch_begin(struct buf *out, uint32_t section_count)
{
    assert(section_count <= BATCH_SECTIONS_MAX);
    buf_append(out, BATCH_HEAD, sizeof(BATCH_HEAD));
    buf_append_varint(out, section_count);
}

static void append_cell(struct buf *out, const struct section *section, const struct cell *cell,
                        const struct section_register *registers, uint32_t register_count)
{
    uint32_t mask = 0;
    for (int m = 0; m < SECTION_SUMS; m++)
        if (cell->sums[m] != 0)
            mask |= 1u << m;
    buf_append_byte(out, cell->table);
    append_str(out, section_value(section, cell));
    buf_append_varint(out, mask);
    for (int m = 0; m < SECTION_SUMS; m++)
        if (cell->sums[m] != 0)
            buf_append_varint(out, zigzag(cell->sums[m]));
    buf_append_varint(out, register_count);
    for (uint32_t i = 0; i < register_count; i++) {
        uint8_t bytes[BATCH_REGISTER_BYTES] = {
            (uint8_t)registers[i].index, (uint8_t)(registers[i].index >> 8), registers[i].rank};
        buf_append(out, bytes, sizeof(bytes));
    }
}

static uint32_t number_of(const uint32_t *numbers, uint32_t cell)
{
    return cell == CROSS_OTHER ? 0 : numbers[cell];
}

/* `numbers`: of each cell in the payload. */
static void append_crosses(struct buf *out, const struct section *section, const uint32_t *numbers)
{
    uint32_t first[CROSS__COUNT + 1], groups = 0;
    uint32_t *order = cross_table_order(&section->crosses, first);
    for (int c = 0; c < CROSS__COUNT; c++)
        groups += first[c + 1] > first[c];
    buf_append_varint(out, groups);
    for (int c = 0; c < CROSS__COUNT; c++) {
        if (first[c + 1] == first[c])
            continue;
        buf_append_byte(out, (uint8_t)c);
        buf_append_varint(out, first[c + 1] - first[c]);
        for (uint32_t i = first[c]; i < first[c + 1]; i++) {
            const struct cross_cell *cell = &section->crosses.cells[order[i]];
            buf_append_varint(out, number_of(numbers, cross_left(cell->key)));
            buf_append_varint(out, number_of(numbers, cross_right(cell->key)));
            buf_append_varint(out, (uint64_t)cell->views);
            buf_append_varint(out, (uint64_t)cell->visits);
        }
    }
    free(order);
}

void batch_append_section(struct buf *out, struct section *section)
{
    section_sort_registers(section);
    /* Where each cell's registers start: they are sorted by cell. */
    uint32_t *first = calloc((size_t)section->cell_count + 1, sizeof(*first));
    uint32_t *numbers = calloc((size_t)section->cell_count + 1, sizeof(*numbers));
    if (first == NULL || numbers == NULL)
        abort();
    for (uint32_t i = 0; i < section->register_count; i++)
        first[section->registers[i].cell + 1]++;
    for (uint32_t i = 0; i < section->cell_count; i++)
        first[i + 1] += first[i];

    append_str(out, section->site);
    buf_append_varint(out, section->date);
    buf_append_varint(out, section->views);
    buf_append_varint(out, section->cell_count);
    uint32_t *order = section_shuffled(section);
    for (uint32_t i = 0; i < section->cell_count; i++) {
        uint32_t c = order[i];
        append_cell(out, section, &section->cells[c], section->registers + first[c],
                    first[c + 1] - first[c]);
        numbers[c] = i + 1;
    }
    append_crosses(out, section, numbers);
    free(order);
    free(numbers);
    free(first);
}

void batch_end(struct buf *out)
{
    uint32_t crc = (uint32_t)crc32_z(0, (const Bytef *)out->ptr, out->len);
    uint8_t bytes[BATCH_CRC_BYTES] = {(uint8_t)crc, (uint8_t)(crc >> 8), (uint8_t)(crc >> 16),
                                      (uint8_t)(crc >> 24)};
    buf_append(out, bytes, sizeof(bytes));
}

/* --- Days ------------------------------------------------------------------------------------ */

void day_set_init(struct day_set *set, uint32_t cells_max)
{
    *set = (struct day_set){.cells_max = cells_max};
}

void day_set_done(struct day_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        section_free(set->sections[i]);
    free(set->sections);
    *set = (struct day_set){0};
}

static struct section *day_set_find(const struct day_set *set, struct str site, uint32_t date)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->sections[i]->date == date && str_eq(set->sections[i]->site, site))
            return set->sections[i];
    return NULL;
}

struct section *day_set_section(struct day_set *set, struct str site, uint32_t date)
{
    struct section *section = day_set_find(set, site, date);
    if (section != NULL)
        return section;
    if (set->count == set->capacity) {
        set->capacity = set->capacity == 0 ? 8 : set->capacity * 2;
        set->sections = reallocarray(set->sections, set->capacity, sizeof(struct section *));
        if (set->sections == NULL)
            abort();
    }
    section = section_new(set->cells_max);
    section_reset(section, site, date);
    set->sections[set->count++] = section;
    return section;
}

/* --- Reading --------------------------------------------------------------------------------- */

struct reader {
    const uint8_t *at, *end;
    uint8_t version;
    struct day_set *set; /* NULL while checking */
    uint64_t cells;      /* of all sections so far */
};

static bool read_varint(struct reader *r, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (r->at == r->end)
            return false;
        uint8_t byte = *r->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static bool read_str(struct reader *r, struct str *ret_str)
{
    uint64_t len;
    if (!read_varint(r, &len) || len > (uint64_t)(r->end - r->at))
        return false;
    *ret_str = (struct str){(const char *)r->at, (size_t)len};
    r->at += len;
    return true;
}

static enum batch_status read_sums(struct reader *r, int64_t sums[SECTION_SUMS])
{
    uint64_t mask, value;
    if (!read_varint(r, &mask))
        return BATCH_TRUNCATED;
    if (mask >= UINT64_C(1) << SECTION_SUMS)
        return BATCH_BAD_METRIC;
    for (int m = 0; m < SECTION_SUMS; m++) {
        sums[m] = 0;
        if ((mask >> m & 1) == 0)
            continue;
        if (!read_varint(r, &value))
            return BATCH_TRUNCATED;
        sums[m] = unzigzag(value);
        if (sums[m] > BATCH_SUM_MAX || sums[m] < -BATCH_SUM_MAX)
            return BATCH_BAD_METRIC;
    }
    return BATCH_OK;
}

static enum batch_status read_registers(struct reader *r, struct section *section,
                                        const struct cell *cell)
{
    uint64_t count;
    if (!read_varint(r, &count) || count > (uint64_t)(r->end - r->at) / BATCH_REGISTER_BYTES)
        return BATCH_TRUNCATED;
    for (uint64_t i = 0; i < count; i++, r->at += BATCH_REGISTER_BYTES) {
        struct sketch_register reg = {(uint16_t)(r->at[0] | r->at[1] << 8), r->at[2]};
        if (reg.index >= SKETCH_REGISTERS || reg.rank < 1 || reg.rank > SKETCH_RANK_MAX)
            return BATCH_BAD_REGISTER;
        if (section != NULL)
            section_add_register(section, cell, reg);
    }
    return BATCH_OK;
}

/* `*ret_number`: the cell's table while checking, its index in the section while folding. */
static enum batch_status read_cell(struct reader *r, struct section *section, uint32_t *ret_number)
{
    struct str value;
    int64_t sums[SECTION_SUMS];
    if (r->at == r->end)
        return BATCH_TRUNCATED;
    uint8_t table = *r->at++;
    if (table >= TABLE__COUNT)
        return BATCH_BAD_TABLE;
    if (!read_str(r, &value))
        return BATCH_TRUNCATED;
    if (value.len > VALUE_BYTES_MAX)
        return BATCH_BAD_VALUE;
    enum batch_status status = read_sums(r, sums);
    if (status != BATCH_OK)
        return status;
    struct cell *cell = NULL;
    *ret_number = table;
    if (section != NULL) {
        cell = section_cell(section, (enum table)table, value);
        assert(cell != NULL); /* the check has made sure that there is room */
        for (int m = 0; m < SECTION_SUMS; m++)
            cell->sums[m] += sums[m];
        *ret_number = (uint32_t)(cell - section->cells);
    }
    return read_registers(r, section, cell);
}

/* The cells of one section of the payload: what read_cell() has told of each. */
struct numbers {
    uint32_t *cells;
    uint64_t count;
};

/* A side's cell by its number, which must be of this table. */
static bool read_side(struct reader *r, const struct section *section,
                      const struct numbers *numbers, enum table table, uint32_t *ret_cell)
{
    uint64_t number;
    if (!read_varint(r, &number) || number > numbers->count)
        return false;
    *ret_cell = number == 0 ? CROSS_OTHER : numbers->cells[number - 1];
    return number == 0 || section != NULL || *ret_cell == (uint32_t)table;
}

static enum batch_status read_cross(struct reader *r, struct section *section, enum cross cross,
                                    const struct numbers *numbers)
{
    uint32_t left, right;
    uint64_t views, visits;
    if (!read_side(r, section, numbers, model_cross_left(cross), &left) ||
        !read_side(r, section, numbers, model_cross_right(cross), &right) ||
        (left == CROSS_OTHER) != (right == CROSS_OTHER) || !read_varint(r, &views) ||
        !read_varint(r, &visits) || views > (uint64_t)BATCH_SUM_MAX ||
        visits > (uint64_t)BATCH_SUM_MAX)
        return BATCH_BAD_CROSS;
    if (section != NULL && !r->set->ignores_crosses)
        section_cross(section, cross_key(cross, left, right), (int64_t)views, (int64_t)visits);
    return BATCH_OK;
}

static enum batch_status read_crosses(struct reader *r, struct section *section,
                                      const struct numbers *numbers)
{
    uint64_t groups, cells;
    int least = 0; /* that the next group's cross may be */
    if (r->version == BATCH_WITHOUT_CROSSES)
        return BATCH_OK;
    if (!read_varint(r, &groups))
        return BATCH_TRUNCATED;
    for (uint64_t g = 0; g < groups; g++) {
        if (r->at == r->end)
            return BATCH_TRUNCATED;
        int cross = *r->at++;
        if (cross < least || cross >= CROSS__COUNT)
            return BATCH_BAD_CROSS;
        least = cross + 1;
        if (!read_varint(r, &cells))
            return BATCH_TRUNCATED;
        if (section != NULL && !r->set->ignores_crosses && cells <= section->cells_max)
            cross_table_reserve(&section->crosses, (uint32_t)cells);
        for (uint64_t i = 0; i < cells; i++) {
            enum batch_status status = read_cross(r, section, (enum cross)cross, numbers);
            if (status != BATCH_OK)
                return status;
        }
    }
    return BATCH_OK;
}

static enum batch_status read_cells(struct reader *r, struct section *section, uint64_t count)
{
    struct numbers numbers = {.cells = calloc((size_t)count + 1, sizeof(uint32_t)), .count = count};
    enum batch_status status = BATCH_OK;
    if (numbers.cells == NULL)
        abort();
    for (uint64_t i = 0; i < count && status == BATCH_OK; i++)
        status = read_cell(r, section, &numbers.cells[i]);
    if (status == BATCH_OK)
        status = read_crosses(r, section, &numbers);
    free(numbers.cells);
    return status;
}

/* Room is judged as if every cell of the payload were new and of this section. */
static bool has_room(const struct day_set *set, struct str site, uint32_t date, uint64_t cells)
{
    const struct section *section = day_set_find(set, site, date);
    uint32_t taken = section == NULL ? 0 : section->cell_count;
    return cells <= set->cells_max - taken;
}

static enum batch_status read_section(struct reader *r, const struct day_set *room)
{
    struct str site;
    uint64_t date, views, cells;
    if (!read_str(r, &site))
        return BATCH_TRUNCATED;
    if (!model_site_valid(site))
        return BATCH_BAD_SITE;
    if (!read_varint(r, &date))
        return BATCH_TRUNCATED;
    if (date > UINT32_MAX || !model_date_valid((uint32_t)date))
        return BATCH_BAD_DATE;
    if (!read_varint(r, &views) || !read_varint(r, &cells))
        return BATCH_TRUNCATED;
    if (cells > (uint64_t)(r->end - r->at))
        return BATCH_TRUNCATED; /* a cell is a byte at the least */
    r->cells += cells;
    if (r->set == NULL && !has_room(room, site, (uint32_t)date, r->cells))
        return BATCH_TOO_MANY_CELLS;
    struct section *section = NULL;
    if (r->set != NULL) {
        section = day_set_section(r->set, site, (uint32_t)date);
        section->views += (uint32_t)views;
    }
    return read_cells(r, section, cells);
}

static enum batch_status read_sections(struct reader *r, const struct day_set *room)
{
    uint64_t count;
    if (!read_varint(r, &count))
        return BATCH_TRUNCATED;
    if (count > BATCH_SECTIONS_MAX)
        return BATCH_TOO_MANY_SECTIONS;
    for (uint64_t i = 0; i < count; i++) {
        enum batch_status status = read_section(r, room);
        if (status != BATCH_OK)
            return status;
    }
    return r->at == r->end ? BATCH_OK : BATCH_TRAILING_BYTES;
}

const char *batch_status_name(enum batch_status status)
{
    static const char *const NAMES[BATCH__COUNT] = {
        [BATCH_OK] = "ok",
        [BATCH_TRUNCATED] = "truncated",
        [BATCH_BAD_MAGIC] = "not a batch",
        [BATCH_BAD_VERSION] = "unknown version",
        [BATCH_BAD_CHECKSUM] = "checksum does not match",
        [BATCH_BAD_SITE] = "bad site",
        [BATCH_BAD_DATE] = "bad date",
        [BATCH_BAD_TABLE] = "unknown table",
        [BATCH_BAD_VALUE] = "value too long",
        [BATCH_BAD_METRIC] = "bad metric",
        [BATCH_BAD_REGISTER] = "bad register",
        [BATCH_BAD_CROSS] = "bad cross",
        [BATCH_TRAILING_BYTES] = "bytes after the end",
        [BATCH_TOO_MANY_SECTIONS] = "too many sections",
        [BATCH_TOO_MANY_CELLS] = "too many cells",
    };
    assert(status < BATCH__COUNT);
    return NAMES[status];
}

enum batch_status batch_fold(struct str payload, struct day_set *set)
{
    const uint8_t *bytes = (const uint8_t *)payload.ptr;
    if (payload.len < sizeof(BATCH_HEAD) + BATCH_CRC_BYTES)
        return BATCH_TRUNCATED;
    if (memcmp(bytes, BATCH_HEAD, 2) != 0)
        return BATCH_BAD_MAGIC;
    if (bytes[2] != BATCH_WITHOUT_CROSSES && bytes[2] != BATCH_CROSSED)
        return BATCH_BAD_VERSION;
    const uint8_t *end = bytes + payload.len - BATCH_CRC_BYTES;
    uint32_t crc =
        (uint32_t)end[0] | (uint32_t)end[1] << 8 | (uint32_t)end[2] << 16 | (uint32_t)end[3] << 24;
    if (crc != (uint32_t)crc32_z(0, bytes, payload.len - BATCH_CRC_BYTES))
        return BATCH_BAD_CHECKSUM;

    struct reader check = {.at = bytes + sizeof(BATCH_HEAD), .end = end, .version = bytes[2]};
    enum batch_status status = read_sections(&check, set);
    if (status != BATCH_OK)
        return status;
    struct reader fold = check;
    fold.at = bytes + sizeof(BATCH_HEAD);
    fold.set = set;
    return read_sections(&fold, NULL);
}

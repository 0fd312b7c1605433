/* A batch's payload as bytes and back; the layout is in the header.
 *
 * Example, one view of "/a" on example.com, cells left out but one:
 *   46 42 01  01                     "FB", version 1, one section
 *   0b 65 78 … 6d  b1 8a d4 09  01   "example.com", 20260401, one view
 *   01                               one cell
 *   02  02 2f 61  03 02 02           page, "/a", mask v|s, +1, +1
 *   01  34 12 05                     one register: index 0x1234, rank 5
 *   xx xx xx xx                      CRC-32
 *
 * Decoding reads twice: first to check everything, then to fold. A batch comes from our own
 * collector, but a bug or a damaged store must not become a wrong count. */

#include "aggregator/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <zlib.h>

static const uint8_t BATCH_HEAD[] = {'F', 'B', 1};
enum { BATCH_CRC_BYTES = 4, BATCH_SECTION_HEAD_BYTES_MAX = 2 + HOST_BYTES_MAX + 3 * 5 };
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
           (size_t)section->register_count * BATCH_REGISTER_BYTES;
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

void batch_append_section(struct buf *out, struct section *section)
{
    section_sort_registers(section);
    /* Where each cell's registers start: they are sorted by cell. */
    uint32_t *first = calloc((size_t)section->cell_count + 1, sizeof(*first));
    if (first == NULL)
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
    }
    free(order);
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

static enum batch_status read_cell(struct reader *r, struct section *section)
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
    if (section != NULL) {
        cell = section_cell(section, (enum table)table, value);
        assert(cell != NULL); /* the check has made sure that there is room */
        for (int m = 0; m < SECTION_SUMS; m++)
            cell->sums[m] += sums[m];
    }
    return read_registers(r, section, cell);
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
    for (uint64_t i = 0; i < cells; i++) {
        enum batch_status status = read_cell(r, section);
        if (status != BATCH_OK)
            return status;
    }
    return BATCH_OK;
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
    if (bytes[2] != BATCH_HEAD[2])
        return BATCH_BAD_VERSION;
    const uint8_t *end = bytes + payload.len - BATCH_CRC_BYTES;
    uint32_t crc =
        (uint32_t)end[0] | (uint32_t)end[1] << 8 | (uint32_t)end[2] << 16 | (uint32_t)end[3] << 24;
    if (crc != (uint32_t)crc32_z(0, bytes, payload.len - BATCH_CRC_BYTES))
        return BATCH_BAD_CHECKSUM;

    struct reader check = {.at = bytes + sizeof(BATCH_HEAD), .end = end};
    enum batch_status status = read_sections(&check, set);
    if (status != BATCH_OK)
        return status;
    struct reader fold = {.at = bytes + sizeof(BATCH_HEAD), .end = end, .set = set};
    return read_sections(&fold, NULL);
}
